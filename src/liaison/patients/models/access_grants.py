"""Breaking the glass: access for four hours to a patient one may not see otherwise, always reviewed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from liaison.patients.models.person import Patient

GRANT_LENGTH: Final = timedelta(hours=4)
"""DOMAIN 6.5."""


class BreakGlassReason(models.TextChoices):
    """Purpose of use, by its code in HL7 v3 ActReason."""

    ETREAT = "ETREAT", _("Emergency treatment")
    BTG = "BTG", _("Needed for care, and nobody with access can be reached")


class BreakGlassOutcome(models.TextChoices):
    """What the reviewer found."""

    JUSTIFIED = "justified", _("Justified")
    ADVISED = "advised", _("Justified, but another way was open: advice given")
    UNJUSTIFIED = "unjustified", _("Not justified: treated as a privacy incident")


class BreakGlassGrantQuerySet(models.QuerySet["BreakGlassGrant"]):
    """The vocabulary of reading grants."""

    def live(self, *, now: datetime) -> Self:
        """Those that open a chart at `now` (half-open: not at the instant they expire)."""
        return self.filter(starts_at__lte=now, expires_at__gt=now)

    def since(self, found_at: datetime, *, user_id: int, patient: Patient) -> Self:
        """Those of one person to one patient that began at `found_at` or after it, live or over."""
        return self.filter(user_id=user_id, patient=patient, starts_at__gte=found_at)

    def to_review(self) -> Self:
        """Those that no privacy officer has looked at."""
        return self.filter(reviewed_at__isnull=True)


class BreakGlassGrant(models.Model):
    """One person's access to one patient, from `starts_at` up to but not including `expires_at`."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="break_glass_grants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="break_glass_grants")
    reason_code = models.CharField(max_length=10, choices=BreakGlassReason.choices)
    reason = models.TextField()
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    review_due_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=BreakGlassOutcome.choices, blank=True)
    review_note = models.TextField(blank=True)

    objects = BreakGlassGrantQuerySet.as_manager()

    class Meta:
        ordering = ("review_due_at", "pk")
        indexes: ClassVar = [
            models.Index(fields=["user", "patient", "expires_at"], name="patients_grant_live"),
            models.Index(
                fields=["review_due_at"], condition=Q(reviewed_at__isnull=True), name="patients_grant_to_review"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("starts_at")) & Q(expires_at__lte=F("starts_at") + GRANT_LENGTH),
                name="patients_grant_four_hours",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True, reviewed_at__isnull=True, outcome="")
                | (Q(reviewed_by__isnull=False, reviewed_at__isnull=False) & ~Q(outcome="")),
                name="patients_grant_reviewed_together",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="patients_grant_has_a_reason"),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True) | ~Q(reviewed_by=F("user")),
                name="patients_grant_not_own_review",
            ),
        ]

    def __str__(self) -> str:
        return f"user {self.user_id} to patient {self.patient_id}"

    def is_live(self, *, now: datetime) -> bool:
        """Whether it opens the chart at `now`."""
        return self.starts_at <= now < self.expires_at

    def close(self, *, now: datetime) -> None:
        """End the access early."""
        self.expires_at = min(self.expires_at, now)

    def review(self, *, outcome: BreakGlassOutcome, note: str, by: int, now: datetime) -> None:
        """A privacy officer looked at it."""
        self.outcome = outcome
        self.review_note = note
        self.reviewed_by_id = by
        self.reviewed_at = now
