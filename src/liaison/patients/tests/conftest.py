"""The cast and the clinic of these tests; what Django has to load first is imported inside."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liaison.patients.models import Patient
    from liaison.patients.tests.cast import Clinic, Registry


@pytest.fixture
def clinic(db: None) -> Clinic:
    """The clinic, empty of patients."""
    from liaison.patients.tests.cast import open_clinic

    return open_clinic()


@pytest.fixture
def register(clinic: Clinic) -> Registry:
    """Registers people."""
    from liaison.patients.tests.cast import Registry

    return Registry(clinic=clinic)


@pytest.fixture
def walter(register: Registry) -> Patient:
    """Walter, 78, at Riverside."""
    return register("Walter", "Ng", birth_on=date(1948, 2, 3), mrn="RIV-0001", phone="(207) 555-0123", sex="male")
