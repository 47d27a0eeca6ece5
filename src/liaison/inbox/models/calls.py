"""Calls as they were logged."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from liaison.inbox.rules.contact import Attempt, Outcome, Understood, With


class OutcomeChoice(models.TextChoices):
    """How a call ended, in words."""

    REACHED = Outcome.REACHED.value, "reached"
    LEFT_MESSAGE = Outcome.LEFT_MESSAGE.value, "left a message"
    NO_ANSWER = Outcome.NO_ANSWER.value, "no answer"
    BUSY = Outcome.BUSY.value, "busy"
    WRONG_NUMBER = Outcome.WRONG_NUMBER.value, "wrong number"


class Call(models.Model):
    """One call with, or for, a patient. Never changed; a slip is corrected by another entry."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="calls", db_index=False)
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="calls")
    with_whom = models.CharField(max_length=10, choices=[(one.value, one.value) for one in With])
    with_name = models.CharField(max_length=200, blank=True)
    number = models.CharField(max_length=60, blank=True)
    direction = models.CharField(max_length=3, choices=[("out", "we called"), ("in", "they called")])
    outcome = models.CharField(max_length=20, choices=OutcomeChoice)
    said = models.TextField(blank=True)
    clinical = models.BooleanField(default=False)
    script_done = models.JSONField(default=list, blank=True)
    started_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField(default=0)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by_name = models.CharField(max_length=200)
    logged_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=200, unique=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="call_known_outcome", condition=Q(outcome__in=OutcomeChoice.values)),
            models.CheckConstraint(name="call_reached_says_what", condition=~Q(outcome="reached") | ~Q(said="")),
            models.CheckConstraint(
                name="call_clinical_was_reached", condition=Q(clinical=False) | Q(outcome="reached")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["patient", "-started_at", "-id"], name="call_of_a_patient"),
        ]

    def __str__(self) -> str:
        """The id only."""
        return f"call {self.pk}"

    @property
    def as_attempt(self) -> Attempt:
        """This call as the contact rules read it."""
        return Attempt(
            at=self.started_at,
            outcome=Outcome(self.outcome),
            with_whom=With(self.with_whom),
            clinical=self.clinical,
        )


class TeachBack(models.Model):
    """One thing that was explained on a call, as the patient said it back (DOMAIN 8.2)."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="teach_backs")
    topic = models.CharField(max_length=120)
    patient_words = models.TextField(blank=True)
    understood = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Understood])
    retaught = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="teach_back_has_a_topic", condition=~Q(topic="")),
        ]

    def __str__(self) -> str:
        """The id only."""
        return f"teach-back {self.pk}"
