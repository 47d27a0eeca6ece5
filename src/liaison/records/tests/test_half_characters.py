"""A text that was cut inside a character is refused for that, and not as a file that ends too early."""

from pathlib import Path

import pytest

from liaison.records.rules.intake import Received, Refused, Reject, decode
from liaison.records.rules.reading import Unreadable, read
from liaison.records.tests.cast import write


@pytest.mark.parametrize("half", [r"\ud800", r"\ud800x", r"\ud83d\u0041", r"\udc00", r"\\\uD9ab"])
def test_half_of_a_character_is_named(half: str) -> None:
    with pytest.raises(Refused, match="half of a character"):
        decode(f'{{"text": "{half}"}}\n'.encode())


def test_what_is_whole_is_read_and_what_is_cut_off_is_called_so() -> None:
    assert decode(rb'{"text": "\ud83d\ude00 \\ud800"}') == {"text": "😀 \\ud800"}
    with pytest.raises(Refused, match="truncated"):
        decode(rb'{"text": "Walt')
    with pytest.raises(Refused, match="not valid JSON"):
        decode(rb'{"text": }')


@pytest.mark.parametrize("half", [r"a\ud83d", r"a\ud83d b", r"a\udc00b"])
@pytest.mark.parametrize(
    "around",
    [
        '{"resourceType": "Patient", "name": [{"family": "%s"}]}',
        '{"resourceType": "Bundle", "type": "%s"}',
        '{"resourceType": "%s"}',
    ],
)
def test_half_of_a_character_is_named_for_a_file_and_for_a_line(tmp_path: Path, around: str, half: str) -> None:
    content = around % half
    with pytest.raises(Unreadable, match="half of a character"):
        list(read(write(tmp_path / "a.json", content)))
    reject, taken = read(write(tmp_path / "a.ndjson", f'{content}\n{{"resourceType": "Basic", "id": "b"}}'))
    assert isinstance(reject, Reject)
    assert (reject.path, reject.reason.partition(" (")[0]) == ("line 1", "holds half of a character")
    assert isinstance(taken, Received)
