"""Promises that nobody could own when they were due to be made: kept, and opened as soon as somebody can."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.db.models import QuerySet

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.loops import access
from liaison.loops.actions.deaths import review_loop
from liaison.loops.actions.ledger import open_loop
from liaison.loops.events import OwnerFound
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, Owner, PromiseToKeep
from liaison.loops.queries.owners import keeper_for, owner_for

if TYPE_CHECKING:
    from liaison.patients.models import Patient

log = logging.getLogger(__name__)

_INSTANTS: Final = ("anchor_at", "due_at")
_ENDS: Final = ("ended_at", "ended_why", "loop", "failed_at", "failed_why")


def open_or_wait(
    actor: Actor,
    *,
    promise: PromiseToKeep,
    patient: Patient,
    site: Site | None,
    owner: Owner | None,
    now: datetime,
) -> Loop | None:
    """Open the loop of a promise, or keep the promise until somebody at the site can own it, and return None.

    `site` is where it happens, None for who belongs to none yet. An owner who can't see the patient is none, unless
    somebody can instead of them. The same key again changes nothing. Refuses
    Forbidden, NotFound.
    """
    if owner is not None and site is not None and keeper_for(owner, patient=patient, site=site, now=now):
        return _open(actor, promise, patient=patient, site=site, owner=owner, now=now)
    kept = _wait(actor, promise, patient=patient, site=site, waits="for an owner", now=now)
    log.warning("loops.waits_for_an_owner", extra={"promise_id": kept.pk, "site_id": site.pk if site else None})
    return None


def keep_failed(
    actor: Actor, *, promise: PromiseToKeep, patient: Patient, site: Site | None, error: Exception, now: datetime
) -> None:
    """Keep a promise that could not be opened, whatever the error: who administers is told of it with its number in the
    log, and it is tried again. Only the kind of the error and where it came up are kept. One that is a loop already is
    told in the log alone. Refuses Forbidden.
    """
    if Loop.objects.filter(once_key=promise.once_key).exists():
        why, where = _why_and_where(error)
        log.error("loops.promise_not_opened", extra={"promise_id": None, "error": why, "where": where})
        return
    known = WaitingPromise.objects.waiting().filter(once_key=promise.once_key).first()
    kept = known or _wait(actor, promise, patient=patient, site=site, waits="to be opened", now=now)
    _keep_failed(actor, error, pk=kept.pk, now=now)


def _wait(
    actor: Actor, promise: PromiseToKeep, *, patient: Patient, site: Site | None, waits: str, now: datetime
) -> WaitingPromise:
    with act(actor, access.OPEN, patient=patient, now=now) as entry:
        kept, is_new = WaitingPromise.objects.waiting().get_or_create(
            once_key=promise.once_key,
            defaults={
                "kind": promise.kind,
                "patient": patient,
                "site": site,
                "title": promise.title[:300],
                "about_type": promise.about.type,
                "about_id": promise.about.id,
                "priority": promise.priority,
                "clocks": [_kept(clock) for clock in promise.clocks],
                "since": now,
            },
        )
        entry.about(kept)
        entry.note(kind=promise.kind, waits=waits, repeated=not is_new)
    return kept


def change_waiting(
    actor: Actor, *, waiting: QuerySet[WaitingPromise], clocks: Sequence[ClockToStart], now: datetime, title: str = ""
) -> None:
    """Let these promises, if any, wait with other deadlines and steps, under another `title` if given.

    Refuses Forbidden.
    """
    for row in waiting:
        with act(actor, access.STEP, patient=row.patient, subject=row, now=now):
            row.clocks = [_kept(clock) for clock in clocks]
            row.title = title[:300] or row.title
            row.save(update_fields=["clocks", "title"])


def drop_waiting(actor: Actor, *, waiting: QuerySet[WaitingPromise], reason: str, now: datetime) -> None:
    """Nobody needs these promises, if there are any, any more. Refuses Forbidden."""
    for row in waiting:
        with act(actor, access.GIVE_UP, patient=row.patient, subject=row, reason=reason, now=now):
            row.end(why=reason, now=now)
            row.save(update_fields=_ENDS)


def find_owners(actor: Actor, *, now: datetime) -> int:
    """Open what waits wherever somebody can own it now; how many promises go on waiting. Safe to run twice.

    Each is a transaction of its own: one that can't be opened, whatever the error, is kept with why and stops no other.
    """
    waiting = 0
    for pk in list(WaitingPromise.objects.waiting().order_by("pk").values_list("pk", flat=True)):
        waiting += not _opened_or_kept(actor, pk=pk, now=now)
    if waiting:
        log.warning("loops.wait_for_an_owner", extra={"promises": waiting})
    return waiting


def _opened_or_kept(actor: Actor, *, pk: int, now: datetime) -> bool:
    """Whether it waits no more."""
    try:
        return find_owner(actor, pk=pk, now=now)
    except Exception as error:  # noqa: BLE001 - a bad row, a refusal, a bug in a rule: the others must not wait for it
        _keep_failed(actor, error, pk=pk, now=now)
        return False


def _keep_failed(actor: Actor, error: Exception, *, pk: int, now: datetime) -> None:
    """Say in the row and in the log that it failed: by what kind of error and where, never by what the error says."""
    why, where = _why_and_where(error)
    log.error("loops.promise_not_opened", extra={"promise_id": pk, "error": why, "where": where})
    row = WaitingPromise.objects.get(pk=pk)
    if row.failed_why == why[:100]:
        return
    with act(actor, access.OPEN, subject=row, now=now) as entry:
        entry.concerns(row.patient_id)
        row.fail(why=why, now=now)
        row.save(update_fields=["failed_at", "failed_why"])
        entry.note(failed=why)


def _why_and_where(error: Exception) -> tuple[str, str]:
    """The code or the name of an error, and the line where it came up: neither says what was in it."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    return error.code if isinstance(error, Refusal) else type(error).__name__, f"{Path(at.filename).name}:{at.lineno}"


def find_owner(actor: Actor, *, pk: int, now: datetime) -> bool:
    """Open this one if somebody can own it now; whether it waits no more."""
    seen = WaitingPromise.objects.select_related("patient", "site").get(pk=pk)
    site = seen.site or seen.patient.home_site()
    owner = owner_for(seen.patient, site=site, now=now) if site else None
    if site is None or owner is None:
        return False
    with act(actor, access.OPEN, patient=seen.patient, subject=seen, now=now) as entry:
        row = WaitingPromise.objects.waiting().select_for_update(of=("self",)).filter(pk=pk).first()
        if row is None:
            return True
        promise = _promise(row)
        why = f"It waited since {row.since.astimezone(site.zone):%Y-%m-%d %H:%M} for somebody who could own it."
        loop = _open(actor, promise, patient=seen.patient, site=site, owner=owner, now=now, reason=why)
        row.end(why="Somebody owns it now", now=now, loop=loop)
        row.save(update_fields=_ENDS)
        if seen.patient.is_deceased:
            review_loop(actor, loop_id=loop.pk, now=now)
        entry.publish(
            OwnerFound(
                at=now, loop_id=loop.pk, kind=loop.kind, patient_id=loop.patient_id, about_type=loop.about_type,
                about_id=loop.about_id or 0, once_key=promise.once_key,
            )
        )  # fmt: skip
    return True


def _open(
    actor: Actor,
    promise: PromiseToKeep,
    *,
    patient: Patient,
    site: Site,
    owner: Owner,
    now: datetime,
    reason: str = "",
) -> Loop:
    return open_loop(actor, patient=patient, promise=promise, owner=owner, site=site, reason=reason, now=now)


def _promise(row: WaitingPromise) -> PromiseToKeep:
    return PromiseToKeep(
        kind=row.kind,
        title=row.title,
        clocks=tuple(_clock(kept) for kept in row.clocks),
        about=About(type=row.about_type, id=row.about_id or 0),
        once_key=row.once_key,
        priority=row.priority,
    )


def _kept(clock: ClockToStart) -> dict[str, Any]:
    given = asdict(clock)
    return given | {name: given[name].isoformat() for name in _INSTANTS}


def _clock(kept: dict[str, Any]) -> ClockToStart:
    return ClockToStart(**kept | {name: datetime.fromisoformat(kept[name]) for name in _INSTANTS})
