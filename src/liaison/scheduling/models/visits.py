"""Appointments, and the time of resources that they take."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from liaison.scheduling.models.arrangement import Modality, Resource, ResourceKind, VisitType
from liaison.scheduling.rules import ENDED, HOLDS_TIME, CancelReason, Span, State

HOLDS_TIME_Q = Q(state__in=sorted(HOLDS_TIME))


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """The vocabulary of reading appointments."""

    def holding_time(self) -> Self:
        """Those whose reservations keep others out."""
        return self.filter(HOLDS_TIME_Q)

    def overlapping(self, span: Span) -> Self:
        """Those that share an instant with `span`."""
        return self.filter(start_at__lt=span.end, end_at__gt=span.start)

    def standing(self) -> Self:
        """All but the cancelled and those entered in error."""
        return self.exclude(state__in=[State.CANCELLED, State.ENTERED_IN_ERROR])


class Appointment(models.Model):
    """A visit of a patient at a time and place, by the states of DOMAIN 1.2.

    `time_zone` is the place's when it was booked. A reschedule is a new appointment whose `predecessor` is the
    cancelled one; both share `ical_uid`. `overrides` are the codes of what was overridden, with one reason.
    """

    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.PROTECT, related_name="appointments", db_index=False
    )
    visit_type = models.ForeignKey(VisitType, on_delete=models.PROTECT, related_name="+", db_index=False)
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="appointments")
    referral = models.ForeignKey(
        "orders.Referral", null=True, blank=True, on_delete=models.PROTECT, related_name="appointments"
    )
    predecessor = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="successor"
    )
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    time_zone = models.CharField(max_length=64)
    modality = models.CharField(max_length=10, choices=Modality)
    state = models.CharField(max_length=16, choices=[(state.value, state.value) for state in State])
    note = models.CharField(max_length=500, blank=True, default="")
    interpreter_language = models.CharField(max_length=35, blank=True, default="")
    overrides = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    override_reason = models.CharField(max_length=300, blank=True, default="")

    idempotency_key = models.CharField(max_length=80, unique=True)
    ical_uid = models.CharField(max_length=120)
    ical_sequence = models.PositiveIntegerField(default=0)

    booked_at = models.DateTimeField()
    booked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    booked_by_name = models.CharField(max_length=200)
    arrived_at = models.DateTimeField(null=True, blank=True)
    checked_in_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)
    missed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by_name = models.CharField(max_length=200, blank=True, default="")
    cancel_reason = models.CharField(max_length=10, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="scheduling_visit_ends_after_start"),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in State]), name="scheduling_visit_state"
            ),
            models.CheckConstraint(
                condition=(
                    Q(cancelled_at__isnull=True, cancelled_by_name="", cancel_reason="") & ~Q(state=State.CANCELLED)
                )
                | (
                    Q(cancelled_at__isnull=False, state__in=[State.CANCELLED, State.ENTERED_IN_ERROR])
                    & ~Q(cancelled_by_name="")
                    & ~Q(cancel_reason="")
                ),
                name="scheduling_cancelled_says_when_who_why",
            ),
            models.CheckConstraint(
                condition=Q(overrides=[], override_reason="") | (~Q(overrides=[]) & ~Q(override_reason="")),
                name="scheduling_override_has_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.FULFILLED) | Q(seen_at__isnull=False),
                name="scheduling_seen_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.NO_SHOW) | Q(missed_at__isnull=False),
                name="scheduling_missed_says_when",
            ),
            models.UniqueConstraint(fields=["ical_uid", "ical_sequence"], name="scheduling_ical_sequence_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["patient", "-start_at"], name="scheduling_visits_of_patient"),
            models.Index(fields=["site", "start_at"], name="scheduling_visits_at_site"),
            models.Index(fields=["state", "start_at"], name="scheduling_open_visits", condition=HOLDS_TIME_Q),
        ]

    def __str__(self) -> str:
        """The id only: the rest is a patient's."""
        return f"appointment {self.pk}"

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the place of the visit."""
        return ZoneInfo(self.time_zone)

    @property
    def local_start(self) -> datetime:
        """The start on the wall clock of the place."""
        return self.start_at.astimezone(self.zone)

    @property
    def local_end(self) -> datetime:
        """The end on the wall clock of the place."""
        return self.end_at.astimezone(self.zone)

    @property
    def visit_on(self) -> date:
        """The local day of the visit."""
        return self.local_start.date()

    @property
    def state_now(self) -> State:
        """The state as a value of the rules."""
        return State(self.state)

    @property
    def people(self) -> tuple[str, ...]:
        """The names of the people whose time it takes (fetch `reservations__resource` along)."""
        return tuple(
            reservation.resource.name
            for reservation in self.reservations.all()
            if reservation.resource.kind == ResourceKind.PERSON
        )

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the rooms and devices that it takes."""
        return tuple(
            reservation.resource.name
            for reservation in self.reservations.all()
            if reservation.resource.kind != ResourceKind.PERSON
        )

    @property
    def claim(self) -> Span:
        """The time of each resource that it takes, buffers included."""
        return self.visit_type.claim(self.start_at, lasting=self.end_at - self.start_at)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it in the usual course."""
        return self.state_now in ENDED

    @property
    def expects_patient(self) -> bool:
        """Whether the patient is expected to come: only then are they reminded."""
        return self.state_now in {State.PENDING, State.BOOKED}

    def cancel(self, *, reason: CancelReason, by_name: str, now: datetime) -> None:
        """The visit will not take place."""
        self._enter(State.CANCELLED)
        self.cancelled_at, self.cancelled_by_name, self.cancel_reason = now, by_name, reason.value

    def arrive(self, *, now: datetime) -> None:
        """The patient is here and waits."""
        self._enter(State.ARRIVED)
        self.arrived_at, self.missed_at = now, None

    def undo_arrival(self) -> None:
        """The patient is not here after all."""
        self._enter(State.BOOKED)
        self.arrived_at = None

    def check_in(self, *, now: datetime) -> None:
        """All that comes before the visit is done."""
        self._enter(State.CHECKED_IN)
        self.arrived_at = self.arrived_at or now
        self.checked_in_at = now

    def undo_check_in(self) -> None:
        """Something before the visit is still to be done."""
        self._enter(State.ARRIVED)
        self.checked_in_at = None

    def see(self, *, now: datetime) -> None:
        """The visit took place."""
        self._enter(State.FULFILLED)
        self.seen_at = now

    def miss(self, *, now: datetime) -> None:
        """The patient did not come, or left before being seen."""
        self._enter(State.NO_SHOW)
        self.missed_at = now

    def _enter(self, state: State) -> None:
        self.state = state.value
        self.version += 1


class Reservation(models.Model):
    """One resource's time given to one appointment, buffers included.

    `active` follows the appointment's state. `overridden` ones were booked on top of another with permission and
    a reason; all other active ones of a resource never overlap: the database sees to it.
    """

    appointment = models.ForeignKey(Appointment, on_delete=models.CASCADE, related_name="reservations")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="reservations", db_index=False)
    role = models.CharField(max_length=40)
    during = DateTimeRangeField()
    active = models.BooleanField(default=True)
    overridden = models.BooleanField(default=False)

    class Meta:
        ordering = ("pk",)
        constraints: ClassVar = [
            ExclusionConstraint(
                name="scheduling_one_visit_at_a_time",
                expressions=[("resource", RangeOperators.EQUAL), ("during", RangeOperators.OVERLAPS)],
                condition=Q(active=True, overridden=False),
            ),
            models.CheckConstraint(condition=Q(during__isempty=False), name="scheduling_reservation_not_empty"),
            models.UniqueConstraint(fields=["appointment", "resource"], name="scheduling_resource_once_per_visit"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["resource"], name="scheduling_overridden", condition=Q(active=True, overridden=True)),
        ]

    def __str__(self) -> str:
        return f"{self.role} of appointment {self.appointment_id}"
