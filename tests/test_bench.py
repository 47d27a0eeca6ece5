"""What the benchmarks measure on is written past the application: it must go on fitting the tables."""

import os
from pathlib import Path

import pytest
from django.db import connection

from bench import crowd
from bench.scenarios import calendar, slots
from liaison.console.postgres import Cluster
from liaison.loops.models import Loop
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment, Reservation


@pytest.fixture
def url():
    cluster = Cluster(Path(os.environ["LIAISON_TEST_FOLDER"]) / "postgres", throw_away=True)
    return cluster.url_of(connection.settings_dict["NAME"])


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_the_crowd_and_a_full_calendar_can_be_written(url):
    full = calendar._Clinic(url, most=2)
    days = 2 * calendar.DAYS_AROUND + 1
    assert full.grow(2) == Appointment.objects.count()
    assert days < Appointment.objects.count() < days * calendar.STARTS_A_DAY
    assert Reservation.objects.count() == 2 * Appointment.objects.count()
    assert {one.barrier for one in Appointment.objects.all()[:5]} == {""}


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_patients_with_ten_loops_each_can_be_written(url):
    staff = crowd.hire()
    crowd.add_patients(url, staff=staff, first=1, last=4, with_loops=True)
    assert (Patient.objects.count(), Loop.objects.count()) == (3, 30)


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_clinicians_rooms_and_machines_with_bookings_can_be_written(url):
    clinic = slots._Clinic(url, size=2)
    assert clinic.fill() == Appointment.objects.count() > 0
    assert clinic._journey(any_order=True)() == ()  # so small a clinic has no room
    assert clinic._journey_asked(any_order=False)().none.missing == ("room",)
