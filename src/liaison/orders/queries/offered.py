"""What the form of a referral offers: who asks, whom, and who follows it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from liaison.accounts.access import Role
from liaison.accounts.models import Team
from liaison.core.actor import Actor
from liaison.core.numbers import id_in
from liaison.directory.models import Practitioner
from liaison.directory.queries import practitioner_of, referral_targets
from liaison.loops.ports import Owner
from liaison.orders.ports import Target
from liaison.patients.models import CareTeamMember, Patient


def default_owner(actor: Actor, *, patient: Patient, now: datetime) -> Owner:
    """Who follows a new referral: the patient's coordinator, else the actor if they coordinate, else the site's team.

    A site without a team leaves it with the actor.
    """
    members = CareTeamMember.objects.on(now.date()).filter(patient=patient, role="coordinator", user__is_active=True)
    coordinator = members.order_by("pk").values_list("user_id", flat=True).first()
    if coordinator is not None:
        return Owner(user_id=coordinator)
    if Role.COORDINATOR in actor.roles and actor.user_id is not None:
        return Owner(user_id=actor.user_id)
    team = Team.objects.filter(site__patient_sites__patient=patient).order_by("pk").first()
    return Owner(team_id=team.pk) if team is not None else Owner(user_id=actor.user_id)


def referrer_choices(actor: Actor) -> tuple[tuple[int, str], ...]:
    """Our own clinicians who may be the referrer, the actor first if they are one."""
    own = practitioner_of(actor.user_id) if actor.user_id is not None else None
    ours = Practitioner.objects.active().filter(Q(site__isnull=False) | Q(user__isnull=False)).order_by("name")
    rows = [(one.pk, one.name) for one in ours if own is None or one.pk != own.pk]
    return tuple(([(own.pk, own.name)] if own is not None else []) + rows)


def target_choices(actor: Actor, *, specialty: str) -> tuple[tuple[str, str], ...]:
    """(value, words) of whom a referral to a specialty can ask; `target_from_value` reads the value back."""
    return tuple(
        (
            f"practitioner:{one.practitioner_id}" if one.practitioner_id else f"organization:{one.organization_id}",
            ", ".join(part for part in (one.name, one.where, "ours" if one.ours else "") if part),
        )
        for one in referral_targets(actor, specialty=specialty)
    )


def target_from_value(value: str) -> Target | None:
    """The target that a form named, or None for anything else."""
    kind, _, number = value.partition(":")
    found = id_in(number)
    if found is None:
        return None
    if kind == "practitioner":
        return Target(practitioner_id=found)
    return Target(organization_id=found) if kind == "organization" else None
