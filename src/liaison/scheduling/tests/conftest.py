"""Fixtures of these tests. Loaded before Django is set up, so they import what they need when they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liaison.orders.models import Referral
    from liaison.scheduling.tests.clinic import Clinic
    from liaison.scheduling.tests.hearing import Heard


@pytest.fixture
def clinic(db: None) -> Clinic:
    """The small clinic."""
    del db
    from liaison.scheduling.tests.clinic import open_clinic

    return open_clinic()


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What scheduling tells the packages above during one test."""
    from liaison.scheduling.tests.hearing import listening

    with listening() as ears:
        yield ears


@pytest.fixture
def referral(clinic: Clinic) -> Referral:
    """Walter is referred to Dr Okafor."""
    from liaison.scheduling.tests.clinic import referral_to_okafor

    return referral_to_okafor(clinic)
