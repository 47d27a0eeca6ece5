"""Facts about people who sign in."""

from __future__ import annotations

from dataclasses import dataclass

from liaison.core.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonAdded(Fact):
    """Someone can sign in from now on."""

    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDeactivated(Fact):
    """Someone's account was closed; they hold no open work any more."""

    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged(Fact):
    """Someone was given a role or lost one."""

    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamAdded(Fact):
    """There is a new team: work can be given to it from now on."""

    team_id: int
