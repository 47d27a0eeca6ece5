"""A day on which somebody would have come for a referral is planned anew: they still see whom the referral asks."""

from __future__ import annotations

import pytest

from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Organization, Practitioner
from liaison.orders.models import Referral
from liaison.scheduling import queries
from liaison.scheduling.models import Appointment, Resource
from liaison.scheduling.ports import Span
from liaison.scheduling.tests.clinic import Clinic, local
from liaison.scheduling.tests.test_replanning import TUESDAY, plan

MONTH = Span(local("2026-03-02 00:00"), local("2026-04-04 00:00"))


@pytest.fixture
def visit(clinic: Clinic, referral: Referral) -> Appointment:
    """Walter comes to Dr Okafor, the cardiologist whom his referral asks."""
    return clinic.book("2026-03-03 10:00", referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))


def line_of(clinic: Clinic, of: Resource, *, during: Span = TUESDAY) -> queries.DisplacedLine:
    (line,) = plan(clinic, of=of, during=during).lines
    found: queries.DisplacedLine = line
    return found


def people(line: queries.DisplacedLine) -> set[str]:
    offers = [*([line.proposed] if line.proposed else []), *line.others]
    return {seat.name for offer in offers for seat in offer.seats if seat.is_person}


def test_who_was_referred_to_somebody_gets_another_time_with_them(clinic: Clinic, visit: Appointment) -> None:
    line = line_of(clinic, clinic.okafor)
    assert line.proposed is not None
    assert not TUESDAY.start <= line.proposed.start_at < TUESDAY.end
    assert people(line) == {"Dr Okafor"}


def test_nobody_else_takes_over_while_they_are_away(clinic: Clinic, visit: Appointment) -> None:
    line = line_of(clinic, clinic.okafor, during=MONTH)
    assert (line.proposed, line.others) == (None, ())


def test_who_takes_no_such_visits_any_more_leaves_a_call(clinic: Clinic, visit: Appointment) -> None:
    with writes_open():
        Resource.objects.filter(pk=clinic.okafor.pk).update(abilities=["nurse"])
    line = line_of(clinic, clinic.okafor)
    assert (line.proposed, line.others) == (None, ())


def test_a_room_that_is_closed_leaves_them_with_the_same_person(clinic: Clinic, visit: Appointment) -> None:
    assert people(line_of(clinic, clinic.room)) == {"Dr Okafor"}


def test_a_referral_to_a_place_is_seen_by_people_of_its_specialty(
    clinic: Clinic, visit: Appointment, referral: Referral
) -> None:
    with writes_open():
        heart = Organization.objects.create(name="Harbor Heart Center", kind="clinic")
        Referral.objects.filter(pk=referral.pk).update(target_practitioner=None, target_organization=heart)
    assert people(line_of(clinic, clinic.okafor)) == {"Dr Okafor"}
    with writes_open():
        Practitioner.objects.filter(name="Dr Imani").update(specialty="cardiology")
    assert people(line_of(clinic, clinic.okafor)) == {"Dr Imani"}
