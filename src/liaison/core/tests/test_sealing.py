"""Whether the audit trail is sealed at all, and at whose time its entries stand."""

from __future__ import annotations

import logging
import os
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.db.models.functions import Now
from django.test import Client

from liaison.core.actor import system_actor
from liaison.core.audit import LOCK_SEALS, record, seal_entries, unsealed_since, verify_chain
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.serving import name_connections, names_of
from liaison.core.tests.test_act import _tamper

LIAISON = system_actor("trial")

pytestmark = pytest.mark.django_db


def _grown_older(seconds: int) -> None:
    _tamper(f"UPDATE core_auditentry SET recorded_at = recorded_at - interval '{seconds} seconds'")


def _worker_heard(seconds_ago: int) -> None:
    with writes_open(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))",
            [seconds_ago],
        )


def test_an_entry_that_waits_for_its_seal_for_more_than_a_minute_is_told() -> None:
    _worker_heard(5)
    record(LIAISON, "trial.mend")
    _grown_older(50)
    assert (unsealed_since(), verify_chain().stalled) == (None, "")
    _grown_older(20)
    found = verify_chain()
    assert (found.problem, found.unsealed) == ("", 1)
    assert f"have waited for their seal since {AuditEntry.objects.get().recorded_at:%Y-%m-%d at %H:%M:%S} UTC" in (
        found.stalled
    )
    seal_entries()
    assert verify_chain().stalled == ""


def test_the_last_entries_of_a_clinic_that_was_stopped_are_no_break() -> None:
    record(LIAISON, "trial.mend")
    _grown_older(30)
    record(LIAISON, "trial.mend")
    assert not verify_chain().resting
    _grown_older(300)
    for heard in (None, 90):
        if heard is not None:
            _worker_heard(heard)
        found = verify_chain()
        assert (found.resting, found.stalled, found.problem, found.unsealed) == (True, "", "", 2)
    _worker_heard(5)
    found = verify_chain()
    assert (found.resting, found.stalled != "") == (False, True)


@pytest.mark.parametrize(("name", "resting"), [("worker", False), ("web", False), ("events", False), ("psql", True)])
def test_a_worker_that_hangs_is_no_clinic_that_was_stopped(name: str, resting: bool) -> None:
    record(LIAISON, "trial.mend")
    _grown_older(300)
    _worker_heard(300)
    named = {**connection.get_connection_params(), "application_name": f"liaison {name} {settings.LIAISON_SCHEMA}"}
    with psycopg.connect(**named):
        found = verify_chain()
    assert (found.resting, found.stalled == "") == (resting, resting)


def test_a_process_names_its_connections_after_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGAPPNAME", "")
    monkeypatch.setenv("LIAISON_SCHEMA", "other_clinic")
    name_connections("web")
    assert os.environ["PGAPPNAME"] in names_of("other_clinic")
    assert os.environ["PGAPPNAME"] not in names_of("liaison")


def test_a_clinic_that_goes_on_without_a_worker_is_told() -> None:
    record(LIAISON, "trial.mend")
    _grown_older(70)
    record(LIAISON, "trial.mend")
    found = verify_chain()
    assert (found.resting, found.stalled != "") == (False, True)


def test_another_sealer_shows_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    record(LIAISON, "trial.mend")
    with psycopg.connect(**connection.get_connection_params()) as somebody:
        somebody.execute(LOCK_SEALS)
        with caplog.at_level(logging.WARNING, logger="liaison.core.audit"):
            assert seal_entries() == 0
    assert [line.getMessage() for line in caplog.records] == ["audit.sealing_locked"]
    assert seal_entries() == 1


def test_whoever_may_not_write_the_trail_keeps_nobody_from_sealing_it() -> None:
    record(LIAISON, "trial.mend")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE sealing_stranger")
        cursor.execute("GRANT USAGE ON SCHEMA liaison TO sealing_stranger")
        cursor.execute("GRANT SELECT ON core_auditseal TO sealing_stranger")
        cursor.execute("SET LOCAL ROLE sealing_stranger")
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(LOCK_SEALS)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert seal_entries() == 1


def test_nobody_dates_an_entry() -> None:
    with writes_open():
        AuditEntry.objects.create(
            recorded_at=Now() - timedelta(days=30), actor_name="Rosa", verb="trial.mend", outcome="done"
        )
    assert AuditEntry.objects.filter(recorded_at__gt=Now() - timedelta(minutes=1)).count() == 1


def test_whoever_watches_the_process_learns_that_nothing_is_sealed(client: Client) -> None:
    record(LIAISON, "trial.mend")
    _grown_older(70)
    answer = client.get("/readyz")
    at = AuditEntry.objects.earliest("id").recorded_at
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "audit": f"not sealed since {at.isoformat()}"})
