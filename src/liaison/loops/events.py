"""What happened to a promise, told to the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from liaison.core.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFact(Fact):
    """Something that happened to a loop: its id, kind, patient, and what it serves ("" and 0 for nothing)."""

    loop_id: int
    kind: str
    patient_id: int
    about_type: str = ""
    about_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOpened(LoopFact):
    """A promise was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerFound(LoopFact):
    """A promise that waited for somebody who could own it is a loop now; `once_key` is its name."""

    once_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopAssigned(LoopFact):
    """Someone else keeps it now (taken, given, or handed over)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAdded(LoopFact):
    """Part of the proof is in."""

    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopClosed(LoopFact):
    """The promise was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopGivenUp(LoopFact):
    """The promise was given up, with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopReopened(LoopFact):
    """Its end was taken back: within ten seconds, or because what proved it was a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceVoided(LoopFact):
    """Proof of these codes was taken back: it rested on a mistake."""

    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceWithdrawn(LoopFact):
    """Proof of these codes was taken back by who recorded it, within ten seconds."""

    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEscalated(LoopFact):
    """It reached a level of the escalation ladder."""

    level: int
