"""Who keeps a promise when its owner is away, and whom a level of the ladder tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef, Q

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Site, Team, TeamMember, User
from liaison.core.actor import Actor
from liaison.core.numbers import id_in
from liaison.core.refusals import NotFound, Refusal
from liaison.loops import access
from liaison.loops.models import HandOver, HandOverCover, Loop
from liaison.loops.ports import Owner
from liaison.loops.queries.reach import carrying, reaches
from liaison.patients.models import CareRole, CareTeamMember, PatientSite

if TYPE_CHECKING:
    from liaison.patients.models import Patient


class NoSite(Refusal):
    """A loop happens somewhere: the site owns its time zone."""

    code = "loops.no_site"
    sentence = "This patient belongs to no site yet. Add one on the patient's page, then do this again."


class NobodyToOwn(Refusal):
    """A loop has an owner, never nobody."""

    code = "loops.nobody_to_own"
    sentence = "There is no team, coordinator or supervisor at this patient's site to follow them up. Add one first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who keeps a loop in fact, and why it is not whom it was meant for.

    `hand_over_id` is the hand-over at whose end it returns. `because` is the sentence for the story, "" where it is
    the one it was meant for.
    """

    owner: Owner
    hand_over_id: int | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChoice:
    """One line of the "give to" box: `value` is "user:7" or "team:3", `open_loops` how many they have."""

    value: str
    name: str
    open_loops: int


def keeper_for(owner: Owner, *, patient: Patient, site: Site, now: datetime) -> Keeper | None:
    """Who keeps a promise that is meant for `owner`; None when nobody could who sees the patient.

    The owner; while their desk at this site is handed over, the cover with the fewest open loops of those who see the
    patient. A cover who is away as well is passed on once more, and no further: two people covering each other end.
    Where the owner, or everyone who covers, can't see the patient, it goes where `owner_for` says; if that is nobody,
    it stays with an owner who is away but sees the patient.
    """
    made = _current_hand_over(owner, site_id=site.pk, now=now)
    if made is None:
        seen = reaches(owner, patient_id=patient.pk, now=now)
        return Keeper(owner=owner) if seen else _instead(owner, made=made, patient=patient, site=site, now=now)
    cover = _cover(made, patient=patient, now=now)
    if cover is None:
        return _instead(owner, made=made, patient=patient, site=site, now=now)
    again = _current_hand_over(cover.owner, site_id=site.pk, now=now)
    return (_cover(again, patient=patient, now=now) if again else None) or cover


def _cover(made: HandOver, *, patient: Patient, now: datetime) -> Keeper | None:
    covers = [each for each in covers_of(made) if reaches(each, patient_id=patient.pk, now=now)]
    if not covers:
        return None
    load = load_of(covers)
    because = f"{made.from_user.name}'s desk is handed over, so it came here."
    return Keeper(owner=min(covers, key=lambda cover: load[cover]), hand_over_id=made.pk, because=because)


def _instead(owner: Owner, *, made: HandOver | None, patient: Patient, site: Site, now: datetime) -> Keeper | None:
    other = owner_for(patient, site=site, now=now, without=owner.user_id)
    if other is None or other == owner:
        return Keeper(owner=owner) if made and reaches(owner, patient_id=patient.pk, now=now) else None
    if made is None:
        return Keeper(owner=other, because=f"{name_of(owner)} can't see this patient, so it came here.")
    because = f"Nobody who covers {made.from_user.name}'s desk can see this patient, so it came here."
    return Keeper(owner=other, hand_over_id=made.pk, because=because)


def _current_hand_over(owner: Owner, *, site_id: int, now: datetime) -> HandOver | None:
    if owner.user_id is None:
        return None
    return (
        HandOver.objects.select_related("from_user")
        .filter(Q(until_at=None) | Q(until_at__gt=now), from_user_id=owner.user_id, starts_at__lte=now)
        .filter(Q(site_ids=None) | Q(site_ids__contains=[site_id]), returned_at=None)
        .order_by("-pk")
        .first()
    )


def covers_of(hand_over: HandOver) -> tuple[Owner, ...]:
    """Who covers it, in the order they were named."""
    rows = HandOverCover.objects.filter(hand_over=hand_over).order_by("pk")
    return tuple(Owner(user_id=row.user_id, team_id=row.team_id) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCover:
    """One hand-over of somebody's own desk that holds now: who covers, why, until when, how many loops they keep.

    `until_on` is the first day back, None when it is not known.
    """

    hand_over_id: int
    covered_by: tuple[str, ...]
    reason: str
    until_on: date | None
    kept: int


def own_covers(actor: Actor, *, now: datetime) -> tuple[OwnCover, ...]:
    """Whose hands the actor's own desk is in at the moment; empty while they keep it themselves."""
    if actor.user_id is None:
        return ()
    current = HandOver.objects.filter(Q(until_at=None) | Q(until_at__gt=now), starts_at__lte=now, returned_at=None)
    return tuple(
        OwnCover(
            hand_over_id=made.pk,
            covered_by=tuple(by.name for by in _people_and_teams(made)),
            reason=made.reason,
            until_on=made.until_at.astimezone(actor.zone).date() if made.until_at else None,
            kept=Loop.objects.open().filter(hand_over=made).count(),
        )
        for made in current.filter(from_user_id=actor.user_id).order_by("pk")
    )


def left_behind(actor: Actor, *, hand_over: HandOver) -> int:
    """How many open loops a hand-over left with the colleague, at the sites it is of and the actor supervises."""
    theirs = Loop.objects.open().filter(owner_user_id=hand_over.from_user_id)
    for sites in (hand_over.site_ids, actor.sites_for(access.HAND_OVER)):
        theirs = theirs if sites is None else theirs.filter(site_id__in=sites)
    return theirs.count()


def _people_and_teams(made: HandOver) -> list[User | Team]:
    rows = made.covers.select_related("user", "team").order_by("pk")
    return [by for by in (row.user or row.team for row in rows) if by is not None]


def load_of(owners: Sequence[Owner]) -> dict[Owner, int]:
    """How many open loops each of these has."""
    return {owner: Loop.objects.open().owned_by(owner).count() for owner in owners}


def site_of(patient: Patient) -> Site:
    """Where a promise to this patient is kept: their home site, else their first one. Refuses NoSite."""
    site = patient.home_site()
    if site is None:
        raise NoSite
    return site


def coordinator_of(patient: Patient, *, now: datetime, without: int | None = None) -> Owner | None:
    """The coordinator on the patient's own care team on that day, the first of several, `without` this person.

    Only who holds a role that carries loops: without one nobody sees the patient they look after.
    """
    mine = CareTeamMember.objects.on(patient.day_at(now)).filter(patient=patient, role=CareRole.COORDINATOR)
    mine = mine.filter(user__in=carrying(now=now).values("user"))
    user_id = mine.exclude(user_id=without or 0).order_by("pk").values_list("user_id", flat=True).first()
    return None if user_id is None else Owner(user_id=user_id)


def owner_for(patient: Patient, *, site: Site, now: datetime, without: int | None = None) -> Owner | None:
    """Who keeps a promise to a patient at a site that nobody made by hand; None when nobody could.

    Their own coordinator; else a team of the site or of the whole organization in which somebody works who sees the
    patients of the site; else a coordinator or a supervisor there; else a team in which nobody works yet, which the
    supervisors' board shows. At a site where the patient is not known nobody sees them: then at their own site.
    `without` is the id of a person who can't.
    """
    own = coordinator_of(patient, now=now, without=without)
    if own is not None:
        return own
    site = _where_known(patient, site=site)
    found = _team(site, worked_in=True, now=now)
    if found is not None:
        return found
    for role in (Role.COORDINATOR, Role.SUPERVISOR):
        people = User.objects.active().holding(role, now=now, site_id=site.pk).exclude(pk=without or 0)
        someone = people.order_by("pk").first()
        if someone is not None:
            return Owner(user_id=someone.pk)
    return _team(site, worked_in=False, now=now)


def _where_known(patient: Patient, *, site: Site) -> Site:
    known = PatientSite.objects.filter(patient=patient, site=site).exists()
    return site if known else patient.home_site() or site


def _team(site: Site, *, worked_in: bool, now: datetime) -> Owner | None:
    """The first team of this site, else of the whole organization, in which somebody works at the site, or nobody."""
    here = carrying(now=now).filter(Q(site=site) | Q(site=None))
    members = TeamMember.objects.filter(team=OuterRef("pk"), user__in=here.values("user"))
    teams = Team.objects.filter(Q(site=site) | Q(site=None), Exists(members) if worked_in else ~Exists(members))
    found = sorted(teams, key=lambda team: (team.site_id is None, team.pk))
    return Owner(team_id=found[0].pk) if found else None


def name_of(owner: Owner) -> str:
    """The person's or the team's name, for the story. Refuses NotFound."""
    row: User | Team | None = None
    if owner.user_id is not None:
        row = User.objects.filter(pk=owner.user_id).first()
    else:
        row = Team.objects.filter(pk=owner.team_id or 0).first()
    if row is None:
        raise NotFound
    return row.name


def people_to_tell(loop: Loop, *, roles: Sequence[str], now: datetime) -> tuple[int, ...]:
    """The ids of the people that these names of the ladder mean for this loop, each once, active only.

    owner: the person, or the team's members. backup: the members of the owner's teams at the site. lead and
    supervisor: the supervisors of the site. manager: the supervisors of the whole organization. clinician: the
    clinicians of the site.
    """
    found: set[int] = set()
    for role in roles:
        found.update(_people(loop, role=role, now=now))
    return tuple(sorted(User.objects.active().filter(pk__in=found).values_list("pk", flat=True)))


def _people(loop: Loop, *, role: str, now: datetime) -> set[int]:
    match role:
        case "owner":
            return {loop.owner_user_id} if loop.owner_user_id else _members([loop.owner_team_id or 0])
        case "backup":
            teams = TeamMember.objects.filter(user_id=loop.owner_user_id or 0, team__site_id=loop.site_id)
            return _members(list(teams.values_list("team_id", flat=True)))
        case "lead" | "supervisor":
            return _holding(Role.SUPERVISOR, site_id=loop.site_id, now=now)
        case "clinician":
            return _holding(Role.CLINICIAN, site_id=loop.site_id, now=now)
        case "manager":
            held = Assignment.objects.current(now=now).filter(role=Role.SUPERVISOR, site=None)
            return set(held.values_list("user_id", flat=True))
        case _:
            raise ValueError(f"The escalation ladder names nobody called {role!r}.")


def _members(team_ids: Sequence[int]) -> set[int]:
    return set(TeamMember.objects.filter(team_id__in=team_ids).values_list("user_id", flat=True))


def _holding(role: Role, *, site_id: int, now: datetime) -> set[int]:
    return set(User.objects.holding(role, now=now, site_id=site_id).values_list("pk", flat=True))


def owner_choices(actor: Actor, *, site_id: int, now: datetime) -> tuple[OwnerChoice, ...]:
    """Teams of a site and the people whose role there lets them take a loop, the teams first, with their load."""
    del actor  # anybody who may assign sees who is there; the people of a site are no secret to each other
    teams = Team.objects.filter(Q(site_id=site_id) | Q(site=None)).order_by("name")
    held = Assignment.objects.current(now=now).filter(Q(site_id=site_id) | Q(site=None), role__in=access.TAKE.roles)
    people = User.objects.active().filter(pk__in=held.values("user_id")).order_by("name")
    teams_and_people = [
        *((Owner(team_id=team.pk), team.name) for team in teams),
        *((Owner(user_id=person.pk), person.name) for person in people),
    ]
    load = _loads([owner for owner, _ in teams_and_people])
    return tuple(
        OwnerChoice(value=as_value(owner), name=name, open_loops=load[owner]) for owner, name in teams_and_people
    )


def _loads(owners: Sequence[Owner]) -> dict[Owner, int]:

    users = dict(
        Loop.objects.open()
        .filter(owner_user_id__in=[owner.user_id for owner in owners if owner.user_id])
        .values_list("owner_user_id")
        .annotate(Count("id"))
    )
    teams = dict(
        Loop.objects.open()
        .filter(owner_team_id__in=[owner.team_id for owner in owners if owner.team_id])
        .values_list("owner_team_id")
        .annotate(Count("id"))
    )
    return {owner: users.get(owner.user_id, 0) if owner.user_id else teams.get(owner.team_id, 0) for owner in owners}


def as_value(owner: Owner) -> str:
    """The owner as a form carries it: "user:7" or "team:3"."""
    return f"user:{owner.user_id}" if owner.user_id is not None else f"team:{owner.team_id}"


def owner_from_value(value: str) -> Owner | None:
    """The owner that a form named, or None for anything else."""
    kind, _, number = value.partition(":")
    found = id_in(number)
    if found is None or kind not in {"user", "team"}:
        return None
    return Owner(user_id=found) if kind == "user" else Owner(team_id=found)
