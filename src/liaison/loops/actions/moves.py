"""Moving many loops at once: a colleague's whole desk, the loops of a merged patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from liaison.accounts.models import Assignment, User
from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.live import announce_at_sites
from liaison.core.refusals import Conflict, Forbidden, NotFound, Refusal
from liaison.core.written_time import full_day
from liaison.loops import access, rules
from liaison.loops.actions.changing import ReasonNeeded, publish, tell
from liaison.loops.actions.desk import OwnerCannotSee
from liaison.loops.events import LoopAssigned
from liaison.loops.models import HandOver, HandOverCover, Loop, WaitingPromise
from liaison.loops.ports import Owner
from liaison.loops.queries.owners import Keeper, covers_of, keeper_for, load_of, name_of
from liaison.loops.queries.reach import patients_reached
from liaison.patients.events import PatientsMerged, PatientsUnmerged
from liaison.patients.queries import sites_of


class NobodyToCover(Refusal):
    """A desk is handed to somebody else."""

    code = "loops.nobody_to_cover"
    sentence = "Choose at least one person or team to cover, other than the colleague who is away."
    field = "to"


class EndsBeforeItStarts(Refusal):
    """Absence ends in the future, or is left open."""

    code = "loops.hand_over_ends_before"
    sentence = "Choose a day ahead for the return, or leave it open."
    field = "until"


class OtherSitesToo(Forbidden):
    """A hand-over of sites that somebody else supervises is theirs to end."""

    code = "loops.other_sites_too"
    sentence = "This hand-over covers sites that you don't supervise. Ask whoever made it, or a supervisor of them all."


class AlreadyHandedOver(Conflict):
    """One desk is in one pair of hands: a second hand-over of it would take loops from the first one's covers."""

    code = "loops.already_handed_over"
    sentence = "This desk is handed over already. Return it first, then hand it over anew."
    field = "from_user"


def hand_over(
    actor: Actor,
    *,
    from_user_id: int,
    to: Sequence[Owner],
    reason: str,
    now: datetime,
    until: datetime | None = None,
    idempotency_key: str = "",
) -> HandOver:
    """Hand an absent colleague's whole desk over in one action, as far as it lies at sites which the actor supervises.

    Every open loop there goes to a cover who sees the patient, a patient's loops together and to the least busy first;
    each loop's story says from whom, why and until when. What no cover can see stays where it is, and its story says
    so. Until then new loops for the colleague go to the covers too, and at that time the loops that a cover still
    keeps return. The same key again returns the hand-over that was made with it. Refuses NotFound for a colleague who
    works, and keeps a loop, at none of these sites, ReasonNeeded, NobodyToCover, EndsBeforeItStarts,
    AlreadyHandedOver, OwnerCannotSee when no cover sees any of the patients.
    """
    covers = [owner for owner in dict.fromkeys(to) if owner.user_id != from_user_id or owner.team_id]
    with act(actor, access.HAND_OVER, reason=reason, now=now) as entry:
        if not reason.strip():
            raise ReasonNeeded
        if not covers:
            raise NobodyToCover
        if until is not None and until <= now:
            raise EndsBeforeItStarts
        sites = actor.sites_for(access.HAND_OVER)
        away = User.objects.select_for_update().filter(pk=from_user_id).first()
        theirs = Loop.objects.open().owned_by(Owner(user_id=from_user_id))
        here = theirs if sites is None else theirs.filter(site_id__in=sites)
        if away is None or not (_works_at(away, sites=sites, now=now) or here.exists()):
            raise NotFound
        if idempotency_key and (known := HandOver.objects.filter(idempotency_key=idempotency_key).first()):
            entry.about(known)
            return known
        _refuse_second(away, sites=sites, now=now)
        made = HandOver.objects.create(
            from_user=away, reason=reason.strip()[:300], starts_at=now, until_at=until,
            site_ids=None if sites is None else sorted(sites), idempotency_key=idempotency_key or None,
            by_id=actor.user_id, by_name=actor.name,
        )  # fmt: skip
        HandOverCover.objects.bulk_create(
            [HandOverCover(hand_over=made, user_id=owner.user_id, team_id=owner.team_id) for owner in covers]
        )
        entry.about(made)
        loops = locked(here)
        moved = _share(loops, covers=covers, made=made, actor=actor, entry=entry, now=now)
        entry.note(loops=moved, stayed=len(loops) - moved, from_user_id=from_user_id)
    return made


def _refuse_second(away: User, *, sites: frozenset[int] | None, now: datetime) -> None:
    """Refuse AlreadyHandedOver, saying who covers and until when; the row of the colleague is locked."""
    current = HandOver.objects.filter(Q(until_at=None) | Q(until_at__gt=now), from_user=away, returned_at=None)
    if sites is not None:
        current = current.filter(Q(site_ids=None) | Q(site_ids__overlap=sorted(sites)))
    made = current.order_by("pk").first()
    if made is not None:
        names = ", ".join(name_of(cover) for cover in covers_of(made))
        ending = f" until {full_day(made.until_at)}" if made.until_at else ""
        raise AlreadyHandedOver(
            f"{away.name}'s desk is with {names}{ending} already. Return it first, then hand it over anew."
        )


def _share(
    loops: dict[int, Loop], *, covers: Sequence[Owner], made: HandOver, actor: Actor, entry: Entry, now: datetime
) -> int:
    """Give each loop to a cover who sees the patient; how many. Refuses OwnerCannotSee when there is none at all."""
    patient_ids = {loop.patient_id for loop in loops.values()}
    shared = rules.share_out(
        [(loop.patient_id, loop.pk) for loop in loops.values()],
        covers=covers,
        load=load_of(covers),
        sees={cover: patients_reached(cover, patient_ids=patient_ids, now=now) for cover in covers},
    )
    if loops and not shared:
        raise OwnerCannotSee
    names = {owner: name_of(owner) for owner in covers}
    ending = f" until {full_day(made.until_at)}" if made.until_at else ""
    staying = dict(loops)
    for moved in shared:
        loop = staying.pop(moved.loop_id)
        loop.hand_over = made
        give(loop, to=moved.to, actor=actor, entry=entry, now=now, what="handed_over", reason=made.reason,
             sentence=f"Handed over from {made.from_user.name} to {names[moved.to]}{ending}.")  # fmt: skip
    for loop in staying.values():
        tell(loop, actor=actor, now=now, what="not_handed_over", reason=made.reason,
             sentence=f"Stays with {made.from_user.name}: nobody who covers can see the patient.")  # fmt: skip
        entry.concerns(loop.patient_id)
    return len(shared)


def return_hand_overs(actor: Actor, *, now: datetime) -> int:
    """Give back what covers still keep of hand-overs that have ended; returns how many loops. Safe twice.

    Nothing goes back to somebody who can't see the patient any more: it stays with the cover or, if they can't see the
    patient either, goes where `owner_for` says.
    """
    with act(actor, access.ESCALATE, now=now) as entry:
        ended = HandOver.objects.filter(returned_at=None, until_at__lte=now)
        count = 0
        for made in ended.select_related("from_user").select_for_update(of=("self",), skip_locked=True):
            made.returned_at = now
            made.save()
            loops = locked(Loop.objects.open().filter(hand_over=made))
            back = Owner(user_id=made.from_user_id)
            seen = patients_reached(back, patient_ids={loop.patient_id for loop in loops.values()}, now=now)
            for loop in loops.values():
                loop.hand_over = None
                if loop.patient_id not in seen:
                    _keep(loop, away=made.from_user, actor=actor, entry=entry, now=now)
                    continue
                give(loop, to=back, actor=actor, entry=entry, now=now, what="returned",
                     sentence=f"Back with {made.from_user.name}: the hand-over has ended.")  # fmt: skip
                count += 1
        entry.note(loops=count)
    return count


def _keep(loop: Loop, *, away: User, actor: Actor, entry: Entry, now: datetime) -> None:
    """The hand-over has ended, but whose desk it was can't see the patient any more."""
    why = f"The hand-over has ended, but {away.name} can't see the patient any more"
    keeper = keeper_for(loop.owner, patient=loop.patient, site=loop.site, now=now) or Keeper(owner=loop.owner)
    loop.hand_over_id = keeper.hand_over_id
    name = name_of(keeper.owner)
    sentence = f"{why}: it stays with {name}." if keeper.owner == loop.owner else f"{why}: given to {name}."
    give(loop, to=keeper.owner, actor=actor, entry=entry, now=now, what="returned", sentence=sentence)


def end_hand_overs_of(actor: Actor, *, user_id: int, now: datetime) -> None:
    """Whose desk it is left for good: what their covers keep stays with them."""
    with act(actor.as_liaison(), access.ESCALATE, now=now):
        at = None
        for made in HandOver.objects.select_for_update().filter(from_user_id=user_id, returned_at=None):
            made.until_at = at = _ended_at(made, now=now)
            made.save()
        if at is not None:
            return_hand_overs(actor.as_liaison(), now=at)


def end_hand_over(actor: Actor, *, hand_over_id: int, now: datetime) -> int:
    """The colleague is back early: end the hand-over now and return the loops. Whose desk it is may say so themselves.

    Refuses Forbidden, NotFound, OtherSitesToo.
    """
    own = actor.user_id is not None and HandOver.objects.filter(pk=hand_over_id, from_user_id=actor.user_id).exists()
    with act(actor, access.COME_BACK if own else access.HAND_OVER, now=now) as entry:
        made = HandOver.objects.select_for_update().filter(pk=hand_over_id, returned_at=None).first()
        if made is None:
            raise NotFound
        entry.about(made)
        sites = actor.sites_for(access.HAND_OVER)
        if not own and sites is not None and (made.site_ids is None or not sites.issuperset(made.site_ids)):
            raise OtherSitesToo
        made.until_at = _ended_at(made, now=now)
        made.save()
        return return_hand_overs(actor.as_liaison(), now=made.until_at)


def follow_merge(actor: Actor, *, fact: PatientsMerged) -> int:
    """After a merge every loop of the record that went is the survivor's; returns how many."""
    from liaison.patients.actions import repoint

    with act(actor, access.REPOINT, now=fact.at) as entry:
        moved = repoint(fact, rows=Loop.objects.all())
        repoint(fact, rows=WaitingPromise.objects.all())
        entry.concerns(fact.merged_id, fact.survivor_id)
        entry.note(loops=moved)
        announce_at_sites(topic="desk", site_ids=sites_of(fact.survivor_id, fact.merged_id), what="repointed")
    return moved


def follow_unmerge(actor: Actor, *, fact: PatientsUnmerged) -> int:
    """The merge was a mistake: the same loops go back; returns how many."""
    from liaison.patients.actions import put_back

    with act(actor, access.REPOINT, now=fact.at) as entry:
        moved = put_back(fact, model=Loop)
        put_back(fact, model=WaitingPromise)
        entry.concerns(fact.merged_id, fact.survivor_id)
        entry.note(loops=moved)
        announce_at_sites(topic="desk", site_ids=sites_of(fact.survivor_id, fact.merged_id), what="repointed")
    return moved


def _ended_at(made: HandOver, *, now: datetime) -> datetime:
    """Now, or just after it began: it ends after it starts."""
    return max(now, made.starts_at + timedelta(microseconds=1))


def _works_at(person: User, *, sites: frozenset[int] | None, now: datetime) -> bool:
    if sites is None:
        return True
    held = Assignment.objects.current(now=now).filter(user=person)
    return held.filter(Q(site=None) | Q(site_id__in=sites)).exists()


def locked(loops: QuerySet[Loop]) -> dict[int, Loop]:
    """These loops by id, locked in one order, with site and patient."""
    rows = loops.select_related("site", "patient").order_by("pk").select_for_update(of=("self",))
    return {loop.pk: loop for loop in rows}


def give(
    loop: Loop,
    *,
    to: Owner,
    actor: Actor,
    entry: Entry,
    now: datetime,
    what: str,
    sentence: str,
    reason: str = "",
) -> None:
    """One of many loops goes to another owner; the story says why."""
    loop.owner_user_id, loop.owner_team_id = to.user_id, to.team_id
    loop.version += 1
    loop.save()
    tell(loop, actor=actor, now=now, what=what, sentence=sentence, reason=reason)
    entry.concerns(loop.patient_id)
    publish(entry, loop, kind=LoopAssigned, now=now)
