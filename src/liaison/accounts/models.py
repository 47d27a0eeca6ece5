"""Sites, teams, people and the roles they hold, and the sessions they have open."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Self
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext

from liaison.accounts.rules import ROLE_WORDS, Role
from liaison.core.numbers import reaches_from_anywhere, written_number

if TYPE_CHECKING:
    from liaison.accounts.sessions import SessionStore


class Site(models.Model):
    """One place of the organization. It owns the time zone of everything that happens there."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="America/New_York")
    address = models.TextField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """The IANA time zone."""
        return ZoneInfo(self.time_zone)

    def number_to_call(self) -> str:
        """Where its patients call: its own number, else another site's; "" while the organization has none at all."""
        others = Site.objects.exclude(phone="").order_by("pk").values_list("phone", flat=True)
        return written_number(self.phone or others.first() or "")

    @property
    def can_be_dialled(self) -> bool:
        """Whether its telephone number is one; what was kept before numbers were checked stays as it was typed."""
        return reaches_from_anywhere(self.phone)


class UserQuerySet(models.QuerySet["User"]):
    """The vocabulary of reading people."""

    def active(self) -> Self:
        """People who may sign in."""
        return self.filter(is_active=True)

    def holding(self, role: Role, *, now: datetime, site_id: int | None = None) -> Self:
        """People who hold `role` at that site (or everywhere) now; without a site: anywhere."""
        held = Assignment.objects.current(now=now).filter(role=role)
        if site_id is not None:
            held = held.filter(Q(site_id=site_id) | Q(site__isnull=True))
        return self.filter(pk__in=held.values("user_id"))


class UserManager(BaseUserManager["User"]):
    """Finds people by e-mail in any letter case. Creating people is `actions.add_person`."""

    def get_queryset(self) -> UserQuerySet:
        """People, with the vocabulary above."""
        return UserQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> User:
        """The person with this e-mail address."""
        return self.get(email=(username or "").strip().lower())

    def active(self) -> UserQuerySet:
        """People who may sign in."""
        return self.get_queryset().active()

    def holding(self, role: Role, *, now: datetime, site_id: int | None = None) -> UserQuerySet:
        """People who hold `role` at that site (or everywhere) now; without a site: anywhere."""
        return self.get_queryset().holding(role, now=now, site_id=site_id)


class User(AbstractBaseUser):
    """A person who signs in, by e-mail address (kept in lower case). Never deleted: the audit trail names them.

    `version` counts the changes of name and address.
    """

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)
    added_at = models.DateTimeField(null=True, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    # Django's sign-in signal writes this column on every sign-in; the audit trail knows it already.
    last_login = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        ordering = ("name", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="accounts_user_email_lower"),
            models.CheckConstraint(
                condition=Q(is_active=True, deactivated_at__isnull=True)
                | Q(is_active=False, deactivated_at__isnull=False),
                name="accounts_user_deactivated_together",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def initials(self) -> str:
        """One or two letters for the small face that shows presence."""
        words = [word for word in self.name.replace("Dr ", "").split() if word]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    def get_full_name(self) -> str:
        """The name, as libraries ask for it."""
        return self.name

    def get_short_name(self) -> str:
        """The name, as libraries ask for it."""
        return self.name

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password. Unlike Django's, never writes a newer hash: only actions write."""
        return raw_password is not None and check_password(raw_password, self.password)

    async def acheck_password(self, raw_password: str | None) -> bool:
        """The same as `check_password`."""
        return self.check_password(raw_password)

    def deactivate(self, *, now: datetime) -> None:
        """Close the account; whoever holds it can't sign in any more."""
        self.is_active = False
        self.deactivated_at = now

    def reactivate(self) -> None:
        """Open the account again."""
        self.is_active = True
        self.deactivated_at = None


class Team(models.Model):
    """People who share a desk: a loop that belongs to a team is on every member's list."""

    name = models.CharField(max_length=120)
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="teams")
    members = models.ManyToManyField(User, through="TeamMember", related_name="teams")

    class Meta:
        ordering = ("name",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "site"], name="accounts_team_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """One person in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "user"], name="accounts_team_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """The vocabulary of reading assignments."""

    def current(self, *, now: datetime) -> Self:
        """Those that hold at `now` (half-open: from `starts_at` up to but not including `ends_at`)."""
        return self.standing(now=now).filter(starts_at__lte=now)

    def standing(self, *, now: datetime) -> Self:
        """Those that hold at `now` or will."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now))


class Assignment(models.Model):
    """A role that a person holds at one site (or, without a site, at every site) for a time."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=20)
    site = models.ForeignKey(
        Site,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="assignments",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ("role", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="accounts_assignment_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(role__in=[role.value for role in Role]),
                name="accounts_assignment_known_role",
            ),
            models.UniqueConstraint(
                fields=["user", "role", "site"],
                condition=Q(ends_at__isnull=True),
                name="accounts_assignment_once",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}, {self.where}"

    @property
    def label(self) -> str:
        """The role in words."""
        return gettext(ROLE_WORDS[Role(self.role)])

    @property
    def where(self) -> str:
        """The site's name, or "every site"."""
        return self.site.name if self.site else gettext("every site")

    def end(self, *, now: datetime) -> None:
        """The role is held no longer."""
        self.ends_at = now


class SessionManager(BaseSessionManager["Session"]):  # type: ignore[type-arg,unused-ignore]  # generic in the stubs alone
    """The manager that Django's session store asks for."""


class Session(AbstractBaseSession):
    """One browser that someone signed in with. Named as Django names its own, so that the tools know it."""

    user = models.ForeignKey(
        User,
        null=True,
        on_delete=models.CASCADE,
        related_name="sessions",
        db_index=True,
    )
    began_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    browser = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True)

    objects: ClassVar[Any] = SessionManager()

    class Meta(AbstractBaseSession.Meta):
        db_table = "django_session"

    @property
    def handle(self) -> str:
        """A name of this session that is of no use to a thief, as in the audit trail."""
        return sha256(self.session_key.encode()).hexdigest()[:16]

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        """The store that reads and writes these rows."""
        from liaison.accounts.sessions import (
            SessionStore,
        )  # the store imports this model

        return SessionStore
