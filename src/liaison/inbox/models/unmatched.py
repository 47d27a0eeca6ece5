"""Mail that came and belongs to no message of ours."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class UnmatchedMail(models.Model):
    """One mail that waits for a person. `raw` is the mail as it came; `digest`, the SHA-256 of it, keeps it single.

    It ends as the message of a patient (`became`) or as nothing of ours, with a reason.
    """

    digest = models.CharField(max_length=64, unique=True)
    received_at = models.DateTimeField()
    sender = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    why = models.CharField(max_length=200)
    raw = models.BinaryField()
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    settled_by_name = models.CharField(max_length=200, blank=True, default="")
    settled_reason = models.CharField(max_length=300, blank=True, default="")
    became = models.ForeignKey("inbox.Message", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="unmatched_settled_as_something",
                condition=Q(settled_at=None, became=None, settled_reason="", settled_by_name="")
                | (
                    Q(settled_at__isnull=False)
                    & ~Q(settled_by_name="")
                    & (Q(became__isnull=False) | ~Q(settled_reason=""))
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-received_at", "-id"], name="unmatched_waiting", condition=Q(settled_at=None))
        ]

    def __str__(self) -> str:
        """The id only: a mail is a patient's."""
        return f"unmatched mail {self.pk}"

    def settle(self, *, by_id: int | None, by_name: str, reason: str, now: datetime) -> None:
        """Somebody decided."""
        self.settled_at, self.settled_by_id, self.settled_by_name, self.settled_reason = now, by_id, by_name, reason
