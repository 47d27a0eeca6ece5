"""Names of every script, numbers and addresses as they are compared."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liaison.patients import rules

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Walter Ng", "walter ng"),
        ("  JOSÉ   Núñez ", "jose nunez"),
        ("O’Brien-Łuć", "obrien luc"),
        ("O'Brien", "obrien"),
        ("Нина Петрова", "nina petrova"),
        ("李 明", "li ming"),
        ("김철수", "gimcheolsu"),
        ("ﬁona", "fiona"),
        ("", ""),
        ("\x00\x07", ""),
    ],
)
def test_a_name_of_any_script_folds_to_plain_letters(written: str, folded: str) -> None:
    assert rules.fold(written) == folded


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_folding_is_plain_ascii_and_folding_again_changes_nothing(text: str) -> None:
    once = rules.fold(text)
    assert once.isascii()
    assert rules.fold(once) == once


def test_the_search_text_holds_every_name_in_both_orders_once() -> None:
    assert rules.search_text([("Walter", "Ng"), ("Wally", "Ng"), ("walter", "ng")]) == (
        " walter ng ng walter wally ng ng wally "
    )
    assert rules.search_text([("Cher", "")]) == " cher "
    assert rules.search_text([("", "\x00")]) == ""


@given(st.text(alphabet="abcdefghij", min_size=4, max_size=12), st.data())
@settings(max_examples=100, deadline=None)
def test_a_word_with_one_slip_shares_a_key(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    other = word[:at] + "z" + word[at + 1 :]
    longer = word[:at] + "z" + word[at:]
    for typed in (swapped, other, longer):
        assert rules.slip_keys(word) & rules.slip_keys(typed)


def test_a_short_word_is_only_itself() -> None:
    assert rules.slip_keys("ng") == {"ng"}


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("(207) 555-0123", "+12075550123"),
        ("207.555.0123 ext. 9", "+12075550123;ext=9"),
        ("+44 20 7946 0958", "+442079460958"),
        ("12", None),
        ("not a number", None),
    ],
)
def test_phone_numbers_become_e164(written: str, key: str | None) -> None:
    assert rules.phone_key(written) == key


def test_phone_numbers_are_shown_as_people_here_write_them() -> None:
    assert rules.shown_phone("+12075550123") == "(207) 555-0123"
    assert rules.shown_phone("+442079460958") == "+44 20 7946 0958"
    assert rules.shown_phone("nonsense") == "nonsense"


def test_identifiers_are_compared_without_dashes_and_case() -> None:
    assert rules.identifier_key(" ab-12.3 ") == "AB123"
    assert rules.identifier_key("号") == "号"


def test_mail_addresses_are_compared_in_lower_case() -> None:
    assert rules.email_key(" June@Example.ORG ") == "june@example.org"
    assert rules.email_key("june at example") is None
    assert rules.email_key(f"{'a' * 250}@example.org") is None


def test_postal_addresses_are_folded() -> None:
    assert rules.address_key("12 Élm St.", "Portland") == "12 elm st portland"


@pytest.mark.parametrize(
    ("tag", "is_tag", "name"),
    [
        ("es", True, "Spanish"),
        ("pt-BR", True, "Portuguese (BR)"),
        ("zh-Hant", True, "Chinese (Hant)"),
        ("ase", True, "American Sign Language"),
        ("qqq", True, "qqq"),
        ("ES", True, "Spanish"),
        ("<b>", False, "<b>"),
    ],
)
def test_languages_are_named(tag: str, is_tag: bool, name: str) -> None:
    assert rules.is_language_tag(tag) is is_tag
    assert rules.language_name(tag) == name


BORN = date(1948, 2, 3)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("Ng, Walter", rules.Asked(words=("ng", "walter"))),
        ("walter 1948-02-03", rules.Asked(words=("walter",), birth_dates=(BORN,))),
        ("2/3/48", rules.Asked(birth_dates=(BORN, date(1948, 3, 2)))),
        ("02/30/1948", rules.Asked(identifiers=("02301948",))),
        ("Feb 3, 1948", rules.Asked(birth_dates=(BORN,))),
        ("3rd february 1948", rules.Asked(birth_dates=(BORN,))),
        ("19480203", rules.Asked(birth_dates=(BORN,), identifiers=("19480203",))),
        ("02031948", rules.Asked(birth_dates=(BORN,), identifiers=("02031948",))),
        ("walter 1948", rules.Asked(words=("walter",), birth_year=1948)),
        ("1948", rules.Asked(identifiers=("1948",))),
        ("walter 1801", rules.Asked(words=("walter",), identifiers=("1801",))),
        ("(207) 555-0123", rules.Asked(phones=("+12075550123",), identifiers=("2075550123",))),
        ("555-0123", rules.Asked(phones=("+15550123",), phone_end="5550123", identifiers=("5550123",))),
        ("RIV-0001", rules.Asked(identifiers=("RIV0001",))),
        ("RIV 0001", rules.Asked(words=("riv",), identifiers=("0001", "RIV0001"))),
        ("Abbott123", rules.Asked(words=("abbott123",), identifiers=("ABBOTT123",))),
        ("june@example.org", rules.Asked(email="june@example.org")),
        ("<@>@x.y june", rules.Asked(words=("june",))),
        ("01/01/1870", rules.Asked(identifiers=("01011870",))),
        ("01/01/2030", rules.Asked(identifiers=("01012030",))),
        ("  \x00 ", rules.Asked()),
    ],
)
def test_what_was_typed_is_read(typed: str, asked: rules.Asked) -> None:
    assert rules.read_query(typed, today=TODAY) == asked


def test_nothing_typed_asks_for_nothing() -> None:
    assert rules.read_query("", today=TODAY).is_empty


def test_a_year_of_two_digits_is_of_the_last_hundred_years() -> None:
    assert rules.read_query("1/1/26", today=TODAY).birth_dates == (date(2026, 1, 1),)
    assert rules.read_query("1/1/27", today=TODAY).birth_dates == (date(1927, 1, 1),)


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_anything_can_be_typed(text: str) -> None:
    asked = rules.read_query(text, today=TODAY)
    assert all(word.isascii() for word in asked.words)


@pytest.mark.parametrize(
    ("typed", "better", "worse"),
    [
        (("walter", "ng"), " walter ng ng walter ", " walter nguyen nguyen walter "),
        (("wal",), " walter ng ", " valter ng "),
        (("jhon",), " john lee ", " jane lee "),
    ],
)
def test_a_closer_name_ranks_higher(typed: tuple[str, ...], better: str, worse: str) -> None:
    assert rules.rank_name(typed, search_text=better) > rules.rank_name(typed, search_text=worse)


def test_a_word_that_is_not_there_is_someone_else() -> None:
    assert rules.rank_name(["walter", "smith"], search_text=" walter ng ") == 0
    assert rules.rank_name([], search_text=" walter ng ") == 0
    assert rules.rank_name(["walter"], search_text="") == 0
