"""The heads of the chain outside the database: what was cut off its end shows."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from liaison.core.actor import system_actor
from liaison.core.audit import accept_head, record, seal_entries, verify_chain
from liaison.core.heads import Head, Heads, our_heads
from liaison.core.models import AuditSeal
from liaison.core.tests.test_act import _tamper

LIAISON = system_actor("trial")
AT = datetime(2026, 11, 23, 15, tzinfo=UTC)


def _seal(times: int) -> list[int]:
    for _ in range(times):
        record(LIAISON, "trial.mend")
        assert seal_entries() == 1
    return list(AuditSeal.objects.order_by("id").values_list("pk", flat=True))


def _cut_off(seal: int) -> None:
    _tamper(f"DELETE FROM core_auditentry WHERE seal_id >= {seal}")
    _tamper(f"DELETE FROM core_auditseal WHERE id >= {seal}")


@pytest.mark.django_db
def test_each_seal_leaves_a_line_outside_the_database() -> None:
    seals = _seal(2)
    kept = list(our_heads().recorded())
    assert [head.seal for head in kept] == seals
    assert kept[-1].hash == verify_chain().head
    assert (kept[-1].entries, kept[-1].accepted) == (1, False)
    assert verify_chain().compared == 2
    (path,) = our_heads().folder.iterdir()
    assert path.name == f"audit-heads-liaison-{kept[-1].at:%Y-%m}.ndjson"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_cutting_off_the_newest_end_shows_and_goes_on_showing_when_new_seals_follow() -> None:
    seals = _seal(4)
    _cut_off(seals[2])
    cut = verify_chain()
    assert (cut.seals, cut.missing and cut.missing.seal) == (2, seals[2])
    assert f"Seal {seals[2]} was recorded outside the database" in cut.problem
    _seal(2)
    assert f"Seal {seals[2]} was recorded outside the database" in verify_chain().problem


@pytest.mark.django_db
def test_a_chain_that_was_made_anew_with_the_key_shows() -> None:
    (seal,) = _seal(1)
    other = replace(next(our_heads().recorded()), hash="0" * 64)
    our_heads().keep(other)
    found = verify_chain()
    assert found.missing == other
    assert f"Seal {seal} was" in found.problem


@pytest.mark.django_db
def test_a_break_after_a_seal_that_holds_is_a_changed_entry_since_the_key_was_right() -> None:
    seals = _seal(2)
    _tamper(f"UPDATE core_auditentry SET reason = 'x' WHERE seal_id = {seals[1]}")
    assert verify_chain().problem == f"An entry under seal {seals[1]} was changed."


@pytest.mark.django_db
def test_with_another_key_the_first_seal_differs_and_says_so(settings) -> None:
    _seal(2)
    settings.LIAISON_AUDIT_KEY = "another"
    assert "or LIAISON_AUDIT_KEY is not the one that it was sealed with" in verify_chain().problem


@pytest.mark.django_db
def test_a_break_inside_is_told_before_anything_that_is_missing_at_the_end() -> None:
    seals = _seal(3)
    _cut_off(seals[2])
    _tamper(f"UPDATE core_auditentry SET reason = 'x' WHERE seal_id = {seals[0]}")
    found = verify_chain()
    assert found.missing is None
    assert found.problem == (
        f"An entry under seal {seals[0]} was changed, or LIAISON_AUDIT_KEY is not the one that it was sealed with."
    )


@pytest.mark.django_db
def test_what_was_recorded_before_an_accepted_head_counts_no_longer_and_what_comes_after_does() -> None:
    seals = _seal(3)
    _cut_off(seals[2])
    accept_head()
    assert (verify_chain().problem, verify_chain().compared) == ("", 1)
    later = _seal(2)
    assert verify_chain().compared == 3
    _cut_off(later[-1])
    assert f"Seal {later[-1]} was" in verify_chain().problem


@pytest.mark.django_db
def test_an_empty_chain_has_no_head_to_accept() -> None:
    accept_head()
    assert list(our_heads().recorded()) == []
    assert (verify_chain().problem, verify_chain().compared) == ("", 0)


@pytest.mark.django_db
def test_sealing_goes_on_where_heads_can_not_be_kept_and_the_log_says_so(
    settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LIAISON_AUDIT_HEADS = tmp_path / "a file"
    settings.LIAISON_AUDIT_HEADS.write_text("no folder")
    with caplog.at_level(logging.ERROR):
        _seal(1)
    assert [entry.getMessage() for entry in caplog.records] == ["audit.head_not_kept"]


@pytest.mark.django_db
def test_the_log_holds_each_head_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="liaison.core.audit"):
        (seal,) = _seal(1)
    (line,) = [entry for entry in caplog.records if entry.getMessage() == "audit.sealed"]
    assert (line.seal, line.hash) == (seal, verify_chain().head)  # type: ignore[attr-defined]  # put there by the log call


@pytest.mark.django_db
def test_a_seal_whose_time_was_changed_shows_and_can_not_be_accepted_as_a_restore() -> None:
    seals = _seal(2)
    _tamper(f"UPDATE core_auditseal SET sealed_at = sealed_at - interval '2 days' WHERE id = {seals[0]}")
    found = verify_chain()
    assert found.missing is None
    assert found.problem.startswith(f"The time of seal {seals[0]} was changed: it was recorded outside the database on")


def test_an_unfinished_line_is_passed_over_and_the_next_one_stands_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heads = Heads(folder=tmp_path, schema="elm")
    first, second = (Head(seal=pk, hash=str(pk) * 64, entries=1, at=AT) for pk in (1, 2))
    heads.keep(first)
    path = tmp_path / "audit-heads-elm-2026-11.ndjson"
    path.write_text(path.read_text() + '{"seal": 7, "ha')
    heads.keep(second)
    path.write_text(path.read_text() + json.dumps({"seal": 8}) + "\n\n[]\n")
    with caplog.at_level(logging.WARNING):
        assert list(heads.recorded()) == [first, second]
    assert [entry.line for entry in caplog.records] == [2, 4, 6]  # type: ignore[attr-defined]  # put there by the log call


def test_heads_of_another_organization_and_of_other_months_are_told_apart(tmp_path: Path) -> None:
    ours, theirs = Heads(folder=tmp_path, schema="elm"), Heads(folder=tmp_path, schema="elm-west")
    older = Head(seal=1, hash="a", entries=1, at=AT.replace(year=2025))
    newer = Head(seal=2, hash="b", entries=1, at=AT)
    theirs.keep(newer)
    ours.keep(newer)
    ours.keep(older)
    assert list(ours.recorded()) == [older, newer]
    assert list(theirs.recorded()) == [newer]
    assert list(Heads(folder=tmp_path / "nowhere", schema="elm").recorded()) == []
