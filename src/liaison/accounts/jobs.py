"""What happens by itself: old sessions go, and the audit trail is proved every night."""

from __future__ import annotations

from liaison.accounts.actions import verify_audit_chain
from liaison.accounts.sessions import SessionStore
from liaison.core.actor import system_actor
from liaison.core.audit import seal_entries
from liaison.core.jobs import job


@job(cron="17 * * * *")
def remove_ended_sessions() -> None:
    """Remove the rows of sessions that ended long ago."""
    SessionStore.clear_expired()


@job(cron="40 3 * * *")
def verify_audit_trail() -> None:
    """Prove the audit trail unbroken; the audit page shows the result.

    What waits is sealed first: a worker that has just come back would else report its own absence. What can't be sealed
    even so is reported.
    """
    while seal_entries():
        pass
    verify_audit_chain(actor=system_actor("audit"))
