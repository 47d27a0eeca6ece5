"""Who may speak for a patient, who looks after them, and what must be seen first."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy as _

from liaison.patients.models.person import Patient, PatientSite

M = TypeVar("M", bound=models.Model)


class ProxyKind(models.TextChoices):
    """By what right someone speaks for a patient (45 CFR 164.502(g); DOMAIN 6.3)."""

    PARENT = "parent", _("Parent of a minor")
    GUARDIAN = "guardian", _("Guardian")
    HEALTH_CARE_PROXY = "health_care_proxy", _("Health-care proxy or power of attorney")
    CONSENT = "consent", _("By the patient's consent")
    EXECUTOR = "executor", _("Executor of the estate")


class DatedQuerySet(models.QuerySet[M]):
    """The vocabulary of rows with `starts_on` and `ends_on` (half-open: not on the end date itself)."""

    def on(self, day: date) -> Self:
        """Those that hold on that day."""
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day), starts_on__lte=day)


class Proxy(models.Model):
    """Someone who may speak for a patient, about what (`scope`, codes of `rules.Scope`) and for how long."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="proxies")
    name = models.CharField(max_length=160)
    relationship = models.CharField(max_length=60)
    kind = models.CharField(max_length=20, choices=ProxyKind.choices)
    scope = ArrayField(models.CharField(max_length=20))
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=35, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    evidence = models.CharField(max_length=200)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    objects = DatedQuerySet["Proxy"].as_manager()

    class Meta:
        ordering = ("pk",)
        verbose_name_plural = "proxies"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="patients_proxy_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True) | Q(verified_at__isnull=False),
                name="patients_proxy_verified_together",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="")
                | (Q(ended_at__isnull=False, ends_on__isnull=False) & ~Q(end_reason="")),
                name="patients_proxy_ended_together",
            ),
            models.CheckConstraint(condition=Q(scope__len__gt=0), name="patients_proxy_has_a_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.relationship})"

    def end(self, *, reason: str, on: date, now: datetime) -> None:
        """They no longer speak for the patient, from `on`."""
        self.ends_on = max(on, self.starts_on)
        self.ended_at = now
        self.end_reason = reason


class CareRole(models.TextChoices):
    """What someone on the care team is to the patient."""

    PRIMARY_CARE = "primary_care", _("Primary care")
    COORDINATOR = "coordinator", _("Care coordinator")
    SPECIALIST = "specialist", _("Specialist")
    NURSE = "nurse", _("Nurse")
    SOCIAL_WORKER = "social_worker", _("Social worker")
    PHARMACIST = "pharmacist", _("Pharmacist")
    OTHER = "other", _("Other")


class CareTeamQuerySet(DatedQuerySet["CareTeamMember"]):
    """The vocabulary of places on care teams."""

    def current(self, *, now: datetime) -> Self:
        """Those that hold on the date that it is at `now` where each patient is at home (in UTC without a site)."""
        homes = PatientSite.objects.filter(patient=OuterRef("patient")).order_by("-is_home", "pk")
        zone = Coalesce(Subquery(homes.values("site__time_zone")[:1]), Value("UTC"))
        wall_clock = Func(zone, Value(now), function="timezone", output_field=models.DateTimeField())
        today = Cast(wall_clock, models.DateField())
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=today), starts_on__lte=today)


class CareTeamMember(models.Model):
    """One clinician of the directory, or one person who signs in, on a patient's care team."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="care_team")
    practitioner = models.ForeignKey(
        "directory.Practitioner", null=True, blank=True, on_delete=models.PROTECT, related_name="care_teams"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="care_teams"
    )
    role = models.CharField(max_length=20, choices=CareRole.choices)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)

    objects = CareTeamQuerySet.as_manager()

    class Meta:
        ordering = ("role", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(practitioner__isnull=True, user__isnull=False)
                | Q(practitioner__isnull=False, user__isnull=True),
                name="patients_careteam_one_person",
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="patients_careteam_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=["patient", "practitioner", "user", "role"],
                condition=Q(ends_on__isnull=True),
                name="patients_careteam_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return str(self.practitioner or self.user)

    def leave(self, *, on: date) -> None:
        """They no longer look after the patient, from `on`."""
        self.ends_on = max(on, self.starts_on)


class AlertKind(models.TextChoices):
    """What an alert is about."""

    SAFETY = "safety", _("Safety")
    CLINICAL = "clinical", _("Clinical")
    COMMUNICATION = "communication", _("Communication")
    PRIVACY = "privacy", _("Privacy")
    ADMINISTRATIVE = "administrative", _("Administrative")


class Alert(models.Model):
    """What whoever opens the chart must see first."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=16, choices=AlertKind.choices)
    text = models.CharField(max_length=300)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="") | (Q(ended_at__isnull=False) & ~Q(end_reason="")),
                name="patients_alert_ended_together",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="patients_alert_says_something"),
        ]

    def __str__(self) -> str:
        return self.text

    def end(self, *, reason: str, now: datetime) -> None:
        """It holds no longer."""
        self.ended_at = now
        self.end_reason = reason
