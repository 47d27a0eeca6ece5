"""Who may hear what: the topics of live announcements, over all packages. The stream itself: test_following_streams."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from liaison.accounts.access import Role
from liaison.accounts.queries import actor_of
from liaison.core.clock import current_time
from liaison.core.following import all_topics, followable
from liaison.inbox.actions.messages import announce_message
from liaison.inbox.models import Message
from liaison.loops.actions import take_loop
from liaison.loops.models import Loop
from tests import sentinel_world

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

SOURCE = Path(__file__).parents[1] / "src" / "liaison"


@pytest.fixture(scope="module")
def _world_of_the_module(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[sentinel_world.World]:
    """The sentinel and everyone around them, once for all of these; undone at the end."""
    del django_db_setup
    with django_db_blocker.unblock(), transaction.atomic():
        yield sentinel_world.build(now=current_time())
        transaction.set_rollback(True)


@pytest.fixture
def world(_world_of_the_module: sentinel_world.World, db: None) -> sentinel_world.World:
    del db
    return deepcopy(_world_of_the_module)


def _may_follow(world: sentinel_world.World, who: str, topics: list[str], *, now: datetime) -> list[str]:
    return list(followable(actor_of(world.people[who], now=now), topics, now=now))


@pytest.mark.parametrize("who", ["coordinator", "clinician", "front_desk", "billing", "records_clerk", "supervisor"])
def test_those_who_meet_the_patient_hear_of_them(world: sentinel_world.World, who: str) -> None:
    wanted = world.topics
    assert _may_follow(world, who, [*wanted, "desk", "messages"], now=current_time()) == wanted


def test_another_site_hears_nothing(world: sentinel_world.World) -> None:
    wanted = [*world.topics, "desk", "messages"]
    assert _may_follow(world, "elsewhere", wanted, now=current_time()) == []


def test_who_works_everywhere_hears_of_every_site(world: sentinel_world.World) -> None:
    now, wanted = current_time(), ["desk", "messages", "desk:987654"]
    pat = actor_of(world.people["elsewhere"], now=now)
    everywhere = replace(pat, assignments=frozenset({(Role.COORDINATOR.value, None)}))
    assert list(followable(everywhere, wanted, now=now)) == wanted


@pytest.mark.parametrize("who", ["administrator", "privacy_officer", "no_role"])
def test_who_meets_no_patients_hears_nothing(world: sentinel_world.World, who: str) -> None:
    assert _may_follow(world, who, [*world.topics, "desk", "messages"], now=current_time()) == []


def test_emergency_access_lets_hear_until_it_ends(world: sentinel_world.World) -> None:
    now = current_time()
    wanted = world.topics
    patient, loop, referral, appointment, *_ = wanted
    assert _may_follow(world, "granted", wanted, now=now) == [patient, loop, referral, appointment]
    assert _may_follow(world, "granted", wanted, now=now + timedelta(hours=5)) == []


def test_days_and_rows_that_can_not_be_are_followed_by_nobody(world: sentinel_world.World) -> None:
    site = world.arguments["site_id"]
    odd = [
        f"calendar:{site}",
        f"calendar:{site}:someday",
        "calendar:x:2026-11-23",
        "patient:0",
        "loop:999999",
        "desk:",
        "desk:x",
        f"desk:0{site}",
        f"desk:{site}:1",
        "messages:987654",
    ]
    assert _may_follow(world, "supervisor", odd, now=current_time()) == []


def test_only_pages_of_the_patients_sites_are_told_that_a_desk_or_the_messages_changed(
    world: sentinel_world.World,
) -> None:
    now, loop = current_time(), Loop.objects.get(pk=world.arguments["loop_id"])
    rosa = actor_of(world.people["coordinator"], now=now)
    message = Message.objects.filter(patient=world.patient).first()
    assert message is not None
    with CaptureQueriesContext(connection) as asked:
        take_loop(rosa, loop_id=loop.pk, now=now)
        announce_message(message)
    notified = re.compile(r"pg_notify\('[^']*', '([^']*)'")
    told = {json.loads(found)["topic"] for one in asked for found in notified.findall(one["sql"])}
    site = world.arguments["site_id"]
    assert {each for each in told if each.startswith(("desk", "messages"))} == {
        "desk", f"desk:{site}", "messages", f"messages:{site}"
    }  # fmt: skip


def test_every_topic_that_is_announced_or_listened_to_is_registered() -> None:
    announced = re.compile(r"""announce(?:_at_sites)?\(\s*topic=f?"([a-z-]+)""")
    listened = re.compile(r'data-(?:live|presence)="([^"]*)"')
    found = {kind for path in SOURCE.rglob("*.py") for kind in announced.findall(path.read_text())}
    by_site = re.compile(r"\{% by_site '([a-z-]+)' %\}")
    for path in SOURCE.rglob("*.html"):
        for topics in listened.findall(by_site.sub(r"\1", path.read_text())):
            plain = re.sub(r"\{%.*?%\}", " ", re.sub(r"\{\{.*?\}\}", "1", topics))
            found |= {each.partition(":")[0] for each in plain.split()}
    assert found >= {"patient", "loop", "desk", "referral", "appointment", "calendar", "messages"}
    assert found <= set(all_topics()), "Say who may follow it, in the package's topics.py."
