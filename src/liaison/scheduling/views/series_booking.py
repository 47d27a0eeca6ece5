"""A series of visits is booked: the form with every visit before it is booked, decided one by one, and confirmed."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.answers import done, found_again, put_beside, wants_fragment
from liaison.core.asking import actor_of, form_key, refuse_form_unless
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Refusal
from liaison.orders.queries import referral_to_book
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient
from liaison.scheduling import actions, queries
from liaison.scheduling.access import BOOK_SERIES
from liaison.scheduling.forms import Choices
from liaison.scheduling.forms.series import (
    SeriesForm,
    SeriesSaveForm,
    read_picks,
)
from liaison.scheduling.queries.series_plan import SeriesWanted
from liaison.scheduling.rules import Repeats
from liaison.scheduling.views.series_showing import (
    MENDED,
    shown_plan,
    status_of,
)

both = require_http_methods(["GET", "POST"])
_FIRST_TIME = time(9)


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
    now = current_time()
    patient = get_patient(actor, patient_id=patient_id, now=now)
    refuse_form_unless(request, BOOK_SERIES, patient=patient, now=now)
    asked = queries.asked_by(patient, referral_id=_referral_id(patient, given))
    sites = _sites(actor, asked)
    if asked is not None and not sites:
        return render(request, "scheduling/book_elsewhere.html", {"asked": asked, "patient": patient})
    named = id_in(given.get("site"))
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
        "other_site": bool(named) and named not in {site.pk for site in sites},
        "now": now,
    }
    if request.method == "GET" or wanted is None or not save.is_valid():
        status = 200 if request.method == "GET" else 422
        return _repeat_page(request, context, wanted=wanted, status=status)
    order = _order(request, context, wanted=wanted)
    try:
        _refuse_other_place(given, asked)
        if context["other_site"]:
            raise actions.NotYourSite
        series = actions.book_series(actor=actor, patient=patient, order=order, now=now)
    except MENDED as refusal:
        return _repeat_page(request, context, wanted=wanted, refusal=refusal)
    to = reverse("scheduling:series", args=[series.pk])
    return done(request, said=_("The series is booked."), to=to, go=True)


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
    typed.setdefault("repeats", Repeats.WEEKLY.value)
    typed["referral"] = str(_referral_id(patient, given) or "")
    if typed.get("site") not in {str(site.pk) for site in sites}:
        home = queries.first_site(patient=patient, among=[site.pk for site in sites])
        typed["site"] = str(home or (sites[0].pk if sites else ""))
    if "look" not in given and "first_on" not in given:
        zone = next((site.zone for site in sites if str(site.pk) == typed["site"]), UTC)
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        weekday = [str(tomorrow.weekday())] if not typed["weekdays"] else typed["weekdays"]
        typed |= {
            "first_on": tomorrow.isoformat(),
            "weekdays": weekday,
            "every": "1",
            "holidays": "skip",
        }
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
    context |= shown_plan(plan, request, refusal)
    context["unconfirmed"] = queries.why_unconfirmed(context["patient"], now=now)
    context["unread"] = queries.why_unread(context["patient"], now=now)
    template = "scheduling/_repeat.html" if wants_fragment(request) else "scheduling/repeat.html"
    answer = render(request, template, context, status=status_of(request, refusal, status))
    named = {"patient": context["patient"].pk, "loop": context["loop_id"], "referral": context["referral_id"]}
    pairs = [("look", "1"), *((name, value) for name, value in named.items() if value), *context["asked"]]
    return found_again(request, answer, query=urlencode(pairs))
