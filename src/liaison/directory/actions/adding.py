"""Adding clinicians and places; nobody stands twice because two people, or two presses, added them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.refusals import Conflict
from liaison.directory.access import CHANGE
from liaison.directory.actions.details import (
    OrganizationDetails,
    PractitionerDetails,
    organization_columns,
    practitioner_columns,
    site_or_none,
)
from liaison.directory.actions.linking import link
from liaison.directory.models import DirectoryQuerySet, Organization, Practitioner, Specialty
from liaison.directory.queries import alike_organizations, alike_practitioners

R = TypeVar("R", Practitioner, Organization)


class LooksLikeAnEntry(Conflict):
    """The directory holds somebody or some place that may be this one, and who adds it has not seen them."""

    code = "directory.looks_like_an_entry"
    sentence = "Look at what stands in the directory already, then say that this is another one."
    field = "add_anyway"


class AddedAlready(Conflict):
    """The form was sent before, with other words, or what it added was corrected since."""

    code = "directory.added_already"
    sentence = (
        "This form was sent already, and what it added says something else now. Correct that entry, or open a new form."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The form by which a person adds an entry: its idempotency key, and the ids of the entries that they looked at
    and that are others."""

    key: str
    looked_at: frozenset[int] = frozenset()


def add_practitioner(
    *, actor: Actor, details: PractitionerDetails, now: datetime, sent: Sent | None = None
) -> Practitioner:
    """Put a clinician into the directory; who signs in as them is `directory.link`, and needs a fresh proof.

    A person's form gives `sent`: the same form again returns the same clinician, and who looks alike is seen first; a
    feed gives None. Refuses: EntryWrong, Forbidden (at a site where one changes no entries), LooksLikeAnEntry,
    AddedAlready, and what linking refuses: Forbidden, StepUpNeeded, ReachesFurther.
    """
    columns = practitioner_columns(details)
    with act(actor, CHANGE, site_id=site_or_none(details.site_id), now=now) as entry:
        if sent is not None:
            known = _added_by(sent, Practitioner.objects.all())
            if known is not None:
                return _once(entry, known, said={**columns, "user_id": details.user_id})
            _refuse_alike(alike_practitioners(actor, sketch=details.sketch), sent=sent)
        practitioner = Practitioner.objects.create(**columns, form_key=_key(sent))
        entry.about(practitioner)
        link(actor, practitioner, user_id=details.user_id, now=now)
    return practitioner


def add_organization(
    *, actor: Actor, details: OrganizationDetails, now: datetime, sent: Sent | None = None
) -> Organization:
    """Put a place into the directory; `sent` as for a clinician.

    Refuses: EntryWrong, LooksLikeAnEntry, AddedAlready.
    """
    columns = organization_columns(details)
    with act(actor, CHANGE, now=now) as entry:
        if sent is not None:
            known = _added_by(sent, Organization.objects.all())
            if known is not None:
                return _once(entry, known, said={**columns, "offers": frozenset(details.specialties)})
            _refuse_alike(alike_organizations(actor, sketch=details.sketch), sent=sent)
        organization = Organization.objects.create(**columns, form_key=_key(sent))
        organization.specialties.set(Specialty.objects.filter(code__in=details.specialties))
        entry.about(organization)
    return organization


def _key(sent: Sent | None) -> str | None:
    return None if sent is None else sent.key


def _added_by(sent: Sent, rows: DirectoryQuerySet[R]) -> R | None:
    """What this form added before; until the transaction ends nobody else adds an entry by a form."""
    hold_key("adding to the directory")
    return rows.filter(form_key=sent.key).first()


def _once(entry: Entry, known: R, *, said: Mapping[str, Any]) -> R:
    """The entry that this form added, when it says what was typed. Refuses: AddedAlready."""
    if any(getattr(known, column) != value for column, value in said.items()):
        raise AddedAlready
    entry.about(known)
    entry.note(repeated=True)
    return known


def _refuse_alike(alike: Iterable[Practitioner | Organization], *, sent: Sent) -> None:
    if any(row.pk not in sent.looked_at for row in alike):
        raise LooksLikeAnEntry
