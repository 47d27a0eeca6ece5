"""Rows of scheduling: what can be booked, and what was. Import everything from here."""

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
from liaison.scheduling.models.kept import FreeDay
from liaison.scheduling.models.visits import Appointment, AppointmentQuerySet, Reservation

__all__ = [
    "Appointment",
    "AppointmentQuerySet",
    "Closure",
    "FreeDay",
    "Modality",
    "Reservation",
    "Resource",
    "ResourceKind",
    "ResourceQuerySet",
    "VisitNeed",
    "VisitType",
    "WorkingHours",
]
