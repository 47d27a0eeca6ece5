"""Run every check; print one line for each, what a failing one said, and how to mend it.

`python -m tools.check [NAME …]` runs all or the named ones. Exit status 1 if any fails.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: its name, the command that runs it, what to do when it fails."""

    name: str
    command: tuple[str, ...]
    remedy: str


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


CHECKS = (
    Check(
        name="types",
        command=_python("-m", "mypy"),
        remedy="Say the types; for a library without types see [tool.mypy] in pyproject.toml.",
    ),
    Check(
        name="layers",
        command=(str(Path(sys.executable).with_name("lint-imports")), "--no-cache"),
        remedy="Calls go down, facts go up: move the code, or publish a fact and react to it above.",
    ),
    Check(name="style", command=_python("-m", "ruff", "check", "."), remedy="`make format` mends most of it."),
    Check(
        name="layout of code",
        command=_python("-m", "ruff", "format", "--check", "--quiet", "."),
        remedy="`make format`",
    ),
    Check(
        name="lengths",
        command=_python("-m", "tools.lengths"),
        remedy="Split it along its ideas, or list it in tools/lengths.txt with the reason.",
    ),
    Check(
        name="local dates",
        command=_python("-m", "tools.local_dates"),
        remedy="Say where: now.astimezone(zone).date(), or patient.day_at(now).",
    ),
    Check(
        name="views ask",
        command=_python("-m", "tools.views_ask"),
        remedy="Move the question to the package's queries; read the clock once, in the view that the address names.",
    ),
    Check(
        name="codes decide",
        command=_python("-m", "tools.codes_decide"),
        remedy="Put a code beside the words (a column, an enum), and ask that.",
    ),
    Check(
        name="migrations",
        command=_python("-W", "ignore", "-m", "liaison.console.manage", "makemigrations", "--check", "--dry-run"),
        remedy="python -m liaison.console.manage makemigrations APP -n in_words",
    ),
    Check(
        name="generated pages",
        command=_python("-m", "liaison.console.generated", "--check"),
        remedy="`make docs`, then look at what changed and commit it.",
    ),
    Check(
        name="coverage",
        command=_python("-m", "tools.coverage_gates"),
        remedy="Write the test that is missing; `coverage html` shows which line it is.",
    ),
)


def main(names: list[str]) -> int:
    """Run the checks and tell; returns the exit status."""
    wanted = [check for check in CHECKS if not names or check.name in names]
    unknown = set(names) - {check.name for check in CHECKS}
    if unknown:
        print(f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(c.name for c in CHECKS)}.")
        return 2
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        passed = list(pool.map(_run, wanted))
    print(f"{passed.count(True)} of {len(passed)} checks passed.")
    return 0 if all(passed) else 1


def _run(check: Check) -> bool:
    started = time.monotonic()
    environment = os.environ | {"LIAISON_MODE": "test", "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    done = subprocess.run(check.command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    passed = done.returncode == 0
    lines = [f"{'passed' if passed else 'FAILED'}  {check.name} ({time.monotonic() - started:.1f} s)"]
    if not passed:
        lines += [*(done.stdout + done.stderr).rstrip().splitlines(), f"  → {check.remedy}"]
    print("\n".join(lines), flush=True)
    return passed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
