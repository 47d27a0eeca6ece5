"""Which characters of somebody's text are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.core.letters import is_kept, is_plain, one_line, plain


@pytest.mark.parametrize(
    "name",
    [
        "ශ්\u200dරියානි",  # Sinhala, joined: another word without the joiner
        "علی\u200cرضا",  # Persian, kept apart
        "क्\u200dष",
        "\U00031350",  # a Chinese character younger than Python 3.11
        "Zoë O’Brien-Łuć",
        "李 明",
        "\u200fעברית",
        "👩\u200d⚕\ufe0f",
    ],
)
def test_a_name_of_any_script_stays_as_it_is_written(name: str) -> None:
    assert one_line(name) == name


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\x85", "\ud800", "\u2028", "\u202e", "\u2066", "\u200b", "\ufeff"])
def test_what_breaks_a_page_or_tricks_its_reader_is_not_kept(letter: str) -> None:
    assert not is_kept(letter)


def test_white_space_of_any_kind_is_one_space() -> None:
    assert one_line("  Rosa\n\tMaría\u00a0\u2028Delgado\x00 ") == "Rosa María Delgado"


def test_text_of_several_lines_keeps_its_lines_and_every_letter() -> None:
    assert plain("a\x00b\r\nc\rd\x1b[1m\te\u202e") == "ab\nc\nd[1m\te"
    assert plain("שלום, 10:30\nعلی\u200cرضا") == "שלום, 10:30\nعلی\u200cرضا"


@given(st.text())
def test_whether_text_is_plain_is_known_without_making_it_so(text: str) -> None:
    assert is_plain(text) == (plain(text) == text)


def test_each_letter_of_the_first_plane_is_plain_or_not_by_both() -> None:
    letters = [chr(number) for number in range(0x10000)]
    assert [one for one in letters if is_plain(one)] == [one for one in letters if plain(one) == one]
