"""Two coordinators at the same loop in the same moment: one has it, the other is told who."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from liaison.core.actor import Actor
from liaison.core.models import AuditEntry
from liaison.loops import actions
from liaison.loops.models import Loop, LoopEvent, Notice
from liaison.loops.ports import Owner
from liaison.loops.tests.cast import NOW, SYSTEM, Cast, gather

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*what: Callable[[], object]) -> list[object]:
    """Do these in threads that start together; what each returned, or the refusal it met."""
    gate = Barrier(len(what))

    def run(do: Callable[[], object]) -> object:
        gate.wait()
        try:
            return do()
        except actions.LoopChanged as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(what)) as pool:
        return list(pool.map(run, what))


def test_two_take_one_loop_and_one_has_it() -> None:
    cast: Cast = gather()
    loop = cast.loop(owner=Owner(team_id=cast.team.pk))

    def take(actor: Actor) -> Callable[[], object]:
        return lambda: actions.take_loop(actor, loop_id=loop.pk, now=NOW, expected_version=1)

    first, second = at_once(take(cast.rosa), take(cast.tom))
    refused = [each for each in (first, second) if isinstance(each, actions.LoopChanged)]
    taken = [each for each in (first, second) if isinstance(each, Loop)]
    assert (len(refused), len(taken)) == (1, 1)
    loop.refresh_from_db()
    assert loop.owner_user_id == taken[0].owner_user_id
    assert "was here first" in refused[0].sentence
    assert LoopEvent.objects.filter(loop=loop, what="taken").count() == 1
    assert AuditEntry.objects.filter(verb="loops.take", outcome="refused").count() == 1


def test_two_workers_escalate_and_each_person_is_told_once() -> None:
    cast: Cast = gather()
    for _ in range(5):
        cast.loop(due_at=NOW)
    done = at_once(*[lambda: actions.escalate_loops(SYSTEM, now=NOW)] * 2)
    assert sum(each for each in done if isinstance(each, int)) == 5
    assert Notice.objects.filter(user_id=cast.rosa.user_id).count() == 5
