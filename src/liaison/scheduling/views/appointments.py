"""One appointment: where it stands, what happened to it, what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.written_time import day_and_time
from liaison.loops.queries import words_of
from liaison.scheduling import actions, queries
from liaison.scheduling.access import ASK_BARRIER, BOOK, CANCEL, CHANGE_SERIES, LATE, MOVE, SETTLE_ANSWER, WAIT
from liaison.scheduling.forms import CancelForm
from liaison.scheduling.models import Appointment, Hold
from liaison.scheduling.ports import LateAnswer, Stage, State
from liaison.scheduling.rules import BARRIERS, Barrier, HoldEnd, late_by, reason_in_words, stage_of
from liaison.scheduling.views.attending import STAGE_WORDS, done_with, steps_for

_MINUTE = timedelta(minutes=1)

STATE_WORDS: Mapping[State, str | Promise] = MappingProxyType(
    {
        State.PROPOSED: gettext_lazy("Proposed"),
        State.PENDING: gettext_lazy("Waits for an answer"),
        State.BOOKED: gettext_lazy("Booked"),
        State.ARRIVED: gettext_lazy("Arrived"),
        State.CHECKED_IN: gettext_lazy("Checked in"),
        State.FULFILLED: gettext_lazy("Seen"),
        State.CANCELLED: gettext_lazy("Cancelled"),
        State.NO_SHOW: gettext_lazy("Did not come"),
        State.ENTERED_IN_ERROR: gettext_lazy("Entered in error"),
        State.WAITLIST: gettext_lazy("On the waitlist"),
    }
)
HOLD_END_WORDS: Mapping[HoldEnd | None, str | Promise] = MappingProxyType(
    {
        None: gettext_lazy("Held"),
        HoldEnd.TAKEN: gettext_lazy("Booked"),
        HoldEnd.GIVEN_UP: gettext_lazy("Held, and given up"),
        HoldEnd.LAPSED: gettext_lazy("Held, and nobody took it in time"),
    }
)
LATE_WORDS: Mapping[str, str | Promise] = MappingProxyType(
    {
        LateAnswer.SEE_NOW: gettext_lazy("Late: see now"),
        LateAnswer.FIT_IN: gettext_lazy("Late: fit in later"),
        LateAnswer.RESCHEDULE: gettext_lazy("Late: reschedule"),
    }
)
LATE_CHOICES = (
    (LateAnswer.SEE_NOW.value, gettext_lazy("See now")),
    (LateAnswer.FIT_IN.value, gettext_lazy("Fit in later")),
    (LateAnswer.RESCHEDULE.value, gettext_lazy("Reschedule")),
)
OVERRIDE_WORDS: Mapping[str, str | Promise] = MappingProxyType(
    {
        "not_free": gettext_lazy("on top of another booking"),
        "outside_hours": gettext_lazy("outside working hours"),
        "lead_time": gettext_lazy("against the lead time"),
        "patient_busy": gettext_lazy("while the patient has another visit"),
        "second_visit": gettext_lazy("besides another visit for the same"),
        "no_time_to_travel": gettext_lazy("with little time to come from another site"),
        "journey_gap": gettext_lazy("nearer to, or farther from, what it belongs to than was asked"),
        "duplicate": gettext_lazy("as a second visit of its kind that day"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One thing that happened to an appointment."""

    at: datetime
    what: str
    by: str = ""


@require_GET
def appointment(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """The page of one appointment; beside a list the same without the frame."""
    now = current_time()
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id, now=now)
    template = "scheduling/_appointment.html" if wants_fragment(request) else "scheduling/appointment.html"
    return render(request, template, _context(request, found, now=now))


@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """Say why a visit is off, and take it off."""
    now = current_time()
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id, now=now)
    form = CancelForm(request.POST or None, initial={"version": found.version})
    if not form.is_valid():
        others = queries.others_of_journey(found, now=now)
        context = {"appointment": found, "form": form, "journey_others": others, "now": now}
        template = "scheduling/_cancel.html" if wants_fragment(request) else "scheduling/cancel.html"
        return render(request, template, context, status=422 if form.is_bound else 200)
    cancelled = actions.cancel_appointment(
        actor=actor_of(request),
        appointment=found,
        reason=form.cleaned_data["reason"],
        expected_version=form.cleaned_data["version"],
        now=now,
    )
    return done_with(request, found, said=_said_of(cancelled))


@require_POST
def settled(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """The patient declined by their calendar, somebody spoke with them, and the visit stands."""
    now = current_time()
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id, now=now)
    actions.settle_with_patient(actor=actor_of(request), appointment=found, now=now)
    return done_with(request, found, said=_("Settled. The visit stands."))


def _said_of(cancelled: Appointment) -> str:
    """That it is off, and whether the patient hears of it by mail."""
    told = queries.told_of(cancelled)
    if told is not None and told.to_interpret:
        words = _("Cancelled. The time is free again. The message is %(unread)s: tell them with an interpreter.")
        return words % {"unread": told.unread}
    if told is not None and told.ok:
        return _("Cancelled. The time is free again and the patient is told.")
    why = f" {told.why}" if told is not None and told.why else ""
    return _("Cancelled. The time is free again. No message went to the patient.") + why


def _context(request: HttpRequest, found: Appointment, *, now: datetime) -> dict[str, object]:
    actor = actor_of(request)
    state = found.state_now
    stage = stage_of(found.stamps)
    late = late_by(found.stamps, threshold=found.visit_type.late_after, now=now)
    held_for = queries.offer_holding(found)
    wait = queries.wait_to_move(found)
    answered = queries.answers_of(found)
    hold = queries.hold_of(found)
    is_held = held_for is not None or (hold is not None and hold.stands)
    is_ahead = state in {State.PENDING, State.BOOKED} and not is_held
    is_here = state in {State.ARRIVED, State.CHECKED_IN} and found.seen_at is None
    steps = steps_for(actor, found, now=now)
    return {
        "held_for": held_for,
        "hold": hold if hold is not None and hold.stands else None,
        "may_take": hold is not None and hold.stands and actor.may(BOOK),
        "answered": answered.stands if not found.is_over else None,
        "declined_loop": answered.loop_id,
        "may_settle": answered.loop_id is not None and actor.may(SETTLE_ANSWER),
        "readiness": queries.readiness_of([found], now=now).get(found.pk) if not is_held else None,
        "wait": wait,
        "in_series": queries.place_in_series(found),
        "in_journey": queries.place_in_journey(found),
        "may_move_series": (
            is_ahead and found.start_at > now and found.patient.reachable_by(actor, CHANGE_SERIES, now=now)
        ),
        "may_wait": is_ahead and wait is None and found.start_at > now and actor.may(WAIT),
        "appointment": found,
        "state": state,
        "state_words": _("Not booked") if _never_booked(hold) else _words_now(found, stage),
        "steps": steps,
        "rooms": queries.rooms_for(found, now=now) if "roomed" in dict(steps) else (),
        "own_room": queries.own_room(found),
        "late_minutes": None if late is None else late // _MINUTE,
        "late_answer": LATE_WORDS.get(found.late_answer, ""),
        "late_choices": LATE_CHOICES,
        "asks_late": late is not None and actor.may(LATE),
        "barrier_words": BARRIERS[Barrier(found.barrier)] if found.barrier else "",
        "asks_barrier": state is State.NO_SHOW and actor.may(ASK_BARRIER),
        "rebook_url": queries.rebook_url(found) if _is_to_book_again(found, hold) and actor.may(BOOK) else "",
        "may_move": (is_ahead or is_here) and actor.may(MOVE),
        "may_cancel": not is_held
        and found.seen_at is None
        and state not in {State.FULFILLED, State.CANCELLED, State.NO_SHOW, State.ENTERED_IN_ERROR}
        and actor.may(CANCEL),
        "overridden": [OVERRIDE_WORDS.get(code, code) for code in found.overrides],
        "never_booked": _never_booked(hold),
        "cancel_words": _why_cancelled(found, hold),
        "successor": queries.successor_of(found),
        "whole": request.GET.get("as") == "page" or not wants_fragment(request),
        "story": _story(found, answered.every, hold=hold),
        "told": queries.told_of(found),
        "serves": words_of(actor, loops=[found.loop], now=now)[found.loop.pk].title if found.loop else "",
        "time_zone": found.time_zone,
        "now": now,
    }


def _is_to_book_again(found: Appointment, hold: Hold | None) -> bool:
    """Whether the patient has nothing of it: they did not come, or did not take in time what was held."""
    return found.state_now is State.NO_SHOW or (hold is not None and found.state_now is State.CANCELLED)


def _cancelled(hold: Hold | None) -> str | Promise:
    """How the end of the visit is called: a time that was only held was never cancelled."""
    return HOLD_END_WORDS[hold.end_now] if hold is not None and _never_booked(hold) else _("Cancelled")


def _never_booked(hold: Hold | None) -> bool:
    return hold is not None and hold.end_now in {HoldEnd.GIVEN_UP, HoldEnd.LAPSED}


def _why_cancelled(found: Appointment, hold: Hold | None) -> str | Promise:
    return _cancelled(hold) if _never_booked(hold) else reason_in_words(found.cancel_reason)


def _words_now(found: Appointment, stage: Stage | None) -> str | Promise:
    """Where the visit stands; on its day as the board of the flow says it."""
    if found.state_now is State.CHECKED_IN and stage is Stage.ROOMED:
        return _("In %(room)s") % {"room": found.room}
    if found.state_now is State.CHECKED_IN and stage is not None:
        return STAGE_WORDS[stage]
    return STATE_WORDS[found.state_now]


def _story(found: Appointment, answers: Sequence[queries.Answered], *, hold: Hold | None) -> list[StoryLine]:
    """What happened, the newest first."""
    moved = found.predecessor is not None
    lines = [StoryLine(at=found.booked_at, what=_("Moved here") if moved else _("Booked"), by=found.booked_by_name)]
    if hold is not None:
        until = _("Held until %(when)s") % {"when": day_and_time(hold.local_until)}
        taken = lines if hold.end_now is HoldEnd.TAKEN else []
        lines = [StoryLine(at=hold.held_at, what=until, by=hold.held_by_name), *taken]
    lines += [
        StoryLine(at=at, what=what, by=by)
        for at, what, by in (
            (found.arrived_at, _("Arrived"), ""),
            (found.late_answered_at, str(LATE_WORDS.get(found.late_answer, "")), found.late_answered_by_name),
            (found.checked_in_at, _("Checked in"), ""),
            (found.roomed_at, _("Taken to %(room)s") % {"room": found.room}, ""),
            (found.seen_at, _("Seen"), ""),
            (found.left_at, _("Left"), ""),
            (found.missed_at, _("Did not come"), found.missed_by_name),
            (found.barrier_at, _("Said what came in the way"), found.barrier_by_name),
            (found.cancelled_at, str(_cancelled(hold)), found.cancelled_by_name),
        )
        if at is not None
    ]
    lines += [StoryLine(at=one.at, what=one.words, by=_("by their calendar")) for one in answers]
    return sorted(lines, key=lambda line: line.at, reverse=True)
