"""What an open page hears from the events process while it happens, and until when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client

from liaison.accounts.models import Assignment, Session, User
from liaison.core import events_process
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from tests import sentinel_world

OFTEN = 0.05


class Page:
    """An open page at the events process: the ASGI application, its request and what it sent so far."""

    def __init__(self, key: str, topics: list[str], *, since: str = "", origin: str = "") -> None:
        self.sent: list[dict[str, Any]] = []
        self.gone = asyncio.Event()
        self.asked = False
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/events",
            "raw_path": b"/events", "root_path": "", "scheme": "http",
            "query_string": f"topics={','.join(topics)}&since={since}".encode(),
            "headers": [(b"host", b"127.0.0.1:8001"), (b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode())],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8001),
        }  # fmt: skip
        if origin:
            scope["headers"] = [*scope["headers"], (b"origin", origin.encode())]  # type: ignore[misc]
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
    about, theirs = world.topics, f"desk:{world.people['elsewhere'].assignments.get().site_id}"

    async def tell(page: Page) -> None:
        _tell([*about, "made-up:1", "desk", theirs, f"patient:{world.patient.pk}"])
        await page.until(lambda: page.heard[-1:] in ([about[0]], [theirs]))

    topics = [*about, "made-up:1", "desk", theirs]
    assert _story(world.people["coordinator"], topics, tell).heard == [*about, about[0]]
    assert _story(world.people["elsewhere"], topics, tell).heard == [theirs]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("since", "more"),
    [("0", 1), ("-1e300", 1), ("1e300", 0), ("", 0), ("now", 0), ("nan", 0), ("inf", 0), ("-inf", 0)],
)
def test_a_page_that_comes_late_hears_first_what_was_announced_of_its_topics_meanwhile(since: str, more: int) -> None:
    world = sentinel_world.build(now=current_time())
    key, (about, *_) = _key_of(world.people["coordinator"]), world.topics

    async def story() -> list[str]:
        _tell([about, "desk:0"])
        page = Page(key, [about, "desk:0"], since=since)
        await page.until(lambda: any(message.get("body") for message in page.sent))
        _tell([about])
        await page.until(lambda: len(page.heard) == more + 1)
        await page.close()
        return page.heard

    assert asyncio.run(story()) == [about] * (more + 1)


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


@pytest.mark.parametrize("origin", ["", "http://127.0.0.1:8000"])
def test_a_page_of_ours_may_read_that_it_must_sign_in_first(origin: str) -> None:
    async def story() -> dict[str, Any]:
        page = Page("", ["desk"], origin=origin)
        await page.until(page.task.done)
        return page.sent[0]

    start = asyncio.run(story())
    headers = dict(start["headers"])
    assert start["status"] == 401
    assert headers.get(b"access-control-allow-origin", b"").decode() == origin
    assert (b"access-control-allow-credentials" in headers) == bool(origin)
