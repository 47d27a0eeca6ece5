"""Merging what packages tell: nothing is lost or shown twice, and an instant is never split."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.core.actor import system_actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.timeline import TimelineEntry
from liaison.desk.timeline import TimelineWish, kinds_of, timeline_page, years

START = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = system_actor("test")
NEW_YORK = ZoneInfo("America/New_York")


def told_by(name, minutes, *, kind="visit"):
    """A source with entries at these minutes."""
    entries = sorted(
        (
            TimelineEntry(
                at=START + timedelta(minutes=minute), kind=kind, title=f"{name} {number}", source=name, key=str(number)
            )
            for number, minute in enumerate(minutes)
        ),
        key=lambda entry: entry.at,
        reverse=True,
    )

    def source(actor, *, patient, kinds=(), before=None, limit=50, now=None):
        fit = [each for each in entries if (not kinds or each.kind in kinds) and (before is None or each.at < before)]
        return fit[:limit]

    return source


def wish(*, now=START + timedelta(days=1), zone=NEW_YORK, **more):
    return TimelineWish(now=now, zone=zone, **more)


def whole(sources, *, limit, now=START + timedelta(days=1), **more):
    """Every page, one after the other."""
    pages, before = [], None
    while True:
        asked = wish(now=now, before=before, **more)
        page = timeline_page(ACTOR, patient=None, wish=asked, limit=limit, sources=sources)
        pages.append(page.entries)
        if page.before is None:
            return pages
        before = page.before


minutes = st.lists(st.integers(0, 12), max_size=40)


@given(first=minutes, second=minutes, limit=st.integers(1, 9))
def test_all_pages_together_tell_everything_once_and_in_order(first, second, limit):
    pages = whole([told_by("a", first), told_by("b", second)], limit=limit)
    flat = [entry for page in pages for entry in page]
    assert sorted(entry.title for entry in flat) == sorted(
        [f"a {n}" for n in range(len(first))] + [f"b {n}" for n in range(len(second))]
    )
    assert [entry.at for entry in flat] == sorted((entry.at for entry in flat), reverse=True)
    for page, following in pairwise(pages):
        assert not {entry.at for entry in page} & {entry.at for entry in following}


@given(first=minutes, limit=st.integers(1, 5))
def test_a_search_finds_each_match_once(first, limit):
    pages = whole([told_by("lab", first), told_by("call", first)], limit=limit, text="LAB")
    assert len([entry for page in pages for entry in page]) == len(first)


def test_a_page_of_one_instant_is_not_split():
    page = timeline_page(
        ACTOR, patient=None, wish=wish(), limit=10, sources=[told_by("lab", [5] * 300), told_by("b", [1])]
    )
    assert len(page.entries) == 300


def test_kinds_are_passed_on():
    sources = [told_by("lab", [1, 2], kind="result"), told_by("call", [1], kind="call")]
    assert [len(page) for page in whole(sources, limit=5, kinds=kinds_of("results"))] == [2]
    assert kinds_of("nonsense") == ()


def test_what_a_role_has_no_part_in_is_left_out_of_its_timeline():
    def closed(actor, **asked):
        raise Forbidden

    assert [len(page) for page in whole([told_by("a", [1, 2]), closed], limit=5)] == [2]


def test_a_patient_that_is_not_there_is_not_left_out():
    def unseen(actor, **asked):
        raise NotFound

    with pytest.raises(NotFound):
        whole([unseen], limit=5)


def test_nothing_told_is_one_empty_page():
    assert whole([told_by("a", [])], limit=5) == [()]
    assert whole([], limit=5, text="x") == [()]


def of_day(day, title):
    at = datetime(2026, 1, day, 12, tzinfo=UTC)
    return TimelineEntry(at=at, kind="condition", title=title, source="a", key=title, date_only=True)


def test_what_is_dated_later_than_now_is_not_told_as_if_it_had_happened():
    source = told_by("lab", [9, 10, 11, 12])
    page = timeline_page(ACTOR, patient=None, wish=wish(now=START + timedelta(minutes=10)), limit=1, sources=[source])
    assert [entry.title for entry in page.entries] == ["lab 1"]
    pages = whole([source], limit=1, now=START + timedelta(minutes=10))
    assert [entry.title for page in pages for entry in page] == ["lab 1", "lab 0"]
    found = whole([source], limit=1, text="lab", now=START + timedelta(minutes=10))
    assert [entry.title for page in found for entry in page] == ["lab 1", "lab 0"]


def test_what_has_a_day_alone_has_happened_from_the_start_of_that_day_where_it_is_read():
    def days(actor, *, patient, kinds=(), before=None, limit=50, now=None):
        told = [of_day(3, "third"), of_day(2, "second")]
        return [each for each in told if each.at < before][:limit]

    def titles(now, zone=NEW_YORK):
        page = timeline_page(ACTOR, patient=None, wish=wish(now=now, zone=zone), limit=1, sources=[days])
        return [entry.title for entry in page.entries]

    early = datetime(2026, 1, 3, 6, tzinfo=UTC)  # 01:00 in New York, noon UTC is ahead
    assert titles(early) == ["third"]
    evening = datetime(2026, 1, 3, 2, tzinfo=UTC)  # still the 2nd in New York
    assert titles(evening) == ["second"]
    assert titles(datetime(2026, 1, 2, 23, tzinfo=UTC), ZoneInfo("Pacific/Kiritimati")) == ["third"]


def test_the_jump_offers_the_years_in_which_something_happened():
    def chart(actor, *, patient, before, now):
        return frozenset(year for year in (1999, 2024, 2027) if datetime(year, 1, 1, tzinfo=UTC) < before)

    def closed(actor, **asked):
        raise Forbidden

    now = datetime(2026, 5, 1, tzinfo=UTC)
    told = years(ACTOR, patient=None, now=now, zone=NEW_YORK, sources=[chart, closed, lambda actor, **_: {2026, 2024}])
    assert told == (
        (2026, datetime(2027, 1, 1, tzinfo=UTC)),
        (2024, datetime(2025, 1, 1, tzinfo=UTC)),
        (1999, datetime(2000, 1, 1, tzinfo=UTC)),
    )
