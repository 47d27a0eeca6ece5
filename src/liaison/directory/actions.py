"""The only writes to the directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from liaison.accounts.actions import refuse_further
from liaison.accounts.models import User
from liaison.core.act import Place, act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.numbers import written_number
from liaison.core.refusals import Forbidden, Refusal, Stale
from liaison.directory.access import CHANGE, LINK
from liaison.directory.models import Organization, OrganizationKind, Practitioner, Specialty
from liaison.directory.rules import npi_is_valid


class EntryWrong(Refusal):
    """Something about the entry can't be as it was given; `fields` says which."""

    code = "directory.entry_wrong"
    sentence = "Some of this can't be right. Correct what is marked and save again."


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerDetails:
    """A clinician. Of ours by `site_id`, of another place by `organization_id`; `specialty` is a code.

    Numbers are kept as people here write them, however they come; what is received and is none is kept as it came.
    """

    name: str
    npi: str = ""
    specialty: str = ""
    user_id: int | None = None
    site_id: int | None = None
    organization_id: int | None = None
    phone: str = ""
    fax: str = ""
    email: str = ""
    languages: str = ""
    takes_referrals: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDetails:
    """A place outside our own sites; `specialties` are codes."""

    name: str
    kind: str = OrganizationKind.CLINIC
    npi: str = ""
    phone: str = ""
    fax: str = ""
    email: str = ""
    address: str = ""
    takes_referrals: bool = True
    note: str = ""
    specialties: Sequence[str] = ()


def add_practitioner(*, actor: Actor, details: PractitionerDetails, now: datetime) -> Practitioner:
    """Put a clinician into the directory; who signs in as them is `directory.link`, and needs a fresh proof.

    Refuses: EntryWrong, Forbidden (at a site where one changes no entries), and what linking refuses: Forbidden,
    StepUpNeeded, ReachesFurther.
    """
    columns = _practitioner_columns(details)
    with act(actor, CHANGE, site_id=_site_or_none(details.site_id), now=now) as entry:
        practitioner = Practitioner.objects.create(**columns)
        entry.about(practitioner)
        _link(actor, practitioner, user_id=details.user_id, now=now)
    return practitioner


def change_practitioner(
    *, actor: Actor, practitioner_id: int, details: PractitionerDetails, expected_version: int, now: datetime
) -> Practitioner:
    """Correct a clinician's entry; who signs in as them is `directory.link`, and needs a fresh proof.

    Who corrects a clinician of ours holds the verb at their site and at the one they move to. A clinician of no
    site is corrected by everybody who has the verb, and taken into a site by who has it everywhere: a care team may
    know them, and their charts go along. Refuses: EntryWrong, Stale, Forbidden, and what linking refuses.
    """
    columns = _practitioner_columns(details)
    row = Practitioner.objects.get(pk=practitioner_id)
    with act(actor, CHANGE, site_id=_site_or_none(row.site_id), subject=row, now=now):
        row = Practitioner.objects.select_for_update().get(pk=practitioner_id)
        places = {row.site_id, details.site_id} if details.site_id is not None else {row.site_id} - {EVERYWHERE}
        if not all(actor.may_at(CHANGE, site_id=site_id) for site_id in places):
            raise Forbidden
        _correct(row, columns, expected_version=expected_version)
        _link(actor, row, user_id=details.user_id, now=now)
    return row


def retire_practitioner(
    *, actor: Actor, practitioner_id: int, reason: str, expected_version: int, now: datetime
) -> Practitioner:
    """Offer a clinician no longer; what refers to them stays. The reason stands in the audit trail.

    A clinician of ours is taken out by who holds the verb at their site, one of no site by who has it everywhere:
    they are missing at every site then. Refuses: Forbidden, EntryWrong without a reason, Stale (also when they are
    offered no longer already).
    """
    row = Practitioner.objects.get(pk=practitioner_id)
    with act(actor, CHANGE, site_id=row.site_id, subject=row, reason=reason.strip(), now=now):
        row = Practitioner.objects.select_for_update().get(pk=practitioner_id)
        _retire(row, reason=reason, expected_version=expected_version, now=now)
    return row


def offer_practitioner_again(
    *, actor: Actor, practitioner_id: int, expected_version: int, now: datetime
) -> Practitioner:
    """Offer a clinician again, by who may take them out. Refuses: Forbidden, Stale (also when they are offered)."""
    row = Practitioner.objects.get(pk=practitioner_id)
    with act(actor, CHANGE, site_id=row.site_id, subject=row, now=now) as entry:
        entry.note(offered="again")
        row = Practitioner.objects.select_for_update().get(pk=practitioner_id)
        _offer_again(row, expected_version=expected_version)
    return row


def _site_or_none(site_id: int | None) -> int | Place:
    """The site that is asked for; a clinician outside our sites asks for none."""
    return Place.NONE_NAMED if site_id is None else site_id


def _link(actor: Actor, practitioner: Practitioner, *, user_id: int | None, now: datetime) -> None:
    """Say who signs in as this clinician, if that changes: it opens the charts of whoever they look after.

    Held at the clinician's site, or everywhere for one of no site, and over all that both people are.
    """
    if practitioner.user_id == user_id:
        return
    with act(actor, LINK, site_id=practitioner.site_id, subject=practitioner, now=now) as entry:
        entry.note(user_id=user_id, was=practitioner.user_id)
        concerned = [pk for pk in (practitioner.user_id, user_id) if pk is not None]
        for person in User.objects.filter(pk__in=concerned):
            refuse_further(actor, LINK, person=person, now=now)
        practitioner.user_id = user_id
        practitioner.save(update_fields=["user"])


def add_organization(*, actor: Actor, details: OrganizationDetails, now: datetime) -> Organization:
    """Put a place into the directory. Refuses: EntryWrong."""
    columns = _organization_columns(details)
    with act(actor, CHANGE, now=now) as entry:
        organization = Organization.objects.create(**columns)
        organization.specialties.set(Specialty.objects.filter(code__in=details.specialties))
        entry.about(organization)
    return organization


def change_organization(
    *, actor: Actor, organization_id: int, details: OrganizationDetails, expected_version: int, now: datetime
) -> Organization:
    """Correct a place's entry. Refuses: EntryWrong, Stale."""
    columns = _organization_columns(details)
    row = Organization.objects.get(pk=organization_id)
    with act(actor, CHANGE, subject=row, now=now):
        row = Organization.objects.select_for_update().get(pk=organization_id)
        _correct(row, columns, expected_version=expected_version)
        row.specialties.set(Specialty.objects.filter(code__in=details.specialties))
    return row


def retire_organization(
    *, actor: Actor, organization_id: int, reason: str, expected_version: int, now: datetime
) -> Organization:
    """Offer a place no longer; what refers to it stays. The reason stands in the audit trail.

    A place belongs to the whole organization: it is missing at every site then, so it wants the verb everywhere.
    Refuses: Forbidden, EntryWrong without a reason, Stale (also when it is offered no longer already).
    """
    row = Organization.objects.get(pk=organization_id)
    with act(actor, CHANGE, site_id=EVERYWHERE, subject=row, reason=reason.strip(), now=now):
        row = Organization.objects.select_for_update().get(pk=organization_id)
        _retire(row, reason=reason, expected_version=expected_version, now=now)
    return row


def offer_organization_again(
    *, actor: Actor, organization_id: int, expected_version: int, now: datetime
) -> Organization:
    """Offer a place again, by who may take it out. Refuses: Forbidden, Stale (also when it is offered)."""
    row = Organization.objects.get(pk=organization_id)
    with act(actor, CHANGE, site_id=EVERYWHERE, subject=row, now=now) as entry:
        entry.note(offered="again")
        row = Organization.objects.select_for_update().get(pk=organization_id)
        _offer_again(row, expected_version=expected_version)
    return row


def _retire(row: Practitioner | Organization, *, reason: str, expected_version: int, now: datetime) -> None:
    if row.retired_at is not None or row.version != expected_version:
        raise Stale
    if not reason.strip():
        raise EntryWrong(fields={"reason": "Say why: colleagues will ask."})
    row.retire(now=now)
    row.version += 1
    row.save(update_fields=["retired_at", "version"])


def _offer_again(row: Practitioner | Organization, *, expected_version: int) -> None:
    if row.retired_at is None or row.version != expected_version:
        raise Stale
    row.offer_again()
    row.version += 1
    row.save(update_fields=["retired_at", "version"])


def _practitioner_columns(details: PractitionerDetails) -> dict[str, object]:
    fields = _wrong(details.name, details.npi)
    if details.site_id is not None and details.organization_id is not None:
        fields["organization"] = "Choose one of our sites or another organization, not both."
    if fields:
        raise EntryWrong(fields=fields)
    return {
        "name": details.name.strip(),
        "npi": details.npi,
        "specialty_id": details.specialty or None,
        "site_id": details.site_id,
        "organization_id": details.organization_id,
        "phone": written_number(details.phone),
        "fax": written_number(details.fax),
        "email": details.email.strip(),
        "languages": details.languages.strip(),
        "takes_referrals": details.takes_referrals,
    }


def _organization_columns(details: OrganizationDetails) -> dict[str, object]:
    fields = _wrong(details.name, details.npi)
    if details.kind not in OrganizationKind.values:
        fields["kind"] = "Choose what kind of place this is."
    if fields:
        raise EntryWrong(fields=fields)
    return {
        "name": details.name.strip(),
        "kind": details.kind,
        "npi": details.npi,
        "phone": written_number(details.phone),
        "fax": written_number(details.fax),
        "email": details.email.strip(),
        "address": details.address.strip(),
        "takes_referrals": details.takes_referrals,
        "note": details.note.strip(),
    }


def _wrong(name: str, npi: str) -> dict[str, str]:
    fields = {}
    if not name.strip():
        fields["name"] = "Give the name."
    if npi and not npi_is_valid(npi):
        fields["npi"] = "This is no National Provider Identifier: check its ten digits."
    return fields


def _correct(row: Practitioner | Organization, columns: Mapping[str, Any], *, expected_version: int) -> None:
    """Write these columns into a locked entry. Refuses Stale when it is not the version that was read."""
    if row.version != expected_version:
        raise Stale
    for column, value in columns.items():
        setattr(row, column, value)
    row.version += 1
    row.save()
