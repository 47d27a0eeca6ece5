"""One appointment: where it stands, what happened to it, what can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import done, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Stale
from liaison.loops.queries import words_of
from liaison.scheduling import actions, queries
from liaison.scheduling.access import ATTEND, CANCEL, MOVE, WAIT
from liaison.scheduling.forms import CancelForm
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import State
from liaison.scheduling.rules import reason_in_words

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
OVERRIDE_WORDS: Mapping[str, str | Promise] = MappingProxyType(
    {
        "not_free": gettext_lazy("on top of another booking"),
        "outside_hours": gettext_lazy("outside working hours"),
        "lead_time": gettext_lazy("against the lead time"),
        "patient_busy": gettext_lazy("while the patient has another visit"),
        "duplicate": gettext_lazy("as a second visit of its kind that day"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that a button does, and what is said afterwards."""

    do: Callable[..., Appointment]
    words: str | Promise
    said: str | Promise
    undo: str = ""


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "arrived": Step(
            do=actions.arrive,
            words=gettext_lazy("Arrived"),
            said=gettext_lazy("Arrived."),
            undo="not-arrived",
        ),
        "not-arrived": Step(
            do=actions.undo_arrival,
            words=gettext_lazy("Not arrived"),
            said=gettext_lazy("Back to booked."),
        ),
        "checked-in": Step(
            do=actions.check_in,
            words=gettext_lazy("Checked in"),
            said=gettext_lazy("Checked in."),
            undo="not-checked-in",
        ),
        "not-checked-in": Step(
            do=actions.undo_check_in,
            words=gettext_lazy("Not checked in"),
            said=gettext_lazy("Back to arrived."),
        ),
        "seen": Step(do=actions.record_seen, words=gettext_lazy("Seen"), said=gettext_lazy("Seen.")),
        "missed": Step(
            do=actions.record_missed,
            words=gettext_lazy("Did not come"),
            said=gettext_lazy("Noted: did not come. Call today and offer another time."),
        ),
    }
)

_OFFERED: Mapping[State, tuple[str, ...]] = MappingProxyType(
    {
        State.BOOKED: ("arrived", "checked-in", "seen", "missed"),
        State.ARRIVED: ("checked-in", "seen", "missed", "not-arrived"),
        State.CHECKED_IN: ("seen", "not-checked-in"),
        State.NO_SHOW: ("arrived",),
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
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id)
    template = "scheduling/_appointment.html" if wants_fragment(request) else "scheduling/appointment.html"
    return render(request, template, _context(request, found, now=current_time()))


@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """Say why a visit is off, and take it off."""
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id)
    form = CancelForm(request.POST or None, initial={"version": found.version})
    if not form.is_valid():
        context = {"appointment": found, "form": form, "now": current_time()}
        template = "scheduling/_cancel.html" if wants_fragment(request) else "scheduling/cancel.html"
        return render(request, template, context, status=422 if form.is_bound else 200)
    actions.cancel_appointment(
        actor=actor_of(request),
        appointment=found,
        reason=form.cleaned_data["reason"],
        expected_version=form.cleaned_data["version"],
        now=current_time(),
    )
    return _done(request, found, said=_("Cancelled. The time is free again and the patient is told."))


@require_POST
def attend(request: HttpRequest, appointment_id: int, step: str) -> HttpResponse:
    """One press on the day of the visit."""
    if step not in STEPS:
        raise Http404
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id)
    version = request.POST.get("version", "")
    STEPS[step].do(
        actor=actor_of(request),
        appointment=found,
        expected_version=_version(version) if version else None,
        now=current_time(),
    )
    return _done(request, found, said=str(STEPS[step].said), undo=STEPS[step].undo)


def _version(typed: str) -> int:
    """The version that a form carried. Refuses Stale: anything else is of no version there ever was."""
    version = id_in(typed)
    if version is None:
        raise Stale
    return version


def _done(request: HttpRequest, found: Appointment, *, said: str, undo: str = "") -> HttpResponse:
    topics = (
        f"appointment:{found.pk}",
        f"calendar:{found.site_id}:{found.visit_on}",
        f"patient:{found.patient_id}",
    )
    return done(
        request,
        said=said,
        to=reverse("scheduling:appointment", args=[found.pk]),
        undo_url=reverse("scheduling:attend", args=[found.pk, undo]) if undo else "",
        topics=topics,
    )


def _context(request: HttpRequest, found: Appointment, *, now: datetime) -> dict[str, object]:
    actor = actor_of(request)
    state = found.state_now
    offered = _OFFERED.get(state, ()) if actor.may(ATTEND) else ()
    held_for = queries.offer_holding(found)
    wait = queries.wait_to_move(found)
    is_ahead = state in {State.PENDING, State.BOOKED} and held_for is None
    return {
        "held_for": held_for,
        "readiness": queries.readiness_of([found], now=now).get(found.pk) if held_for is None else None,
        "wait": wait,
        "may_wait": is_ahead and wait is None and found.start_at > now and actor.may(WAIT),
        "appointment": found,
        "state": state,
        "state_words": STATE_WORDS[state],
        "steps": [(name, STEPS[name]) for name in offered if _makes_sense(name, found, now=now)],
        "may_move": is_ahead and actor.may(MOVE),
        "may_cancel": held_for is None
        and state not in {State.FULFILLED, State.CANCELLED, State.NO_SHOW, State.ENTERED_IN_ERROR}
        and actor.may(CANCEL),
        "overridden": [OVERRIDE_WORDS.get(code, code) for code in found.overrides],
        "cancel_words": reason_in_words(found.cancel_reason),
        "successor": Appointment.objects.filter(predecessor=found).first(),
        "whole": request.GET.get("as") == "page" or not wants_fragment(request),
        "story": _story(found),
        "told": queries.told_of(found),
        "serves": words_of(actor, loops=[found.loop])[found.loop.pk].title if found.loop else "",
        "time_zone": found.time_zone,
        "now": now,
    }


def _makes_sense(step: str, found: Appointment, *, now: datetime) -> bool:
    """Whether the button would be refused anyway by the day or the hour."""
    today = now.astimezone(found.zone).date()
    if step == "missed":
        return now >= found.start_at
    if step == "seen":
        return found.visit_on <= today
    return found.visit_on == today


def _story(found: Appointment) -> list[StoryLine]:
    """What happened, the newest first."""
    moved = found.predecessor is not None
    lines = [StoryLine(at=found.booked_at, what=_("Moved here") if moved else _("Booked"), by=found.booked_by_name)]
    lines += [
        StoryLine(at=at, what=what, by=by)
        for at, what, by in (
            (found.arrived_at, _("Arrived"), ""),
            (found.checked_in_at, _("Checked in"), ""),
            (found.seen_at, _("Seen"), ""),
            (found.missed_at, _("Did not come"), ""),
            (found.cancelled_at, _("Cancelled"), found.cancelled_by_name),
        )
        if at is not None
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)
