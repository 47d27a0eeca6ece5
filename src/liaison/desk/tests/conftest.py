"""Fixtures of these tests. Loaded before Django is set up, so they import what they need when they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from liaison.core.actor import Actor
    from liaison.loops.tests.cast import Cast


@pytest.fixture
def cast(db: None) -> Cast:
    """Rosa, Dr Imani, Marta and Pat at their desks; Walter, the patient."""
    del db
    from liaison.loops.tests.cast import gather

    return gather()


@pytest.fixture
def at_desk() -> Callable[[Actor], Client]:
    """Sign somebody in: `at_desk(cast.rosa)` is their browser."""
    from liaison.desk.tests.browser import signed_in

    return signed_in
