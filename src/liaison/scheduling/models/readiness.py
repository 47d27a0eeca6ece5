"""What stands in the way of a coming visit, with the promise to mend it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q

from liaison.scheduling.models.visits import Appointment


class Blocker(models.Model):
    """Something that a check found in the way of a visit. It ends when the check passes, never by hand."""

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="blockers", db_index=False)
    code = models.CharField(max_length=60)
    sentence = models.CharField(max_length=300)
    safe_until = models.DateTimeField(null=True, blank=True)
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)
    cleared_why = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["appointment", "code"],
                condition=Q(cleared_at__isnull=True),
                name="scheduling_blocker_stands_once",
            ),
            models.CheckConstraint(
                condition=Q(cleared_at__isnull=True, cleared_why="")
                | (Q(cleared_at__isnull=False) & ~Q(cleared_why="")),
                name="scheduling_blocker_cleared_says_why",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["appointment"], name="scheduling_blockers_of_visit")]

    def __str__(self) -> str:
        """The check and the visit's id, never a patient."""
        return f"{self.code} of appointment {self.appointment_id}"

    def clear(self, *, why: str, now: datetime) -> None:
        """It is in the way no longer."""
        self.cleared_at, self.cleared_why = now, why
