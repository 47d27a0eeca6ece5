"""Merging two registrations of one person, and undoing it.

A merge keeps everything: the columns of both as they were (`MergeRecord`), and the ids of every row that it moved
or added (`MergeMove`). Other packages move their own rows when they hear of `PatientsMerged`; see `events`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import Conflict, Refusal
from liaison.patients import access, rules
from liaison.patients.actions.duplicates import dispute
from liaison.patients.events import PatientDeceased, PatientNotDeceased, PatientsMerged, PatientsUnmerged
from liaison.patients.models import (
    Alert,
    CareTeamMember,
    ContactPoint,
    DuplicateCandidate,
    DuplicateDecision,
    Identifier,
    MergeMove,
    MergeRecord,
    Name,
    NameKind,
    Patient,
    PatientSite,
    Proxy,
)
from liaison.patients.queries.likeness import likeness_of

ADDED: Final = "(added)"
"""The `column` of moves that name rows which the merge made and an un-merge removes."""

_FILLED: Final = (
    "called_as",
    "pronouns",
    "birth_on",
    "spoken_language",
    "written_language",
    "mobility_needs",
    "best_time",
    "deceased_on",
)
_EITHER: Final = ("interpreter_needed", "is_deceased")
_MOVED: Final[tuple[type[models.Model], ...]] = (Identifier, Name, ContactPoint, Proxy, Alert)


class SamePatient(Refusal):
    """A merge takes two."""

    code = "patients.same_patient"
    sentence = "These are one and the same registration. Choose the other one."


class AlreadyMerged(Conflict):
    """One of the two was merged before."""

    code = "patients.already_merged"
    sentence = "One of these was merged already. Open it to see where it went."


class IdentifiersDisagree(Refusal):
    """Two numbers of one system: usually two people."""

    code = "patients.identifiers_disagree"
    sentence = "Identifiers of one system disagree. Check them with the patient, then say that you did."
    field = "conflict_checked"


class MergedFurther(Conflict):
    """The survivor was itself merged afterwards."""

    code = "patients.merged_further"
    sentence = "The survivor was merged into another patient later. Undo that merge first."


class AlreadyUndone(Conflict):
    """The merge was undone before."""

    code = "patients.already_undone"
    sentence = "This merge was undone already."


class MergeReasonNeeded(Refusal):
    """A merge, and undoing one, is explained."""

    code = "patients.merge_reason_needed"
    sentence = "Say why: whoever reads the chart later will ask."
    field = "reason"


def merge_patients(
    *,
    actor: Actor,
    survivor: Patient,
    merged: Patient,
    reason: str,
    now: datetime,
    conflict_checked: bool = False,
) -> MergeRecord:
    """From now on `merged` stands for `survivor`, who gets everything that was the other's.

    What the survivor lacks is filled in; needs and death are taken from either; names stay findable. Where one of the
    two had died, everything promised is reviewed as after a death.
    Refuses: SamePatient, AlreadyMerged, IdentifiersDisagree (unless a person says that they checked),
    MergeReasonNeeded.
    """
    with act(actor, access.MERGE, patient=survivor, reason=reason, now=now) as entry:
        with act(actor, access.MERGE, patient=merged, reason=reason, now=now):
            kept, gone = _locked(survivor, merged)
        if not reason.strip():
            raise MergeReasonNeeded
        if likeness_of(kept, gone).conflict and not conflict_checked:
            raise IdentifiersDisagree
        one_had_died = kept.is_deceased or gone.is_deceased
        record = MergeRecord.objects.create(
            survivor=kept,
            merged=gone,
            reason=reason.strip(),
            survivor_before=_columns(kept),
            merged_before={**_columns(gone), "preferred": _preferred(gone)},
            merged_at=now,
            merged_by_id=actor.user_id,
        )
        _move_everything(record, now=now)
        _fill_in(kept, gone, now=now)
        gone.merge_into(kept, now=now)
        gone.touch(now=now)
        gone.save()
        _decide(kept, gone, by=actor.user_id, now=now)
        _hand_on_disputes(kept, gone, now=now)
        entry.about(record)
        _tell(entry, PatientsMerged(merge_id=record.pk, survivor_id=kept.pk, merged_id=gone.pk, at=now))
        if one_had_died:  # what was promised to the living one of the two is looked at as after any death
            entry.publish(PatientDeceased(patient_id=kept.pk, at=now))
    return record


def unmerge_patients(*, actor: Actor, merge: MergeRecord, reason: str, now: datetime) -> None:
    """Undo a merge: each row that it moved goes back, each column that it filled is as before.

    What was done to the survivor since stays with the survivor. Who of the two had not died is alive again, with the
    clocks of what was promised.
    Refuses: AlreadyUndone, MergedFurther, MergeReasonNeeded.
    """
    with act(actor, access.MERGE, patient=merge.survivor, reason=reason, now=now) as entry:
        record = MergeRecord.objects.select_for_update().get(pk=merge.pk)
        if record.undone_at is not None:
            raise AlreadyUndone
        if not reason.strip():
            raise MergeReasonNeeded
        rows = Patient.objects.select_for_update().in_bulk([record.survivor_id, record.merged_id])
        kept, gone = rows[record.survivor_id], rows[record.merged_id]
        if kept.merged_into_id is not None:
            raise MergedFurther
        was_deceased = kept.is_deceased
        record.undo(reason=reason.strip(), by=actor.user_id, now=now)
        record.save()
        fact = PatientsUnmerged(merge_id=record.pk, survivor_id=kept.pk, merged_id=gone.pk, at=now)
        gone.unmerge()
        gone.touch(now=now)
        gone.save()
        _move_everything_back(record, fact)
        _take_out(kept, record, now=now)
        for candidate in _pair(kept, gone):
            candidate.reopen()
            candidate.save()
        entry.about(record)
        _tell(entry, fact)
        if was_deceased:
            for alive in (row for row in (kept, gone) if not row.is_deceased):
                entry.publish(PatientNotDeceased(patient_id=alive.pk, at=now))


def repoint(fact: PatientsMerged, *, rows: models.QuerySet[Any], column: str = "patient") -> int:
    """Move those of `rows` that are the merged patient's to the survivor and remember which; returns how many.

    For reactions to `PatientsMerged`. Leave out of `rows` what a constraint would refuse at the survivor.
    """
    theirs = rows.filter(**{f"{column}_id": fact.merged_id})
    ids = list(theirs.order_by("pk").values_list("pk", flat=True))
    if ids:
        models.QuerySet(rows.model).filter(pk__in=ids).update(**{f"{column}_id": fact.survivor_id})
        _remember(fact.merge_id, rows.model, column=column, ids=ids)
    return len(ids)


def put_back(fact: PatientsUnmerged, *, model: type[models.Model], column: str = "patient") -> int:
    """Move exactly the rows that `repoint` moved back to the merged patient; returns how many.

    For reactions to `PatientsUnmerged`. Rows that meanwhile belong to someone else are left alone.
    """
    moves = MergeMove.objects.filter(merge_id=fact.merge_id, table=model._meta.label_lower, column=column)
    ids = [pk for move in moves for pk in move.row_ids]
    theirs: models.QuerySet[Any] = models.QuerySet(model).filter(pk__in=ids, **{f"{column}_id": fact.survivor_id})
    return theirs.update(**{f"{column}_id": fact.merged_id})


def _locked(survivor: Patient, merged: Patient) -> tuple[Patient, Patient]:
    if survivor.pk == merged.pk:
        raise SamePatient
    rows = Patient.objects.select_for_update().in_bulk(sorted([survivor.pk, merged.pk]))
    kept, gone = rows[survivor.pk], rows[merged.pk]
    if kept.merged_into_id is not None or gone.merged_into_id is not None:
        raise AlreadyMerged
    return kept, gone


def _move_everything(record: MergeRecord, *, now: datetime) -> None:
    fact = PatientsMerged(merge_id=record.pk, survivor_id=record.survivor_id, merged_id=record.merged_id, at=now)
    ContactPoint.objects.filter(patient_id=record.merged_id, preferred=True).update(preferred=False)
    for model in _MOVED:
        repoint(fact, rows=models.QuerySet(model))
    mine = CareTeamMember.objects.filter(patient_id=record.survivor_id, ends_on__isnull=True)
    twice = CareTeamMember.objects.filter(patient_id=record.merged_id, ends_on__isnull=True).filter(
        models.Exists(
            mine.filter(role=models.OuterRef("role")).filter(
                models.Q(practitioner=models.OuterRef("practitioner")) | models.Q(user=models.OuterRef("user"))
            )
        )
    )
    repoint(fact, rows=CareTeamMember.objects.exclude(pk__in=twice.values("pk")))
    _add_sites(record)
    _add_name(record)


def _move_everything_back(record: MergeRecord, fact: PatientsUnmerged) -> None:
    added: tuple[type[models.Model], ...] = (PatientSite, Name)
    for model in added:
        for move in record.moves.filter(table=model._meta.label_lower, column=ADDED):
            models.QuerySet(model).filter(pk__in=move.row_ids).delete()
    for moved in _MOVED:
        put_back(fact, model=moved)
    put_back(fact, model=CareTeamMember)
    was_preferred = ContactPoint.objects.filter(
        pk__in=record.merged_before["preferred"], patient_id=record.merged_id, retired_at__isnull=True
    )
    was_preferred.update(preferred=True)


def _add_sites(record: MergeRecord) -> None:
    there = PatientSite.objects.filter(patient_id=record.survivor_id).values("site_id")
    missing = PatientSite.objects.filter(patient_id=record.merged_id).exclude(site_id__in=there)
    made = PatientSite.objects.bulk_create(
        [PatientSite(patient_id=record.survivor_id, site_id=row.site_id) for row in missing]
    )
    _remember(record.pk, PatientSite, column=ADDED, ids=[row.pk for row in made])


def _add_name(record: MergeRecord) -> None:
    kept, gone = record.survivor, record.merged
    if rules.fold(gone.display_name) == rules.fold(kept.display_name):
        return
    name = Name.objects.create(patient=kept, kind=NameKind.ALIAS, family=gone.family, given=gone.given)
    _remember(record.pk, Name, column=ADDED, ids=[name.pk])


def _fill_in(kept: Patient, gone: Patient, *, now: datetime) -> None:
    for column in _FILLED:
        if getattr(kept, column) in ("", None):
            setattr(kept, column, getattr(gone, column))
    for column in _EITHER:
        setattr(kept, column, getattr(kept, column) or getattr(gone, column))
    if kept.sex == "unknown":
        kept.sex = gone.sex
    _refresh(kept, now=now)


def _take_out(kept: Patient, record: MergeRecord, *, now: datetime) -> None:
    """Put back what the merge filled in, unless someone has written something else there since."""
    before = record.survivor_before
    field = Patient._meta.get_field
    for column in (*_FILLED, *_EITHER, "sex"):
        was = field(column).to_python(before[column])  # type: ignore[union-attr]  # a plain column, no relation
        filled = field(column).to_python(record.merged_before[column])  # type: ignore[union-attr]  # a plain column, no relation
        if was != filled and getattr(kept, column) == filled:
            setattr(kept, column, was)
    _refresh(kept, now=now)


def _refresh(kept: Patient, *, now: datetime) -> None:
    kept.refresh_search(kept.names.values_list("given", "family"))
    kept.touch(now=now)
    kept.save()


def _columns(patient: Patient) -> dict[str, Any]:
    encode = DjangoJSONEncoder().default
    columns = {
        field.attname: getattr(patient, field.attname) for field in Patient._meta.concrete_fields if field.editable
    }
    return {
        name: value if isinstance(value, str | int | bool | None) else encode(value) for name, value in columns.items()
    }


def _preferred(patient: Patient) -> list[int]:
    return list(patient.contact_points.filter(preferred=True).values_list("pk", flat=True))


def _remember(merge_id: int, model: type[models.Model], *, column: str, ids: list[int]) -> None:
    if ids:
        MergeMove.objects.create(merge_id=merge_id, table=model._meta.label_lower, column=column, row_ids=ids)


def _pair(one: Patient, other: Patient) -> models.QuerySet[DuplicateCandidate]:
    first, second = sorted([one.pk, other.pk])
    return DuplicateCandidate.objects.filter(first_id=first, second_id=second)


def _decide(kept: Patient, gone: Patient, *, by: int | None, now: datetime) -> None:
    for candidate in _pair(kept, gone):
        candidate.decide(DuplicateDecision.MERGED, by=by, now=now)
        candidate.save()


def _hand_on_disputes(kept: Patient, gone: Patient, *, now: datetime) -> None:
    """Whoever had an identifier in dispute with the one who is gone has it with the one who goes on."""
    disputed = DuplicateCandidate.objects.filter(disputed=True, decision=DuplicateDecision.OPEN)
    for row in disputed.filter(models.Q(first=gone) | models.Q(second=gone)).select_related("first", "second"):
        other = (row.second if row.first_id == gone.pk else row.first).survivor
        if other.pk != kept.pk:
            dispute(kept, other, now=now)


def _tell(entry: Entry, fact: PatientsMerged | PatientsUnmerged) -> None:
    entry.concerns(fact.survivor_id, fact.merged_id)
    entry.publish(fact)
    for patient_id in (fact.survivor_id, fact.merged_id):
        announce(topic=f"patient:{patient_id}", what="patient-changed")
