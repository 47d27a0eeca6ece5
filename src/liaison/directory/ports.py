"""What packages above tell the directory: how much open work still names an entry that is about to go."""

from __future__ import annotations

from typing import Protocol


class OpenReferrals(Protocol):
    """Counts the open referrals that ask a clinician or a place; of the two one is given."""

    def __call__(self, *, practitioner_id: int | None = None, organization_id: int | None = None) -> int:
        """How many there are, at all sites, whoever asks."""
        ...


_counters: list[OpenReferrals] = []


def register_open_referrals(counter: OpenReferrals) -> None:
    """Let the package of the referrals count them (called in `AppConfig.ready`); the last one counts."""
    _counters[:] = [counter]


def open_referrals(*, practitioner_id: int | None = None, organization_id: int | None = None) -> int:
    """How many open referrals ask this clinician or this place; none where nobody counts.

    Without an actor on purpose: it is one number, over all sites, of no patient and no site, and it opens nothing.
    The page that shows it is for who may take the entry out, at whose site or at all; they may see none of these
    patients (an administrator sees none at all) and must know how much is left standing. Which referrals they are,
    is asked of the orders, with an actor.
    """
    return sum(count(practitioner_id=practitioner_id, organization_id=organization_id) for count in _counters)
