"""Who waits for an earlier time, the times that became free, and what was offered to whom."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from liaison.scheduling.models.arrangement import Resource, VisitType
from liaison.scheduling.models.visits import Appointment
from liaison.scheduling.rules import (
    OfferBy,
    OfferMode,
    OfferState,
    Span,
    Suits,
    Urgency,
    WaitState,
    unfit,
)

_MOVABLE = frozenset({"pending", "booked"})
URGENCY_WORDS = (
    (Urgency.URGENT.value, _("Urgent")),
    (Urgency.SOON.value, _("Soon")),
    (Urgency.ROUTINE.value, _("Routine")),
)


class WaitlistEntry(models.Model):
    """A patient who waits for a time (DOMAIN 1.5), and what would suit them.

    `visit_type_code` names the kind of visit in its current version. `moves` is the later visit that would be
    moved forward. `serves` and `referral` are what the visit is for; `loop` is the promise to find a time.
    `lapses` counts the offers in a row that nobody answered.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="waits")
    visit_type_code = models.CharField(max_length=40)
    sites = models.ManyToManyField("accounts.Site", related_name="+")
    with_resource = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    from_time = models.TimeField(null=True, blank=True)
    to_time = models.TimeField(null=True, blank=True)
    not_before = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    least_notice_minutes = models.PositiveIntegerField(default=0)
    urgency = models.CharField(max_length=10, choices=URGENCY_WORDS, default=Urgency.ROUTINE.value)
    urgency_reason = models.CharField(max_length=300, blank=True, default="")
    moves = models.ForeignKey(Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="waits")
    serves = models.ForeignKey("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    referral = models.ForeignKey("orders.Referral", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    loop = models.OneToOneField("loops.Loop", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.CharField(max_length=80, unique=True)

    joined_at = models.DateTimeField()
    joined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    joined_by_name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, default=WaitState.WAITING.value)
    filled_by = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="filled_wait"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by_name = models.CharField(max_length=200, blank=True, default="")
    end_reason = models.CharField(max_length=300, blank=True, default="")
    lapses = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "waitlist entries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in WaitState]), name="scheduling_wait_state"
            ),
            models.CheckConstraint(
                condition=Q(urgency=Urgency.ROUTINE.value) | ~Q(urgency_reason=""),
                name="scheduling_wait_urgency_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(state=WaitState.WAITING.value, ended_at__isnull=True, end_reason="", filled_by=None)
                | Q(state=WaitState.FILLED.value, ended_at__isnull=False, filled_by__isnull=False)
                | (Q(state=WaitState.LEFT.value, ended_at__isnull=False, filled_by=None) & ~Q(end_reason="")),
                name="scheduling_wait_ends_with_when_and_why",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(not_before__isnull=True) | Q(until__gte=F("not_before")),
                name="scheduling_wait_days_in_order",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["visit_type_code"], name="scheduling_who_waits", condition=Q(state=WaitState.WAITING.value)
            )
        ]

    def __str__(self) -> str:
        """The id only: the rest is a patient's."""
        return f"wait {self.pk}"

    @property
    def is_waiting(self) -> bool:
        """Whether a time is still wanted."""
        return self.state == WaitState.WAITING

    @property
    def urgency_now(self) -> Urgency:
        """The priority as a value of the rules."""
        return Urgency(self.urgency)

    @property
    def later_visit(self) -> Appointment | None:
        """The visit that would move forward, while it can still move."""
        return self.moves if self.moves is not None and self.moves.state in _MOVABLE else None

    def suits(self, *, kind: VisitType) -> Suits:
        """What suits this patient, for the current version of the visit type."""
        later = self.later_visit
        return Suits(
            weekdays=frozenset(self.weekdays),
            from_time=self.from_time,
            to_time=self.to_time,
            not_before=self.not_before,
            until=self.until,
            least_notice=max(timedelta(minutes=self.least_notice_minutes), kind.least_lead),
            earlier_than=later.start_at if later else None,
        )

    def takes(self, start_at: datetime, *, kind: VisitType, zone: ZoneInfo, now: datetime) -> bool:
        """Whether a start there would suit."""
        return unfit(self.suits(kind=kind), start=start_at, zone=zone, now=now) is None

    def fill(self, *, by: Appointment, by_name: str, now: datetime) -> None:
        """A time was found and taken."""
        self._end(WaitState.FILLED, by_name=by_name, now=now)
        self.filled_by = by

    def leave(self, *, reason: str, by_name: str, now: datetime) -> None:
        """No time is wanted any more."""
        self._end(WaitState.LEFT, by_name=by_name, now=now)
        self.end_reason = reason

    def _end(self, state: WaitState, *, by_name: str, now: datetime) -> None:
        self.state, self.ended_at, self.ended_by_name = state.value, now, by_name
        self.version += 1


class OpeningWhy(models.TextChoices):
    """How a time became free."""

    CANCELLED = "cancelled", _("A visit was cancelled")
    MOVED = "moved", _("A visit was moved")
    REOPENED = "reopened", _("Closed time was opened again")
    BY_HAND = "by_hand", _("Entered by hand")


class Opening(models.Model):
    """A stretch of time at a site that became free, in which those who wait may be seen.

    `appointment` is the visit whose time it was. `depth` counts how many earlier times had to be taken for this one
    to become free. Whoever answers an offer of it locks it first: so the first answer wins.
    """

    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    why = models.CharField(max_length=10, choices=OpeningWhy)
    appointment = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="opening"
    )
    depth = models.PositiveSmallIntegerField(default=1)
    found_at = models.DateTimeField()
    found_by_name = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="scheduling_opening_ends_after_start")
        ]
        indexes: ClassVar = [models.Index(fields=["site", "start_at"], name="scheduling_openings_at_site")]

    def __str__(self) -> str:
        """The id only."""
        return f"opening {self.pk}"

    @property
    def span(self) -> Span:
        """From start to end."""
        return Span(self.start_at, self.end_at)

    @property
    def local_start(self) -> datetime:
        """The start on the wall clock of the site."""
        return self.start_at.astimezone(self.site.zone)

    @property
    def local_end(self) -> datetime:
        """The end on the wall clock of the site."""
        return self.end_at.astimezone(self.site.zone)


class WaitlistOffer(models.Model):
    """One time offered to one patient who waits; kept whatever became of it.

    An exclusive one holds the time by the pending appointment `hold`; a broadcast one holds nothing and the first
    to accept gets it. It may be taken from `starts_at` until before `expires_at`.
    """

    entry = models.ForeignKey(WaitlistEntry, on_delete=models.PROTECT, related_name="offers")
    opening = models.ForeignKey(Opening, on_delete=models.PROTECT, related_name="offers")
    visit_type = models.ForeignKey(VisitType, on_delete=models.PROTECT, related_name="+", db_index=False)
    start_at = models.DateTimeField()
    mode = models.CharField(max_length=10, choices=[(one.value, one.value) for one in OfferMode])
    by = models.CharField(max_length=10, choices=[(one.value, one.value) for one in OfferBy])
    language = models.CharField(max_length=35, blank=True, default="")
    hold = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="held_for_offer"
    )
    state = models.CharField(max_length=10, default=OfferState.OFFERED.value)
    offered_at = models.DateTimeField()
    offered_by_name = models.CharField(max_length=200)
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by_name = models.CharField(max_length=200, blank=True, default="")
    answer_note = models.CharField(max_length=300, blank=True, default="")
    appointment = models.OneToOneField(
        Appointment, null=True, blank=True, on_delete=models.PROTECT, related_name="from_offer"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=[one.value for one in OfferState]), name="scheduling_offer_state"
            ),
            models.CheckConstraint(
                condition=Q(state=OfferState.OFFERED.value, answered_at__isnull=True)
                | (~Q(state=OfferState.OFFERED.value) & Q(answered_at__isnull=False)),
                name="scheduling_offer_answered_says_when",
            ),
            models.CheckConstraint(
                condition=Q(state=OfferState.ACCEPTED.value, appointment__isnull=False)
                | (~Q(state=OfferState.ACCEPTED.value) & Q(appointment__isnull=True)),
                name="scheduling_offer_accepted_has_its_visit",
            ),
            models.CheckConstraint(
                condition=Q(mode=OfferMode.EXCLUSIVE.value, hold__isnull=False)
                | Q(mode=OfferMode.BROADCAST.value, hold__isnull=True),
                name="scheduling_exclusive_offer_holds",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("starts_at")), name="scheduling_offer_runs"),
            models.UniqueConstraint(
                fields=["entry"], condition=Q(state=OfferState.OFFERED.value), name="scheduling_one_offer_at_a_time"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["entry", "-offered_at"], name="scheduling_offers_of_wait")]

    def __str__(self) -> str:
        """The id only."""
        return f"offer {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet and it has not ended otherwise."""
        return self.state == OfferState.OFFERED

    @property
    def local_start(self) -> datetime:
        """The start on the wall clock of the site."""
        return self.start_at.astimezone(self.opening.site.zone)

    def accept(self, *, appointment: Appointment, by_name: str, now: datetime) -> None:
        """The patient takes it."""
        self.end(OfferState.ACCEPTED, by_name=by_name, now=now)
        self.appointment = appointment

    def end(self, state: OfferState, *, by_name: str, now: datetime, note: str = "") -> None:
        """It can't be taken any more."""
        self.state, self.answered_at, self.answered_by_name, self.answer_note = state.value, now, by_name, note[:300]
