"""Sources, resources with their earlier versions, facts, and references that wait for their target."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q

from liaison.patients.models import Patient

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from liaison.core.actor import Actor


class Numeric(models.DecimalField):  # type: ignore[type-arg]  # generic in the stubs alone
    """A number with exactly the digits it came with: PostgreSQL's `numeric` without a scale that would pad it."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:  # noqa: ARG002  Django's signature
        """The column's type."""
        return "numeric"


class Source(models.Model):
    """Where resources came from: one file. A file with the same bytes is not read twice for one system.

    `system` names whose ids these are (one hospital, one vendor): the same id from two systems is two
    resources. `counts`, `rejects` and `notes` are what the import said, so that importing again says it again.
    """

    system = models.CharField(max_length=120, blank=True, default="")
    kind = models.CharField(max_length=20, default="file")
    name = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=200)
    counts: models.JSONField[Any, Any] = models.JSONField(default=dict)
    rejects: models.JSONField[Any, Any] = models.JSONField(default=list)
    notes: models.JSONField[Any, Any] = models.JSONField(default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["system", "sha256"], name="records_source_once"),
        ]

    def __str__(self) -> str:
        """The id only: a file's name may hold a patient's."""
        return f"source {self.pk}"


class ResourceQuerySet(models.QuerySet["Resource"]):
    """The words queries are written in."""

    def visible_to(self, actor: Actor, *, now: datetime) -> Self:
        """What this actor may see: resources of patients they may see. What has no patient is for no one's chart."""
        return self.filter(patient__in=Patient.objects.visible_to(actor, now=now))

    def on_timeline(self) -> Self:
        """What a timeline shows: dated, of a kind that people look for, not entered in error."""
        return self.filter(at__isnull=False).exclude(kind="").exclude(status="entered-in-error")


class Resource(models.Model):
    """One FHIR R4 resource, as received. `body` comes back equal, value for value, decimals included.

    `patient` is empty for what belongs to no patient (an organization) and for what names a patient that has
    not come. `kind`, `at`, `title`, `detail`, `status` are its headline, read from the body and rebuildable;
    `date_only` says that only the day was given (`at` is then noon UTC of that day). `digest` is the first half
    of the SHA-256 of the body without white space: a quick answer to "is this the same again?".
    """

    system = models.CharField(max_length=120, blank=True, default="")
    resource_type = models.CharField(max_length=60)
    fhir_id = models.CharField(max_length=64)
    full_url = models.TextField(blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    body: models.JSONField[Any, Any] = models.JSONField()
    digest = models.UUIDField()
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="resources")
    received_at = models.DateTimeField()
    patient = models.ForeignKey(
        "patients.Patient", null=True, blank=True, on_delete=models.PROTECT, related_name="resources", db_index=False
    )
    kind = models.CharField(max_length=20, blank=True, default="")
    at = models.DateTimeField(null=True, blank=True)
    date_only = models.BooleanField(default=False)
    title = models.CharField(max_length=200, blank=True, default="")
    detail = models.CharField(max_length=300, blank=True, default="")
    status = models.CharField(max_length=40, blank=True, default="")

    objects = ResourceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["system", "resource_type", "fhir_id"], name="records_resource_once"),
            models.CheckConstraint(name="records_resource_has_a_type", condition=~Q(resource_type="")),
        ]
        indexes: ClassVar = [
            models.Index(F("patient"), F("at").desc(), F("id").desc(), name="records_timeline"),
            models.Index(fields=["full_url"], name="records_by_full_url", condition=~Q(full_url="")),
            models.Index(
                F("patient"),
                F("resource_type"),
                F("at").desc(),
                name="records_who_pays",
                condition=Q(resource_type__in=["Coverage", "Claim"]),
            ),
        ]

    def __str__(self) -> str:
        """The type and our own id, never a patient."""
        return f"{self.resource_type} {self.pk}"


class EarlierVersion(models.Model):
    """A resource as it was before the same id came again with other content. Never changed, never deleted."""

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="earlier", db_index=False)
    version = models.PositiveIntegerField()
    body: models.JSONField[Any, Any] = models.JSONField()
    digest = models.UUIDField()
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", db_index=False)
    received_at = models.DateTimeField()
    replaced_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["resource", "version"], name="records_earlier_version_once"),
        ]

    def __str__(self) -> str:
        """The resource's id and the version."""
        return f"version {self.version} of resource {self.resource_id}"


class Fact(models.Model):
    """One narrow row read from a resource (`rules/facts.py` says what each kind holds). Rebuildable."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="facts", db_index=False)
    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="facts")
    kind = models.CharField(max_length=20)
    status = models.CharField(max_length=40, blank=True, default="")
    code_system = models.TextField(blank=True, default="")
    code = models.TextField(blank=True, default="")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    value_number = Numeric(max_digits=1000, decimal_places=500, null=True, blank=True)
    value_text = models.TextField(blank=True, default="")
    unit = models.CharField(max_length=60, blank=True, default="")
    first = models.BooleanField(default=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["kind", "code", "patient", "starts_at"], name="records_fact_by_code"),
            models.Index(fields=["patient", "kind", "code", "starts_at"], name="records_fact_by_patient"),
            models.Index(fields=["ends_at"], name="records_encounter_by_end", condition=Q(kind="encounter")),
        ]

    def __str__(self) -> str:
        """The kind and our own id, never a patient."""
        return f"{self.kind} fact {self.pk}"


class ResourceIdentifier(models.Model):
    """A business identifier by which conditional references find this resource."""

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="identifiers")
    resource_type = models.CharField(max_length=60)
    system = models.TextField(blank=True, default="")
    value = models.TextField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["value", "resource_type"], name="records_by_identifier"),
        ]

    def __str__(self) -> str:
        """Our own id: an identifier may be a patient's."""
        return f"identifier {self.pk}"


class PendingReference(models.Model):
    """A reference to something that has not come. Goes away when its target does.

    `by`, `target_type`, `target_system` and `key` are the reference read (`rules.references.Pointer`);
    `patient_rank` is set on references that name the resource's patient: the lowest one that resolves to a
    patient wins.
    """

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="pending")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="pending")
    path = models.TextField()
    reference = models.TextField()
    by = models.CharField(max_length=12)
    target_type = models.CharField(max_length=60, blank=True, default="")
    target_system = models.TextField(blank=True, default="")
    key = models.TextField(blank=True, default="")
    patient_rank = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["key"], name="records_pending_by_key")]

    def __str__(self) -> str:
        """Our own id."""
        return f"pending reference {self.pk}"


class Reading(models.Model):
    """Which version of the readers every kept resource was last read with; the newest row counts."""

    readers_version = models.PositiveIntegerField()
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        """The version."""
        return f"read by version {self.readers_version}"
