"""The patient, what they are called, what systems call them, and where they are a patient."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery, Value
from django.utils.translation import gettext_lazy as _

from liaison.accounts.access import DESK_ROLES
from liaison.core.actor import Actor
from liaison.core.names_in_words import among_words
from liaison.core.remembering import remembered
from liaison.core.verbs import Verb
from liaison.patients import rules

if TYPE_CHECKING:
    from liaison.accounts.models import Site

MOST_KEYS: Final = 400
"""More search keys than any person's names give: a bound for hostile input."""


class Sex(models.TextChoices):
    """Administrative sex, as FHIR and X12 exchange it."""

    FEMALE = "female", _("Female")
    MALE = "male", _("Male")
    OTHER = "other", _("Other")
    UNKNOWN = "unknown", _("Not known")


class PatientQuerySet(models.QuerySet["Patient"]):
    """The vocabulary of reading patients."""

    def current(self) -> Self:
        """Without those that were merged into another."""
        return self.filter(merged_into__isnull=True)

    def visible_to(self, actor: Actor, verb: Verb | None = None, *, now: datetime) -> Self:
        """The patients on whom `actor` may use `verb`; without a verb, those they may see at all.

        Three ways lead to a patient, and each needs a role that carries the verb: a site of the patient where
        that role is held, a place on the patient's care team, or, for verbs that emergency access opens, a grant
        that is live at `now` (a grant ends while a page is open, so this can't wait for a job).
        """
        return self._seen_by(actor, verb, now=now, found=Exists)

    def visible_one_by_one(self, actor: Actor, verb: Verb | None = None, *, now: datetime) -> Self:
        """The same patients, asked row by row: for a query that stops at its first few rows.

        PostgreSQL would otherwise gather every patient of the actor's sites before it looks at the first one,
        because it does not count the limit when it chooses how to ask.
        """
        return self._seen_by(actor, verb, now=now, found=_row_by_row)

    def _seen_by(
        self, actor: Actor, verb: Verb | None, *, now: datetime, found: Callable[[models.QuerySet[Any]], Any]
    ) -> Self:
        sites = _sites_for(actor, verb)
        if sites is None:
            return self
        if not sites:
            return self.none()
        ways = Q(found(PatientSite.objects.filter(patient=OuterRef("pk"), site__in=sites)))
        if actor.user_id is not None:
            ways |= Q(found(_cared_for(actor.user_id, at=now)))
            if verb is None or verb.by_glass:
                ways |= Q(found(_glass_broken(actor.user_id, at=now)))
        return self.filter(ways)

    def with_survivor(self) -> Self:
        """Fetch the survivor along, so that a merged patient resolves without another query."""
        return self.select_related("merged_into")


def _sites_for(actor: Actor, verb: Verb | None) -> frozenset[int] | None:
    if actor.is_system:
        return None
    if verb is not None:
        return actor.sites_for(verb)
    meeting = frozenset(site for role, site in actor.assignments if role in DESK_ROLES)
    return None if None in meeting else frozenset(site for site in meeting if site is not None)


def _row_by_row(rows: models.QuerySet[Any]) -> Subquery:
    return Subquery(rows.order_by().values(found=Value(value=True))[:1], output_field=models.BooleanField())


def _cared_for(user_id: int, *, at: datetime) -> models.QuerySet[Any]:
    from liaison.patients.models.care import CareTeamMember  # care refers to Patient

    mine = Q(user_id=user_id) | Q(practitioner__user_id=user_id)
    return CareTeamMember.objects.current(now=at).filter(mine, patient=OuterRef("pk"))


def _glass_broken(user_id: int, *, at: datetime) -> models.QuerySet[Any]:
    from liaison.patients.models.access_grants import BreakGlassGrant  # grants refer to Patient

    return BreakGlassGrant.objects.live(now=at).filter(user_id=user_id, patient=OuterRef("pk"))


class Patient(models.Model):
    """One person. `version` counts changes, so that a stale form is refused.

    `search_text` (every name folded to ASCII, in both orders) and `search_keys` (what finds a name typed with a
    slip) are computed by `refresh_search` whenever an action changes a name; nothing else writes them.
    """

    family = models.CharField(max_length=200, blank=True)
    given = models.CharField(max_length=200, blank=True)
    called_as = models.CharField(max_length=200, blank=True)
    pronouns = models.CharField(max_length=40, blank=True)
    birth_on = models.DateField(null=True, blank=True)
    sex = models.CharField(max_length=8, choices=Sex.choices, default=Sex.UNKNOWN)
    is_deceased = models.BooleanField(default=False)
    deceased_on = models.DateField(null=True, blank=True)

    spoken_language = models.CharField(max_length=35, blank=True)
    written_language = models.CharField(max_length=35, blank=True)
    interpreter_needed = models.BooleanField(default=False)
    mobility_needs = models.CharField(max_length=200, blank=True)
    best_time = models.CharField(max_length=120, blank=True)

    search_text = models.TextField(blank=True, editable=False)
    search_keys = ArrayField(models.TextField(), default=list, blank=True, editable=False)
    registered_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="merged_patients"
    )
    merged_at = models.DateTimeField(null=True, blank=True)

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ("family", "given", "pk")
        indexes: ClassVar = [
            GinIndex(OpClass(F("search_text"), name="gin_trgm_ops"), name="patients_patient_search"),
            GinIndex(fields=["search_keys"], name="patients_patient_slips"),
            models.Index(fields=["birth_on"], name="patients_patient_birth"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True, merged_at__isnull=True)
                | Q(merged_into__isnull=False, merged_at__isnull=False),
                name="patients_patient_merged_together",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("pk")),
                name="patients_patient_not_into_self",
            ),
            models.CheckConstraint(
                condition=Q(deceased_on__isnull=True) | Q(is_deceased=True),
                name="patients_patient_deceased_together",
            ),
            models.CheckConstraint(
                condition=Q(sex__in=[sex.value for sex in Sex]),
                name="patients_patient_known_sex",
            ),
            models.CheckConstraint(
                condition=~Q(family="") | ~Q(given=""),
                name="patients_patient_has_a_name",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """Given and family name, as spoken."""
        return f"{self.given} {self.family}".strip()

    @property
    def listed_name(self) -> str:
        """Family name first, as in a list."""
        return ", ".join(part for part in (self.family, self.given) if part)

    @property
    def goes_by(self) -> str:
        """The name they like to be called by, or the given one, as it may stand in a sentence."""
        return among_words(self.called_as or self.given or self.family)

    @property
    def survivor(self) -> Patient:
        """The patient that this one is now: itself, or what it was merged into (chains included)."""
        patient, passed = self, {self.pk}
        while patient.merged_into is not None and patient.merged_into.pk not in passed:
            patient = patient.merged_into
            passed.add(patient.pk)
        return patient

    def reachable_by(self, actor: Actor, verb: Verb | None = None, *, now: datetime) -> bool:
        """Whether `actor` may use `verb` on them; without a verb, whether they may see them."""
        sites = _sites_for(actor, verb)
        if sites is None:
            return True
        by_glass = verb is None or verb.by_glass
        return remembered(
            ("patients.reachable", self.pk, actor.user_id, sites, by_glass),
            # Nearly always a site of theirs is the way; asking for that one alone takes a third of the time.
            lambda: (
                self.sites.filter(site__in=sites).exists()
                or Patient.objects.filter(pk=self.pk).visible_to(actor, verb, now=now).exists()
            ),
        )

    def home_site(self) -> Site | None:
        """Their home site, else the first one they are a patient at; None for who belongs to no site yet."""
        link = self.sites.select_related("site").order_by("-is_home", "pk").first()
        return link.site if link is not None else None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone where they are at home; UTC for who belongs to no site yet."""
        home = self.home_site()
        return home.zone if home is not None else ZoneInfo("UTC")

    def day_at(self, now: datetime) -> date:
        """The date that it is at `now` where they are at home."""
        return now.astimezone(self.zone).date()

    def touch(self, *, now: datetime) -> None:
        """Count one change."""
        self.version += 1
        self.changed_at = now

    def die(self, *, on: date | None) -> None:
        """They died, on that date if it is known."""
        self.is_deceased = True
        self.deceased_on = on

    def merge_into(self, survivor: Patient, *, now: datetime) -> None:
        """From now on this registration stands for `survivor`."""
        self.merged_into = survivor
        self.merged_at = now

    def unmerge(self) -> None:
        """This registration stands for itself again."""
        self.merged_into = None
        self.merged_at = None

    def refresh_search(self, others: Iterable[tuple[str, str]] = ()) -> None:
        """Compute what the search looks at from the name, the called name and `others` as (given, family)."""
        called = [(self.called_as, self.family)] if self.called_as else []
        self.search_text = rules.search_text([(self.given, self.family), *called, *others])
        words = set(self.search_text.split())
        self.search_keys = sorted({key for word in words for key in rules.slip_keys(word)})[:MOST_KEYS]


class PatientSite(models.Model):
    """A site at which someone is a patient; one of them may be their home."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="sites")
    site = models.ForeignKey("accounts.Site", on_delete=models.PROTECT, related_name="patient_sites")
    is_home = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["patient", "site"], name="patients_patientsite_once"),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(is_home=True), name="patients_patientsite_one_home"
            ),
        ]

    def __str__(self) -> str:
        return f"patient {self.patient_id} at site {self.site_id}"


class IdentifierKind(models.TextChoices):
    """What an identifier is for (HL7 table 0203 codes in lower-case words)."""

    MRN = "mrn", _("Medical record number")
    SSN = "ssn", _("Social security number")
    LICENSE = "license", _("Driver's license")
    PASSPORT = "passport", _("Passport")
    MEMBER = "member", _("Insurance member number")
    OTHER = "other", _("Other")


class Identifier(models.Model):
    """What one system calls one patient. `value_key` is the value as compared: no spaces or dashes, upper case."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="identifiers")
    system = models.TextField()
    value = models.TextField()
    value_key = models.TextField(db_index=True)
    kind = models.CharField(max_length=10, choices=IdentifierKind.choices, default=IdentifierKind.OTHER)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("kind", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["system", "value"], name="patients_identifier_once"),
            models.CheckConstraint(condition=~Q(system="") & ~Q(value=""), name="patients_identifier_whole_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.system}|{self.value}"


class NameKind(models.TextChoices):
    """Why someone has another name."""

    FORMER = "former", _("Former name")
    ALIAS = "alias", _("Also known as")
    MAIDEN = "maiden", _("Name at birth")
    LOCAL = "local", _("Name in its own script")


class Name(models.Model):
    """Another name of a patient (the current one stands on the patient); the search finds it too."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="names")
    kind = models.CharField(max_length=10, choices=NameKind.choices, default=NameKind.ALIAS)
    family = models.CharField(max_length=200, blank=True)
    given = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(family="") | ~Q(given=""), name="patients_name_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.given} {self.family}".strip()
