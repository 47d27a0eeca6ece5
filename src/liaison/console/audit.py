"""The proof that the audit trail is unbroken, for the command line."""

from liaison.console.problems import Problem
from liaison.core.audit import verify_chain


def verify_trail() -> str:
    """Walk the whole chain and say what it proves. Refuses (Problem) a trail that was tampered with."""
    result = verify_chain()
    if result.problem:
        raise Problem(f"The audit trail is broken: {result.problem}")
    waiting = f", {result.unsealed} newer ones wait for the next seal" if result.unsealed else ""
    return f"Unbroken: {result.entries} entries under {result.seals} seals{waiting}. Head: {result.head}"
