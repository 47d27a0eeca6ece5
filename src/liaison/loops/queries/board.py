"""The supervisor's board: who has how much open, late and due today, and whose desk is covered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from django.db.models import Count, F, Q, QuerySet

from liaison.accounts.access import DESK_ROLES
from liaison.accounts.models import Assignment, Team, TeamMember, User
from liaison.core.actor import Actor
from liaison.core.calendars import end_of_day
from liaison.core.refusals import Forbidden
from liaison.loops import access
from liaison.loops.models import HandOver, HandOverCover, Loop
from liaison.loops.ports import Owner
from liaison.loops.queries.owners import as_value
from liaison.loops.queries.reach import carrying


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One column of the board: a person or a team and their open loops. `late` and `today` are parts of `open`.

    `asked` counts the loops of others that wait on a step of this person. `missing` says why nobody sees to it: "left"
    for who holds no role that carries loops any more, "elsewhere" for who holds one at other sites only, "nobody" for a
    team in which nobody works. While their desk is handed over `is_away` is true, `away_until` says until when (None:
    not known) and `covered_by` to whom.
    """

    owner: Owner
    value: str
    name: str
    is_team: bool
    open: int
    late: int
    today: int
    escalated: int
    asked: int = 0
    is_away: bool = False
    hand_over_id: int | None = None
    away_until: datetime | None = None
    away_reason: str = ""
    covered_by: tuple[str, ...] = ()
    missing: str = ""

    @property
    def works_here(self) -> bool:
        """Whether this is a desk of these sites, which can get loops."""
        return self.missing not in {"left", "elsewhere"}


def load(actor: Actor, *, now: datetime, zone: tzinfo) -> tuple[Load, ...]:
    """Everyone at the supervisor's sites with a desk, and every team there: the most late first, then by name.

    Only loops of the supervisor's sites count. People without any open loop are shown with none, since that is
    who has room. Whoever keeps an open loop there has a column, also who does not work there (any more): nothing
    open is out of sight. Refuses Forbidden.
    """
    if not actor.may(access.BOARD):
        raise Forbidden
    sites = actor.sites_for(access.BOARD)
    at_sites = Q() if sites is None else Q(site_id__in=sites)
    ends = end_of_day(now.astimezone(zone).date(), zone=zone) + timedelta(seconds=1)
    loops = Loop.objects.open().filter(at_sites)
    figures = {
        **_figures(loops.filter(owner_user__isnull=False), column="owner_user_id", now=now, ends=ends),
        **_figures(loops.filter(owner_team__isnull=False), column="owner_team_id", now=now, ends=ends),
    }
    asked = _asked(loops)
    away = _away(sites=sites, now=now)
    desks, places = _desks(sites=sites, now=now), _Places.read(now=now)
    others = _others([owner for owner in figures if owner not in desks])
    columns = [
        replace(
            _column(owner, name=name, figures=figures.get(owner, {}), away=away.get(owner.user_id)),
            asked=asked.get(owner.user_id, 0),
            missing=places.missing(owner, at_desk=owner in desks),
        )
        for owner, name in (desks | others).items()
    ]
    return tuple(sorted(columns, key=lambda each: (-each.late, -each.open, each.name)))


def covering_choices(
    columns: Sequence[Load], *, near_id: int | None = None, absent_id: int | None = None, now: datetime
) -> tuple[tuple[str, str], ...]:
    """(value, words) of those who could cover a desk, people and teams: those nearest to `near_id` first.

    Nearest is who shares a team with that person (and that team), then who holds the same role at the same site, the
    same role, the same site; among equals the least busy. The words say role and site. Who is away can't, nor can the
    colleague whose desk it is, `absent_id`. Near to nobody, the least busy stands first.
    """
    here = [
        each
        for each in columns
        if each.works_here and not each.is_away and (each.is_team or each.owner.user_id != absent_id)
    ]
    posts = _posts(now=now)
    theirs = posts.get(Owner(user_id=near_id), _Post()) if near_id is not None else _Post()
    near = {each.owner: posts.get(each.owner, _Post()) for each in here}
    here.sort(key=lambda each: (near[each.owner].distance(theirs), each.open, each.name))
    return tuple((each.value, near[each.owner].named(each)) for each in here)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """Where a person or a team works: the ids of teams, what they do there, and it in words."""

    teams: frozenset[int] = frozenset()
    held: frozenset[tuple[str, int | None]] = frozenset()
    words: tuple[str, ...] = ()

    def distance(self, other: _Post) -> int:
        """How far from another's: 0 for a shared team, then role and site, role, site, and 4 for nothing shared."""
        if self.teams & other.teams:
            return 0
        if self.held & other.held:
            return 1
        if {role for role, _site in self.held if role} & {role for role, _site in other.held}:
            return 2
        return 3 if {site for _role, site in self.held} & {site for _role, site in other.held} else 4

    def named(self, load: Load) -> str:
        """The name, how many loops are open, and what they do where."""
        return " · ".join([f"{load.name} ({load.open})", *self.words])


def _posts(*, now: datetime) -> dict[Owner, _Post]:
    """The post of everyone with a role now, and of every team."""
    members: dict[int, set[int]] = defaultdict(set)
    for user_id, team_id in TeamMember.objects.values_list("user_id", "team_id"):
        members[user_id].add(team_id)
    held: dict[int, list[Assignment]] = defaultdict(list)
    for one in Assignment.objects.current(now=now).select_related("site").order_by("role", "pk"):
        held[one.user_id].append(one)
    found = {
        Owner(user_id=user_id): _Post(
            teams=frozenset(members[user_id]),
            held=frozenset((one.role, one.site_id) for one in roles),
            words=tuple(str(one) for one in roles),
        )
        for user_id, roles in held.items()
    }
    for team in Team.objects.select_related("site"):
        place = (team.site.name,) if team.site else ()
        found[Owner(team_id=team.pk)] = _Post(
            teams=frozenset({team.pk}), held=frozenset({("", team.site_id)}), words=place
        )
    return found


def open_count(*, user_id: int) -> int:
    """How many open loops a person holds: a figure, for whoever closes the account."""
    return Loop.objects.open().filter(owner_user_id=user_id).count()


def _figures(loops: QuerySet[Loop], *, column: str, now: datetime, ends: datetime) -> dict[Owner, dict[str, int]]:
    rows = loops.values(column).annotate(
        open=Count("id"),
        late=Count("id", filter=Q(due_at__lt=now)),
        today=Count("id", filter=Q(due_at__gte=now, due_at__lt=ends)),
        escalated=Count("id", filter=Q(escalation_level__gte=3)),
    )
    name = "user_id" if column == "owner_user_id" else "team_id"
    return {Owner(**{name: row.pop(column)}): row for row in rows}


def _asked(loops: QuerySet[Loop]) -> dict[int | None, int]:
    """How many loops that somebody else owns wait on each person."""
    elses = loops.filter(waiting_on_user__isnull=False).exclude(owner_user=F("waiting_on_user"))
    return dict(elses.values_list("waiting_on_user").annotate(Count("id")))


def _desks(*, sites: frozenset[int] | None, now: datetime) -> dict[Owner, str]:
    held = Assignment.objects.current(now=now).filter(role__in=DESK_ROLES)
    teams = Team.objects.all()
    if sites is not None:
        held = held.filter(Q(site_id__in=sites) | Q(site=None))
        teams = teams.filter(Q(site_id__in=sites) | Q(site=None))
    people = User.objects.active().filter(pk__in=held.values("user_id"))
    return {
        **{Owner(team_id=team.pk): team.name for team in teams},
        **{Owner(user_id=person.pk): person.name for person in people},
    }


def _others(owners: Sequence[Owner]) -> dict[Owner, str]:
    """The names of those who keep something here and have no desk here."""
    people = User.objects.filter(pk__in=[owner.user_id for owner in owners if owner.user_id])
    teams = Team.objects.filter(pk__in=[owner.team_id for owner in owners if owner.team_id])
    return {
        **{Owner(team_id=team.pk): team.name for team in teams},
        **{Owner(user_id=person.pk): person.name for person in people},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Who works at all (user ids), and the teams in which somebody does."""

    people: frozenset[int]
    teams: frozenset[int]

    @classmethod
    def read(cls, *, now: datetime) -> _Places:
        working = carrying(now=now).values("user")
        return cls(
            people=frozenset(carrying(now=now).values_list("user_id", flat=True)),
            teams=frozenset(TeamMember.objects.filter(user__in=working).values_list("team_id", flat=True)),
        )

    def missing(self, owner: Owner, *, at_desk: bool) -> str:
        """Why nobody sees to what this owner keeps here; "" when somebody does."""
        if owner.team_id is not None and owner.team_id not in self.teams:
            return "nobody"
        if at_desk:
            return ""
        return "elsewhere" if owner.team_id or owner.user_id in self.people else "left"


def _away(*, sites: frozenset[int] | None, now: datetime) -> dict[int | None, tuple[HandOver, tuple[str, ...]]]:
    """By the id of who is away: the hand-over of these sites that holds now, and who covers."""
    current = HandOver.objects.filter(Q(until_at=None) | Q(until_at__gt=now), returned_at=None, starts_at__lte=now)
    if sites is not None:
        current = current.filter(Q(site_ids=None) | Q(site_ids__overlap=sorted(sites)))
    names: dict[int, list[str]] = defaultdict(list)
    for cover in HandOverCover.objects.select_related("user", "team").filter(hand_over__in=current):
        by = cover.user or cover.team
        names[cover.hand_over_id].append(by.name if by else "")
    return {made.from_user_id: (made, tuple(names[made.pk])) for made in current.order_by("pk")}


def _column(
    owner: Owner,
    *,
    name: str,
    figures: dict[str, int],
    away: tuple[HandOver, tuple[str, ...]] | None,
) -> Load:
    absent = away if owner.user_id is not None else None
    return Load(
        owner=owner,
        value=as_value(owner),
        name=name,
        is_team=owner.team_id is not None,
        open=figures.get("open", 0),
        late=figures.get("late", 0),
        today=figures.get("today", 0),
        escalated=figures.get("escalated", 0),
        is_away=absent is not None,
        hand_over_id=absent[0].pk if absent else None,
        away_until=absent[0].until_at if absent else None,
        away_reason=absent[0].reason if absent else "",
        covered_by=absent[1] if absent else (),
    )
