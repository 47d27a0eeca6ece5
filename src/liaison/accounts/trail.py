"""What sign-in writes to the audit trail: who came, who was refused, who left, and what they changed.

These entries stand outside `act()`: there is no actor yet, or no more, whose permission could be asked.
"""

from __future__ import annotations

from typing import Any, Final

from liaison.accounts.models import User
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.audit import record
from liaison.core.models import AuditEntry

SIGN_IN: Final = "accounts.sign_in"
SIGN_OUT: Final = "accounts.sign_out"
SESSION_ENDED: Final = "accounts.session_ended"
CONFIRM: Final = "accounts.confirm"
CHANGE_FACTORS: Final = "accounts.change_factors"
_USER: Final = "accounts.user"


def signed_in(actor: Actor, *, methods: list[str], address: str) -> None:
    """Someone is who they say; `methods` are "password", "totp", "webauthn", "recovery_codes"."""
    record(
        actor,
        SIGN_IN,
        subject_type=_USER,
        subject_id=actor.user_id,
        details={"methods": methods, "address": address},
    )


def refused_sign_in(*, email: str, code: str, address: str, step: str) -> None:
    """Someone is not let in.

    What was typed is kept only when it is the address of an account: people type their password into the
    wrong field.
    """
    known = User.objects.filter(email=email.strip().lower()).first()
    record(
        ANONYMOUS,
        SIGN_IN,
        outcome=AuditEntry.Outcome.REFUSED,
        refusal_code=code,
        subject_type=_USER if known else "",
        subject_id=known.pk if known else None,
        details={"address": address, "step": step, "known": known is not None},
    )


def signed_out(actor: Actor) -> None:
    """Someone left by themselves."""
    record(actor, SIGN_OUT, subject_type=_USER, subject_id=actor.user_id)


def session_ended(actor: Actor, *, why: str) -> None:
    """A session reached its limit: "idle" or "absolute"."""
    record(actor, SESSION_ENDED, subject_type=_USER, subject_id=actor.user_id, details={"why": why})


def confirmed(actor: Actor, *, method: str, passed: bool, address: str, code: str = "accounts.not_confirmed") -> None:
    """Someone was asked again who they are; `code` says why it did not count."""
    outcome = AuditEntry.Outcome.DONE if passed else AuditEntry.Outcome.REFUSED
    record(
        actor,
        CONFIRM,
        outcome=outcome,
        refusal_code="" if passed else code,
        subject_type=_USER,
        subject_id=actor.user_id,
        details={"method": method, "address": address},
    )


def factors_changed(actor: Actor, *, what: str) -> None:
    """Second factors came or went; `what` is "totp_activated", "webauthn_removed", "recovery_codes_generated"."""
    details: dict[str, Any] = {"what": what}
    record(actor, CHANGE_FACTORS, subject_type=_USER, subject_id=actor.user_id, details=details)
