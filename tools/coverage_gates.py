"""Every line and branch of rules, actions and access is tested; 90 % of every package's rest.

Uses the data that `make test` left where it proves something: a run of all the tests that passed, begun after the last
change of code and tests. Else it runs the tests.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parents[1]
DATA = ".coverage"
RUN = ".coverage-run"
"""How the run ended that left the data; `conftest.py` writes it beside them."""

NARROWS: Final = (
    "collectonly", "deselect", "ignore", "ignore_glob", "keyword", "lf", "markexpr", "stepwise",
)  # fmt: skip
"""pytest's options with which it runs a part of the tests, or none."""

EXACT = re.compile(r"^src/liaison/[^/]+/(rules|actions|access)(\.py|/)")
REST_PERCENT = 90.0
KINDS: Final = ("*.py", "*.html", "*.json", "*.sql", "*.toml", "*.txt")


@dataclass(slots=True)
class Sum:
    """Lines and branches: how many there are, how many ran."""

    there: int = 0
    ran: int = 0

    def add(self, summary: dict[str, Any]) -> None:
        """Add one file's summary as coverage.py reports it."""
        self.there += summary["num_statements"] + summary.get("num_branches", 0)
        self.ran += summary["covered_lines"] + summary.get("covered_branches", 0)

    @property
    def percent(self) -> float:
        """Nothing to run counts as all of it run."""
        return 100.0 * self.ran / self.there if self.there else 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of the tests that measured: when it began (seconds of the epoch), whether of all tests, and all passed."""

    began: float
    whole: bool
    passed: bool


def main() -> int:
    """Tell which gates are not passed; returns the exit status."""
    if not is_proven(ROOT) and not _run_tests():
        return 1
    found = list(faults(_report()))
    for fault in found:
        print(fault)
    return 1 if found else 0


def faults(report: Mapping[str, Any]) -> Iterator[str]:
    """What is not tested enough: `report` is coverage.py's, by the path of a file."""
    rest: dict[str, Sum] = defaultdict(Sum)
    for name, file in sorted(report.items()):
        if EXACT.match(name):
            yield from _never_run(name, file)
        else:
            rest[name.split("/")[2]].add(file["summary"])
    for package, total in sorted(rest.items()):
        if total.percent < REST_PERCENT:
            yield f"{package}: {total.percent:.1f} % of lines and branches, {REST_PERCENT:.0f} % are needed"


def _never_run(name: str, file: dict[str, Any]) -> Iterator[str]:
    lines = file["missing_lines"]
    branches = [f"{a}→{b}" for a, b in file.get("missing_branches", []) if a not in lines]
    if lines or branches:
        yield f"{name}: 100 % needed; never run: {', '.join([*map(str, lines), *branches])}"


def is_whole(*, everywhere: bool, options: Mapping[str, object]) -> bool:
    """Whether pytest runs all tests: `everywhere` where no path was named, `options` those of `NARROWS`."""
    return everywhere and not any(options.get(name) for name in NARROWS)


def keep_run(run: Run, *, root: Path = ROOT) -> None:
    """Say beside the data how the run ended."""
    (root / RUN).write_text(json.dumps(asdict(run)), encoding="utf-8")


def forget_run(*, root: Path = ROOT) -> None:
    """A run begins: what an earlier one proved counts no more, however this one ends."""
    (root / RUN).unlink(missing_ok=True)


def is_proven(root: Path) -> bool:
    """Whether the data of this clone are of a whole run that passed, begun after the last change."""
    if not (root / DATA).exists() or not (root / RUN).exists():
        return False
    run = Run(**json.loads((root / RUN).read_text(encoding="utf-8")))
    return run.whole and run.passed and _last_change(root) < run.began


def _last_change(root: Path) -> float:
    """When code or tests were changed last: Python, templates and data beside them, and what sets both up."""
    found = [root / name for name in ("conftest.py", "pyproject.toml")]
    found += [path for folder in ("src", "tests") for kind in KINDS for path in (root / folder).rglob(kind)]
    return max(path.stat().st_mtime for path in found if "dist" not in path.parts)


def _report() -> dict[str, Any]:
    command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", "-"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"coverage could not report: {done.stdout}{done.stderr}")
    files: dict[str, Any] = json.loads(done.stdout)["files"]
    return files


def _run_tests() -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--cov", "--cov-report="]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"The tests fail, so nothing can be said about coverage:\n{done.stdout[-4000:]}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
