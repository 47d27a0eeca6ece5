"""Whether who keeps a promise can see the patient it was made to: asked before they get it, and of what they have.

The same rule as `Patient.visible_to`, read from the side of the person, so that it is one question to the database.
Emergency access ends within hours and is left out: a promise lasts longer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from liaison.accounts.models import Assignment, Team, TeamMember
from liaison.loops import access
from liaison.loops.models import Loop
from liaison.loops.ports import Owner
from liaison.patients.models import CareTeamMember, Patient, PatientSite

if TYPE_CHECKING:
    from liaison.accounts.models import AssignmentQuerySet


def carrying(*, now: datetime) -> AssignmentQuerySet:
    """The roles that carry loops at `now`, of people whose account is open."""
    return Assignment.objects.current(now=now).filter(role__in=access.SEE.roles, user__is_active=True)


def patients_of_person(user_id: int, *, now: datetime, without: Collection[int] = ()) -> QuerySet[Patient]:
    """The patients whose promises this person can keep, `without` these of their assignments (ids)."""
    held = carrying(now=now).filter(user_id=user_id).exclude(pk__in=without)
    at_site = PatientSite.objects.filter(patient=OuterRef("pk"), site__in=held.values("site"))
    mine = Q(user_id=user_id) | Q(practitioner__user_id=user_id)
    cared = CareTeamMember.objects.current(now=now).filter(mine, patient=OuterRef("pk"))
    return Patient.objects.filter(Exists(held.filter(site=None)) | Exists(at_site) | (Exists(held) & Exists(cared)))


def patients_of_team(team_id: int) -> QuerySet[Patient]:
    """The patients whose promises this team can keep: those of its site, all for a team of the whole organization."""
    team = Team.objects.filter(pk=team_id)
    at_site = PatientSite.objects.filter(patient=OuterRef("pk"), site__in=team.values("site"))
    return Patient.objects.filter(Exists(team.filter(site=None)) | Exists(at_site))


def patients_reached(owner: Owner, *, patient_ids: Iterable[int], now: datetime) -> frozenset[int]:
    """Those of these patients whose promises `owner` can keep."""
    is_team = owner.team_id is not None
    theirs = patients_of_team(owner.team_id or 0) if is_team else patients_of_person(owner.user_id or 0, now=now)
    return frozenset(theirs.filter(pk__in=set(patient_ids)).values_list("pk", flat=True))


def reaches(owner: Owner, *, patient_id: int, now: datetime) -> bool:
    """Whether `owner` can keep a promise to this patient."""
    return patient_id in patients_reached(owner, patient_ids=[patient_id], now=now)


def out_of_reach(user_id: int, *, now: datetime) -> QuerySet[Loop]:
    """The open loops of a person whose patients they can't see."""
    seen = patients_of_person(user_id, now=now)
    return Loop.objects.open().filter(owner_user_id=user_id).exclude(patient__in=seen.values("pk"))


def lost_without(user_id: int, *, assignment_ids: Collection[int], now: datetime) -> QuerySet[Loop]:
    """The open loops of a person whose patients they see now, and would not without these assignments."""
    seen = patients_of_person(user_id, now=now).values("pk")
    left = patients_of_person(user_id, now=now, without=assignment_ids).values("pk")
    return Loop.objects.open().filter(owner_user_id=user_id, patient__in=seen).exclude(patient__in=left)


def left_in_teams(
    user_id: int, *, team_ids: Collection[int], assignment_ids: Collection[int], now: datetime
) -> QuerySet[Loop]:
    """The open loops of teams in which only this person works now, and would not once they lost this.

    Those are the teams that they leave and, when no role that carries loops is left, all of theirs.
    """
    held = carrying(now=now).filter(user_id=user_id)
    theirs = TeamMember.objects.filter(user_id=user_id)
    if held.exclude(pk__in=assignment_ids).exists():
        theirs = theirs.filter(team_id__in=team_ids)
    others = TeamMember.objects.filter(team=OuterRef("owner_team")).exclude(user_id=user_id)
    working = others.filter(user__in=carrying(now=now).values("user"))
    return Loop.objects.open().filter(Exists(held), ~Exists(working), owner_team_id__in=theirs.values("team_id"))
