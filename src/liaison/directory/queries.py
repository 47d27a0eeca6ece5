"""Reads of the directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Q, QuerySet

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.directory.access import SEE
from liaison.directory.models import Organization, Practitioner, Specialty
from liaison.directory.rules import Sketch, looks_like, name_words

R = TypeVar("R", Practitioner, Organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralTarget:
    """Whom a referral can ask: a clinician, or a place where nobody is named. `ours` is a clinician at one of our
    own sites; `where` is the clinician's place, `phone` is "" where none is known."""

    name: str
    where: str
    ours: bool
    practitioner_id: int | None = None
    organization_id: int | None = None
    phone: str = ""


def specialties(actor: Actor) -> Sequence[Specialty]:
    """All specialties, by name. Refuses: Forbidden."""
    _check(actor)
    return list(Specialty.objects.order_by("name"))


def referral_targets(actor: Actor, *, specialty: str) -> Sequence[ReferralTarget]:
    """Whom a referral to the specialty with this code can ask, our own first, by name. Refuses: Forbidden."""
    _check(actor)
    people = (
        Practitioner.objects.active()
        .filter(specialty_id=specialty, takes_referrals=True)
        .select_related("site", "organization")
    )
    places = Organization.objects.active().filter(specialties=specialty, takes_referrals=True)
    targets = [
        ReferralTarget(
            name=one.name,
            where=one.where,
            ours=one.site_id is not None,
            practitioner_id=one.pk,
            organization_id=one.organization_id,
            phone=one.phone,
        )
        for one in people
    ]
    targets += [
        ReferralTarget(name=one.name, where="", ours=False, organization_id=one.pk, phone=one.phone) for one in places
    ]
    return sorted(targets, key=lambda target: (not target.ours, target.name))


def practitioners(actor: Actor, *, text: str = "", limit: int = 200) -> Sequence[Practitioner]:
    """Clinicians whose name, specialty or place contains `text`, at most `limit`. Refuses: Forbidden."""
    return list(_practitioners(actor, Practitioner.objects.active(), text=text)[:limit])


def retired_practitioners(actor: Actor, *, text: str = "", limit: int = 200) -> Sequence[Practitioner]:
    """Clinicians who are offered no longer, found like `practitioners`, at most `limit`. Refuses: Forbidden."""
    return list(_practitioners(actor, Practitioner.objects.retired(), text=text)[:limit])


def _practitioners(actor: Actor, rows: QuerySet[Practitioner], *, text: str) -> QuerySet[Practitioner]:
    _check(actor)
    found = rows.select_related("specialty", "site", "organization")
    if text:
        found = found.filter(
            Q(name__icontains=text)
            | Q(specialty__name__icontains=text)
            | Q(site__name__icontains=text)
            | Q(organization__name__icontains=text)
        )
    return found


def organizations(actor: Actor, *, text: str = "", limit: int = 200) -> Sequence[Organization]:
    """Places whose name contains `text`, at most `limit`. Refuses: Forbidden."""
    _check(actor)
    return list(Organization.objects.active().filter(name__icontains=text).prefetch_related("specialties")[:limit])


def retired_organizations(actor: Actor, *, text: str = "", limit: int = 200) -> Sequence[Organization]:
    """Places that are offered no longer and whose name contains `text`, at most `limit`. Refuses: Forbidden."""
    _check(actor)
    return list(Organization.objects.retired().filter(name__icontains=text).prefetch_related("specialties")[:limit])


def alike_practitioners(actor: Actor, *, sketch: Sketch) -> Sequence[Practitioner]:
    """Clinicians who may be the one that `sketch` is of, also those offered no longer. Refuses: Forbidden."""
    _check(actor)
    rows = Practitioner.objects.select_related("specialty", "site", "organization")
    return [row for row in _named_like(rows, sketch) if looks_like(row.sketch, sketch)]


def alike_organizations(actor: Actor, *, sketch: Sketch) -> Sequence[Organization]:
    """Places that may be the one that `sketch` is of, also those offered no longer. Refuses: Forbidden."""
    _check(actor)
    rows = Organization.objects.prefetch_related("specialties")
    return [row for row in _named_like(rows, sketch) if looks_like(row.sketch, sketch)]


def _named_like(rows: QuerySet[R], sketch: Sketch) -> QuerySet[R]:
    """Those of this name, or this identifier: names are folded here, so all of them are read, without the rest."""
    words = name_words(sketch.name)
    known = rows.order_by().values_list("pk", "name", "npi")
    return rows.filter(
        pk__in=[pk for pk, name, npi in known if (npi and npi == sketch.npi) or name_words(name) == words]
    )


def get_practitioner(actor: Actor, *, practitioner_id: int) -> Practitioner:
    """One clinician. Refuses: Forbidden, NotFound."""
    _check(actor)
    try:
        return Practitioner.objects.select_related("specialty", "site", "organization").get(pk=practitioner_id)
    except Practitioner.DoesNotExist:
        raise NotFound from None


def get_organization(actor: Actor, *, organization_id: int) -> Organization:
    """One place. Refuses: Forbidden, NotFound."""
    _check(actor)
    try:
        return Organization.objects.prefetch_related("specialties").get(pk=organization_id)
    except Organization.DoesNotExist:
        raise NotFound from None


def practitioner_of(user_id: int) -> Practitioner | None:
    """The directory's entry of a person who signs in, if they are a clinician."""
    return Practitioner.objects.active().filter(user_id=user_id).first()


def _check(actor: Actor) -> None:
    if not actor.may(SEE):
        raise Forbidden
