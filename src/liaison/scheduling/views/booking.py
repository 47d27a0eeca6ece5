"""The booking panel: a search that answers as one changes it, ranked times, and the booking itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from liaison.accounts.queries import sites_within
from liaison.core.answers import done, found_again, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden
from liaison.core.written_time import day_and_time
from liaison.patients.queries import get_patient
from liaison.scheduling import queries
from liaison.scheduling.access import BOOK, MOVE, OVERRIDE
from liaison.scheduling.actions import Warned, book_or_take, hold_time, move_appointment
from liaison.scheduling.forms import ANYWHERE, BookForm, written_offer
from liaison.scheduling.models import Appointment, Modality
from liaison.scheduling.ports import HOLD_FOR, Asked, BookingOrder, CancelReason, Override, Reason, Span
from liaison.scheduling.queries import ComingVisit, TimeOffer, Times, TimesWanted
from liaison.scheduling.rules import is_too_near, minutes_between
from liaison.scheduling.views.asking import WhoIsMeant, choose_one, not_heard, read_into
from liaison.scheduling.views.explaining import FEW, ShownExplanation, searched, shown_explanation
from liaison.scheduling.views.first_answers import (
    Booking,
    choices,
    first_answers,
    first_site,
    kinds,
    sites_asked,
    zone_name,
)
from liaison.scheduling.views.promising import choose_promise, forgotten, named_promise
from liaison.scheduling.views.wishing import PER_DAY, as_many_as_help, best_time, every_day, whole_day

REASON_WORDS = {
    Reason.EARLIEST: gettext_lazy("Earliest"),
    Reason.EARLIEST_THAT_DAY: gettext_lazy("First that day"),
    Reason.KNOWS_PATIENT: gettext_lazy("Knows the patient"),
    Reason.NO_GAP: gettext_lazy("Leaves no gap"),
}
WISHES = {"not_before", "not_after", "from_at", "to_at", "weekdays"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOffer:
    """One time to choose: its value in the form, its words, why it stands here, what elsewhere it is too near to."""

    value: str
    offer: TimeOffer
    why: tuple[str, ...]
    too_near: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDay:
    """The times of one local day, and the query that shows all of them where there may be more."""

    on: date
    offers: tuple[ShownOffer, ...]
    more: str


@require_http_methods(["GET", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """Book a visit for one patient."""
    now = current_time()
    if not actor_of(request).may(BOOK):
        raise Forbidden
    given = request.POST if request.method == "POST" else request.GET
    patient_id = id_in(given.get("patient"))
    if patient_id is None:
        return render(request, "scheduling/book_whom.html")
    patient = get_patient(actor_of(request), patient_id=patient_id, now=now)
    loop_id, referral_id = named_promise(patient, given, is_posted=request.method == "POST")
    asked = queries.asked_by(patient, referral_id=referral_id)
    places = tuple(sites_within(actor_of(request), BOOK))
    if asked is not None:
        places = tuple(site for site in places if site in asked.sites)
        if not places:
            return render(request, "scheduling/book_elsewhere.html", {"asked": asked, "patient": patient})
    booking = Booking(
        actor=actor_of(request),
        patient=patient,
        places=places,
        now=now,
        loop_id=loop_id,
        referral_id=referral_id,
    )
    return _panel(request, booking)


@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """Give a visit another time."""
    now = current_time()
    if not actor_of(request).may(MOVE):
        raise Forbidden
    moving = queries.get_appointment(actor_of(request), appointment_id=appointment_id, now=now)
    booking = Booking(
        actor=actor_of(request),
        patient=moving.patient,
        places=tuple(sites_within(actor_of(request), MOVE)),
        now=now,
        loop_id=moving.loop_id,
        referral_id=moving.referral_id,
        moving=moving,
    )
    return _panel(request, booking)


def _panel(request: HttpRequest, booking: Booking) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    is_posted = request.method == "POST"
    typed = first_answers(booking, given, but=() if is_posted else forgotten(booking, given))
    asked = _read_line(booking, given.get("ask"), typed)
    booking, promised = choose_promise(booking, typed, given, is_posted=is_posted)
    choice = choices(booking, typed, promises=promised.options, told=promised.told)
    if asked.same_clinician:
        typed["with_id"] = str(choice.seen_last_id or "")
    meant = choose_one(asked, typed=typed, able=choice.people)
    if typed.get("with_id") not in {str(person.pk) for person in choice.people}:
        typed["with_id"] = ""  # another visit or place was chosen, where this person does not work
    form = BookForm(typed, choices=choice, is_move=booking.moving is not None)
    if request.method == "GET":
        return _show(request, booking, form, unheard=not_heard(asked, typed=typed, several=bool(meant)), meant=meant)
    if not form.is_valid():
        return _show(request, booking, form, status=422)
    holds = booking.moving is None and "hold" in request.POST
    try:
        if holds:
            return _hold(request, booking, form)
        appointment = _carry_out(booking, form, key=form_key(request, form.cleaned_data["key"]))
    except Warned as refusal:
        return _show(request, booking, form, refusal=refusal)
    when = day_and_time(appointment.local_start)
    said = _("Moved to %(when)s.") if booking.moving else _("Booked for %(when)s.")
    return done(
        request,
        said=said % {"when": when},
        to=reverse("scheduling:appointment", args=[appointment.pk]),
        go=True,
    )


def _hold(request: HttpRequest, booking: Booking, form: BookForm) -> HttpResponse:
    """Keep the time while the patient makes up their mind, and show it."""
    held = hold_time(
        actor=booking.actor,
        patient=booking.patient,
        order=_order(booking, form, key=form_key(request, form.cleaned_data["key"])),
        lasting=timedelta(minutes=form.cleaned_data["hold_for"] or HOLD_FOR[0] // timedelta(minutes=1)),
        override=_override(form),
        now=booking.now,
    )
    kept = _("Held until %(when)s.") % {"when": day_and_time(held.local_until)}
    booked = _("Booked for %(when)s.") % {"when": day_and_time(held.appointment.local_start)}
    said = kept if held.stands else booked  # sent again by a tab in which it was not yet taken
    return done(request, said=said, to=reverse("scheduling:appointment", args=[held.appointment_id]), go=True)


def _order(booking: Booking, form: BookForm, *, key: str) -> BookingOrder:
    typed = form.cleaned_data
    return BookingOrder(
        key=key,
        visit_type_id=typed["visit_type"],
        site_id=typed["offer"].site_id,
        start_at=typed["offer"].start_at,
        seats=typed["offer"].seats,
        loop_id=booking.loop_id,
        referral_id=booking.referral_id,
        note=typed["note"],
    )


def _override(form: BookForm) -> Override | None:
    why = form.cleaned_data["override_reason"]
    return Override(reason=why, met=frozenset(form.cleaned_data["met"].split())) if why.strip() else None


def _carry_out(booking: Booking, form: BookForm, *, key: str) -> Appointment:
    order, override = _order(booking, form, key=key), _override(form)
    if booking.moving is None:
        return book_or_take(
            actor=booking.actor, patient=booking.patient, order=order, override=override, now=booking.now
        )
    return move_appointment(
        actor=booking.actor,
        appointment=booking.moving,
        order=order,
        reason=CancelReason(form.cleaned_data["reason"]),
        override=override,
        now=booking.now,
    )


def _show(
    request: HttpRequest,
    booking: Booking,
    form: BookForm,
    *,
    refusal: Warned | None = None,
    status: int = 200,
    unheard: tuple[str, ...] = (),
    meant: tuple[WhoIsMeant, ...] = (),
) -> HttpResponse:
    """The panel with fresh times; what was typed stays. A refusal stands above the times and takes the focus."""
    wanted = _wanted(booking, form)
    times = queries.earliest_times(booking.actor, wanted=wanted, now=booking.now) if wanted else None
    may_override = refusal is not None and (refusal.is_for_everybody or booking.actor.may(OVERRIDE))
    coming = queries.coming_visits(booking.actor, patient=booking.patient, now=booking.now)
    days = _days(times, typed=form.data, elsewhere=_in_person(booking, form, coming)) if times else ()
    offered = {shown.value for day in days for shown in day.offers}
    chosen = form.data.get("offer", "")
    context = {
        "booking": booking,
        "form": form,
        "days": days,
        "times": times,
        "unheard": unheard,
        "meant": meant,
        "best_time": best_time(booking.patient.best_time, typed=form.data, today=booking.patient.day_at(booking.now)),
        "every_day": every_day(form.data, wanted=wanted) if wanted else "",
        "explained": _explained(booking, form, wanted, times),
        "coming": coming,
        "may_serve": _may_serve(booking),
        "serves_words": _serves_words(form),
        "is_fragment": wants_fragment(request),
        "already": _already(booking, coming),
        "no_count": _why_it_would_not_count(booking, form),
        "refusal": refusal,
        "met": " ".join(refusal.met) if refusal else form.data.get("met", ""),
        "asks_why": may_override or bool(form.data.get("override_reason")),
        "chosen": chosen if may_override or (refusal is None and chosen in offered) else "",
        "chosen_time": form.cleaned_data.get("offer") if may_override and form.is_valid() else None,
        "time_zone": zone_name(booking, form),
        "anywhere": form.cleaned_data.get("site") == ANYWHERE,
        "suits": any(form[name].value() for name in WISHES - {"not_before"}),
        "unconfirmed": queries.why_unconfirmed(booking.patient, now=booking.now),
        "unread": queries.why_unread(booking.patient, now=booking.now),
        "now": booking.now,
    }
    template = "scheduling/_book.html" if wants_fragment(request) else "scheduling/book.html"
    # htmx puts a 422 in place of the form; without it the refusal's own status is the honest answer.
    refused = (422 if wants_fragment(request) else refusal.status) if refusal else status
    answer = render(request, template, context, status=refused)
    return found_again(request, answer, query=searched(form.data).urlencode())


def _wanted(booking: Booking, form: BookForm) -> TimesWanted | None:
    """What the form asks for, or None while that is unclear."""
    form.is_valid()
    asked = form.cleaned_data
    site_ids = sites_asked(booking, asked.get("site"))
    if not asked.get("visit_type") or not site_ids or set(form.errors) & WISHES:
        return None
    wanted = TimesWanted(
        visit_type_id=asked["visit_type"],
        site_id=site_ids[0],
        also_at=site_ids[1:],
        patient_id=booking.patient.pk,
        with_id=asked.get("with_id"),
        not_before=asked.get("not_before"),
        not_after=asked.get("not_after"),
        weekdays=frozenset(asked.get("weekdays", ())),
        from_at=asked.get("from_at"),
        to_at=asked.get("to_at"),
        moving_id=booking.moving.pk if booking.moving else None,
    )
    return as_many_as_help(wanted)


def _explained(
    booking: Booking, form: BookForm, wanted: TimesWanted | None, times: Times | None
) -> ShownExplanation | None:
    """Why there are few times or none, when there are."""
    if wanted is None or times is None or len(times.offers) >= FEW:
        return None
    explained = queries.explain(booking.actor, wanted=wanted, now=booking.now)
    return shown_explanation(explained, wanted=wanted, typed=form.data)


def _in_person(booking: Booking, form: BookForm, coming: Sequence[ComingVisit]) -> Sequence[ComingVisit]:
    """The visits between which the patient must travel when they come in person for this one too."""
    wanted = form.cleaned_data.get("visit_type")
    if not any(kind.pk == wanted and kind.modality == Modality.IN_PERSON for kind in kinds(booking)):
        return ()
    moving_id = booking.moving.pk if booking.moving else None
    return [one for one in coming if one.modality == Modality.IN_PERSON and one.appointment_id != moving_id]


def _already(booking: Booking, coming: Sequence[ComingVisit]) -> ComingVisit | None:
    """The next visit that is booked for the same promise; moving one books none besides."""
    if booking.moving is not None:
        return None
    same = queries.booked_for_the_same(
        patient_id=booking.patient.pk, loop_id=booking.loop_id, referral_id=booking.referral_id, now=booking.now
    )
    ids = {one.pk for one in same}
    return next((one for one in coming if one.appointment_id in ids), None)


def _may_serve(booking: Booking) -> Sequence[ComingVisit]:
    """The visits that may be what is promised here; moving one is about that one alone."""
    if booking.moving is not None:
        return ()
    return queries.may_serve_loop(booking.actor, patient=booking.patient, loop_id=booking.loop_id, now=booking.now)


def _why_it_would_not_count(booking: Booking, form: BookForm) -> str:
    """Said before it is booked: a visit of this kind is not what the promise waits for. Moving one changes no kind."""
    if booking.moving is not None:
        return ""
    chosen = next((kind for kind in kinds(booking) if kind.pk == form.cleaned_data.get("visit_type")), None)
    return queries.why_it_would_not_count(patient=booking.patient, loop_id=booking.loop_id, visit_type=chosen)


def _serves_words(form: BookForm) -> str:
    """What the promise is called that was chosen."""
    options: dict[str, Any] = dict(form.fields["serves"].choices) if "serves" in form.fields else {}  # type: ignore[attr-defined]  # a field of choices
    return str(options.get(form.data.get("serves", ""), ""))


def _days(times: Times, *, typed: Mapping[str, Any], elsewhere: Sequence[ComingVisit]) -> Sequence[ShownDay]:
    by_day = [
        (on, tuple(_shown(offer, elsewhere) for offer in offers))
        for on, offers in groupby(times.offers, key=lambda offer: offer.on)
    ]
    return [
        ShownDay(on=on, offers=offers, more=whole_day(typed, on=on) if len(offers) == PER_DAY else "")
        for on, offers in by_day
    ]


def _shown(offer: TimeOffer, elsewhere: Sequence[ComingVisit]) -> ShownOffer:
    return ShownOffer(
        value=written_offer(
            offer.start_at, site_id=offer.site_id, seats=[(seat.role, seat.resource_id) for seat in offer.seats]
        ),
        offer=offer,
        why=tuple(str(REASON_WORDS[reason]) for reason in offer.reasons),
        too_near=next(_too_near(offer, elsewhere), ""),
    )


def _too_near(offer: TimeOffer, elsewhere: Sequence[ComingVisit]) -> Iterator[str]:
    """What the patient has at another site so shortly before or after that they can hardly get there."""
    visit = Span(offer.start_at, offer.end_at)
    for one in elsewhere:
        other = Span(one.start_at, one.end_at)
        if one.site_id != offer.site_id and is_too_near(visit, other):
            yield _("%(minutes)s min from a visit at %(site)s") % {
                "minutes": minutes_between(visit, other), "site": one.where,
            }  # fmt: skip


def _read_line(booking: Booking, text: str | None, typed: dict[str, Any]) -> Asked:
    """What a typed line says, put into the fields; nothing without one."""
    if text is None:
        return Asked()
    site = first_site(booking)
    today = booking.now.astimezone(site.zone if site else UTC).date()
    return read_into(typed, text=text, actor=booking.actor, kinds=kinds(booking), today=today)
