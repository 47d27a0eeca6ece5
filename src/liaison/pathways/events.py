"""What protocols tell the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from liaison.core.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled(Fact):
    """A protocol fits a patient, and its loop is open."""

    enrolment_id: int
    patient_id: int
    loop_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentVoided(Fact):
    """The reason for a follow-up is gone; its loop was given up."""

    enrolment_id: int
    patient_id: int
    loop_id: int
