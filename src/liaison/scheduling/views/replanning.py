"""A day that can't take place as planned: who is away, what that displaces, a plan, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from liaison.accounts.models import Site
from liaison.core.answers import done, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.languages import language_name
from liaison.core.numbers import id_in
from liaison.core.refusals import Refusal
from liaison.scheduling import actions, queries
from liaison.scheduling.access import ARRANGE
from liaison.scheduling.forms.replanning import CALL, ReadPick, ReplanForm, read_picks
from liaison.scheduling.forms.times import written_offer
from liaison.scheduling.models import Resource
from liaison.scheduling.ports import Span
from liaison.scheduling.queries.replanning import MOST_VISITS, Closing, DayReplan, DisplacedLine, NewTimeOffer, Picked
from liaison.scheduling.rules.replan import Press, TimeWhy

WHY_WORDS: Final[Mapping[TimeWhy, str | Promise]] = MappingProxyType(
    {
        TimeWhy.SAME_TIME: gettext_lazy("same time"),
        TimeWhy.SAME_DAY: gettext_lazy("same day"),
        TimeWhy.SAME_PERSON: gettext_lazy("same clinician"),
        TimeWhy.KNOWS_PATIENT: gettext_lazy("knows the patient"),
        TimeWhy.SOMEBODY_NEW: gettext_lazy("new to the patient"),
        TimeWhy.AFTER_DEADLINE: gettext_lazy("after it is due"),
    }
)
PRESS_WORDS: Final[Mapping[Press, str | Promise]] = MappingProxyType(
    {Press.URGENT: gettext_lazy("urgent"), Press.CLINICAL: gettext_lazy("clinical")}
)
_MENDED: Final = (actions.DayTaken, actions.DayChanged, actions.Impossible)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTime:
    """One time to choose: its value in the form, and its words."""

    value: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    """One visit of the plan as the page shows it."""

    line: DisplacedLine
    number: str
    value: str
    times: Sequence[ShownTime]
    whys: Sequence[str]
    press: str
    is_late: bool
    language: str


@require_http_methods(["GET", "POST"])
def replan(request: HttpRequest) -> HttpResponse:
    """Say who or what is away, see what that displaces and a plan for it, and apply it."""
    actor, now = actor_of(request), current_time()
    sites, resources = queries.what_can_close(actor)
    given = request.POST if request.method == "POST" else request.GET
    is_asked = "look" in given or request.method == "POST"
    first = _first_answers(given, sites, resources, now=now)
    form = ReplanForm({**first, **given.dict()} if is_asked else None, sites=sites, resources=resources, initial=first)
    page = _Page(request=request, form=form, given=given, now=now)
    if not is_asked or not form.is_valid():
        return page.show(status=422 if request.method == "POST" else 200)
    if request.method == "GET":
        return page.show()
    try:
        made = actions.replan_day(actor=actor, order=page.order(), now=now)
    except _MENDED as refusal:
        return page.show(refusal=refusal)
    to = reverse("scheduling:replanned", args=[made.pk])
    lines, unseen = queries.replanned_lines(actor, replan=made, now=now)
    count = len(lines) + unseen
    said = ngettext("%(n)s visit was planned anew.", "%(n)s visits were planned anew.", count)
    topics = [f"calendar:{made.site_id}:{made.local_from.date()}"]
    return done(request, said=said % {"n": count}, to=to, topics=topics, go=True)


@require_GET
def replanned(request: HttpRequest, replan_id: int) -> HttpResponse:
    """What became of each visit of a day that was planned anew, and whether the patient knows."""
    actor, now = actor_of(request), current_time()
    found = queries.get_replan(actor, replan_id=replan_id)
    lines, unseen = queries.replanned_lines(actor, replan=found, now=now)
    context = {
        "replan": found,
        "lines": lines,
        "unseen": unseen,
        "told": sum(line.loop is not None and line.loop.state == "closed" for line in lines),
        "may_open": found.closure is not None and actor.may_at(ARRANGE, site_id=found.site_id),
        "day_url": f"{reverse('scheduling:day')}?site={found.site_id}&on={found.local_from.date().isoformat()}",
        "now": now,
    }
    return render(request, "scheduling/replanned.html", context)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The page as it was asked for."""

    request: HttpRequest
    form: ReplanForm
    given: QueryDict
    now: datetime

    @property
    def picks(self) -> Sequence[ReadPick]:
        """What came with the request of each visit."""
        return read_picks(self.given)

    @property
    def closing(self) -> Closing:
        """What is closed."""
        during = Span(self.form.starts_at, self.form.ends_at)
        return Closing(site=self.form.site, resource=self.form.resource, during=during)

    def order(self) -> actions.ReplanOrder:
        """The plan as it was chosen."""
        closing = self.closing
        moves = tuple(
            actions.ReplanMove(
                appointment_id=pick.appointment_id,
                version=pick.version,
                start_at=pick.time.start_at if pick.time else None,
                seats=pick.time.seats if pick.time else (),
            )
            for pick in self.picks
        )
        return actions.ReplanOrder(
            key=form_key(self.request, self.given.get("key", "")),
            site_id=closing.site.pk,
            resource_id=closing.resource.pk if closing.resource else None,
            during=closing.during,
            reason=self.form.cleaned_data["reason"],
            moves=moves,
        )

    def show(self, *, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
        """The page with a fresh plan; what a person chose stays."""
        is_sound = self.form.is_bound and self.form.is_valid()
        plan = self._plan() if is_sound else None
        context = {
            "form": self.form,
            "plan": plan,
            "closing": self.closing if is_sound else None,
            "lines": [_shown(line) for line in plan.lines] if plan else [],
            "moving": len(plan.lines) - plan.to_call if plan else 0,
            "most": MOST_VISITS,
            "call": CALL,
            "key": self._key(),
            "hidden": [(name, str(self.form.data[name])) for name in self.form.fields] if is_sound else [],
            "refusal": refusal,
            "now": self.now,
        }
        template = "scheduling/_replan.html" if wants_fragment(self.request) else "scheduling/replan.html"
        refused = (422 if wants_fragment(self.request) else refusal.status) if refusal else status
        return render(self.request, template, context, status=refused)

    def _key(self) -> str:
        """A form that is sent again keeps its key; one in which something else was chosen gets a new one."""
        sent = self.given.get("key", "") if self.request.method == "POST" else ""
        return sent or str(uuid.uuid4())

    def _plan(self) -> DayReplan:
        chosen = {pick.appointment_id: _picked(pick) for pick in self.picks if pick.is_chosen}
        return queries.plan_day(actor_of(self.request), closing=self.closing, chosen=chosen, now=self.now)


def _picked(pick: ReadPick) -> Picked | None:
    if pick.time is None:
        return None
    return pick.time.start_at, frozenset((seat.role, seat.resource_id) for seat in pick.time.seats)


def _first_answers(
    given: QueryDict, sites: Sequence[Site], resources: Sequence[Resource], *, now: datetime
) -> dict[str, Any]:
    """What the form says at first: today, all day, and who the calendar was looked at for."""
    site = next((site for site in sites if site.pk == id_in(given.get("site"))), None)
    who = next((one for one in resources if one.pk == id_in(given.get("who"))), None)
    zone = (who.site if who else site or sites[0]).zone
    on = _day(given.get("on", "")) or now.astimezone(zone).date()
    what = f"r{who.pk}" if who else ""
    return {"what": what, "from_on": on, "from_at": time(0), "to_on": on, "to_at": time(23, 59)}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _shown(line: DisplacedLine) -> ShownLine:
    offers = [*([line.proposed] if line.proposed else []), *line.others]
    value = _value(line.proposed) if line.proposed else CALL
    language = line.visit.interpreter_language
    return ShownLine(
        line=line,
        number=str(line.visit.pk),
        value=value,
        times=[ShownTime(value=_value(one), words=_words(one, was=line.visit.local_start)) for one in offers],
        whys=[str(WHY_WORDS[why]) for why in line.proposed.whys] if line.proposed else [],
        press=str(PRESS_WORDS.get(line.press, "")),
        is_late=line.proposed is not None and TimeWhy.AFTER_DEADLINE in line.proposed.whys,
        language=language_name(language) if language else "",
    )


def _value(offer: NewTimeOffer) -> str:
    return written_offer(
        offer.start_at, site_id=offer.site_id, seats=[(seat.role, seat.resource_id) for seat in offer.seats]
    )


def _words(offer: NewTimeOffer, *, was: datetime) -> str:
    """ "Tue, Mar 3, 10:00, Dr Okafor, Room 2"; without the day where that stays."""
    start = offer.start_at
    day = "" if start.date() == was.date() else f"{start:%a, %b} {start.day}, "
    return ", ".join([f"{day}{start:%H:%M}", *(seat.name for seat in offer.seats)])
