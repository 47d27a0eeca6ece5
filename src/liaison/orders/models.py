"""Referrals and their history: columns and what the database refuses."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from liaison.orders import rules
from liaison.orders.ports import REPORT, REVIEWED, TOLD, Target

OPEN = Q(state__in=[str(state) for state in rules.OPEN])


class Urgency(models.TextChoices):
    """How fast every clock of a referral runs."""

    ROUTINE = "routine", "Routine"
    URGENT = "urgent", "Urgent"


class CoverageStatus(models.TextChoices):
    """Whether the payer must agree first, and whether it did."""

    UNKNOWN = "unknown", "Not checked yet"
    NOT_NEEDED = "not_needed", "No authorization needed"
    REQUESTED = "requested", "Authorization requested"
    APPROVED = "approved", "Authorization approved"
    NOT_COVERED = "not_covered", "Not covered; the patient knows"


class Via(models.TextChoices):
    """How a referral reached the target."""

    FAX = "fax", "Fax"
    PHONE = "phone", "Phone"
    DIRECT = "direct", "Direct message"
    PORTAL = "portal", "Their portal"
    IN_HOUSE = "in_house", "In house"


class ReferralQuerySet(models.QuerySet["Referral"]):
    """The words queries are written in."""

    def open(self) -> ReferralQuerySet:
        """Neither closed nor cancelled."""
        return self.filter(OPEN)


class Referral(models.Model):
    """A question to a specialist on behalf of a referrer, and how far it has come.

    `state_since` is when it entered its state; worklists are ordered by it. `visit_at` is the time of the visit that
    is scheduled or took place. The three `…_at` facts close it. `duplicate_reason` lets a second open referral of the
    same patient and specialty stand; the unique constraint refuses one without. `duplicate_by_merge`: a merge of two
    records brought them side by side, so an unmerge takes that reason away again.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="referrals")
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    loop = models.OneToOneField("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="referral")
    referrer = models.ForeignKey("directory.Practitioner", on_delete=models.PROTECT, related_name="referrals_made")
    specialty = models.ForeignKey("directory.Specialty", on_delete=models.PROTECT, related_name="+")
    target_practitioner = models.ForeignKey(
        "directory.Practitioner", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    target_organization = models.ForeignKey(
        "directory.Organization", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    urgency = models.CharField(max_length=10, choices=Urgency, default=Urgency.ROUTINE)
    question = models.TextField()
    history = models.TextField(blank=True, default="")
    coverage_status = models.CharField(max_length=20, choices=CoverageStatus, default=CoverageStatus.UNKNOWN)
    coverage_note = models.CharField(max_length=300, blank=True, default="")
    duplicate_reason = models.CharField(max_length=300, blank=True, default="")
    duplicate_by_merge = models.BooleanField(default=False)

    state = models.CharField(max_length=20, default=rules.State.DRAFT)
    state_since = models.DateTimeField()
    state_reason = models.CharField(max_length=500, blank=True, default="")
    sent_via = models.CharField(max_length=10, choices=Via, blank=True, default="")
    times_sent = models.PositiveSmallIntegerField(default=0)
    visit_at = models.DateTimeField(null=True, blank=True)
    appointment_id = models.BigIntegerField(null=True, blank=True)
    report_received_at = models.DateTimeField(null=True, blank=True)
    report = models.TextField(blank=True, default="")
    referrer_reviewed_at = models.DateTimeField(null=True, blank=True)
    review = models.TextField(blank=True, default="")
    patient_informed_at = models.DateTimeField(null=True, blank=True)
    informed_how = models.CharField(max_length=500, blank=True, default="")
    drafted_at = models.DateTimeField()
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    drafted_by_name = models.CharField(max_length=200)
    idempotency_key = models.CharField(max_length=100, blank=True, default="")
    form_digest = models.CharField(max_length=64, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="referral_has_a_target",
                condition=Q(target_practitioner__isnull=False) | Q(target_organization__isnull=False),
            ),
            models.CheckConstraint(name="referral_asks_a_question", condition=~Q(question="")),
            models.CheckConstraint(
                name="referral_known_state", condition=Q(state__in=[str(state) for state in rules.State])
            ),
            models.CheckConstraint(name="referral_known_urgency", condition=Q(urgency__in=Urgency.values)),
            models.CheckConstraint(
                name="referral_beyond_a_draft_is_a_promise", condition=Q(state="draft") | Q(loop__isnull=False)
            ),
            models.CheckConstraint(
                name="referral_declined_or_cancelled_has_a_reason",
                condition=~Q(state__in=["declined", "cancel_requested", "cancelled"]) | ~Q(state_reason=""),
            ),
            models.CheckConstraint(name="referral_sent_says_how", condition=Q(times_sent=0) | ~Q(sent_via="")),
            models.CheckConstraint(
                name="referral_scheduled_has_a_visit", condition=~Q(state="scheduled") | Q(visit_at__isnull=False)
            ),
            models.CheckConstraint(
                name="referral_closed_has_its_three_facts",
                condition=~Q(state="closed")
                | Q(
                    report_received_at__isnull=False,
                    referrer_reviewed_at__isnull=False,
                    patient_informed_at__isnull=False,
                ),
            ),
            models.UniqueConstraint(
                name="referral_open_once_per_specialty",
                fields=["patient", "specialty"],
                condition=OPEN & Q(duplicate_reason=""),
            ),
            models.CheckConstraint(
                name="referral_second_by_a_merge_says_so",
                condition=Q(duplicate_by_merge=False) | ~Q(duplicate_reason=""),
            ),
            models.UniqueConstraint(
                name="referral_once_per_form", fields=["idempotency_key"], condition=~Q(idempotency_key="")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["site", "state", "state_since", "id"], name="referral_worklist"),
            models.Index(fields=["site", "state_since", "id"], name="referral_open", condition=OPEN),
        ]

    def __str__(self) -> str:
        """The id only: what it asks is clinical."""
        return f"referral {self.pk}"

    @property
    def target(self) -> Target:
        """Whom it asks."""
        return Target(practitioner_id=self.target_practitioner_id, organization_id=self.target_organization_id)

    @property
    def target_name(self) -> str:
        """Whom it asks, by name: the clinician, else the place."""
        found = self.target_practitioner or self.target_organization
        return found.name if found is not None else ""

    @property
    def is_open(self) -> bool:
        """Neither closed nor cancelled."""
        return self.state not in rules.ENDED

    @property
    def facts(self) -> tuple[str, ...]:
        """Which of the three closing facts are in."""
        told = (
            (REPORT, self.report_received_at),
            (REVIEWED, self.referrer_reviewed_at),
            (TOLD, self.patient_informed_at),
        )
        return tuple(code for code, at in told if at is not None)

    def become(self, state: rules.State, *, reason: str = "") -> None:
        """Enter a state; when, the action says with `state_since`."""
        self.state, self.state_reason = state, reason[:500]


class ReferralAttachment(models.Model):
    """Something that goes along: a document of the chart (`about_…`) or, by its title, a thing on paper."""

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="attachments")
    title = models.CharField(max_length=200)
    about_type = models.CharField(max_length=60, blank=True, default="")
    about_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="attachment_has_a_title", condition=~Q(title="")),
        ]

    def __str__(self) -> str:
        """The id only."""
        return f"attachment {self.pk}"


class TakenBackBy(models.TextChoices):
    """What took a step back, where it was no slip of a person."""

    REVIEW = "review", "the review decided anew"


class ReferralStep(models.Model):
    """One state that a referral entered: when, by whom, why, towards whom. Never changed, but it may be taken back.

    ``before`` holds the referral's columns as they were, empty for what can't be taken back; ``proof`` is the code of
    the evidence that the step gave, "" for none. ``undone_because`` is "" for a slip that somebody took back.
    """

    referral = models.ForeignKey(Referral, on_delete=models.PROTECT, related_name="steps")
    state = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    target_name = models.CharField(max_length=200)
    sentence = models.CharField(max_length=500)
    reason = models.CharField(max_length=500, blank=True, default="")
    proof = models.CharField(max_length=60, blank=True, default="")
    before = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    undone_by_name = models.CharField(max_length=200, blank=True, default="")
    undone_because = models.CharField(max_length=20, choices=TakenBackBy, blank=True, default="")

    class Meta:
        ordering = ("id",)
        constraints: ClassVar = [
            models.CheckConstraint(
                name="step_undone_because_of_something_known",
                condition=Q(undone_because="") | Q(undone_because__in=TakenBackBy.values, undone_at__isnull=False),
            ),
            models.CheckConstraint(
                name="step_undone_says_by_whom",
                condition=Q(undone_at=None, undone_by=None, undone_by_name="")
                | (Q(undone_at__isnull=False) & ~Q(undone_by_name="")),
            ),
        ]

    def __str__(self) -> str:
        """The state and the referral, never a patient."""
        return f"{self.state} of referral {self.referral_id}"

    def undo(self, *, by_id: int | None, by_name: str, now: datetime, because: str = "") -> None:
        """It was a mistake, or something overtook it; the line stays to be read."""
        self.undone_at, self.undone_by_id, self.undone_by_name = now, by_id, by_name
        self.undone_because = because

    def stand_again(self) -> None:
        """What overtook it was itself taken back."""
        self.undone_at, self.undone_by_id, self.undone_by_name, self.undone_because = None, None, "", ""
