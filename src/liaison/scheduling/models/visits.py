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

from liaison.loops.models import Loop
from liaison.scheduling.models.arrangement import Modality, Resource, ResourceKind, VisitType
from liaison.scheduling.rules import (
    ENDED,
    HOLDS_TIME,
    Barrier,
    CancelReason,
    HoldEnd,
    LateAnswer,
    Span,
    Stamps,
    State,
    is_late_cancellation,
)

HOLDS_TIME_Q = Q(state__in=sorted(HOLDS_TIME))


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """The vocabulary of reading appointments."""

    def holding_time(self) -> Self:
        """Those whose reservations keep others out."""
        return self.filter(HOLDS_TIME_Q)

    def overlapping(self, span: Span) -> Self:
        """Those that share an instant with `span`."""
        return self.filter(start_at__lt=span.end, end_at__gt=span.start)

    def not_only_held(self) -> Self:
        """All but times that are only kept: for an offer from the waitlist, or for who makes up their mind."""
        rows = self.exclude(held_for_offer__isnull=False, from_offer__isnull=True)
        return rows.exclude(hold__isnull=False, hold__end__in=["", HoldEnd.GIVEN_UP.value, HoldEnd.LAPSED.value])

    def standing(self) -> Self:
        """All but the cancelled and those entered in error."""
        return self.exclude(state__in=[State.CANCELLED, State.ENTERED_IN_ERROR])


class Appointment(models.Model):
    """A visit of a patient at a time and place, by the states of DOMAIN 1.2.

    `time_zone` is the place's when it was booked. A reschedule is a new appointment whose `predecessor` is the
    cancelled one; both share `ical_uid`. `overrides` are the codes of what was overridden, with one reason.
    The stamps of the day (DOMAIN 1.7) stand beside the state: in a room, being seen and gone are `checked-in` until
    the day has ended.
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
    roomed_at = models.DateTimeField(null=True, blank=True)
    room = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    seen_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    late_answer = models.CharField(max_length=10, blank=True, default="")
    late_answered_at = models.DateTimeField(null=True, blank=True)
    late_answered_by_name = models.CharField(max_length=200, blank=True, default="")
    missed_at = models.DateTimeField(null=True, blank=True)
    missed_by_name = models.CharField(max_length=200, blank=True, default="")
    barrier = models.CharField(max_length=12, blank=True, default="")
    barrier_note = models.CharField(max_length=200, blank=True, default="")
    barrier_at = models.DateTimeField(null=True, blank=True)
    barrier_by_name = models.CharField(max_length=200, blank=True, default="")
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
            models.CheckConstraint(
                condition=Q(roomed_at__isnull=True, room__isnull=True)
                | Q(roomed_at__isnull=False, room__isnull=False, checked_in_at__isnull=False),
                name="scheduling_in_a_room_says_which",
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(seen_at__isnull=False, left_at__gte=F("seen_at")),
                name="scheduling_left_after_being_seen",
            ),
            models.CheckConstraint(
                condition=Q(late_answer="", late_answered_at__isnull=True, late_answered_by_name="")
                | (
                    Q(late_answer__in=[answer.value for answer in LateAnswer], late_answered_at__isnull=False)
                    & ~Q(late_answered_by_name="")
                ),
                name="scheduling_late_answer_says_who_when",
            ),
            models.CheckConstraint(
                condition=Q(barrier="", barrier_note="", barrier_at__isnull=True, barrier_by_name="")
                | (
                    Q(barrier__in=[barrier.value for barrier in Barrier], barrier_at__isnull=False)
                    & Q(state__in=[State.NO_SHOW, State.ENTERED_IN_ERROR])
                    & ~Q(barrier_by_name="")
                ),
                name="scheduling_barrier_of_a_missed_visit",
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

    def is_as(self, other: Appointment) -> bool:
        """Whether the patient meets the same people at the same time and place as at the other visit."""
        mine = (self.start_at, self.end_at, self.site_id, self.modality, set(self.people))
        return mine == (other.start_at, other.end_at, other.site_id, other.modality, set(other.people))

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
    def stamps(self) -> Stamps:
        """The visit as the rules of the day see it."""
        return Stamps(
            state=self.state_now,
            start_at=self.start_at,
            end_at=self.end_at,
            arrived_at=self.arrived_at,
            checked_in_at=self.checked_in_at,
            roomed_at=self.roomed_at,
            seen_at=self.seen_at,
            left_at=self.left_at,
            has_room=self.modality == Modality.IN_PERSON,
        )

    @property
    def was_cancelled_late(self) -> bool:
        """Whether it was cancelled inside the window of its kind of visit (DOMAIN 1.7)."""
        if self.cancelled_at is None:
            return False
        return is_late_cancellation(start=self.start_at, now=self.cancelled_at, window=self.visit_type.cancellation)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it in the usual course."""
        return self.state_now in ENDED

    @property
    def expects_patient(self) -> bool:
        """Whether the patient is expected to come: only then are they reminded."""
        return self.state_now in {State.PENDING, State.BOOKED}

    def serve(self, loop: Loop) -> None:
        """It is for this promise, said after it was booked."""
        self.loop = loop
        self.version += 1

    def serve_no_more(self) -> None:
        """It is for nothing in particular again."""
        self.loop = None
        self.version += 1

    def take_held(self, *, by_id: int | None, by_name: str, now: datetime) -> None:
        """The time that was only held is booked."""
        self._enter(State.BOOKED)
        self.booked_at, self.booked_by_id, self.booked_by_name = now, by_id, by_name

    def cancel(self, *, reason: CancelReason, by_name: str, now: datetime) -> None:
        """The visit will not take place."""
        self._enter(State.CANCELLED)
        self.cancelled_at, self.cancelled_by_name, self.cancel_reason = now, by_name, reason.value

    def arrive(self, *, now: datetime) -> None:
        """The patient is here and waits, perhaps after all."""
        self._enter(State.ARRIVED)
        self.arrived_at, self.missed_at, self.missed_by_name = now, None, ""
        self.barrier, self.barrier_note, self.barrier_at, self.barrier_by_name = "", "", None, ""

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

    def take_to_room(self, room: Resource, *, now: datetime) -> None:
        """The patient sits in this room; said again, in another one."""
        self.room, self.roomed_at = room, self.roomed_at or now
        self.version += 1

    def undo_room(self) -> None:
        """The patient is not in a room after all."""
        self.room, self.roomed_at = None, None
        self.version += 1

    def meet_clinician(self, *, now: datetime) -> None:
        """The clinician sees the patient from now on."""
        self.seen_at = now
        self.version += 1

    def undo_meeting(self) -> None:
        """The clinician does not see them yet."""
        self.seen_at = None
        self.version += 1

    def leave(self, *, now: datetime) -> None:
        """The patient is gone."""
        self.left_at = now
        self.version += 1

    def undo_leaving(self) -> None:
        """The patient is still here."""
        self.left_at = None
        self.version += 1

    def answer_lateness(self, answer: LateAnswer, *, by_name: str, now: datetime) -> None:
        """Somebody decided what is done about the late patient."""
        self.late_answer, self.late_answered_at, self.late_answered_by_name = answer.value, now, by_name
        self.version += 1

    def undo_lateness_answer(self) -> None:
        """The question is open again."""
        self.late_answer, self.late_answered_at, self.late_answered_by_name = "", None, ""
        self.version += 1

    def see(self, *, now: datetime) -> None:
        """The visit took place; when the clinician began is kept."""
        self._enter(State.FULFILLED)
        self.seen_at = self.seen_at or now

    def miss(self, *, by_name: str, now: datetime) -> None:
        """The patient did not come, or left before being seen."""
        self._enter(State.NO_SHOW)
        self.missed_at, self.missed_by_name = now, by_name

    def name_barrier(self, barrier: Barrier, *, note: str, by_name: str, now: datetime) -> None:
        """The patient said what came in the way."""
        self.barrier, self.barrier_note, self.barrier_at, self.barrier_by_name = barrier.value, note, now, by_name
        self.version += 1

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
