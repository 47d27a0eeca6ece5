"""The events process: one small ASGI application that passes announcements on to open pages (SSE).

It holds one LISTEN connection and a queue for each open page. A page names the topics that it follows and
must carry a signed-in session. What it hears is only "topic, word": no content, but that something happened to
this id. Topics are not checked against what the reader may see; the pages that are fetched afterwards are.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import close_old_connections, connection
from django.utils.module_loading import import_string
from psycopg import sql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from liaison.core.live import channel

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS: Final = 20
MOST_TOPICS: Final = 60
MOST_WAITING: Final = 200


class Hub:
    """Who listens to what. A page that can't keep up is told to fetch everything again."""

    def __init__(self) -> None:
        self.listeners: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)

    def tell(self, *, topic: str, what: str) -> None:
        """Pass one announcement to every page that follows its topic."""
        for queue in self.listeners.get(topic, ()):
            if queue.full():
                continue
            queue.put_nowait(json.dumps({"topic": topic, "what": what}))

    def tell_all(self, what: str) -> None:
        """Pass a word to every page, as after a lost database connection."""
        for topic in list(self.listeners):
            self.tell(topic=topic, what=what)

    @asynccontextmanager
    async def following(self, topics: list[str]) -> AsyncIterator[asyncio.Queue[str]]:
        """A queue that receives what is announced on `topics`."""
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=MOST_WAITING)
        for topic in topics:
            self.listeners[topic].add(queue)
        try:
            yield queue
        finally:
            for topic in topics:
                self.listeners[topic].discard(queue)
                if not self.listeners[topic]:
                    del self.listeners[topic]


hub = Hub()


async def listen() -> None:
    """Hold one LISTEN connection for the life of the process; reconnect with growing patience."""
    patience = 0.5
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True) as listening:
                await listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel())))
                if patience > 0.5:
                    hub.tell_all("reconnected")
                patience = 0.5
                async for note in listening.notifies():
                    told = json.loads(note.payload)
                    hub.tell(topic=told["topic"], what=told["what"])
        except psycopg.OperationalError:
            log.warning("events.database_lost", extra={"retry_in": patience})
            await asyncio.sleep(patience)
            patience = min(patience * 2, 15)


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    keep = ("host", "port", "user", "password", "dbname", "options", "sslmode")
    return {key: parameters[key] for key in keep if parameters.get(key)}


@sync_to_async
def _signed_in(session_key: str) -> bool:
    close_old_connections()
    try:
        store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        return bool(store(session_key).get("_auth_user_id"))
    finally:
        connection.close()


async def events(request: Request) -> Response:
    """Server-sent events: `?topics=patient:12,desk`. 401 without a signed-in session."""
    origin = request.headers.get("origin", "")
    if origin and not _is_ours(origin, host=request.headers.get("host", "")):
        return PlainTextResponse("This page is not ours.\n", status_code=403)
    key = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
    if not key or not await _signed_in(key):
        return PlainTextResponse("Sign in first.\n", status_code=401)
    topics = [topic for topic in request.query_params.get("topics", "").split(",") if topic][:MOST_TOPICS]
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if origin:
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }
    return StreamingResponse(_stream(topics, session_key=key), media_type="text/event-stream", headers=headers)


def _is_ours(origin: str, *, host: str) -> bool:
    if origin in {settings.LIAISON_PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS}:
        return True
    return settings.LIAISON_MODE != "production" and urlsplit(origin).hostname == host.split(":", maxsplit=1)[0]


async def _stream(topics: list[str], *, session_key: str = "") -> AsyncIterator[str]:
    """Pass on what is told; ends soon after the session does."""
    checked = time.monotonic()
    async with hub.following(topics) as queue:
        yield "retry: 2000\n\n"
        while True:
            if time.monotonic() - checked > KEEP_ALIVE_SECONDS:
                checked = time.monotonic()
                if not await _signed_in(session_key):
                    return
            try:
                told = await asyncio.wait_for(queue.get(), timeout=KEEP_ALIVE_SECONDS)
                yield f"event: live\ndata: {told}\n\n"
            except TimeoutError:
                yield ": still here\n\n"


async def healthz(request: Request) -> Response:
    """200 as long as this process answers."""
    del request
    return PlainTextResponse("alive\n")


@asynccontextmanager
async def _life(_app: Starlette) -> AsyncIterator[None]:
    listening = asyncio.create_task(listen())
    try:
        yield
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


application = Starlette(routes=[Route("/events", events), Route("/healthz", healthz)], lifespan=_life)
