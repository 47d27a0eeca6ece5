"""The second press of one and the same is answered as the first; anything else is refused as changed meanwhile."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from liaison.core.act import act
from liaison.core.actor import Actor, system_actor
from liaison.core.models import AuditEntry, Presence
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Stale
from liaison.core.twice import as_asked, once, was_asked_before
from liaison.core.verbs import verb

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
RENAME = verb("trial.rename", "Call something else", roles={"coordinator"})
ROSA = Actor(user_id=1, name="Rosa", assignments=frozenset({("coordinator", 7)}))
TOM = Actor(user_id=2, name="Tom", assignments=frozenset({("coordinator", 7)}))
LIAISON = system_actor("trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What somebody types."""

    name: str = "Echo"
    on: date | None = None
    tags: frozenset[str] = frozenset({"b", "a"})


@once
def rename(
    actor: Actor,
    *,
    row: Presence,
    words: Words,
    seen: str,
    also: Sequence[Presence] = (),
    more: Mapping[str, int] | None = None,
    now: datetime = NOW,
) -> Presence:
    """Call it something else; `seen` is what it was called when somebody looked."""
    with act(actor, RENAME, subject=row, now=now) as entry:
        current = Presence.objects.select_for_update().get(pk=row.pk)
        entry.about(current)
        entry.note(also=len(also), more=len(more or {}))
        if current.name != seen:
            entry.only_once(current)
            raise Stale
        current.name = words.name
        current.save()
    return current


@once
def rename_both(actor: Actor, *, one: Presence, other: Presence, now: datetime = NOW) -> Presence:
    """Two of them in one press."""
    with act(actor, RENAME, subject=one, now=now):
        rename(actor, row=one, words=Words(), seen="Room 1", now=now)
        return rename(actor, row=other, words=Words(), seen="Room 1", now=now)


@pytest.fixture
def room() -> Presence:
    return a_room(1)


def a_room(user_id: int) -> Presence:
    with writes_open():
        return Presence.objects.create(topic="room", user_id=user_id, name="Room 1", seen_at=NOW)


def test_the_second_press_changes_nothing_and_stands_in_the_trail_as_said_again(room: Presence) -> None:
    first = rename(ROSA, row=room, words=Words(), seen="Room 1")
    again = rename(ROSA, row=room, words=Words(), seen="Room 1", now=NOW + timedelta(seconds=1))
    third = rename(ROSA, row=room, words=Words(), seen="Room 1")
    assert (first.name, again.name, third.pk) == ("Echo", "Echo", room.pk)
    told = AuditEntry.objects.filter(verb="trial.rename").order_by("pk")
    assert [entry.outcome for entry in told] == ["done"] * 3
    assert [entry.details.get("repeated", False) for entry in told] == [False, True, True]
    assert told[1].subject_id == room.pk


@pytest.mark.parametrize(
    ("actor", "other"),
    [
        (TOM, {}),
        (ROSA, {"words": Words(name="Xray")}),
        (ROSA, {"words": Words(on=NOW.date())}),
        (ROSA, {"words": Words(tags=frozenset({"a"}))}),
        (ROSA, {"seen": "Room 2"}),
        (ROSA, {"more": {"a": 1}}),
        (LIAISON, {}),
    ],
)
def test_another_person_and_another_act_are_told_that_it_changed(
    room: Presence, actor: Actor, other: dict[str, Any]
) -> None:
    rename(ROSA, row=room, words=Words(), seen="Room 1", more={})
    with pytest.raises(Stale):
        rename(actor, **{"row": room, "words": Words(), "seen": "Room 1", "more": {}} | other)
    assert AuditEntry.objects.latest("pk").outcome == "refused"


def test_the_same_is_the_same_in_whatever_order_its_parts_come(room: Presence) -> None:
    rename(ROSA, row=room, words=Words(tags=frozenset({"a", "b"})), seen="Room 1", also=[room], more={"a": 1, "b": 2})
    again = rename(ROSA, row=room, words=Words(), seen="Room 1", also=(room,), more={"b": 2, "a": 1})
    assert again.name == "Echo"


@pytest.mark.parametrize(("ago", "again"), [(timedelta(seconds=59), True), (timedelta(minutes=1, seconds=1), False)])
def test_what_was_asked_longer_ago_than_a_moment_is_no_second_press(
    room: Presence, *, ago: timedelta, again: bool
) -> None:
    with writes_open(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER USER")  # which gives each entry its moment
    with transaction.atomic():
        renamed = rename(ROSA, row=room, words=Words(), seen="Room 1")
        told = AuditEntry.objects.get()
        transaction.set_rollback(True)
    told.recorded_at -= ago
    with writes_open():
        renamed.save(force_update=True)
        told.save(force_insert=True)
    with nullcontext() if again else pytest.raises(Stale):
        assert rename(ROSA, row=room, words=Words(), seen="Room 1").name == "Echo"


def test_inside_another_press_it_is_a_part_of_that_one(room: Presence) -> None:
    other = a_room(2)
    assert rename_both(ROSA, one=room, other=other).pk == other.pk
    asked = {entry.details["asked"] for entry in AuditEntry.objects.filter(verb="trial.rename")}
    assert len(asked) == 1
    assert rename_both(ROSA, one=room, other=other).pk == room.pk, "the first part was done, so the whole was"


def test_one_press_is_never_taken_for_its_own_repetition(room: Presence) -> None:
    @once
    def rename_twice(actor: Actor) -> Presence:
        rename(actor, row=room, words=Words(), seen="Room 1")
        return rename(actor, row=room, words=Words(), seen="Room 1")

    with pytest.raises(Stale):
        rename_twice(ROSA)


def test_outside_of_a_press_nothing_is_remembered_and_nothing_was_asked_before(room: Presence) -> None:
    assert as_asked(room) == {}
    assert not was_asked_before(room)
    with act(ROSA, RENAME, now=NOW):
        pass
    assert AuditEntry.objects.get().details == {}
