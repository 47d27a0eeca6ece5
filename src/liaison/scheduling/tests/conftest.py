"""Fixtures of these tests. Loaded before Django is set up, so they import what they need when they run."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

    from liaison.orders.models import Referral
    from liaison.scheduling.tests.clinic import Clinic
    from liaison.scheduling.tests.hearing import Heard


@pytest.fixture(scope="module")
def _clinic_of_the_module(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Clinic]:
    """The small clinic, written once for a module, since its free time takes long to work out; it goes away with it.

    The tests of a module that has this see each other's nothing: each is undone down to the clinic. A test that
    commits can't have it (it would commit the clinic): those write one of their own, in modules of their own.
    """
    del django_db_setup
    from django.db import transaction

    from liaison.scheduling.tests.clinic import open_clinic

    with django_db_blocker.unblock(), transaction.atomic():
        yield open_clinic()
        transaction.set_rollback(True)


@pytest.fixture
def clinic(_clinic_of_the_module: Clinic, db: None) -> Clinic:
    """The small clinic, as it stood before any test."""
    del db
    return deepcopy(_clinic_of_the_module)


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
