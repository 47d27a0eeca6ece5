"""Series of visits: the form with every visit before it is booked, the series, and what changes of it together."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.answers import done, put_beside, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Refusal
from liaison.orders.queries import referral_to_book
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient
from liaison.scheduling import actions, queries
from liaison.scheduling.access import BOOK_SERIES, CHANGE_SERIES
from liaison.scheduling.forms import Choices
from liaison.scheduling.forms.series import (
    LeaveOutForm,
    SeriesCancelForm,
    SeriesForm,
    SeriesMoveForm,
    SeriesSaveForm,
    ShiftForm,
    read_picks,
)
from liaison.scheduling.models import Series, SeriesVisit
from liaison.scheduling.queries.series_planning import SeriesPlan, SeriesWanted
from liaison.scheduling.rules import HolidayPolicy
from liaison.scheduling.views.series_showing import (
    rule_in_words,
    shown_lines,
    shown_visits,
    state_words,
)

both = require_http_methods(["GET", "POST"])
_FIRST_TIME = time(9)
_MENDED = (
    actions.SeriesTaken,
    actions.SeriesPicksMissing,
    actions.SeriesChanged,
    actions.SeriesWrong,
    actions.ReferralNeeded,
    actions.AskedElsewhere,
)


@both
def repeat(request: HttpRequest) -> HttpResponse:
    """Book a series of visits for one patient: say the rule, see every visit, decide, confirm."""
    actor = actor_of(request)
    if not actor.may(BOOK_SERIES):
        raise Forbidden
    given = request.POST if request.method == "POST" else request.GET
    patient_id = id_in(given.get("patient"))
    if patient_id is None:
        return render(request, "scheduling/book_whom.html")
    patient, now = get_patient(actor, patient_id=patient_id), current_time()
    asked = queries.asked_by(patient, referral_id=_referral_id(patient, given))
    sites = _sites(actor, asked)
    if asked is not None and not sites:
        return render(request, "scheduling/book_elsewhere.html", {"asked": asked, "patient": patient})
    is_asked = "look" in given or request.method == "POST"
    form = _series_form(actor, _typed(patient, given, sites=sites, now=now), sites=sites, is_asked=is_asked)
    wanted = _wanted(patient, form) if is_asked and form.is_valid() else None
    save = SeriesSaveForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {
        "patient": patient,
        "form": form,
        "asked": _asked(form),
        "shows_errors": is_asked,
        "save": save,
        "key": given.get("key") or str(uuid.uuid4()),
        "loop_id": id_in(given.get("loop")),
        "referral_id": _referral_id(patient, given),
        "now": now,
    }
    if request.method == "GET" or wanted is None or not save.is_valid():
        status = 200 if request.method == "GET" else 422
        return _repeat_page(request, context, wanted=wanted, status=status)
    order = _order(request, context, wanted=wanted)
    try:
        _refuse_other_place(given, asked)
        series = actions.book_series(actor=actor, patient=patient, order=order, now=now)
    except _MENDED as refusal:
        return _repeat_page(request, context, wanted=wanted, refusal=refusal)
    to = reverse("scheduling:series", args=[series.pk])
    return done(request, said=_("The series is booked."), to=to, go=True)


@require_GET
def series(request: HttpRequest, series_id: int) -> HttpResponse:
    """One series: its rule, and each of its visits."""
    actor, now = actor_of(request), current_time()
    found = queries.get_series(actor, series_id=series_id)
    lines = shown_lines(queries.series_lines(found, now=now))
    context = {
        "series": found,
        "rule": rule_in_words(found),
        "kind": queries.kind_called(found.visit_type_code),
        "lines": lines,
        "ahead": [line for line in lines if line.can_change],
        "may_change": actor.may(CHANGE_SERIES),
        "now": now,
    }
    return render(request, "scheduling/series.html", context)


@both
def move(request: HttpRequest, series_id: int) -> HttpResponse:
    """Another time for the visits from one on: every visit is shown before it counts."""
    actor, now = actor_of(request), current_time()
    if not actor.may(CHANGE_SERIES):
        raise Forbidden
    found = queries.get_series(actor, series_id=series_id)
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
    except _MENDED as refusal:
        return _move_page(request, context, shift=shift, refusal=refusal)
    return done(request, said=_("Moved. The patient is told once."), to=_page_of(found), go=True)


@both
def cancel(request: HttpRequest, series_id: int) -> HttpResponse:
    """Take the visits from one on off: which ones is shown, with the reason asked."""
    actor, now = actor_of(request), current_time()
    if not actor.may(CHANGE_SERIES):
        raise Forbidden
    found = queries.get_series(actor, series_id=series_id)
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
    row = queries.get_series_visit(actor, series_visit_id=series_visit_id)
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
        "may_change": actor.may(CHANGE_SERIES),
        "now": now,
    }
    return render(request, "scheduling/series_visit.html", context, status=422 if form.is_bound else 200)


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


def _referral_id(patient: Patient, given: QueryDict) -> int | None:
    """The referral that the series serves: the one that is named, or whose promise the loop is."""
    named = id_in(given.get("referral"))
    return named or referral_to_book(patient=patient, loop_id=id_in(given.get("loop")) or 0)


def _sites(actor: Actor, asked: queries.WhomAsked | None) -> tuple[Site, ...]:
    """Where this actor books series; for a referral only where whom it asks works."""
    sites = tuple(sites_within(actor, BOOK_SERIES))
    return sites if asked is None else tuple(site for site in sites if site in asked.sites)


def _refuse_other_place(given: QueryDict, asked: queries.WhomAsked | None) -> None:
    """What was chosen while the referral asked somebody there is looked at again. Refuses: AskedElsewhere."""
    if asked is not None and id_in(given.get("site")) not in {site.pk for site in asked.sites}:
        raise actions.AskedElsewhere


def _order(request: HttpRequest, context: dict[str, Any], *, wanted: SeriesWanted) -> actions.SeriesOrder:
    typed = context["save"].cleaned_data
    return actions.SeriesOrder(
        key=form_key(request, typed["key"]),
        wanted=wanted,
        signature=typed["signature"],
        picks=read_picks(request.POST.dict()),
        loop_id=context["loop_id"],
        referral_id=context["referral_id"],
        note=typed["note"],
    )


def _typed(patient: Patient, given: QueryDict, *, sites: tuple[Site, ...], now: datetime) -> dict[str, Any]:
    """What was typed, with a first answer for what was not asked yet."""
    typed: dict[str, Any] = {name: given[name] for name in given}
    typed["weekdays"] = given.getlist("weekdays")
    typed["referral"] = str(_referral_id(patient, given) or "")
    if typed.get("site") not in {str(site.pk) for site in sites}:
        home = queries.first_site(patient=patient, among=[site.pk for site in sites])
        typed["site"] = str(home or (sites[0].pk if sites else ""))
    if "look" not in given and "first_on" not in given:
        zone = next((site.zone for site in sites if str(site.pk) == typed["site"]), UTC)
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        weekday = [str(tomorrow.weekday())] if not typed["weekdays"] else typed["weekdays"]
        typed |= {"first_on": tomorrow.isoformat(), "weekdays": weekday, "every_weeks": "1", "holidays": "skip"}
        typed.setdefault("at", f"{_FIRST_TIME:%H:%M}")
    return typed


def _series_form(actor: Actor, typed: dict[str, Any], *, sites: tuple[Site, ...], is_asked: bool) -> SeriesForm:
    """The form with what can be chosen for this kind of visit at this site; before it was asked it finds no fault."""
    site_id = id_in(typed.get("site"))
    every = queries.visit_types(actor)
    kinds = [kind for kind in every if id_in(typed.get("referral")) or not kind.referral_needed]
    possible = queries.possible_at(actor, visit_types=kinds, site_id=site_id) if site_id else kinds
    if typed.get("visit_type") not in {str(kind.pk) for kind in kinds}:
        typed["visit_type"] = str(possible[0].pk) if possible else ""
    chosen = next((kind for kind in kinds if str(kind.pk) == typed["visit_type"]), None)
    people = queries.clinicians_for(actor, visit_type=chosen, site_id=site_id) if chosen and site_id else ()
    places = queries.places_for(actor, visit_type=chosen, site_id=site_id) if chosen and site_id else ()
    for name, able in (("clinician", people), ("place", places)):
        if typed.get(name) not in {str(one.pk) for one in able}:
            typed[name] = ""  # another visit or site was chosen, where this one does not serve
    choices = Choices(visit_types=kinds, sites=sites, people=people)
    return SeriesForm(typed if is_asked else None, initial=typed, choices=choices, places=places)


def _asked(form: SeriesForm) -> list[tuple[str, str]]:
    """What was typed, as pairs of name and value: it comes back with what is confirmed."""
    if not form.is_bound:
        return []
    single = [(name, str(form.data.get(name) or "")) for name in form.fields if name != "weekdays"]
    return [*single, *(("weekdays", day) for day in form.data["weekdays"])]


def _wanted(patient: Patient, form: SeriesForm) -> SeriesWanted | None:
    """What the form asks for; None, and errors beside its fields, when that can't be."""
    typed = form.cleaned_data
    wanted = SeriesWanted(
        patient_id=patient.pk,
        visit_type_id=typed["visit_type"],
        site_id=typed["site"],
        pattern=form.pattern,
        holidays=typed["holidays"],
        clinician_id=typed["clinician"],
        place_id=typed["place"],
    )
    try:
        actions.days_of(wanted)
    except actions.SeriesWrong as refusal:
        put_beside(form, refusal)
        return None
    return wanted


def _repeat_page(
    request: HttpRequest,
    context: dict[str, Any],
    *,
    wanted: SeriesWanted | None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    actor, now = actor_of(request), context["now"]
    plan = queries.plan_series(actor, wanted=wanted, now=now) if wanted is not None else None
    context |= _shown(plan, request, refusal)
    context["unconfirmed"] = queries.why_unconfirmed(context["patient"], now=now)
    template = "scheduling/_repeat.html" if wants_fragment(request) else "scheduling/repeat.html"
    return render(request, template, context, status=_status(request, refusal, status))


def _shown(plan: SeriesPlan | None, request: HttpRequest, refusal: Refusal | None) -> dict[str, Any]:
    """Every visit of a plan with what was chosen for it and what is wrong with that."""
    errors = refusal.fields if refusal else {}
    return {
        "plan": plan,
        "visits": shown_visits(plan, chosen=request.POST.dict(), errors=errors) if plan else (),
        "refusal": refusal,
    }


def _status(request: HttpRequest, refusal: Refusal | None, status: int) -> int:
    """Htmx puts a 422 in place of the form; without it the refusal's own status is the honest answer."""
    if refusal is None:
        return status
    return 422 if wants_fragment(request) else refusal.status


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
    context |= _shown(plan, request, refusal)
    context["rule"] = rule_in_words(found)
    kind = queries.kind_called(found.visit_type_code)
    context["place_gone"] = queries.series_place_gone(found, visit_type=kind)
    template = "scheduling/_series_move.html" if wants_fragment(request) else "scheduling/series_move.html"
    return render(request, template, context, status=_status(request, refusal, status))


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
