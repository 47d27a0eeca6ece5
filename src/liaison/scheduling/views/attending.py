"""The presses of a visit's day: arrived, checked in, in a room, with the clinician, gone; missed, and why; late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from liaison.core.actor import Actor
from liaison.core.answers import done, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Stale
from liaison.core.verbs import Verb
from liaison.scheduling import actions, queries
from liaison.scheduling.access import ASK_BARRIER, ATTEND, ROOM, SEE
from liaison.scheduling.forms import BarrierForm
from liaison.scheduling.models import Appointment, Resource
from liaison.scheduling.ports import LateAnswer, Stage, State
from liaison.scheduling.rules import is_its_day, stage_of

STAGE_WORDS: Mapping[Stage, str | Promise] = MappingProxyType(
    {
        Stage.EXPECTED: gettext_lazy("Expected"),
        Stage.ARRIVED: gettext_lazy("Arrived"),
        Stage.CHECKED_IN: gettext_lazy("Checked in"),
        Stage.ROOMED: gettext_lazy("In a room"),
        Stage.SEEN: gettext_lazy("Being seen"),
        Stage.LEFT: gettext_lazy("Left"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that a button does, who may, and what is said afterwards."""

    do: Callable[..., Appointment]
    verb: Verb
    words: str | Promise
    said: str | Promise
    undo: str = ""


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "arrived": Step(
            do=actions.arrive,
            verb=ATTEND,
            words=gettext_lazy("Arrived"),
            said=gettext_lazy("Arrived."),
            undo="not-arrived",
        ),
        "not-arrived": Step(
            do=actions.undo_arrival,
            verb=ATTEND,
            words=gettext_lazy("Not arrived"),
            said=gettext_lazy("Back to booked."),
        ),
        "checked-in": Step(
            do=actions.check_in,
            verb=ATTEND,
            words=gettext_lazy("Checked in"),
            said=gettext_lazy("Checked in."),
            undo="not-checked-in",
        ),
        "not-checked-in": Step(
            do=actions.undo_check_in,
            verb=ATTEND,
            words=gettext_lazy("Not checked in"),
            said=gettext_lazy("Back to arrived."),
        ),
        "roomed": Step(
            do=actions.take_to_room,
            verb=ROOM,
            words=gettext_lazy("To the room"),
            said=gettext_lazy("In a room."),
            undo="not-roomed",
        ),
        "not-roomed": Step(
            do=actions.undo_room,
            verb=ROOM,
            words=gettext_lazy("Not in a room"),
            said=gettext_lazy("Back to checked in."),
        ),
        "with-clinician": Step(
            do=actions.meet_clinician,
            verb=SEE,
            words=gettext_lazy("With the clinician"),
            said=gettext_lazy("With the clinician."),
            undo="not-with-clinician",
        ),
        "not-with-clinician": Step(
            do=actions.undo_meeting,
            verb=SEE,
            words=gettext_lazy("Not with the clinician"),
            said=gettext_lazy("Back to waiting."),
        ),
        "left": Step(
            do=actions.leave,
            verb=ROOM,
            words=gettext_lazy("Left"),
            said=gettext_lazy("Left."),
            undo="not-left",
        ),
        "not-left": Step(
            do=actions.undo_leaving,
            verb=ROOM,
            words=gettext_lazy("Still here"),
            said=gettext_lazy("Still here."),
        ),
        "seen": Step(
            do=actions.record_seen,
            verb=ATTEND,
            words=gettext_lazy("Took place"),
            said=gettext_lazy("Noted: the visit took place."),
        ),
        "missed": Step(
            do=actions.record_missed,
            verb=ATTEND,
            words=gettext_lazy("Did not come"),
            said=gettext_lazy("Noted: did not come. Call today and offer another time."),
        ),
    }
)

_OFFERED: Mapping[Stage, tuple[str, ...]] = MappingProxyType(
    {
        Stage.EXPECTED: ("arrived", "checked-in", "seen", "missed"),
        Stage.ARRIVED: ("checked-in", "seen", "missed", "not-arrived"),
        Stage.CHECKED_IN: ("roomed", "with-clinician", "seen", "not-checked-in"),
        Stage.ROOMED: ("with-clinician", "roomed", "seen", "not-roomed"),
        Stage.SEEN: ("left", "seen", "not-with-clinician"),
        Stage.LEFT: ("seen", "not-left"),
    }
)


def steps_for(actor: Actor, found: Appointment, *, now: datetime) -> list[tuple[str, Step]]:
    """The buttons that this actor has for this visit now, the usual next step first."""
    offered: tuple[str, ...] = ()
    stage = stage_of(found.stamps)
    if found.state_now is State.NO_SHOW:
        offered = ("arrived",)
    elif stage is not None and found.state_now is not State.FULFILLED:
        offered = _OFFERED[stage]
    return [
        (name, STEPS[name]) for name in offered if actor.may(STEPS[name].verb) and _makes_sense(name, found, now=now)
    ]


def _makes_sense(step: str, found: Appointment, *, now: datetime) -> bool:
    """Whether the button would be refused anyway by the day, the hour or the kind of visit."""
    today = now.astimezone(found.zone).date()
    if step == "missed":
        return now >= found.start_at
    if step == "seen":
        return found.visit_on <= today
    if step == "roomed" and not found.stamps.has_room:
        return False
    if step in {"arrived", "not-arrived", "checked-in"}:
        return found.visit_on == today
    return is_its_day(found.stamps, zone=found.zone, now=now)


_TAKES_BACK = frozenset(step.undo for step in STEPS.values())


@require_POST
def attend(request: HttpRequest, appointment_id: int, step: str) -> HttpResponse:
    """One press on the day of the visit. `room` says which room; else it is the one that was booked."""
    now = current_time()
    if step not in STEPS:
        raise Http404
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id, now=now)
    more: dict[str, Any] = {"room": _room(request, found)} if step == "roomed" else {}
    STEPS[step].do(
        actor=actor_of(request),
        appointment=found,
        expected_version=version_taken_back(request) if step in _TAKES_BACK else version_in(request),
        now=now,
        **more,
    )
    undo = reverse("scheduling:attend", args=[found.pk, STEPS[step].undo]) if STEPS[step].undo else ""
    return done_with(request, found, said=str(STEPS[step].said), undo_url=undo)


def _room(request: HttpRequest, found: Appointment) -> Resource:
    """The room that was chosen. Refuses CannotChange: none was chosen and none was booked."""
    room = queries.room_of(found, chosen=id_in(request.POST.get("room")))
    if room is None:
        raise actions.CannotChange(_("No room was booked for this visit. Open it and choose one."))
    return room


@require_POST
def late(request: HttpRequest, appointment_id: int, answer: str) -> HttpResponse:
    """Say what is done about a late patient, or take that back. `reschedule` goes on to the times."""
    if answer not in {"asked", *LateAnswer}:
        raise Http404
    actor, now = actor_of(request), current_time()
    found = queries.get_appointment(actor, appointment_id=appointment_id, now=now)
    version = version_taken_back(request) if answer == "asked" else version_in(request)
    if answer == "asked":
        actions.undo_lateness_answer(actor=actor, appointment=found, expected_version=version, now=now)
        return done_with(request, found, said=_("The question is open again."))
    given = LateAnswer(answer)
    actions.answer_lateness(actor=actor, appointment=found, answer=given, expected_version=version, now=now)
    if given is LateAnswer.RESCHEDULE:
        to = reverse("scheduling:move", args=[found.pk])
        return done(request, said=_("Late: find another time."), to=to, go=True)
    said = _("Late: see now.") if given is LateAnswer.SEE_NOW else _("Late: fit in later.")
    return done_with(request, found, said=said, undo_url=reverse("scheduling:late", args=[found.pk, "asked"]))


@require_http_methods(["GET", "POST"])
def barrier(request: HttpRequest, appointment_id: int) -> HttpResponse:
    """Note what came in the way of a missed visit; who wants another time goes on to the times."""
    actor, now = actor_of(request), current_time()
    if not actor.may(ASK_BARRIER):
        raise Forbidden
    found = queries.get_appointment(actor, appointment_id=appointment_id, now=now)
    form = BarrierForm(request.POST or None, initial={"barrier": found.barrier, "note": found.barrier_note})
    if not form.is_valid():
        context = {"appointment": found, "form": form, "now": now}
        template = "scheduling/_barrier.html" if wants_fragment(request) else "scheduling/barrier.html"
        return render(request, template, context, status=422 if form.is_bound else 200)
    wants_another = request.POST.get("then") == "book"
    actions.record_barrier(
        actor=actor,
        appointment=found,
        barrier=form.cleaned_data["barrier"],
        note=form.cleaned_data["note"],
        wants_another=wants_another,
        now=now,
    )
    if wants_another:
        return done(request, said=_("Kept. Now find another time."), to=queries.rebook_url(found), go=True)
    return done_with(request, found, said=_("Kept what came in the way."))


def version_in(request: HttpRequest) -> int:
    """The version that a form carried. Refuses Stale: nothing, and anything else, is of no version there ever was."""
    version = id_in(request.POST.get("version"))
    if version is None:
        raise Stale
    return version


def version_taken_back(request: HttpRequest) -> int | None:
    """The version of a form; none from the undo of the moment after, which takes back what stands. Refuses Stale."""
    return version_in(request) if request.POST.get("version") else None


def done_with(request: HttpRequest, found: Appointment, *, said: str, undo_url: str = "") -> HttpResponse:
    """Say it, and have what shows the visit or its day fetched again. Without scripts one goes back to the board."""
    topics = (
        f"appointment:{found.pk}",
        f"calendar:{found.site_id}:{found.visit_on}",
        f"patient:{found.patient_id}",
    )
    back = request.POST.get("from") == "flow"
    to = reverse("scheduling:flow") if back else reverse("scheduling:appointment", args=[found.pk])
    return done(request, said=said, to=to, undo_url=undo_url, topics=topics)
