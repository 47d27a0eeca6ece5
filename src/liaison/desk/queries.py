"""What the desk puts together from several packages: a loop's surroundings, a patient's page, the palette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from liaison.core.actor import Actor
from liaison.loops import access as loop_access
from liaison.loops import queries as loops
from liaison.loops.queries import Tab
from liaison.pathways import queries as pathways
from liaison.patients import queries as patients
from liaison.patients.models import Patient
from liaison.records import queries as records
from liaison.scheduling import queries as scheduling


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpLink:
    """The way to the page of one follow-up, by the title of its loop."""

    id: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientPage:
    """Who they are, what is promised to them and what comes."""

    patient: Patient
    band: patients.Band
    coverage: records.CoverageWord | None
    promised: Sequence[loops.LoopRow]
    ended: Sequence[loops.LoopRow]
    coming: Sequence[scheduling.ComingVisit]
    follow_ups: Sequence[FollowUpLink]


def patient_page(actor: Actor, *, patient_id: int, now: datetime) -> PatientPage:
    """A patient's page without the timeline. Refuses NotFound. Loops only for roles that carry them."""
    patient = patients.get_patient(actor, patient_id=patient_id, now=now)
    sees_loops = patient.reachable_by(actor, loop_access.SEE, now=now)
    promised = loops.open_loops_of(actor, patient=patient, now=now) if sees_loops else ()
    follow_ups = pathways.follow_up_of_loops(actor, loop_ids=[row.id for row in promised], now=now)
    return PatientPage(
        patient=patient,
        band=patients.band(actor, patient=patient, now=now),
        coverage=records.coverage_word(actor, patient=patient, now=now),
        promised=promised,
        follow_ups=[FollowUpLink(id=follow_ups[row.id], title=row.title) for row in promised if row.id in follow_ups],
        ended=loops.ended_loops_of(actor, patient=patient, now=now, most=5) if sees_loops else (),
        coming=scheduling.coming_with_readiness(actor, patient=patient, now=now),
    )


def moved_off(actor: Actor, *, story: loops.LoopStory, tab: Tab) -> str:
    """What to say on a row that stands in a tab which its loop has left for somebody else's desk, "" while it belongs.

    "Theo Lindqvist took it", "given to Care coordination": only of the tabs that go by owner: ours, mine and my teams'.
    """
    row = story.row
    mine, teams = row.is_mine or row.waits_on_me, row.owner.team_id in actor.team_ids
    belongs = {Tab.OURS: mine or teams, Tab.MINE: mine, Tab.TEAMS: teams}
    if row.state != "open" or belongs.get(tab, True):
        return ""
    if row.is_mine:
        return gettext("You have it now")
    last = next((line.what for line in story.story if not line.undone), "")
    words = gettext("%(name)s took it") if last == "taken" else gettext("%(name)s has it now")
    return words % {"name": row.owner_name}


def folded(columns: Sequence[loops.Load], *, kept: Sequence[str]) -> tuple[list[loops.Load], list[loops.Load]]:
    """The columns of the board, and who has nothing open, for the strip behind them.

    Of a strip that names in `kept` whom it held before, the columns are only those who have something meanwhile.
    """
    busy = [each for each in columns if each.open or each.is_away]
    free = [each for each in columns if not each.open and not each.is_away]
    return ([each for each in busy if each.value in kept] if kept else busy), free


def brief(actor: Actor, *, patient_id: int, now: datetime) -> patients.Band:
    """The patient in brief, for the panel of a loop. Refuses NotFound."""
    patient = patients.get_patient(actor, patient_id=patient_id, now=now)
    return patients.band(actor, patient=patient, now=now)


def other_loops(actor: Actor, *, story: loops.LoopStory, now: datetime) -> Sequence[loops.LoopRow]:
    """The other open loops of the same patient, at most eight: one call may settle them too."""
    patient = patients.get_patient(actor, patient_id=story.row.patient.id, now=now)
    rows = loops.open_loops_of(actor, patient=patient, now=now, most=9)
    return tuple(row for row in rows if row.id != story.row.id)[:8]
