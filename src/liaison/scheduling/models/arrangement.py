"""What can be booked: visit types, resources, their working hours, closures."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site
from liaison.scheduling.rules import Hours, Span


class Modality(models.TextChoices):
    """How patient and clinician meet."""

    IN_PERSON = "in_person", _("In person")
    VIDEO = "video", _("By video")
    PHONE = "phone", _("By phone")


class ResourceKind(models.TextChoices):
    """What a resource is."""

    PERSON = "person", _("Person")
    ROOM = "room", _("Room")
    DEVICE = "device", _("Device")


class VisitType(models.Model):
    """One version of a kind of visit (DOMAIN 1.5). Editing makes a new version; bookings keep theirs.

    Minutes are whole; `step_minutes` is the grid of the wall clock on which visits start. `patient_name` is what
    the patient reads and says nothing clinical. A patient is late `late_after_minutes` after the start; one who has not
    come `no_show_after_minutes` after the end is missed by itself, never when that is empty (DOMAIN 1.7).
    """

    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    name = models.CharField(max_length=120)
    modality = models.CharField(max_length=10, choices=Modality, default=Modality.IN_PERSON)
    duration_minutes = models.PositiveSmallIntegerField()
    before_minutes = models.PositiveSmallIntegerField(default=0)
    after_minutes = models.PositiveSmallIntegerField(default=0)
    step_minutes = models.PositiveSmallIntegerField(default=15)
    least_lead_minutes = models.PositiveIntegerField(default=0)
    most_lead_days = models.PositiveSmallIntegerField(null=True, blank=True)
    cancellation_hours = models.PositiveSmallIntegerField(default=24)
    late_after_minutes = models.PositiveSmallIntegerField(default=15)
    no_show_after_minutes = models.PositiveSmallIntegerField(null=True, blank=True, default=0)
    referral_needed = models.BooleanField(default=False)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "-version")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["code", "version"], name="scheduling_visit_type_version_once"),
            models.UniqueConstraint(
                fields=["code"], condition=Q(is_current=True), name="scheduling_visit_type_one_current"
            ),
            models.CheckConstraint(condition=Q(duration_minutes__gte=1), name="scheduling_visit_type_lasts"),
            models.CheckConstraint(
                condition=Q(step_minutes__in=[5, 10, 15, 20, 30, 60]), name="scheduling_visit_type_step"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def duration(self) -> timedelta:
        """How long the visit lasts for the patient."""
        return timedelta(minutes=self.duration_minutes)

    @property
    def before(self) -> timedelta:
        """How much earlier the resources are needed."""
        return timedelta(minutes=self.before_minutes)

    @property
    def after(self) -> timedelta:
        """How much longer the resources are needed."""
        return timedelta(minutes=self.after_minutes)

    @property
    def least_lead(self) -> timedelta:
        """How long before the start it must be booked."""
        return timedelta(minutes=self.least_lead_minutes)

    @property
    def most_lead(self) -> timedelta | None:
        """How long before the start it may be booked, or None for no limit."""
        return None if self.most_lead_days is None else timedelta(days=self.most_lead_days)

    @property
    def cancellation(self) -> timedelta:
        """How long before the start a cancellation counts as late."""
        return timedelta(hours=self.cancellation_hours)

    @property
    def late_after(self) -> timedelta:
        """How long after the start a patient counts as late."""
        return timedelta(minutes=self.late_after_minutes)

    @property
    def no_show_after(self) -> timedelta | None:
        """How long after the end nobody came, or None when a person says so."""
        return None if self.no_show_after_minutes is None else timedelta(minutes=self.no_show_after_minutes)

    def claim(self, start_at: datetime, *, lasting: timedelta | None = None) -> Span:
        """The time of each resource that a visit at `start_at` takes; `lasting` where it is not as long as its kind."""
        return Span(start_at - self.before, start_at + (lasting or self.duration) + self.after)


class VisitNeed(models.Model):
    """One role of a visit type: `quantity` resources that have this ability, free together with the others."""

    visit_type = models.ForeignKey(VisitType, on_delete=models.CASCADE, related_name="needs")
    position = models.PositiveSmallIntegerField(default=0)
    role = models.CharField(max_length=40)
    ability = models.CharField(max_length=40)
    quantity = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ("position", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["visit_type", "role"], name="scheduling_need_role_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="scheduling_need_quantity"),
        ]

    def __str__(self) -> str:
        return f"{self.role}: {self.ability}"


class ResourceQuerySet(models.QuerySet["Resource"]):
    """The vocabulary of reading resources."""

    def in_service(self) -> Self:
        """Those whose time can be given away."""
        return self.filter(retired_at__isnull=True)

    def able_to(self, ability: str) -> Self:
        """Those with this ability."""
        return self.filter(abilities__contains=[ability])

    def working_at(self, site_id: int) -> Self:
        """Those with working hours at this site."""
        return self.working_at_any([site_id])

    def working_at_any(self, site_ids: Collection[int]) -> Self:
        """Those with working hours at one of these sites."""
        return self.filter(pk__in=WorkingHours.objects.filter(site_id__in=site_ids).values("resource_id"))


class Resource(models.Model):
    """A person, room or device whose time can be given away. `abilities` are what visit types ask for.

    `version` counts what was changed of it and of its hours, so that nobody writes over what they never saw.
    """

    kind = models.CharField(max_length=10, choices=ResourceKind)
    name = models.CharField(max_length=120)
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="resources")
    practitioner = models.OneToOneField(
        "directory.Practitioner", null=True, blank=True, on_delete=models.PROTECT, related_name="resource"
    )
    abilities = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(practitioner__isnull=True) | Q(kind=ResourceKind.PERSON),
                name="scheduling_only_people_are_practitioners",
            ),
            models.CheckConstraint(condition=Q(kind__in=ResourceKind.values), name="scheduling_resource_kind"),
            models.UniqueConstraint(
                "site",
                Lower("name"),
                condition=~Q(kind=ResourceKind.PERSON) & Q(retired_at__isnull=True),  # two people may have one name
                name="scheduling_resource_name_once",
            ),
        ]
        indexes: ClassVar = [GinIndex(fields=["abilities"], name="scheduling_resource_abilities")]

    def __str__(self) -> str:
        return self.name

    def retire(self, *, now: datetime) -> None:
        """Its time can be given away no longer; what was given stays."""
        self.retired_at = now

    def return_to_service(self) -> None:
        """Its time can be given away again."""
        self.retired_at = None


class WorkingHours(models.Model):
    """Weekly hours of a resource at a site, on the site's wall clock. Monday is 0; `valid_to` is left out.

    `closes` at or before `opens` means on the next day.
    """

    resource = models.ForeignKey(Resource, on_delete=models.CASCADE, related_name="hours")
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="+")
    weekday = models.PositiveSmallIntegerField()
    opens = models.TimeField()
    closes = models.TimeField()
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("weekday", "opens")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="scheduling_hours_weekday"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="scheduling_hours_valid_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weekday} {self.opens}-{self.closes}"

    def as_rule(self) -> Hours:
        """The value that the rules work with."""
        return Hours(
            weekday=self.weekday,
            opens=self.opens,
            closes=self.closes,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class Closure(models.Model):
    """Time that is taken out of working hours: leave or downtime of one resource, or a whole site closed."""

    resource = models.ForeignKey(Resource, null=True, blank=True, on_delete=models.CASCADE, related_name="closures")
    site = models.ForeignKey("accounts.Site", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    during = DateTimeRangeField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("during",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(resource__isnull=True, site__isnull=False) | Q(resource__isnull=False, site__isnull=True),
                name="scheduling_closure_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(during__isempty=False), name="scheduling_closure_not_empty"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["site"], name="scheduling_closure_by_site", condition=Q(resource=None))
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def of(self) -> Resource | Site:
        """The resource or site that is closed."""
        closed = self.resource or self.site
        if closed is None:
            raise AssertionError("A closure closes one thing: the database sees to it.")
        return closed

    @property
    def of_what(self) -> str:
        """The name of the resource or site that is closed."""
        return str(self.of)

    @property
    def place_id(self) -> int | None:
        """The id of the site that is closed, or of the home of the resource that is."""
        return self.resource.site_id if self.resource is not None else self.site_id

    @property
    def time_zone(self) -> str:
        """The zone of the place that is closed."""
        site = self.site or (self.resource.site if self.resource else None)
        return site.time_zone if site else "UTC"
