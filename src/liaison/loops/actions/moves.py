"""Moving many loops at once: a colleague's whole desk, the loops of a merged patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from liaison.accounts.models import Assignment, User
from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.live import announce_at_sites
from liaison.core.refusals import Forbidden, NotFound, Refusal
from liaison.core.written_time import full_day
from liaison.loops import access, rules
from liaison.loops.actions.changing import ReasonNeeded, publish, tell
from liaison.loops.actions.desk import refuse_owner_who_cannot_see
from liaison.loops.actions.ledger import name_of
from liaison.loops.events import LoopAssigned
from liaison.loops.models import HandOver, HandOverCover, Loop, WaitingPromise
from liaison.loops.ports import Owner
from liaison.loops.queries.owners import load_of
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


def hand_over(
    actor: Actor,
    *,
    from_user_id: int,
    to: Sequence[Owner],
    reason: str,
    now: datetime,
    until: datetime | None = None,
) -> HandOver:
    """Hand an absent colleague's whole desk over in one action, as far as it lies at sites which the actor supervises.

    Every open loop there goes to a cover, a patient's loops together and to the least busy first; each loop's story
    says from whom, why and until when. Until then new loops for the colleague go to the covers too, and at that
    time the loops that a cover still keeps return. Refuses NotFound for a colleague who works at none of these sites,
    ReasonNeeded, NobodyToCover, EndsBeforeItStarts, OwnerCannotSee.
    """
    covers = [owner for owner in dict.fromkeys(to) if owner.user_id != from_user_id or owner.team_id]
    if not reason.strip():
        raise ReasonNeeded
    if not covers:
        raise NobodyToCover
    if until is not None and until <= now:
        raise EndsBeforeItStarts
    with act(actor, access.HAND_OVER, reason=reason, now=now) as entry:
        sites = actor.sites_for(access.HAND_OVER)
        away = User.objects.filter(pk=from_user_id).first()
        if away is None or not _works_at(away, sites=sites, now=now):
            raise NotFound
        made = HandOver.objects.create(
            from_user=away, reason=reason.strip()[:300], starts_at=now, until_at=until,
            site_ids=None if sites is None else sorted(sites),
            by_id=actor.user_id, by_name=actor.name,
        )  # fmt: skip
        HandOverCover.objects.bulk_create(
            [HandOverCover(hand_over=made, user_id=owner.user_id, team_id=owner.team_id) for owner in covers]
        )
        entry.about(made)
        theirs = Loop.objects.open().owned_by(Owner(user_id=from_user_id))
        loops = _locked(theirs if sites is None else theirs.filter(site_id__in=sites))
        shared = rules.share_out(
            [(loop.patient_id, loop.pk) for loop in loops.values()], covers=covers, load=load_of(covers)
        )
        names = {owner: name_of(owner) for owner in covers}
        ending = f" until {full_day(until)}" if until else ""
        for moved in shared:
            loop = loops[moved.loop_id]
            refuse_owner_who_cannot_see(loop, owner=moved.to, now=now)
            loop.hand_over = made
            _give(loop, to=moved.to, actor=actor, entry=entry, now=now, what="handed_over", reason=reason,
                  sentence=f"Handed over from {away.name} to {names[moved.to]}{ending}.")  # fmt: skip
        entry.note(loops=len(shared), from_user_id=from_user_id)
    return made


def return_hand_overs(actor: Actor, *, now: datetime) -> int:
    """Give back what covers still keep of hand-overs that have ended; returns how many loops. Safe twice."""
    with act(actor, access.ESCALATE, now=now) as entry:
        ended = HandOver.objects.filter(returned_at=None, until_at__lte=now)
        count = 0
        for made in ended.select_related("from_user").select_for_update(of=("self",), skip_locked=True):
            made.returned_at = now
            made.save()
            for loop in _locked(Loop.objects.open().filter(hand_over=made)).values():
                loop.hand_over = None
                back = Owner(user_id=made.from_user_id)
                _give(loop, to=back, actor=actor, entry=entry, now=now, what="returned",
                      sentence=f"Back with {made.from_user.name}: the hand-over has ended.")  # fmt: skip
                count += 1
        entry.note(loops=count)
    return count


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
        made.until_at = max(now, made.starts_at + rules.UNDO_WITHIN)
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


def _works_at(person: User, *, sites: frozenset[int] | None, now: datetime) -> bool:
    if sites is None:
        return True
    held = Assignment.objects.current(now=now).filter(user=person)
    return held.filter(Q(site=None) | Q(site_id__in=sites)).exists()


def _locked(loops: QuerySet[Loop]) -> dict[int, Loop]:
    rows = loops.select_related("site", "patient").order_by("pk").select_for_update(of=("self",))
    return {loop.pk: loop for loop in rows}


def _give(
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
    loop.owner_user_id, loop.owner_team_id = to.user_id, to.team_id
    loop.version += 1
    loop.save()
    tell(loop, actor=actor, now=now, what=what, sentence=sentence, reason=reason)
    entry.concerns(loop.patient_id)
    publish(entry, loop, kind=LoopAssigned, now=now)
