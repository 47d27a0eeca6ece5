"""The secret addresses at which people's own calendars read their visits."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    """The vocabulary of reading addresses."""

    def in_force(self) -> Self:
        """Those that still answer."""
        return self.filter(ended_at=None)


class CalendarFeed(models.Model):
    """One secret address of one person. Of the secret only the SHA-256 is kept; one address is in force at a time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at__isnull=True), name="scheduling_one_feed_in_force"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("made_at")),
                name="scheduling_feed_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"calendar address {self.pk}"

    def end(self, *, now: datetime) -> None:
        """It answers no more."""
        self.ended_at = now
