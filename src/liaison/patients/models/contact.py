"""The ways to reach a patient, and what they allow on each."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from liaison.patients.models.person import Patient


class ContactKind(models.TextChoices):
    """What kind of line this is."""

    PHONE = "phone", _("Phone")
    EMAIL = "email", _("E-mail")
    ADDRESS = "address", _("Address")
    FAX = "fax", _("Fax")


class ContactUse(models.TextChoices):
    """Where it reaches them."""

    HOME = "home", _("Home")
    MOBILE = "mobile", _("Mobile")
    WORK = "work", _("Work")
    TEMPORARY = "temporary", _("For now")


class ContactPointQuerySet(models.QuerySet["ContactPoint"]):
    """The vocabulary of reading contact points."""

    def current(self) -> Self:
        """Those in use: neither retired nor known to be wrong."""
        return self.filter(retired_at__isnull=True, bad_since__isnull=True)


class ContactPoint(models.Model):
    """One way to reach a patient.

    `value` is as the patient gave it; `value_key` is what is compared and dialled: E.164 for phones, lower case
    for e-mail, folded for addresses. `confidential` means: only here, and never say why (45 CFR 164.522(b)).
    A wrong or bouncing one keeps its row, with `bad_since`.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="contact_points")
    kind = models.CharField(max_length=8, choices=ContactKind.choices)
    use = models.CharField(max_length=10, choices=ContactUse.choices, default=ContactUse.HOME)
    value = models.TextField()
    value_key = models.TextField()
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=40, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, blank=True)
    preferred = models.BooleanField(default=False)
    confidential = models.BooleanField(default=False)
    may_call = models.BooleanField(default=True)
    may_leave_message = models.BooleanField(default=False)
    may_text = models.BooleanField(default=False)
    may_email = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True)
    added_at = models.DateTimeField()
    bad_since = models.DateTimeField(null=True, blank=True)
    bad_reason = models.CharField(max_length=120, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = ContactPointQuerySet.as_manager()

    class Meta:
        ordering = ("-preferred", "kind", "pk")
        indexes: ClassVar = [
            models.Index(fields=["value_key"], name="patients_contact_value"),
            GinIndex(
                OpClass(F("value_key"), name="gin_trgm_ops"),
                condition=Q(kind="phone"),
                name="patients_contact_part",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in ContactKind]),
                name="patients_contact_known_kind",
            ),
            models.CheckConstraint(
                condition=Q(may_text=False) | Q(kind=ContactKind.PHONE.value),
                name="patients_contact_text_to_phone",
            ),
            models.CheckConstraint(
                condition=Q(may_email=False) | Q(kind=ContactKind.EMAIL.value),
                name="patients_contact_mail_to_email",
            ),
            models.CheckConstraint(
                condition=Q(bad_since__isnull=False) | Q(bad_reason=""),
                name="patients_contact_bad_together",
            ),
            models.UniqueConstraint(
                fields=["patient", "kind"],
                condition=Q(preferred=True, retired_at__isnull=True),
                name="patients_contact_one_preferred",
            ),
        ]

    def __str__(self) -> str:
        return self.value

    @property
    def usable(self) -> bool:
        """Neither retired nor known to be wrong."""
        return self.retired_at is None and self.bad_since is None

    @property
    def mark(self) -> str:
        """Another one whenever somebody has changed this row: what a form gives back to say which one it showed."""
        columns = [str(getattr(self, field.attname)) for field in self._meta.concrete_fields]
        return hashlib.sha256("\0".join(columns).encode()).hexdigest()[:16]

    def retire(self, *, now: datetime) -> None:
        """They are no longer reached here."""
        self.retired_at = now
        self.preferred = False

    def mark_bad(self, *, reason: str, now: datetime) -> None:
        """It does not reach them: a wrong number, a mailbox that bounces."""
        self.bad_since = now
        self.bad_reason = reason

    def mark_good(self) -> None:
        """It reaches them after all."""
        self.bad_since = None
        self.bad_reason = ""
