"""Notes: what somebody wrote down about a patient outside of calls and messages."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class Note(models.Model):
    """A short dated note. Its words never change (the database refuses it): it is added to, or struck out.

    `happened_at` is what it is about, `noted_at` when it was written. `clinical` ones are read by the roles that
    read the chart, and by whoever wrote them. `adds_to` is the first note of a row of additions. A struck note keeps
    its words; who struck it, when and why stand beside it.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="notes", db_index=False)
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="notes")
    adds_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="additions")
    text = models.TextField()
    clinical = models.BooleanField(default=False)
    happened_at = models.DateTimeField()
    noted_at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by_name = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=200, unique=True)
    struck_at = models.DateTimeField(null=True, blank=True)
    struck_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    struck_by_name = models.CharField(max_length=200, blank=True, default="")
    struck_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="note_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="note_struck_with_a_reason",
                condition=Q(struck_at=None, struck_by=None, struck_by_name="", struck_reason="")
                | (Q(struck_at__isnull=False) & ~Q(struck_by_name="") & ~Q(struck_reason="")),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["patient", "-happened_at", "-id"], name="note_of_a_patient")]

    def __str__(self) -> str:
        """The id only: the words are about the patient."""
        return f"note {self.pk}"

    @property
    def is_struck(self) -> bool:
        """Whether it counts no more."""
        return self.struck_at is not None

    def strike(self, *, by_id: int | None, by_name: str, reason: str, now: datetime) -> None:
        """It was wrong; its words stay to be read."""
        self.struck_at, self.struck_by_id, self.struck_by_name, self.struck_reason = now, by_id, by_name, reason
