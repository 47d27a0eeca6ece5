"""The events process: only a signed-in session of our own page hears announcements."""

import asyncio
import json
import time

from django.conf import settings

from liaison.core.events_process import REMEMBERED_SECONDS, Hub, _is_ours


def test_a_page_hears_its_topics_and_no_others() -> None:
    async def story() -> list[str]:
        hub = Hub()
        async with hub.following(["loop:7", "desk"]) as queue:
            hub.tell(topic="loop:7", what="taken")
            hub.tell(topic="loop:8", what="taken")
            hub.tell_all("reconnected")
            heard = [json.loads(queue.get_nowait()) for _ in range(queue.qsize())]
        assert not hub.listeners
        return [f"{told['topic']} {told['what']}" for told in heard]

    assert asyncio.run(story()) == ["loop:7 taken", "loop:7 reconnected", "desk reconnected"]


def test_a_page_that_follows_less_from_now_on_hears_less() -> None:
    async def story() -> list[str]:
        hub = Hub()
        async with hub.following(["loop:7", "desk"]) as queue, hub.following(["loop:7"]) as other:
            hub.follow(queue, ["desk", "loop:9"])
            for topic in ("loop:7", "desk", "loop:9"):
                hub.tell(topic=topic, what="taken")
            assert other.qsize() == 1
            heard = [json.loads(queue.get_nowait())["topic"] for _ in range(queue.qsize())]
        assert not hub.listeners
        return heard

    assert asyncio.run(story()) == ["desk", "loop:9"]


def test_a_page_that_does_not_keep_up_holds_nobody_back() -> None:
    async def story() -> int:
        hub = Hub()
        async with hub.following(["desk"]) as queue:
            for _ in range(1000):
                hub.tell(topic="desk", what="changed")
            return queue.qsize()

    assert asyncio.run(story()) == 200


def test_a_page_that_missed_something_fetches_everything_again_once_there_is_room() -> None:
    async def story() -> tuple[list[str], list[str]]:
        hub = Hub()
        async with hub.following(["desk", "loop:7"]) as queue:
            hub.catch_up(queue)
            for _ in range(201):
                hub.tell(topic="desk", what="changed")
            queue.get_nowait()
            hub.catch_up(queue)
            waiting = queue.qsize()
            queue.get_nowait()
            hub.catch_up(queue)
            hub.catch_up(queue)
            rest = [json.loads(queue.get_nowait()) for _ in range(queue.qsize())]
        assert (waiting, len(rest), hub.behind) == (199, 200, set())
        return [told["what"] for told in rest[:-2]], [f"{told['topic']} {told['what']}" for told in rest[-2:]]

    first, last = asyncio.run(story())
    assert set(first) == {"changed"}
    assert sorted(last) == ["desk reconnected", "loop:7 reconnected"]


def test_a_page_that_was_closed_while_it_was_behind_is_forgotten() -> None:
    async def story() -> None:
        hub = Hub()
        async with hub.following(["desk"]):
            for _ in range(201):
                hub.tell(topic="desk", what="changed")
            assert hub.behind
        assert not hub.behind

    asyncio.run(story())


def test_a_page_hears_what_was_announced_while_it_was_on_its_way() -> None:
    async def story() -> list[list[str]]:
        hub = Hub()
        hub.tell(topic="desk", what="changed")
        asked_at = time.monotonic()
        for topic in ("loop:7", "loop:8", "loop:7"):
            hub.tell(topic=topic, what="taken")
        heard = []
        for since in (asked_at, None, time.monotonic()):
            async with hub.following(["loop:7", "desk"], since=since) as queue:
                heard.append([queue.get_nowait() for _ in range(queue.qsize())])
        return heard

    assert asyncio.run(story()) == [[json.dumps({"topic": "loop:7", "what": "missed"})], [], []]


def test_what_was_announced_longer_than_a_minute_ago_is_forgotten() -> None:
    hub = Hub()
    hub.lately.append((time.monotonic() - REMEMBERED_SECONDS - 1, "desk"))
    hub.tell(topic="loop:7", what="taken")
    assert [topic for _, topic in hub.lately] == ["loop:7"]


def test_only_our_own_pages_may_listen() -> None:
    assert _is_ours(settings.LIAISON_PUBLIC_URL, host="127.0.0.1:8001")
    assert _is_ours("http://127.0.0.1:8000", host="127.0.0.1:8001")
    assert not _is_ours("https://elsewhere.example", host="127.0.0.1:8001")
