"""Who follows a patient up."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from liaison.accounts.access import Role
from liaison.accounts.models import Site, Team, TeamMember, User
from liaison.loops.ports import Owner
from liaison.loops.queries import home_site
from liaison.patients.models import CareRole, CareTeamMember, Patient


def owner_of(patient: Patient, *, now: datetime) -> Owner | None:
    """Who follows a patient up, or None when nobody could.

    Their own coordinator; else a team of their site or of the whole organization that has members; else a coordinator
    or a supervisor there; else a team that nobody has joined yet, which the supervisors' board shows.
    """
    mine = CareTeamMember.objects.on(now.date()).filter(patient=patient, role=CareRole.COORDINATOR)
    user_id = mine.filter(user__is_active=True).order_by("pk").values_list("user_id", flat=True).first()
    if user_id is not None:
        return Owner(user_id=user_id)
    site = home_site(patient)
    team = _team(site, joined=True)
    if team is not None:
        return team
    for role in (Role.COORDINATOR, Role.SUPERVISOR):
        someone = User.objects.active().holding(role, now=now, site_id=site.pk).order_by("pk").first()
        if someone is not None:
            return Owner(user_id=someone.pk)
    return _team(site, joined=False)


def _team(site: Site, *, joined: bool) -> Owner | None:
    """The first team of this site, else of the whole organization, that somebody has joined, or nobody has."""
    members = TeamMember.objects.filter(team=OuterRef("pk"), user__is_active=True)
    teams = Team.objects.filter(Q(site=site) | Q(site=None), Exists(members) if joined else ~Exists(members))
    found = sorted(teams, key=lambda team: (team.site_id is None, team.pk))
    return Owner(team_id=found[0].pk) if found else None
