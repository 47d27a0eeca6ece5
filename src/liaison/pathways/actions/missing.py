"""A visit after a hospital stay that was missed is a matter for the clinician, at once (DOMAIN 1.7)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from liaison.accounts.models import User
from liaison.accounts.queries import actor_of
from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.core.written_time import long_day
from liaison.loops.actions import give_up_loop, open_loop
from liaison.loops.models import Loop
from liaison.loops.ports import URGENT, About, ClockToStart, Owner, Promise
from liaison.pathways.actions.following import running_on
from liaison.pathways.actions.visits import visit_booked, why_not
from liaison.pathways.kinds import MISSED_AFTER_STAY
from liaison.scheduling.models import Appointment

_WITHIN: Final = Allowance(amount=4, unit=Unit.HOURS)
_ABOUT: Final = "scheduling.appointment"


def tell_clinician_of_missed(actor: Actor, *, loop_id: int, appointment_id: int, now: datetime) -> None:
    """Open an urgent step for the clinician of the missed visit, else for whoever keeps the follow-up.

    Nothing happens for a visit that serves no running follow-up or can't be its visit (a call); said twice, it is one
    loop.
    """
    enrolment = running_on(loop_id)
    visit = Appointment.objects.select_related("patient", "site").get(pk=appointment_id)
    if enrolment is None or why_not(visit, enrolment) is not None:
        return
    name = visit.patient.goes_by
    clock = ClockToStart(
        rule_id="missed-after-stay",
        rule_version="1",
        source="A missed visit after a hospital stay is urgent",
        step=f"Decide what {name} needs: call now, send somebody, or see them another day",
        anchor_event=f"appointment:{visit.pk}",
        anchor_at=now,
        due_at=due_after(now, allowance=_WITHIN, zone=visit.zone),
        evidence="decided",
    )
    open_loop(
        actor,
        patient=visit.patient,
        promise=Promise(
            kind=MISSED_AFTER_STAY.code,
            title=f"{name} missed the visit after the hospital stay, {long_day(visit.local_start)}",
            clocks=(clock,),
            priority=URGENT,
            about=About(type=_ABOUT, id=visit.pk),
            once_key=f"missed-after-stay:{visit.pk}:{visit.version}",
        ),
        owner=_clinician_of(visit, now=now) or _keeper(enrolment.loop),
        site=visit.site,
        now=now,
    )


def visit_not_missed(actor: Actor, *, loop_id: int | None, appointment_id: int, now: datetime) -> None:
    """They came after all: the clinician has nothing to decide, and the follow-up counts on the visit again."""
    open_loops = Loop.objects.open().filter(kind=MISSED_AFTER_STAY.code, about_type=_ABOUT, about_id=appointment_id)
    for pk in open_loops.order_by("pk").values_list("pk", flat=True):
        give_up_loop(actor, loop_id=pk, reason="They came after all", now=now)
    if loop_id is not None:
        visit_booked(actor, loop_id=loop_id, appointment_id=appointment_id, now=now)


def _clinician_of(visit: Appointment, *, now: datetime) -> Owner | None:
    """The account of the first clinician of the visit who signs in here and sees the patient."""
    seats = visit.reservations.filter(resource__practitioner__user__is_active=True).order_by("pk")
    for user_id in seats.values_list("resource__practitioner__user", flat=True):
        if visit.patient.reachable_by(actor_of(User.objects.get(pk=user_id), now=now), now=now):
            return Owner(user_id=user_id)
    return None


def _keeper(loop: Loop) -> Owner:
    return Owner(user_id=loop.owner_user_id, team_id=loop.owner_team_id)
