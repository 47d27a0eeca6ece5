"""A loop as a row of a list: everything one glance needs, in one frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.db.models import Exists, OuterRef
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.languages import main_language, shortest_tag
from liaison.core.spoken_time import due_in_words
from liaison.loops import access, rules
from liaison.loops.models import Loop
from liaison.loops.ports import Owner
from liaison.patients.models import ContactPoint, Patient


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPatient:
    """The patient, as briefly as a row may say it. `language` is "" when English is spoken."""

    id: int
    name: str
    goes_by: str
    birth_on: date | None
    deceased_on: date | None
    is_deceased: bool
    language: str
    interpreter_needed: bool
    do_not_text: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceState:
    """One required piece of proof and whether it is in."""

    code: str
    label: str
    is_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRow:
    """One loop as a list shows it: who, what next, by when, why.

    `due_words` are relative ("2 days late") at the `now` the row was read with; `due_at` is exact. `why` holds what
    presses about it, the weightiest first; `rank` is where it stands and why, None once it has ended. `managed_url` is
    the page on which it moves, "" when the desk itself closes it; `zone` is the site's. `waits_on_me` says that the
    step is this reader's; `waiting_on` is then "you".
    """

    id: int
    version: int
    kind: str
    kind_label: str
    icon: str
    title: str
    patient: RowPatient
    next_step: str
    next_is_call: bool
    due_at: datetime
    due_words: str
    is_late: bool
    is_today: bool
    priority: str
    why: tuple[rules.Why, ...]
    rank: rules.Rank | None
    waiting_on: str
    waits_on_me: bool
    snoozed_until: datetime | None
    snooze_reason: str
    escalation_level: int
    owner: Owner
    owner_name: str
    is_mine: bool
    covering: bool
    state: str
    evidence: tuple[EvidenceState, ...]
    about_type: str
    about_id: int | None
    managed_url: str
    site_name: str
    zone: tzinfo
    opened_at: datetime
    ended_at: datetime | None

    @property
    def missing(self) -> tuple[str, ...]:
        """What proof is still to come, in words."""
        return tuple(each.label for each in self.evidence if not each.is_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopWords:
    """What a loop is called and what comes next, as far as the one who asks may read it."""

    title: str
    next_step: str


def words_of(actor: Actor, *, loops: Iterable[Loop], now: datetime) -> dict[int, LoopWords]:
    """What may be told of these loops, by id; the caller has checked that `actor` sees their patients.

    Of a loop whose very title is clinical only its kind is told to who doesn't read the chart.
    """
    told = list(loops)
    plain = _told_plainly(actor, loops=told, now=now)
    return {loop.pk: _words(loop, plain=loop.pk in plain) for loop in told}


def _words(loop: Loop, *, plain: bool) -> LoopWords:
    if plain:
        return LoopWords(title=loop.kind_info.label, next_step=loop.kind_info.label)
    return LoopWords(title=loop.title, next_step=loop.next_step)


def loop_rows(actor: Actor, *, loop_ids: Sequence[int], now: datetime) -> tuple[LoopRow, ...]:
    """These loops as rows, in the order of the ids. The caller has checked that `actor` sees their patients."""
    loops = Loop.objects.select_related("patient", "site", "owner_user", "owner_team").in_bulk(loop_ids)
    found = [loops[pk] for pk in loop_ids if pk in loops]
    patients = row_patients([loop.patient for loop in found])
    seen({loop.patient_id for loop in found})
    plain = _told_plainly(actor, loops=found, now=now)
    return tuple(
        _row(loop, patient=patients[loop.patient_id], actor=actor, plain=loop.pk in plain, now=now) for loop in found
    )


def _told_plainly(actor: Actor, *, loops: Sequence[Loop], now: datetime) -> frozenset[int]:
    """The loops whose very title is clinical and of a patient whose chart this actor doesn't read."""
    clinical = {loop.pk: loop.patient_id for loop in loops if loop.kind_info.clinical_words}
    if not clinical:
        return frozenset()
    charts = Patient.objects.filter(pk__in=clinical.values()).visible_to(actor, access.READ_CLINICAL, now=now)
    read = set(charts.values_list("pk", flat=True))
    return frozenset(loop_id for loop_id, patient_id in clinical.items() if patient_id not in read)


def row_patients(patients: Iterable[Patient]) -> dict[int, RowPatient]:
    """The brief of each patient by id, with one query for all of them."""
    by_id = {patient.pk: patient for patient in patients}
    phones = ContactPoint.objects.current().filter(patient=OuterRef("pk"), kind="phone")
    may_text = set(
        Patient.objects.filter(pk__in=by_id).filter(Exists(phones.filter(may_text=True))).values_list("pk", flat=True)
    )
    return {pk: _brief(patient, do_not_text=pk not in may_text) for pk, patient in by_id.items()}


def _brief(patient: Patient, *, do_not_text: bool) -> RowPatient:
    spoken = patient.spoken_language
    return RowPatient(
        id=patient.pk,
        name=patient.display_name,
        goes_by=patient.goes_by,
        birth_on=patient.birth_on,
        deceased_on=patient.deceased_on,
        is_deceased=patient.is_deceased,
        language="" if main_language(spoken) in {"", "en"} else shortest_tag(spoken),
        interpreter_needed=patient.interpreter_needed,
        do_not_text=do_not_text,
    )


def _row(loop: Loop, *, patient: RowPatient, actor: Actor, plain: bool, now: datetime) -> LoopRow:
    kind, zone = loop.kind_info, loop.site.zone
    is_open = loop.state == rules.OPEN
    owner, words = loop.owner_user or loop.owner_team, _words(loop, plain=plain)
    waits_on_me = loop.waiting_on_user_id is not None and loop.waiting_on_user_id == actor.user_id
    waiting_on = gettext("you") if waits_on_me else loop.waiting_on
    return LoopRow(
        id=loop.pk,
        version=loop.version,
        kind=loop.kind,
        kind_label=kind.label,
        icon=kind.icon,
        title=words.title,
        patient=patient,
        next_step=words.next_step,
        next_is_call=loop.next_is_call and not plain,
        due_at=loop.due_at,
        due_words=due_in_words(loop.due_at, now=now, zone=zone).text,
        is_late=is_open and rules.is_late(loop.due_at, now=now),
        is_today=is_open and rules.is_due_today(loop.due_at, now=now, zone=zone),
        priority=loop.priority,
        why=rules.why(
            due_at=loop.due_at,
            priority=loop.priority,
            escalation_level=loop.escalation_level,
            waiting_on=waiting_on,
            now=now,
            zone=zone,
        )
        if is_open
        else (),
        rank=rules.rank(loop.due_at, priority=loop.priority, now=now, zone=zone) if is_open else None,
        waiting_on=waiting_on,
        waits_on_me=waits_on_me,
        snoozed_until=loop.snoozed_until if loop.snoozed_until and loop.snoozed_until > now else None,
        snooze_reason=loop.snooze_reason,
        escalation_level=loop.escalation_level,
        owner=loop.owner,
        owner_name=owner.name if owner else "",
        is_mine=loop.owner_user_id is not None and loop.owner_user_id == actor.user_id,
        covering=loop.hand_over_id is not None,
        state=loop.state,
        evidence=tuple(
            EvidenceState(code=code, label=kind.evidence_label(code), is_in=code in loop.evidence_kinds)
            for code in loop.required_evidence
        ),
        about_type=loop.about_type,
        about_id=loop.about_id,
        managed_url=_managed_url(kind.managed_at, about_id=loop.about_id),
        site_name=loop.site.name,
        zone=zone,
        opened_at=loop.opened_at,
        ended_at=loop.ended_at,
    )


def _managed_url(name: str, *, about_id: int | None) -> str:
    if not name or about_id is None:
        return ""
    try:
        return reverse(name, args=[about_id])
    except NoReverseMatch:
        return ""
