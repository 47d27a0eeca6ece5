"""Which topics may be followed: those that some package registered, by those whom it lets."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import pytest

from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.following import all_topics, at_sites, followable, numbered_topic, refuse_unless_present_in, topic
from liaison.core.refusals import NotFound
from liaison.core.verbs import Verb

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
ROSA = Actor(user_id=1, name="Rosa")
PAT = Actor(user_id=2, name="Pat")
asked: list[frozenset[int]] = []


@numbered_topic("trial-row", shows_presence=True)
def rows(actor: Actor, numbers: frozenset[int], /, *, now: datetime) -> Collection[int]:
    asked.append(frozenset(numbers))
    return {number for number in numbers if number < 10} if actor.user_id == 1 and now == NOW else set()


@topic("trial-place")
def places(actor: Actor, names: frozenset[str], /, *, now: datetime) -> Collection[str]:
    return names & {"", "7:monday"}


def test_topics_keep_their_order_and_stand_once() -> None:
    wanted = ["trial-place", "trial-row:2", "trial-row:1", "trial-row:2", "trial-place:7:monday", "trial-place:8"]
    assert followable(ROSA, wanted, now=NOW) == ("trial-place", "trial-row:2", "trial-row:1", "trial-place:7:monday")


def test_all_rows_of_one_page_are_asked_about_at_once() -> None:
    asked.clear()
    assert followable(ROSA, ["trial-row:1", "trial-row:2", "trial-row:30"], now=NOW) == ("trial-row:1", "trial-row:2")
    assert asked == [{1, 2, 30}]


def test_what_is_not_for_this_reader_is_left_out() -> None:
    assert followable(PAT, ["trial-row:1", "trial-place"], now=NOW) == ("trial-place",)
    assert followable(ANONYMOUS, ["trial-place"], now=NOW) == ()


@pytest.mark.parametrize(
    "odd", ["nobody-registered-this", "trial-row", "trial-row:", "trial-row:x", "trial-row:-1", "trial-row:01",
            "trial-row:\u0661", "trial-row:1:2", f"trial-row:{'9' * 19}", ":1", ""],
)  # fmt: skip
def test_a_topic_that_nobody_knows_is_followed_by_nobody(odd: str) -> None:
    assert followable(ROSA, [odd], now=NOW) == ()


def test_presence_is_shown_only_where_it_is_meant_and_to_those_who_may_follow() -> None:
    refuse_unless_present_in(ROSA, topic="trial-row:1", now=NOW)
    for actor, refused in (
        (PAT, "trial-row:1"),
        (ROSA, "trial-place"),
        (ROSA, "unknown:1"),
        (ANONYMOUS, "trial-row:1"),
    ):
        with pytest.raises(NotFound):
            refuse_unless_present_in(actor, topic=refused, now=NOW)


def test_a_kind_of_topic_is_registered_once() -> None:
    with pytest.raises(ValueError, match="trial-place is registered twice"):
        topic("trial-place")(places)
    assert "trial-place" in all_topics()


def test_a_topic_told_site_by_site_is_for_those_who_may_there_and_without_a_site_for_who_may_everywhere() -> None:
    meets = Verb(code="trial.meets", label="meet", roles=frozenset({"coordinator"}))
    names = ["", "3", "4", "03", "x", "3:1"]
    here = Actor(user_id=1, name="Rosa", assignments=frozenset({("coordinator", 3), ("billing", 4)}))
    everywhere = Actor(user_id=3, name="Marta", assignments=frozenset({("coordinator", None)}))
    assert at_sites(here, meets, names) == {"3"}
    assert at_sites(everywhere, meets, names) == {"", "3", "4"}
    assert at_sites(PAT, meets, names) == frozenset()
