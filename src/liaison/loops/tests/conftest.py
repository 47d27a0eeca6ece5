"""Fixtures of these tests. Loaded before Django is set up, so they import what they need when they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liaison.core.facts import Fact
    from liaison.loops.tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """Rosa, Dr Imani, Marta and Pat at their desks; Walter, the patient."""
    del db
    from liaison.loops.tests.cast import gather

    return gather()


@pytest.fixture
def facts() -> Iterator[list[Fact]]:
    """What the ledger tells the packages above during one test."""
    from liaison.loops.tests.cast import listening

    with listening() as heard:
        yield heard
