"""Reading files: what is taken in, and how everything else is refused without a traceback."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.records.rules.intake import Received, Refused, Reject, receive
from liaison.records.rules.reading import Limits, Unreadable, fingerprint, name_of, read

UUID = "urn:uuid:5d1e7f0c-3b2a-4c6d-9e8f-a1b2c3d4e5f6"
WALTER = {"resourceType": "Patient", "id": "walter", "birthDate": "1941-07-09"}
CONDITION = {"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/walter"}}


def put(tmp_path: Path, content: object, name: str = "file.json") -> Path:
    path = tmp_path / name
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(raw)
    return path


def ids(path: Path) -> list[str]:
    return [one.fhir_id for one in read(path) if isinstance(one, Received)]


def bundle_of(kind: object, *entries: object) -> dict[str, object]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(resource: object, **more: object) -> dict[str, object]:
    return {"fullUrl": "urn:uuid:5d1e", "resource": resource, **more}


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset"])
def test_each_entry_of_a_carrying_bundle_is_taken_patients_first(tmp_path, kind):
    path = put(tmp_path, bundle_of(kind, entry(CONDITION), entry(WALTER)))
    received = list(read(path))
    assert [(one.path, one.fhir_id) for one in received] == [
        ("entry[1].resource", "walter"),
        ("entry[0].resource", "c1"),
    ]


@pytest.mark.parametrize("kind", ["document", "message", "history", "transaction-response", "batch-response"])
def test_a_bundle_that_means_something_as_a_whole_is_kept_whole(tmp_path, kind):
    path = put(tmp_path, {**bundle_of(kind, entry(WALTER)), "id": "b1"})
    received, note = read(path)
    assert (received.resource_type, received.fhir_id) == ("Bundle", "b1")
    assert note.text == f"a {kind} bundle is kept whole, as one resource"


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "searchset"])
def test_a_carrying_bundle_inside_another_is_taken_apart_like_the_outer(tmp_path, kind):
    inner = bundle_of(kind, entry(CONDITION), entry(WALTER))
    received = list(read(put(tmp_path, bundle_of("collection", entry(inner), entry(WALTER | {"id": "june"})))))
    assert [(one.path, one.fhir_id) for one in received] == [
        ("entry[1].resource", "june"),
        ("entry[0].resource.entry[1].resource", "walter"),
        ("entry[0].resource.entry[0].resource", "c1"),
    ]


def test_one_that_has_an_id_is_kept_whole_besides(tmp_path):
    inner = bundle_of("collection", entry(WALTER)) | {"id": "b7"}
    received = list(read(put(tmp_path, bundle_of("collection", entry(inner, fullUrl=UUID)))))
    assert [(one.path, one.resource_type, one.fhir_id) for one in received] == [
        ("entry[0].resource", "Bundle", "b7"),
        ("entry[0].resource.entry[0].resource", "Patient", "walter"),
    ]
    assert received[0].full_url == UUID


def test_bundles_are_taken_apart_three_deep_also_on_a_line(tmp_path):
    three = bundle_of("batch", entry(bundle_of("searchset", entry(bundle_of("collection", entry(WALTER))))))
    deep = "entry[0].resource.entry[0].resource.entry[0].resource"
    assert [one.path for one in read(put(tmp_path, three))] == [deep]
    lines = f"{json.dumps(CONDITION)}\n{json.dumps(three)}\n"
    assert [one.path for one in read(put(tmp_path, lines.encode()))] == ["line 1", f"line 2: {deep}"]


def test_a_whole_bundle_inside_another_is_kept_whole_under_its_url(tmp_path):
    inner = entry(bundle_of("document", entry(WALTER)), fullUrl=UUID)
    received, note = read(put(tmp_path, bundle_of("collection", inner)))
    assert (received.resource_type, received.full_url, received.fhir_id) == ("Bundle", UUID, UUID[9:])
    assert (note.path, note.text) == ("entry[0].resource", "a document bundle is kept whole, as one resource")


@pytest.mark.parametrize(
    ("inner", "where", "reason"),
    [
        (bundle_of("heap", entry(WALTER)), "", "unknown bundle type 'heap'"),
        (bundle_of(3, entry(WALTER)), "", "not a FHIR bundle"),
        (bundle_of("collection", entry(None)), ".entry[0]", "an entry without a resource"),
        (bundle_of("batch", entry({"resourceType": "Wizard"})), ".entry[0].resource.resourceType", "unknown resource"),
    ],
)
def test_what_is_wrong_in_an_inner_bundle_is_told_with_its_place_and_stops_nothing(tmp_path, inner, where, reason):
    refused, taken = read(put(tmp_path, bundle_of("collection", entry(inner), entry(CONDITION))))
    assert (refused.path, taken.fhir_id) == (f"entry[0].resource{where}", "c1")
    assert reason in refused.reason


@pytest.mark.parametrize("around", [9, 60])
def test_bundles_nested_deeper_than_anybody_means_are_refused(tmp_path, around):
    inner = bundle_of("collection", entry(WALTER))
    for _ in range(around):
        inner = bundle_of("collection", entry(inner))
    (refused,) = read(put(tmp_path, inner))
    assert (refused.path, refused.reason) == (
        ".".join(["entry[0].resource"] * 9),
        "a bundle inside more than 8 others",
    )


def test_a_bundle_without_entries_holds_nothing(tmp_path):
    assert list(read(put(tmp_path, {"resourceType": "Bundle", "type": "collection"}))) == []


@pytest.mark.parametrize("pretty", [None, 2])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n  "])
def test_a_plain_resource_is_taken_with_or_without_bom_gzip_and_white_space(tmp_path, pretty, start):
    raw = start + json.dumps(WALTER, indent=pretty).encode()
    assert ids(put(tmp_path, raw)) == ["walter"]
    assert ids(put(tmp_path, gzip.compress(raw), "not-named-gz.json")) == ["walter"]


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_ndjson_is_told_by_its_content_and_broken_lines_are_refused_one_by_one(tmp_path, line_end):
    lines = [json.dumps(WALTER).encode(), b"", b'{"resourceType": "Condition"', b"[]", json.dumps(CONDITION).encode()]
    found = list(read(put(tmp_path, line_end.join(lines))))
    assert [one.path for one in found] == ["line 1", "line 3", "line 4", "line 5"]
    assert [type(one) for one in found] == [Received, Reject, Reject, Received]
    assert found[1].reason.startswith("not valid JSON")
    assert found[2].reason == "not a JSON object"


def test_ndjson_with_a_broken_first_line_keeps_the_rest(tmp_path):
    first, second = read(put(tmp_path, b'{"resourceType": Patient}\n' + json.dumps(WALTER).encode()))
    assert isinstance(first, Reject)
    assert second.fhir_id == "walter"


def test_a_bundle_may_be_a_line_of_ndjson(tmp_path):
    lines = [json.dumps(CONDITION), json.dumps(bundle_of("collection", entry(WALTER), {}))]
    found = list(read(put(tmp_path, "\n".join(lines).encode())))
    assert [one.path for one in found] == ["line 1", "line 2: entry[0].resource", "line 2: entry[1]"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file holds nothing but blank space"),
        (b"<Patient/>", "XML or HTML: FHIR is read as JSON"),
        (b"\xef\xbb\xbf<Patient/>", "XML or HTML: FHIR is read as JSON"),
        (b"PK\x03\x04zip", "a ZIP archive: unpack it first"),
        (b"%PDF-1.7", "a PDF document, not FHIR JSON"),
        (b"MSH|^~\\&|", "an HL7 v2 message, not FHIR JSON"),
        (b"[]", "a list, not a FHIR resource: use a Bundle or NDJSON"),
        (b"\xff\xfe{\x00", "UTF-16 text: save it as UTF-8"),
        (b"hello", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"{", "not valid JSON"),
        (b'{"resourceType": "Patient"', "not valid JSON"),
        (b'{"resourceType": "Bundle", "type": "heap", "entry": []}', "unknown bundle type 'heap'"),
        (b'{"resourceType": "Bundle"}', "unknown bundle type None"),
        (b'{"resourceType": "Bundle", "type": 3}', "not a FHIR bundle"),
        (b'{"resourceType": "Bundle", "type": "coll\xe9ction"}', "not a FHIR bundle"),
        (b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply"),
    ],
)
def test_a_file_that_is_no_fhir_json_is_refused_with_the_reason(tmp_path, content, reason):
    with pytest.raises(Unreadable, match="^" + re.escape(reason)):
        list(read(put(tmp_path, content)))


def test_a_truncated_gzip_is_refused_as_a_whole(tmp_path):
    whole = gzip.compress(json.dumps(bundle_of("collection", *[entry(WALTER)] * 500)).encode())
    with pytest.raises(Unreadable, match="cut off"):
        list(read(put(tmp_path, whole[: len(whole) // 2])))


def test_a_damaged_gzip_is_refused_as_a_whole(tmp_path):
    whole = bytearray(gzip.compress(json.dumps(WALTER).encode()))
    whole[-5] ^= 0xFF
    with pytest.raises(Unreadable, match="damaged gzip"):
        list(read(put(tmp_path, bytes(whole))))
    with pytest.raises(Unreadable, match="damaged gzip"):
        list(read(put(tmp_path, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\xff" * 40)))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(Unreadable, match="can't be read: No such file"):
        list(read(tmp_path / "nothing.json"))
    with pytest.raises(Unreadable, match="No such file"):
        fingerprint(tmp_path / "nothing.json")
    with pytest.raises(Unreadable, match="can't be read"):
        list(read(tmp_path))


@pytest.mark.parametrize(
    ("resource", "where", "reason"),
    [
        ([], "entry[0].resource", "not a JSON object"),
        ({}, "entry[0].resource", "no resourceType: this is not a FHIR resource"),
        ({"resourceType": "Pateint"}, "entry[0].resource.resourceType", "unknown resource type 'Pateint'"),
        ({"resourceType": 7}, "entry[0].resource.resourceType", "unknown resource type '7'"),
        ({**WALTER, "id": "a b"}, "entry[0].resource.id", "the id 'a b' is not a FHIR id"),
        ({**WALTER, "id": "x" * 65}, "entry[0].resource.id", "the id 'xxx"),
        ({**WALTER, "id": 5}, "entry[0].resource.id", "the id '5' is not a FHIR id"),
        ({**WALTER, "birthDate": "0000-00-00"}, "entry[0].resource.birthDate", "“0000-00-00” cannot be"),
        ({**WALTER, "birthDate": "2021-02-30"}, "entry[0].resource.birthDate", "“2021-02-30” is not a day"),
        ({**WALTER, "birthDate": 19410709}, "entry[0].resource.birthDate", "a date must be text"),
        (
            {"resourceType": "Encounter", "period": {"end": "soon"}},
            "entry[0].resource.period.end",
            "“soon” is not a date",
        ),
        ({**WALTER, "name": [{"family": "N\x00g"}]}, "entry[0].resource", "holds a NUL character"),
        ({**WALTER, "a\x00": 1}, "entry[0].resource", "holds a NUL character"),
    ],
)
def test_a_resource_that_cannot_be_kept_is_refused_with_path_and_reason(tmp_path, resource, where, reason):
    bad, good = read(put(tmp_path, bundle_of("collection", entry(resource), entry(CONDITION))))
    assert (bad.file, bad.path) == (str(tmp_path / "file.json"), where)
    assert bad.reason.startswith(reason)
    assert good.fhir_id == "c1"


def test_a_harmless_backslash_is_no_nul(tmp_path):
    raw = b'{"resourceType": "Patient", "id": "w", "name": [{"family": "back\\\\u0000slash"}]}'
    assert ids(put(tmp_path, raw)) == ["w"]


@pytest.mark.parametrize("number", [b"1e999999", b"-4E-5000", b"1" + b"0" * 500 + b".5", b"1e" + b"9" * 30])
def test_a_number_that_no_measurement_has_is_refused(tmp_path, number):
    raw = b'{"resourceType": "Observation", "id": "o", "valueQuantity": {"value": ' + number + b"}}"
    (bad,) = read(put(tmp_path, raw))
    assert bad.reason.startswith("the number ")
    assert "too long to be a measurement" in bad.reason


def test_a_resource_that_breaks_off_is_refused():
    with pytest.raises(Refused, match="not valid JSON"):
        receive(b'{"resourceType": "Basic", "x": ', path="$")


def test_a_resource_nested_beyond_reading_is_refused():
    with pytest.raises(Refused, match="nested too deeply"):
        receive(b'{"resourceType": "Basic", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", path="$")


def test_a_nul_character_is_found_however_deep_it_stands():
    with pytest.raises(Refused, match="NUL"):
        receive(b'{"resourceType": "Basic", "x": ' + b"[" * 600 + rb'"\\\u0000"' + b"]" * 600 + b"}", path="$")


def test_entries_that_hold_no_data_are_told_apart_from_broken_ones(tmp_path):
    path = put(
        tmp_path,
        bundle_of(
            "batch",
            {"request": {"method": "GET", "url": "Patient/1"}},
            {"fullUrl": "urn:uuid:1"},
            "nonsense",
            entry({"resourceType": "OperationOutcome"}, search={"mode": "outcome"}),
            {"resource": None, "request": {"method": "DELETE", "url": "Patient/1"}},
        ),
    )
    found = {one.path: one for one in read(path)}
    assert found["entry[0]"].text.startswith("a GET request without a resource")
    assert found["entry[1]"].reason == "an entry without a resource"
    assert found["entry[2]"].reason.startswith("not a bundle entry")
    assert found["entry[3].resource"].resource_type == "OperationOutcome"
    assert found["entry[4]"].text.startswith("a DELETE request")


def test_invalid_utf8_and_a_lone_surrogate_are_refused(tmp_path):
    raw = b'{"resourceType": "Patient", "id": "w", "name": [{"family": "N\xff"}]}'
    (bad,) = read(put(tmp_path, raw))
    assert bad.reason.startswith("not valid")
    with pytest.raises(Unreadable, match="half of a character"):
        list(read(put(tmp_path, rb'{"resourceType": "Patient", "id": "w", "name": [{"family": "\ud800"}]}')))


def test_a_resource_without_id_is_known_by_its_uuid_or_its_content():
    body = b'{"resourceType": "Basic"}'
    assert receive(body, path="$", full_url=UUID).fhir_id == UUID[9:]
    by_content = receive(body, path="$", full_url="http://x/Basic/1").fhir_id
    assert by_content == receive(b'{ "resourceType":"Basic" }', path="$").fhir_id
    assert len(by_content) == 64


def test_a_document_or_a_line_beyond_the_limit_is_refused(tmp_path):
    limits = Limits(document=1000, line=1000)
    with pytest.raises(Unreadable, match="split it"):
        list(read(put(tmp_path, json.dumps({**WALTER, "text": "x" * 2000}, indent=1).encode()), limits=limits))
    lines = json.dumps(WALTER) + "\n" + json.dumps(WALTER) + "\n" + json.dumps({**WALTER, "text": "x" * 2000})
    with pytest.raises(Unreadable, match="a line longer"):
        list(read(put(tmp_path, lines.encode()), limits=limits))


def test_a_first_line_beyond_the_limit_is_read_as_a_document(tmp_path):
    long = json.dumps({**WALTER, "text": "x" * 2000})
    assert ids(put(tmp_path, long.encode())) == ["walter"]
    (one,) = read(put(tmp_path, long.encode()), limits=Limits(line=1000))
    assert isinstance(one, Received)


def test_blank_space_without_end_is_not_read_to_its_end(tmp_path):
    packed = gzip.compress(b"\n" * 17_000_000, compresslevel=1)
    with pytest.raises(Unreadable, match="more than 16 MB of blank space"):
        list(read(put(tmp_path, packed)))


def blank_space(tmp_path: Path, *, before: bytes, megabytes: int, after: bytes = b"") -> Path:
    """A packed file of blank lines between two pieces; its parts are packed one by one, so that it is made at once."""
    blank = gzip.compress(b"\n" * (1 << 20), compresslevel=1)
    return put(tmp_path, gzip.compress(before) + blank * megabytes + gzip.compress(after), name="lines.ndjson.gz")


def test_blank_space_late_in_a_file_is_not_read_to_its_end(tmp_path):
    lines = (json.dumps(WALTER) + "\n" + json.dumps(CONDITION) + "\n").encode()
    path = blank_space(tmp_path, before=lines, megabytes=200, after=lines)
    with pytest.raises(Unreadable, match="more than 16 MB of blank space") as refused:
        list(read(path))
    assert int(refused.value.path.removeprefix("line ")) < 20_000_000


def test_a_file_of_blank_space_takes_little_memory(tmp_path):
    lines = (json.dumps(WALTER) + "\n" + json.dumps(CONDITION) + "\n").encode()
    path = blank_space(tmp_path, before=lines, megabytes=200)
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            list(read(path))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("blank", [b"\n", b" \n", b"\r\n", b" " * 3000 + b"\n"])
def test_lines_keep_their_numbers_across_blank_ones(tmp_path, blank):
    first, second, third = (json.dumps({**WALTER, "id": name}).encode() for name in ("a", "b", "c"))
    content = b"\xef\xbb\xbf" + first + b"\n" + second + b"\n" + blank * 5000 + b"  \n" + third
    received = list(read(put(tmp_path, content)))
    assert [(one.fhir_id, one.path) for one in received] == [("a", "line 1"), ("b", "line 2"), ("c", "line 5004")]


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(Unreadable, match="not a regular file"):
        fingerprint(pipe)
    with pytest.raises(Unreadable, match="not a regular file"):
        list(read(pipe))


@pytest.mark.parametrize(("url", "reason"), [("u" * 2001, "2,001 characters"), ("urn:\0", "holds a NUL")])
def test_a_url_that_no_index_holds_is_refused_and_the_rest_is_taken(tmp_path, url, reason):
    bad, good = entry(WALTER, fullUrl=url), entry({**WALTER, "id": "june"})
    refused, taken = read(put(tmp_path, bundle_of("collection", bad, good)))
    assert refused.path == "entry[0].resource"
    assert reason in refused.reason
    assert taken.fhir_id == "june"


def test_a_file_name_that_is_not_utf8_is_told_with_a_replacement(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/w\xff.json"))
    path.write_text(json.dumps({"resourceType": "Wizard"}))
    (refused,) = read(path)
    assert refused.file == name_of(path) == f"{tmp_path}/w\ufffd.json"


@given(st.binary(max_size=300))
def test_no_bytes_end_in_a_traceback(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(data)
    with contextlib.suppress(Unreadable):
        assert isinstance(list(read(path)), list)


LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


def nested(inner):
    """Lists and objects of what is given."""
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)


TWO_DEEP = LEAF | nested(LEAF)
JSON = TWO_DEEP | nested(TWO_DEEP)


@given(JSON)
def test_whatever_is_taken_in_keeps_its_bytes(value):
    raw = json.dumps({"resourceType": "Basic", "extra": value}).encode()
    try:
        received = receive(raw, path="$")
    except Refused:
        return
    assert received.body == raw
