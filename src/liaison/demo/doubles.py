"""People who were registered twice, so that the page of duplicates has something to decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from liaison.core.actor import Actor, system_actor
from liaison.demo.charts import SYSTEM, Chart
from liaison.demo.staff import Staffed
from liaison.patients.actions import (
    ContactDetails,
    IdentifierDetails,
    PatientDetails,
    note_duplicates,
    register_patient,
)
from liaison.patients.models import ContactKind, Patient
from liaison.patients.queries import pairs_for

AT: Final = "RIV"
SECOND_NUMBER: Final = "RH9{number:05d}"


def register_twice(
    charts: Sequence[Chart], patients: dict[int, Patient], staffed: Staffed, *, now: datetime
) -> list[Patient]:
    """Two second registrations at the front desk: one in haste, without a number, and one with another number.

    Returns the second registrations. There are fewer when fewer than two people besides Walter live at Riverside.
    """
    actor = staffed.who(staffed.working_at(AT, "front_desk")[0])
    known = [chart for chart in charts if chart.site == AT and chart.number != 1 and chart.discharged_at is None]
    made = []
    for chart, register in zip(known, (_in_haste, _with_another_number), strict=False):
        double = register(actor, chart, patients[chart.number], staffed=staffed, now=now)
        found = pairs_for(system_actor("demonstration"), patient=double, now=now)
        note_duplicates(actor=system_actor("demonstration"), patient=double, pairs=found, now=now)
        made.append(double)
    return made


def _in_haste(actor: Actor, chart: Chart, patient: Patient, *, staffed: Staffed, now: datetime) -> Patient:
    """A walk-in: the name by ear, the same phone, no number asked for."""
    phones = patient.contact_points.filter(kind=ContactKind.PHONE)
    return register_patient(
        actor=actor,
        details=_details(chart, family=_by_ear(chart.family)),
        site_ids=[staffed.sites[AT].pk],
        contacts=[ContactDetails(kind=ContactKind.PHONE, value=point.value, use=point.use) for point in phones],
        now=now,
    )


def _with_another_number(actor: Actor, chart: Chart, patient: Patient, *, staffed: Staffed, now: datetime) -> Patient:
    """The same name and birth date under a second number of ours: one person, or two who share both."""
    addresses = patient.contact_points.filter(kind=ContactKind.ADDRESS)
    return register_patient(
        actor=actor,
        details=_details(chart, family=chart.family),
        site_ids=[staffed.sites[AT].pk],
        identifiers=[IdentifierDetails(system=SYSTEM, value=SECOND_NUMBER.format(number=chart.number))],
        contacts=[ContactDetails(kind=ContactKind.ADDRESS, value=point.value, use=point.use) for point in addresses],
        now=now,
    )


def _details(chart: Chart, *, family: str) -> PatientDetails:
    return PatientDetails(
        family=family,
        given=chart.given,
        birth_on=chart.birth_on,
        sex=chart.gender,
        spoken_language=chart.language,
        written_language="es" if chart.language == "es" else "en",
    )


def _by_ear(family: str) -> str:
    """The name as someone hears it: its last letter is doubled."""
    return family + family[-1]
