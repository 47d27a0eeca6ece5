"""Resources and their time, visit types, appointments and the time given to them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from liaison.scheduling.rules import ENDED, HOLDS_TIME, CancelReason, Hours, Span, State

HOLDS_TIME_Q = Q(state__in=sorted(HOLDS_TIME))


class Modality(models.TextChoices):
    """How patient and clinician meet."""

    IN_PERSON = "in_person", _("In person")
    VIDEO = "video", _("By video")
    PHONE = "phone", _("By phone")


class ResourceKind(models.TextChoices):
    """What a resource is."""

    PERSON = "person", _("Person")
    ROOM = "room", _("Room")
    DEVICE = "device", _("Device")


class VisitType(models.Model):
    """One version of a kind of visit (DOMAIN 1.5). Editing makes a new version; bookings keep theirs.

    Minutes are whole; `step_minutes` is the grid of the wall clock on which visits start. `patient_name` is what
    the patient reads and says nothing clinical.
    """

    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    name = models.CharField(max_length=120)
    modality = models.CharField(max_length=10, choices=Modality, default=Modality.IN_PERSON)
    duration_minutes = models.PositiveSmallIntegerField()
    before_minutes = models.PositiveSmallIntegerField(default=0)
    after_minutes = models.PositiveSmallIntegerField(default=0)
    step_minutes = models.PositiveSmallIntegerField(default=15)
    least_lead_minutes = models.PositiveIntegerField(default=0)
    most_lead_days = models.PositiveSmallIntegerField(null=True, blank=True)
    cancellation_hours = models.PositiveSmallIntegerField(default=24)
    referral_needed = models.BooleanField(default=False)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "-version")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="scheduling_visit_type_version_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(is_current=True), name="scheduling_visit_type_one_current"
            ),
            models.CheckConstraint(condition=Q(duration_minutes__gte=1), name="scheduling_visit_type_lasts"),
            models.CheckConstraint(
                condition=Q(step_minutes__in=[5, 10, 15, 20, 30, 60]), name="scheduling_visit_type_step"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def duration(self) -> timedelta:
        """How long the visit lasts for the patient."""
        return timedelta(minutes=self.duration_minutes)

    @property
    def before(self) -> timedelta:
        """How much earlier the resources are needed."""
        return timedelta(minutes=self.before_minutes)

    @property
    def after(self) -> timedelta:
        """How much longer the resources are needed."""
        return timedelta(minutes=self.after_minutes)

    @property
    def least_lead(self) -> timedelta:
        """How long before the start it must be booked."""
        return timedelta(minutes=self.least_lead_minutes)

    @property
    def most_lead(self) -> timedelta | None:
        """How long before the start it may be booked, or None for no limit."""
        return None if self.most_lead_days is None else timedelta(days=self.most_lead_days)

    @property
    def cancellation(self) -> timedelta:
        """How long before the start a cancellation counts as late."""
        return timedelta(hours=self.cancellation_hours)

    def claim(self, start_at: datetime) -> Span:
        """The time of each resource that a visit at `start_at` takes."""
        return Span(start_at - self.before, start_at + self.duration + self.after)


class VisitNeed(models.Model):
    """One role of a visit type: `quantity` resources that have this ability, free together with the others."""

    visit_type = models.ForeignKey(VisitType, on_delete=models.CASCADE, related_name="needs")
    position = models.PositiveSmallIntegerField(default=0)
    role = models.CharField(max_length=40)
    ability = models.CharField(max_length=40)
    quantity = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ("position", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["visit_type", "role"], name="scheduling_need_role_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="scheduling_need_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.ability}"


class ResourceQuerySet(models.QuerySet["Resource"]):
    """The vocabulary of reading resources."""

    def in_service(self) -> Self:
        """Those whose time can be given away."""
        return self.filter(retired_at__isnull=True)

    def able_to(self, ability: str) -> Self:
        """Those with this ability."""
        return self.filter(abilities__contains=[ability])

    def working_at(self, site_id: int) -> Self:
        """Those with working hours at this site."""
        return self.filter(pk__in=WorkingHours.objects.filter(site_id=site_id).values("resource_id"))


class Resource(models.Model):
    """A person, room or device whose time can be given away. `abilities` are what visit types ask for."""

    kind = models.CharField(max_length=10, choices=ResourceKind)
    name = models.CharField(max_length=120)
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="resources")
    practitioner = models.OneToOneField(
        "directory.Practitioner", null=True, blank=True, on_delete=models.PROTECT, related_name="resource"
    )
    abilities = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(practitioner__isnull=True) | Q(kind=ResourceKind.PERSON),
                name="scheduling_only_people_are_practitioners",
            ),
            models.CheckConstraint(condition=Q(kind__in=ResourceKind.values), name="scheduling_resource_kind"),
        ]
        indexes: ClassVar = [GinIndex(fields=["abilities"], name="scheduling_resource_abilities")]

    def __str__(self) -> str:
        return self.name

    def retire(self, *, now: datetime) -> None:
        """Its time can be given away no longer; what was given stays."""
        self.retired_at = now

    def return_to_service(self) -> None:
        """Its time can be given away again."""
        self.retired_at = None


class WorkingHours(models.Model):
    """Weekly hours of a resource at a site, on the site's wall clock. Monday is 0; `valid_to` is left out.

    `closes` at or before `opens` means on the next day.
    """

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="hours")
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+")
    weekday = models.PositiveSmallIntegerField()
    opens = models.TimeField()
    closes = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("weekday", "opens")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="scheduling_hours_weekday"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="scheduling_hours_valid_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens}-{self.closes}"

    def as_rule(self) -> Hours:
        """The value that the rules work with."""
        return Hours(
            weekday=self.weekday,
            opens=self.opens,
            closes=self.closes,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class Closure(models.Model):
    """Time that is taken out of working hours: leave or downtime of one resource, or a whole site closed."""

    resource = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="closures")
    site = models.ForeignKey("accounts.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    during = DateTimeRangeField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("during",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(resource__isnull=True, site__isnull=False) | Q(resource__isnull=False, site__isnull=True),
                name="scheduling_closure_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(during__isempty=False), name="scheduling_closure_not_empty"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["site"], name="scheduling_closure_by_site", condition=Q(resource=None))
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def of_what(self) -> str:
        """The name of the resource or site that is closed."""
        return str(self.resource or self.site)

    @property
    def time_zone(self) -> str:
        """The zone of the place that is closed."""
        site = self.site or (self.resource.site if self.resource else None)
        return site.time_zone if site else "UTC"


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
