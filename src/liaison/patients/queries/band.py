"""Everything that the patient band shows, in seven queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from liaison.core.actor import Actor
from liaison.patients import rules
from liaison.patients.models import BreakGlassGrant, CareTeamMember, ContactKind, ContactPoint, Patient, Proxy
from liaison.patients.queries.people import refuse_unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierShown:
    """What one system calls them."""

    id: int
    kind: str
    label: str
    system: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactShown:
    """One way to reach them. `shown` is for reading, `dial` for `tel:` and `mailto:`; `mark` is given back by a
    button that was drawn for this number.
    """

    id: int
    kind: str
    use: str
    shown: str
    dial: str
    preferred: bool
    confidential: bool
    may_call: bool
    may_leave_message: bool
    may_text: bool
    may_email: bool
    usable: bool
    bad_reason: str
    note: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyShown:
    """Who may speak for them. `scope` is what of it holds today, by the patient's age; empty: nothing any more."""

    id: int
    name: str
    relationship: str
    kind: str
    scope: frozenset[rules.Scope]
    limited: bool
    phone: str
    dial: str
    email: str
    language: str
    starts_on: date
    ends_on: date | None
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTeamShown:
    """Someone who looks after them."""

    id: int
    name: str
    role: str
    label: str
    specialty: str
    where: str
    phone: str
    user_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertShown:
    """What must be seen first."""

    id: int
    kind: str
    label: str
    text: str
    raised_at: datetime
    raised_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The band over every page of a patient. `ways` are how to reach them now, the best first."""

    patient_id: int
    version: int
    name: str
    goes_by: str
    called_as: str
    pronouns: str
    birth_on: date | None
    age: int | None
    sex: str
    sex_label: str
    is_deceased: bool
    deceased_on: date | None
    spoken_language: str
    written_language: str
    language: str
    reads: str
    interpreter_needed: bool
    mobility_needs: str
    best_time: str
    do_not_text: bool
    confidential_only: bool
    home_site: str
    time_zone: str
    identifiers: Sequence[IdentifierShown]
    contacts: Sequence[ContactShown]
    ways: Sequence[rules.Way]
    proxies: Sequence[ProxyShown]
    alerts: Sequence[AlertShown]
    care_team: Sequence[CareTeamShown]
    other_names: Sequence[str]
    glass_until: datetime | None


def band(actor: Actor, *, patient: Patient, now: datetime) -> Band:
    """Everything the band shows of a patient at `now`. Refuses: NotFound when the actor can't see them."""
    refuse_unseen(actor, patient=patient, now=now)
    points = list(patient.contact_points.filter(retired_at__isnull=True))
    lines = [line_of(point) for point in points]
    home = patient.home_site()
    today = now.astimezone(home.zone if home is not None else UTC).date()
    glass = BreakGlassGrant.objects.live(now=now).filter(patient=patient, user_id=actor.user_id or 0)
    return Band(
        patient_id=patient.pk,
        version=patient.version,
        name=patient.display_name,
        goes_by=patient.goes_by,
        called_as=patient.called_as if patient.called_as != patient.given else "",
        pronouns=patient.pronouns,
        birth_on=patient.birth_on,
        age=_age(patient, on=today),
        sex=patient.sex,
        sex_label=patient.get_sex_display(),
        is_deceased=patient.is_deceased,
        deceased_on=patient.deceased_on,
        spoken_language=patient.spoken_language,
        written_language=patient.written_language,
        language=rules.language_name(patient.spoken_language) if patient.spoken_language else "",
        reads=rules.language_name(patient.written_language) if patient.written_language else "",
        interpreter_needed=patient.interpreter_needed,
        mobility_needs=patient.mobility_needs,
        best_time=patient.best_time,
        do_not_text=bool(points) and not any(point.may_text for point in points),
        confidential_only=rules.keeps_to_confidential(lines),
        home_site=home.name if home is not None else "",
        time_zone=home.time_zone if home is not None else "UTC",
        identifiers=_identifiers(patient),
        contacts=[_contact(point) for point in points],
        ways=rules.ways_to_reach(lines),
        proxies=_proxies(patient, on=today),
        alerts=_alerts(patient),
        care_team=_care_team(patient, on=today),
        other_names=[str(name) for name in patient.names.all()],
        glass_until=glass.values_list("expires_at", flat=True).order_by("-expires_at").first(),
    )


def line_of(point: ContactPoint) -> rules.Line:
    """A contact point as `rules.reaching` reads it; its value is what is dialled or written to."""
    return rules.Line(
        id=point.pk,
        kind=point.kind,
        value=point.value if point.kind == ContactKind.ADDRESS else point.value_key,
        preferred=point.preferred,
        confidential=point.confidential,
        may_call=point.may_call,
        may_leave_message=point.may_leave_message,
        may_text=point.may_text,
        may_email=point.may_email,
        usable=point.usable,
    )


def _age(patient: Patient, *, on: date) -> int | None:
    if patient.birth_on is None or patient.birth_on > on:
        return None
    return rules.age_on(patient.birth_on, on=min(on, patient.deceased_on or on))


def _identifiers(patient: Patient) -> Sequence[IdentifierShown]:
    rows = sorted(patient.identifiers.filter(retired_at__isnull=True), key=lambda row: (row.kind != "mrn", row.pk))
    return [
        IdentifierShown(id=row.pk, kind=row.kind, label=row.get_kind_display(), system=row.system, value=row.value)
        for row in rows
    ]


def _contact(point: ContactPoint) -> ContactShown:
    return ContactShown(
        id=point.pk,
        kind=point.kind,
        use=point.get_use_display(),
        shown=shown_contact(point),
        dial=point.value_key.partition(";")[0] if point.kind != ContactKind.ADDRESS else "",
        preferred=point.preferred,
        confidential=point.confidential,
        may_call=point.may_call,
        may_leave_message=point.may_leave_message,
        may_text=point.may_text,
        may_email=point.may_email,
        usable=point.usable,
        bad_reason=point.bad_reason,
        note=point.note,
        mark=point.mark,
    )


def shown_contact(point: ContactPoint) -> str:
    """A number as people write it, an address in one line, e-mail as it was given."""
    if point.kind in (ContactKind.PHONE, ContactKind.FAX):
        return rules.shown_phone(point.value_key)
    if point.kind == ContactKind.ADDRESS:
        town = " ".join(part for part in (point.state, point.postal_code) if part)
        return ", ".join(part for part in (point.value, point.city, town) if part)
    return point.value


def _proxies(patient: Patient, *, on: date) -> Sequence[ProxyShown]:
    rows: Sequence[Proxy] = list(patient.proxies.all())
    shown = []
    for row in rows:
        if row.ended_at is not None or (row.ends_on is not None and row.ends_on <= on):
            continue
        scope = rules.allowed_scope(
            row.kind, granted=row.scope, birth_on=patient.birth_on, deceased=patient.is_deceased, on=on
        )
        shown.append(
            ProxyShown(
                id=row.pk,
                name=row.name,
                relationship=row.relationship,
                kind=row.get_kind_display(),
                scope=scope if row.starts_on <= on else frozenset(),
                limited=scope != rules.FULL_SCOPE,
                phone=rules.shown_phone(row.phone) if row.phone else "",
                dial=rules.phone_key(row.phone) or "",
                email=row.email,
                language=rules.language_name(row.language) if row.language else "",
                starts_on=row.starts_on,
                ends_on=row.ends_on,
                evidence=row.evidence,
            )
        )
    return shown


def _alerts(patient: Patient) -> Sequence[AlertShown]:
    rows = patient.alerts.filter(ended_at__isnull=True).select_related("raised_by")
    return [
        AlertShown(
            id=row.pk,
            kind=row.kind,
            label=row.get_kind_display(),
            text=row.text,
            raised_at=row.raised_at,
            raised_by=row.raised_by.name if row.raised_by else "",
        )
        for row in rows
    ]


def _care_team(patient: Patient, *, on: date) -> Sequence[CareTeamShown]:
    rows = CareTeamMember.objects.on(on).filter(patient=patient)
    rows = rows.select_related("user", "practitioner__specialty", "practitioner__site", "practitioner__organization")
    shown = []
    for row in rows:
        clinician = row.practitioner
        shown.append(
            CareTeamShown(
                id=row.pk,
                name=str(row),
                role=row.role,
                label=row.get_role_display(),
                specialty=clinician.specialty.name if clinician and clinician.specialty else "",
                where=clinician.where if clinician else "",
                phone=rules.shown_phone(clinician.phone) if clinician and clinician.phone else "",
                user_id=row.user_id or (clinician.user_id if clinician else None),
            )
        )
    return shown
