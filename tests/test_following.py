"""Who hears what while it happens: the topics of live announcements, over all packages and the events process."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Session, User
from liaison.accounts.queries import actor_of
from liaison.core import events_process
from liaison.core.clock import current_time
from liaison.core.following import all_topics, followable
from liaison.core.postgres.guard import writes_open
from liaison.inbox.actions.messages import announce_message
from liaison.inbox.models import Message
from liaison.loops.actions import take_loop
from liaison.loops.models import Loop
from tests import sentinel_world

SOURCE = Path(__file__).parents[1] / "src" / "liaison"
OFTEN = 0.05


@pytest.fixture
def world(db: None) -> sentinel_world.World:
    del db
    return sentinel_world.build(now=current_time())


def _about_the_sentinel(world: sentinel_world.World) -> list[str]:
    known = world.arguments
    return [
        f"patient:{world.patient.pk}",
        f"loop:{known['loop_id']}",
        f"referral:{known['referral_id']}",
        f"appointment:{known['appointment_id']}",
        f"calendar:{known['site_id']}:{known['day']}",
        f"desk:{known['site_id']}",
        f"messages:{known['site_id']}",
    ]


def _may_follow(world: sentinel_world.World, who: str, topics: list[str], *, now: datetime) -> list[str]:
    return list(followable(actor_of(world.people[who], now=now), topics, now=now))


@pytest.mark.parametrize("who", ["coordinator", "clinician", "front_desk", "billing", "records_clerk", "supervisor"])
def test_those_who_meet_the_patient_hear_of_them(world: sentinel_world.World, who: str) -> None:
    wanted = _about_the_sentinel(world)
    assert _may_follow(world, who, [*wanted, "desk", "messages"], now=current_time()) == wanted


def test_another_site_hears_nothing(world: sentinel_world.World) -> None:
    wanted = [*_about_the_sentinel(world), "desk", "messages"]
    assert _may_follow(world, "elsewhere", wanted, now=current_time()) == []


def test_who_works_everywhere_hears_of_every_site(world: sentinel_world.World) -> None:
    now, wanted = current_time(), ["desk", "messages", "desk:987654"]
    pat = actor_of(world.people["elsewhere"], now=now)
    everywhere = replace(pat, assignments=frozenset({(Role.COORDINATOR.value, None)}))
    assert list(followable(everywhere, wanted, now=now)) == wanted


@pytest.mark.parametrize("who", ["administrator", "privacy_officer", "no_role"])
def test_who_meets_no_patients_hears_nothing(world: sentinel_world.World, who: str) -> None:
    assert _may_follow(world, who, [*_about_the_sentinel(world), "desk", "messages"], now=current_time()) == []


def test_emergency_access_lets_hear_until_it_ends(world: sentinel_world.World) -> None:
    now = current_time()
    wanted = _about_the_sentinel(world)
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
            found |= {each.partition(":")[0] for each in re.sub(r"\{\{.*?\}\}", "1", topics).split()}
    assert found >= {"patient", "loop", "desk", "referral", "appointment", "calendar", "messages"}
    assert found <= set(all_topics()), "Say who may follow it, in the package's topics.py."


class Page:
    """An open page at the events process: the ASGI application, its request and what it sent so far."""

    def __init__(self, key: str, topics: list[str]) -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.asked = False
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/events",
            "raw_path": b"/events", "root_path": "", "scheme": "http",
            "query_string": f"topics={','.join(topics)}".encode(),
            "headers": [(b"host", b"127.0.0.1:8001"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode())],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8001),
        }  # fmt: skip
        application = events_process.make_application(every=OFTEN)
        self.task = asyncio.ensure_future(application(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def heard(self) -> list[str]:
        body = b"".join(message.get("body", b"") for message in self.sent).decode()
        return [
            json.loads(line.removeprefix("data: "))["topic"] for line in body.split("\n") if line.startswith("data: ")
        ]

    async def until(self, question: Callable[[], bool]) -> None:
        """Wait for it, at most ten seconds."""
        for _ in range(1000):
            if question():
                return
            await asyncio.sleep(0.01)
        raise TimeoutError

    async def close(self) -> None:
        self.gone.set()
        async with asyncio.timeout(10):
            await self.task


def _key_of(person: User) -> str:
    browser = Client()
    browser.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def _tell(topics: list[str]) -> None:
    for each in topics:
        events_process.hub.tell(topic=each, what="changed")


def _story(person: User, topics: list[str], tell: Callable[[Page], Awaitable[None]]) -> Page:
    key = _key_of(person)

    async def story() -> Page:
        page = Page(key, topics)
        await page.until(lambda: any(message.get("body") for message in page.sent) or page.task.done())
        await tell(page)
        await page.close()
        return page

    return asyncio.run(story())


@pytest.mark.django_db(transaction=True)
def test_a_stream_carries_what_its_reader_may_follow_and_nothing_else() -> None:
    world = sentinel_world.build(now=current_time())
    about, theirs = _about_the_sentinel(world), f"desk:{world.people['elsewhere'].assignments.get().site_id}"

    async def tell(page: Page) -> None:
        _tell([*about, "made-up:1", "desk", theirs, f"patient:{world.patient.pk}"])
        await page.until(lambda: page.heard[-1:] in ([about[0]], [theirs]))

    topics = [*about, "made-up:1", "desk", theirs]
    assert _story(world.people["coordinator"], topics, tell).heard == [*about, about[0]]
    assert _story(world.people["elsewhere"], topics, tell).heard == [theirs]


@pytest.mark.django_db(transaction=True)
def test_who_loses_sight_of_a_patient_hears_no_more_of_them_while_the_page_stays_open() -> None:
    world = sentinel_world.build(now=current_time())
    patient = f"patient:{world.patient.pk}"
    rosa, there = world.people["coordinator"], world.people["elsewhere"].assignments.get().site_id
    desk = f"desk:{there}"

    @sync_to_async
    def move_rosa() -> None:
        with writes_open():
            held = Assignment.objects.get(user=rosa)
            held.site_id = there
            held.save(update_fields=["site"])

    async def tell(page: Page) -> None:
        _tell([patient])
        await page.until(lambda: page.heard == [patient])
        await move_rosa()
        await page.until(lambda: patient not in events_process.hub.listeners)
        _tell([patient, desk])
        await page.until(lambda: desk in page.heard)

    assert _story(rosa, [patient, desk], tell).heard == [patient, desk]


@pytest.mark.django_db(transaction=True)
def test_a_stream_ends_with_its_session() -> None:
    world = sentinel_world.build(now=current_time())

    async def tell(page: Page) -> None:
        await sync_to_async(Session.objects.all().delete)()
        await page.until(page.task.done)

    page = _story(world.people["coordinator"], ["desk"], tell)
    assert page.sent[0]["status"] == 200
    assert page.sent[-1]["more_body"] is False
    assert not events_process.hub.listeners


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("why", ["first password", "second factor", "closed account"])
def test_who_is_not_done_signing_in_follows_nothing(why: str, settings: Any) -> None:
    world = sentinel_world.build(now=current_time())
    rosa = world.people["coordinator"]
    settings.LIAISON_MFA_REQUIRED = why == "second factor"

    async def story() -> int:
        page = Page(key, ["desk"])
        await page.until(page.task.done)
        return int(page.sent[0]["status"])

    key = _key_of(rosa)
    with writes_open():
        if why == "first password":
            User.objects.filter(pk=rosa.pk).update(must_change_password=True)
        elif why == "closed account":
            User.objects.filter(pk=rosa.pk).update(is_active=False, deactivated_at=current_time())
    assert asyncio.run(story()) == 401
