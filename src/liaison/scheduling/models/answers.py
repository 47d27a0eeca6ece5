"""What patients answered to invitations from their calendars."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from liaison.scheduling.models.visits import Appointment
from liaison.scheduling.rules import Heard, Said


class InvitationAnswerQuerySet(models.QuerySet["InvitationAnswer"]):
    """The vocabulary of reading answers."""

    def standing(self) -> Self:
        """Of each visit the answer that counts: the one given last."""
        applied = self.filter(heard=Heard.APPLIED)
        return applied.order_by("appointment", "-stamped_at", "-pk").distinct("appointment")


class InvitationAnswer(models.Model):
    """One answer to the invitation of one visit; `message` is the mail that carried it.

    `stamped_at` is when it was given, `sequence` the version of the invitation that it answers, `heard` what it counts
    for. `promise_key` is the once-key of the loop that sees to a visit which the patient can't keep.
    """

    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="answers", db_index=False)
    message = models.ForeignKey("inbox.Message", on_delete=models.PROTECT, related_name="+")
    said = models.CharField(max_length=9, choices=[(one.value, one.value) for one in Said])
    sequence = models.PositiveIntegerField()
    stamped_at = models.DateTimeField()
    received_at = models.DateTimeField()
    heard = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Heard])
    comment = models.CharField(max_length=500, blank=True, default="")
    promise_key = models.CharField(max_length=80, blank=True, default="")

    objects = InvitationAnswerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["appointment", "said", "sequence", "stamped_at"], name="scheduling_answer_once"
            ),
            models.CheckConstraint(condition=Q(said__in=[one.value for one in Said]), name="scheduling_answer_said"),
            models.CheckConstraint(condition=Q(heard__in=[one.value for one in Heard]), name="scheduling_answer_heard"),
            models.CheckConstraint(
                condition=Q(promise_key="") | Q(said=Said.DECLINED.value, heard=Heard.APPLIED.value),
                name="scheduling_answer_promises_when_declined",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["promise_key"], name="scheduling_answer_promise", condition=~Q(promise_key="")),
        ]

    def __str__(self) -> str:
        """The id only: the rest is a patient's."""
        return f"answer {self.pk}"

    @property
    def counts(self) -> bool:
        """Whether it was given for the visit as it stands, and stood when it came."""
        return self.heard == Heard.APPLIED
