"""Rows of scheduling: what can be booked, and what was. Import everything from here."""

from liaison.scheduling.models.answers import InvitationAnswer, InvitationAnswerQuerySet
from liaison.scheduling.models.arrangement import (
    Closure,
    Modality,
    Resource,
    ResourceKind,
    ResourceQuerySet,
    VisitNeed,
    VisitType,
    WorkingHours,
)
from liaison.scheduling.models.feeds import CalendarFeed, CalendarFeedQuerySet
from liaison.scheduling.models.holds import Hold
from liaison.scheduling.models.journeys import Journey, JourneyStep
from liaison.scheduling.models.kept import FreeDay
from liaison.scheduling.models.readiness import Blocker
from liaison.scheduling.models.replans import Displacement, Replan
from liaison.scheduling.models.series import Series, SeriesState, SeriesVisit
from liaison.scheduling.models.visits import Appointment, AppointmentQuerySet, Reservation
from liaison.scheduling.models.waiting import URGENCY_WORDS, Opening, OpeningWhy, WaitlistEntry, WaitlistOffer

__all__ = [
    "URGENCY_WORDS",
    "Appointment",
    "AppointmentQuerySet",
    "Blocker",
    "CalendarFeed",
    "CalendarFeedQuerySet",
    "Closure",
    "Displacement",
    "FreeDay",
    "Hold",
    "InvitationAnswer",
    "InvitationAnswerQuerySet",
    "Journey",
    "JourneyStep",
    "Modality",
    "Opening",
    "OpeningWhy",
    "Replan",
    "Reservation",
    "Resource",
    "ResourceKind",
    "ResourceQuerySet",
    "Series",
    "SeriesState",
    "SeriesVisit",
    "VisitNeed",
    "VisitType",
    "WaitlistEntry",
    "WaitlistOffer",
    "WorkingHours",
]
