"""Breaking the glass: opening the chart of a patient one may not see, and the review of it (DOMAIN 6.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.calendars import FEDERAL, BusinessCalendar, add_business_days, end_of_day
from liaison.core.keys import hold_key
from liaison.core.refusals import Conflict, Forbidden, NotFound, Refusal
from liaison.patients import access
from liaison.patients.events import GlassBroken, GrantReviewed
from liaison.patients.models import (
    GRANT_LENGTH,
    BreakGlassGrant,
    BreakGlassOutcome,
    BreakGlassReason,
    Patient,
)
from liaison.patients.rules import says_why

REVIEW_WITHIN: Final = 3
"""Business days."""


class ReasonNeeded(Refusal):
    """Emergency access is explained before it is given."""

    code = "patients.reason_needed"
    sentence = "Say in words what happened and why you need this chart now; a privacy officer will read it."
    field = "reason"


class GlassNotNeeded(Conflict):
    """The chart is open to them already."""

    code = "patients.glass_not_needed"
    sentence = "You can see this patient already: search for them and open the chart."


class FindingUsed(Conflict):
    """What was found before the chart was opened does not open it again."""

    code = "patients.finding_used"
    sentence = "What you found opened this chart already, and that access is over. Find the patient again."


class OwnGrant(Refusal):
    """Nobody reviews themselves."""

    code = "patients.own_grant"
    sentence = "This was your own access. Another privacy officer reviews it."


class AlreadyReviewed(Conflict):
    """Another privacy officer was first."""

    code = "patients.already_reviewed"
    sentence = "Someone reviewed this already. Look at the queue again."


def break_the_glass(
    *, actor: Actor, patient: Patient, found_at: datetime, reason_code: str, reason: str, now: datetime
) -> BreakGlassGrant:
    """Open a patient's chart to `actor` for four hours, and put that before a privacy officer.

    `patient` comes from `queries.find_behind_glass`, asked at `found_at`: whoever asks knew who it is. One finding
    opens the chart once; after it was given back the patient is found again. Asks for a fresh proof of identity.
    Refuses: StepUpNeeded, GlassNotNeeded, FindingUsed, ReasonNeeded, Forbidden for Liaison itself.
    """
    with act(actor, access.BREAK_GLASS, reason=reason, now=now) as entry:
        entry.concerns(patient.pk)
        entry.note(reason_code=reason_code)
        if actor.user_id is None:
            raise Forbidden
        hold_key(f"glass:{actor.user_id}:{patient.pk}")  # what somebody opened at the same time shows afterwards
        if patient.reachable_by(actor, now=now):
            raise GlassNotNeeded
        if BreakGlassGrant.objects.since(found_at, user_id=actor.user_id, patient=patient).exists():
            raise FindingUsed
        said = " ".join(reason.split())
        if reason_code not in BreakGlassReason.values:
            raise ReasonNeeded(fields={"reason_code": "Choose one of the list."})
        if not says_why(said):
            raise ReasonNeeded
        grant = BreakGlassGrant.objects.create(
            patient=patient,
            user_id=actor.user_id,
            reason_code=reason_code,
            reason=said,
            starts_at=now,
            expires_at=now + GRANT_LENGTH,
            review_due_at=_review_due(patient, now=now),
        )
        entry.about(grant)
        entry.publish(GlassBroken(patient_id=patient.pk, grant_id=grant.pk, user_id=actor.user_id, at=now))
    return grant


def end_grant(*, actor: Actor, grant: BreakGlassGrant, now: datetime) -> None:
    """Give the access back before its time; the review stays due. Refuses: Forbidden for someone else's.

    Whatever else is open to this person for this patient is closed with it: they said that they need the chart no more.
    """
    with act(actor, access.END_GRANT, subject=grant, now=now) as entry:
        entry.concerns(grant.patient_id)
        if grant.user_id != actor.user_id:
            raise Forbidden
        own = BreakGlassGrant.objects.filter(user_id=grant.user_id, patient_id=grant.patient_id)
        for each in own.live(now=now).filter(starts_at__lt=now).select_for_update().order_by("pk"):
            each.close(now=now)
            each.save(update_fields=["expires_at"])


def review_break_glass(*, actor: Actor, grant_id: int, outcome: str, note: str, now: datetime) -> BreakGlassGrant:
    """Say what a privacy officer of the patient's site, or of all, found.

    Refuses: Forbidden, NotFound (also elsewhere), AlreadyReviewed, OwnGrant, ReasonNeeded. A note is needed when the
    access was not simply justified: it starts what follows.
    """
    found = BreakGlassGrant.objects.select_related("patient").filter(pk=grant_id).first()
    if found is None or actor.user_id is None:
        raise NotFound
    with act(actor, access.REVIEW_GRANTS, patient=found.patient, reason=note, now=now) as entry:
        grant = BreakGlassGrant.objects.select_for_update().get(pk=grant_id)
        if grant.reviewed_at is not None:
            raise AlreadyReviewed
        if grant.user_id == actor.user_id:
            raise OwnGrant
        if outcome not in BreakGlassOutcome.values:
            raise ReasonNeeded("Choose what you found.", fields={"outcome": "Choose what you found."})
        if outcome != BreakGlassOutcome.JUSTIFIED and not note.strip():
            needed = "Say what was wrong and what follows from it."
            raise ReasonNeeded(needed, fields={"note": needed})
        grant.review(outcome=BreakGlassOutcome(outcome), note=note.strip(), by=actor.user_id, now=now)
        grant.save()
        entry.about(grant)
        entry.publish(GrantReviewed(patient_id=grant.patient_id, grant_id=grant.pk, at=now))
    return grant


def _review_due(patient: Patient, *, now: datetime, calendar: BusinessCalendar = FEDERAL) -> datetime:
    """The end of the third business day, where the patient is at home."""
    home = patient.sites.select_related("site").order_by("-is_home", "pk").first()
    zone = home.site.zone if home is not None else now.tzinfo
    if zone is None:
        raise ValueError("`now` is an aware instant.")
    day = add_business_days(now.astimezone(zone).date(), days=REVIEW_WITHIN, calendar=calendar)
    return end_of_day(day, zone=zone)
