"""The audit trail and who is looking at what right now."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now


class AuditEntry(models.Model):
    """One thing that someone did, was refused, or saw. Append-only: a trigger refuses change and removal.

    `recorded_at` is the database's own clock, also under the training clock. The only change ever allowed
    is to give an unsealed entry its seal.
    """

    class Outcome(models.TextChoices):
        """How it ended."""

        DONE = "done"
        REFUSED = "refused"
        SEEN = "seen"

    recorded_at = models.DateTimeField(db_default=Now())
    actor_user_id = models.BigIntegerField(null=True)
    actor_name = models.TextField()
    roles = models.TextField(blank=True, default="")
    verb = models.TextField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    refusal_code = models.TextField(blank=True, default="")
    reason = models.TextField(blank=True, default="")
    patient_ids = ArrayField(models.BigIntegerField(), default=list)
    subject_type = models.TextField(blank=True, default="")
    subject_id = models.BigIntegerField(null=True)
    before_hash = models.CharField(max_length=64, blank=True, default="")
    after_hash = models.CharField(max_length=64, blank=True, default="")
    details = models.JSONField(default=dict)
    request_id = models.TextField(blank=True, default="")
    session_hash = models.CharField(max_length=16, blank=True, default="")
    seal = models.ForeignKey("core.AuditSeal", null=True, on_delete=models.PROTECT, related_name="entries")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(fields=["patient_ids"], name="audit_by_patient"),
            models.Index(fields=["actor_user_id", "-recorded_at", "-id"], name="audit_by_actor"),
            models.Index(fields=["verb", "-recorded_at", "-id"], name="audit_by_verb"),
            models.Index(fields=["-recorded_at", "-id"], name="audit_by_time"),
            models.Index(fields=["id"], condition=models.Q(seal=None), name="audit_unsealed"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.verb} ({self.outcome})"


class AuditSeal(models.Model):
    """A batch of audit entries closed into the chain: its hash covers them and the seal before it."""

    sealed_at = models.DateTimeField(db_default=Now())
    entry_count = models.PositiveIntegerField()
    previous_hash = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"seal {self.pk} over {self.entry_count} entries"


class Presence(models.Model):
    """Someone has this page open. Kept for under a minute, so an unlogged table holds it."""

    topic = models.TextField()
    user_id = models.BigIntegerField()
    name = models.TextField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["topic", "user_id"], name="one_presence_a_person_and_topic"),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.topic}"
