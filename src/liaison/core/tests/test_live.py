"""Who is here, what is announced, and who hears it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from liaison.core import events_process, live
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.postgres.base import EmptyingRefused
from liaison.core.postgres.guard import writes_open

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
ROSA = Actor(user_id=1, name="Rosa")
THEO = Actor(user_id=2, name="Theo")


@pytest.mark.django_db
def test_those_who_have_a_page_open_are_named_until_they_leave_or_fall_silent() -> None:
    live.beat(ROSA, topic="patient:1", now=NOW)
    live.beat(THEO, topic="patient:1", now=NOW)
    live.beat(ANONYMOUS, topic="patient:1", now=NOW)
    live.leave(ANONYMOUS, topic="patient:1")
    assert [one.name for one in live.present("patient:1", now=NOW)] == ["Rosa", "Theo"]
    assert [one.name for one in live.present("patient:1", now=NOW, but=ROSA)] == ["Theo"]
    live.leave(THEO, topic="patient:1")
    assert [one.name for one in live.present("patient:1", now=NOW)] == ["Rosa"]
    assert not live.present("patient:1", now=NOW + timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_an_announcement_reaches_the_pages_that_listen() -> None:
    async def story() -> str:
        listening = asyncio.create_task(events_process.listen())
        try:
            async with events_process.hub.following(["loop:7"]) as queue:
                for _ in range(50):  # until the listener has its connection
                    await sync_to_async(live.announce)(topic="loop:7", what="taken")
                    if not queue.empty():
                        return queue.get_nowait()
                    await asyncio.sleep(0.1)
            raise TimeoutError
        finally:
            listening.cancel()

    assert json.loads(asyncio.run(story())) == {"topic": "loop:7", "what": "taken"}


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_loses_its_server_tries_again() -> None:
    async def story() -> int:
        listening = asyncio.create_task(events_process.listen())
        await asyncio.sleep(0.5)
        with psycopg.connect(**events_process._parameters(), autocommit=True) as other:
            ended = other.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            ).fetchone()[0]
        await asyncio.sleep(1.2)
        with psycopg.connect(**events_process._parameters(), autocommit=True) as other:
            back = other.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            ).fetchone()[0]
        listening.cancel()
        return ended * back

    assert asyncio.run(story()) == 1


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


@pytest.mark.django_db(transaction=True)
def test_the_stream_begins_and_carries_what_is_told() -> None:
    async def story() -> list[str]:
        stream = events_process._stream(["desk"])
        heard = [await anext(stream)]
        events_process.hub.tell(topic="desk", what="changed")
        heard.append(await anext(stream))
        await stream.aclose()
        return heard

    first, second = asyncio.run(story())
    assert first.startswith("retry:")
    assert json.loads(second.removeprefix("event: live\ndata: ")) == {"topic": "desk", "what": "changed"}


@pytest.mark.django_db(transaction=True)
def test_a_session_is_known_only_while_somebody_is_signed_in() -> None:
    with writes_open():
        person = get_user_model().objects.create(email="rosa@riverside.example", name="Rosa")
    browser = Client()
    browser.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[-1])
    key = browser.cookies[settings.SESSION_COOKIE_NAME].value

    async def ask(session: str) -> bool:
        return await events_process._signed_in(session)

    assert asyncio.run(ask(key))
    assert not asyncio.run(ask("made-up"))


def test_nobody_empties_the_tables_outside_a_test(settings) -> None:
    settings.LIAISON_MODE = "production"
    with pytest.raises(EmptyingRefused):
        connection.ops.execute_sql_flush(["TRUNCATE core_auditentry"])
