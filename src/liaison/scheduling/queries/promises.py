"""What is promised to a patient and waits for a visit, and what a visit like the one being booked would keep of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.directory.models import Specialty
from liaison.loops.models import Loop
from liaison.loops.queries import open_promises, words_of
from liaison.orders.models import Referral
from liaison.orders.queries import referrals_to_arrange
from liaison.patients.models import Patient
from liaison.scheduling.kinds import MISSED_VISIT
from liaison.scheduling.models import Appointment, Resource, VisitType
from liaison.scheduling.ports import visit_promises
from liaison.scheduling.queries.asked import sites_asked
from liaison.scheduling.rules import AwaitedVisit, State, VisitMeant, fits, needs_specialist


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaiting:
    """A promise that waits for a visit: what it is called, and what visit would be it."""

    loop_id: int
    referral_id: int | None
    title: str
    awaited: AwaitedVisit


def awaiting(actor: Actor, *, patient: Patient, places: Sequence[Site], now: datetime) -> Sequence[Awaiting]:
    """The patient's open promises that wait for a visit which can be booked at one of these places, the next due first.

    One for which a visit is booked ahead waits for none. The patient was fetched for somebody.
    """
    loops = open_promises(patient=patient)
    referrals = {one.loop_id: one for one in referrals_to_arrange(patient=patient)}
    booked = _booked(patient, now=now)
    here = frozenset(site.pk for site in places)
    words = words_of(actor, loops=loops, now=now)
    found = []
    for loop in loops:
        referral = referrals.get(loop.pk)
        if (loop.pk, None) in booked or (referral is not None and (None, referral.pk) in booked):
            continue
        awaited = _of_referral(referral) if referral is not None else _of_kind(loop)
        if awaited is None or (referral is not None and awaited.sites.isdisjoint(here)):
            continue
        referral_id = referral.pk if referral is not None else None
        found.append(Awaiting(loop_id=loop.pk, referral_id=referral_id, title=words[loop.pk].title, awaited=awaited))
    return found


def what_fits(
    promises: Iterable[Awaiting], *, visit_type: VisitType, site_id: int | None, person_id: int | None
) -> Sequence[Awaiting]:
    """Those that a visit of this kind, there and with this person (None for anyone), would keep."""
    abilities = frozenset(need.ability for need in visit_type.needs.all())
    specialties = Specialty.objects.filter(code__in=abilities).values_list("code", flat=True)
    meant = VisitMeant(
        code=visit_type.code,
        abilities=abilities,
        is_specialists=visit_type.referral_needed or needs_specialist(abilities, specialties=specialties),
        site_id=site_id,
        person_id=person_id,
    )
    counting = [one for one in promises if not _why_not(one.awaited.kind, modality=visit_type.modality)]
    return [one for one in counting if fits(meant, one.awaited)]


def kinds_that_keep(
    actor: Actor,
    *,
    patient: Patient,
    loop_id: int | None,
    referral_id: int | None,
    kinds: Sequence[VisitType],
    sites: Sequence[Site],
    now: datetime,
) -> Sequence[int]:
    """Which of these kinds of visit (ids), at one of these sites, would be what this promise or referral waits for.

    None when it waits for no visit. The patient was fetched for somebody.
    """
    found = awaiting(actor, patient=patient, places=sites, now=now)
    meant = [one for one in found if one.loop_id == loop_id or (referral_id and one.referral_id == referral_id)]
    return [
        kind.pk
        for kind in kinds
        if any(what_fits(meant, visit_type=kind, site_id=site.pk, person_id=None) for site in sites)
    ]


def why_it_would_not_count(*, patient: Patient, loop_id: int | None, visit_type: VisitType | None) -> str:
    """Why a visit of this kind would not count as the one that this promise of the patient waits for, in a sentence;
    "" when it would, or nothing is known of it."""
    loop = Loop.objects.open().filter(pk=loop_id or 0, patient=patient).first()
    if loop is None or visit_type is None:
        return ""
    return _why_not(loop.kind, modality=visit_type.modality)


def promise_called(actor: Actor, *, patient: Patient, loop_id: int, now: datetime) -> str:
    """What a promise of the patient is called; "" when it is none of theirs. The patient was fetched for somebody."""
    loop = Loop.objects.filter(pk=loop_id, patient=patient).first()
    return words_of(actor, loops=[loop], now=now)[loop.pk].title if loop is not None else ""


def _why_not(kind: str, *, modality: str) -> str:
    promise = visit_promises().get(kind)
    return promise.why_not(modality) if promise is not None else ""


def _booked(patient: Patient, *, now: datetime) -> frozenset[tuple[int | None, int | None]]:
    """The promise, or else the referral, of each visit that is booked ahead."""
    rows = Appointment.objects.filter(patient=patient, start_at__gt=now, state=State.BOOKED)
    return frozenset(_named(rows.values_list("loop_id", "referral_id", "modality", "loop__kind")))


def _named(
    rows: Iterable[tuple[int | None, int | None, str, str | None]],
) -> Iterator[tuple[int | None, int | None]]:
    for loop_id, referral_id, modality, kind in rows:
        if loop_id is not None and not _why_not(kind or "", modality=modality):
            yield loop_id, None
        if referral_id is not None:
            yield None, referral_id


def _of_kind(loop: Loop) -> AwaitedVisit | None:
    """What a promise of such a kind waits for, while nothing proves that it took place."""
    promise = visit_promises().get(loop.kind)
    if promise is None or promise.evidence in loop.evidence_kinds:
        return None
    code = ""
    if loop.kind == MISSED_VISIT.code:
        missed = Appointment.objects.filter(pk=loop.about_id or 0)
        code = missed.values_list("visit_type__code", flat=True).first() or ""
    return AwaitedVisit(kind=loop.kind, visit_code=code)


def _of_referral(referral: Referral) -> AwaitedVisit:
    theirs = Resource.objects.in_service().filter(
        practitioner__isnull=False, practitioner=referral.target_practitioner_id
    )
    return AwaitedVisit(
        kind="referral",
        specialty=referral.specialty_id,
        people=frozenset(theirs.values_list("pk", flat=True)),
        sites=sites_asked(referral),
    )
