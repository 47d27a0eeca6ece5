"""How many anchors a protocol found, how many it follows, which wait to be followed, and why not the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.loops.queries import owner_for, site_of
from liaison.pathways.access import EVALUATE
from liaison.pathways.models import Enrolment, ProtocolPause
from liaison.pathways.queries.candidates import Candidate, anchors_that_pass, judged_anchors, latest_of_each, to_open
from liaison.pathways.rules.criteria import Criteria
from liaison.pathways.rules.protocol import Protocol, packaged_protocols, read_protocol
from liaison.pathways.rules.reasons import (
    LATER_STAY,
    NO_OWNER,
    NOT_YET,
    TURNED_OFF,
    WAITING,
    in_words,
)
from liaison.patients.models import Patient, PatientSite
from liaison.records.models import Fact
from liaison.records.ports import why_no_end

_FOLLOWED: Final = "followed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One protocol at one moment: anchors found in all, and each of them once in one of the others.

    `followed` by an open or ended loop; `waiting` to be followed, by what keeps it; `not_fitting` by reason.
    """

    protocol: str
    title: str
    found: int
    followed: int
    waiting: Mapping[str, int]
    not_fitting: Mapping[str, int]

    @property
    def too_old(self) -> int:
        """Those of the long past, for which nothing is opened."""
        return self.not_fitting.get("too_old", 0)


def outlook(actor: Actor, *, now: datetime, patient_ids: Sequence[int] | None = None) -> tuple[Outlook, ...]:
    """What each packaged protocol says of these patients, or of everybody. Refuses: Forbidden. Counts only."""
    if not actor.may(EVALUATE):
        raise Forbidden
    return tuple(_outlook(read_protocol(data), now=now, patient_ids=patient_ids) for data in packaged_protocols())


def waiting_follow_ups(*, site_ids: Collection[int], now: datetime) -> Mapping[int, int]:
    """How many stays of patients at home at each of these sites fit a protocol and wait for somebody to own them.

    Asked only of sites at which nobody could (`loops.queries.unowned`): it evaluates their patients.
    """
    found: Counter[int] = Counter()
    patients = list(PatientSite.objects.filter(site_id__in=site_ids).values_list("patient_id", flat=True).distinct())
    paused = set(ProtocolPause.objects.filter(ended_at=None).values_list("code", flat=True))
    for data in packaged_protocols() if patients else ():
        protocol = read_protocol(data)
        if protocol.code in paused:
            continue
        passing = anchors_that_pass(protocol.criteria, now=now, patient_ids=patients)
        for one in to_open(protocol.code, passing=passing):
            site = site_of(Patient.objects.get(pk=one.patient_id))
            if site.pk in site_ids and _why_waiting(one, now=now) == NO_OWNER:
                found[site.pk] += 1
    return found


def _outlook(protocol: Protocol, *, now: datetime, patient_ids: Sequence[int] | None) -> Outlook:
    judged = judged_anchors(protocol.criteria, now=now, patient_ids=patient_ids)
    enrolled = Enrolment.objects.filter(protocol__code=protocol.code, voided_at=None)
    if patient_ids is not None:
        enrolled = enrolled.filter(patient_id__in=patient_ids)
    followed = set(enrolled.values_list("anchor_id", "patient_id"))
    latest = {one.fact_id for one in latest_of_each([one for one in judged if one.failed is None])}
    off = ProtocolPause.objects.filter(code=protocol.code, ended_at=None).exists()

    def standing(one: Candidate) -> str:
        if one.stay in followed:
            return _FOLLOWED
        if one.failed is not None:
            return protocol.criteria.conditions[one.failed].otherwise
        if one.fact_id not in latest:
            return LATER_STAY
        return TURNED_OFF if off else _why_waiting(one, now=now)

    without_end = _without_end(protocol.criteria, patient_ids=patient_ids)
    counts = Counter(standing(one) for one in judged)
    counts.update(_FOLLOWED if stay in followed else why for stay, why in without_end.items())
    return Outlook(
        protocol=protocol.code,
        title=protocol.title,
        found=len(judged) + len(without_end),
        followed=counts.pop(_FOLLOWED, 0),
        waiting={reason: count for reason, count in sorted(counts.items()) if reason in WAITING},
        not_fitting={reason: count for reason, count in sorted(counts.items()) if reason not in WAITING},
    )


def _without_end(criteria: Criteria, *, patient_ids: Sequence[int] | None) -> dict[tuple[int, int], str]:
    """What would be an anchor if anybody knew when it ended: the stay and its patient, by their ids → why not."""
    anchor = criteria.anchor
    facts = Fact.objects.filter(kind=anchor.kind, ends_at=None, patient__merged_into=None)
    if anchor.codes:
        facts = facts.filter(code__in=anchor.codes)
    if anchor.statuses:
        facts = facts.filter(status__in=anchor.statuses)
    if patient_ids is not None:
        facts = facts.filter(patient_id__in=patient_ids)
    periods = facts.values_list("resource_id", "patient_id", "resource__body__period")
    return {(stay, patient): why for stay, patient, period in periods if (why := why_no_end(period))}


def _why_waiting(one: Candidate, *, now: datetime) -> str:
    patient = Patient.objects.get(pk=one.patient_id)
    return NO_OWNER if owner_for(patient, site=site_of(patient), now=now) is None else NOT_YET


def told(found: Outlook, *, opened: int, reckoned: int = 0) -> tuple[str, ...]:
    """An outlook as lines for a person, as an import says them; their counts add up to what was found.

    `opened` of those that are followed are followed only since now; `reckoned` of those followed before are counted
    anew, from another end of the stay.
    """
    if not found.found:
        return (f"{found.title}: none found, so none is to be followed.",)
    before = found.followed - opened
    lines = [f"{found.title}: {found.found:,} found"]
    lines += [f"  {opened:,} followed from now on: a loop was opened"] if opened else []
    anew = f", {reckoned:,} of them counted anew: the end of the stay was corrected" if reckoned else ""
    lines += [f"  {before:,} followed before{anew}"] if before else []
    lines += [f"  {count:,} not yet: {in_words(reason)}" for reason, count in found.waiting.items()]
    lines += [f"  {count:,} not: {in_words(reason)}" for reason, count in found.not_fitting.items()]
    return tuple(lines)
