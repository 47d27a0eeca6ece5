"""Taking clinicians and places out of the directory, and offering them again."""

from __future__ import annotations

from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Stale
from liaison.core.twice import once
from liaison.directory.access import CHANGE
from liaison.directory.actions.details import EntryWrong
from liaison.directory.models import DirectoryEntry, Organization, Practitioner


@once
def retire_entry(
    *, actor: Actor, entry: Practitioner | Organization, reason: str, expected_version: int, now: datetime
) -> Practitioner | Organization:
    """Offer a clinician or a place no longer; what refers to it stays. The reason stands in the audit trail.

    A clinician of ours is taken out by who holds the verb at their site. What belongs to no site (a place, another
    clinician) is missing at every site then, and wants the verb everywhere. Refuses: Forbidden, EntryWrong without a
    reason, Stale (also when it is offered no longer already).
    """
    with act(actor, CHANGE, site_id=entry.site_id, subject=entry, reason=reason.strip(), now=now) as audited:
        row = _locked(entry)
        audited.about(row)
        if row.retired_at is not None or row.version != expected_version:
            audited.only_once(row)
            raise Stale
        if not reason.strip():
            raise EntryWrong(fields={"reason": "Say why: colleagues will ask."})
        row.retire(now=now)
        _save(row)
    return row


@once
def offer_again(
    *, actor: Actor, entry: Practitioner | Organization, expected_version: int, now: datetime
) -> Practitioner | Organization:
    """Offer a clinician or a place again, by who may take it out.

    Refuses: Forbidden, Stale (also when it is offered).
    """
    with act(actor, CHANGE, site_id=entry.site_id, subject=entry, now=now) as audited:
        audited.note(offered="again")
        row = _locked(entry)
        audited.about(row)
        if row.retired_at is None or row.version != expected_version:
            audited.only_once(row)
            raise Stale
        row.offer_again()
        _save(row)
    return row


def _locked(entry: Practitioner | Organization) -> Practitioner | Organization:
    return type(entry).objects.select_for_update().get(pk=entry.pk)


def _save(row: DirectoryEntry) -> None:
    row.version += 1
    row.save(update_fields=["retired_at", "version"])
