"""A date of a patient's care is the date where they are: at 23:30 in New York it is the next day already in UTC."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from liaison.accounts.models import User
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.patients import actions, queries
from liaison.patients.actions import PatientDetails
from liaison.patients.models import CareTeamMember, Patient, PatientSite
from liaison.patients.tests.cast import LIAISON, Clinic, Registry

NEW_YORK = ZoneInfo("America/New_York")
LATE = datetime(2026, 3, 3, 23, 30, tzinfo=NEW_YORK).astimezone(UTC)
TODAY, TOMORROW = date(2026, 3, 3), date(2026, 3, 4)


@pytest.fixture(autouse=True)
def _in_new_york(clinic: Clinic) -> None:
    with writes_open():
        for one in (clinic.riverside, clinic.hillside):
            one.time_zone = "America/New_York"
            one.save()


def on_the_team(clinic: Clinic, patient: Patient, *, starts_on: date, ends_on: date | None = None) -> None:
    """Pat, of another site, is on the care team for these days."""
    with writes_open():
        CareTeamMember.objects.create(
            patient=patient, user_id=clinic.pat.user_id, role="coordinator", starts_on=starts_on, ends_on=ends_on
        )


def seen_at(clinic: Clinic, now: datetime) -> int:
    return Patient.objects.visible_to(clinic.pat, now=now).count()


def test_the_care_team_of_the_last_day_still_sees_the_patient_late_in_the_evening(
    clinic: Clinic, walter: Patient
) -> None:
    on_the_team(clinic, walter, starts_on=date(2026, 1, 1), ends_on=TOMORROW)
    assert seen_at(clinic, LATE) == 1
    assert seen_at(clinic, datetime(2026, 3, 4, 0, 0, tzinfo=NEW_YORK)) == 0


def test_the_care_team_of_tomorrow_does_not_see_the_patient_before_midnight(clinic: Clinic, walter: Patient) -> None:
    on_the_team(clinic, walter, starts_on=TOMORROW)
    assert seen_at(clinic, LATE) == 0
    assert seen_at(clinic, datetime(2026, 3, 4, 0, 0, tzinfo=NEW_YORK)) == 1


def test_the_care_team_goes_by_the_home_site_and_without_a_site_by_utc(clinic: Clinic, walter: Patient) -> None:
    with writes_open():
        clinic.hillside.time_zone = "Pacific/Auckland"
        clinic.hillside.save()
        PatientSite.objects.create(patient=walter, site=clinic.hillside, is_home=False)
    on_the_team(clinic, walter, starts_on=TOMORROW)
    member = CareTeamMember.objects.filter(patient=walter)
    assert not member.current(now=LATE).exists()
    with writes_open():
        PatientSite.objects.all().delete()
    assert member.current(now=LATE).exists()
    assert (walter.home_site(), walter.day_at(LATE)) == (None, TOMORROW)
    assert not member.current(now=datetime(2026, 3, 3, 23, 59, tzinfo=UTC)).exists()


def test_nobody_is_registered_or_corrected_as_born_tomorrow(clinic: Clinic, register: Registry) -> None:
    details = PatientDetails(given="Nora", family="Ng", birth_on=TOMORROW)
    with pytest.raises(actions.DetailsWrong):
        actions.register_patient(actor=LIAISON, details=details, site_ids=[clinic.riverside.pk], now=LATE)
    born_today = replace(details, birth_on=TODAY)
    nora = actions.register_patient(actor=LIAISON, details=born_today, site_ids=[clinic.riverside.pk], now=LATE)
    with pytest.raises(actions.DetailsWrong):
        actions.change_patient(actor=LIAISON, patient=nora, details=details, now=LATE)


def test_a_patient_of_no_known_site_is_not_registered(clinic: Clinic) -> None:
    for sites in ([], [0]):
        with pytest.raises(actions.NotYourSite):
            actions.register_patient(
                actor=LIAISON, details=PatientDetails(given="Nora", family="Ng"), site_ids=sites, now=LATE
            )


def test_two_digits_of_a_year_are_read_by_the_day_of_whoever_asks(clinic: Clinic, register: Registry) -> None:
    """ "1/1/27" is 1927 until the year 2027 begins where Rosa is."""
    register("Walter", "Ng", birth_on=date(1927, 1, 1))
    evening = datetime(2026, 12, 31, 23, 30, tzinfo=NEW_YORK)
    found = queries.search(replace(clinic.rosa, zone=NEW_YORK), text="1/1/27", now=evening)
    assert [hit.name for hit in found] == ["Walter Ng"]


def test_the_form_of_a_proxy_begins_with_the_date_where_the_patient_is(
    clinic: Clinic, walter: Patient, client: Client, settings: object
) -> None:
    with writes_open():
        clinic.riverside.time_zone = "Pacific/Kiritimati"  # fourteen hours ahead, so another date for most of the day
        clinic.riverside.save()
    client.force_login(
        User.objects.get(pk=clinic.rosa.user_id),
        backend=settings.AUTHENTICATION_BACKENDS[-1],  # type: ignore[attr-defined]  # the fixtures have no types
    )
    before = walter.day_at(current_time())
    answer = client.get(f"/patients/{walter.pk}/proxies/new/")
    assert answer.context["form"].initial["starts_on"] in {before, walter.day_at(current_time())}
