"""The events process: one small ASGI application that passes announcements on to open pages (SSE).

It holds one LISTEN connection and a queue for each open page. A page names the topics that it follows and must carry
a session that stands and is finished signing in. It hears only topics that its reader may follow at that moment
(`core/following.py`), and of them only "topic, word": no content. Both are asked again every twenty seconds: what its
reader may no longer see falls silent, and the stream ends with the session.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connection
from psycopg import sql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from liaison.core.asking import actor_of_session
from liaison.core.clock import current_time
from liaison.core.following import followable
from liaison.core.live import channel

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS: Final = 20
MOST_TOPICS: Final = 60
MOST_WAITING: Final = 200
REMEMBERED_SECONDS: Final = 60
MOST_REMEMBERED: Final = 20_000


class Hub:
    """Who listens to what. A page that can't keep up is told to fetch everything again."""

    def __init__(self) -> None:
        self.listeners: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)
        self.behind: set[asyncio.Queue[str]] = set()
        self.lately: deque[tuple[float, str]] = deque(maxlen=MOST_REMEMBERED)

    def tell(self, *, topic: str, what: str) -> None:
        """Pass one announcement to every page that follows its topic, and remember for a minute that there was one."""
        now = time.monotonic()
        while self.lately and self.lately[0][0] < now - REMEMBERED_SECONDS:
            self.lately.popleft()
        self.lately.append((now, topic))
        for queue in self.listeners.get(topic, ()):
            if queue.full():
                self.behind.add(queue)
            else:
                queue.put_nowait(_told(topic=topic, what=what))

    def catch_up(self, queue: asyncio.Queue[str]) -> None:
        """Tell a page that missed something to fetch all that it follows again, as soon as its queue has room."""
        if queue not in self.behind:
            return
        topics = [topic for topic, queues in self.listeners.items() if queue in queues]
        if MOST_WAITING - queue.qsize() >= len(topics):
            self.behind.discard(queue)
            for topic in topics:
                queue.put_nowait(_told(topic=topic, what="reconnected"))

    def tell_all(self, what: str) -> None:
        """Pass a word to every page, as after a lost database connection."""
        for topic in list(self.listeners):
            self.tell(topic=topic, what=what)

    @asynccontextmanager
    async def following(
        self, topics: Iterable[str], *, since: float | None = None
    ) -> AsyncIterator[asyncio.Queue[str]]:
        """A queue that receives what is announced on `topics`, until `follow` says otherwise.

        It begins with those topics of which something was announced after `since` (by the monotonic clock): a page
        that was written then is not there to hear before it has arrived and asked.
        """
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=MOST_WAITING)
        self.follow(queue, topics)
        if since is not None:
            missed = {topic for at, topic in self.lately if at >= since and queue in self.listeners.get(topic, ())}
            for topic in sorted(missed):
                queue.put_nowait(_told(topic=topic, what="missed"))
        try:
            yield queue
        finally:
            self.follow(queue, ())
            self.behind.discard(queue)

    def follow(self, queue: asyncio.Queue[str], topics: Iterable[str]) -> None:
        """Let `queue` receive what is announced on `topics` and on no others."""
        wanted = dict.fromkeys(topics)
        for topic in [topic for topic, queues in self.listeners.items() if queue in queues and topic not in wanted]:
            self.listeners[topic].discard(queue)
            if not self.listeners[topic]:
                del self.listeners[topic]
        for topic in wanted:
            self.listeners[topic].add(queue)


def _told(*, topic: str, what: str) -> str:
    return json.dumps({"topic": topic, "what": what})


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
def _followed(session_key: str, topics: Sequence[str]) -> tuple[str, ...] | None:
    """Those of `topics` that the reader behind this session may follow now; None when nobody is signed in."""
    close_old_connections()
    try:
        now = current_time()
        reader = actor_of_session(session_key, now=now)
        return None if reader.is_anonymous else followable(reader, topics, now=now)
    finally:
        connection.close()


async def events(request: Request) -> Response:
    """Server-sent events: `?topics=patient:12,desk&since=1789567800.250`. 401 without a signed-in session.

    `since` says in seconds of the epoch from when on the page has heard nothing: what was announced of its topics in
    that time, at most in the last minute, comes first.
    """
    since = time.monotonic() - _silent(request.query_params.get("since", ""))
    origin = request.headers.get("origin", "")
    if origin and not _is_ours(origin, host=request.headers.get("host", "")):
        return PlainTextResponse("This page is not ours.\n", status_code=403)
    key = request.cookies.get(settings.SESSION_COOKIE_NAME, "")
    asked = [topic for topic in request.query_params.get("topics", "").split(",") if topic][:MOST_TOPICS]
    followed = await _followed(key, asked) if key else None
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if origin:  # also on the refusal: without it the page could not tell one from a server that is away
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }
    if followed is None:
        return PlainTextResponse("Sign in first.\n", status_code=401, headers=headers)
    reader = Reader(session_key=key, asked=tuple(asked), every=request.app.state.every, since=since)
    return StreamingResponse(_stream(reader, followed), media_type="text/event-stream", headers=headers)


def _silent(since: str) -> float:
    """For how many seconds a page has heard nothing that says since when; none if it says nothing sensible."""
    try:
        silent = current_time().timestamp() - float(since)
    except ValueError:
        return 0.0
    return min(max(silent, 0.0), REMEMBERED_SECONDS) if math.isfinite(silent) else 0.0


def _is_ours(origin: str, *, host: str) -> bool:
    if origin in {settings.LIAISON_PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS}:
        return True
    return settings.LIAISON_MODE != "production" and urlsplit(origin).hostname == host.split(":", maxsplit=1)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One open page: its session, what it asked to follow, how often (in seconds) both are asked about again, and
    since when (by the monotonic clock) it has heard nothing."""

    session_key: str
    asked: tuple[str, ...]
    every: float
    since: float


async def _stream(reader: Reader, followed: Sequence[str]) -> AsyncIterator[str]:
    """Pass on what is told; what the reader may no longer see falls silent, and the end of the session ends it."""
    check_at = time.monotonic() + reader.every
    async with hub.following(followed, since=reader.since) as queue:
        yield "retry: 2000\n\n"
        while True:
            try:
                told = await asyncio.wait_for(queue.get(), timeout=max(0.0, check_at - time.monotonic()))
                hub.catch_up(queue)
                yield f"event: live\ndata: {told}\n\n"
            except TimeoutError:
                still = await _followed(reader.session_key, reader.asked)
                if still is None:
                    return
                hub.follow(queue, still)
                check_at = time.monotonic() + reader.every
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


def make_application(*, every: float = KEEP_ALIVE_SECONDS) -> Starlette:
    """The ASGI application; `every` so many seconds it asks again who reads and what they may follow."""
    made = Starlette(routes=[Route("/events", events), Route("/healthz", healthz)], lifespan=_life)
    made.state.every = every
    return made


application = make_application()
