"""What the ledger does by the clock."""

from __future__ import annotations

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.jobs import job
from liaison.loops.actions import escalate_loops, find_owners, give_on, return_hand_overs


@job(cron="*/2 * * * *")
def escalate() -> None:
    """Move every loop whose next rung has come; each turn is one short transaction."""
    while escalate_loops(system_actor("escalation"), now=current_time()):
        pass


@job(cron="*/5 * * * *")
def return_desks() -> None:
    """Give back the desks of colleagues whose absence has ended."""
    return_hand_overs(system_actor("hand-over"), now=current_time())


@job(cron="*/15 * * * *", queueing_lock="loops.give_on_lost")
def give_on_lost() -> None:
    """Give what its owner can't see any more, as a role ran out, to who can."""
    give_on(system_actor("ledger"), now=current_time())


@job(cron="50 * * * *", queueing_lock="loops.find_late_owners")
def find_late_owners() -> None:
    """Open the promises that nobody could own when they were due to be made."""
    find_owners(system_actor("ledger"), now=current_time())


@job()
def find_late_owners_soon() -> None:
    """The same at once: somebody new can own them."""
    find_owners(system_actor("ledger"), now=current_time())
