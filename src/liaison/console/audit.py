"""The proof that the audit trail is unbroken, for the command line."""

import getpass

from liaison.accounts.actions import accept_restored_trail, verify_audit_chain
from liaison.console.problems import Problem
from liaison.core.actor import system_actor
from liaison.core.audit import Verification


def verify_trail() -> str:
    """Walk the whole chain and say what it proves.

    Refuses (Problem) a trail that was tampered with and one that is not being sealed. The result stands in
    the trail too, where the audit page shows it.
    """
    return _said(verify_audit_chain(actor=system_actor(f"command line, {_account()}")))


def accept_restore(reason: str) -> str:
    """Say that a backup was restored, and prove what is there now. Refuses when nothing is missing (Refusal)."""
    if not reason.strip():
        raise Problem("Say why: --accept-restore 'restored the backup of 2026-11-21 after the disk failed'.")
    return _said(accept_restored_trail(actor=system_actor(f"command line, {_account()}"), reason=reason.strip()))


def _said(result: Verification) -> str:
    if result.problem:
        raise Problem(f"The audit trail is broken: {result.problem}")
    if result.stalled:
        raise Problem(f"The audit trail is not being sealed: {result.stalled} What is sealed is unbroken.")
    waiting = f", {result.unsealed} newer ones wait for the next seal" if result.unsealed else ""
    if result.resting:
        waiting = (
            f". The last {result.unsealed} aren't sealed yet: Liaison isn't running, and nothing proves them until"
            " it has sealed them"
        )
    heads = (
        f"It holds all {result.compared} heads that were recorded outside the database."
        if result.compared
        else "No head was recorded outside the database on this machine: nothing says whether its end is whole."
    )
    return f"Unbroken: {result.entries} entries under {result.seals} seals{waiting}. {heads} Head: {result.head}"


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "an account without a name"
