"""Whether the audit trail is sealed at all, and at whose time its entries stand."""

from __future__ import annotations

import logging
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from liaison.core.actor import system_actor
from liaison.core.audit import SEAL_LOCK, record, seal_entries, unsealed_since, verify_chain
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.tests.test_act import _tamper

LIAISON = system_actor("trial")

pytestmark = pytest.mark.django_db


def _grown_older(seconds: int) -> None:
    _tamper(f"UPDATE core_auditentry SET recorded_at = recorded_at - interval '{seconds} seconds'")


def test_an_entry_that_waits_for_its_seal_for_more_than_a_minute_is_told() -> None:
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


def test_who_holds_the_lock_of_the_sealer_shows_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    record(LIAISON, "trial.mend")
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as somebody:
        somebody.execute("SELECT pg_advisory_lock(%s)", [SEAL_LOCK])
        with caplog.at_level(logging.WARNING, logger="liaison.core.audit"):
            assert seal_entries() == 0
    assert [line.getMessage() for line in caplog.records] == ["audit.sealing_locked"]


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
