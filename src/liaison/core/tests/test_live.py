"""Who is here, what is announced, and who hears it."""

import asyncio
import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection

from liaison.core import events_process, live
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.following import numbered_topic
from liaison.core.postgres.base import EmptyingRefused
from liaison.core.refusals import NotFound

PATIENCE = 60
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
ROSA = Actor(user_id=1, name="Rosa")
THEO = Actor(user_id=2, name="Theo")
MARTA = Actor(user_id=3, name="Marta")


@numbered_topic("trial-chart", shows_presence=True)
def charts(actor: Actor, numbers: frozenset[int], /, *, now: datetime) -> Collection[int]:
    """Everyone but Pat sees chart 1."""
    return numbers & {1} if actor.name != "Pat" else frozenset()


def names(actor: Actor, *, now: datetime = NOW) -> list[str]:
    return [one.name for one in live.others_present(actor, topic="trial-chart:1", now=now)]


@pytest.mark.django_db
def test_those_who_have_a_page_open_are_named_until_they_leave_or_fall_silent() -> None:
    live.beat(ROSA, topic="trial-chart:1", now=NOW)
    live.beat(THEO, topic="trial-chart:1", now=NOW)
    live.leave(ANONYMOUS, topic="trial-chart:1")
    assert names(MARTA) == ["Rosa", "Theo"]
    assert names(ROSA) == ["Theo"]
    live.leave(THEO, topic="trial-chart:1")
    assert names(MARTA) == ["Rosa"]
    assert not names(MARTA, now=NOW + timedelta(minutes=1))


@pytest.mark.django_db
@pytest.mark.parametrize("stranger", [Actor(user_id=4, name="Pat"), ANONYMOUS])
def test_who_may_not_follow_a_topic_is_neither_present_in_it_nor_told_who_is(stranger: Actor) -> None:
    live.beat(ROSA, topic="trial-chart:1", now=NOW)
    with pytest.raises(NotFound):
        live.beat(stranger, topic="trial-chart:1", now=NOW)
    with pytest.raises(NotFound):
        live.others_present(stranger, topic="trial-chart:1", now=NOW)
    live.leave(stranger, topic="trial-chart:1")
    assert names(MARTA) == ["Rosa"]


@pytest.mark.django_db(transaction=True)
def test_an_announcement_reaches_the_pages_that_listen() -> None:
    async def story() -> str:
        listening = asyncio.create_task(events_process.listen())
        try:
            async with events_process.hub.following(["loop:7"]) as queue:
                async with asyncio.timeout(PATIENCE):
                    for _ in count():  # until the listener has its connection
                        await sync_to_async(live.announce)(topic="loop:7", what="taken")
                        if not queue.empty():
                            break
                        await asyncio.sleep(0.1)
                return queue.get_nowait()
        finally:
            listening.cancel()

    assert json.loads(asyncio.run(story())) == {"topic": "loop:7", "what": "taken"}


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_loses_its_server_tries_again() -> None:
    listeners = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = current_database() AND pid <> %s"

    async def story() -> tuple[int, int]:
        listening = asyncio.create_task(events_process.listen())
        with psycopg.connect(**events_process._parameters(), autocommit=True) as other:

            async def listener(*, but: int) -> int:
                async with asyncio.timeout(PATIENCE):
                    for _ in count():
                        found = other.execute(f"SELECT pid {listeners}", [but]).fetchone()
                        if found:
                            break
                        await asyncio.sleep(0.05)
                return int(found[0])

            first = await listener(but=0)
            other.execute("SELECT pg_terminate_backend(%s)", [first])
            second = await listener(but=first)
        listening.cancel()
        return first, second

    first, second = asyncio.run(story())
    assert first != second


@pytest.mark.django_db(transaction=True)
def test_only_somebody_signed_in_on_our_page_gets_the_stream() -> None:
    async def story() -> list[int]:
        ours = httpx.ASGITransport(app=events_process.application)
        async with httpx.AsyncClient(transport=ours, base_url="http://127.0.0.1:8001") as page:
            alive = await page.get("/healthz")
            elsewhere = await page.get("/events", headers={"origin": "https://elsewhere.example"})
            nobody = await page.get("/events")
            made_up = await page.get("/events", headers={"cookie": f"{settings.SESSION_COOKIE_NAME}=made-up"})
        return [answer.status_code for answer in (alive, elsewhere, nobody, made_up)]

    assert asyncio.run(story()) == [200, 403, 401, 401]


def test_nobody_empties_the_tables_outside_a_test(settings) -> None:
    settings.LIAISON_MODE = "production"
    with pytest.raises(EmptyingRefused):
        connection.ops.execute_sql_flush(["TRUNCATE core_auditentry"])
