"""What happened to a referral, told to the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from liaison.core.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralFact(Fact):
    """Something that happened to a referral of a patient; `loop_id` is its promise."""

    referral_id: int
    patient_id: int
    loop_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralDrafted(ReferralFact):
    """A clinician asks for it; nothing has left yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralSent(ReferralFact):
    """It went to the target, for the first time or re-routed."""

    rerouted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralReceived(ReferralFact):
    """The target has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralAccepted(ReferralFact):
    """The target will see the patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralDeclined(ReferralFact):
    """The target will not; the reason stands in the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralScheduled(ReferralFact):
    """A visit has a time (or another one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralVisitMissed(ReferralFact):
    """The patient did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralVisitCancelled(ReferralFact):
    """The visit will not take place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralSeen(ReferralFact):
    """The patient was seen; the note is pending. `instead_of` is our own appointment on a later day that the referral
    counted on until now, None where there was none."""

    instead_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralNoteReceived(ReferralFact):
    """The specialist's report came.

    `not_needed` is our own coming appointment that the referral counted on until now and that is not needed any more,
    None where there is none or it stays.
    """

    not_needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralReviewed(ReferralFact):
    """The referrer read it and said what follows.

    `to_tell_anew`: the patient, who was told before, does not know it yet.
    """

    to_tell_anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralPatientTold(ReferralFact):
    """The patient or their proxy knows what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralClosed(ReferralFact):
    """All three facts are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralMoveUndone(ReferralFact):
    """A move into `state` was a mistake: the referral stands where it stood before."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralCancelRequested(ReferralFact):
    """We asked the target to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralCancelled(ReferralFact):
    """It will not happen, for a reason."""
