"""Finished hospital stays whose end nobody can reckon from are noted when they are kept, and then no more."""

from __future__ import annotations

import json

import pytest

from liaison.records.models import Resource
from liaison.records.rules.facts import why_stay_has_no_end
from liaison.records.tests.cast import bundle, walter, write

STAY = {
    "resourceType": "Encounter",
    "id": "stay",
    "status": "finished",
    "class": {"code": "IMP"},
    "subject": {"reference": "Patient/walter"},
    "period": {"start": "2026-02-10", "end": "2026-02-13"},
}
ENDLESS = {**STAY, "period": {"start": "2026-02-10"}}
UNKNOWN = "a finished hospital stay: its end is not known"


def dated(stay, day):
    """This stay as its sender had it on a day of March."""
    return {**stay, "meta": {"lastUpdated": f"2026-03-{day}T08:00:00Z"}}


def told(summary):
    return [(note.path, note.text) for note in summary.notes]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"period": {"start": "2026-02-10"}}, "its end is not known"),
        ({"period": {"start": "2026-02-10", "end": "2026-02-01"}}, "its end lies before its start"),
        ({"period": {"end": "2026-02-01"}}, None),
        ({}, None),
        ({"period": {}, "class": {"code": "AMB"}}, None),
        ({"period": {}, "status": "in-progress"}, None),
        ({"period": {}, "resourceType": "EpisodeOfCare"}, None),
    ],
)
def test_a_finished_stay_says_why_nobody_can_reckon_from_its_end(change, why):
    found = why_stay_has_no_end(STAY | change)
    assert (found.words if found else None) == why


def test_it_is_noted_with_its_place_when_it_comes_or_changes_and_not_when_it_comes_again(cast, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter(), ENDLESS))
    assert told(cast.take_in(path)) == [("entry[1].resource", UNKNOWN)]
    assert told(cast.take_in(path)) == []
    assert told(cast.take_in(write(tmp_path / "b.json", json.dumps(ENDLESS, indent=1)))) == []
    turned = {**STAY, "period": {"start": "2026-02-10", "end": "2026-02-01"}}
    assert told(cast.take_in(write(tmp_path / "c.json", turned))) == [
        ("$", "a finished hospital stay: its end lies before its start")
    ]


def test_an_older_version_without_its_end_is_nothing_to_note_beside_the_one_that_has_it(cast, tmp_path):
    cast.take_in(write(tmp_path / "a.json", bundle(walter(), dated(STAY, "02"))))
    summary = cast.take_in(write(tmp_path / "b.json", dated(ENDLESS, "01")))
    assert (told(summary), summary.total.older) == ([], 1)
    assert Resource.objects.get(fhir_id="stay").body["period"]["end"] == "2026-02-13"
