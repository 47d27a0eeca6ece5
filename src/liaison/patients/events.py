"""What happens to patients, told upwards. Ids and instants only.

**Merges.** A package that has rows with a patient's id reacts to both facts, in its `reactions.py`:

    @reacts_to(PatientsMerged)
    def move_loops(fact: PatientsMerged, /, *, actor: Actor) -> None:
        with act(actor, REPOINT, now=fact.at):
            repoint(fact, rows=Loop.objects.all())

    @reacts_to(PatientsUnmerged)
    def move_loops_back(fact: PatientsUnmerged, /, *, actor: Actor) -> None:
        with act(actor, REPOINT, now=fact.at):
            put_back(fact, model=Loop)

`repoint` and `put_back` are in `liaison.patients.actions`: the first moves the rows from `merged_id` to
`survivor_id` and remembers which they were; the second moves exactly those back. What came after the merge stays
with the survivor. Reactions already run inside the merge's act, so an `act` of one's own is only needed for an
audit entry of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass

from liaison.core.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFact(Fact):
    """Something that happened to one patient."""

    patient_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRegistered(PatientFact):
    """A person became a patient here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientChanged(PatientFact):
    """Who they are was corrected. `changed` are column names."""

    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPointsChanged(PatientFact):
    """How to reach them changed: added, corrected, retired, found bad or good."""

    contact_point_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiesChanged(PatientFact):
    """Who may speak for them changed."""

    proxy_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTeamChanged(PatientFact):
    """Who looks after them changed."""

    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsChanged(PatientFact):
    """What must be seen first changed."""

    alert_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientDeceased(PatientFact):
    """They died. Nothing may be sent to them any more, and what was planned ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientNotDeceased(PatientFact):
    """Their death was recorded by mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientsMerged(Fact):
    """Two registrations turned out to be one person: `merged_id` now stands for `survivor_id`."""

    merge_id: int
    survivor_id: int
    merged_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientsUnmerged(Fact):
    """A merge was a mistake: `merged_id` stands for itself again."""

    merge_id: int
    survivor_id: int
    merged_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassBroken(PatientFact):
    """Someone opened a chart that they could not see, for four hours."""

    grant_id: int
    user_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantReviewed(PatientFact):
    """A privacy officer looked at why the glass was broken."""

    grant_id: int
