"""What every benchmark stands on: a server of its own, the clock, percentiles, and how results are shown."""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from liaison.console.postgres import Cluster

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""A Monday morning in New York: the moment at which every benchmark plays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured figure, at one size of the benchmark."""

    metric: str
    value: float
    unit: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One benchmark: what it measures, its default sizes and what a size counts, and the function that runs it."""

    name: str
    sizes: tuple[int, ...]
    counts: str
    run: Callable[[Sequence[int], Callable[[str], None]], list[Result]]


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count() or 1,
        "memory_gb": round(memory / 2**30),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


@contextmanager
def fresh_database() -> Iterator[Cluster]:
    """A durable server with a migrated, empty database; Django talks to it. It is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="liaison-bench-"))
    folder.chmod(0o755)  # the server may run under another account
    cluster = Cluster(folder / "postgres", throw_away=True, durable=True)
    try:
        cluster.start()
        offset = int((NOW - datetime.now(UTC)).total_seconds())  # noqa: TID251 - start-up
        os.environ |= {
            "DATABASE_URL": cluster.url,
            "LIAISON_MODE": "demo",
            "LIAISON_DATA": str(folder),
            "LIAISON_CLOCK_OFFSET": str(offset),
            "LIAISON_LOG_LEVEL": "ERROR",
        }
        from liaison.console.schema import disconnect, migrate
        from liaison.console.settings import load_settings

        load_settings()
        migrate()
        yield cluster
        disconnect()
    finally:
        cluster.destroy()
        shutil.rmtree(folder, ignore_errors=True)


def measure(action: Callable[[], object], *, times: int, warm_up: int = 5) -> list[float]:
    """Milliseconds that each of `times` calls took, one after the other."""
    for _ in range(warm_up):
        action()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def percentiles(name: str, taken: Sequence[float], *, size: int) -> list[Result]:
    """The 50th and 95th percentile of these milliseconds."""
    ordered = sorted(taken)
    return [
        Result(metric=f"{name} p{share}", value=round(ordered[index], 2), unit="ms", size=size)
        for share, index in ((50, len(ordered) // 2), (95, min(len(ordered) - 1, int(len(ordered) * 0.95))))
    ]
