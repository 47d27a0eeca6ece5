"""Promises that wait for somebody who could own them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q

from liaison.loops.models.ledger import Loop, Priority

WAITING = Q(ended_at__isnull=True)
"""Still without an owner: a condition that an index and a constraint share with the queries."""


class WaitingPromiseQuerySet(models.QuerySet["WaitingPromise"]):
    """The words queries are written in."""

    def waiting(self) -> Self:
        """Those that nobody owns yet."""
        return self.filter(WAITING)

    def failed(self) -> Self:
        """Those that wait because opening them failed, not for want of an owner."""
        return self.filter(WAITING, failed_at__isnull=False)


class WaitingPromise(models.Model):
    """A promise that nobody could own when it was due to be made; it becomes a loop once somebody can.

    `site` is where it happens, None for the patient's own. `clocks` are the deadlines as they were worked out then
    (`loops.ports.ClockToStart`): waiting makes nothing due later. It ends as a loop, or with the reason why nobody
    needs it any more. One that could not be opened although somebody could own it says since when and why (a code or
    the name of the error, never what was in it); it is tried again.
    """

    kind = models.CharField(max_length=60)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("accounts.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=300)
    about_type = models.CharField(max_length=60, blank=True, default="")
    about_id = models.BigIntegerField(null=True, blank=True)
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.ROUTINE)
    once_key = models.CharField(max_length=200)
    clocks = models.JSONField()
    since = models.DateTimeField()
    loop = models.ForeignKey(Loop, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=300, blank=True, default="")
    failed_at = models.DateTimeField(null=True, blank=True)
    failed_why = models.CharField(max_length=100, blank=True, default="")

    objects = WaitingPromiseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["once_key"], condition=WAITING, name="loops_promise_waits_once"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_why="", loop__isnull=True)
                | (Q(ended_at__isnull=False) & ~Q(ended_why="")),
                name="loops_promise_ended_says_why",
            ),
            models.CheckConstraint(
                condition=Q(failed_at__isnull=True, failed_why="") | (Q(failed_at__isnull=False) & ~Q(failed_why="")),
                name="loops_promise_failed_says_why",
            ),
        ]

    def __str__(self) -> str:
        """The kind and the id, never a patient."""
        return f"{self.kind} that waits, {self.pk}"

    def end(self, *, why: str, now: datetime, loop: Loop | None = None) -> None:
        """It waits no longer: somebody owns it now, as this loop, or nobody needs it."""
        self.ended_at, self.ended_why, self.loop = now, why[:300], loop
        self.failed_at, self.failed_why = None, ""

    def fail(self, *, why: str, now: datetime) -> None:
        """Opening it failed, for the same reason since `now` or earlier."""
        if self.failed_why != why[:100]:
            self.failed_at, self.failed_why = now, why[:100]
