"""How to reach a patient: adding, correcting and giving up contact points."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import NotFound, Refusal, Stale
from liaison.patients import access, rules
from liaison.patients.events import ContactPointsChanged
from liaison.patients.models import ContactKind, ContactPoint, ContactUse, Patient


class ContactWrong(Refusal):
    """This can't be a phone number, an e-mail address or a postal address; `fields` says which."""

    code = "patients.contact_wrong"
    sentence = "This does not look right. Correct what is marked and save again."


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDetails:
    """One way to reach someone. For an address `value` holds the street lines; the rest has fields of its own."""

    kind: str
    value: str
    use: str = ContactUse.HOME
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    preferred: bool = False
    confidential: bool = False
    may_call: bool = True
    may_leave_message: bool = False
    may_text: bool = False
    may_email: bool = False
    note: str = ""


def add_contact_point(*, actor: Actor, patient: Patient, contact: ContactDetails, now: datetime) -> ContactPoint:
    """Add a way to reach a patient. A preferred one takes that from the other of its kind.

    Refuses: ContactWrong, also for what is there already (a form that was sent twice).
    """
    with act(actor, access.CHANGE_CONTACTS, patient=patient, now=now) as entry:
        Patient.objects.select_for_update().get(pk=patient.pk)
        columns = checked_contact(contact)
        same = {name: columns[name] for name in ("kind", "value_key", "use")}
        if patient.contact_points.filter(retired_at__isnull=True, **same).exists():
            raise ContactWrong(fields={"value": "This is there already. Correct that entry instead."})
        if contact.preferred:
            _nothing_preferred(patient, kind=contact.kind)
        point = ContactPoint.objects.create(patient=patient, added_at=now, **columns)
        _told(entry, point, now=now)
    return point


def change_contact_point(
    *,
    actor: Actor,
    patient: Patient,
    contact_point_id: int,
    contact: ContactDetails,
    now: datetime,
    expected: str | None = None,
) -> ContactPoint:
    """Correct a way to reach a patient; a new number is good until found bad.

    A person's form gives the `ContactPoint.mark` that it was opened with; None overwrites.
    Refuses: Stale, ContactWrong.
    """
    with act(actor, access.CHANGE_CONTACTS, patient=patient, now=now) as entry:
        Patient.objects.select_for_update().get(pk=patient.pk)  # one at a time: their preferences exclude each other
        point = _point(patient, contact_point_id, expected=expected)
        columns = checked_contact(contact)
        if contact.preferred and not point.preferred:
            _nothing_preferred(patient, kind=contact.kind)
        if columns["value_key"] != point.value_key:
            point.mark_good()
        for column, value in columns.items():
            setattr(point, column, value)
        point.save()
        _told(entry, point, now=now)
    return point


def retire_contact_point(
    *, actor: Actor, patient: Patient, contact_point_id: int, now: datetime, expected: str | None = None
) -> None:
    """They are no longer reached here; the row stays. Refuses: NotFound, Stale (`expected` is of another number)."""
    with act(actor, access.CHANGE_CONTACTS, patient=patient, now=now) as entry:
        point = _point(patient, contact_point_id, expected=expected)
        point.retire(now=now)
        point.save()
        _told(entry, point, now=now)


def mark_contact_bad(
    *,
    actor: Actor,
    patient: Patient,
    contact_point_id: int,
    reason: str,
    now: datetime,
    expected: str | None = None,
) -> ContactPoint:
    """It does not reach them (a wrong number, a mailbox that bounces): nothing goes there until it is corrected.

    Refuses: NotFound, Stale (`expected` is the mark of what somebody saw, and it was corrected since).
    """
    with act(actor, access.CHANGE_CONTACTS, patient=patient, reason=reason, now=now) as entry:
        point = _point(patient, contact_point_id, expected=expected)
        if point.bad_since is None:
            point.mark_bad(reason=reason[:120], now=now)
            point.save()
            _told(entry, point, now=now)
    return point


def mark_contact_good(
    *, actor: Actor, patient: Patient, contact_point_id: int, now: datetime, expected: str | None = None
) -> ContactPoint:
    """It reaches them after all. Refuses: NotFound, Stale."""
    with act(actor, access.CHANGE_CONTACTS, patient=patient, now=now) as entry:
        point = _point(patient, contact_point_id, expected=expected)
        point.mark_good()
        point.save()
        _told(entry, point, now=now)
    return point


def checked_contact(contact: ContactDetails) -> dict[str, Any]:
    """The columns of a contact point, its key computed. What a kind can't allow is not kept."""
    wrong: dict[str, str] = {}
    if contact.kind not in ContactKind.values:
        wrong["kind"] = "Choose one of the list."
    if contact.use not in ContactUse.values:
        wrong["use"] = "Choose one of the list."
    key, remedy = _key(contact)
    if not key:
        wrong["value"] = remedy
    if wrong:
        raise ContactWrong(fields=wrong)
    phone = contact.kind == ContactKind.PHONE
    return {
        **asdict(contact),
        "value": " ".join(contact.value.split()),
        "value_key": key,
        "may_call": phone and contact.may_call,
        "may_leave_message": phone and contact.may_leave_message,
        "may_text": phone and contact.may_text,
        "may_email": contact.kind == ContactKind.EMAIL and contact.may_email,
    }


def _key(contact: ContactDetails) -> tuple[str, str]:
    if contact.kind in (ContactKind.PHONE, ContactKind.FAX):
        return rules.phone_key(contact.value) or "", "Give a number with its area code, such as (207) 555-0123."
    if contact.kind == ContactKind.EMAIL:
        return rules.email_key(contact.value) or "", "Give an address such as walter@example.org."
    parts = (contact.value, contact.city, contact.state, contact.postal_code)
    return rules.address_key(*parts), "Give a street, or a post office box."


def _point(patient: Patient, contact_point_id: int, *, expected: str | None) -> ContactPoint:
    try:
        point = patient.contact_points.select_for_update().get(pk=contact_point_id, retired_at__isnull=True)
    except ContactPoint.DoesNotExist:
        raise NotFound from None
    if expected is not None and point.mark != expected:
        raise Stale
    return point


def _nothing_preferred(patient: Patient, *, kind: str) -> None:
    patient.contact_points.filter(kind=kind, preferred=True).update(preferred=False)


def _told(entry: Entry, point: ContactPoint, *, now: datetime) -> None:
    entry.about(point)
    entry.publish(ContactPointsChanged(patient_id=point.patient_id, contact_point_id=point.pk, at=now))
    announce(topic=f"patient:{point.patient_id}", what="contacts-changed")
