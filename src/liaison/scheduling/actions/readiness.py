"""What stands in the way of a coming visit becomes a loop, and the loop closes itself when the check passes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.written_time import long_day
from liaison.loops.actions import (
    add_evidence,
    change_waiting,
    drop_waiting,
    give_up_loop,
    open_or_wait,
    restart_clock,
)
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, PromiseToKeep
from liaison.scheduling.access import CHECK
from liaison.scheduling.actions.serving import owner_of_visit
from liaison.scheduling.kinds import NOT_READY
from liaison.scheduling.models import Appointment, Blocker
from liaison.scheduling.queries.readiness import expected, readiness_of
from liaison.scheduling.rules import Finding, by_code, due_of

AHEAD: Final = timedelta(days=14)
_RULE: Final = "visit-readiness"
_KEY: Final = "blocker:"
_TOGETHER: Final = 200
"""Visits that are checked by one round of queries."""


def check_coming(*, actor: Actor, now: datetime) -> int:
    """Check every visit of the next two weeks, and whatever still has a blocker. Returns how many. Safe twice."""
    coming = set(expected(start_at=now, end_at=now + AHEAD).order_by().values_list("pk", flat=True))
    stuck = set(Blocker.objects.filter(cleared_at=None).values_list("appointment_id", flat=True))
    return check_visits(actor=actor, appointment_ids=sorted(coming | stuck), now=now)


def check_visits(*, actor: Actor, appointment_ids: Sequence[int], now: datetime) -> int:
    """Check these visits: new blockers get a loop, those that are gone lose theirs. Returns how many were looked at."""
    for first in range(0, len(appointment_ids), _TOGETHER):
        ids = appointment_ids[first : first + _TOGETHER]
        rows = list(
            Appointment.objects.filter(pk__in=ids).select_related("patient", "site", "loop", "booked_by").order_by("pk")
        )
        said = readiness_of(rows, now=now)
        for row in rows:
            findings = said[row.pk].findings if row.pk in said else None
            _keep(actor, row, findings, now=now)
    return len(appointment_ids)


def _keep(actor: Actor, row: Appointment, findings: Iterable[Finding] | None, *, now: datetime) -> None:
    """Make the blockers of one visit what the checks say; without findings the visit is expected no longer."""
    blocked = dict(by_code(tuple(findings))) if findings is not None else {}
    if not blocked and not Blocker.objects.filter(appointment=row, cleared_at=None).exists():
        return
    with act(actor, CHECK, patient=row.patient, subject=row, now=now) as entry:
        Appointment.objects.select_for_update(no_key=True).get(pk=row.pk)
        stands = Blocker.objects.filter(appointment=row, cleared_at=None)
        standing = {blocker.code: blocker for blocker in stands}
        for code in sorted(set(standing) - set(blocked)):
            _clear(actor, standing[code], expected_still=findings is not None, now=now)
        for code in sorted(set(blocked) - set(standing)):
            _find(actor, row, blocked[code], now=now)
        for code in sorted(set(blocked) & set(standing)):
            _follow(actor, row, standing[code], blocked[code], now=now)
        entry.note(blocked=sorted(blocked))


def _find(actor: Actor, row: Appointment, finding: Finding, *, now: datetime) -> None:
    blocker = Blocker.objects.create(
        appointment=row,
        code=finding.code,
        sentence=finding.sentence[:300],
        safe_until=finding.safe_until,
        found_at=now,
    )
    if finding.kept_by is not None:
        return
    promise = PromiseToKeep(
        kind=NOT_READY.code,
        title=f"{row.patient.goes_by}’s visit on {long_day(row.local_start)}: {finding.sentence}"[:300],
        about=About(type="scheduling.appointment", id=row.pk),
        once_key=f"{_KEY}{blocker.pk}",
        clocks=(_clock(row, finding, now=now),),
    )
    owner = owner_of_visit(row, now=now)
    blocker.loop = open_or_wait(actor, promise=promise, patient=row.patient, site=row.site, owner=owner, now=now)
    blocker.save(update_fields=["loop"])


def link_blocker(*, once_key: str, loop_id: int) -> None:
    """Inside an act: the loop of this key, which had waited for an owner, is its blocker's."""
    if once_key.startswith(_KEY):
        Blocker.objects.filter(pk=once_key.removeprefix(_KEY)).update(loop_id=loop_id)


def _follow(actor: Actor, row: Appointment, blocker: Blocker, finding: Finding, *, now: datetime) -> None:
    """It still stands; when it says something else, its loop does too."""
    if blocker.sentence == finding.sentence[:300]:
        return
    blocker.sentence, blocker.safe_until = finding.sentence[:300], finding.safe_until
    blocker.save(update_fields=["sentence", "safe_until"])
    loop_id, clock = _open_loop(blocker), _clock(row, finding, now=now)
    change_waiting(actor, waiting=_waiting(blocker), clocks=(clock,), now=now)
    if loop_id is not None:
        restart_clock(actor, loop_id=loop_id, clock=clock, reason=finding.sentence, now=now)


def _clear(actor: Actor, blocker: Blocker, *, expected_still: bool, now: datetime) -> None:
    why = "The check passes" if expected_still else "The visit is not expected any more"
    blocker.clear(why=why, now=now)
    blocker.save()
    drop_waiting(actor, waiting=_waiting(blocker), reason=why, now=now)
    loop_id = _open_loop(blocker)
    if loop_id is None:
        return
    if expected_still:
        about = About(type="scheduling.blocker", id=blocker.pk)
        add_evidence(actor, loop_id=loop_id, kind="ready", note=why, about=about, now=now)
    else:
        give_up_loop(actor, loop_id=loop_id, reason=why, now=now)


def _open_loop(blocker: Blocker) -> int | None:
    return Loop.objects.open().filter(pk=blocker.loop_id or 0).values_list("pk", flat=True).first()


def _waiting(blocker: Blocker) -> QuerySet[WaitingPromise]:
    """The promise to mend it that nobody could own so far."""
    return WaitingPromise.objects.waiting().filter(once_key=f"{_KEY}{blocker.pk}")


def _clock(row: Appointment, finding: Finding, *, now: datetime) -> ClockToStart:
    return ClockToStart(
        rule_id=_RULE,
        rule_version="1",
        source="A visit is ready by the end of the business day before it",
        step=finding.next_step or finding.sentence,
        anchor_event=f"appointment:{row.pk}",
        anchor_at=now,
        due_at=due_of(finding, start=row.start_at, now=now),
        is_call=finding.next_is_call,
    )
