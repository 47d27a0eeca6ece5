"""What a visit does to the promise that it serves: the referral moves on, a missed visit is called about."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from liaison.accounts.models import Team
from liaison.core.actor import Actor
from liaison.core.calendars import end_of_day
from liaison.loops.actions import open_loop
from liaison.loops.models import Loop
from liaison.loops.ports import About, ClockToStart, Owner
from liaison.orders.actions import mark_scheduled, mark_seen, mark_visit_cancelled, mark_visit_missed
from liaison.orders.models import Referral
from liaison.scheduling.kinds import MISSED_VISIT
from liaison.scheduling.models import Appointment

_AWAITED: Final = ("scheduled", "no_show")
"""States of a referral whose visit is still to be accounted for."""


def schedule_referral(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """The referral's visit has a time. Refuses NotNow: the referral has ended, so this visit is not its."""
    if appointment.referral_id is not None:
        mark_scheduled(
            actor,
            referral_id=appointment.referral_id,
            visit_at=appointment.start_at,
            appointment_id=appointment.pk,
            now=now,
        )


def unschedule_referral(*, actor: Actor, appointment: Appointment, reason: str, now: datetime) -> None:
    """The referral's visit will not take place; its clock to find another one starts."""
    referral = _waiting_for(appointment, states=("scheduled",))
    if referral is not None:
        mark_visit_cancelled(actor, referral_id=referral.pk, reason=reason, now=now)


def fulfil_referral(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """The specialist saw the patient; the note is awaited."""
    referral = _waiting_for(appointment, states=_AWAITED)
    if referral is not None:
        mark_seen(actor, referral_id=referral.pk, seen_at=min(appointment.start_at, now), now=now)


def follow_up_missed(*, actor: Actor, appointment: Appointment, now: datetime) -> None:
    """Nobody came: the referral looks for another visit, an open loop keeps its clocks, and where there is
    neither, a loop opens to call the patient the same day (DOMAIN 1.7)."""
    referral = _waiting_for(appointment, states=("scheduled",))
    if referral is not None:
        mark_visit_missed(actor, referral_id=referral.pk, now=now)
    elif appointment.loop is None or appointment.loop.state != "open":
        _open_missed(actor, appointment, now=now)


def _waiting_for(appointment: Appointment, *, states: tuple[str, ...]) -> Referral | None:
    """The referral that this visit was booked for, if it still counts on it; people may have moved it by hand."""
    if appointment.referral_id is None:
        return None
    return Referral.objects.filter(pk=appointment.referral_id, appointment_id=appointment.pk, state__in=states).first()


def _open_missed(actor: Actor, appointment: Appointment, *, now: datetime) -> Loop | None:
    owner = owner_of_visit(appointment)
    if owner is None:
        return None
    patient, site = appointment.patient, appointment.site
    on = max(appointment.visit_on, now.astimezone(site.zone).date())
    return open_loop(
        actor,
        kind=MISSED_VISIT.code,
        patient=patient,
        title=f"{patient.goes_by} did not come on {appointment.local_start:%B %-d}",
        owner=owner,
        site=site,
        about=About(type="scheduling.appointment", id=appointment.pk),
        once_key=f"missed-visit:{appointment.pk}",
        clocks=(
            ClockToStart(
                rule_id="missed-visit",
                rule_version="1",
                source="A missed visit is called about on the same day",
                step=f"Call {patient.goes_by}: offer another time, ask what came in the way",
                anchor_event=f"appointment:{appointment.pk}",
                anchor_at=now,
                due_at=end_of_day(on, zone=site.zone),
                evidence="answered",
            ),
        ),
        now=now,
    )


def owner_of_visit(appointment: Appointment) -> Owner | None:
    """Who booked it, else the site's team."""
    booker = appointment.booked_by
    if booker is not None and booker.is_active:
        return Owner(user_id=booker.pk)
    team = Team.objects.filter(site=appointment.site).order_by("pk").first()
    return Owner(team_id=team.pk) if team else None
