"""Closed days: the federal ones as computed, the organization's, each site's and each payer's."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from liaison.core.answers import attempt, done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import NotFound
from liaison.core.written_time import full_day
from liaison.loops import actions
from liaison.loops.forms import HolidayForm, RemoveHolidayForm
from liaison.loops.queries import ClosedDays, closed_days


@require_http_methods(["GET", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """Every closed day from this year on; POST adds one."""
    actor, now = actor_of(request), current_time()
    shown = closed_days(actor, now=now)
    form = HolidayForm(request.POST or None, calendars=_choices(shown))
    if form.is_valid():
        added = attempt(form, lambda: actions.add_holiday(actor, now=now, **form.cleaned_data))
        if added is not None:
            said = _("Closed on %(day)s: %(name)s.") % {"day": full_day(added.on), "name": added.name}
            return done(request, said=said, to=reverse("loops:holidays"), go=True)
    return _page(request, shown, now=now, form=form)


@require_POST
def remove(request: HttpRequest, holiday_id: int) -> HttpResponse:
    """Open a day again, with the reason; it can be taken back."""
    actor, now = actor_of(request), current_time()
    shown = closed_days(actor, now=now)
    form = RemoveHolidayForm(request.POST)
    removed = None
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        removed = attempt(form, lambda: actions.remove_holiday(actor, holiday_id=holiday_id, reason=reason, now=now))
    if removed is None:
        return _page(request, shown, now=now, removing=form, removing_id=holiday_id)
    again = urlencode({"calendar": removed.calendar, "on": removed.on.isoformat(), "name": removed.name})
    return done(
        request,
        said=_("%(day)s is a business day again.") % {"day": full_day(removed.on)},
        to=reverse("loops:holidays"),
        undo_url=f"{reverse('loops:add_holiday_again')}?{again}",
        go=True,
    )


@require_POST
def add_again(request: HttpRequest) -> HttpResponse:
    """Take a removal back: close the day that the address names, as it was."""
    actor, now = actor_of(request), current_time()
    form = HolidayForm(request.GET, calendars=_choices(closed_days(actor, now=now)))
    if not form.is_valid():
        raise NotFound
    added = actions.add_holiday(actor, now=now, **form.cleaned_data)
    said = _("Closed again on %(day)s.") % {"day": full_day(added.on)}
    return done(request, said=said, to=reverse("loops:holidays"), go=True)


def _page(request: HttpRequest, shown: ClosedDays, *, now: datetime, **forms: Any) -> HttpResponse:
    form = forms.pop("form", None) or HolidayForm(calendars=_choices(shown))
    status = 422 if form.is_bound or forms else 200
    calendars = [each for each in shown.calendars if each.days]
    page = {"shown": shown, "calendars": calendars, "form": form, "now": now, **forms}
    return render(request, "loops/holidays.html", page, status=status)


def _choices(shown: ClosedDays) -> list[tuple[str, Any]]:
    """Whose days this person may change, by kind."""
    mine = [each for each in shown.calendars if each.may_change]
    groups = [
        (_("Sites"), [(each.code, each.name) for each in mine if each.what == "site"]),
        (_("Payers"), [(each.code, each.name) for each in mine if each.what == "payer"]),
    ]
    whole = [(each.code, _("The whole organization")) for each in mine if each.what == "organization"]
    return [*whole, *(group for group in groups if group[1])]
