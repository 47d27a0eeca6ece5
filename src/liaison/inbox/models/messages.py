"""Messages: what was written, where it stands, and every attempt to deliver it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from liaison.inbox.rules.channels import Category, Channel
from liaison.inbox.rules.timing import ABANDONED_AFTER


class Template(models.Model):
    """A text as it stood when it was first used, or as a supervisor wrote it; a version is never changed afterwards.

    Edited ones are in force, the latest first, until they are retired.
    """

    code = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    channel = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Channel])
    language = models.CharField(max_length=12)
    category = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Category])
    subject = models.CharField(max_length=200)
    body = models.TextField()
    required_fields = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    edited_by_name = models.CharField(max_length=200, blank=True, default="")
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version", "channel", "language"], name="template_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version} ({self.language})"


class Direction(models.TextChoices):
    """Who wrote to whom."""

    OUT = "out", "out"
    IN = "in", "in"


class MessageState(models.TextChoices):
    """Where a message stands (DOMAIN 8.3); `unknown` waits for a person."""

    QUEUED = "queued", "queued"
    SENDING = "sending", "sending"
    SENT = "sent", "sent"
    DELIVERED = "delivered", "delivered"
    FAILED = "failed", "failed"
    UNKNOWN = "unknown", "unknown"
    SUPPRESSED = "suppressed", "not sent"
    RECEIVED = "received", "received"


class FailureKind(models.TextChoices):
    """Why a failed message will not be tried again."""

    PERMANENT = "permanent", "refused for good"
    TEMPORARY = "temporary", "gave up after many tries"
    LOST = "lost", "never arrived"


ENDED = frozenset({MessageState.DELIVERED, MessageState.FAILED, MessageState.SUPPRESSED, MessageState.RECEIVED})


class MessageQuerySet(models.QuerySet["Message"]):
    """The words queries are written in."""

    def due(self, *, now: datetime) -> Self:
        """Queued messages whose time has come, the longest waiting first."""
        return self.filter(state=MessageState.QUEUED, next_attempt_at__lte=now).order_by("next_attempt_at", "id")

    def abandoned(self, *, now: datetime) -> Self:
        """Messages whose worker must have died."""
        return self.filter(state=MessageState.SENDING, claimed_at__lte=now - ABANDONED_AFTER)


class Message(models.Model):
    """One message to or from a patient.

    `sending` is taken by one worker, attempt number `attempts`, at `claimed_at`; `handed_over_at` is set, and
    committed, before the other side may take the message. A crash before it puts the message back into the queue,
    a crash after it ends as `unknown`. The version counts attempts, so a worker that was thought dead changes nothing.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="messages", db_index=False)
    loop = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="messages")
    channel = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Channel])
    category = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Category])
    direction = models.CharField(max_length=3, choices=Direction, default=Direction.OUT)
    template = models.ForeignKey(
        Template, null=True, blank=True, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    language = models.CharField(max_length=12)
    contact_point_id = models.BigIntegerField(null=True, blank=True)
    to_address = models.CharField(max_length=320, blank=True)
    to_proxy = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=300)
    body = models.TextField()

    idempotency_key = models.CharField(max_length=200, unique=True)
    message_id = models.CharField(max_length=200, unique=True)
    queued_at = models.DateTimeField()
    queued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    queued_by_name = models.CharField(max_length=200)
    send_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    matter = models.CharField(max_length=300, blank=True, default="")  # later news of the same takes its place

    state = models.CharField(max_length=10, choices=MessageState, default=MessageState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    suppressed_reason = models.CharField(max_length=40, blank=True, default="")
    failure_kind = models.CharField(max_length=10, choices=FailureKind, blank=True, default="")
    last_reply = models.CharField(max_length=500, blank=True, default="")

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="message_known_state", condition=Q(state__in=MessageState.values)),
            models.CheckConstraint(
                name="message_queued_has_a_time",
                condition=Q(state="queued", next_attempt_at__isnull=False)
                | (~Q(state="queued") & Q(next_attempt_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="message_sending_is_claimed",
                condition=Q(state="sending", claimed_at__isnull=False, attempts__gt=0) | ~Q(state="sending"),
            ),
            models.CheckConstraint(
                name="message_sent_says_when",
                condition=~Q(state__in=["sent", "delivered"]) | Q(sent_at__isnull=False),
            ),
            models.CheckConstraint(
                name="message_unknown_was_handed_over",
                condition=~Q(state="unknown") | Q(handed_over_at__isnull=False),
            ),
            models.CheckConstraint(
                name="message_suppressed_has_a_reason",
                condition=(Q(state="suppressed") & ~Q(suppressed_reason=""))
                | (~Q(state="suppressed") & Q(suppressed_reason="")),
            ),
            models.CheckConstraint(
                name="message_failed_has_a_kind",
                condition=(Q(state="failed") & ~Q(failure_kind="")) | (~Q(state="failed") & Q(failure_kind="")),
            ),
            models.CheckConstraint(
                name="message_expires_after_it_is_sent",
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("queued_at")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at", "id"], name="message_due", condition=Q(state="queued")),
            models.Index(fields=["claimed_at"], name="message_claimed", condition=Q(state="sending")),
            models.Index(fields=["patient", "-queued_at", "-id"], name="message_of_a_patient"),
            models.Index(fields=["state", "-queued_at", "-id"], name="message_by_state"),
            models.Index(fields=["-queued_at", "-id"], name="message_newest"),
        ]

    def __str__(self) -> str:
        """The id only: subjects and addresses are the patient's."""
        return f"message {self.pk}"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it by machine."""
        return self.state in ENDED

    def address(self, *, to: str, point_id: int | None, proxy: str) -> None:
        """It goes there: to a contact point of the patient or to a proxy."""
        self.to_address, self.contact_point_id, self.to_proxy = to, point_id, proxy

    def claim(self, *, now: datetime) -> None:
        """One worker takes it for the next attempt."""
        self.state, self.next_attempt_at = MessageState.SENDING, None
        self.claimed_at, self.handed_over_at = now, None
        self.attempts += 1

    def requeue(self, *, at: datetime, reply: str) -> None:
        """It was certainly not taken; another attempt comes at `at`."""
        self.state, self.next_attempt_at, self.last_reply = MessageState.QUEUED, at, reply[:500]
        self.claimed_at = self.handed_over_at = None

    def succeed(self, *, now: datetime, reply: str) -> None:
        """The other side took it."""
        self.state, self.sent_at, self.last_reply = MessageState.SENT, now, reply[:500]

    def deliver(self, *, now: datetime) -> None:
        """It is known to have arrived."""
        self.state, self.ended_at = MessageState.DELIVERED, now
        self.sent_at = self.sent_at or now

    def fail(self, *, kind: FailureKind, now: datetime, reply: str) -> None:
        """It will not arrive."""
        self.state, self.failure_kind, self.ended_at = MessageState.FAILED, kind, now
        self.last_reply = reply[:500]
        self.next_attempt_at = None

    def lose_track(self, *, reply: str) -> None:
        """It was handed over and no answer came: a person finds out; no machine sends it again."""
        self.state, self.last_reply = MessageState.UNKNOWN, reply[:500]

    def suppress(self, *, reason: str, now: datetime) -> None:
        """It may not be sent, or must not be any more."""
        self.state, self.suppressed_reason, self.ended_at = MessageState.SUPPRESSED, reason, now
        self.next_attempt_at = None


class Attachment(models.Model):
    """A file that goes with a message."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=200)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"attachment {self.pk}"


class DeliveryAttempt(models.Model):
    """One attempt to deliver a message; `result` stays empty when the worker died."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="delivery_attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=20, blank=True, default="")
    reply = models.CharField(max_length=500, blank=True, default="")
    bad_address = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "number"], name="delivery_attempt_once"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of message {self.message_id}"
