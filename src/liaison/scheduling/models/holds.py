"""Times that are kept for a patient who makes up their mind."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from liaison.scheduling.models.visits import Appointment
from liaison.scheduling.rules import HoldEnd


class Hold(models.Model):
    """A time kept for a patient until `until_at`: the pending `appointment` keeps everybody else out.

    What became of it is kept: taken (the appointment is a booked one), given up or lapsed (it is cancelled).
    """

    appointment = models.OneToOneField(Appointment, on_delete=models.PROTECT, related_name="hold")
    until_at = models.DateTimeField()
    held_at = models.DateTimeField()
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    held_by_name = models.CharField(max_length=200)
    end = models.CharField(max_length=10, blank=True, default="", choices=[(one.value, one.value) for one in HoldEnd])
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by_name = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(end="", ended_at__isnull=True, ended_by_name="")
                | (Q(end__in=[one.value for one in HoldEnd], ended_at__isnull=False) & ~Q(ended_by_name="")),
                name="scheduling_hold_ends_with_when_and_who",
            ),
            models.CheckConstraint(condition=Q(until_at__gt=F("held_at")), name="scheduling_hold_lasts"),
        ]

    def __str__(self) -> str:
        """The id only: the rest is a patient's."""
        return f"hold {self.pk}"

    @property
    def stands(self) -> bool:
        """Whether it still keeps others out."""
        return not self.end

    @property
    def end_now(self) -> HoldEnd | None:
        """What became of it as a value of the rules; None while it stands."""
        return HoldEnd(self.end) if self.end else None

    @property
    def local_until(self) -> datetime:
        """Until when, on the wall clock of the place of the visit."""
        return self.until_at.astimezone(self.appointment.zone)

    def finish(self, end: HoldEnd, *, by_name: str, now: datetime) -> None:
        """It keeps nobody out any more, or is a booking now."""
        self.end, self.ended_at, self.ended_by_name = end.value, now, by_name
