"""The gate of coverage: what is not tested enough, and which data prove anything."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tools.coverage_gates import DATA, Run, faults, forget_run, is_proven, is_whole, keep_run

BEGAN = 1_000_000.0
PASSED = Run(began=BEGAN, whole=True, passed=True)
FILES = ("conftest.py", "pyproject.toml", "src/liaison/loops/rules.py", "tests/test_one.py", DATA)


def file(*, there: int, ran: int, lines: tuple[int, ...] = (), branches: tuple[tuple[int, int], ...] = ()) -> object:
    return {
        "summary": {"num_statements": there, "covered_lines": ran},
        "missing_lines": list(lines),
        "missing_branches": [list(one) for one in branches],
    }


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Code and tests that were changed before the run that left data and passed."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
        os.utime(tmp_path / name, (BEGAN - 60, BEGAN - 60))
    keep_run(PASSED, root=tmp_path)
    return tmp_path


def test_a_rule_with_a_line_or_a_branch_that_never_ran_fails() -> None:
    rules = file(there=10, ran=9, lines=(4,), branches=((4, 5), (7, 9)))
    assert list(faults({"src/liaison/loops/rules.py": rules})) == [
        "src/liaison/loops/rules.py: 100 % needed; never run: 4, 7→9"
    ]
    assert list(faults({"src/liaison/loops/actions/undo.py": file(there=3, ran=3, branches=((1, 2),))}))


def test_the_rest_of_a_package_fails_below_its_percent() -> None:
    views = {"src/liaison/desk/views.py": file(there=100, ran=80), "src/liaison/desk/jobs.py": file(there=100, ran=99)}
    assert list(faults(views)) == ["desk: 89.5 % of lines and branches, 90 % are needed"]


def test_what_is_tested_enough_passes() -> None:
    rules, views = file(there=5, ran=5), file(there=10, ran=9, lines=(3,))
    assert list(faults({"src/liaison/loops/rules.py": rules, "src/liaison/desk/views.py": views})) == []


def test_data_of_a_whole_run_that_passed_after_the_last_change_prove_it(clone: Path) -> None:
    assert is_proven(clone)


@pytest.mark.parametrize("name", [name for name in FILES if name != DATA])
def test_code_or_a_test_that_changed_since_the_run_began_makes_them_old(clone: Path, name: str) -> None:
    os.utime(clone / name, (BEGAN + 1, BEGAN + 1))
    assert not is_proven(clone)


@pytest.mark.parametrize("run", [replace(PASSED, whole=False), replace(PASSED, passed=False)])
def test_a_part_of_the_tests_and_a_run_that_failed_prove_nothing(clone: Path, run: Run) -> None:
    keep_run(run, root=clone)
    assert not is_proven(clone)


def test_data_without_a_run_and_a_run_without_data_prove_nothing(clone: Path) -> None:
    (clone / DATA).unlink()
    assert not is_proven(clone)
    (clone / DATA).touch()
    forget_run(root=clone)
    forget_run(root=clone)
    assert not is_proven(clone)


@pytest.mark.parametrize("narrowed", [{"keyword": "snooze"}, {"markexpr": "not journey"}, {"deselect": ["x"]}])
def test_a_run_is_whole_only_without_what_narrows_it(narrowed: dict[str, object]) -> None:
    assert is_whole(everywhere=True, options={"keyword": "", "markexpr": "", "deselect": None, "lf": False})
    assert not is_whole(everywhere=False, options={})
    assert not is_whole(everywhere=True, options=narrowed)
