"""Fixtures of these tests. Loaded before Django is set up, so they import what they need when they run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liaison.records.tests.cast import Cast

SHARED = Path(os.environ.get("LIAISON_TEST_DATA") or Path(__file__).resolve().parents[5] / "shared" / "data")


@pytest.fixture
def cast(db: None) -> Cast:
    """Two sites with a coordinator each, and nobody's records yet."""
    del db
    from liaison.records.tests.cast import gather

    return gather()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"there is no folder of real data at {SHARED} (LIAISON_TEST_DATA)")
    return SHARED
