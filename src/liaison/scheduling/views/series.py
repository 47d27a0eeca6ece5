"""One series of visits: its page, and what changes of it together; a visit of it that needs a time."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from liaison.core.actor import Actor
from liaison.core.answers import done, put_beside, wants_fragment
from liaison.core.asking import actor_of, form_key, refuse_form_unless
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Refusal
from liaison.scheduling import actions, queries
from liaison.scheduling.access import CHANGE_SERIES
from liaison.scheduling.forms.series import (
    LeaveOutForm,
    SeriesCancelForm,
    SeriesMoveForm,
    ShiftForm,
    read_picks,
)
from liaison.scheduling.models import Series, SeriesVisit
from liaison.scheduling.queries.series_plan import SeriesPlan, SeriesWanted
from liaison.scheduling.rules import HolidayPolicy
from liaison.scheduling.views.series_showing import (
    MENDED,
    rule_in_words,
    shown_lines,
    shown_plan,
    state_words,
    status_of,
)

both = require_http_methods(["GET", "POST"])


@require_GET
def series(request: HttpRequest, series_id: int) -> HttpResponse:
    """One series: its rule, and each of its visits."""
    actor, now = actor_of(request), current_time()
    found = queries.get_series(actor, series_id=series_id, now=now)
    lines = shown_lines(queries.series_lines(found, now=now))
    context = {
        "series": found,
        "serves": queries.promise_called(actor, patient=found.patient, loop_id=found.loop_id or 0, now=now),
        "rule": rule_in_words(found),
        "kind": queries.kind_called(found.visit_type_code),
        "lines": lines,
        "ahead": [line for line in lines if line.can_change],
        "may_change": found.patient.reachable_by(actor, CHANGE_SERIES, now=now),
        "now": now,
    }
    return render(request, "scheduling/series.html", context)


@both
def move(request: HttpRequest, series_id: int) -> HttpResponse:
    """Another time for the visits from one on: every visit is shown before it counts."""
    actor, now = actor_of(request), current_time()
    found = _to_change(request, series_id=series_id, now=now)
    given = request.POST if request.method == "POST" else request.GET
    form = _shift_form(actor, found, given)
    is_asked = "look" in given or request.method == "POST"
    shift = _shift(form) if form.is_valid() else None
    save = SeriesMoveForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {
        "series": found,
        "form": form,
        "save": save,
        "position": form.data.get("position"),
        "key": given.get("key") or str(uuid.uuid4()),
        "shows_errors": is_asked,
        "now": now,
    }
    if request.method == "GET" or shift is None or not save.is_valid():
        status = 200 if request.method == "GET" else 422
        return _move_page(request, context, shift=shift if is_asked else None, status=status)
    change = actions.SeriesChange(
        key=form_key(request, save.cleaned_data["key"]),
        shift=shift,
        signature=save.cleaned_data["signature"],
        picks=read_picks(request.POST.dict()),
        reason=save.cleaned_data["reason"],
        expected_version=save.cleaned_data["version"],
    )
    try:
        actions.move_series(actor=actor, series=found, change=change, now=now)
    except MENDED as refusal:
        return _move_page(request, context, shift=shift, refusal=refusal)
    return done(request, said=_("Moved. The patient is told once."), to=_page_of(found), go=True)


@both
def cancel(request: HttpRequest, series_id: int) -> HttpResponse:
    """Take the visits from one on off: which ones is shown, with the reason asked."""
    actor, now = actor_of(request), current_time()
    found = _to_change(request, series_id=series_id, now=now)
    given = request.POST if request.method == "POST" else request.GET
    position = id_in(given.get("position")) or 1
    initial = {"position": position, "version": found.version, "key": str(uuid.uuid4())}
    form = SeriesCancelForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        actions.cancel_series(
            actor=actor,
            series=found,
            from_position=form.cleaned_data["position"],
            reason=form.cleaned_data["reason"],
            key=form_key(request, form.cleaned_data["key"]),
            expected_version=form.cleaned_data["version"],
            now=now,
        )
        said = _("Cancelled. The times are free again and the patient is told once.")
        return done(request, said=said, to=_page_of(found), go=True)
    lines = shown_lines(queries.series_lines(found, now=now))
    context = {
        "series": found,
        "form": form,
        "going": [line for line in lines if line.goes_with(position)],
        "rule": rule_in_words(found),
        "now": now,
    }
    return render(request, "scheduling/series_cancel.html", context, status=422 if form.is_bound else 200)


@both
def visit(request: HttpRequest, series_visit_id: int) -> HttpResponse:
    """One visit of a series that needs a time: find one, or say why it is not wanted any more."""
    actor, now = actor_of(request), current_time()
    row = queries.get_series_visit(actor, series_visit_id=series_visit_id, now=now)
    form = LeaveOutForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            actions.leave_series_visit_out(actor=actor, row=row, reason=reason, now=now)
        except actions.SeriesWrong as refusal:
            put_beside(form, refusal)
        else:
            return done(request, said=_("Left out."), to=_page_of(row.series), go=True)
    context = {
        "row": row,
        "series": row.series,
        "rule": rule_in_words(row.series),
        "at": row.wanted_at.astimezone(row.series.site.zone),
        "state": row.state,
        "state_words": state_words(row),
        "find_url": _find_url(row),
        "form": form,
        "may_change": row.series.patient.reachable_by(actor, CHANGE_SERIES, now=now),
        "now": now,
    }
    return render(request, "scheduling/series_visit.html", context, status=422 if form.is_bound else 200)


def _to_change(request: HttpRequest, *, series_id: int, now: datetime) -> Series:
    """A series, for whoever may change it: no form is opened that could not be saved. Refuses: Forbidden, NotFound."""
    actor = actor_of(request)
    if not actor.may(CHANGE_SERIES):
        raise Forbidden
    found = queries.get_series(actor, series_id=series_id, now=now)
    refuse_form_unless(request, CHANGE_SERIES, patient=found.patient, now=now)
    return found


def _page_of(found: Series) -> str:
    return reverse("scheduling:series", args=[found.pk])


def _find_url(row: SeriesVisit) -> str:
    """The search for a time with everything filled in; what is booked there settles this visit."""
    found = row.series
    kind = queries.kind_called(found.visit_type_code)
    given = {
        "patient": found.patient_id,
        "visit_type": kind.pk if kind else "",
        "site": found.site_id,
        "with_id": found.clinician_id or "",
        "not_before": row.wanted_at.astimezone(found.site.zone).date().isoformat(),
        "loop": row.loop_id or "",
        "referral": found.referral_id or "",
    }
    return f"{reverse('scheduling:book')}?{urlencode({name: value for name, value in given.items() if value})}"


def _shift_form(actor: Actor, found: Series, given: QueryDict) -> ShiftForm:
    """The form as it was typed, at first with the time and the person as they are."""
    kind = queries.kind_called(found.visit_type_code)
    people = queries.clinicians_for(actor, visit_type=kind, site_id=found.site_id) if kind else ()
    typed: dict[str, Any] = {name: given[name] for name in given}
    typed.setdefault("position", "1")
    if "look" not in given and "at" not in given:
        typed |= {"at": f"{found.at:%H:%M}", "days": "0", "clinician": str(found.clinician_id or "")}
    if typed.get("clinician") not in {str(one.pk) for one in people}:
        typed["clinician"] = ""
    return ShiftForm(typed, people=people)


def _shift(form: ShiftForm) -> actions.Shift:
    typed = form.cleaned_data
    return actions.Shift(
        from_position=typed["position"],
        at=typed["at"].replace(second=0, microsecond=0),
        days=typed["days"],
        clinician_id=typed["clinician"],
    )


def _move_page(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    shift: actions.Shift | None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    found: Series = context["series"]
    plan = _plan_of_move(actor_of(request), found, shift, now=context["now"]) if shift else None
    context |= shown_plan(plan, request, refusal)
    context["rule"] = rule_in_words(found)
    kind = queries.kind_called(found.visit_type_code)
    context["place_gone"] = queries.series_place_gone(found, visit_type=kind)
    template = "scheduling/_series_move.html" if wants_fragment(request) else "scheduling/series_move.html"
    return render(request, template, context, status=status_of(request, refusal, status))


def _plan_of_move(actor: Actor, found: Series, shift: actions.Shift, *, now: datetime) -> SeriesPlan | None:
    """Each visit that would move at its new time; None where none lies ahead."""
    kind = queries.kind_called(found.visit_type_code)
    rows = queries.changeable_visits(found, from_position=shift.from_position, now=now)
    if kind is None or not rows:
        return None
    wanted = SeriesWanted(
        patient_id=found.patient_id,
        visit_type_id=kind.pk,
        site_id=found.site_id,
        pattern=found.pattern,
        holidays=HolidayPolicy(found.holidays),
        clinician_id=shift.clinician_id,
        place_id=None if queries.series_place_gone(found, visit_type=kind) else found.place_id,
    )
    targets = queries.shifted_targets(rows, series=found, at=shift.at, days=shift.days)
    leaving = [row.appointment_id or 0 for row in rows]
    return queries.plan_again(actor, wanted=wanted, targets=targets, leaving=leaving, now=now)
