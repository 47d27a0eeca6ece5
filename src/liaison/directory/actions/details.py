"""What is said of a clinician or a place, checked, as columns of their entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liaison.core.act import Place
from liaison.core.numbers import written_number
from liaison.core.refusals import Refusal
from liaison.directory.models import OrganizationKind
from liaison.directory.rules import Sketch, npi_is_valid


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

    @property
    def sketch(self) -> Sketch:
        """What is compared with other entries."""
        offered = frozenset({self.specialty} - {""})
        return Sketch(name=self.name, npi=self.npi, specialties=offered, phone=written_number(self.phone))


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

    @property
    def sketch(self) -> Sketch:
        """What is compared with other entries."""
        offered = frozenset(self.specialties)
        return Sketch(name=self.name, npi=self.npi, specialties=offered, phone=written_number(self.phone))


def site_or_none(site_id: int | None) -> int | Place:
    """The site that is asked for; a clinician outside our sites asks for none."""
    return Place.NONE_NAMED if site_id is None else site_id


def practitioner_columns(details: PractitionerDetails) -> dict[str, object]:
    """The columns of a clinician's entry, but for who signs in as them. Refuses: EntryWrong."""
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


def organization_columns(details: OrganizationDetails) -> dict[str, object]:
    """The columns of a place's entry, but for its specialties. Refuses: EntryWrong."""
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
