"""The calendar of a site: a day, a week of one resource, a month, and the day as a list. One toolbar for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_GET

from liaison.accounts.models import Site
from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, NotFound
from liaison.scheduling import queries
from liaison.scheduling.access import ARRANGE, MOVE, REPLAN
from liaison.scheduling.forms import CalendarForm
from liaison.scheduling.models import Resource, ResourceKind
from liaison.scheduling.rules import days_of_month, days_of_week, monday_of, months_around
from liaison.scheduling.views.grid import grid_of
from liaison.scheduling.views.listing import free_rows, list_rows, sorted_visits
from liaison.scheduling.views.weeks import month_weeks, week_table

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_LAST_SITE = "scheduling_site"
_ADDRESSES = {"day": "scheduling:day", "week": "scheduling:week", "month": "scheduling:month", "list": "scheduling:day"}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What an address of the calendar asks for. `url` gives the address of the same with something changed."""

    view: str
    site: Site
    on: date
    today: date
    only: queries.Filter
    who: int | None
    sort: str

    def url(self, **changed: object) -> str:
        """An address: of this view, site, day and filter unless `changed` says otherwise."""
        asked: dict[str, object] = {
            "site": self.site.pk,
            "on": self.on.isoformat(),
            "kind": self.only.kind,
            "name": self.only.name,
            "who": self.who or "",
            "sort": self.sort,
            "view": self.view,
        } | changed
        view = str(asked["view"])
        if view != "list":
            asked.pop("view")
        return (
            f"{reverse(_ADDRESSES.get(view, view))}?{urlencode({key: given for key, given in asked.items() if given})}"
        )

    @cached_property
    def before(self) -> str:
        """The day, week or month before."""
        return self.url(on=self._step(-1).isoformat())

    @cached_property
    def after(self) -> str:
        """The day, week or month after."""
        return self.url(on=self._step(1).isoformat())

    @cached_property
    def to_today(self) -> str:
        """The same of today."""
        return self.url(on="")

    @cached_property
    def own(self) -> str:
        """This very address."""
        return self.url()

    @cached_property
    def views(self) -> Sequence[tuple[str, str]]:
        """The four views with their addresses."""
        return [(view, self.url(view=view)) for view in _ADDRESSES]

    @cached_property
    def print_url(self) -> str:
        """The sheets of this day."""
        return self.url(view="scheduling:sheets", sort="")

    @cached_property
    def replan_url(self) -> str:
        """Where this day is planned anew, for the one whose calendar it is."""
        asked = {"site": self.site.pk, "on": self.on.isoformat(), "who": self.who or ""}
        return f"{reverse('scheduling:replan')}?{urlencode({key: given for key, given in asked.items() if given})}"

    @property
    def is_today(self) -> bool:
        """Whether today lies in what is shown."""
        if self.view == "week":
            return monday_of(self.on) == monday_of(self.today)
        if self.view == "month":
            return self.on.replace(day=1) == self.today.replace(day=1)
        return self.on == self.today

    def _step(self, way: int) -> date:
        if self.view == "month":
            return months_around(self.on)[way > 0]
        return self.on + way * (_WEEK if self.view == "week" else _DAY)


@require_GET
def day(request: HttpRequest) -> HttpResponse:
    """One day of one site, on a time axis or (`view=list`) as a table. Without `site` and `on` today, last site."""
    now = current_time()
    look, context = look_of(request, "list" if request.GET.get("view") == "list" else "day", now=now)
    shown = queries.day(actor_of(request), site=look.site, on=look.on, only=look.only, now=now)
    is_empty = not shown.rows and not shown.visits
    next_working = queries.next_working_day(site=look.site, after=look.on) if is_empty else None
    may_move = actor_of(request).may(MOVE)
    context |= {
        "day": shown,
        "grid": grid_of(shown, now=now, may_move=may_move) if look.view == "day" else None,
        "list_url": look.url(view="list"),
        "rows": list_rows(sorted_visits(shown, by=look.sort)) if look.view == "list" else (),
        "sorts": [(sort, look.url(view="list", sort=sort)) for sort in ("time", "resource", "state")],
        "free": free_rows(shown) if look.view == "list" else (),
        "next_working": next_working,
        "next_url": look.url(on=next_working.isoformat()) if next_working else "",
        "may_move": may_move,
    }
    return _answer(request, "day", context)


@require_GET
def week(request: HttpRequest) -> HttpResponse:
    """A week of one person, room or device (`who`; without it the first of those asked for)."""
    now = current_time()
    look, context = look_of(request, "week", now=now)
    chosen = _chosen(look, context["choices"])
    if chosen is not None:
        found = queries.week(actor_of(request), site=look.site, resource=chosen, monday=monday_of(look.on), now=now)
        context |= {
            "week": week_table(found, today=look.today),
            "chosen": chosen,
            "live_days": days_of_week(look.on),
        }
    return _answer(request, "week", context)


@require_GET
def month(request: HttpRequest) -> HttpResponse:
    """A month of a site, or of one resource: how many visits on each day and how full it is."""
    look, context = look_of(request, "month", now=current_time())
    days = days_of_month(look.on)
    found = queries.month(actor_of(request), site=look.site, days=days, only=look.only, who=look.who)
    cells = month_weeks(found, of=look.on, today=look.today, url=lambda on: look.url(view="day", on=on, who=""))
    context |= {
        "weeks": list(cells),
        "chosen": next((one for one in context["choices"] if one.pk == look.who), None),
        "live_days": days,
    }
    return _answer(request, "month", context)


def look_of(request: HttpRequest, view: str, *, now: datetime) -> tuple[Look, dict[str, Any]]:
    """What is asked for, and what every view's template needs. Refuses: Forbidden, NotFound."""
    actor = actor_of(request)
    form = CalendarForm(request.GET)
    form.is_valid()
    asked = form.cleaned_data
    sites = queries.sites_to_see(actor)
    if not sites:
        raise Forbidden
    site = site_to_show(request, sites, asked.get("site"))
    today = now.astimezone(site.zone).date()
    look = Look(
        view=view,
        site=site,
        on=asked.get("on") or today,
        today=today,
        only=queries.Filter(kind=asked.get("kind", ""), name=asked.get("name", "").strip()),
        who=asked.get("who"),
        sort=asked.get("sort", ""),
    )
    return look, {
        "look": look,
        "unfiltered": look.url(kind="", name=""),
        "sites": sites,
        "kinds": ResourceKind.choices,
        "choices": queries.bookable_at(actor, site=site, only=look.only) if view in {"week", "month"} else (),
        "unknown_day": request.GET.get("on", "") if "on" in form.errors else "",
        "may_arrange": actor.may(ARRANGE),
        "may_replan": actor.may_at(REPLAN, site_id=site.pk),
        "time_zone": site.time_zone,
        "now": now,
    }


def _chosen(look: Look, among: Sequence[Resource]) -> Resource | None:
    return next((one for one in among if one.pk == look.who), among[0] if among else None)


def _answer(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    template = f"scheduling/_{name}.html" if wants_fragment(request) else "scheduling/calendar.html"
    return render(request, template, context | {"piece": f"scheduling/_{name}.html"})


def site_to_show(request: HttpRequest, sites: Sequence[Site], site_id: int | None) -> Site:
    """The site that is asked for, else the one looked at last in this session, else the first."""
    by_id = {site.pk: site for site in sites}
    if site_id is None:
        return by_id.get(int(request.session.get(_LAST_SITE, 0)), sites[0])
    if site_id not in by_id:
        raise NotFound
    request.session[_LAST_SITE] = site_id
    return by_id[site_id]
