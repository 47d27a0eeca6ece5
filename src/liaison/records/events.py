"""What records tells the packages above."""

from __future__ import annotations

from dataclasses import dataclass

from liaison.core.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartChanged(Fact):
    """Resources of these patients came, changed or were linked: whatever reads facts should look again."""

    patient_ids: tuple[int, ...]
