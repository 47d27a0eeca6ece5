"""Loops, their clocks, evidence and story."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.lookups import GreaterThan

from liaison.loops import rules
from liaison.loops.ports import CLINICAL, ROUTINE, URGENT, LoopKind, Owner, kind_of

OPEN = Q(state="open")
RECKONED = "reckoned"
"""What a line of the story is that says of a loop that it is counted from a corrected beginning."""

RESTING = OPEN & (~Q(waiting_on="") | Q(snoozed_until__isnull=False))
"""Open, but the next move is someone else's or later: a condition that two indexes share with their queries."""


class Priority(models.TextChoices):
    """How much earlier than its due time a loop rises on the desk."""

    ROUTINE = ROUTINE, "routine"
    URGENT = URGENT, "urgent"
    CLINICAL = CLINICAL, "clinical"


class State(models.TextChoices):
    """Where a promise stands."""

    OPEN = "open", "open"
    CLOSED = "closed", "closed"
    GIVEN_UP = "given_up", "given up"


class Voided(models.TextChoices):
    """What ended a clock that may have to run again, in a word that code reads; the reason beside it is for people."""

    DEATH = "death", "the patient died"
    CLOSED = "closed", "the loop closed"
    TOO_LATE = "too_late", "its time was over"
    CORRECTED = "corrected", "what it counted from was corrected"


class LoopQuerySet(models.QuerySet["Loop"]):
    """The words queries are written in."""

    def open(self) -> LoopQuerySet:
        """Promises not yet kept nor given up."""
        return self.filter(OPEN)

    def awake(self, *, now: datetime) -> LoopQuerySet:
        """Without those put aside until later."""
        return self.filter(Q(snoozed_until__isnull=True) | Q(snoozed_until__lte=now))

    def resting(self, *, now: datetime) -> LoopQuerySet:
        """Waiting on someone outside, or put aside until later."""
        return self.filter(RESTING).filter(~Q(waiting_on="") | Q(snoozed_until__gt=now))

    def owned_by(self, owner: Owner) -> LoopQuerySet:
        """Loops of exactly this person or this team."""
        if owner.user_id is not None:
            return self.filter(owner_user_id=owner.user_id)
        return self.filter(owner_team_id=owner.team_id)

    def waiting_on(self, user_id: int) -> LoopQuerySet:
        """Loops of others whose next step only this person can take."""
        return self.filter(waiting_on_user_id=user_id).filter(~Q(owner_user_id=user_id) | Q(owner_user=None))


class Loop(models.Model):
    """What a patient was promised, open for as long as nothing proves that it was kept.

    ``urgent_at`` is the due time moved earlier by priority (``rules.urgent_at``): the desk's order is
    a plain b-tree walk over it. ``next_step``, ``next_is_call``, ``due_at`` and ``waiting_on…`` repeat the
    running clock that is due first, so that a row of the desk reads one table. ``version`` counts every
    change; a form that was filled in against an older version is refused.
    """

    kind = models.CharField(max_length=60)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="loops", db_index=False)
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    title = models.CharField(max_length=300)
    about_type = models.CharField(max_length=60, blank=True, default="")
    about_id = models.BigIntegerField(null=True, blank=True)
    once_key = models.CharField(max_length=200, null=True, blank=True, unique=True)  # NULL: not only once

    owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    owner_team = models.ForeignKey(
        "accounts.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    hand_over = models.ForeignKey(
        "loops.HandOver", null=True, blank=True, on_delete=models.PROTECT, related_name="loops"
    )

    next_step = models.CharField(max_length=300)
    next_is_call = models.BooleanField(default=False)
    waiting_on = models.CharField(max_length=200, blank=True, default="")
    waiting_on_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    due_at = models.DateTimeField()
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.ROUTINE)
    urgent_at = models.DateTimeField()
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snooze_reason = models.CharField(max_length=300, blank=True, default="")

    escalation_level = models.PositiveSmallIntegerField(default=0)
    next_escalation_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)  # someone is on this step: its ladder rests

    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    required_evidence = ArrayField(models.CharField(max_length=60))
    evidence_kinds = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    opened_at = models.DateTimeField()
    opened_by_name = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    ended_by_name = models.CharField(max_length=200, blank=True, default="")
    given_up_reason = models.CharField(max_length=500, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    objects = LoopQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="loop_has_exactly_one_owner",
                condition=Q(owner_user__isnull=False, owner_team__isnull=True)
                | Q(owner_user__isnull=True, owner_team__isnull=False),
            ),
            models.CheckConstraint(name="loop_has_a_next_step", condition=~OPEN | ~Q(next_step="")),
            models.CheckConstraint(
                name="loop_requires_evidence",
                condition=GreaterThan(
                    Func(F("required_evidence"), function="cardinality", output_field=models.IntegerField()),
                    Value(0),
                ),
            ),
            models.CheckConstraint(
                name="loop_closed_has_its_evidence",
                condition=~Q(state="closed") | Q(required_evidence__contained_by=F("evidence_kinds")),
            ),
            models.CheckConstraint(
                name="loop_ended_says_when_and_by_whom",
                condition=Q(state="open", ended_at__isnull=True, ended_by__isnull=True, ended_by_name="")
                | (~OPEN & Q(ended_at__isnull=False) & ~Q(ended_by_name="")),
            ),
            models.CheckConstraint(
                name="loop_given_up_has_a_reason",
                condition=(Q(state="given_up") & ~Q(given_up_reason=""))
                | (~Q(state="given_up") & Q(given_up_reason="")),
            ),
            models.CheckConstraint(
                name="loop_snooze_has_a_reason_and_ends_by_the_due_time",
                condition=Q(snoozed_until__isnull=True, snooze_reason="")
                | (Q(snoozed_until__lte=F("due_at")) & ~Q(snooze_reason="")),
            ),
            models.CheckConstraint(name="loop_rises_no_later_than_due", condition=Q(urgent_at__lte=F("due_at"))),
            models.CheckConstraint(
                name="loop_acknowledged_rests",
                condition=Q(acknowledged_at__isnull=True) | Q(next_escalation_at__isnull=True),
            ),
            models.CheckConstraint(name="loop_known_priority", condition=Q(priority__in=Priority.values)),
            models.CheckConstraint(name="loop_known_state", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="loop_about_is_a_pair",
                condition=Q(about_type="", about_id__isnull=True) | (~Q(about_type="") & Q(about_id__isnull=False)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner_user", "urgent_at", "id"], name="loop_desk_of_a_person", condition=OPEN),
            models.Index(fields=["owner_team", "urgent_at", "id"], name="loop_desk_of_a_team", condition=OPEN),
            models.Index(fields=["site", "urgent_at", "id"], name="loop_desk_of_a_site", condition=OPEN),
            models.Index(fields=["urgent_at", "id"], name="loop_desk_of_all", condition=OPEN),
            models.Index(
                fields=["waiting_on_user", "urgent_at", "id"],
                name="loop_waiting_on_a_person",
                condition=OPEN & Q(waiting_on_user__isnull=False),
            ),
            models.Index(fields=["patient", "urgent_at", "id"], name="loop_of_a_patient"),
            models.Index(fields=["about_type", "about_id"], name="loop_about", condition=~Q(about_type="")),
            models.Index(
                fields=["next_escalation_at"],
                name="loop_to_escalate",
                condition=OPEN & Q(next_escalation_at__isnull=False),
            ),
            models.Index(
                fields=["owner_user", "urgent_at", "id"],
                name="loop_resting_of_a_person",
                condition=RESTING,
            ),
            models.Index(
                fields=["owner_team", "urgent_at", "id"],
                name="loop_resting_of_a_team",
                condition=RESTING,
            ),
        ]

    def __str__(self) -> str:
        """The id only: titles may name a patient."""
        return f"loop {self.pk}"

    @property
    def owner(self) -> Owner:
        """Who keeps this promise."""
        return Owner(user_id=self.owner_user_id, team_id=self.owner_team_id)

    @property
    def kind_info(self) -> LoopKind:
        """The registered kind."""
        return kind_of(self.kind)

    @property
    def missing_evidence(self) -> tuple[str, ...]:
        """The codes still to come before this loop may close, in the kind's order."""
        return rules.missing(self.required_evidence, present=self.evidence_kinds)


class Clock(models.Model):
    """One deadline of a loop and the rule behind it (DOMAIN 0). It runs until satisfied or voided."""

    loop = models.ForeignKey(Loop, on_delete=models.PROTECT, related_name="clocks")
    rule_id = models.CharField(max_length=100)
    rule_version = models.CharField(max_length=40)
    source = models.CharField(max_length=200, blank=True, default="")
    step = models.CharField(max_length=300)
    is_call = models.BooleanField(default=False)
    waiting_on = models.CharField(max_length=200, blank=True, default="")
    waiting_on_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    evidence = models.CharField(max_length=60, blank=True, default="")
    anchor_event = models.CharField(max_length=100)
    anchor_at = models.DateTimeField()
    calendar = models.CharField(max_length=100, blank=True, default="")
    due_at = models.DateTimeField()
    started_at = models.DateTimeField()
    satisfied_at = models.DateTimeField(null=True, blank=True)
    satisfied_by = models.CharField(max_length=200, blank=True, default="")
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_reason = models.CharField(max_length=300, blank=True, default="")
    voided_because = models.CharField(max_length=20, choices=Voided, blank=True, default="")
    replaces = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="clock_satisfied_says_by_what",
                condition=Q(satisfied_at__isnull=True, satisfied_by="")
                | (Q(satisfied_at__isnull=False) & ~Q(satisfied_by="")),
            ),
            models.CheckConstraint(
                name="clock_voided_has_a_reason",
                condition=Q(voided_at__isnull=True, voided_reason="")
                | (Q(voided_at__isnull=False) & ~Q(voided_reason="")),
            ),
            models.CheckConstraint(
                name="clock_voided_because_of_something_known",
                condition=Q(voided_because="") | Q(voided_because__in=Voided.values, voided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="clock_ends_once", condition=Q(satisfied_at__isnull=True) | Q(voided_at__isnull=True)
            ),
            models.CheckConstraint(name="clock_has_a_step", condition=~Q(step="")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["rule_id", "due_at"], name="clock_by_rule"),
        ]

    def __str__(self) -> str:
        """The rule and the loop, never a patient."""
        return f"clock {self.rule_id} of loop {self.loop_id}"

    @property
    def running(self) -> bool:
        """Neither satisfied nor voided."""
        return self.satisfied_at is None and self.voided_at is None


class Evidence(models.Model):
    """Proof that part of a promise was kept. Never deleted: withdrawn within the undo time, or voided with a reason.

    `at` is when it was recorded, `happened_at` when what it says took place, where that is known. `withdrawn_because`
    is a code of the package that took it back for another fact and not for a slip; by it the evidence is found again.
    """

    loop = models.ForeignKey(Loop, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=60)
    about_type = models.CharField(max_length=60, blank=True, default="")
    about_id = models.BigIntegerField(null=True, blank=True)
    note = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    happened_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    withdrawn_by_name = models.CharField(max_length=200, blank=True, default="")
    withdrawn_reason = models.CharField(max_length=300, blank=True, default="")
    withdrawn_because = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        verbose_name_plural = "evidence"
        constraints: ClassVar = [
            models.CheckConstraint(name="evidence_has_a_kind", condition=~Q(kind="")),
            models.CheckConstraint(
                name="evidence_voided_says_when_and_why",
                condition=Q(withdrawn_by=None, withdrawn_by_name="", withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_by_name="") & ~Q(withdrawn_reason="")),
            ),
            models.CheckConstraint(
                name="evidence_taken_back_because_of_something",
                condition=Q(withdrawn_because="") | Q(withdrawn_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["about_type", "about_id"], name="evidence_about", condition=~Q(about_type="")),
        ]

    def __str__(self) -> str:
        """The kind and the loop, never a patient."""
        return f"evidence {self.kind} of loop {self.loop_id}"

    def void(self, *, by_id: int | None, by_name: str, reason: str, now: datetime, because: str = "") -> None:
        """It rested on a mistake; the row stays to be read."""
        self.withdrawn_at, self.withdrawn_by_id, self.withdrawn_by_name = now, by_id, by_name
        self.withdrawn_reason, self.withdrawn_because = reason[:300], because

    def count_again(self) -> None:
        """What took it back was itself taken back."""
        self.withdrawn_at, self.withdrawn_by_id, self.withdrawn_by_name = None, None, ""
        self.withdrawn_reason, self.withdrawn_because = "", ""


class LoopEvent(models.Model):
    """One line of a loop's story, in words; what it changed, so that a slip can be taken back.

    ``before`` holds the loop's columns as they were and ``version`` the loop's version after it; ``evidence`` is the
    kind of proof that the line tells of, "" for none; ``undoable`` is false once something left the house.
    """

    loop = models.ForeignKey(Loop, on_delete=models.PROTECT, related_name="story", db_index=False)
    at = models.DateTimeField()
    what = models.CharField(max_length=40)
    sentence = models.CharField(max_length=500)
    reason = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    evidence = models.CharField(max_length=60, blank=True, default="")
    before = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    undoable = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["loop", "-id"], name="loop_story")]

    def __str__(self) -> str:
        """What happened to which loop, never a patient."""
        return f"{self.what} on loop {self.loop_id}"
