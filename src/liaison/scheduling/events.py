"""What happened to appointments, for the packages above."""

from dataclasses import dataclass
from datetime import datetime

from liaison.core.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutAppointment(Fact):
    """`series_id` stands where visits of a series change together: one message of the series tells the patient."""

    appointment_id: int
    patient_id: int
    loop_id: int | None
    referral_id: int | None
    series_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentBooked(_AboutAppointment):
    """Time was given to a patient who had no appointment for this before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeHeld(Fact):
    """A time is kept for a patient until `until_at`; it is no booking."""

    appointment_id: int
    patient_id: int
    until_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentMoved(_AboutAppointment):
    """An appointment got another time in one step. `previous_id` is the one that it took the place of."""

    previous_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentCancelled(_AboutAppointment):
    """The visit will not take place. `reason` is a code of `rules.CancelReason`; `late` inside the window."""

    reason: str
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentArrived(_AboutAppointment):
    """The patient is here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentSeen(_AboutAppointment):
    """The visit took place: somebody said so, or its day ended after the patient was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentServes(_AboutAppointment):
    """A visit that named no promise is for this one; `took_place` when the patient was seen already."""

    took_place: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentServesNoMore(_AboutAppointment):
    """That a visit is for this promise was taken back; what it proved there is void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentMissed(_AboutAppointment):
    """The patient did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentNotMissed(_AboutAppointment):
    """The patient came after all, on the day on which the visit had been noted as missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTold(Fact):
    """Visits of a series were booked, moved or cancelled together. `what` is "booked", "moved" or "cancelled"."""

    series_id: int
    patient_id: int
    what: str
    appointment_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOpened(Fact):
    """Closed time of a site was given back, from `start_at` to `end_at`."""

    site_id: int
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistOffered(Fact):
    """A freed time was offered to somebody who waits; it can be taken until before `expires_at`."""

    offer_id: int
    expires_at: datetime
