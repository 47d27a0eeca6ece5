"""Protocols in their versions, and enrolments of patients on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from liaison.pathways.rules.protocol import Complexity


class Protocol(models.Model):
    """One version of a protocol, as data. A version never changes; a new one takes its place for new anchors."""

    code = models.CharField(max_length=60)
    version = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    definition: models.JSONField[Any, Any] = models.JSONField()
    installed_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="pathways_protocol_version_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(retired_at__isnull=True), name="pathways_one_current_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"

    def retire(self, *, now: datetime) -> None:
        """A newer version takes its place; what runs goes on under this one."""
        self.retired_at = now


class ProtocolPause(models.Model):
    """A time in which a protocol opens nothing new in this organization: from when, why, by whom.

    It goes by the protocol's code, so that a newer version stays off too. What runs goes on.
    """

    code = models.CharField(max_length=60)
    since_at = models.DateTimeField()
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by_name = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["code"], condition=Q(ended_at__isnull=True), name="pathways_paused_once_at_a_time"
            ),
            models.CheckConstraint(name="pathways_pause_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="pathways_pause_says_who_ended_it",
                condition=Q(ended_at__isnull=True, ended_by_name="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by_name="")),
            ),
        ]

    def __str__(self) -> str:
        return f"pause of {self.code}"

    def end(self, *, by_name: str, now: datetime) -> None:
        """From now on it opens loops again."""
        self.ended_at, self.ended_by_name = now, by_name


class Enrolment(models.Model):
    """One patient on one protocol for one anchor: the resource that says so, when it began and ended.

    `loop` is the promise it opened. `voided_reason` says why the promise was taken back without anyone's doing:
    the stay was cancelled, the patient was admitted again. A stay that was corrected to be another patient's leaves one
    that was taken back and opens one for them. `anchor_on` is the day it ended at the patient's site.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="enrolments")
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="enrolments")
    anchor = models.ForeignKey("records.Resource", on_delete=models.PROTECT, related_name="enrolments")
    anchor_at = models.DateTimeField()
    anchor_on = models.DateField()
    time_zone = models.CharField(max_length=64)
    complexity = models.CharField(
        max_length=10, choices=[(one.value, one.value) for one in Complexity], default=Complexity.MODERATE.value
    )
    loop = models.OneToOneField("loops.Loop", on_delete=models.PROTECT, related_name="enrolment")
    times_opened = models.PositiveSmallIntegerField(default=1)
    enrolled_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["protocol", "anchor"],
                condition=Q(voided_at__isnull=True),
                name="pathways_enrolled_once_for_an_anchor",
            ),
            models.CheckConstraint(
                name="pathways_voided_says_why",
                condition=Q(voided_at__isnull=True, voided_reason="")
                | (Q(voided_at__isnull=False) & ~Q(voided_reason="")),
            ),
            models.CheckConstraint(
                name="pathways_known_complexity", condition=Q(complexity__in=[one.value for one in Complexity])
            ),
        ]

    def __str__(self) -> str:
        """Our own ids, never a patient."""
        return f"enrolment {self.pk}"

    @property
    def stay(self) -> tuple[int, int]:
        """The stay and whose it was said to be, by their ids."""
        return self.anchor_id, self.patient_id

    def void(self, *, reason: str, now: datetime) -> None:
        """The anchor no longer stands, or the patient is in hospital again."""
        self.voided_at, self.voided_reason = now, reason[:300]

    def revive(self, *, loop_id: int) -> None:
        """The anchor stands after all: the promise is made again."""
        self.voided_at, self.voided_reason = None, ""
        self.loop_id = loop_id
        self.times_opened += 1
