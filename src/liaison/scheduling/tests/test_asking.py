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


def test_without_any_kind_of_visit_every_other_word_is_unknown() -> None:
    assert read_line("echo", kinds=[], people=[], sites=[], today=MONDAY).unknown == ("echo",)


@given(st.text(max_size=60))
def test_no_line_breaks_the_reading(text: str) -> None:
    read(text)
