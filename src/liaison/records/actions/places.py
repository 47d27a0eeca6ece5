"""Practitioners and organizations that come with the records, put into the directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from liaison.core.actor import Actor
from liaison.directory.actions import (
    EntryWrong,
    OrganizationDetails,
    PractitionerDetails,
    add_organization,
    add_practitioner,
)
from liaison.directory.models import OrganizationIdentifier, PractitionerIdentifier
from liaison.records.rules.intake import Received
from liaison.records.rules.people import (
    IdentifierRead,
    OrganizationRead,
    PractitionerRead,
    read_organization,
    read_practitioner,
)

_NO_SYSTEM = "urn:liaison:received"


def keep_directory(received: Sequence[Received], *, actor: Actor, now: datetime) -> None:
    """Add the practitioners and organizations that the directory does not know by any of their identifiers.

    What it knows stays as people here keep it. New entries take no referrals until someone says so. Those
    without an identifier are known by the type and id they came with. Liaison does this for `actor`.
    """
    liaison = actor.as_liaison()
    for one in received:
        if one.resource_type == "Practitioner":
            _practitioner(read_practitioner(one.value), one, actor=liaison, now=now)
        elif one.resource_type == "Organization":
            _organization(read_organization(one.value), one, actor=liaison, now=now)


def _known_as(identifiers: Sequence[IdentifierRead], one: Received) -> list[tuple[str, str]]:
    pairs = [(identifier.system, identifier.value) for identifier in identifiers]
    return pairs or [(_NO_SYSTEM, f"{one.resource_type}/{one.fhir_id}")]


def _practitioner(said: PractitionerRead, one: Received, *, actor: Actor, now: datetime) -> None:
    names = _known_as(said.identifiers, one)
    if _any_known(PractitionerIdentifier, names):
        return
    details = PractitionerDetails(name=said.name, npi=said.npi, phone=said.phone, takes_referrals=False)
    try:
        kept = add_practitioner(actor=actor, details=details, now=now)
    except EntryWrong:
        kept = add_practitioner(actor=actor, details=replace(details, npi=""), now=now)
    PractitionerIdentifier.objects.bulk_create(
        PractitionerIdentifier(practitioner=kept, system=system, value=value) for system, value in names
    )


def _organization(said: OrganizationRead, one: Received, *, actor: Actor, now: datetime) -> None:
    names = _known_as(said.identifiers, one)
    if _any_known(OrganizationIdentifier, names):
        return
    details = OrganizationDetails(
        name=said.name, kind=said.kind, npi=said.npi, phone=said.phone, address=said.address, takes_referrals=False
    )
    try:
        kept = add_organization(actor=actor, details=details, now=now)
    except EntryWrong:
        kept = add_organization(actor=actor, details=replace(details, npi=""), now=now)
    OrganizationIdentifier.objects.bulk_create(
        OrganizationIdentifier(organization=kept, system=system, value=value) for system, value in names
    )


def _any_known(table: type[PractitionerIdentifier | OrganizationIdentifier], names: Sequence[tuple[str, str]]) -> bool:
    wanted = set(names)
    found = table.objects.filter(value__in=[value for _, value in names]).values_list("system", "value")
    return any(pair in wanted for pair in found)
