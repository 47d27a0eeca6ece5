"""Fixtures of these tests. Loaded before Django is set up, so they import what they need when they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liaison.accounts.models import Site
    from liaison.pathways.tests.cast import Ward
    from liaison.records.models import Source


@pytest.fixture
def ward(db: None) -> Ward:
    """Walter, who is home from hospital, and those who look after him."""
    del db
    from liaison.pathways.tests.cast import gather

    return gather()


@pytest.fixture
def place(db: None) -> tuple[Site, Source]:
    """A site and a source that small charts stand on."""
    del db
    from liaison.pathways.tests.charts import make_place

    return make_place()
