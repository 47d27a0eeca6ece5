"""A text that was cut inside a character is refused for that, and not as a file that ends too early."""

import pytest

from liaison.records.rules.intake import Refused, decode


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
