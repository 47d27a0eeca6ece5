"""Who looks after a patient."""

from __future__ import annotations

from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import Conflict, NotFound, Refusal, constraint_refusal
from liaison.patients import access
from liaison.patients.events import CareTeamChanged
from liaison.patients.models import CareRole, CareTeamMember, Patient


class AlreadyOnTheTeam(Conflict):
    """The same person in the same role."""

    code = "patients.already_on_the_team"
    sentence = "They are on the care team in this role already."


class NotOnTheTeam(Refusal):
    """Exactly one person, in a known role, joins a team."""

    code = "patients.not_on_the_team"
    sentence = "Choose one person and a role."


constraint_refusal("patients_careteam_once", AlreadyOnTheTeam)


def add_care_team_member(
    *,
    actor: Actor,
    patient: Patient,
    role: str,
    now: datetime,
    practitioner_id: int | None = None,
    user_id: int | None = None,
) -> CareTeamMember:
    """Put a clinician of the directory, or someone who signs in, on the care team; they see the patient from now on.

    Refuses: NotOnTheTeam (not exactly one of the two, or an unknown role), AlreadyOnTheTeam.
    """
    with act(actor, access.CHANGE_CARE_TEAM, patient=patient, now=now) as entry:
        if (practitioner_id is None) == (user_id is None):
            raise NotOnTheTeam(fields={"person": NotOnTheTeam.sentence})
        if role not in CareRole.values:
            raise NotOnTheTeam(fields={"role": NotOnTheTeam.sentence})
        member = CareTeamMember.objects.create(
            patient=patient, role=role, practitioner_id=practitioner_id, user_id=user_id, starts_on=patient.day_at(now)
        )
        entry.about(member)
        entry.publish(CareTeamChanged(patient_id=patient.pk, member_id=member.pk, at=now))
        announce(topic=f"patient:{patient.pk}", what="care-team-changed")
    return member


def end_care_team_member(*, actor: Actor, patient: Patient, member_id: int, now: datetime) -> None:
    """Someone no longer looks after the patient, from today on."""
    with act(actor, access.CHANGE_CARE_TEAM, patient=patient, now=now) as entry:
        member = patient.care_team.select_for_update().filter(pk=member_id, ends_on__isnull=True).first()
        if member is None:
            raise NotFound
        member.leave(on=patient.day_at(now))
        member.save()
        entry.about(member)
        entry.publish(CareTeamChanged(patient_id=patient.pk, member_id=member.pk, at=now))
        announce(topic=f"patient:{patient.pk}", what="care-team-changed")
