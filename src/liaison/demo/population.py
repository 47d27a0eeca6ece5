"""Bring the invented charts in by the import, and give people what no chart says: wishes, proxies, alerts."""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from liaison.core.actor import Actor
from liaison.demo.charts import SYSTEM, Chart, write_patients, write_stays
from liaison.demo.staff import Staffed
from liaison.patients.actions import (
    ContactDetails,
    PatientDetails,
    ProxyDetails,
    add_care_team_member,
    add_proxy,
    change_contact_point,
    change_patient,
    raise_alert,
)
from liaison.patients.models import AlertKind, CareRole, ContactKind, Identifier, Patient, ProxyKind
from liaison.patients.ports import Scope
from liaison.records.actions import import_files

BEGAN = timedelta(days=15)
"""So long ago the charts came in."""

_ALERTS = (
    (AlertKind.SAFETY, "Falls: walk with them from the entrance"),
    (AlertKind.COMMUNICATION, "Hard of hearing: speak slowly, left side"),
    (AlertKind.CLINICAL, "On anticoagulant"),
    (AlertKind.ADMINISTRATIVE, "Needs the ground-floor rooms"),
)


def bring_in(charts: list[Chart], staffed: Staffed, *, actor: Actor, now: datetime) -> dict[int, Patient]:
    """Import every site's charts, and the news of each hospital stay an hour after it ended.

    Returns patients by the number of their chart.
    """
    with tempfile.TemporaryDirectory(prefix="liaison-demo-") as name:
        for code in staffed.sites:
            path = write_patients(charts, site=code, folder=Path(name))
            _take_in(path, code, staffed, actor=actor, now=now - BEGAN)
        for (ended, code), group in sorted(_by_discharge(charts).items()):
            path = write_stays(group, name=f"{code.lower()}-{ended:%Y%m%d%H%M}", folder=Path(name))
            _take_in(path, code, staffed, actor=actor, now=min(ended + timedelta(hours=1), now))
    by_mrn = Identifier.objects.filter(system=SYSTEM).select_related("patient")
    return {int(found.value.removeprefix("RH")): found.patient for found in by_mrn}


def _by_discharge(charts: Iterable[Chart]) -> dict[tuple[datetime, str], list[Chart]]:
    """Charts of people who left hospital, by when they left and by site."""
    found: dict[tuple[datetime, str], list[Chart]] = defaultdict(list)
    for chart in charts:
        if chart.discharged_at is not None:
            found[chart.discharged_at, chart.site].append(chart)
    return found


def _take_in(path: Path, code: str, staffed: Staffed, *, actor: Actor, now: datetime) -> None:
    summary = import_files(actor, paths=[path], now=now, site=staffed.sites[code], system=SYSTEM)
    if summary.rejects:
        raise RuntimeError(f"The demonstration's own charts were rejected: {summary.rejects[:3]}")


def introduce(
    charts: Iterable[Chart], patients: dict[int, Patient], staffed: Staffed, *, dice: random.Random, now: datetime
) -> None:
    """Say who looks after whom, who speaks for whom, and what must be seen first."""
    for chart in charts:
        patient = patients[chart.number]
        coordinators = staffed.working_at(chart.site, "coordinator") or ["Grace Okafor"]
        actor = staffed.who("Marta Kowalska")
        _wishes(chart, patient, actor=actor, dice=dice, now=now)
        _allow(patient, actor=actor, dice=dice, now=now)
        add_care_team_member(
            actor=actor, patient=patient, role=CareRole.COORDINATOR,
            user_id=staffed.people[dice.choice(coordinators)].pk, now=now,
        )  # fmt: skip
        if dice.random() < 0.12:
            kind, text = dice.choice(_ALERTS)
            raise_alert(actor=actor, patient=patient, kind=kind, text=text, now=now)
        if chart.number == 1:
            _june(patient, actor=actor, now=now)
        elif dice.random() < 0.1:
            _proxy(chart, patient, actor=actor, dice=dice, now=now)


def _wishes(chart: Chart, patient: Patient, *, actor: Actor, dice: random.Random, now: datetime) -> None:
    details = PatientDetails(
        family=patient.family,
        given=patient.given,
        called_as=chart.given if chart.number == 1 else "",
        birth_on=patient.birth_on,
        sex=patient.sex,
        spoken_language=chart.language,
        written_language="es" if chart.language == "es" else "en",
        interpreter_needed=chart.language != "en" and dice.random() < 0.7,
        mobility_needs="Wheelchair" if dice.random() < 0.05 else "",
        best_time=dice.choice(("", "", "mornings", "after 3 pm")),
    )
    change_patient(actor=actor, patient=patient, details=details, now=now)


def _allow(patient: Patient, *, actor: Actor, dice: random.Random, now: datetime) -> None:
    """Most agreed to e-mail and to messages on the machine, many to texts; no feed says so."""
    for point in patient.contact_points.exclude(kind=ContactKind.ADDRESS):
        is_phone = point.kind == ContactKind.PHONE
        contact = ContactDetails(
            kind=point.kind,
            value=point.value,
            use=point.use,
            preferred=is_phone,
            may_leave_message=is_phone and dice.random() < 0.7,
            may_text=is_phone and dice.random() < 0.55,
            may_email=not is_phone and dice.random() < 0.9,
        )
        change_contact_point(actor=actor, patient=patient, contact_point_id=point.pk, contact=contact, now=now)


def _june(patient: Patient, *, actor: Actor, now: datetime) -> None:
    proxy = ProxyDetails(
        name="June Ng",
        relationship="daughter",
        kind=ProxyKind.HEALTH_CARE_PROXY,
        scope=frozenset(Scope),
        evidence="Health care proxy form, seen at registration",
        starts_on=patient.day_at(now) - timedelta(days=200),
        ends_on=patient.day_at(now) + timedelta(days=900),
        phone="+15185559911",
        email="june.ng@example.org",
    )
    add_proxy(actor=actor, patient=patient, proxy=proxy, now=now)


def _proxy(chart: Chart, patient: Patient, *, actor: Actor, dice: random.Random, now: datetime) -> None:
    proxy = ProxyDetails(
        name=f"{dice.choice(('Robin', 'Dana', 'Alex', 'Noa'))} {chart.family}",
        relationship=dice.choice(("spouse", "son", "daughter", "sister")),
        kind=ProxyKind.CONSENT,
        scope=frozenset({Scope.SCHEDULE, Scope.MESSAGES}),
        evidence="Consent form, signed at the desk",
        starts_on=patient.day_at(now) - timedelta(days=90),
        ends_on=patient.day_at(now) + timedelta(days=270),
        phone=f"+1518556{chart.number:04d}",
    )
    add_proxy(actor=actor, patient=patient, proxy=proxy, now=now)
