"""A visit put elsewhere on the calendar by hand: what would follow, and then the move itself.

A drop on the grid, the arrow keys and the list's form all come here. The first answer only tells; nothing is saved
before somebody saw it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liaison.core.answers import done, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.languages import language_name
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Stale
from liaison.core.written_time import day_and_time
from liaison.scheduling import actions, queries
from liaison.scheduling.access import MOVE
from liaison.scheduling.forms import PlaceForm
from liaison.scheduling.models import Appointment, Resource
from liaison.scheduling.ports import BookingOrder, CancelReason, Override, Seat
from liaison.scheduling.rules import settle

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSeat:
    """One seat of the visit: who has it, who would, and who could."""

    field: str
    role: str
    had: Resource
    chosen_id: int
    choices: Sequence[Resource]

    @property
    def chosen(self) -> str:
        """The name of who would have it."""
        return next((one.name for one in (*self.choices, self.had) if one.pk == self.chosen_id), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where the visit would go."""

    start_at: datetime
    minutes: int
    seats: tuple[ShownSeat, ...]

    @property
    def end_at(self) -> datetime:
        """When it would end."""
        return self.start_at + self.minutes * _MINUTE


@require_http_methods(["GET", "POST"])
def place(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """Tell what a move by hand would mean (GET), and make it (POST)."""
    now = current_time()
    if not actor_of(request).may(MOVE):
        raise Forbidden
    moving = queries.get_appointment(actor_of(request), appointment_id=appointment_id, now=now)
    given = request.POST if request.method == "POST" else request.GET
    form = PlaceForm(given)
    is_sound = form.is_valid()
    placed = _placed(request, moving, form, given)
    order = _order(request, moving, placed, key=given.get("key") or str(uuid.uuid4()))
    if request.method == "GET" or not is_sound:
        return _show(request, moving, placed, order, form=form, status=200 if request.method == "GET" else 422, now=now)
    typed = form.cleaned_data
    why = typed["override_reason"].strip()
    try:
        moved = actions.move_appointment(
            actor=actor_of(request),
            appointment=moving,
            order=order,
            reason=CancelReason(typed["reason"] or CancelReason.OTHER),
            override=Override(reason=why, met=frozenset(typed["met"].split())) if why else None,
            expected_version=_version(given),
            now=now,
        )
    except actions.Warned:
        return _show(request, moving, placed, order, form=form, status=422, now=now)
    return _done(request, moving, moved)


def _done(request: HttpRequest, old: Appointment, moved: Appointment) -> HttpResponse:
    response = done(
        request,
        said=_("Moved to %(when)s.") % {"when": day_and_time(moved.local_start)},
        to=f"{reverse('scheduling:day')}?site={moved.site_id}&on={moved.visit_on.isoformat()}",
        topics=(
            f"appointment:{old.pk}",
            f"calendar:{old.site_id}:{old.visit_on}",
            f"calendar:{moved.site_id}:{moved.visit_on}",
            f"patient:{moved.patient_id}",
        ),
    )
    response["Liaison-Placed"] = str(moved.pk)
    return response


def _version(given: QueryDict) -> int:
    version = id_in(given.get("version"))
    if version is None:
        raise Stale
    return version


def _placed(request: HttpRequest, moving: Appointment, form: PlaceForm, given: QueryDict) -> Placed:
    """Where it should go: what was typed or dropped, and for the rest where it is."""
    typed = form.cleaned_data
    start_at = typed.get("start") or moving.start_at
    if typed.get("on") and typed.get("at") and not typed.get("start"):
        start_at = settle(on=typed["on"], at=typed["at"], zone=moving.zone).at
    length = (moving.end_at - moving.start_at) // _MINUTE
    return Placed(
        start_at=start_at.astimezone(moving.zone),
        minutes=typed.get("minutes") or length,
        seats=tuple(_seats(request, moving, given)),
    )


def _seats(request: HttpRequest, moving: Appointment, given: QueryDict) -> Iterator[ShownSeat]:
    """The seats in their order: as `seat_0`, `seat_1` … say, else with whom a drop (`from`, `to`) replaces whom."""
    kind = queries.current_version(moving.visit_type)
    abilities = {need.role: need.ability for need in kind.needs.all()}
    dropped = (id_in(given.get("from")), id_in(given.get("to")))
    for number, row in enumerate(moving.reservations.all()):
        field = f"seat_{number}"
        chosen = id_in(given.get(field)) or (dropped[1] if dropped[0] == row.resource_id else None)
        able = queries.able_at(actor_of(request), ability=abilities.get(row.role, ""), site_id=moving.site_id)
        yield ShownSeat(
            field=field,
            role=row.role,
            had=row.resource,
            chosen_id=chosen or row.resource_id,
            choices=able if any(one.pk == row.resource_id for one in able) else (row.resource, *able),
        )


def _order(request: HttpRequest, moving: Appointment, placed: Placed, *, key: str) -> BookingOrder:
    return BookingOrder(
        key=form_key(request, key),
        visit_type_id=queries.current_version(moving.visit_type).pk,
        site_id=moving.site_id,
        start_at=placed.start_at,
        minutes=placed.minutes,
        seats=tuple(Seat(role=seat.role, resource_id=seat.chosen_id) for seat in placed.seats),
        loop_id=moving.loop_id,
        referral_id=moving.referral_id,
        note=moving.note,
    )


def _show(
    request: HttpRequest,
    moving: Appointment,
    placed: Placed,
    order: BookingOrder,
    *,
    form: PlaceForm,
    status: int,
    now: datetime,
) -> HttpResponse:
    preview = actions.preview_move(actor_of(request), appointment=moving, order=order, now=now)
    changes = _changes(moving, placed)
    context: dict[str, Any] = {
        "appointment": moving,
        "placed": placed,
        "preview": preview,
        "form": form,
        "key": (form.data.get("key") or str(uuid.uuid4())),
        "changes": changes,
        "may_save": changes and preview.refusal is None and (not preview.against or preview.may_override),
        "follows": list(_follows(moving, placed, preview, now=now)) if changes else [],
        "reason": form.data.get("reason") or CancelReason.OTHER.value,
        "is_page": not wants_fragment(request),
        "now": now,
    }
    template = "scheduling/_place.html" if wants_fragment(request) else "scheduling/place.html"
    return render(request, template, context, status=status)


def _changes(moving: Appointment, placed: Placed) -> bool:
    same_time = (placed.start_at, placed.end_at) == (moving.start_at, moving.end_at)
    return not same_time or any(seat.chosen_id != seat.had.pk for seat in placed.seats)


def _follows(moving: Appointment, placed: Placed, preview: actions.MovePreview, *, now: datetime) -> Iterator[str]:
    """Who is told and what else comes of it, one sentence each."""
    yield _patient_hears(moving, placed, now=now)
    if preview.coming:
        yield _("%(names)s: gets the visit.") % {"names": ", ".join(one.name for one in preview.coming)}
    if preview.leaving:
        yield _("%(names)s: is free of it.") % {"names": ", ".join(one.name for one in preview.leaving)}
    if preview.coming or preview.leaving:
        yield _("Calendars that are open show it at once; colleagues get no mail.")
    if moving.interpreter_language and (placed.start_at, placed.end_at) != (moving.start_at, moving.end_at):
        language = language_name(moving.interpreter_language)
        yield _("An interpreter for %(language)s is needed: tell them the new time.") % {"language": language}
    if moving.start_at > now and not _overlap(moving, placed):
        yield _("The old time becomes free and is kept for those who wait.")


def _overlap(moving: Appointment, placed: Placed) -> bool:
    stays = any(seat.chosen_id == seat.had.pk for seat in placed.seats)
    return stays and placed.start_at < moving.end_at and placed.end_at > moving.start_at


def _patient_hears(moving: Appointment, placed: Placed, *, now: datetime) -> str:
    unconfirmed = queries.why_unconfirmed(moving.patient, now=now)
    if placed.start_at <= now:
        return _("The patient gets no e-mail: that time is past.")
    if unconfirmed:
        return _("The patient gets no e-mail: %(why)s Tell them on the phone.") % {"why": unconfirmed}
    unread = f" {missed}" if (missed := queries.why_unread(moving.patient, now=now)) else ""
    if placed.start_at == moving.start_at:
        return _("The patient gets the confirmation once more with a fresh calendar file: the start stays.") + unread
    words = _("The patient gets an e-mail with the new time and a calendar file; reminders follow the new time.")
    return words + unread
