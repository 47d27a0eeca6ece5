"""The audit trail as a privacy officer searches it: by keyset, so that page 1,000 is as quick as page 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from liaison.accounts.access import EXPORT_AUDIT, SEARCH_AUDIT
from liaison.accounts.queries.audit_words import NOBODY, Names, fact_words, names_in, subject_words, tells
from liaison.accounts.queries.audited import names_of
from liaison.accounts.rules import ROLE_WORDS
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.audit import record, unsealed_since
from liaison.core.cursors import read_cursor, written_cursor
from liaison.core.models import AuditEntry, AuditSeal
from liaison.core.refusals import Forbidden, Refusal
from liaison.core.verbs import all_verbs

PAGE: Final = 50
MOST_EXPORTED: Final = 100_000
MOST_NAMED: Final = 5
MOST_OF_ONE: Final = 1_000
"""How many patients of one entry are named where only that entry was asked for."""
MOST_WAITING: Final = 10_000
"""Counting further says nothing new: the sealer has stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What to look for. Empty values look for everything; `until` is exclusive; times are instants.

    `kind` is "reads" (what was seen), "changes" (what was done), "refused", or empty. `earlier_ids` are numbers that
    the patient had before they were merged; what was done with them then is found too. `entry_id` asks for one entry.
    """

    patient_id: int | None = None
    earlier_ids: tuple[int, ...] = ()
    entry_id: int | None = None
    user_id: int | None = None
    verb: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def plain(self) -> dict[str, Any]:
        """The filter as JSON, for the entry that says what was looked for."""
        values = {
            "patient_id": self.patient_id,
            "entry_id": self.entry_id,
            "user_id": self.user_id,
            "verb": self.verb,
            "kind": self.kind,
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
        }
        return {key: value for key, value in values.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """A patient in an entry; `name` is empty for whom this reader may not know, and where names are not asked for."""

    patient_id: int
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One entry as it is shown.

    `concerned` are those of `patient_ids` who were looked for, or the first five; `others` counts the rest.
    """

    entry_id: int
    at: datetime
    actor_user_id: int | None
    actor_name: str
    roles: tuple[str, ...]
    verb: str
    label: str
    outcome: str
    refusal_code: str
    refusal: str
    reason: str
    patient_ids: tuple[int, ...]
    concerned: tuple[Concerned, ...]
    others: int
    subject: str
    facts: tuple[str, ...]
    sealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Up to fifty entries, the newest first; `next_cursor` is empty on the last page."""

    rows: tuple[AuditRow, ...]
    next_cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """How the chain stands and what the last verification said.

    `stalled_since` is set when entries have waited for their seal for more than a minute.
    """

    seals: int
    waiting: int
    sealed_at: datetime | None
    verified_at: datetime | None
    verified_problem: str
    stalled_since: datetime | None = None


def search_audit(actor: Actor, *, wanted: AuditFilter, cursor: str = "", now: datetime) -> AuditPage:
    """One page of the audit trail. Looking is itself audited.

    Refuses: Forbidden (also for who holds the verb at some sites only: an entry belongs to none), BadCursor.
    """
    _may(actor, SEARCH_AUDIT)
    entries = _matching(wanted)
    if cursor:
        at, pk = read_cursor(cursor)
        entries = entries.filter(Q(recorded_at__lt=at) | Q(recorded_at=at, pk__lt=pk), recorded_at__lte=at)
    found = list(entries[: PAGE + 1])
    _say(actor, SEARCH_AUDIT, wanted=wanted, shown=len(found[:PAGE]))
    more = found[PAGE - 1] if len(found) > PAGE else None
    named = {entry.pk: _to_name(entry, wanted=wanted) for entry in found[:PAGE]}
    names = names_of(actor, patient_ids={pk for ids in named.values() for pk in ids}, now=now)
    known = names_in(found[:PAGE])
    return AuditPage(
        rows=tuple(_row(entry, named=named[entry.pk], names=names, known=known) for entry in found[:PAGE]),
        next_cursor=written_cursor(more.recorded_at, more.pk) if more else "",
    )


def export_audit(actor: Actor, *, wanted: AuditFilter, most: int = MOST_EXPORTED) -> Iterator[AuditRow]:
    """Every matching entry, the newest first, up to `most` and one more, which says that there are others.

    The caller has stepped up through an action.
    """
    _may(actor, EXPORT_AUDIT)
    for entry in _matching(wanted)[: most + 1].iterator(chunk_size=2_000):
        yield _row(entry, named=(), names={}, known=NOBODY)


def verbs_in_use() -> tuple[tuple[str, str], ...]:
    """Every verb that can stand in the audit trail, as (code, label), by package and label."""
    declared = {code: verb.label for code, verb in all_verbs().items()}
    return tuple(sorted({**UNDECLARED, **declared}.items(), key=lambda each: (each[0].partition(".")[0], each[1])))


def chain_state() -> ChainState:
    """The chain of seals now, and the result of the last verification if there was one."""
    last = AuditSeal.objects.order_by("-id").first()
    verified = AuditEntry.objects.filter(verb="core.verify_audit").order_by("-recorded_at", "-id").first()
    return ChainState(
        seals=_estimated_rows("core_auditseal"),
        waiting=AuditEntry.objects.filter(seal=None)[:MOST_WAITING].count(),
        sealed_at=last.sealed_at if last else None,
        verified_at=verified.recorded_at if verified else None,
        verified_problem=str(verified.details.get("problem", "")) if verified else "",
        stalled_since=unsealed_since(),
    )


_ROLE_WORDS: Final = {str(role): words for role, words in ROLE_WORDS.items()}
UNDECLARED: Final = {
    "core.see": "See a patient's data",
    "core.attempt": "Attempt a change that was refused",
    "core.verify_audit": "Verify the audit trail",
    "core.accept_restore": "Accept a restored audit trail",
    "accounts.sign_in": "Sign in",
    "accounts.sign_out": "Sign out",
    "accounts.session_ended": "Session ended by itself",
    "accounts.confirm": "Confirm who is at the keyboard",
    "accounts.change_factors": "Change second factors",
}
"""What is recorded though nobody asks for permission to do it."""


def _matching(wanted: AuditFilter) -> QuerySet[AuditEntry]:
    entries = AuditEntry.objects.order_by("-recorded_at", "-id")
    if wanted.patient_id is not None:
        entries = entries.filter(patient_ids__overlap=[wanted.patient_id, *wanted.earlier_ids])
    if wanted.entry_id is not None:
        entries = entries.filter(pk=wanted.entry_id)
    if wanted.user_id is not None:
        entries = entries.filter(actor_user_id=wanted.user_id)
    if wanted.verb:
        entries = entries.filter(verb=wanted.verb)
    if wanted.kind:
        outcomes = {"reads": "seen", "changes": "done", "refused": "refused"}
        entries = entries.filter(outcome=outcomes.get(wanted.kind, wanted.kind))
    if wanted.since:
        entries = entries.filter(recorded_at__gte=wanted.since)
    if wanted.until:
        entries = entries.filter(recorded_at__lt=wanted.until)
    return entries


def _to_name(entry: AuditEntry, *, wanted: AuditFilter) -> tuple[int, ...]:
    """Whom to name: nobody else where one patient was looked for, else the first few."""
    asked = {wanted.patient_id, *wanted.earlier_ids} - {None}
    most = MOST_OF_ONE if wanted.entry_id is not None else MOST_NAMED
    return tuple(pk for pk in entry.patient_ids if not asked or pk in asked)[:most]


def _row(entry: AuditEntry, *, named: tuple[int, ...], names: Mapping[int, str], known: Names) -> AuditRow:
    declared = all_verbs().get(entry.verb)
    return AuditRow(
        entry_id=entry.pk,
        at=entry.recorded_at,
        actor_user_id=entry.actor_user_id,
        actor_name=entry.actor_name,
        roles=tuple(_ROLE_WORDS.get(role, role) for role in entry.roles.split()),
        verb=entry.verb,
        label=declared.label if declared else UNDECLARED.get(entry.verb, entry.verb),
        outcome=entry.outcome,
        refusal_code=entry.refusal_code,
        refusal=_sentences().get(entry.refusal_code, entry.refusal_code),
        reason=entry.reason,
        patient_ids=tuple(entry.patient_ids),
        concerned=tuple(Concerned(patient_id=pk, name=names.get(pk, "")) for pk in named),
        others=len(entry.patient_ids) - len(named),
        subject=subject_words(entry, names=known),
        facts=tuple(fact_words(key, value, names=known) for key, value in entry.details.items() if tells(key, value)),
        sealed=entry.seal_id is not None,
    )


@cache
def _sentences() -> Mapping[str, str]:
    """What each refusal says, by its code."""
    found: dict[str, str] = {}
    classes = [Refusal]
    while classes:
        kind = classes.pop()
        found.setdefault(kind.code, str(kind.sentence))
        classes += kind.__subclasses__()
    return found


def _say(actor: Actor, verb: object, *, wanted: AuditFilter, shown: int) -> None:
    patient_ids = [wanted.patient_id] if wanted.patient_id is not None else []
    record(
        actor,
        str(verb),
        outcome=AuditEntry.Outcome.SEEN,
        patient_ids=patient_ids,
        details={**wanted.plain(), "shown": shown},
    )


def _estimated_rows(table: str) -> int:
    """The planner's count, exact enough for a page; exact for a table that was never analysed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", [table])
        estimate = int(cursor.fetchone()[0])
    return estimate if estimate >= 1_000 else AuditSeal.objects.count()


def _may(actor: Actor, verb: Any) -> None:
    """The trail is of the whole organization, and so is whoever reads it."""
    if not actor.may_at(verb, site_id=EVERYWHERE):
        raise Forbidden
