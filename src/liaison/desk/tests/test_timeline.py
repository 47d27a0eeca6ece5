"""Merging what packages tell: nothing is lost or shown twice, and an instant is never split."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.core.actor import system_actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.timeline import TimelineEntry
from liaison.desk.timeline import TimelineWish, kinds_of, timeline_page, years

START = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = system_actor("test")


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

    def source(actor, *, patient, kinds=(), before=None, limit=50):
        fit = [each for each in entries if (not kinds or each.kind in kinds) and (before is None or each.at < before)]
        return fit[:limit]

    return source


def whole(sources, *, limit, text="", kinds=()):
    """Every page, one after the other."""
    pages, before = [], None
    while True:
        wish = TimelineWish(before=before, text=text, kinds=kinds)
        page = timeline_page(ACTOR, patient=None, wish=wish, limit=limit, sources=sources)
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
        ACTOR, patient=None, wish=TimelineWish(), limit=10, sources=[told_by("lab", [5] * 300), told_by("b", [1])]
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


def test_years_run_from_now_back_and_end_at_new_year():
    assert list(years(first=2024, now=datetime(2026, 5, 1, tzinfo=UTC))) == [
        (2026, datetime(2027, 1, 1, tzinfo=UTC)),
        (2025, datetime(2026, 1, 1, tzinfo=UTC)),
        (2024, datetime(2025, 1, 1, tzinfo=UTC)),
    ]
