"""The audit trail: entries, the chain of seals over them, and the proof that it is unbroken."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError, connection, models, transaction
from django.db.models.functions import Now
from psycopg.errors import LockNotAvailable

from liaison.core.actor import Actor
from liaison.core.heads import Head, our_heads
from liaison.core.models import AuditEntry, AuditSeal
from liaison.core.postgres.guard import writes_open
from liaison.core.serving import SERVED, names_of
from liaison.core.verbs import Verb

log = logging.getLogger(__name__)

GENESIS: Final = "0" * 64
LOCK_SEALS: Final = "LOCK TABLE core_auditseal IN SHARE UPDATE EXCLUSIVE MODE"
"""One sealer at a time. Taken on the table, which only who may write it can lock; whoever connects can hold an advisory
lock. Nobody who reads or writes waits for it, save another sealer and the vacuum, which gives way within a second."""
WORKS: Final = "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute' LIMIT 1"
"""Whether a worker gave a sign of life; each does every ten seconds, and is taken off the list when it stops."""
LOCK_WAIT: Final = "SET LOCAL lock_timeout = '3s'"
BATCH: Final = 10_000
LONGEST_UNSEALED: Final = timedelta(minutes=1)
"""The sealer comes every five seconds; what waits longer says that it does not come."""
_SEALED_COLUMNS: Final = (
    "id",
    "recorded_at",
    "actor_user_id",
    "actor_name",
    "roles",
    "verb",
    "outcome",
    "refusal_code",
    "reason",
    "patient_ids",
    "subject_type",
    "subject_id",
    "before_hash",
    "after_hash",
    "details",
    "request_id",
    "session_hash",
)


@dataclass(slots=True)
class Seen:
    """The patients that one response has shown so far."""

    patient_ids: set[int] = field(default_factory=set)


_seen: ContextVar[Seen | None] = ContextVar("liaison_seen", default=None)
_mark: ContextVar[str] = ContextVar("liaison_request_mark", default="")


def seen(patient_ids: int | Iterable[int]) -> None:
    """Note that the response being made shows these patients. Every query of patient data calls this."""
    collector = _seen.get()
    if collector is None:
        return
    if isinstance(patient_ids, int):
        collector.patient_ids.add(patient_ids)
    else:
        collector.patient_ids.update(patient_ids)


def seen_so_far() -> frozenset[int]:
    """The patients whom the response being made has shown up to now; none outside of one."""
    collector = _seen.get()
    return frozenset(collector.patient_ids) if collector is not None else frozenset()


@contextmanager
def collecting_seen(request_id: str = "") -> Iterator[Seen]:
    """Collect what `seen()` is told while one response is made (middleware only)."""
    collector = Seen()
    tokens = _seen.set(collector), _mark.set(request_id)
    try:
        yield collector
    finally:
        _seen.reset(tokens[0])
        _mark.reset(tokens[1])


def entry_for(actor: Actor, verb: Verb | str, *, outcome: str, **columns: Any) -> AuditEntry:
    """An unsaved entry with who, what and from which request filled in."""
    session = hashlib.sha256(actor.session_key.encode()).hexdigest()[:16] if actor.session_key else ""
    return AuditEntry(
        actor_user_id=actor.user_id,
        actor_name=actor.name,
        roles=" ".join(sorted(actor.roles)),
        verb=str(verb),
        outcome=outcome,
        request_id=_mark.get(),
        session_hash=session,
        **columns,
    )


def record(actor: Actor, verb: Verb | str, *, outcome: str = AuditEntry.Outcome.DONE, **columns: Any) -> None:
    """Write one entry in a transaction of its own: sign-ins, reads, refused attempts."""
    with writes_open(), transaction.atomic():
        entry_for(actor, verb, outcome=outcome, **columns).save(force_insert=True)


def fingerprint(subject: models.Model | None) -> str:
    """SHA-256 over the columns of a row as it stands in memory; empty for nothing or an unsaved row."""
    if subject is None or subject.pk is None:
        return ""
    columns = {f.attname: str(getattr(subject, f.attname)) for f in subject._meta.concrete_fields}
    return hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of walking the chain. `problem` is empty when it is unbroken.

    `compared` heads that were recorded outside the database were looked for in it; `missing` is the first that the
    database does not hold, though what it holds is unbroken. `stalled` says that entries have waited too long for their
    seal: until they have one, nothing proves them. `resting`: the last entries, of a minute at most, have waited too
    long because Liaison does not run.
    """

    seals: int
    entries: int
    unsealed: int
    head: str
    compared: int = 0
    missing: Head | None = None
    problem: str = ""
    stalled: str = ""
    resting: bool = False


def seal_entries() -> int:
    """Close all committed, unsealed entries into one new seal; returns how many there were.

    One sealer at a time (`LOCK_SEALS`); writers never wait for it, since entries that are still
    uncommitted simply fall into the next seal. The new head is recorded outside the database once it is committed.
    """
    seal = _seal_batch()
    if seal is None:
        return 0
    head = Head(seal=seal.pk, hash=seal.hash, entries=seal.entry_count, at=seal.sealed_at)
    log.info("audit.sealed", extra={"seal": head.seal, "hash": head.hash, "entries": head.entries})
    try:
        our_heads().keep(head)
    except OSError as error:
        log.error("audit.head_not_kept", extra={"seal": head.seal, "why": error.strerror})  # noqa: TRY400 - the reason says it all
    return seal.entry_count


def _seal_batch() -> AuditSeal | None:
    try:
        with writes_open(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(LOCK_WAIT)
            cursor.execute(LOCK_SEALS)
            return _next_seal()
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        log.warning("audit.sealing_locked")
        return None


def _next_seal() -> AuditSeal | None:
    batch = list(AuditEntry.objects.filter(seal=None).order_by("id")[:BATCH])
    if not batch:
        return None
    last = AuditSeal.objects.order_by("-id").first()
    previous = last.hash if last else GENESIS
    seal = AuditSeal.objects.create(entry_count=len(batch), previous_hash=previous, hash=chain_hash(previous, batch))
    seal.refresh_from_db(fields=["sealed_at"])
    AuditEntry.objects.filter(pk__in=[entry.pk for entry in batch]).update(seal=seal)
    return seal


def chain_hash(previous: str, batch: Iterable[AuditEntry]) -> str:
    """HMAC-SHA256, keyed outside the database, over the previous hash and every entry in order of id."""
    digest = hmac.new(settings.LIAISON_AUDIT_KEY.encode(), previous.encode(), hashlib.sha256)
    for entry in batch:
        row = [_plain(getattr(entry, column)) for column in _SEALED_COLUMNS]
        digest.update(json.dumps(row, sort_keys=True, separators=(",", ":")).encode())
    return digest.hexdigest()


def verify_chain() -> Verification:
    """Walk every seal from the first and recompute it; then look for every head that was recorded outside.

    Stops at the first break and names it.
    """
    previous, seals, entries, problem = GENESIS, 0, 0, ""
    for seal in AuditSeal.objects.order_by("id").iterator(chunk_size=500):
        batch = list(seal.entries.order_by("id"))
        if seal.previous_hash != previous:
            problem = f"Seal {seal.pk} does not follow the seal before it."
        elif len(batch) != seal.entry_count:
            problem = f"Seal {seal.pk} covers {seal.entry_count} entries, but {len(batch)} are there."
        elif chain_hash(previous, batch) != seal.hash:
            other_key = "" if seals else ", or LIAISON_AUDIT_KEY is not the one that it was sealed with"
            problem = f"An entry under seal {seal.pk} was changed{other_key}."
        if problem:
            break
        previous, seals, entries = seal.hash, seals + 1, entries + len(batch)
    compared, differing = (0, None) if problem else _compare_heads()
    is_there = differing and AuditSeal.objects.filter(pk=differing.seal, hash=differing.hash).exists()
    if differing:
        problem = _about_time(differing) if is_there else _about(differing)
    waiting_since, resting = unsealed_since(), _resting()
    return Verification(
        seals=seals,
        entries=entries,
        unsealed=AuditEntry.objects.filter(seal=None).count(),
        head=previous,
        compared=compared,
        missing=None if is_there else differing,
        problem=problem,
        stalled="" if resting else _about_waiting(waiting_since),
        resting=resting and waiting_since is not None,
    )


def unsealed_since() -> datetime | None:
    """Since when an entry has waited for its seal, if that is longer than a minute by the database's own clock."""
    late = AuditEntry.objects.filter(seal=None, recorded_at__lt=Now() - LONGEST_UNSEALED)
    return late.order_by("id").values_list("recorded_at", flat=True).first()


def _resting() -> bool:
    """Whether Liaison does not run, and what waits for its seal was written within the last minute before that.

    A clinic that was stopped leaves its last seconds unsealed; one that goes on without a worker leaves more. It runs
    while one of its processes is connected, though it be silent: a worker that hangs seals nothing, and that is told.
    """
    unsealed = AuditEntry.objects.filter(seal=None)
    waiting = unsealed.aggregate(first=models.Min("recorded_at"), last=models.Max("recorded_at"))
    if waiting["first"] is None or waiting["last"] - waiting["first"] > LONGEST_UNSEALED:
        return False
    with connection.cursor() as cursor:
        cursor.execute(SERVED, [names_of(settings.LIAISON_SCHEMA)])
        served = cursor.fetchone()
        cursor.execute(WORKS)
        return served == (False,) and cursor.fetchone() is None


def accept_head() -> None:
    """Let what was recorded outside before now count no longer: the database was restored. Raises OSError."""
    last = AuditSeal.objects.order_by("-id").first()
    if last is not None:
        our_heads().keep(Head(seal=last.pk, hash=last.hash, entries=last.entry_count, at=last.sealed_at, accepted=True))


def _compare_heads() -> tuple[int, Head | None]:
    """How many recorded heads count, and the first of them that the database does not hold as it was recorded."""
    compared, differing = 0, None
    batch: list[Head] = []
    for head in our_heads().recorded():
        if head.accepted:
            compared, differing, batch = 0, None, []
        batch.append(head)
        if len(batch) == BATCH:
            compared, differing, batch = compared + len(batch), differing or _first_differing(batch), []
    return compared + len(batch), differing or _first_differing(batch)


def _first_differing(heads: list[Head]) -> Head | None:
    seals = AuditSeal.objects.filter(pk__in=[head.seal for head in heads])
    held = {pk: (hash_, at) for pk, hash_, at in seals.values_list("pk", "hash", "sealed_at")}
    return next((head for head in heads if held.get(head.seal) != (head.hash, head.at)), None)


def _about(missing: Head) -> str:
    return (
        f"Seal {missing.seal} was recorded outside the database on {missing.at:%Y-%m-%d at %H:%M} UTC and is not in it:"
        " entries were taken away, or an older backup was restored. If it was a restore, say so with"
        " `liaison audit verify --accept-restore REASON`."
    )


def _about_time(moved: Head) -> str:
    return (
        f"The time of seal {moved.seal} was changed: it was recorded outside the database on"
        f" {moved.at:%Y-%m-%d at %H:%M:%S} UTC."
    )


def _about_waiting(since: datetime | None) -> str:
    if since is None:
        return ""
    return (
        f"Entries have waited for their seal since {since.astimezone(UTC):%Y-%m-%d at %H:%M:%S} UTC, and nothing proves"
        " what is not sealed. Either no worker runs, or somebody keeps it from sealing (`audit.sealing_locked` in its"
        " log). Right after very long work it may be neither: ask again."
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
