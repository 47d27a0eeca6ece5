"""The audit trail: taking part of it out, proving it, and accepting one that was restored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from liaison.accounts.access import EXPORT_AUDIT
from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.audit import Verification, accept_head, record, seal_entries, verify_chain
from liaison.core.refusals import Forbidden, Refusal


def begin_audit_export(*, actor: Actor, looked_for: dict[str, Any], patient_id: int | None, now: datetime) -> None:
    """Say in the audit trail that part of it leaves the house. Needs a fresh proof of who asks.

    Refuses: Forbidden, also for who holds the verb at some sites only.
    """
    with act(actor, EXPORT_AUDIT, now=now) as entry:
        if not actor.may_at(EXPORT_AUDIT, site_id=EVERYWHERE):
            raise Forbidden
        entry.note(**looked_for)
        if patient_id is not None:
            entry.concerns(patient_id)


class NothingToAccept(Refusal):
    """Only a trail that is unbroken but shorter than what was recorded outside can be a restored one."""

    code = "accounts.nothing_to_accept"
    sentence = "The audit trail holds everything that was recorded outside the database; there is nothing to accept."


def accept_restored_trail(*, actor: Actor, reason: str) -> Verification:
    """Say that an older backup was restored, so that seals which were recorded outside are rightly gone.

    The audit trail says so itself, and from which seal on it goes. Refuses: NothingToAccept. Returns the proof of what
    is there now.
    """
    found = verify_chain()
    if found.missing is None:
        raise NothingToAccept(found.problem or None)
    details = {"missing_seal": found.missing.seal, "missing_hash": found.missing.hash, "head": found.head}
    record(actor, "core.accept_restore", reason=reason, details=details)
    while seal_entries():
        pass
    accept_head()
    return verify_audit_chain(actor=actor)


def verify_audit_chain(*, actor: Actor) -> Verification:
    """Walk the whole chain of seals and keep the result where the audit page shows it."""
    result = verify_chain()
    details = {
        "seals": result.seals,
        "entries": result.entries,
        "head": result.head,
        "compared": result.compared,
        "problem": result.problem or result.stalled,
    }
    record(actor, "core.verify_audit", details=details)
    return result
