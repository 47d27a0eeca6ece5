"""Who does something: a person with roles at sites, or Liaison itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from liaison.core.verbs import Verb

EVERYWHERE: Final = None
"""The site of an assignment that holds at every site of the organization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One person in one session, or a part of Liaison that acts by itself.

    `assignments` are pairs (role, site id); a site id of None means every site. A role counts only at its
    site: a clinician at one site who works the front desk of another is no clinician there.
    `zone` is where their days begin, and that of every clock that belongs to no site.
    """

    kind: str = "person"
    user_id: int | None = None
    name: str = ""
    assignments: frozenset[tuple[str, int | None]] = field(default_factory=frozenset)
    team_ids: frozenset[int] = field(default_factory=frozenset)
    stepped_up_until: datetime | None = None
    session_key: str = ""
    zone: tzinfo = UTC

    @property
    def is_system(self) -> bool:
        """True for Liaison itself, which may use every verb on every patient."""
        return self.kind == "system"

    @property
    def is_anonymous(self) -> bool:
        """True when nobody has signed in."""
        return self.kind == "person" and self.user_id is None

    @property
    def roles(self) -> frozenset[str]:
        """The roles held anywhere."""
        return frozenset(role for role, _ in self.assignments)

    @property
    def site_ids(self) -> frozenset[int] | None:
        """The sites where any role is held; None means every site."""
        return _sites(self.assignments, everywhere=self.is_system)

    def sites_for(self, verb: Verb) -> frozenset[int] | None:
        """The sites at which this actor may use `verb`; None means every site, empty means nowhere."""
        held = frozenset((role, site) for role, site in self.assignments if role in verb.roles)
        return _sites(held, everywhere=self.is_system)

    def may(self, verb: Verb) -> bool:
        """Whether some role of this actor carries `verb` at some site."""
        return self.is_system or bool(self.roles & verb.roles)

    def may_at(self, verb: Verb, *, site_id: int | None) -> bool:
        """Whether a role of this actor carries `verb` at this site; EVERYWHERE (None) wants it at every site.

        What belongs to the whole organization (a team without a site, a role everywhere) has the site EVERYWHERE.
        """
        sites = self.sites_for(verb)
        return sites is None or (site_id is not EVERYWHERE and site_id in sites)

    def has_stepped_up(self, *, now: datetime) -> bool:
        """Whether this person proved again who they are, recently enough for a sensitive verb."""
        return self.is_system or (self.stepped_up_until is not None and now < self.stepped_up_until)

    def as_liaison(self) -> Actor:
        """Liaison acting because of this actor: every verb, and the audit trail names both."""
        if self.is_system:
            return self
        return replace(self, kind="system", name=f"Liaison, for {self.name}")


def system_actor(name: str) -> Actor:
    """Liaison itself, for jobs and commands; `name` says which part, as in "Liaison: reminders"."""
    return Actor(kind="system", name=f"Liaison: {name}")


ANONYMOUS: Final = Actor(name="nobody")


def _sites(held: frozenset[tuple[str, int | None]], *, everywhere: bool) -> frozenset[int] | None:
    if everywhere or any(site is None for _, site in held):
        return None
    return frozenset(site for _, site in held if site is not None)
