"""Referrals follow their patient through a merge and back."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.orders import access
from liaison.orders.models import Referral
from liaison.patients.actions import put_back, repoint
from liaison.patients.events import PatientsMerged, PatientsUnmerged

MERGED = "Two records of one patient were merged."


def follow_merge(actor: Actor, *, fact: PatientsMerged) -> int:
    """The survivor's referrals are now both records'; an open one to the same specialty stays, and says why."""
    with act(actor, access.REPOINT, now=fact.at) as entry:
        theirs = Referral.objects.open().filter(patient_id=fact.merged_id, duplicate_reason="")
        kept = Referral.objects.open().filter(patient_id=fact.survivor_id).values("specialty_id")
        theirs.filter(specialty_id__in=kept).update(duplicate_reason=MERGED, duplicate_by_merge=True)
        moved = repoint(fact, rows=Referral.objects.all())
        entry.concerns(fact.merged_id, fact.survivor_id)
        entry.note(referrals=moved)
    return moved


def follow_unmerge(actor: Actor, *, fact: PatientsUnmerged) -> int:
    """The merge was a mistake. Where a referral has no other beside it any more, what allowed two goes too."""
    with act(actor, access.REPOINT, now=fact.at) as entry:
        moved = put_back(fact, model=Referral)
        beside = Referral.objects.open().filter(patient=OuterRef("patient"), specialty=OuterRef("specialty"))
        allowed = Referral.objects.filter(patient_id__in=[fact.merged_id, fact.survivor_id], duplicate_by_merge=True)
        alone = allowed.exclude(Exists(beside.exclude(pk=OuterRef("pk"))))
        alone.update(duplicate_reason="", duplicate_by_merge=False)
        entry.concerns(fact.merged_id, fact.survivor_id)
        entry.note(referrals=moved)
    return moved
