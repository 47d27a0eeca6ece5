"""Patients, practitioners and organizations that come with the records, handed to the packages that own them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.patients.actions import (
    ContactDetails,
    IdentifierDetails,
    NameDetails,
    PatientDetails,
    add_contact_point,
    add_identifier,
    change_patient,
    mark_deceased,
    note_disputed_identifier,
    register_patient,
)
from liaison.patients.actions.contacts import checked_contact
from liaison.patients.actions.people import checked_details
from liaison.patients.models import ContactPoint, Identifier, Patient
from liaison.records.actions import tables
from liaison.records.rules.intake import Note, Received, decode
from liaison.records.rules.people import NAMELESS, IdentifierRead, PatientRead, read_patient
from liaison.records.rules.shapes import obj

_DETAILS = (
    "family",
    "given",
    "called_as",
    "birth_on",
    "sex",
    "spoken_language",
    "written_language",
    "interpreter_needed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A received Patient: `resource_id` when an earlier version of it is kept."""

    received: Received
    resource_id: int | None = None


@dataclass(slots=True)
class PatientIntake:
    """Keeps the patients of one file. They are registered at `site_id` by Liaison for `actor`."""

    actor: Actor
    site_id: int
    file: str
    now: datetime
    notes: list[Note]
    _today: date = field(init=False)

    def __post_init__(self) -> None:
        """The date at the site of the import: nobody is born after it."""
        self._today = self.now.astimezone(Site.objects.get(pk=self.site_id).zone).date()

    def keep(self, arrivals: Sequence[Arrival]) -> list[int]:
        """Register or update the patient behind each arrival; their ids, in order.

        A patient who is kept already under one of the identifiers is the same person when birth date, sex and
        family name agree and no other identifier of one system disagrees; else they are registered apart, without
        the disputed identifier. Nobody is merged by an import: whoever an identifier was disputed with waits beside
        them among the possible duplicates until a person decides, and a note says so. The same when the identifiers
        of one record are those of several patients.
        """
        read = [read_patient(one.received.value) for one in arrivals]
        owners = _owners(identifier for one in read for identifier in one.identifiers)
        ids = []
        for arrival, said in zip(arrivals, read, strict=True):
            patient_id = self._one(arrival, said, owners)
            owners.update(
                {
                    (one.system, one.value): patient_id
                    for one in said.identifiers
                    if (one.system, one.value) not in owners
                }
            )
            ids.append(patient_id)
        return ids

    def _one(self, arrival: Arrival, said: PatientRead, owners: dict[tuple[str, str], int]) -> int:
        where = arrival.received.path
        for text in said.unused:
            self._tell(where, text)
        if arrival.resource_id is not None:
            before = obj(decode(tables.bodies_of([arrival.resource_id])[0][1].encode()))
            patient_id = tables.patient_of(arrival.resource_id)
            if patient_id is not None:
                earlier = read_patient(before)
                kept = self._update(Patient.objects.get(pk=patient_id), said, earlier, owners, where)
                came = {*_keys(said)} - {*_keys(earlier)}
                self._dispute(kept, _bearers(said, owners, among=came), where)
                return kept.pk
        bearers = _bearers(said, owners)
        same = next((known for known in bearers if _same_person(known, said)), None)
        if same is not None:
            self._tell(where, "is a patient who is registered already, by an identifier that both bear")
            kept = self._update(same, said, said, owners, where)
        else:
            kept = self._register(said, owners, where)
        self._dispute(kept, bearers, where)
        return kept.pk

    def _dispute(self, patient: Patient, bearers: Sequence[Patient], where: str) -> None:
        """Leave it to a person whether `patient` is one with whoever else bears an identifier that came with them."""
        for other in bearers:
            if other.pk != patient.pk:
                note_disputed_identifier(actor=self.actor.as_liaison(), patient=patient, other=other, now=self.now)
                self._tell(
                    where,
                    f"bears an identifier of patient {other.pk} but is not surely the same person; kept apart as"
                    f" patient {patient.pk}, without that identifier. Somebody has to decide, under possible"
                    f" duplicates: /patients/merge/{other.pk}/{patient.pk}/",
                )

    def _register(self, said: PatientRead, owners: dict[tuple[str, str], int], where: str) -> Patient:
        patient = register_patient(
            actor=self.actor.as_liaison(),
            details=self._details(said, where, today=self._today),
            site_ids=[self.site_id],
            identifiers=[_identifier(one) for one in said.identifiers if (one.system, one.value) not in owners],
            contacts=self._contacts(said, where),
            other_names=[NameDetails(**asdict(one)) for one in said.names],
            now=self.now,
        )
        self._deceased(patient, said, where)
        return patient

    def _details(self, said: PatientRead, where: str, *, today: date) -> PatientDetails:
        """What patients accept; what they refuse is left out and told."""
        given = {name: getattr(said, name) for name in _DETAILS}
        try:
            return checked_details(PatientDetails(**given), today=today)
        except Refusal as refusal:
            for said_as, why in dict.fromkeys((_SAID_AS.get(name, name), why) for name, why in refusal.fields.items()):
                self._tell(where, f"{said_as} is kept as received but not used: {why}")
            given |= {name: NAMELESS if name == "family" else _EMPTY[name] for name in refusal.fields}
        return PatientDetails(**given)

    def _contacts(self, said: PatientRead, where: str) -> list[ContactDetails]:
        good, preferred = [], set()
        for one in said.contacts:
            contact = ContactDetails(**asdict(one), preferred=one.kind not in preferred)
            try:
                checked_contact(contact)
            except Refusal:
                self._tell(where, f"a {one.kind} that can't be one is kept as received but not used")
                continue
            preferred.add(one.kind)
            good.append(contact)
        return good

    def _deceased(self, patient: Patient, said: PatientRead, where: str) -> None:
        if not said.is_deceased or patient.is_deceased:
            return
        try:
            mark_deceased(actor=self.actor.as_liaison(), patient=patient, on=said.deceased_on, now=self.now)
        except Refusal as refusal:
            self._tell(where, f"the date of death is kept as received but not used: {refusal.sentence}")

    def _update(
        self,
        patient: Patient,
        said: PatientRead,
        before: PatientRead,
        owners: dict[tuple[str, str], int],
        where: str,
    ) -> Patient:
        """Follow what changed at the source since `before`; what people here have changed meanwhile stays."""
        actor, patient = self.actor.as_liaison(), patient.survivor
        today = patient.day_at(self.now)
        old, new = self._details(before, where, today=today), self._details(said, where, today=today)
        follow = {
            name: getattr(new, name)
            for name in _DETAILS
            if getattr(new, name) != getattr(old, name) and getattr(patient, name) == getattr(old, name)
        }
        if follow:
            current = PatientDetails(**{one.name: getattr(patient, one.name) for one in fields(PatientDetails)})
            change_patient(actor=actor, patient=patient, details=replace(current, **follow), now=self.now)
        for identifier in said.identifiers:
            if (identifier.system, identifier.value) not in owners:
                add_identifier(actor=actor, patient=patient, identifier=_identifier(identifier), now=self.now)
        self._add_contacts(patient, said, before, where)
        self._deceased(patient, said, where)
        return patient

    def _add_contacts(self, patient: Patient, said: PatientRead, before: PatientRead, where: str) -> None:
        came = {*said.contacts} - {*before.contacts}
        kept = set(ContactPoint.objects.filter(patient=patient).values_list("kind", "value_key"))
        added: set[tuple[str, str, str]] = set()
        for contact in self._contacts(
            replace(said, contacts=tuple(one for one in said.contacts if one in came)), where
        ):
            key = checked_contact(contact)["value_key"]
            if (contact.kind, key) not in kept and (contact.kind, key, contact.use) not in added:
                added.add((contact.kind, key, contact.use))
                plain = replace(contact, preferred=False)
                add_contact_point(actor=self.actor.as_liaison(), patient=patient, contact=plain, now=self.now)

    def _tell(self, where: str, text: str) -> None:
        self.notes.append(Note(file=self.file, path=where, text=text))


_EMPTY: dict[str, Any] = {
    "given": "", "called_as": "", "birth_on": None, "sex": "unknown", "spoken_language": "", "written_language": "",
}  # fmt: skip

_SAID_AS = {"birth_on": "birthDate", "spoken_language": "communication", "written_language": "communication"}
"""FHIR's own names (R4, Patient) for what is called otherwise here: a note names what stands in the file."""


def _owners(identifiers: Iterable[IdentifierRead]) -> dict[tuple[str, str], int]:
    """Which of these (system, value) pairs a patient bears already."""
    wanted = {(one.system, one.value) for one in identifiers}
    found = Identifier.objects.filter(system__in={pair[0] for pair in wanted}, value__in={pair[1] for pair in wanted})
    rows = found.values_list("system", "value", "patient_id")
    return {(system, value): patient for system, value, patient in rows if (system, value) in wanted}


def _keys(said: PatientRead) -> list[tuple[str, str]]:
    return [(one.system, one.value) for one in said.identifiers]


def _bearers(
    said: PatientRead, owners: dict[tuple[str, str], int], *, among: Collection[tuple[str, str]] | None = None
) -> Sequence[Patient]:
    """The patients who bear the identifiers of a record (or those `among` them), each once, in their order."""
    keys = _keys(said) if among is None else [key for key in _keys(said) if key in among]
    ids = dict.fromkeys(owners[key] for key in keys if key in owners)
    return list({known.pk: known for known in (Patient.objects.get(pk=pk).survivor for pk in ids)}.values())


def _same_person(known: Patient, said: PatientRead) -> bool:
    born: date | None = known.birth_on
    if born is None or born != said.birth_on or known.sex != said.sex:
        return False
    if known.family.casefold() != said.family.casefold() or not _given_alike(known.given, said.given):
        return False
    mine = dict(known.identifiers.values_list("system", "value"))
    return all(mine.get(one.system, one.value) == one.value for one in said.identifiers)


def _given_alike(one: str, other: str) -> bool:
    """Whether two given names can be one person's: twins share all the rest, also a family's insurance number."""
    first, second = one.casefold().split(), other.casefold().split()
    return not first or not second or bool(set(first) & set(second))


def _identifier(one: IdentifierRead) -> IdentifierDetails:
    return IdentifierDetails(system=one.system, value=one.value, kind=one.kind)
