"""Who is told, who covers for whom, and which days are closed."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from liaison.loops.models.ledger import Loop


class Notice(models.Model):
    """One person told about one loop by one level of the escalation ladder (DOMAIN 3.4)."""

    loop = models.ForeignKey(Loop, on_delete=models.PROTECT, related_name="notices")
    due_at = models.DateTimeField()
    level = models.PositiveSmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    sentence = models.CharField(max_length=300)
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["loop", "due_at", "level", "user"], name="notice_once_per_level_and_person"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="notice_unseen", condition=Q(seen_at__isnull=True)),
        ]

    def __str__(self) -> str:
        """The level and the loop, never a patient."""
        return f"notice of level {self.level} on loop {self.loop_id}"


class HandOver(models.Model):
    """A colleague's desk in other hands for a while: from whom, why, until when. New loops follow it.

    ``site_ids`` are the sites whose loops it moves, those of the supervisor who made it; NULL is every site.
    """

    from_user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    starts_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)
    site_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    returned_at = models.DateTimeField(null=True, blank=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, unique=True)  # NULL: not from a form

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="hand_over_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="hand_over_ends_after_it_starts",
                condition=Q(until_at__isnull=True) | Q(until_at__gt=F("starts_at")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["until_at"], name="hand_over_to_return", condition=Q(returned_at__isnull=True)),
        ]

    def __str__(self) -> str:
        """The id only."""
        return f"hand-over {self.pk}"


class HandOverCover(models.Model):
    """Who covers a hand-over: a person or a team."""

    hand_over = models.ForeignKey(HandOver, on_delete=models.PROTECT, related_name="covers")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    team = models.ForeignKey("accounts.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="cover_is_a_person_or_a_team",
                condition=Q(user__isnull=False, team__isnull=True) | Q(user__isnull=True, team__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        """The id only."""
        return f"cover {self.pk}"


class Holiday(models.Model):
    """A day on which an organization or a payer does not work: data beside the federal rules.

    ``calendar`` is ``organization`` for the whole organization, ``site:<id>`` for one site or
    ``payer:<organization id>`` for a payer (DOMAIN 3.3: calendars compose).
    """

    calendar = models.CharField(max_length=60)
    on = models.DateField()
    name = models.CharField(max_length=120)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["calendar", "on"], name="holiday_once_per_calendar"),
        ]

    def __str__(self) -> str:
        """The calendar and the date."""
        return f"{self.calendar} {self.on}"
