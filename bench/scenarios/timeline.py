"""A patient's page and timeline over HTTP, while what happened to the patient becomes more."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.browser import Browser, web_server
from bench.harness import NOW, Result, Scenario, fresh_database, measure, percentiles
from bench.scenarios.importing import write_bundle

REQUESTS = 60
EACH_VISIT = 10
RARE = "xylophone"
"""A word that nothing says: to find none, all of it is read."""


def run(sizes: Sequence[int], say: Callable[[str], None]) -> list[Result]:
    """Measure the whole page, one kind of entries, a word that many entries say, and one that none says."""
    results: list[Result] = []
    with fresh_database():
        from bench.crowd import hire
        from liaison.core.actor import system_actor
        from liaison.patients.models import Patient
        from liaison.records.actions import import_files

        staff = hire()
        folder = Path(os.environ["LIAISON_DATA"]) / "bundles"
        folder.mkdir()
        with web_server() as port:
            for number, size in enumerate(sizes, start=1):
                say(f"one patient with about {size:,} entries …")
                path = write_bundle(folder, number, visits=max(1, size // EACH_VISIT))
                import_files(system_actor("bench"), paths=[path], now=NOW)
                patient = Patient.objects.latest("pk").pk
                browser = Browser(port, user_id=staff.rosa_id)
                for name, ask in (
                    ("page", ""), ("timeline, results", "kind=results"), ("timeline, a common word", "q=glucose"),
                    ("timeline, a word that none says", f"q={RARE}"),
                ):  # fmt: skip
                    path_of = f"/patients/{patient}/timeline/?{ask}" if ask else f"/patients/{patient}/"
                    headers = {"HX-Request": "true"} if ask else {}
                    taken = measure(lambda path_of=path_of, h=headers, b=browser: b.get(path_of, **h), times=REQUESTS)
                    results += percentiles(name, taken, size=size)
    return results


SCENARIO = Scenario(name="timeline", sizes=(500, 5_000, 50_000), counts="entries", run=run)
