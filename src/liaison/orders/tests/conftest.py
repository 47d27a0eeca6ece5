"""Fixtures of these tests. Loaded before Django is set up, so they import what they need when they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liaison.core.facts import Fact
    from liaison.orders.tests.clinic import Clinic


@pytest.fixture
def clinic(db: None) -> Clinic:
    """Riverside, its people, Walter, and two cardiologists to ask."""
    del db
    from liaison.orders.tests.clinic import open_clinic

    return open_clinic()


@pytest.fixture
def facts() -> Iterator[list[Fact]]:
    """What orders tells the packages above during one test."""
    from liaison.orders.tests.clinic import listening

    with listening() as heard:
        yield heard
