"""Emergency access asked for several times at the same moment: a double press, or one ticket sent again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from liaison.core.postgres.guard import writes_open
from liaison.patients import actions
from liaison.patients.models import BreakGlassGrant, Patient
from liaison.patients.tests.cast import Clinic, Registry, open_clinic

PRESSES = 4
WHY = "Collapsed at our front desk, no relatives"


def _press(clinic: Clinic, walter: Patient) -> str:
    """Ask on a connection of its own; "open", or the code of the refusal."""
    try:
        actions.break_the_glass(
            actor=clinic.pat, patient=walter, found_at=clinic.now, reason_code="ETREAT", reason=WHY, now=clinic.now
        )
    except actions.GlassNotNeeded as refusal:
        return refusal.code
    else:
        return "open"
    finally:
        connection.close()


def wait_until_all_wait(running: Sequence[Future[Any]]) -> None:
    """Until each of these waits for a lock. None of them may have ended."""
    with connection.cursor() as cursor:
        while True:
            assert not any(one.done() for one in running)
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees its first look again
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() == (len(running),):
                return


def test_pressing_several_times_opens_one_access_and_giving_it_back_closes_the_chart(transactional_db: None) -> None:
    clinic = open_clinic()
    walter = Registry(clinic=clinic)("Walter", "Ng", birth_on=date(1948, 2, 3))
    with ThreadPoolExecutor(PRESSES) as threads:
        with transaction.atomic(), connection.cursor() as cursor:
            # Nobody may write a grant yet; whoever can look does so now, before the first one stands.
            cursor.execute("LOCK TABLE patients_breakglassgrant IN EXCLUSIVE MODE")
            running = [threads.submit(_press, clinic, walter) for _ in range(PRESSES)]
            wait_until_all_wait(running)
        answers = sorted(one.result() for one in running)
    assert answers == ["open", *["patients.glass_not_needed"] * (PRESSES - 1)]
    grant = BreakGlassGrant.objects.get()
    actions.end_grant(actor=clinic.pat, grant=grant, now=clinic.now + timedelta(microseconds=1))
    assert not walter.reachable_by(replace(clinic.pat))


def test_giving_back_closes_every_access_of_that_person_to_that_patient(transactional_db: None) -> None:
    clinic = open_clinic()
    register = Registry(clinic=clinic)
    walter, olga = register("Walter", "Ng"), register("Olga", "Petrova")
    began = clinic.now - timedelta(minutes=10)
    pat, rosa = clinic.pat.user_id, clinic.rosa.user_id
    with writes_open():
        mine, again, others, elsewhere = (
            BreakGlassGrant.objects.create(
                patient=patient,
                user_id=user_id,
                reason_code="ETREAT",
                reason=WHY,
                starts_at=began,
                expires_at=began + timedelta(hours=4),
                review_due_at=began,
            )
            for patient, user_id in ((walter, pat), (walter, pat), (walter, rosa), (olga, pat))
        )
    actions.end_grant(actor=clinic.pat, grant=mine, now=clinic.now)
    live = set(BreakGlassGrant.objects.live(now=clinic.now).values_list("pk", flat=True))
    assert live == {others.pk, elsewhere.pk}
    assert not walter.reachable_by(clinic.pat)
    assert again.pk not in live
