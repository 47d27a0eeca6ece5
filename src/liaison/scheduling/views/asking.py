"""One typed line fills in the form of the search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from liaison.core.actor import Actor
from liaison.scheduling import queries
from liaison.scheduling.forms import ANYWHERE
from liaison.scheduling.models import Resource, VisitType
from liaison.scheduling.ports import Asked, Called, read_line
from liaison.scheduling.views.explaining import searched


def read_into(typed: dict[str, Any], *, text: str, actor: Actor, kinds: Sequence[VisitType], today: date) -> Asked:
    """Read the line and put what it says into the form's fields.

    Days, hours and the person are as the line says, also where it is silent; the kind of visit and the site stay
    unless it names others.
    """
    asked = read_line(
        text[:200],
        kinds=[Called(id=kind.pk, name=kind.name) for kind in kinds],
        people=[Called(id=pk, name=name) for pk, name in queries.people_in_service(actor)],
        sites=[Called(id=pk, name=name) for pk, name in queries.sites_called(actor)],
        today=today,
    )
    for name in ("not_before", "not_after", "from_at", "to_at", "with_id"):
        value = getattr(asked, name)
        typed[name] = "" if value is None else str(value)
    typed["weekdays"] = [str(day) for day in sorted(asked.weekdays)]
    if asked.visit_type_id is not None:
        typed["visit_type"] = str(asked.visit_type_id)
    if asked.any_site or asked.site_id is not None:
        typed["site"] = str(ANYWHERE if asked.any_site else asked.site_id)
    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoIsMeant:
    """One of several people whom a name in the line may mean, and the query that asks for them."""

    name: str
    query: str


def choose_one(asked: Asked, *, typed: dict[str, Any], able: Sequence[Resource]) -> tuple[WhoIsMeant, ...]:
    """Where a name may mean several: the one of them who takes such visits there, else those to choose from."""
    ids = {one.pk for one in able}
    there = [one for one in asked.could_be if one.id in ids]
    if len(there) == 1:
        typed["with_id"] = str(there[0].id)
        return ()
    return tuple(_meaning(one, typed) for one in there)


def _meaning(one: Called, typed: dict[str, Any]) -> WhoIsMeant:
    query = searched(typed)
    query["with_id"] = str(one.id)
    return WhoIsMeant(name=one.name, query=query.urlencode())


def not_heard(asked: Asked, *, typed: dict[str, Any], several: bool) -> tuple[str, ...]:
    """What of the line could not be done, in sentences."""
    said = []
    if asked.unknown:
        said.append(_("Not understood: %(words)s.") % {"words": ", ".join(asked.unknown)})
    if asked.same_clinician and not typed["with_id"]:
        said.append(_("Nobody there has seen this patient yet: anyone is searched."))
    if asked.could_be and not typed["with_id"] and not several:
        names = ", ".join(one.name for one in asked.could_be)
        said.append(_("None of them takes such visits there: %(names)s. Anyone is searched.") % {"names": names})
    if several:
        said.append(_("Several are called so: anyone is searched until you choose."))
    if asked.with_id is not None and not typed["with_id"]:
        said.append(_("That person does not take such visits there: anyone is searched."))
    return tuple(said)
