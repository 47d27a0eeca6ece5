"""Several visits of one patient that belong together, and what is asked of the time between them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from liaison.scheduling.models.visits import Appointment
from liaison.scheduling.rules.journeys import MOST_APART, MOST_STEPS, Gap


class Journey(models.Model):
    """Visits that were booked together, all or none. `name` says in short what they are for."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="journeys")
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    idempotency_key = models.CharField(max_length=80, unique=True)
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

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(name=""), name="scheduling_journey_has_a_name"),
        ]

    def __str__(self) -> str:
        """The id only: the rest is a patient's."""
        return f"journey {self.pk}"


class JourneyStep(models.Model):
    """One visit of a journey, in the order in which they were booked, and how far it lies after the one before.

    `appointment` follows when the visit is moved. The first has no gap before it.
    """

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField()
    appointment = models.OneToOneField(Appointment, on_delete=models.PROTECT, related_name="journey_step")
    least_days = models.PositiveSmallIntegerField(default=0)
    most_days = models.PositiveSmallIntegerField(null=True, blank=True)
    least_minutes = models.PositiveSmallIntegerField(default=0)
    most_minutes = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("journey", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["journey", "position"], name="scheduling_journey_position_once"),
            models.CheckConstraint(
                condition=Q(position__gte=1, position__lte=MOST_STEPS), name="scheduling_journey_position"
            ),
            models.CheckConstraint(
                condition=(Q(most_days__isnull=True) | Q(most_days__gte=F("least_days"), most_days__lte=MOST_APART))
                & Q(least_days__lte=MOST_APART),
                name="scheduling_journey_days",
            ),
            models.CheckConstraint(
                condition=Q(most_minutes__isnull=True) | Q(most_minutes__gte=F("least_minutes")),
                name="scheduling_journey_minutes",
            ),
            models.CheckConstraint(
                condition=~Q(position=1)
                | Q(least_days=0, most_days__isnull=True, least_minutes=0, most_minutes__isnull=True),
                name="scheduling_journey_first_has_no_gap",
            ),
        ]

    def __str__(self) -> str:
        return f"step {self.position} of journey {self.journey_id}"

    @property
    def gap(self) -> Gap:
        """What is asked of the time since the step before."""
        return Gap(
            least_days=self.least_days,
            most_days=self.most_days,
            least_minutes=self.least_minutes,
            most_minutes=self.most_minutes,
        )
