"""Correcting what stands in the directory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.refusals import Forbidden, Stale
from liaison.directory.access import CHANGE
from liaison.directory.actions.details import (
    OrganizationDetails,
    PractitionerDetails,
    organization_columns,
    practitioner_columns,
    site_or_none,
)
from liaison.directory.actions.linking import link
from liaison.directory.models import Organization, Practitioner, Specialty


def change_practitioner(
    *, actor: Actor, practitioner_id: int, details: PractitionerDetails, expected_version: int, now: datetime
) -> Practitioner:
    """Correct a clinician's entry; who signs in as them is `directory.link`, and needs a fresh proof.

    Who corrects a clinician of ours holds the verb at their site and at the one they move to. A clinician of no
    site is corrected by everybody who has the verb, and taken into a site by who has it everywhere: a care team may
    know them, and their charts go along. Refuses: EntryWrong, Stale, Forbidden, and what linking refuses.
    """
    columns = practitioner_columns(details)
    row = Practitioner.objects.get(pk=practitioner_id)
    with act(actor, CHANGE, site_id=site_or_none(row.site_id), subject=row, now=now):
        row = Practitioner.objects.select_for_update().get(pk=practitioner_id)
        places = {row.site_id, details.site_id} if details.site_id is not None else {row.site_id} - {EVERYWHERE}
        if not all(actor.may_at(CHANGE, site_id=site_id) for site_id in places):
            raise Forbidden
        _correct(row, columns, expected_version=expected_version)
        link(actor, row, user_id=details.user_id, now=now)
    return row


def change_organization(
    *, actor: Actor, organization_id: int, details: OrganizationDetails, expected_version: int, now: datetime
) -> Organization:
    """Correct a place's entry. Refuses: EntryWrong, Stale."""
    columns = organization_columns(details)
    row = Organization.objects.get(pk=organization_id)
    with act(actor, CHANGE, subject=row, now=now):
        row = Organization.objects.select_for_update().get(pk=organization_id)
        _correct(row, columns, expected_version=expected_version)
        row.specialties.set(Specialty.objects.filter(code__in=details.specialties))
    return row


def _correct(row: Practitioner | Organization, columns: Mapping[str, Any], *, expected_version: int) -> None:
    """Write these columns into a locked entry. Refuses Stale when it is not the version that was read."""
    if row.version != expected_version:
        raise Stale
    for column, value in columns.items():
        setattr(row, column, value)
    row.version += 1
    row.save()
