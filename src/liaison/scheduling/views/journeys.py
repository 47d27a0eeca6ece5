"""Several visits of one patient that belong together: what is asked, the plans, the booking, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.answers import done, found_again, wants_fragment
from liaison.core.asking import actor_of, form_key, refuse_form_unless
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Refusal
from liaison.orders.queries import referral_to_book
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient
from liaison.scheduling import actions, queries
from liaison.scheduling.access import BOOK_JOURNEY
from liaison.scheduling.forms import ANYWHERE, NOTHING
from liaison.scheduling.forms.journeys import (
    GAPS,
    JourneyForm,
    JourneySaveForm,
    Row,
    changed_rows,
    code_of,
    read_rows,
    written_plan,
)
from liaison.scheduling.models import Appointment, VisitType
from liaison.scheduling.ports import State
from liaison.scheduling.queries import JourneyWanted, NoPlan, Plan
from liaison.scheduling.rules.journeys import MOST_STEPS, Gap, Hindered, PlanWhy, gap_in_words
from liaison.scheduling.views.appointments import STATE_WORDS

WHY_WORDS: Final[Mapping[PlanWhy, str | Promise]] = MappingProxyType(
    {
        PlanWhy.ONE_TRIP: gettext_lazy("All on one day"),
        PlanWhy.FEWEST_TRIPS: gettext_lazy("Fewest days"),
        PlanWhy.DONE_EARLIEST: gettext_lazy("Done first"),
        PlanWhy.KNOWS_PATIENT: gettext_lazy("Knows the patient"),
    }
)
_MENDED: Final = (actions.JourneyTaken, actions.JourneyWrong, actions.NotYourSite)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for whom, where it may be, and what is served."""

    actor: Actor
    patient: Patient
    sites: tuple[Site, ...]
    kinds: Sequence[VisitType]
    loop_id: int | None
    referral_id: int | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPlan:
    """One plan to choose: its value in the form, its words, what speaks for it."""

    value: str
    plan: Plan
    days: str
    whys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNone:
    """Why there is no plan, in a sentence, and the link to what would give one."""

    sentence: str
    is_looked_for: bool = True
    words: str = ""
    query: str = ""
    then: Plan | None = None


@require_http_methods(["GET", "POST"])
def plan(request: HttpRequest) -> HttpResponse:
    """Say which visits and what lies between them, see plans, book one."""
    actor, now = actor_of(request), current_time()
    if not actor.may(BOOK_JOURNEY):
        raise Forbidden
    given = request.POST if request.method == "POST" else request.GET
    patient_id = id_in(given.get("patient"))
    if patient_id is None:
        return render(request, "scheduling/book_whom.html")
    patient = get_patient(actor, patient_id=patient_id, now=now)
    refuse_form_unless(request, BOOK_JOURNEY, patient=patient, now=now)
    asked, whom = _asked(actor, patient, given, now=now)
    if whom is not None and not asked.sites:
        return render(request, "scheduling/book_elsewhere.html", {"asked": whom, "patient": asked.patient})
    typed = _typed(asked, given)
    rows, focus = changed_rows(
        read_rows(given, kinds=_kinds_in_order(asked, site_id=id_in(typed["site"]))), do=given.get("do", "")
    )
    form = JourneyForm(typed, sites=asked.sites)
    save = _save_form(asked, rows, given, is_posted=request.method == "POST")
    page = _Page(request=request, asked=asked, rows=rows, form=form, save=save, focus=focus)
    if request.method == "GET" and given.get("as") == "counts":
        return render(request, "scheduling/_journey_counts.html", {"no_count": page.why_it_would_not_count()})
    if request.method == "GET" or not form.is_valid() or not save.is_valid():
        return page.show(status=200 if request.method == "GET" else 422)
    try:
        booked = actions.book_journey(actor=actor, patient=asked.patient, order=page.order(), now=asked.now)
    except _MENDED as refusal:
        return page.show(refusal=refusal)
    said = ngettext("%(n)s visit is booked.", "%(n)s visits are booked.", len(save.cleaned_data["plan"]))
    to = reverse("scheduling:journey", args=[booked.pk])
    return done(request, said=said % {"n": len(save.cleaned_data["plan"])}, to=to, go=True)


@require_GET
def journey(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Visits that were booked together, with how each lies to the one before."""
    actor, now = actor_of(request), current_time()
    found = queries.get_journey(actor, journey_id=journey_id, now=now)
    steps = queries.journey_steps(found)
    lines = [
        {
            "step": step,
            "visit": step.appointment,
            "asked": gap_in_words(step.gap) if step.position > 1 else "",
            "state": STATE_WORDS[step.appointment.state_now],
            "serves": found.loop_id is not None and step.appointment.loop_id == found.loop_id,
            "is_off": step.appointment.state_now in {State.CANCELLED, State.NO_SHOW, State.ENTERED_IN_ERROR},
        }
        for step in steps
    ]
    context = {
        "journey": found,
        "serves": queries.promise_called(actor, patient=found.patient, loop_id=found.loop_id or 0, now=now),
        "lines": lines,
        "days": _days(len({step.appointment.visit_on for step in steps})),
        "unconfirmed": queries.why_unconfirmed(found.patient, now=now),
        "unread": queries.why_unread(found.patient, now=now),
        "now": now,
    }
    return render(request, "scheduling/journey.html", context)


def _asked(
    actor: Actor, patient: Patient, given: QueryDict, *, now: datetime
) -> tuple[Asked, queries.WhomAsked | None]:
    """What the page is about; a referral is served only where whom it asks works."""
    loop_id = id_in(given.get("loop"))
    referral_id = id_in(given.get("referral")) or referral_to_book(patient=patient, loop_id=loop_id or 0)
    whom = queries.asked_by(patient, referral_id=referral_id)
    sites = tuple(site for site in sites_within(actor, BOOK_JOURNEY) if whom is None or site in whom.sites)
    kinds = [kind for kind in queries.visit_types(actor) if referral_id or not kind.referral_needed]
    asked = Asked(
        actor=actor, patient=patient, sites=sites, kinds=kinds, loop_id=loop_id, referral_id=referral_id, now=now
    )
    return asked, whom


def _kinds_in_order(asked: Asked, *, site_id: int | None) -> Sequence[int]:
    """The kinds of visit as first answers: the one that is promised, then what can be had there, then the others."""
    promised = queries.kind_promised(patient=asked.patient, loop_id=asked.loop_id) if asked.loop_id else None
    possible = queries.possible_at(asked.actor, visit_types=asked.kinds, site_id=site_id) if site_id else asked.kinds
    there = {kind.pk for kind in possible}
    return [kind.pk for kind in sorted(asked.kinds, key=lambda kind: (kind.code != promised, kind.pk not in there))]


def _save_form(asked: Asked, rows: Sequence[Row], given: QueryDict, *, is_posted: bool) -> JourneySaveForm:
    """What goes with a plan; which visit is the one that was promised is chosen where only one kind of them can be."""
    called = _called(asked)
    names = {kind.pk: kind.name for kind in asked.kinds}
    there = [pk for pk in dict.fromkeys(row.kind_id for row in rows) if pk in names]
    kinds = [kind for kind in asked.kinds if kind.pk in there]
    keep = queries.kinds_that_keep(
        asked.actor, patient=asked.patient, loop_id=asked.loop_id, referral_id=asked.referral_id, kinds=kinds,
        sites=asked.sites, now=asked.now,
    ) if called else ()  # fmt: skip
    first = str(keep[0]) if len(keep) == 1 else ""
    unsaid = [] if first else [("", _("Choose"))]
    idle = {kind.pk for kind in kinds if called and _why_not(asked, kind)}
    words = {pk: _("%(kind)s (does not count)") % {"kind": names[pk]} if pk in idle else names[pk] for pk in there}
    options = [*unsaid, *((str(pk), words[pk]) for pk in there), (NOTHING, _("None of them"))]
    told = _("For: %(promise)s") % {"promise": called} if called else ""
    return JourneySaveForm(given if is_posted else None, kinds=options, told=told, initial={"serves": first})


def _why_not(asked: Asked, kind: VisitType | None) -> str:
    """Why a visit of this kind would not count as the one that was promised, in a sentence; "" when it would."""
    return queries.why_it_would_not_count(patient=asked.patient, loop_id=asked.loop_id, visit_type=kind)


def _called(asked: Asked) -> str:
    """What the promise is called for which somebody came here; "" when for nothing."""
    if asked.loop_id is not None:
        return queries.promise_called(asked.actor, patient=asked.patient, loop_id=asked.loop_id, now=asked.now)
    whom = queries.asked_by(asked.patient, referral_id=asked.referral_id)
    return _("Referral: %(name)s") % {"name": whom.name} if whom is not None else ""


def _typed(asked: Asked, given: QueryDict) -> dict[str, Any]:
    """What was typed, with a first answer for what was not asked yet."""
    typed: dict[str, Any] = {name: given[name] for name in given}
    typed["weekdays"] = given.getlist("weekdays")
    places = {str(site.pk) for site in asked.sites} | ({str(ANYWHERE)} if len(asked.sites) > 1 else set())
    if typed.get("site") not in places:
        home = queries.first_site(patient=asked.patient, among=[site.pk for site in asked.sites])
        typed["site"] = str(home or (asked.sites[0].pk if asked.sites else ""))
    return typed


def _days(days: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The page as it was asked for."""

    request: HttpRequest
    asked: Asked
    rows: list[Row]
    form: JourneyForm
    save: JourneySaveForm
    focus: int | None

    @property
    def given(self) -> QueryDict:
        """What came with the request."""
        return self.request.POST if self.request.method == "POST" else self.request.GET

    def order(self) -> actions.JourneyOrder:
        """The plan that was chosen, with the gaps that were asked."""
        typed = self.save.cleaned_data
        serves = id_in(typed.get("serves"))
        gaps = [row.gap for row in self.rows] + [self.rows[-1].gap] * MOST_STEPS
        visits = tuple(
            actions.JourneyVisit(
                visit_type_id=kind_id, site_id=time.site_id, start_at=time.start_at, seats=time.seats, gap=gap
            )
            for (kind_id, time), gap in zip(typed["plan"], gaps, strict=False)
        )
        return actions.JourneyOrder(
            key=form_key(self.request, typed["key"]),
            visits=visits,
            name=typed["name"],
            loop_id=self.asked.loop_id if serves else None,
            referral_id=self.asked.referral_id,
            serves_kind_id=serves,
            note=typed["note"],
        )

    def why_it_would_not_count(self) -> str:
        """Said before they are booked: what was chosen as the promised visit is not what the promise waits for."""
        chosen = id_in(self.given.get("serves"))
        return _why_not(self.asked, next((kind for kind in self.asked.kinds if kind.pk == chosen), None))

    def show(self, *, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
        """The page with fresh plans; what was typed stays."""
        is_asked = "look" in self.given or self.request.method == "POST"
        wanted = self._wanted() if is_asked and self.form.is_valid() else None
        answer = None
        if wanted is not None:
            answer = queries.plan_visits_together(self.asked.actor, wanted=wanted, now=self.asked.now)
        plans = [_shown(one) for one in answer.plans] if answer else []
        context = {
            "patient": self.asked.patient,
            "loop_id": self.asked.loop_id,
            "referral_id": self.asked.referral_id,
            "rows": self._shown_rows(),
            "gaps": [(code, choice.words) for code, choice in GAPS.items()],
            "kinds": self.asked.kinds,
            "may_add": len(self.rows) < MOST_STEPS,
            "form": self.form,
            "shows_errors": is_asked,
            "suits": any(self.form[name].value() for name in ("not_after", "from_at", "to_at", "weekdays")),
            "save": self.save,
            "key": self.given.get("key") or str(uuid.uuid4()),
            "hidden": self._pairs(self.rows),
            "plans": plans,
            "chosen": self.given.get("plan") if self.given.get("plan") in {one.value for one in plans} else "",
            "none": self._none(answer.none) if answer and answer.none else None,
            "answer": answer,
            "anywhere": str(self.form.data.get("site")) == str(ANYWHERE),
            "refusal": refusal,
            "already": self._already(),
            "no_count": self.why_it_would_not_count(),
            "unconfirmed": queries.why_unconfirmed(self.asked.patient, now=self.asked.now),
            "unread": queries.why_unread(self.asked.patient, now=self.asked.now),
            "now": self.asked.now,
        }
        template = "scheduling/_journey_plan.html" if wants_fragment(self.request) else "scheduling/journey_plan.html"
        # htmx puts a 422 in place of the form; without it the refusal's own status is the honest answer.
        refused = (422 if wants_fragment(self.request) else refusal.status) if refusal else status
        shown = render(self.request, template, context, status=refused)
        return found_again(self.request, shown, query=urlencode(self._pairs(self.rows)))

    def _already(self) -> Appointment | None:
        """The next visit that is booked for the same promise or referral: these would come besides."""
        asked = self.asked
        same = queries.booked_for_the_same(
            patient_id=asked.patient.pk, loop_id=asked.loop_id, referral_id=asked.referral_id, now=asked.now
        )
        return next(iter(same), None)

    def _wanted(self) -> JourneyWanted | None:
        typed = self.form.cleaned_data
        chosen = typed["site"]
        ids = tuple(site.pk for site in self.asked.sites) if chosen == ANYWHERE else (chosen,)
        if not ids or not self.asked.kinds:
            return None
        home = queries.first_site(patient=self.asked.patient, among=ids)
        return JourneyWanted(
            patient_id=self.asked.patient.pk,
            visit_type_ids=tuple(row.kind_id for row in self.rows),
            gaps=tuple(row.gap for row in self.rows[1:]),
            site_ids=tuple(sorted(ids, key=lambda pk: pk != home)),
            any_order=typed["any_order"],
            not_before=typed["not_before"],
            not_after=typed["not_after"],
            weekdays=frozenset(typed["weekdays"]),
            from_at=typed["from_at"],
            to_at=typed["to_at"],
        )

    def _shown_rows(self) -> list[dict[str, Any]]:
        return [
            {
                "number": at + 1,
                "row": row,
                "is_first": at == 0,
                "is_last": at == len(self.rows) - 1,
                "may_go": len(self.rows) > 2,
                "focus": at == self.focus,
                "most": GAPS[row.code].most,
            }
            for at, row in enumerate(self.rows)
        ]

    def _pairs(self, rows: Sequence[Row]) -> list[tuple[str, str]]:
        """What was asked, as pairs of name and value: it comes back with what is booked, and in links."""
        pairs = [("patient", str(self.asked.patient.pk)), ("look", "1")]
        pairs += [
            (name, str(pk)) for name, pk in (("loop", self.asked.loop_id), ("referral", self.asked.referral_id)) if pk
        ]
        pairs += [("kind", str(row.kind_id)) for row in rows]
        for row in rows[1:]:
            pairs += [("gap", row.code), ("n", str(row.number))]
        single = ("any_order", "site", "not_before", "not_after", "from_at", "to_at")
        pairs += [(name, str(self.form.data[name])) for name in single if self.form.data.get(name)]
        return pairs + [("weekdays", day) for day in self.form.data.get("weekdays", ())]

    def _none(self, none: NoPlan) -> ShownNone:
        """Why there is none, and what would help, as a link."""
        names = {kind.pk: kind.name for kind in self.asked.kinds}
        called = [names[row.kind_id] for row in self.rows]
        if none.kind is Hindered.STEP:
            if none.missing:
                sentence = _("%(visit)s: nobody there can do this (%(roles)s). Leave it out, or choose another site.")
                said = sentence % {"visit": called[none.at], "roles": ", ".join(none.missing)}
                return ShownNone(sentence=said, is_looked_for=False)
            sentence = _("%(visit)s has no free time by what suits. Give it more days or hours, or another site.")
            return ShownNone(sentence=sentence % {"visit": called[none.at]})
        sentence = _("Each visit has times, but they keep each other out: the same people or rooms, or the way there.")
        if none.kind is Hindered.GAP:
            sentence = self._gap_sentence(none, called)
        if none.relaxed_at is None or none.relaxed is None:
            return ShownNone(sentence=sentence)
        code, number = code_of(none.relaxed)
        rows = list(self.rows)
        rows[none.relaxed_at + 1] = Row(kind_id=rows[none.relaxed_at + 1].kind_id, code=code, number=number)
        words = self._in_order(called, at=none.relaxed_at, gap=rows[none.relaxed_at + 1].gap)
        return ShownNone(sentence=sentence, words=words, query=urlencode(self._pairs(rows)), then=none.then)

    @property
    def _any_order(self) -> bool:
        return bool(self.form.cleaned_data.get("any_order"))

    def _gap_sentence(self, none: NoPlan, called: Sequence[str]) -> str:
        words = self._in_order(called, at=none.at, gap=self.rows[none.at + 1].gap)
        if self._any_order:
            return _("In no order is there a time for this: %(words)s.") % {"words": words}
        return _("There is no time for this: %(words)s.") % {"words": words}

    def _in_order(self, called: Sequence[str], *, at: int, gap: Gap) -> str:
        """Which visit comes how far after which; in any order only their places say so."""
        words = _("visit %(n)s %(gap)s the one before") if self._any_order else _("%(visit)s %(gap)s %(before)s")
        return words % {"n": at + 2, "visit": called[at + 1], "gap": gap_in_words(gap), "before": called[at]}


def _shown(plan: Plan) -> ShownPlan:
    return ShownPlan(
        value=written_plan(plan),
        plan=plan,
        days=_days(plan.trips),
        whys=tuple(str(WHY_WORDS[why]) for why in plan.whys),
    )
