"""What the form of a referral offers: who asks, whom, and who follows it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from liaison.accounts.access import Role
from liaison.core.actor import Actor
from liaison.core.numbers import id_in
from liaison.directory.models import Practitioner
from liaison.directory.queries import practitioner_of, referral_targets
from liaison.loops.ports import Owner
from liaison.loops.queries import coordinator_of, owner_for, site_of
from liaison.orders.models import Referral, Via
from liaison.orders.ports import Target
from liaison.patients.models import Patient


def default_owner(actor: Actor, *, patient: Patient, now: datetime) -> Owner:
    """Who follows a new referral: the patient's coordinator, else the actor if they coordinate, else `owner_for`.

    Where nobody else could, it stays with the actor. Refuses NoSite.
    """
    asker = Owner(user_id=actor.user_id)
    own = coordinator_of(patient, now=now)
    if own is None and Role.COORDINATOR in actor.roles:
        return asker
    return own or owner_for(patient, site=site_of(patient), now=now) or asker


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
            value_of(Target(practitioner_id=one.practitioner_id, organization_id=one.organization_id)),
            ", ".join(part for part in (one.name, one.where, "ours" if one.ours else "") if part),
        )
        for one in referral_targets(actor, specialty=specialty)
    )


def value_of(target: Target) -> str:
    """How a form names a target."""
    if target.practitioner_id:
        return f"practitioner:{target.practitioner_id}"
    return f"organization:{target.organization_id}"


def usual_via(target: Target | None) -> str:
    """How a referral to this target usually goes: nothing is faxed to our own; a fax where nobody was chosen yet."""
    return Via.IN_HOUSE if is_ours(target) else Via.FAX


def is_ours(target: Target | None) -> bool:
    """Whether this is a clinician of one of our sites: whoever else is asked, it has to get to them."""
    number = target.practitioner_id if target is not None else None
    return number is not None and Practitioner.objects.filter(pk=number, site__isnull=False).exists()


def target_from_value(value: str) -> Target | None:
    """The target that a form named, or None for anything else."""
    kind, _, number = value.partition(":")
    found = id_in(number)
    if found is None:
        return None
    if kind == "practitioner":
        return Target(practitioner_id=found)
    return Target(organization_id=found) if kind == "organization" else None


def open_referrals(*, practitioner_id: int | None = None, organization_id: int | None = None) -> int:
    """How many open referrals of all sites ask this clinician or this place; of the two one is given.

    A count for whoever takes the entry out of the directory; it says nothing of whom they are for.
    """
    asked = {"target_practitioner_id": practitioner_id, "target_organization_id": organization_id}
    return Referral.objects.open().filter(**{column: pk for column, pk in asked.items() if pk is not None}).count()
