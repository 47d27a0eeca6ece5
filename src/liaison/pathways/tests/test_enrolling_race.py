"""Two evaluations find the same discharge at the same moment: a file comes in while the hourly look runs."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from liaison.accounts.models import Assignment, Team, TeamMember
from liaison.core.postgres.guard import writes_open
from liaison.loops.models import Loop
from liaison.pathways.actions import evaluate
from liaison.pathways.tests.cast import LIAISON, NOW, Ward, gather, stay, walter


@pytest.fixture
def ward(transactional_db: None) -> Ward:
    """Walter is home from hospital, as other connections see it; so far there was nobody to follow him up."""
    ward = gather()
    with writes_open():
        TeamMember.objects.all().delete()
        Team.objects.all().delete()
        assignments = list(Assignment.objects.all())
        Assignment.objects.all().delete()
    ward.take_in(walter(), stay())
    assert not Loop.objects.exists()
    with writes_open():
        Assignment.objects.bulk_create(assignments)
    return ward


def evaluating() -> int:
    """How many loops an evaluation on a connection of its own opened."""
    try:
        return evaluate(LIAISON, now=NOW).opened
    finally:
        connection.close()


def wait_until_both_wait(running: list[Future[int]]) -> None:
    """Ask the server until each of them waits for a lock; none may have ended before."""
    with connection.cursor() as cursor:
        while True:
            assert not any(one.done() for one in running)
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees its first look again
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() == (len(running),):
                return


def test_two_evaluations_at_the_same_time_open_one_loop(ward: Ward) -> None:
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic(), connection.cursor() as cursor:
            # Both get past their look at who is enrolled, and neither may go on to enrol.
            cursor.execute("LOCK TABLE pathways_enrolment IN EXCLUSIVE MODE")
            running = [threads.submit(evaluating) for _ in range(2)]
            wait_until_both_wait(running)
        assert sorted(one.result() for one in running) == [0, 1]
    assert (Loop.objects.count(), ward.enrolment.times_opened) == (1, 1)
