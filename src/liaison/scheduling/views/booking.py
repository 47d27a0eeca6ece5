"""The booking panel: a search that answers as one changes it, ranked times, and the booking itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.answers import done, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Refusal
from liaison.core.written_time import day_and_time
from liaison.orders.queries import referral_to_book
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient
from liaison.scheduling import queries
from liaison.scheduling.access import BOOK, MOVE, OVERRIDE
from liaison.scheduling.actions import PatientBusy, book_appointment, move_appointment
from liaison.scheduling.actions.refusals import DuplicateVisit, NotFree, OutsideHours, TooFar, TooLate
from liaison.scheduling.forms import ANYWHERE, BookForm, Choices, written_offer
from liaison.scheduling.models import Appointment, Resource, VisitType
from liaison.scheduling.ports import Asked, BookingOrder, CancelReason, Override, Reason
from liaison.scheduling.queries import TimeOffer, Times, TimesWanted
from liaison.scheduling.views.asking import not_heard, read_into
from liaison.scheduling.views.explaining import FEW, ShownExplanation, shown_explanation
from liaison.scheduling.views.wishing import PER_DAY, as_many_as_help, best_time, every_day, whole_day

REASON_WORDS = {
    Reason.EARLIEST: gettext_lazy("Earliest"),
    Reason.EARLIEST_THAT_DAY: gettext_lazy("First that day"),
    Reason.KNOWS_PATIENT: gettext_lazy("Knows the patient"),
    Reason.NO_GAP: gettext_lazy("Leaves no gap"),
}
WARNINGS = (PatientBusy, DuplicateVisit)
WISHES = {"not_before", "not_after", "from_at", "to_at", "weekdays"}
OVERRIDABLE = (NotFree, OutsideHours, TooLate, TooFar)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOffer:
    """One time to choose: its value in the form, its words, why it stands here."""

    value: str
    offer: TimeOffer
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDay:
    """The times of one local day, and the query that shows all of them where there may be more."""

    on: date
    offers: tuple[ShownOffer, ...]
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who books for whom and at which `places`, and what is given: the loop, the referral, the visit that moves."""

    actor: Actor
    patient: Patient
    places: tuple[Site, ...]
    now: datetime
    loop_id: int | None = None
    referral_id: int | None = None
    moving: Appointment | None = None


@require_http_methods(["GET", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """Book a visit for one patient."""
    if not actor_of(request).may(BOOK):
        raise Forbidden
    given = request.POST if request.method == "POST" else request.GET
    patient_id = id_in(given.get("patient"))
    if patient_id is None:
        return render(request, "scheduling/book_whom.html")
    patient, loop_id = get_patient(actor_of(request), patient_id=patient_id), id_in(given.get("loop"))
    referral_id = id_in(given.get("referral")) or referral_to_book(patient=patient, loop_id=loop_id or 0)
    asked = queries.asked_by(patient, referral_id=referral_id)
    places = tuple(sites_within(actor_of(request), BOOK))
    if asked is not None:
        places = tuple(site for site in places if site in asked.sites)
        if not places:
            return render(request, "scheduling/book_elsewhere.html", {"asked": asked, "patient": patient})
    desk = Desk(
        actor=actor_of(request),
        patient=patient,
        places=places,
        now=current_time(),
        loop_id=loop_id,
        referral_id=referral_id,
    )
    return _panel(request, desk)


@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """Give a visit another time."""
    if not actor_of(request).may(MOVE):
        raise Forbidden
    moving = queries.get_appointment(actor_of(request), appointment_id=appointment_id)
    desk = Desk(
        actor=actor_of(request),
        patient=moving.patient,
        places=tuple(sites_within(actor_of(request), MOVE)),
        now=current_time(),
        loop_id=moving.loop_id,
        referral_id=moving.referral_id,
        moving=moving,
    )
    return _panel(request, desk)


def _panel(request: HttpRequest, desk: Desk) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    typed = _defaults(desk, given)
    asked = _read_line(desk, given.get("ask"), typed)
    choices = _choices(desk, typed)
    if asked.same_clinician:
        typed["with_id"] = str(choices.seen_last_id or "")
    if typed.get("with_id") not in {str(person.pk) for person in choices.people}:
        typed["with_id"] = ""  # another visit or place was chosen, where this person does not work
    form = BookForm(typed, choices=choices, is_move=desk.moving is not None)
    if request.method == "GET":
        return _show(request, desk, form, unheard=not_heard(asked, typed=typed))
    if not form.is_valid():
        return _show(request, desk, form, status=422)
    try:
        appointment = _carry_out(desk, form, key=form_key(request, form.cleaned_data["key"]))
    except (*WARNINGS, *OVERRIDABLE) as refusal:
        return _show(request, desk, form, refusal=refusal)
    when = day_and_time(appointment.local_start)
    said = _("Moved to %(when)s.") if desk.moving else _("Booked for %(when)s.")
    return done(
        request,
        said=said % {"when": when},
        to=reverse("scheduling:appointment", args=[appointment.pk]),
        go=True,
    )


def _carry_out(desk: Desk, form: BookForm, *, key: str) -> Appointment:
    typed = form.cleaned_data
    order = BookingOrder(
        key=key,
        visit_type_id=typed["visit_type"],
        site_id=typed["offer"].site_id,
        start_at=typed["offer"].start_at,
        seats=typed["offer"].seats,
        loop_id=desk.loop_id,
        referral_id=desk.referral_id,
        note=typed["note"],
    )
    override = Override(reason=typed["override_reason"]) if typed["override_reason"].strip() else None
    if desk.moving is None:
        return book_appointment(actor=desk.actor, patient=desk.patient, order=order, override=override, now=desk.now)
    return move_appointment(
        actor=desk.actor,
        appointment=desk.moving,
        order=order,
        reason=CancelReason(typed["reason"]),
        override=override,
        now=desk.now,
    )


def _show(
    request: HttpRequest,
    desk: Desk,
    form: BookForm,
    *,
    refusal: Refusal | None = None,
    status: int = 200,
    unheard: tuple[str, ...] = (),
) -> HttpResponse:
    """The panel with fresh times; what was typed stays. A refusal stands above the times and takes the focus."""
    wanted = _wanted(desk, form)
    times = queries.earliest_times(desk.actor, wanted=wanted, now=desk.now) if wanted else None
    may_override = isinstance(refusal, WARNINGS) or (refusal is not None and desk.actor.may(OVERRIDE))
    days = _days(times, typed=form.data) if times else ()
    offered = {shown.value for day in days for shown in day.offers}
    chosen = form.data.get("offer", "")
    context = {
        "desk": desk,
        "form": form,
        "days": days,
        "times": times,
        "unheard": unheard,
        "best_time": best_time(desk.patient.best_time, typed=form.data, today=desk.patient.day_at(desk.now)),
        "every_day": every_day(form.data, wanted=wanted) if wanted else "",
        "explained": _explained(desk, form, wanted, times),
        "coming": queries.coming_visits(desk.actor, patient=desk.patient, now=desk.now),
        "refusal": refusal,
        "asks_why": may_override or bool(form.data.get("override_reason")),
        "chosen": chosen if may_override or (refusal is None and chosen in offered) else "",
        "chosen_time": form.cleaned_data.get("offer") if may_override and form.is_valid() else None,
        "time_zone": _zone_name(desk, form),
        "anywhere": form.cleaned_data.get("site") == ANYWHERE,
        "suits": any(form[name].value() for name in WISHES - {"not_before"}),
        "unconfirmed": queries.why_unconfirmed(desk.patient, now=desk.now),
        "now": desk.now,
    }
    template = "scheduling/_book.html" if wants_fragment(request) else "scheduling/book.html"
    # htmx puts a 422 in place of the form; without it the refusal's own status is the honest answer.
    refused = (422 if wants_fragment(request) else refusal.status) if refusal else status
    return render(request, template, context, status=refused)


def _wanted(desk: Desk, form: BookForm) -> TimesWanted | None:
    """What the form asks for, or None while that is unclear."""
    form.is_valid()
    asked = form.cleaned_data
    site_ids = _sites_asked(desk, asked.get("site"))
    if not asked.get("visit_type") or not site_ids or set(form.errors) & WISHES:
        return None
    wanted = TimesWanted(
        visit_type_id=asked["visit_type"],
        site_id=site_ids[0],
        also_at=site_ids[1:],
        patient_id=desk.patient.pk,
        with_id=asked.get("with_id"),
        not_before=asked.get("not_before"),
        not_after=asked.get("not_after"),
        weekdays=frozenset(asked.get("weekdays", ())),
        from_at=asked.get("from_at"),
        to_at=asked.get("to_at"),
        moving_id=desk.moving.pk if desk.moving else None,
    )
    return as_many_as_help(wanted)


def _explained(desk: Desk, form: BookForm, wanted: TimesWanted | None, times: Times | None) -> ShownExplanation | None:
    """Why there are few times or none, when there are."""
    if wanted is None or times is None or len(times.offers) >= FEW:
        return None
    explained = queries.explain(desk.actor, wanted=wanted, now=desk.now)
    return shown_explanation(explained, wanted=wanted, typed=form.data)


def _sites_asked(desk: Desk, site_id: int | None) -> tuple[int, ...]:
    """The sites to search: the one chosen, or all whose time this actor gives."""
    if site_id == ANYWHERE:
        return tuple(site.pk for site in desk.places)
    return () if site_id is None else (site_id,)


def _days(times: Times, *, typed: Mapping[str, Any]) -> Sequence[ShownDay]:
    by_day = [
        (on, tuple(_shown(offer) for offer in offers))
        for on, offers in groupby(times.offers, key=lambda offer: offer.on)
    ]
    return [
        ShownDay(on=on, offers=offers, more=whole_day(typed, on=on) if len(offers) == PER_DAY else "")
        for on, offers in by_day
    ]


def _shown(offer: TimeOffer) -> ShownOffer:
    return ShownOffer(
        value=written_offer(
            offer.start_at, site_id=offer.site_id, seats=[(seat.role, seat.resource_id) for seat in offer.seats]
        ),
        offer=offer,
        why=tuple(str(REASON_WORDS[reason]) for reason in offer.reasons),
    )


def _defaults(desk: Desk, given: QueryDict) -> dict[str, Any]:
    """What was typed, with a first answer for what was not asked yet."""
    typed: dict[str, Any] = {name: given[name] for name in given}
    typed["weekdays"] = given.getlist("weekdays")
    typed.setdefault("key", str(uuid.uuid4()))
    if "site" not in typed:
        typed |= _first_place(desk)
    if "visit_type" not in typed:
        typed["visit_type"] = _first_kind(desk, typed)
    if desk.moving is not None:
        typed.setdefault("note", desk.moving.note)
        typed.setdefault("reason", CancelReason.PATIENT.value)
    return typed


def _read_line(desk: Desk, text: str | None, typed: dict[str, Any]) -> Asked:
    """What a typed line says, put into the fields; nothing without one."""
    if text is None:
        return Asked()
    site = _first_site(desk)
    today = desk.now.astimezone(site.zone if site else UTC).date()
    return read_into(typed, text=text, actor=desk.actor, kinds=_kinds(desk), today=today)


def _first_place(desk: Desk) -> dict[str, str]:
    """Where the referral's specialist works, else where the visit to be moved is, else the patient's home site.

    Always one where this actor books: at another only those who work there give its time away.
    """
    asked = _asked_by_referral(desk) if desk.moving is None else None
    if asked is not None and any(site.pk == asked.site_id for site in desk.places):
        return {"site": str(asked.site_id), "with_id": str(asked.pk)}
    site = _first_site(desk)
    return {"site": str(site.pk) if site else ""}


def _asked_by_referral(desk: Desk) -> Resource | None:
    """The specialist of our own whom the referral asks."""
    if desk.referral_id is None:
        return None
    return queries.specialist_asked(patient=desk.patient, referral_id=desk.referral_id)


def _first_kind(desk: Desk, typed: Mapping[str, str]) -> str:
    """A visit that can be had there, for a referral one that needs it, for a loop the one named like its kind."""
    kinds, site_id = _kinds(desk), id_in(typed.get("site"))
    possible = queries.possible_at(desk.actor, visit_types=kinds, site_id=site_id) if site_id else kinds
    asked = _asked_by_referral(desk)
    if asked is not None:
        possible = [kind for kind in possible if kind.needs.all()[0].ability in asked.abilities] or possible
        possible = sorted(possible, key=lambda kind: not kind.referral_needed)
    elif desk.loop_id is not None:
        promised = queries.kind_promised(patient=desk.patient, loop_id=desk.loop_id)
        possible = sorted(possible, key=lambda kind: kind.code != promised)
    chosen = next(iter(possible), next(iter(kinds), None))
    return str(chosen.pk) if chosen else ""


def _choices(desk: Desk, typed: Mapping[str, str]) -> Choices:
    kinds = _kinds(desk)
    chosen = next((kind for kind in kinds if str(kind.pk) == typed.get("visit_type")), None)
    people: dict[int, Resource] = {}
    for site_id in _sites_asked(desk, id_in(typed.get("site"))):
        able = queries.clinicians_for(desk.actor, visit_type=chosen, site_id=site_id) if chosen else ()
        people |= {person.pk: person for person in able}
    return Choices(
        visit_types=kinds,
        sites=desk.places,
        people=tuple(people.values()),
        seen_last_id=queries.seen_last_by(desk.actor, patient=desk.patient, among=people),
    )


def _kinds(desk: Desk) -> Sequence[VisitType]:
    """The visit types to choose from; a move keeps its own, in today's version."""
    kinds = [kind for kind in queries.visit_types(desk.actor) if desk.referral_id or not kind.referral_needed]
    if desk.moving is not None:
        return [kind for kind in kinds if kind.code == desk.moving.visit_type.code]
    return kinds


def _first_site(desk: Desk) -> Site | None:
    """The place of the visit that moves, else the patient's home site, else any of theirs, where one may book."""
    places = {site.pk: site for site in desk.places}
    if desk.moving is not None and desk.moving.site_id in places:
        return places[desk.moving.site_id]
    theirs = queries.first_site(patient=desk.patient, among=places)
    return next(iter(places.values()), None) if theirs is None else places[theirs]


def _zone_name(desk: Desk, form: BookForm) -> str:
    site_id = form.cleaned_data.get("site")
    site = next((place for place in desk.places if place.pk == site_id), None) if site_id else _first_site(desk)
    return site.time_zone if site else "UTC"
