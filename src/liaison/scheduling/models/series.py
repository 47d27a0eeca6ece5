"""Series of visits: the rule as it was agreed, and what became of each of its days."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from liaison.scheduling.models.arrangement import Resource
from liaison.scheduling.models.visits import Appointment
from liaison.scheduling.rules import HolidayPolicy, Pattern, Repeats, rule_text


class SeriesState(models.TextChoices):
    """Where one day of a series stands."""

    BOOKED = "booked", _("Booked")
    AHEAD = "ahead", _("Booked later")
    OPEN = "open", _("Needs a time")
    OUT = "out", _("Left out")


class Series(models.Model):
    """Visits of one kind by one weekly or monthly rule (RFC 5545), on the wall clock of the site it was booked for.

    The rule stays as it was agreed; what was moved since stands on its days. `ical_uid` and `ical_sequence` are those
    of the one event in the patient's calendar. `changed_key` is that of the form that changed it last.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="series")
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    visit_type_code = models.CharField(max_length=40)
    clinician = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    place = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    referral = models.ForeignKey("orders.Referral", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    first_on = models.DateField()
    at = models.TimeField()
    time_zone = models.CharField(max_length=64)
    repeats = models.CharField(
        max_length=8, choices=[(one.value, one.value) for one in Repeats], default=Repeats.WEEKLY.value
    )
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    every = models.PositiveSmallIntegerField(default=1)
    count = models.PositiveSmallIntegerField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    holidays = models.CharField(max_length=4, choices=[(one.value, one.value) for one in HolidayPolicy])
    note = models.CharField(max_length=500, blank=True, default="")

    idempotency_key = models.CharField(max_length=80, unique=True)
    changed_key = models.CharField(max_length=80, blank=True, default="")
    ical_uid = models.CharField(max_length=120, unique=True)
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
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "series"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(count__isnull=True, until__isnull=False) | Q(count__isnull=False, until__isnull=True),
                name="scheduling_series_ends",
            ),
            models.CheckConstraint(condition=Q(every__gte=1), name="scheduling_series_every"),
            models.CheckConstraint(
                condition=Q(repeats=Repeats.WEEKLY.value, weekdays__len__gte=1)
                | Q(repeats__in=[one.value for one in Repeats if one is not Repeats.WEEKLY], weekdays__len=0),
                name="scheduling_series_repeats",
            ),
            models.CheckConstraint(
                condition=Q(holidays__in=[one.value for one in HolidayPolicy]), name="scheduling_series_holidays"
            ),
        ]

    def __str__(self) -> str:
        """The id only: the rest is a patient's."""
        return f"series {self.pk}"

    @property
    def pattern(self) -> Pattern:
        """The rule as a value."""
        return Pattern(
            first_on=self.first_on,
            at=self.at,
            repeats=Repeats(self.repeats),
            weekdays=frozenset(self.weekdays),
            every=self.every,
            count=self.count,
            until=self.until,
        )

    @property
    def rule(self) -> str:
        """The rule as RFC 5545 writes it."""
        return rule_text(self.pattern, zone=self.site.zone)


class SeriesVisit(models.Model):
    """One day of a series' rule: the visit that it has, or why it has none.

    `rule_at` is the start that the rule names and never changes (in the patient's calendar it names this visit);
    `wanted_at` is the start that is wanted now. `appointment` follows when the visit is moved. `told_key` is the
    idempotency key of the series' last message that named its time; `is_in_event` says that the visit is one of the
    series' event in the patient's calendar and no event by itself.
    """

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="visits", db_index=False)
    position = models.PositiveSmallIntegerField()
    rule_at = models.DateTimeField()
    wanted_at = models.DateTimeField()
    state = models.CharField(max_length=6, choices=SeriesState)
    why = models.CharField(max_length=300, blank=True, default="")
    appointment = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="series_visit"
    )
    loop = models.OneToOneField("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    is_in_event = models.BooleanField(default=False)
    told_key = models.CharField(max_length=120, blank=True, default="")

    class Meta:
        ordering = ("series", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "position"], name="scheduling_series_position_once"),
            models.CheckConstraint(
                condition=Q(state=SeriesState.BOOKED, appointment__isnull=False)
                | (~Q(state=SeriesState.BOOKED) & Q(appointment__isnull=True)),
                name="scheduling_series_visit_booked",
            ),
            models.CheckConstraint(
                condition=~Q(state=SeriesState.OPEN) | Q(loop__isnull=False), name="scheduling_series_open_has_loop"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["wanted_at"], name="scheduling_series_ahead", condition=Q(state=SeriesState.AHEAD)),
        ]

    def __str__(self) -> str:
        return f"visit {self.position} of series {self.series_id}"
