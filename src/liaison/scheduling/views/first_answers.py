"""What a booking is given, and the first answers of its form: the place, the kind of visit, whom one may choose."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.numbers import id_in
from liaison.patients.models import Patient
from liaison.scheduling import queries
from liaison.scheduling.access import BOOK_JOURNEY, BOOK_SERIES
from liaison.scheduling.forms import ANYWHERE, BookForm, Choices
from liaison.scheduling.models import Appointment, Resource, VisitType
from liaison.scheduling.ports import CancelReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Who books for whom and at which `places`, and what is given: the loop, the referral, the visit that moves."""

    actor: Actor
    patient: Patient
    places: tuple[Site, ...]
    now: datetime
    loop_id: int | None = None
    referral_id: int | None = None
    moving: Appointment | None = None

    @property
    def may_combine(self) -> bool:
        """Whether several visits that belong together may be booked from here."""
        return self.moving is None and self.patient.reachable_by(self.actor, BOOK_JOURNEY, now=self.now)

    @property
    def may_repeat(self) -> bool:
        """Whether a series may be booked instead."""
        return self.moving is None and self.patient.reachable_by(self.actor, BOOK_SERIES, now=self.now)


def first_answers(booking: Booking, given: QueryDict, *, but: Collection[str] = ()) -> dict[str, Any]:
    """What was typed `but` these, with a first answer for what was not asked yet."""
    typed: dict[str, Any] = {name: given[name] for name in given if name not in but}
    typed["weekdays"] = given.getlist("weekdays")
    typed.setdefault("key", str(uuid.uuid4()))
    if "site" not in typed:
        typed |= _first_place(booking)
    if "visit_type" not in typed:
        typed["visit_type"] = _first_kind(booking, typed)
    if booking.moving is not None:
        typed.setdefault("note", booking.moving.note)
        typed.setdefault("reason", CancelReason.PATIENT.value)
    return typed


def sites_asked(booking: Booking, site_id: int | None) -> tuple[int, ...]:
    """The sites to search: the one chosen, or all whose time this actor gives."""
    if site_id == ANYWHERE:
        return tuple(site.pk for site in booking.places)
    return () if site_id is None else (site_id,)


def _first_place(booking: Booking) -> dict[str, str]:
    """Where the referral's specialist works, else where the visit to be moved is, else the patient's home site.

    Always one where this actor books: at another only those who work there give its time away.
    """
    asked = _asked_by_referral(booking) if booking.moving is None else None
    if asked is not None and any(site.pk == asked.site_id for site in booking.places):
        return {"site": str(asked.site_id), "with_id": str(asked.pk)}
    site = first_site(booking)
    return {"site": str(site.pk) if site else ""}


def _asked_by_referral(booking: Booking) -> Resource | None:
    """The specialist of our own whom the referral asks."""
    if booking.referral_id is None:
        return None
    return queries.specialist_asked(patient=booking.patient, referral_id=booking.referral_id)


def _first_kind(booking: Booking, typed: Mapping[str, str]) -> str:
    """A visit that can be had there, for a referral one that needs it, for a loop the one named like its kind."""
    every, site_id = kinds(booking), id_in(typed.get("site"))
    possible = queries.possible_at(booking.actor, visit_types=every, site_id=site_id) if site_id else every
    asked = _asked_by_referral(booking)
    if asked is not None:
        possible = [kind for kind in possible if kind.needs.all()[0].ability in asked.abilities] or possible
        possible = sorted(possible, key=lambda kind: not kind.referral_needed)
    elif booking.loop_id is not None:
        promised = queries.kind_promised(patient=booking.patient, loop_id=booking.loop_id)
        possible = sorted(possible, key=lambda kind: kind.code != promised)
    chosen = next(iter(possible), next(iter(every), None))
    return str(chosen.pk) if chosen else ""


def choices(
    booking: Booking, typed: Mapping[str, str], *, promises: Sequence[tuple[str, str]] = (), told: str = ""
) -> Choices:
    """What there is to choose from: the people are those who could take the chosen visit at the chosen sites."""
    every = kinds(booking)
    chosen = next((kind for kind in every if str(kind.pk) == typed.get("visit_type")), None)
    people: dict[int, Resource] = {}
    for site_id in sites_asked(booking, id_in(typed.get("site"))):
        able = queries.clinicians_for(booking.actor, visit_type=chosen, site_id=site_id) if chosen else ()
        people |= {person.pk: person for person in able}
    return Choices(
        visit_types=every,
        sites=booking.places,
        people=tuple(people.values()),
        seen_last_id=queries.seen_last_by(booking.actor, patient=booking.patient, among=people, now=booking.now),
        promises=promises,
        promises_told=told,
    )


def kinds(booking: Booking) -> Sequence[VisitType]:
    """The visit types to choose from; a move keeps its own, in today's version."""
    kinds = [kind for kind in queries.visit_types(booking.actor) if booking.referral_id or not kind.referral_needed]
    if booking.moving is not None:
        return [kind for kind in kinds if kind.code == booking.moving.visit_type.code]
    return kinds


def first_site(booking: Booking) -> Site | None:
    """The place of the visit that moves, else the patient's home site, else any of theirs, where one may book."""
    places = {site.pk: site for site in booking.places}
    if booking.moving is not None and booking.moving.site_id in places:
        return places[booking.moving.site_id]
    theirs = queries.first_site(patient=booking.patient, among=places)
    return next(iter(places.values()), None) if theirs is None else places[theirs]


def zone_name(booking: Booking, form: BookForm) -> str:
    """The zone in which the times of the form stand."""
    site_id = form.cleaned_data.get("site")
    site = next((place for place in booking.places if place.pk == site_id), None) if site_id else first_site(booking)
    return site.time_zone if site else "UTC"
