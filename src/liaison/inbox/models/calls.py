"""Calls as they were logged."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from liaison.inbox.rules.contact import Attempt, Outcome, Understood, With


class OutcomeChoice(models.TextChoices):
    """How a call ended, in words."""

    REACHED = Outcome.REACHED.value, "reached"
    LEFT_MESSAGE = Outcome.LEFT_MESSAGE.value, "left a message"
    NO_ANSWER = Outcome.NO_ANSWER.value, "no answer"
    BUSY = Outcome.BUSY.value, "busy"
    WRONG_NUMBER = Outcome.WRONG_NUMBER.value, "wrong number"


class StruckWhy(models.TextChoices):
    """Why a call that was logged counts no more."""

    WRONG_PATIENT = "wrong_patient", _("Wrong patient")
    WRONG_PERSON = "wrong_person", _("Someone else was reached than it says")
    TWICE = "twice", _("Logged twice")
    OTHER = "other", _("Something else")


class CallQuerySet(models.QuerySet["Call"]):
    """The words queries are written in."""

    def counted(self) -> Self:
        """Without those that were struck out."""
        return self.filter(struck_at=None)


class Call(models.Model):
    """One call with, or for, a patient. Its words never change (the database refuses it): a slip is struck out.

    `settled` says whether the talk was what its promise waited for; nothing where that was not asked.
    A call that was entered by mistake keeps its words; who struck it out, when and why stand beside it. It counts for
    nothing: read `Call.objects.counted()` for what was tried and what was reached.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="calls", db_index=False)
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="calls")
    with_whom = models.CharField(max_length=10, choices=[(one.value, one.value) for one in With])
    with_name = models.CharField(max_length=200, blank=True)
    number = models.CharField(max_length=60, blank=True)
    direction = models.CharField(max_length=3, choices=[("out", "we called"), ("in", "they called")])
    outcome = models.CharField(max_length=20, choices=OutcomeChoice)
    said = models.TextField(blank=True)
    clinical = models.BooleanField(default=False)
    settled = models.BooleanField(null=True, blank=True)
    script_done = models.JSONField(default=list, blank=True)
    started_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField(default=0)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by_name = models.CharField(max_length=200)
    logged_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=200, unique=True)
    struck_at = models.DateTimeField(null=True, blank=True)
    struck_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    struck_by_name = models.CharField(max_length=200, blank=True, default="")
    struck_why = models.CharField(max_length=20, choices=StruckWhy, blank=True, default="")
    struck_words = models.CharField(max_length=300, blank=True, default="")

    objects = CallQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="call_struck_with_a_reason",
                condition=Q(struck_at=None, struck_by=None, struck_by_name="", struck_why="", struck_words="")
                | (
                    Q(struck_at__isnull=False, struck_why__in=StruckWhy.values)
                    & ~Q(struck_by_name="")
                    & (~Q(struck_why="other") | ~Q(struck_words=""))
                ),
            ),
            models.CheckConstraint(name="call_known_outcome", condition=Q(outcome__in=OutcomeChoice.values)),
            models.CheckConstraint(name="call_reached_says_what", condition=~Q(outcome="reached") | ~Q(said="")),
            models.CheckConstraint(name="call_settled_was_reached", condition=Q(settled=None) | Q(outcome="reached")),
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
    def is_struck(self) -> bool:
        """Whether it was entered by mistake and counts no more."""
        return self.struck_at is not None

    @property
    def struck_reason(self) -> str:
        """Why it was struck out, in words; "" for one that counts."""
        known = "" if self.struck_why == StruckWhy.OTHER else str(self.get_struck_why_display())
        return ": ".join(part for part in (known, self.struck_words) if part)

    def strike(self, *, by_id: int | None, by_name: str, why: StruckWhy, words: str, now: datetime) -> None:
        """It was entered by mistake; its words stay to be read."""
        self.struck_at, self.struck_by_id, self.struck_by_name = now, by_id, by_name
        self.struck_why, self.struck_words = why, words

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
