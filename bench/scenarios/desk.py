"""The first page of the desk over HTTP, while patients with ten open loops each become more."""

from collections.abc import Callable, Sequence

from bench.browser import Browser, web_server
from bench.crowd import add_patients, hire
from bench.harness import Result, Scenario, fresh_database, measure, percentiles

REQUESTS = 100
PAGES = (("desk, as it opens", "/"), ("desk, mine alone", "/?tab=mine"), ("desk, all of the site", "/?tab=all"))


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """Measure Rosa's desk as it opens (hers and her teams'), her own alone, and the desk of her whole site."""
    results: list[Result] = []
    with fresh_database() as cluster:
        staff = hire()
        have = 1
        with web_server() as port:
            for size in sizes:
                say(f"{size:,} patients with ten loops each …")
                add_patients(cluster.url, staff=staff, first=have, last=size + 1, with_loops=True)
                have = size + 1
                # A connection of its own: the server closes one that stood idle while the patients were made.
                browser = Browser(port, user_id=staff.rosa_id)
                for name, path in PAGES:
                    taken = measure(lambda path=path, browser=browser: browser.get(path), times=REQUESTS)
                    results += percentiles(name, taken, size=size)
    return results


SCENARIO = Scenario(name="desk", sizes=(1_000, 10_000, 100_000), counts="patients", run=run)
