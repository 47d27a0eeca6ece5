"""A key that one object gives twice is refused by its name: only one of the two values could be kept."""

from pathlib import Path

import msgspec
import pytest

from liaison.records.rules.intake import Received, Refused, Reject, check_part, receive
from liaison.records.rules.reading import read
from liaison.records.tests.cast import write

WALTER = '{"resourceType": "Patient", "id": "walter"}'
JUNE = '{"resourceType": "Patient", "id": "june"}'
ENTRY = f'{{"resource": {WALTER}}}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType": "Patient", "id": "a", "gender": "male", "gender": "female"}',
        b'{"resourceType": "Patient", "id": "a", "name": [{"family": "Ng"}, {"gender": 1, "gender": 1}]}',
        rb'{"resourceType": "Patient", "id": "a", "gender": "male", "g\u0065nder": "female"}',
    ],
)
def test_a_key_that_stands_twice_in_one_object_is_named(body: bytes) -> None:
    with pytest.raises(Refused, match="'gender' twice"):
        receive(body, path="$")


def test_the_same_key_in_two_objects_is_nothing_special() -> None:
    body = b'{"resourceType": "Patient", "id": "a", "name": [{"family": "Ng"}, {"family": "Wu"}], "x": 1.50, "n": 7}'
    assert receive(body, path="$").fhir_id == "a"


def bundle(members: str) -> str:
    return f'{{"resourceType": "Bundle", {members}}}'


@pytest.mark.parametrize(
    ("members", "path"),
    [
        (f'"type": "batch", "entry": [{ENTRY}], "entry": [{{"resource": {JUNE}}}]', "entry"),
        (rf'"type": "batch", "entry": [{ENTRY}], "\u0065ntry": []', "entry"),
        (f'"type": "document", "type": "collection", "entry": [{ENTRY}]', "type"),
        (f'"type": "collection", "entry": [{ENTRY}], "resourceType": "Bundle"', "resourceType"),
        (f'"type": "batch", "entry": [{{"resource": {WALTER}, "resource": {JUNE}}}]', "entry[0].resource"),
        (f'"type": "batch", "entry": [{{"resource": {WALTER}, "resource": null}}]', "entry[0].resource"),
        (f'"type": "batch", "entry": [{{"fullUrl": "a", "fullUrl": "b", "resource": {JUNE}}}]', "entry[0].fullUrl"),
        (f'"type": "batch", "link": [{{"url": "a", "url": "b"}}], "entry": [{ENTRY}]', "link"),
        (f'"type": "batch", "entry": [{{"search": {{"mode": 1, "mode": 2}}, "resource": {JUNE}}}]', "entry[0].search"),
        (f'"type": "document", "x": {{"a": {{"b": 1, "b": 1}}}}, "entry": [{ENTRY}]', "x"),
    ],
)
def test_a_bundle_that_gives_a_key_twice_is_rejected_with_its_path(tmp_path: Path, members: str, path: str) -> None:
    (reject,) = read(write(tmp_path / "a.json", bundle(members)))
    assert isinstance(reject, Reject)
    assert reject.path == path
    assert "twice in one object: only one of the values could be kept" in reject.reason


def test_what_stands_around_resources_and_is_nested_too_deeply_is_refused_with_its_place() -> None:
    """A reader that skips it may go deeper than the one that looks for keys; how deep depends on where it is called."""
    with pytest.raises(Refused, match="nested too deeply") as refused:
        check_part("extension", msgspec.Raw(b"[" * 5_000 + b"]" * 5_000))
    assert refused.value.where == "extension"


def test_the_other_entries_and_lines_are_taken(tmp_path: Path) -> None:
    entries = bundle(f'"type": "batch", "entry": [{{"resource": {WALTER}, "resource": {JUNE}}}, {ENTRY}, {ENTRY}]')
    twice = bundle(f'"type": "batch", "entry": [], "entry": [{ENTRY}]')
    found = list(read(write(tmp_path / "a.ndjson", f"{entries}\n{twice}\n{JUNE}")))
    assert [(type(one), one.path) for one in found] == [
        (Reject, "line 1: entry[0].resource"),
        (Received, "line 1: entry[1].resource"),
        (Received, "line 1: entry[2].resource"),
        (Reject, "line 2.entry"),
        (Received, "line 3"),
    ]
