"""One form refers once: sent again, its answer is the referral that it made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from liaison.core.act import Entry
from liaison.core.keys import hold_key
from liaison.core.refusals import Conflict
from liaison.loops.ports import Owner
from liaison.orders.models import Referral
from liaison.orders.ports import ReferralOrder


class ReferralWrittenAnew(Conflict):
    """The form was sent before, with other words."""

    code = "orders.written_anew"
    sentence = (
        "This form was sent already, with other words, and that referral stands. Look at it among the patient's "
        "referrals and change it there, or open a new form and write what has changed."
    )
    field = "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that came in: its idempotency key, "" for none, and a digest of everything that it says."""

    key: str
    digest: str


def form_of(
    key: str, *, patient_id: int, order: ReferralOrder, owner: Owner, duplicate_reason: str, via: str = ""
) -> Form:
    """The form under this key. `via` is how the referral left, "" for a draft.

    The digest and not the referral is what a repetition is compared with: a referral is re-routed and corrected.
    """
    said = repr((patient_id, order, owner, duplicate_reason.strip(), via))
    return Form(key=key, digest=hashlib.sha256(said.encode()).hexdigest())


def first_answer(entry: Entry, form: Form) -> Referral | None:
    """The referral that this form made already, None if it is new. Refuses ReferralWrittenAnew."""
    if not form.key:
        return None
    hold_key(form.key)
    known = Referral.objects.filter(idempotency_key=form.key).first()
    if known is None:
        return None
    if known.form_digest != form.digest:
        raise ReferralWrittenAnew
    entry.about(known)
    entry.note(repeated=True)
    return known
