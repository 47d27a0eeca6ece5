"""Every line and branch of rules, actions and access is tested; 90 % of every package's rest.

Uses the data that `make test` left, or runs the tests when there is none or the code is newer.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".coverage"
EXACT = re.compile(r"^src/liaison/[^/]+/(rules|actions|access)(\.py|/)")
REST_PERCENT = 90.0


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


def main() -> int:
    """Tell which gates are not passed; returns the exit status."""
    if _is_missing_or_old() and not _run_tests():
        return 1
    failures = 0
    rest: dict[str, Sum] = defaultdict(Sum)
    for name, file in sorted(_report().items()):
        if EXACT.match(name):
            failures += _tell_exact(name, file)
        else:
            rest[name.split("/")[2]].add(file["summary"])
    for package, total in sorted(rest.items()):
        if total.percent < REST_PERCENT:
            print(f"{package}: {total.percent:.1f} % of lines and branches, {REST_PERCENT:.0f} % are needed")
            failures += 1
    return 1 if failures else 0


def _tell_exact(name: str, file: dict[str, Any]) -> int:
    lines = file["missing_lines"]
    branches = [f"{a}→{b}" for a, b in file.get("missing_branches", []) if a not in lines]
    if not lines and not branches:
        return 0
    print(f"{name}: 100 % needed; never run: {', '.join([*map(str, lines), *branches])}")
    return 1


def _report() -> dict[str, Any]:
    command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", "-"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"coverage could not report: {done.stdout}{done.stderr}")
    files: dict[str, Any] = json.loads(done.stdout)["files"]
    return files


def _is_missing_or_old() -> bool:
    if not DATA.exists():
        return True
    newest = max(path.stat().st_mtime for path in (ROOT / "src").rglob("*.py"))
    return DATA.stat().st_mtime < newest


def _run_tests() -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--cov", "--cov-report="]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"The tests fail, so nothing can be said about coverage:\n{done.stdout[-4000:]}")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
