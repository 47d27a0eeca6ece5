"""`liaison admin add`: the first person who can sign in to a production installation, and its first site."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import slugify

from liaison.accounts.access import MANAGE_PEOPLE
from liaison.accounts.actions import (
    add_site,
    add_team,
    appoint_administrator,
    appoint_first_administrator,
    give_password,
)
from liaison.accounts.models import Site, User
from liaison.console.problems import Problem
from liaison.core.act import act
from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.numbers import reaches_from_anywhere

EXAMPLE = '--site "Elm Street" --phone "(617) 555-0123" --time-zone America/New_York'
FIRST_TEAM = "Care coordination"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAdministrator:
    """Who it is; without a `password` they get one that holds for the first sign-in only."""

    email: str
    name: str
    password: str | None
    another: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSite:
    """The first place of the organization. `time_zone` is an IANA name such as America/New_York, `phone` where
    patients call."""

    name: str
    time_zone: str
    phone: str


def add_administrator(wanted: NewAdministrator, *, site: NewSite | None) -> str:
    """Add them, and the site with a first team if one is given: all or nothing. Returns the first password, or "".

    The team owns what opens by itself, such as the follow-ups of an import, before anybody else has an account.

    Refuses (Problem): an address that is none, a password that is too easy, a time zone that does not exist, no site
    at all, one without a telephone number, a site although there are some. Refuses: AdministratorExists unless
    `another` is meant, EmailTaken.
    """
    _refuse_odd(wanted, site=site)
    now, actor = current_time(), system_actor("command line")
    appoint = appoint_administrator if wanted.another else appoint_first_administrator
    with act(actor, MANAGE_PEOPLE, now=now):
        if site:
            code = slugify(site.name)[:20].strip("-") or "main"
            added = add_site(
                actor=actor, code=code, name=site.name.strip(), time_zone=site.time_zone, phone=site.phone, now=now
            )
            add_team(actor=actor, name=FIRST_TEAM, site=added, now=now)
        person = appoint(actor=actor, email=wanted.email, name=wanted.name, password=wanted.password, now=now)
        return "" if wanted.password else give_password(actor=actor, person=person, now=now)


def _refuse_odd(wanted: NewAdministrator, *, site: NewSite | None) -> None:
    try:
        validate_email(wanted.email)
        if wanted.password is not None:
            validate_password(wanted.password, User(email=wanted.email, name=wanted.name))
    except ValidationError as error:
        raise Problem(" ".join(error.messages)) from error
    most = User._meta.get_field("name").max_length or 0
    if len(wanted.name) > most:
        raise Problem(f"--name has {len(wanted.name):,} characters; {most} fit.")
    if not wanted.name.strip():
        raise Problem("Say who it is with --name.")
    if Site.objects.exists():
        if site:
            raise Problem("There is a site already; more are added on the page People, Sites. Leave --site out.")
    elif site is None or not site.name.strip():
        raise Problem(f"There is no site yet. Name the first one: {EXAMPLE}.")
    if site:
        _refuse_odd_site(site)


def _refuse_odd_site(site: NewSite) -> None:
    if not reaches_from_anywhere(site.phone):
        raise Problem(f"Patients are told to call the site: say where with --phone, as in {EXAMPLE}.")
    try:
        ZoneInfo(site.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Problem(f"{site.time_zone} is no time zone. They look like America/New_York.") from error
