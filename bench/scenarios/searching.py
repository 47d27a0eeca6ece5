"""Finding a patient by name, with slips and accents, birth date, number and phone, while patients become more."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from urllib.parse import quote

from bench.browser import Browser, web_server
from bench.crowd import add_patients, hire, person_number
from bench.harness import NOW, Result, Scenario, fresh_database, measure, percentiles

SEARCHES = 140


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """Measure the search as the pages call it, by what is typed and all together, and the palette over HTTP."""
    results: list[Result] = []
    with fresh_database() as cluster:
        from liaison.accounts.models import User
        from liaison.accounts.queries import actor_of
        from liaison.patients.queries import search

        staff, have = hire(), 1
        rosa = actor_of(User.objects.get(pk=staff.rosa_id), now=NOW)
        with web_server() as port:
            for size in sizes:
                say(f"{size:,} patients …")
                add_patients(cluster.url, staff=staff, first=have, last=size + 1, with_loops=False)
                have = size + 1
                browser = Browser(port, user_id=staff.rosa_id)
                everything: list[float] = []
                over_http: list[float] = []
                for name, typed in _typed(size):
                    texts = itertools.cycle([next(typed) for _ in range(SEARCHES // 7)])
                    taken = measure(lambda texts=texts: search(rosa, text=next(texts), now=NOW), times=SEARCHES // 7)
                    everything += taken
                    results += percentiles(f"search by {name}", taken, size=size)[1:]
                    over_http += measure(
                        lambda texts=texts, browser=browser: browser.get(f"/palette/?q={quote(next(texts))}"),
                        times=SEARCHES // 7,
                    )
                results += percentiles("search, all kinds", everything, size=size)
                results += percentiles("palette over HTTP, all kinds", over_http, size=size)
    return results


def _typed(size: int) -> Iterator[tuple[str, Iterator[str]]]:
    draw = random.Random(size)

    def someone() -> Iterator[tuple[int, str, str, date]]:
        while True:
            n = draw.randrange(1, size + 1)
            yield (n, *person_number(n))

    yield "whole name", (f"{given} {family}" for _, given, family, _ in someone())
    yield "family name first", (f"{family} {given}" for _, given, family, _ in someone())
    yield "beginnings", (f"{given[:3]} {family[:3]}" for _, given, family, _ in someone())
    yield "name with a slip", (f"{given} {_slip(family)}" for _, given, family, _ in someone())
    yield "name and birth date", (f"{family} {born:%m/%d/%Y}" for _, _, family, born in someone())
    yield "record number", (f"MRN{n:08d}" for n, *_ in someone())
    yield "phone", (f"{5_550_000 + n:07d}" for n, *_ in someone())


def _slip(name: str) -> str:
    """Two neighbouring letters exchanged."""
    middle = max(1, len(name) // 2)
    return name[: middle - 1] + name[middle : middle + 1] + name[middle - 1] + name[middle + 1 :]


SCENARIO = Scenario(name="search", sizes=(1_000, 10_000, 100_000), counts="patients", run=run)
