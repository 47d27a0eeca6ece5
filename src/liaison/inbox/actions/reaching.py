"""Saving how a patient wants to be reached, all of it in one go, as it is told on the phone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.refusals import Refusal, Stale
from liaison.inbox import access
from liaison.inbox.actions.preferences import note_opt_in, note_opt_out
from liaison.inbox.models import Preference
from liaison.inbox.queries.reaching import details_of, seen_of
from liaison.inbox.rules.channels import Category, Channel, Standing
from liaison.patients.actions import (
    ContactDetails,
    PatientDetails,
    add_contact_point,
    change_contact_point,
    change_patient,
    retire_contact_point,
)
from liaison.patients.models import ContactPoint, Patient


class TwoPreferred(Refusal):
    """Two ways of one kind are preferred."""

    code = "inbox.two_preferred"
    sentence = "Choose one preferred number and one preferred e-mail address."


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonWish:
    """How to speak and write to them, when, and what they need to come. Languages are BCP 47 tags."""

    spoken_language: str = ""
    written_language: str = ""
    interpreter_needed: bool = False
    best_time: str = ""
    mobility_needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointWish:
    """What one way to reach them shall be; `gone` when it is no longer theirs."""

    id: int
    details: ContactDetails
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachWish:
    """All of it. `seen` is the sheet's that the form was filled in against; None for `person` leaves that alone."""

    seen: str
    person: PersonWish | None = None
    points: Sequence[PointWish] = ()
    new: ContactDetails | None = None
    standings: Sequence[tuple[Channel, Category, Standing]] = ()
    source: str = "by phone"


def save_reach(actor: Actor, *, patient: Patient, wish: ReachWish, now: datetime) -> None:
    """Save how a patient wants to be reached: all or nothing, and only what differs is written and told.

    It holds at once, also for what waits to be sent. Refuses Forbidden, NotFound, Stale (somebody changed any of it
    meanwhile), TwoPreferred, ContactWrong, DetailsWrong.
    """
    with act(actor, access.NOTE_PREFERENCE, patient=patient, now=now) as entry:
        row = Patient.objects.select_for_update().get(pk=patient.pk)
        points = list(ContactPoint.objects.select_for_update().filter(patient=row, retired_at=None))
        said = list(Preference.objects.filter(patient=row).order_by("pk"))
        if seen_of(row, points=points, said=said) != wish.seen:
            raise Stale
        _refuse_two_preferred(wish)
        if wish.person is not None:
            change_patient(actor=actor, patient=row, details=_details(row, wish.person), now=now)
        changed = sum(_save_point(actor, row, point=point, wish=wish, now=now) for point in points)
        if wish.new is not None:
            add_contact_point(actor=actor, patient=row, contact=wish.new, now=now)
        for channel, category, standing in wish.standings:
            note = note_opt_out if standing is Standing.STOPPED else note_opt_in
            note(actor, patient=row, channel=channel, category=category, source=wish.source, now=now)
        entry.note(points=changed, added=wish.new is not None, standings=len(wish.standings))


def _refuse_two_preferred(wish: ReachWish) -> None:
    preferred = Counter(point.details.kind for point in wish.points if point.details.preferred and not point.gone)
    if any(count > 1 for count in preferred.values()):
        raise TwoPreferred


def _save_point(actor: Actor, patient: Patient, *, point: ContactPoint, wish: ReachWish, now: datetime) -> bool:
    wanted = next((one for one in wish.points if one.id == point.pk), None)
    if wanted is None:
        return False
    if wanted.gone:
        retire_contact_point(actor=actor, patient=patient, contact_point_id=point.pk, now=now)
        return True
    if wanted.details == details_of(point):
        return False
    change_contact_point(actor=actor, patient=patient, contact_point_id=point.pk, contact=wanted.details, now=now)
    return True


def _details(patient: Patient, wish: PersonWish) -> PatientDetails:
    present = {name: getattr(patient, name) for name in PatientDetails.__slots__}
    return PatientDetails(**{**present, **asdict(wish)})
