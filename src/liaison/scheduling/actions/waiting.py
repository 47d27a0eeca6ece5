"""A patient joins the waitlist, stays on it, leaves it. Each wait is a promise on the desk until it is settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, TypeVar

from django.db.models import Model, QuerySet

from liaison.accounts.models import Site
from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.core.refusals import Conflict, NotFound, Refusal, Stale
from liaison.core.twice import once
from liaison.loops.actions import add_evidence, open_loop, restart_clock, satisfy_clock, start_clock
from liaison.loops.models import Loop
from liaison.loops.ports import About, ClockToStart, Owner, Promise
from liaison.loops.queries import NobodyToOwn, owner_for
from liaison.loops.queries.calendars import business_calendar
from liaison.orders.models import Referral
from liaison.patients.models import Patient
from liaison.scheduling.access import WAIT
from liaison.scheduling.actions.booking import refuse_elsewhere
from liaison.scheduling.actions.refusals import DeadPatient, Impossible, KeyReused, NotYourSite, ReferralNeeded
from liaison.scheduling.kinds import WAITING
from liaison.scheduling.models import Appointment, Resource, VisitType, WaitlistEntry
from liaison.scheduling.rules import Urgency, asks_whether_to_stay, waitlist_policy

M = TypeVar("M", bound=Model)
LOOK: Final = "waitlist-look"
STAY: Final = "waitlist-stay"


class AlreadyWaiting(Conflict):
    """They are on the list for this kind of visit."""

    code = "scheduling.already_waiting"
    sentence = "The patient is already on the waitlist for this kind of visit. Change that entry instead."


class NotWaiting(Refusal):
    """The wait has ended."""

    code = "scheduling.not_waiting"
    sentence = "This patient does not wait any more. Look at what happened, and enter them again if they should."
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitDraft:
    """What somebody waits for and what suits them.

    Weekdays: Monday is 0, none means any. `from_time` up to `to_time` are starts on the wall clock of the site;
    `until` is the last day that helps. `moves_id` is a later visit of theirs that would move forward, `loop_id` and
    `referral_id` what the visit is for. `key` makes it safe to send twice.
    """

    key: str
    visit_type_code: str
    site_ids: tuple[int, ...]
    with_id: int | None = None
    weekdays: tuple[int, ...] = ()
    from_time: time | None = None
    to_time: time | None = None
    not_before: date | None = None
    until: date | None = None
    least_notice_minutes: int = 0
    urgency: Urgency = Urgency.ROUTINE
    urgency_reason: str = ""
    moves_id: int | None = None
    loop_id: int | None = None
    referral_id: int | None = None


def join_waitlist(*, actor: Actor, patient: Patient, draft: WaitDraft, now: datetime) -> WaitlistEntry:
    """Put a patient on the waitlist and open the promise to find them a time. The same key again changes nothing.

    Refuses: Impossible (days or times that can't be, a visit that can't move, somebody who works at none of the
    sites), AlreadyWaiting, DeadPatient, ReferralNeeded, AskedElsewhere, NotYourSite, KeyReused, NotFound (a visit,
    loop or referral of somebody else, an unknown site or person), NobodyToOwn (when Liaison itself asks, and nobody at
    the site could look for a time).
    """
    with act(actor, WAIT, patient=patient, now=now) as entry:
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        known = WaitlistEntry.objects.filter(idempotency_key=draft.key).first()
        entry.note(repeated=known is not None)
        if known is not None:
            if known.patient_id != patient.pk or not _says(known, draft):
                raise KeyReused("This form was sent before, and they are on the waitlist. Change that entry instead.")
            return known
        if patient.is_deceased:
            raise DeadPatient
        if WaitlistEntry.objects.filter(
            patient=patient, visit_type_code=draft.visit_type_code, state="waiting"
        ).exists():
            raise AlreadyWaiting
        row = WaitlistEntry(
            patient=patient,
            idempotency_key=draft.key,
            joined_at=now,
            joined_by_id=actor.user_id,
            joined_by_name=actor.name,
            moves=_movable(draft, patient),
            serves=_theirs(Loop.objects.filter(patient=patient), draft.loop_id),
            referral=_theirs(Referral.objects.filter(patient=patient), draft.referral_id),
        )
        sites = _write(row, draft, actor=actor)
        row.loop = _promise(actor, row, site=sites[0], now=now)
        row.save()
        entry.about(row)
    return row


def change_wait(
    *, actor: Actor, wait: WaitlistEntry, draft: WaitDraft, expected_version: int, now: datetime
) -> WaitlistEntry:
    """Correct what suits a patient; the place in the line stays. Refuses: NotWaiting, Stale, Impossible, NotYourSite,
    NotFound."""
    with act(actor, WAIT, patient=wait.patient, subject=wait, now=now) as entry:
        row = locked_wait(wait.pk, expected_version=expected_version)
        if draft.visit_type_code != row.visit_type_code:
            raise Impossible("The kind of visit stays. Take the patient off and enter them for the other kind.")
        row.version += 1
        before = row.urgency
        _write(row, draft, actor=actor)
        entry.about(row)
        if row.urgency != before:
            _look_again_by(actor, row, why="The priority changed", now=now)
    return row


@once
def keep_waiting(*, actor: Actor, wait: WaitlistEntry, expected_version: int, now: datetime) -> WaitlistEntry:
    """Somebody looked, or asked the patient: no time yet, and they stay. The next look is due by the house rules.

    Refuses: NotWaiting, Stale.
    """
    with act(actor, WAIT, patient=wait.patient, subject=wait, now=now) as entry:
        row = locked_wait(wait.pk, expected_version=expected_version, entry=entry)
        row.lapses = 0
        row.version += 1
        row.save()
        entry.about(row)
        satisfy_clock(_liaison(actor), loop_id=_loop_id(row), rule_id=STAY, by="the patient stays", now=now)
        _look_again_by(actor, row, why="Looked: no time yet", now=now)
    return row


def settle(actor: Actor, row: WaitlistEntry, *, note: str, now: datetime) -> None:
    """Inside an act: the wait is over, and its promise is kept."""
    loop = row.loop
    if loop is not None and Loop.objects.open().filter(pk=loop.pk).exists():
        add_evidence(_liaison(actor), loop_id=loop.pk, kind="settled", note=note, about=_about(row), now=now)


def note_lapse(actor: Actor, row: WaitlistEntry, *, now: datetime) -> None:
    """Inside an act: an offer went unanswered. That is no decline; after several in a row somebody asks."""
    policy = waitlist_policy()
    row.lapses += 1
    row.save()
    if not asks_whether_to_stay(lapses=row.lapses, after=policy.expiries_before_asking):
        return
    site = row.sites.order_by("name")[0]
    clock = ClockToStart(
        rule_id=STAY,
        rule_version=policy.version,
        source=policy.source,
        step=f"Ask {row.patient.goes_by} whether to stay on the waitlist: {row.lapses} offers went unanswered",
        anchor_event=f"wait:{row.pk}",
        anchor_at=now,
        due_at=_due(site, days=policy.ask_within_days, now=now),
    )
    start_clock(_liaison(actor), loop_id=_loop_id(row), clock=clock, now=now)


def locked_wait(pk: int, *, expected_version: int | None = None, entry: Entry | None = None) -> WaitlistEntry:
    """The wait, locked. Refuses: NotWaiting, Stale. The second press of one and the same ends `entry` here."""
    row = WaitlistEntry.objects.select_for_update(of=("self",)).select_related("patient", "moves", "loop").get(pk=pk)
    if entry is not None and expected_version != row.version:
        entry.only_once(row)
    if not row.is_waiting:
        raise NotWaiting
    if expected_version is not None and row.version != expected_version:
        raise Stale
    return row


def _write(row: WaitlistEntry, draft: WaitDraft, *, actor: Actor) -> list[Site]:
    """What suits them, checked, saved with its sites."""
    kind = VisitType.objects.filter(code=draft.visit_type_code, is_current=True).first()
    sites = list(Site.objects.filter(pk__in=draft.site_ids).order_by("name"))
    if kind is None or not sites or len(sites) != len(set(draft.site_ids)):
        raise NotFound
    _refuse_other_sites(actor, row, sites)
    if kind.referral_needed and row.referral is None:
        raise ReferralNeeded
    if row.referral is not None:
        refuse_elsewhere(row.referral, site_ids=[site.pk for site in sites])
    for field, sentence in _wrong(draft):
        raise Impossible(sentence, fields={field: sentence})
    row.with_resource = _theirs(Resource.objects.in_service(), draft.with_id)
    _refuse_who_works_elsewhere(row.with_resource, sites)
    row.visit_type_code = draft.visit_type_code
    row.weekdays = sorted(set(draft.weekdays))
    row.from_time, row.to_time = draft.from_time, draft.to_time
    row.not_before, row.until = draft.not_before, draft.until
    row.least_notice_minutes = draft.least_notice_minutes
    row.urgency, row.urgency_reason = draft.urgency.value, draft.urgency_reason.strip()
    row.save()
    row.sites.set(sites)
    return sites


def _says(row: WaitlistEntry, draft: WaitDraft) -> bool:
    """Whether the entry stands as this form says it: what was typed over it since is no repetition."""
    kept = (
        row.visit_type_code, row.with_resource_id, row.weekdays, row.from_time, row.to_time, row.not_before, row.until,
        row.least_notice_minutes, row.urgency, row.urgency_reason, row.moves_id, row.serves_id, row.referral_id,
    )  # fmt: skip
    typed = (
        draft.visit_type_code, draft.with_id, sorted(set(draft.weekdays)), draft.from_time, draft.to_time,
        draft.not_before, draft.until, draft.least_notice_minutes, draft.urgency.value, draft.urgency_reason.strip(),
        draft.moves_id, draft.loop_id, draft.referral_id,
    )  # fmt: skip
    return kept == typed and set(row.sites.values_list("pk", flat=True)) == set(draft.site_ids)


def _refuse_other_sites(actor: Actor, row: WaitlistEntry, sites: Iterable[Site]) -> None:
    """A site is named by who works there; one that stands already stays. Refuses: NotYourSite."""
    stands = set(row.sites.values_list("pk", flat=True)) if row.pk is not None else set()
    if not all(actor.may_at(WAIT, site_id=site.pk) for site in sites if site.pk not in stands):
        raise NotYourSite


def _refuse_who_works_elsewhere(resource: Resource | None, sites: Iterable[Site]) -> None:
    """Nobody can have a time with who never works there. Refuses: Impossible."""
    if resource is not None and not resource.hours.filter(site__in=[site.pk for site in sites]).exists():
        sentence = f"{resource.name} works at none of these sites. Choose somebody who does, or anyone."
        raise Impossible(sentence, fields={"with_id": sentence})


def _wrong(draft: WaitDraft) -> Iterable[tuple[str, str]]:
    if draft.urgency is not Urgency.ROUTINE and not draft.urgency_reason.strip():
        yield "urgency_reason", "Say why this patient goes before others."
    if draft.not_before and draft.until and draft.until < draft.not_before:
        yield "until", "The last day comes after the first."
    if draft.from_time and draft.to_time and draft.to_time <= draft.from_time:
        yield "to_time", "The latest start comes after the earliest."


def _movable(draft: WaitDraft, patient: Patient) -> Appointment | None:
    if draft.moves_id is None:
        return None
    visit = Appointment.objects.select_related("visit_type").filter(pk=draft.moves_id, patient=patient).first()
    if visit is None:
        raise NotFound
    if not visit.expects_patient or visit.visit_type.code != draft.visit_type_code:
        raise Impossible("That visit can't move forward any more. Choose another, or none.")
    return visit


def _theirs(rows: QuerySet[M], pk: int | None) -> M | None:
    """The row of that id among these, None when none is asked for. Refuses: NotFound."""
    if pk is None:
        return None
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _promise(actor: Actor, row: WaitlistEntry, *, site: Site, now: datetime) -> Loop:
    what = "an earlier visit" if row.moves_id else "a visit"
    return open_loop(
        _liaison(actor),
        patient=row.patient,
        promise=Promise(
            kind=WAITING.code,
            title=f"Find {row.patient.goes_by} {what}",
            clocks=(_look(row, site=site, now=now),),
            priority="routine" if row.urgency == Urgency.ROUTINE else "urgent",
            about=_about(row),
            once_key=f"wait:{row.pk}",
        ),
        owner=_owner(actor, row.patient, site=site, now=now),
        site=site,
        now=now,
    )


def _owner(actor: Actor, patient: Patient, *, site: Site, now: datetime) -> Owner:
    if actor.user_id is not None:
        return Owner(user_id=actor.user_id)
    owner = owner_for(patient, site=site, now=now)
    if owner is None:
        raise NobodyToOwn
    return owner


def _look_again_by(actor: Actor, row: WaitlistEntry, *, why: str, now: datetime) -> None:
    site = row.sites.order_by("name")[0]
    restart_clock(_liaison(actor), loop_id=_loop_id(row), clock=_look(row, site=site, now=now), reason=why, now=now)


def _look(row: WaitlistEntry, *, site: Site, now: datetime) -> ClockToStart:
    policy = waitlist_policy()
    days = policy.look_again_days[row.urgency_now]
    return ClockToStart(
        rule_id=LOOK,
        rule_version=policy.version,
        source=policy.source,
        step=f"Look for an earlier time for {row.patient.goes_by}",
        anchor_event=f"wait:{row.pk}",
        anchor_at=now,
        due_at=_due(site, days=days, now=now),
    )


def _due(site: Site, *, days: int, now: datetime) -> datetime:
    return due_after(
        now,
        allowance=Allowance(amount=days, unit=Unit.BUSINESS_DAYS),
        zone=site.zone,
        calendar=business_calendar(site_id=site.pk),
    )


def _about(row: WaitlistEntry) -> About:
    return About(type="scheduling.waitlistentry", id=row.pk)


def _loop_id(row: WaitlistEntry) -> int:
    return row.loop_id or 0


def _liaison(actor: Actor) -> Actor:
    """The ledger moves with the wait, whoever may open loops."""
    return actor.as_liaison()
