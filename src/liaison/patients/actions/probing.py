"""Numbers that belong to other patients: trying them out shows, and comes to an end.

That a number is taken tells that somebody is a patient here, also of a site where one sees nobody. It must be told, or
one person would be registered twice; so each such refusal names in the audit trail whose number it was, and nobody gets
many of them in an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Final

from django.db.models import Q
from django.db.models.functions import Now

from liaison.core.act import Entry
from liaison.core.actor import Actor
from liaison.core.audit import record
from liaison.core.models import AuditEntry
from liaison.core.refusals import Conflict, Refusal, constraint_refusal
from liaison.patients import access
from liaison.patients.models import Identifier

MOST_TAKEN: Final = 10
MOST_MISSED: Final = 20
WITHIN: Final = timedelta(hours=1)
MISSED: Final = "patients.nobody_behind_glass"


class IdentifierTaken(Conflict):
    """The number already belongs to a patient."""

    code = "patients.identifier_taken"
    sentence = "A patient with this identifier is registered already. Search for the identifier instead."


class TooManyTries(Refusal):
    """Somebody may be trying out who is a patient here."""

    code = "patients.too_many_tries"
    sentence = "You tried too many numbers or names of others within an hour. Wait, or ask your supervisor to look."
    status: ClassVar[int] = 429


constraint_refusal("patients_identifier_once", IdentifierTaken)


def refuse_taken(entry: Entry, identifiers: Sequence[Identifier]) -> None:
    """Refuse numbers that a patient has already, and name that patient in the entry of the refusal.

    Refuses: TooManyTries (before anything is looked up), IdentifierTaken. Liaison itself is held up by the database's
    constraint alone.
    """
    if entry.actor.is_system or not identifiers:
        return
    _refuse_guessing(entry.actor, code=IdentifierTaken.code, most=MOST_TAKEN)
    same = Q()
    for each in identifiers:
        same |= Q(system=each.system, value=each.value)
    owners = list(Identifier.objects.filter(same).values_list("patient", flat=True))
    if owners:
        entry.concerns(*owners)
        raise IdentifierTaken


def refuse_guessing_behind_glass(actor: Actor) -> None:
    """Refuse (TooManyTries) to look for a hidden patient after many looks in vain."""
    _refuse_guessing(actor, code=MISSED, most=MOST_MISSED)


def note_nobody_behind_glass(actor: Actor) -> None:
    """Keep in the audit trail that somebody looked for a hidden patient in vain; never what they typed."""
    record(actor, access.BREAK_GLASS, outcome=AuditEntry.Outcome.REFUSED, refusal_code=MISSED)


def _refuse_guessing(actor: Actor, *, code: str, most: int) -> None:
    # The trail has the database's own clock, which goes on under the training clock too.
    tries = AuditEntry.objects.filter(
        actor_user_id=actor.user_id,
        recorded_at__gt=Now() - WITHIN,
        outcome=AuditEntry.Outcome.REFUSED,
        refusal_code=code,
    )
    if tries[:most].count() >= most:
        raise TooManyTries
