"""A day that was planned anew, and each visit that lost its time with it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q

from liaison.scheduling.models.arrangement import Closure, Resource
from liaison.scheduling.models.visits import Appointment


class Replan(models.Model):
    """Somebody or something could not be there: what was closed, why, and who gave the visits other times.

    `resource` is empty where the whole `site` closed. `closure` is empty once that time was opened again.
    """

    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+")
    resource = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closure = models.OneToOneField(Closure, null=True, blank=True, on_delete=models.SET_NULL, related_name="replan")
    during = DateTimeRangeField()
    reason = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=80, unique=True)
    done_at = models.DateTimeField()
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    done_by_name = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(during__isempty=False), name="scheduling_replan_not_empty"),
            models.CheckConstraint(condition=~Q(reason=""), name="scheduling_replan_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"replan {self.pk}"

    @property
    def of_what(self) -> str:
        """The name of who or what could not be there."""
        return str(self.resource or self.site)

    @property
    def local_from(self) -> datetime:
        """From when on, on the wall clock of the place."""
        start: datetime = self.during.lower
        return start.astimezone(ZoneInfo(self.site.time_zone))

    @property
    def local_to(self) -> datetime:
        """Until when, on the wall clock of the place."""
        end: datetime = self.during.upper
        return end.astimezone(ZoneInfo(self.site.time_zone))


class Displacement(models.Model):
    """A visit that lost its time when a day was planned anew.

    `moved_to` is the visit that took its place then; empty where a time was still to be found. `loop` is the promise
    to tell the patient, or to find them a time; empty while nobody can own it. `expected` is the earlier visit that the
    patient still counts on, where nobody had told them that it was moved to `appointment`.
    """

    replan = models.ForeignKey(Replan, on_delete=models.PROTECT, related_name="displaced")
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="displacements")
    moved_to = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="displaced_from"
    )
    loop = models.OneToOneField("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    expected = models.ForeignKey(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["replan", "appointment"], name="scheduling_displaced_once"),
        ]

    def __str__(self) -> str:
        """The ids only: the rest is a patient's."""
        return f"appointment {self.appointment_id} displaced by replan {self.replan_id}"

    @property
    def known(self) -> Appointment:
        """The visit as the patient knows it: before anything of which nobody has told them."""
        return self.expected or self.appointment
