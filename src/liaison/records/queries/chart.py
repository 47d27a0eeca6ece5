"""Reading the chart as received: one resource, a patient's timeline."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.urls import reverse

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.timeline import TimelineEntry, noon_of, years_in
from liaison.patients.models import Patient
from liaison.records.access import READ_CHART
from liaison.records.models import EarlierVersion, Resource
from liaison.records.queries.documents import HeldFile, held_file
from liaison.records.rules.intake import decode
from liaison.records.rules.readable import Row, rows_of

SOURCE: Final = "records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One content of a resource that came: `current` or earlier."""

    number: int
    received_at: datetime
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceView:
    """One resource as received. `raw` is its JSON, indented, every number with the digits it came with."""

    pk: int
    patient: Patient
    resource_type: str
    fhir_id: str
    title: str
    detail: str
    kind: str
    status: str
    at: datetime | None
    date_only: bool
    system: str
    version: Version
    versions: tuple[Version, ...]
    rows: tuple[Row, ...]
    raw: str
    file: HeldFile | None


def get_resource(actor: Actor, *, resource_id: int, version: int | None = None, now: datetime) -> ResourceView:
    """One resource of a patient's chart, in its present or an earlier version.

    Refuses: NotFound (also for what belongs to no patient, and for patients this actor can't see), Forbidden.
    """
    if not actor.may(READ_CHART):
        raise Forbidden
    patients = Patient.objects.visible_to(actor, READ_CHART, now=now)
    found = Resource.objects.filter(pk=resource_id, patient__in=patients)
    resource = found.select_related("patient").defer("body").first()
    if resource is None or resource.patient is None:
        raise NotFound
    seen(resource.patient.pk)
    earlier = list(EarlierVersion.objects.filter(resource=resource).defer("body").order_by("-version"))
    versions = (
        Version(number=resource.version, received_at=resource.received_at, current=True),
        *(Version(number=one.version, received_at=one.received_at, current=False) for one in earlier),
    )
    shown = next((one for one in versions if one.number == (version or resource.version)), None)
    if shown is None:
        raise NotFound
    text = (
        _text(found) if shown.current else _text(EarlierVersion.objects.filter(resource=resource, version=shown.number))
    )
    body = decode(text.encode())
    return ResourceView(
        pk=resource.pk,
        patient=resource.patient,
        resource_type=resource.resource_type,
        fhir_id=resource.fhir_id,
        title=resource.title,
        detail=resource.detail,
        kind=resource.kind,
        status=resource.status,
        at=resource.at,
        date_only=resource.date_only,
        system=resource.system,
        version=shown,
        versions=versions,
        rows=rows_of(body),
        file=held_file(body),
        raw=msgspec.json.format(text, indent=2),
    )


def _text(rows: QuerySet[Any]) -> str:
    """The body of the one row as text: read as JSON, its decimals would lose digits."""
    text: str = rows.annotate(text=Cast("body", TextField())).values_list("text", flat=True).get()
    return text


def timeline(
    actor: Actor,
    *,
    patient: Patient,
    kinds: Collection[str] = (),
    before: datetime | None = None,
    limit: int = 50,
    text: str = "",
    now: datetime,
) -> tuple[TimelineEntry, ...]:
    """What was received about a patient, the newest first: at most `limit`, earlier than `before`.

    `kinds` of nothing means all kinds; `text` are words that title or detail must hold. Someone whose role does
    not include the chart (front desk, billing) is told nothing of it. Refuses: NotFound.
    """
    if not patient.reachable_by(actor, now=now):
        raise NotFound
    if not patient.reachable_by(actor, READ_CHART, now=now):
        return ()
    seen(patient.pk)
    rows = Resource.objects.filter(patient=patient).on_timeline()
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if before is not None:
        rows = rows.filter(at__lt=before)
    for word in text.split():
        rows = rows.filter(title__icontains=word) | rows.filter(detail__icontains=word)
    return _entries(rows.order_by("-at", "-pk")[:limit])


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedLater:
    """What a chart dates later than now: how much in all, and the entries that come first, the nearest first."""

    count: int
    entries: tuple[TimelineEntry, ...]


def dated_later(
    actor: Actor, *, patient: Patient, now: datetime, zone: tzinfo, kinds: Collection[str] = (), limit: int = 20
) -> DatedLater:
    """What the chart holds of days and hours to come: planned things, wrong dates, all that a training clock hides.

    `zone` says which day today is. Someone whose role does not include the chart is told nothing. Refuses: NotFound.
    """
    if not patient.reachable_by(actor, now=now):
        raise NotFound
    if not patient.reachable_by(actor, READ_CHART, now=now):
        return DatedLater(count=0, entries=())
    today = noon_of(now.astimezone(zone).date())
    rows = Resource.objects.filter(patient=patient, at__gt=min(now, today)).on_timeline()
    rows = rows.filter(Q(date_only=False, at__gt=now) | Q(date_only=True, at__gt=today))
    if kinds:
        rows = rows.filter(kind__in=kinds)
    seen(patient.pk)
    return DatedLater(count=rows.count(), entries=_entries(rows.order_by("at", "pk")[:limit]))


def timeline_years(actor: Actor, *, patient: Patient, before: datetime, now: datetime) -> frozenset[int]:
    """The years before an instant in which the timeline of the chart has something. Refuses: NotFound."""
    if not patient.reachable_by(actor, now=now):
        raise NotFound
    if not patient.reachable_by(actor, READ_CHART, now=now):
        return frozenset()
    return years_in(Resource.objects.filter(patient=patient, at__lt=before).on_timeline(), "at")


def _entries(rows: QuerySet[Resource]) -> tuple[TimelineEntry, ...]:
    columns = rows.values_list("pk", "at", "kind", "title", "detail", "date_only")
    return tuple(
        TimelineEntry(
            at=at,
            kind=kind,
            title=title,
            detail=detail,
            url=reverse("records:resource", args=[pk]),
            source=SOURCE,
            key=f"{pk:020d}",
            date_only=date_only,
        )
        for pk, at, kind, title, detail, date_only in columns
        if at is not None  # the query asks for dated rows only; the column may be empty
    )
