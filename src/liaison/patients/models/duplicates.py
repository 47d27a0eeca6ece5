"""Two registrations of one person: what speaks for it, what was decided, and how to undo a merge."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from liaison.patients.models.person import Patient


class DuplicateDecision(models.TextChoices):
    """What was decided about two registrations."""

    OPEN = "open", _("To decide")
    DIFFERENT = "different", _("Two people")
    MERGED = "merged", _("Merged")


class DuplicateCandidate(models.Model):
    """Two patients who may be one person. `reasons` is a list of [code, points]; their sum is `score`.

    `conflict` means that identifiers disagree: then never merged without a person saying so. `disputed` is the conflict
    that the registrations don't show by themselves: one identifier came for both and only one of them bears it. Such a
    pair stays until somebody decides, however little else speaks for it.
    """

    first = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+")
    score = models.IntegerField()
    reasons = models.JSONField(default=list)
    conflict = models.BooleanField(default=False)
    disputed = models.BooleanField(default=False)
    found_at = models.DateTimeField()
    decision = models.CharField(max_length=10, choices=DuplicateDecision.choices, default=DuplicateDecision.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-score", "pk")
        indexes: ClassVar = [
            models.Index(fields=["-score", "id"], condition=Q(decision="open"), name="patients_duplicate_open")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["first", "second"], name="patients_duplicate_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="patients_duplicate_ordered"),
            models.CheckConstraint(
                condition=Q(decision="open", decided_at__isnull=True)
                | (~Q(decision="open") & Q(decided_at__isnull=False)),
                name="patients_duplicate_decided_together",
            ),
            models.CheckConstraint(condition=Q(disputed=False) | Q(conflict=True), name="patients_duplicate_disputed"),
        ]

    def __str__(self) -> str:
        return f"patients {self.first_id} and {self.second_id}: {self.score}"

    def decide(self, decision: DuplicateDecision, *, by: int | None, now: datetime) -> None:
        """Someone looked at both and decided."""
        self.decision = decision
        self.decided_by_id = by
        self.decided_at = now

    def reopen(self) -> None:
        """The decision was undone."""
        self.decision = DuplicateDecision.OPEN
        self.decided_by_id = None
        self.decided_at = None


class MergeRecord(models.Model):
    """One merge: who was merged into whom, and everything needed to undo it.

    `survivor_before` and `merged_before` are the columns of both patients as they were; what was moved from one
    to the other stands in `MergeMove`.
    """

    survivor = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges_survived")
    merged = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges")
    reason = models.TextField()
    survivor_before = models.JSONField()
    merged_before = models.JSONField()
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    undone_reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merged"], condition=Q(undone_at__isnull=True), name="patients_merge_standing_once"
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by__isnull=True, undone_reason="")
                | (Q(undone_at__isnull=False) & ~Q(undone_reason="")),
                name="patients_merge_undone_together",
            ),
            models.CheckConstraint(condition=~Q(survivor=F("merged")), name="patients_merge_two_patients"),
        ]

    def __str__(self) -> str:
        return f"patient {self.merged_id} into {self.survivor_id}"

    def undo(self, *, reason: str, by: int | None, now: datetime) -> None:
        """The merge was a mistake."""
        self.undone_at = now
        self.undone_by_id = by
        self.undone_reason = reason


class MergeMove(models.Model):
    """Rows of one table that a merge moved from the merged patient to the survivor, by their ids."""

    merge = models.ForeignKey(MergeRecord, on_delete=models.CASCADE, related_name="moves")
    table = models.CharField(max_length=80)
    column = models.CharField(max_length=60, default="patient")
    row_ids = ArrayField(models.BigIntegerField())

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{len(self.row_ids)} rows of {self.table}"
