"""Half of a character in a bundle: only the resource that holds it is refused."""

from pathlib import Path

import pytest

from liaison.records.rules.halves import marked_halves
from liaison.records.rules.intake import Received, Reject
from liaison.records.rules.reading import Unreadable, read
from liaison.records.tests.cast import write

WALTER = '{"resource": {"resourceType": "Patient", "id": "walter"}}'
CUT = r'{"resource": {"resourceType": "Patient", "id": "june", "name": [{"family": "Ng \ud83d"}]}}'
LOW = r'{"resource": {"resourceType": "Basic", "id": "b", "x": "\udc00"}}'
WHOLE = r'{"resource": {"resourceType": "Basic", "id": "w", "x": "\ud83d\ude00 \\ud800 \"\ufdd0\uFDD1"}}'


def found(path: Path) -> list[tuple[str, str]]:
    """What became of each: its path, and what it is or why it is refused."""
    return [
        (one.path, one.fhir_id if isinstance(one, Received) else one.reason if isinstance(one, Reject) else one.text)
        for one in read(path)
    ]


def bundle(*entries: str, kind: str = "batch", more: str = "") -> str:
    return f'{{"resourceType": "Bundle", "type": "{kind}", {more} "entry": [{", ".join(entries)}]}}'


CUT_INSIDE = "holds half of a character (such as \\ud800 alone): a text was cut inside it"


def test_only_the_resource_that_holds_it_is_refused_and_the_others_are_kept_as_they_came(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", bundle(WALTER, CUT, WHOLE, LOW))
    assert sorted(found(path)) == [
        ("entry[0].resource", "walter"),
        ("entry[1].resource", CUT_INSIDE),
        ("entry[2].resource", "w"),
        ("entry[3].resource", CUT_INSIDE),
    ]
    (kept,) = [one for one in read(path) if isinstance(one, Received) and one.fhir_id == "w"]
    assert kept.body.decode() in WHOLE


@pytest.mark.parametrize(
    ("whole", "where"),
    [
        (bundle(WALTER, more=r'"id": "\ud800",'), "id"),
        (bundle(WALTER, more=r'"x\ud800": 1,'), "x\ufffd"),
        (bundle(r'{"fullUrl": "\uDFFF", "resource": {"resourceType": "Basic"}}'), "entry[0].fullUrl"),
    ],
)
def test_one_around_the_resources_is_refused_with_its_place(tmp_path: Path, whole: str, where: str) -> None:
    assert found(write(tmp_path / "a.json", whole)) == [(where, CUT_INSIDE)]


@pytest.mark.parametrize(
    "whole",
    [
        bundle(WALTER, CUT, kind="document"),
        bundle(WALTER, CUT, kind="feast"),
        bundle(WALTER, CUT, WHOLE.replace(r"\ufdd0", "".join(map(chr, range(0xFDD0, 0xFDF0))))),
    ],
)
def test_what_can_not_be_taken_apart_is_refused_whole(tmp_path: Path, whole: str) -> None:
    with pytest.raises(Unreadable, match="half of a character"):
        list(read(write(tmp_path / "a.json", whole)))


def test_a_bundle_that_is_broken_besides_is_refused_whole(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not a FHIR bundle"):
        list(read(write(tmp_path / "a.json", bundle(CUT).replace('"batch"', "7"))))


def test_nothing_is_marked_where_no_character_was_cut() -> None:
    assert marked_halves(WHOLE.encode()) is None
