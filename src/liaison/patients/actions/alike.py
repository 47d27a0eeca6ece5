"""Nobody is registered twice by two people, or two presses, at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.refusals import Conflict
from liaison.patients import rules
from liaison.patients.queries.likeness import look_alikes


class LooksLikeSomeone(Conflict):
    """Somebody is registered who may be this person, and who registers has not seen them."""

    code = "patients.looks_like_someone"
    sentence = "Look at who is registered already, then say that this is someone else."
    field = "none_of_these"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What is compared of the person to be registered, and the patients that were looked at and are someone else."""

    registration: rules.Registration
    looked_at: frozenset[int] = frozenset()


def refuse_look_alikes(actor: Actor, alike: Alike, *, now: datetime) -> None:
    """Inside an act: wait until nobody else registers somebody, and let pass whom nobody resembles who was not seen.

    Refuses: LooksLikeSomeone.
    """
    hold_key("registering a patient")
    found = look_alikes(actor, registration=alike.registration, now=now)
    if any(one.patient_id not in alike.looked_at for one in found):
        raise LooksLikeSomeone
