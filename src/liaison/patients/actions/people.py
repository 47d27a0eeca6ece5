"""Registering a patient and correcting who they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from liaison.accounts.models import Site
from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.languages import shortest_tag
from liaison.core.letters import one_line
from liaison.core.live import announce
from liaison.core.refusals import NotFound, Refusal, Stale
from liaison.patients import access, rules
from liaison.patients.actions.alike import Alike, refuse_look_alikes
from liaison.patients.actions.contacts import ContactDetails, checked_contact
from liaison.patients.actions.probing import refuse_taken
from liaison.patients.events import (
    PatientChanged,
    PatientDeceased,
    PatientNotDeceased,
    PatientRegistered,
)
from liaison.patients.models import ContactPoint, Identifier, Name, Patient, PatientSite, Sex

OLDEST: Final = 130
"""Years. Longer than anyone has lived; a birth date before that is a slip."""


class DetailsWrong(Refusal):
    """Something about the person can't be as it was given; `fields` says which."""

    code = "patients.details_wrong"
    sentence = "Some of this can't be right. Correct what is marked and save again."


class NotYourSite(Refusal):
    """A patient is registered where one works."""

    code = "patients.not_your_site"
    sentence = "Choose a site at which you work: patients are registered there first."
    field = "site"


class DiedBeforeBirth(Refusal):
    """The date of death can't be."""

    code = "patients.died_before_birth"
    sentence = "The date of death is before the birth date or after today. Check both dates."
    field = "deceased_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientDetails:
    """Who someone is. Languages are BCP 47 tags; an unknown birth date is None."""

    family: str
    given: str = ""
    called_as: str = ""
    pronouns: str = ""
    birth_on: date | None = None
    sex: str = Sex.UNKNOWN
    spoken_language: str = ""
    written_language: str = ""
    interpreter_needed: bool = False
    mobility_needs: str = ""
    best_time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierDetails:
    """What a system calls a patient. `kind` is a value of `IdentifierKind`."""

    system: str
    value: str
    kind: str = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameDetails:
    """Another name. `kind` is a value of `NameKind`."""

    family: str = ""
    given: str = ""
    kind: str = "alias"


def register_patient(
    *,
    actor: Actor,
    details: PatientDetails,
    site_ids: Sequence[int],
    now: datetime,
    identifiers: Iterable[IdentifierDetails] = (),
    contacts: Iterable[ContactDetails] = (),
    other_names: Iterable[NameDetails] = (),
    alike: Alike | None = None,
) -> Patient:
    """Register a person at sites; the first is their home. Duplicates are looked for by a job afterwards.

    A person's form gives `alike`, so that one who is registered already, even in this moment, is seen first; a feed
    gives None. Refuses: LooksLikeSomeone, DetailsWrong, NotYourSite (a person works at none of `site_ids`),
    IdentifierTaken, TooManyTries, ContactWrong.
    """
    with act(actor, access.REGISTER, now=now) as entry:
        home = _checked_home(actor, site_ids)
        clean = checked_details(details, today=now.astimezone(home.zone).date())
        patient = Patient(**asdict(clean), registered_at=now, changed_at=now)
        if alike is not None:
            refuse_look_alikes(actor, alike, now=now)
        numbers = [_identifier(patient, given) for given in identifiers]
        refuse_taken(entry, numbers)
        names = list(other_names)
        patient.refresh_search([(name.given, name.family) for name in names])
        patient.save(force_insert=True)
        entry.about(patient)
        entry.concerns(patient.pk)
        PatientSite.objects.bulk_create(
            PatientSite(patient=patient, site_id=site, is_home=position == 0)
            for position, site in enumerate(dict.fromkeys(site_ids))
        )
        Identifier.objects.bulk_create(numbers)
        Name.objects.bulk_create(Name(patient=patient, **asdict(name)) for name in names)
        ContactPoint.objects.bulk_create(
            ContactPoint(patient=patient, added_at=now, **checked_contact(contact)) for contact in contacts
        )
        entry.publish(PatientRegistered(patient_id=patient.pk, at=now))
    return patient


def change_patient(
    *, actor: Actor, patient: Patient, details: PatientDetails, now: datetime, expected_version: int | None = None
) -> Patient:
    """Correct who a patient is. Nothing is written when nothing differs.

    A person's form gives the version it was opened with; a feed gives None and overwrites.
    Refuses: Stale, DetailsWrong.
    """
    with act(actor, access.CHANGE, patient=patient, subject=patient, now=now) as entry:
        row = Patient.objects.select_for_update().get(pk=patient.pk)
        if expected_version is not None and row.version != expected_version:
            raise Stale
        clean = asdict(checked_details(details, today=row.day_at(now)))
        changed = tuple(column for column, value in clean.items() if getattr(row, column) != value)
        if changed:
            for column in changed:
                setattr(row, column, clean[column])
            row.refresh_search(_names_of(row))
            _save(entry, row, changed=changed, now=now)
    return row


def add_name(*, actor: Actor, patient: Patient, name: NameDetails, now: datetime) -> Name:
    """Keep another name of a patient; the search finds it from now on. Refuses: DetailsWrong (empty, there already)."""
    with act(actor, access.CHANGE, patient=patient, now=now) as entry:
        if not rules.fold(f"{name.given} {name.family}"):
            raise DetailsWrong(fields={"family": "Give a name."})
        row = Patient.objects.select_for_update().get(pk=patient.pk)
        if row.names.filter(**asdict(name)).exists():
            raise DetailsWrong(fields={"family": "This name is there already."})
        kept = Name.objects.create(patient=patient, **asdict(name))
        row.refresh_search(_names_of(row))
        _save(entry, row, changed=("names",), now=now)
    return kept


def add_identifier(*, actor: Actor, patient: Patient, identifier: IdentifierDetails, now: datetime) -> Identifier:
    """Keep what another system calls a patient. Refuses: DetailsWrong, IdentifierTaken, TooManyTries."""
    with act(actor, access.CHANGE, patient=patient, now=now) as entry:
        if not identifier.system.strip() or not identifier.value.strip():
            raise DetailsWrong(fields={"value": "Give both the number and whose number it is."})
        kept = _identifier(patient, identifier)
        refuse_taken(entry, [kept])
        kept.save(force_insert=True)
        entry.about(kept)
        entry.publish(PatientChanged(patient_id=patient.pk, changed=("identifiers",), at=now))
        announce(topic=f"patient:{patient.pk}", what="patient-changed")
    return kept


def retire_identifier(*, actor: Actor, patient: Patient, identifier_id: int, now: datetime) -> None:
    """An identifier is no longer used; it still finds the patient. Refuses: NotFound (another's, or retired before)."""
    with act(actor, access.CHANGE, patient=patient, now=now) as entry:
        if not patient.identifiers.filter(pk=identifier_id, retired_at__isnull=True).update(retired_at=now):
            raise NotFound
        entry.note(identifier=identifier_id)
        entry.publish(PatientChanged(patient_id=patient.pk, changed=("identifiers",), at=now))
        announce(topic=f"patient:{patient.pk}", what="patient-changed")


def add_site(*, actor: Actor, patient: Patient, site_id: int, now: datetime) -> None:
    """Make someone a patient of a further site; whoever works there sees them from now on. Refuses: NotYourSite."""
    with act(actor, access.ADD_SITE, patient=patient, now=now) as entry:
        _checked_home(actor, [site_id])
        has_home = patient.sites.filter(is_home=True).exists()
        PatientSite.objects.get_or_create(patient=patient, site_id=site_id, defaults={"is_home": not has_home})
        entry.note(site=site_id)
        entry.publish(PatientChanged(patient_id=patient.pk, changed=("sites",), at=now))


def mark_deceased(*, actor: Actor, patient: Patient, on: date | None, now: datetime) -> Patient:
    """Record that a patient died, on a date if it is known. Refuses: DiedBeforeBirth."""
    with act(actor, access.MARK_DECEASED, patient=patient, subject=patient, now=now) as entry:
        row = Patient.objects.select_for_update().get(pk=patient.pk)
        if on is not None and (on > row.day_at(now) or (row.birth_on is not None and on < row.birth_on)):
            raise DiedBeforeBirth
        newly = not row.is_deceased
        row.die(on=on)
        _save(entry, row, changed=("is_deceased", "deceased_on"), now=now)
        if newly:
            entry.publish(PatientDeceased(patient_id=row.pk, at=now))
    return row


def mark_not_deceased(*, actor: Actor, patient: Patient, reason: str, now: datetime) -> Patient:
    """Take back a death that was recorded by mistake; what it ended stays ended."""
    with act(actor, access.MARK_DECEASED, patient=patient, subject=patient, reason=reason, now=now) as entry:
        row = Patient.objects.select_for_update().get(pk=patient.pk)
        row.is_deceased, row.deceased_on = False, None
        _save(entry, row, changed=("is_deceased", "deceased_on"), now=now)
        entry.publish(PatientNotDeceased(patient_id=row.pk, at=now))
    return row


def checked_details(details: PatientDetails, *, today: date) -> PatientDetails:
    """The details trimmed, languages by their shortest tags; `fields` of a DetailsWrong name what can't be."""
    texts: dict[str, Any] = {
        column: one_line(value) for column, value in asdict(details).items() if isinstance(value, str)
    }
    texts |= {column: shortest_tag(texts[column]) for column in ("spoken_language", "written_language")}
    clean = replace(details, **texts)
    wrong: dict[str, str] = {}
    if not clean.family and not clean.given:
        wrong["family"] = "Give a family name, or a given name if there is only one."
    if clean.birth_on is not None and clean.birth_on > today:
        wrong["birth_on"] = "This date is in the future."
    elif clean.birth_on is not None and rules.age_on(clean.birth_on, on=today) > OLDEST:
        wrong["birth_on"] = "This is more than 130 years ago."
    if clean.sex not in Sex.values:
        wrong["sex"] = "Choose one of the list."
    for column, longest in (("family", 200), ("given", 200), ("called_as", 200), ("pronouns", 40)):
        if len(getattr(clean, column)) > longest:
            wrong[column] = f"Shorten this to {longest} characters."
    for column in ("spoken_language", "written_language"):
        tag = getattr(clean, column)
        if tag and not rules.is_language_tag(tag):
            wrong[column] = "Choose a language of the list."
    if wrong:
        raise DetailsWrong(fields=wrong)
    return clean


def _save(entry: Entry, row: Patient, *, changed: tuple[str, ...], now: datetime) -> None:
    row.touch(now=now)
    row.save()
    entry.about(row)
    entry.note(changed=list(changed))
    entry.publish(PatientChanged(patient_id=row.pk, changed=changed, at=now))
    announce(topic=f"patient:{row.pk}", what="patient-changed")


def _checked_home(actor: Actor, site_ids: Sequence[int]) -> Site:
    """The first of the sites, if the actor registers at one of them. Refuses: NotYourSite."""
    mine = actor.sites_for(access.REGISTER)
    home = Site.objects.filter(pk__in=site_ids[:1]).first()
    if home is None or (mine is not None and not mine & set(site_ids)):
        raise NotYourSite
    return home


def _identifier(patient: Patient, given: IdentifierDetails) -> Identifier:
    system, value = given.system.strip(), given.value.strip()
    return Identifier(
        patient=patient, system=system, value=value, value_key=rules.identifier_key(value), kind=given.kind
    )


def _names_of(patient: Patient) -> list[tuple[str, str]]:
    return list(patient.names.values_list("given", "family"))
