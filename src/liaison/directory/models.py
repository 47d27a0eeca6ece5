"""Practitioners, organizations and the specialties they offer."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from liaison.directory.rules import Sketch

M = TypeVar("M", bound=models.Model)


class Specialty(models.Model):
    """What a clinician is specialised in. `code` is our own word ("cardiology"); it never changes."""

    code = models.CharField(max_length=40, primary_key=True)
    name = models.CharField(max_length=80, unique=True)
    taxonomy = models.CharField(max_length=10, blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "specialties"

    def __str__(self) -> str:
        return self.name


class OrganizationKind(models.TextChoices):
    """What kind of place an organization is."""

    CLINIC = "clinic", _("Clinic")
    HOSPITAL = "hospital", _("Hospital")
    PAYER = "payer", _("Payer")
    COMMUNITY = "community", _("Community service")


class DirectoryQuerySet(models.QuerySet[M]):
    """The vocabulary of reading the directory."""

    def active(self) -> Self:
        """Those that still exist and may be chosen."""
        return self.filter(retired_at__isnull=True)

    def retired(self) -> Self:
        """Those that are no longer offered."""
        return self.filter(retired_at__isnull=False)


class DirectoryEntry(models.Model):
    """What an entry is, of a clinician or of a place. `form_key` is that of the form by which a person added it."""

    retired_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    form_key = models.CharField(max_length=80, null=True, blank=True, unique=True, editable=False)

    class Meta:
        abstract = True

    def retire(self, *, now: datetime) -> None:
        """It is no longer offered; what refers to it stays."""
        self.retired_at = now

    def offer_again(self) -> None:
        """It is offered as before."""
        self.retired_at = None


class Organization(DirectoryEntry):
    """A place outside our own sites."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=OrganizationKind.choices)
    npi = models.CharField(max_length=10, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    fax = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    address = models.TextField(blank=True)
    takes_referrals = models.BooleanField(default=True)
    note = models.TextField(blank=True)
    specialties = models.ManyToManyField(Specialty, blank=True, related_name="organizations")

    objects = DirectoryQuerySet["Organization"].as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in OrganizationKind]),
                name="directory_organization_known_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def site_id(self) -> None:
        """None: it belongs to no site of ours, so to all of them."""

    @property
    def offers(self) -> frozenset[str]:
        """The codes of what it is specialised in."""
        return frozenset(specialty.code for specialty in self.specialties.all())

    @property
    def sketch(self) -> Sketch:
        """What is compared with other entries."""
        return Sketch(name=self.name, npi=self.npi, specialties=self.offers, phone=self.phone)


class Practitioner(DirectoryEntry):
    """One clinician: of ours (`site`, maybe `user`) or of another `organization`."""

    name = models.CharField(max_length=160)
    npi = models.CharField(max_length=10, blank=True)
    specialty = models.ForeignKey(
        Specialty, null=True, blank=True, on_delete=models.PROTECT, related_name="practitioners"
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="practitioner"
    )
    site = models.ForeignKey(
        "accounts.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="practitioners"
    )
    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="practitioners"
    )
    phone = models.CharField(max_length=40, blank=True)
    fax = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    languages = models.CharField(max_length=120, blank=True)
    takes_referrals = models.BooleanField(default=True)

    objects = DirectoryQuerySet["Practitioner"].as_manager()

    class Meta:
        ordering = ("name", "pk")
        indexes: ClassVar = [models.Index(fields=["npi"], name="directory_practitioner_npi", condition=~Q(npi=""))]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(site__isnull=True) | Q(organization__isnull=True),
                name="directory_practitioner_one_place",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def where(self) -> str:
        """The name of the place they work at, or nothing."""
        place = self.site or self.organization
        return place.name if place else ""

    @property
    def sketch(self) -> Sketch:
        """What is compared with other entries."""
        offered = frozenset([self.specialty_id] if self.specialty_id else [])
        return Sketch(name=self.name, npi=self.npi, specialties=offered, phone=self.phone)


class PractitionerIdentifier(models.Model):
    """What another system calls a practitioner: always the pair (system, value)."""

    practitioner = models.ForeignKey(Practitioner, on_delete=models.CASCADE, related_name="identifiers")
    system = models.TextField()
    value = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["system", "value"], name="directory_practitioner_identifier_once")
        ]

    def __str__(self) -> str:
        return f"{self.system}|{self.value}"


class OrganizationIdentifier(models.Model):
    """What another system calls an organization: always the pair (system, value)."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="identifiers")
    system = models.TextField()
    value = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["system", "value"], name="directory_organization_identifier_once")
        ]

    def __str__(self) -> str:
        return f"{self.system}|{self.value}"
