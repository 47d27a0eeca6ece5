"""When two registrations turn out to be one person: their conversations come together, and apart again."""

from __future__ import annotations

from typing import Final

from django.db import models

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.live import announce_at_sites
from liaison.inbox import access
from liaison.inbox.models import Call, Message, Note, Preference
from liaison.patients.actions import put_back, repoint
from liaison.patients.events import PatientsMerged, PatientsUnmerged
from liaison.patients.queries import sites_of

OF_A_PATIENT: Final[tuple[type[models.Model], ...]] = (Message, Call, Note, Preference)


def follow_merge(actor: Actor, *, fact: PatientsMerged) -> None:
    """Messages, calls, notes and preferences of the merged registration are now the survivor's."""
    with act(actor, access.REPOINT, now=fact.at) as entry:
        entry.concerns(fact.survivor_id, fact.merged_id)
        entry.note(moved=sum(repoint(fact, rows=models.QuerySet(kind)) for kind in OF_A_PATIENT))
        announce_at_sites(topic="messages", site_ids=sites_of(fact.survivor_id, fact.merged_id), what="merged")


def follow_unmerge(actor: Actor, *, fact: PatientsUnmerged) -> None:
    """The merge was a mistake: exactly what moved goes back."""
    with act(actor, access.REPOINT, now=fact.at) as entry:
        entry.concerns(fact.survivor_id, fact.merged_id)
        entry.note(moved=sum(put_back(fact, model=kind) for kind in OF_A_PATIENT))
        announce_at_sites(topic="messages", site_ids=sites_of(fact.survivor_id, fact.merged_id), what="unmerged")
