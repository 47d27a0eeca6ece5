"""Who pays, in a word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from liaison.accounts.models import User
from liaison.core.refusals import NotFound
from liaison.patients.models import Patient
from liaison.records.queries import CoverageWord, coverage_word
from liaison.records.rules.coverage import from_claim, from_coverages, spoken
from liaison.records.tests.cast import NOW, Cast, walter, write


def coverage(**more: Any) -> dict[str, Any]:
    """Walter's Medicare."""
    return {
        "resourceType": "Coverage", "id": "c", "status": "active", "beneficiary": {"reference": "Patient/walter"},
        "payor": [{"display": "Medicare"}], **more,
    }  # fmt: skip


def claim(**more: Any) -> dict[str, Any]:
    """A claim for a visit of Walter's."""
    return {
        "resourceType": "Claim", "id": "k", "status": "active", "patient": {"reference": "Patient/walter"},
        "created": "2025-06-01T10:00:00Z", "insurance": [{"focal": True, "coverage": {"display": "medicaid"}}], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bodies", "word"),
    [
        ([], ""),
        ([coverage()], "Medicare"),
        ([coverage(status="cancelled")], ""),
        ([coverage(status="entered-in-error")], ""),
        ([coverage(period={"end": "2026-03-03"})], ""),
        ([coverage(period={"end": "2026-03-04"})], "Medicare"),
        ([coverage(period={"start": "2026-03-05"})], ""),
        ([coverage(period={"start": "2026-03-04", "end": "2027"})], "Medicare"),
        ([coverage(payor=[], type={"text": "Elm Health Plan"})], "Elm Health Plan"),
        ([coverage(payor=[], type={"coding": [{"code": "pay"}]})], "Uninsured"),
        ([coverage(payor=[], type={"coding": [{"code": "HMO"}]})], "HMO"),
        ([coverage(payor=[])], ""),
        ([coverage(order=2, payor=[{"display": "Medicaid"}]), coverage(order=1)], "Medicare + Medicaid"),
        ([coverage(), coverage(order=True)], "Medicare"),
    ],
)
def test_the_coverages_that_hold_today_make_the_word(bodies: list[dict[str, Any]], word: str) -> None:
    assert from_coverages(bodies, now=NOW, zone=UTC) == word


def test_a_coverage_that_begins_or_ends_later_today_holds() -> None:
    later = {"start": "2026-03-04T23:00:00Z", "end": "2026-03-04T01:00:00Z"}
    assert from_coverages([coverage(period=later)], now=NOW, zone=UTC) == "Medicare"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (claim(), "Medicaid"),
        (claim(insurance=[{"coverage": {"display": "a"}}, {"focal": True, "coverage": {"display": "b"}}]), "b"),
        (claim(insurance=[], insurer={"display": "dual_eligible"}), "Medicare + Medicaid"),
        (claim(insurance=None), ""),
    ],
)
def test_a_claim_says_who_paid_for_it(body: dict[str, Any], word: str) -> None:
    assert from_claim(body) == word


@pytest.mark.parametrize(
    ("said", "word"), [("NO_INSURANCE", "Uninsured"), ("self-pay", "Uninsured"), (" Elm ", "Elm"), ("x" * 99, "x" * 60)]
)
def test_a_feeds_word_is_said_as_people_say_it(said: str, word: str) -> None:
    assert spoken(said) == word


@pytest.fixture
def patient(cast: Cast, tmp_path: Any) -> Patient:
    """Walter, as he came."""
    cast.take_in(write(tmp_path / "walter.json", walter()))
    return Patient.objects.get()


def test_it_is_unknown_until_something_comes_then_the_claim_then_the_coverage(
    cast: Cast, patient: Patient, tmp_path: Any
) -> None:
    assert coverage_word(cast.rosa, patient=patient, now=NOW) == CoverageWord()
    cast.take_in(write(tmp_path / "k0.json", claim(id="old", created="2024-01-01", insurance=[])))
    assert coverage_word(cast.rosa, patient=patient, now=NOW) == CoverageWord()
    cast.take_in(write(tmp_path / "k.json", claim()))
    late = (NOW + timedelta(days=9)).isoformat()
    cast.take_in(write(tmp_path / "k2.json", claim(id="later", created=late, insurer={"display": "Tomorrow"})))
    said = CoverageWord(word="Medicaid", as_of=datetime(2025, 6, 1, 10, tzinfo=UTC))
    assert coverage_word(cast.rosa, patient=patient, now=NOW) == said
    cast.take_in(write(tmp_path / "c.json", coverage()))
    assert coverage_word(cast.rosa, patient=patient, now=NOW) == CoverageWord(word="Medicare")


def test_pat_of_another_site_and_roles_without_it_are_told_nothing(cast: Cast, patient: Patient) -> None:
    with pytest.raises(NotFound):
        coverage_word(cast.pat, patient=patient, now=NOW)
    assert coverage_word(cast.carla, patient=patient, now=NOW) is None


def test_the_band_says_it(cast: Cast, patient: Patient, client: Client, tmp_path: Any) -> None:
    client.force_login(User.objects.get(pk=cast.rosa.user_id))
    url = f"/patients/{patient.pk}/"
    assert "Coverage unknown" in client.get(url).content.decode()
    cast.take_in(write(tmp_path / "k.json", claim()))
    page = client.get(url).content.decode()
    assert "Medicaid" in page
    assert "Jun 2025" in page


def test_a_coverage_holds_by_the_date_where_the_patient_is() -> None:
    """At 23:30 in New York it is the next day already in UTC."""
    new_york = ZoneInfo("America/New_York")
    late = datetime(2026, 3, 4, 23, 30, tzinfo=new_york)
    ends, begins = coverage(period={"end": "2026-03-04"}), coverage(period={"start": "2026-03-05"})
    instant = coverage(period={"end": "2026-03-04T01:00:00Z"})  # on the evening before, in New York
    assert from_coverages([ends], now=late, zone=new_york) == "Medicare"
    assert from_coverages([begins], now=late, zone=new_york) == ""
    assert from_coverages([instant], now=late, zone=new_york) == ""
