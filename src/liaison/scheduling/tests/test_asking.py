"""One typed line becomes what is looked for."""

from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.scheduling.rules.asking import Asked, Called, read_line

MONDAY = date(2026, 3, 2)
ECHO, FOLLOW_UP, OFFICE = (
    Called(id=1, name="Echocardiogram"),
    Called(id=2, name="Follow-up visit"),
    Called(id=3, name="Office visit"),
)
IMANI, TANAKA = Called(id=11, name="Dr Imani Achebe"), Called(id=12, name="Dr Mei Tanaka")
NORTH, HARBOR = Called(id=21, name="Riverside North"), Called(id=22, name="Harbor Specialty")


def read(text: str, today: date = MONDAY) -> Asked:
    return read_line(text, kinds=[ECHO, FOLLOW_UP, OFFICE], people=[IMANI, TANAKA], sites=[NORTH, HARBOR], today=today)


def days(first: str, last: str | None = None) -> dict[str, Any]:
    return {"not_before": date.fromisoformat(first), "not_after": date.fromisoformat(last) if last else None}


def test_a_whole_line() -> None:
    assert read("echo next week pm, same clinician") == Asked(
        visit_type_id=1, same_clinician=True, from_at=time(12), **days("2026-03-09", "2026-03-15")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("today", days("2026-03-02", "2026-03-02")),
        ("tomorrow morning", days("2026-03-03", "2026-03-03") | {"to_at": time(12)}),
        ("this week", days("2026-03-02", "2026-03-08")),
        ("next tue", days("2026-03-10", "2026-03-10")),
        ("Tuesdays thu", {"weekdays": frozenset({1, 3})}),
        ("in 3 weeks", days("2026-03-23")),
        ("in a month evenings", days("2026-04-01") | {"from_at": time(17)}),
        ("in 10 days", days("2026-03-12")),
        ("april", days("2026-04-01", "2026-04-30")),
        ("mar", days("2026-03-02", "2026-03-31")),
        ("jan", days("2027-01-01", "2027-01-31")),
        ("mar 5", days("2026-03-05", "2026-03-05")),
        ("after 3", {"from_at": time(15)}),
        ("from 9:30 before 11", {"from_at": time(9, 30), "to_at": time(11)}),
        ("by 2 pm", {"to_at": time(14)}),
        ("until 12am", {"to_at": time(0)}),
        ("after noon", {"from_at": time(12)}),
        ("before noon", {"to_at": time(12)}),
        ("past 4 till 5:30pm", {"from_at": time(16), "to_at": time(17, 30)}),
        ("sunday 7am", {"weekdays": frozenset({6}), "from_at": time(7), "to_at": time(9)}),
        ("at 7", {"from_at": time(7), "to_at": time(9)}),
        ("at 3", {"from_at": time(15), "to_at": time(17)}),
        ("around noon", {"from_at": time(12), "to_at": time(14)}),
        ("noon", {"from_at": time(12), "to_at": time(14)}),
        ("7:30", {"from_at": time(7, 30), "to_at": time(9, 30)}),
        ("7.30 a.m.", {"from_at": time(7, 30), "to_at": time(9, 30)}),
        ("3pm", {"from_at": time(15), "to_at": time(17)}),
        ("3p", {"from_at": time(15), "to_at": time(17)}),
        ("3 P.M. tuesday", {"weekdays": frozenset({1}), "from_at": time(15), "to_at": time(17)}),
        ("10 o'clock", {"from_at": time(10), "to_at": time(12)}),
        ("11pm", {"from_at": time(23)}),
        ("mar 5 9am", days("2026-03-05", "2026-03-05") | {"from_at": time(9), "to_at": time(11)}),
        ("same", {"same_clinician": True}),
        ("with dr imani", {"with_id": 11}),
        ("with mei tanaka", {"with_id": 12}),
        ("with dr tanaka", {"with_id": 12}),
        ("with Dr. Tanaka", {"with_id": 12}),
        ("with tanaka", {"with_id": 12}),
        ("with tan", {"with_id": 12}),
        ("dr. tanaka", {"with_id": 12}),
        ("doctor tana", {"with_id": 12}),
        ("dr", {}),
        ("dr. office", {"visit_type_id": 3}),
        ("tanaka", {"with_id": 12}),
        ("mei tanaka's", {"with_id": 12}),
        ("dr mei tanaka at harbor", {"with_id": 12, "site_id": 22}),
        ("same clinician, tanaka", {"with_id": 12}),
        ("with dr imani with tanaka", {"with_id": 12}),
        ("at harbor", {"site_id": 22}),
        ("river north", {"site_id": 21}),
        ("anywhere", {"any_site": True}),
        ("any site office", {"any_site": True, "visit_type_id": 3}),
        ("follow", {"visit_type_id": 2}),
        ("", {}),
    ],
)
def test_each_way_to_say_it(text: str, said: dict[str, Any]) -> None:
    assert read(text) == Asked(**said)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("echo with nobody", ("with", "nobody")),
        ("after lunch", ("after", "lunch")),
        ("after", ("after",)),
        ("with", ("with",)),
        ("next year", ("next", "year")),
        ("next", ("next",)),
        ("in many weeks", ("many", "weeks")),
        ("in 3 years", ("3", "years")),
        ("from 99", ("from", "99")),
        ("march 77", ("77",)),
        ("3", ("3",)),
        ("25:00", ("25:00",)),
        ("at 99", ("99",)),
        ("3 visits", ("3", "visits")),
        ("xyzzy", ("xyzzy",)),
        ("at", ()),
    ],
)
def test_what_nobody_understands_is_said(text: str, unknown: tuple[str, ...]) -> None:
    assert read(text).unknown == unknown


TANAKAS = (TANAKA, Called(id=13, name="Ken Tanaka, NP"), Called(id=14, name="Dr Tanakawa"))
LOPEZ, OBRIEN = Called(id=15, name="Nurse Ana García-López"), Called(id=16, name="Dr Niamh O’Brien")


def said_of(text: str, *people: Called) -> Asked:
    return read_line(text, kinds=[ECHO, FOLLOW_UP], people=people, sites=[HARBOR], today=MONDAY)


@pytest.mark.parametrize("text", ["with tanaka", "with dr tanaka", "dr. tanaka", "tanaka"])
def test_a_name_that_two_have_names_both_and_chooses_nobody(text: str) -> None:
    assert said_of(f"echo {text} tuesday", *TANAKAS) == Asked(
        visit_type_id=1, could_be=TANAKAS[:2], weekdays=frozenset({1})
    )


def test_a_beginning_that_fits_three_names_three_and_the_first_name_tells_them_apart() -> None:
    assert said_of("with tanak", *TANAKAS).could_be == TANAKAS
    assert said_of("with tanaka ken", *TANAKAS) == Asked(with_id=13)
    assert said_of("tanakawa", *TANAKAS) == Asked(with_id=14)
    assert said_of("with tanaka, dr tanakawa", *TANAKAS) == Asked(with_id=14)


@pytest.mark.parametrize(
    ("text", "with_id"),
    [
        ("with nurse lopez", 15),
        ("garcia-lópez", 15),
        ("with garcia", 15),
        ("lópez", 15),
        ("o'brien", 16),
        ("dr o’brien’s", 16),
        ("obrien", 16),
    ],
)
def test_accents_apostrophes_and_hyphens_are_no_hindrance(text: str, with_id: int) -> None:
    assert said_of(text, LOPEZ, OBRIEN) == Asked(with_id=with_id)


def test_a_word_alone_is_a_name_only_when_it_is_written_out_and_no_kind_of_visit() -> None:
    assert said_of("tan", TANAKA).unknown == ("tan",)
    assert said_of("echo", Called(id=17, name="Dr Echo Lane")) == Asked(visit_type_id=1)
    assert said_of("with echo", Called(id=17, name="Dr Echo Lane")) == Asked(with_id=17)
    assert said_of("harbor", Called(id=18, name="Dr Ann Harbor")) == Asked(site_id=22)
    assert said_of("with -- li", Called(id=19, name="Dr Li")).with_id is None
    assert said_of("nurse", LOPEZ).unknown == ("nurse",)


_NAMES = st.sampled_from(["Mei Tanaka", "Ken Tanaka", "Ana García-López", "Niamh O’Brien", "Kofi Mensah"])


@given(
    st.lists(_NAMES, min_size=1, max_size=4, unique=True), st.data(), st.sampled_from(["with ", "with dr ", "dr. ", ""])
)
def test_whoever_is_named_in_full_is_found_among_all_others(names: list[str], data: st.DataObject, before: str) -> None:
    people = [Called(id=at, name=f"Dr {name}") for at, name in enumerate(names, start=1)]
    one = data.draw(st.sampled_from(people))
    assert said_of(f"echo {before}{one.name.removeprefix('Dr ')} friday", *people) == Asked(
        visit_type_id=1, with_id=one.id, weekdays=frozenset({4})
    )
    family = one.name.split()[-1]
    alike = tuple(other for other in people if other.name.split()[-1] == family)
    heard = said_of(f"{before}{family}", *people)
    assert (heard.with_id, heard.could_be) == ((one.id, ()) if len(alike) == 1 else (None, alike))


def test_without_any_kind_of_visit_every_other_word_is_unknown() -> None:
    assert read_line("echo", kinds=[], people=[], sites=[], today=MONDAY).unknown == ("echo",)


@given(st.text(max_size=60))
def test_no_line_breaks_the_reading(text: str) -> None:
    read(text)
