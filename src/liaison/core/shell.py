"""What every page's frame shows: navigation by role, banners, the idle clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.clock import current_time, training_offset
from liaison.core.places import frame_address, places_for


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One place in the navigation."""

    label: str
    url: str
    icon: str
    active: bool
    letter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A notice on every page: what this installation is, or under which right something is seen."""

    kind: str
    text: str
    url: str = ""
    link: str = ""


FRAME: Final = ("sign_in", "sign_out", "keep_alive", "presence", "account", "palette")
"""The addresses that the frame of a page uses; packages say where they are (`core.places.register_frame`)."""

BannerSource = Callable[..., Sequence[Banner]]
_banner_sources: list[BannerSource] = []


def register_banners(source: BannerSource) -> None:
    """Let a package put notices on every page: `source(actor, now=…)` gives them (called in `AppConfig.ready`)."""
    if source not in _banner_sources:
        _banner_sources.append(source)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The template variable `shell`."""
    actor = getattr(request, "actor", None) or ANONYMOUS
    now = current_time()
    return {
        "shell": {
            "signed_in": not actor.is_anonymous,
            "actor_name": actor.name if not actor.is_anonymous else "",
            "nav": _navigation(actor, path=request.path),
            "banners": _banners(actor, now=now),
            "idle_seconds": settings.LIAISON_IDLE_SECONDS if not actor.is_anonymous else 0,
            "events_url": events_url(host=request.get_host()) if not actor.is_anonymous else "",
            **{f"{use}_url": frame_address(use) for use in FRAME},
            "organization": settings.LIAISON_ORGANIZATION,
            "mode": settings.LIAISON_MODE,
            "now": now,
        }
    }


def events_url(*, host: str) -> str:
    """Where a page that was opened under `host` (a port may follow) listens: its cookie is sent to no other name."""
    return str(settings.LIAISON_EVENTS_URL).replace("{host}", re.sub(r":\d+$", "", host))


def _navigation(actor: Actor, *, path: str) -> list[NavItem]:
    """Where the actor may go; the place with the longest address that `path` begins with is the one they are at."""
    places = [(place, place.url) for place in places_for(actor) if place.letter]
    begins = (url for _, url in places if path == url or (url != "/" and path.startswith(url)))
    here = max(begins, key=len, default="")
    return [
        NavItem(label=str(place.label), url=url, icon=place.icon, active=url == here, letter=place.letter)
        for place, url in places
    ]


def steady_banners(*, now: datetime, zone: tzinfo = UTC) -> list[Banner]:
    """The notices on every page that need no database: what this installation is, and what time it believes in.

    `zone` is the reader's.
    """
    banners = []
    if settings.LIAISON_MODE == "demo":
        banners.append(Banner(kind="demo", text=_("Demonstration clinic: every person here is invented.")))
    if offset := training_offset():
        banners.append(Banner(kind="clock", text=_training(offset, now=now, zone=zone)))
    return banners


def _training(offset: timedelta, *, now: datetime, zone: tzinfo) -> str:
    local = now.astimezone(zone)
    day = date_format(local, "l, F j, Y, H:i")
    words = {"day": day, "zone": local.tzname(), "shifted": _shifted(offset)}
    return _("Training clock: it is %(day)s %(zone)s here, %(shifted)s.") % words


def _shifted(offset: timedelta) -> str:
    """ "2,100 days back", "3 hours ahead": whole days from one day on, else whole hours, else less than one."""
    length, back = abs(offset), offset < timedelta(0)
    days, hours = round(length / timedelta(days=1)), round(length / timedelta(hours=1))
    if length >= timedelta(days=1):
        amount = ngettext("%(n)s day", "%(n)s days", days) % {"n": f"{days:,}"}
    elif hours:
        amount = ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    else:
        amount = _("less than an hour")
    return (_("%(amount)s back") if back else _("%(amount)s ahead")) % {"amount": amount}


def _banners(actor: Actor, *, now: datetime) -> list[Banner]:
    banners = steady_banners(now=now, zone=actor.zone)
    if not actor.is_anonymous:
        for source in _banner_sources:
            banners += source(actor, now=now)
    return banners
