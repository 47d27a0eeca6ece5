"""What every page's frame shows: navigation by role, banners, the idle clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.clock import current_time, training_offset


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One place in the navigation."""

    label: str
    url: str
    icon: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A notice on every page: what this installation is, or under which right something is seen."""

    kind: str
    text: str
    url: str = ""
    link: str = ""


BannerSource = Callable[..., Sequence[Banner]]
_banner_sources: list[BannerSource] = []


def register_banners(source: BannerSource) -> None:
    """Let a package put notices on every page: `source(actor, now=…)` gives them (called in `AppConfig.ready`)."""
    if source not in _banner_sources:
        _banner_sources.append(source)


_CARE = frozenset({"coordinator", "clinician", "supervisor"})
_DESK = _CARE | {"front_desk", "billing", "records_clerk"}
_NAV = (
    (gettext_lazy("Desk"), "desk:home", "inbox", _DESK),
    (gettext_lazy("Patients"), "patients:search", "users", _DESK),
    (gettext_lazy("Calendar"), "scheduling:day", "calendar", _CARE | {"front_desk"}),
    (gettext_lazy("Flow"), "scheduling:flow", "route", _CARE | {"front_desk"}),
    (gettext_lazy("Waitlist"), "scheduling:waitlist", "hourglass", _CARE | {"front_desk"}),
    (gettext_lazy("Readiness"), "scheduling:readiness", "checks", _CARE | {"front_desk"}),
    (gettext_lazy("Referrals"), "orders:referrals", "send", _CARE | {"front_desk"}),
    (gettext_lazy("Messages"), "inbox:messages", "mail", _CARE | {"front_desk"}),
    (gettext_lazy("Board"), "desk:board", "layout-board", frozenset({"supervisor"})),
    (gettext_lazy("Protocols"), "pathways:protocols", "clipboard-list", frozenset({"supervisor", "administrator"})),
    (gettext_lazy("Directory"), "directory:home", "address-book", _DESK | {"administrator"}),
    (gettext_lazy("Audit"), "accounts:audit", "shield", frozenset({"privacy_officer"})),
    (gettext_lazy("Emergency access"), "patients:grants", "key", frozenset({"privacy_officer"})),
    (gettext_lazy("People"), "accounts:people", "user-cog", frozenset({"administrator"})),
)
_DEMO_NAV = (gettext_lazy("Demo mailbox"), "inbox:demo_mailbox", "mailbox", _DESK)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The template variable `shell`."""
    actor = getattr(request, "actor", None) or ANONYMOUS
    now = current_time()
    return {
        "shell": {
            "signed_in": not actor.is_anonymous,
            "actor_name": actor.name if not actor.is_anonymous else "",
            "nav": _navigation(request, roles=actor.roles),
            "banners": _banners(actor, now=now),
            "idle_seconds": settings.LIAISON_IDLE_SECONDS if not actor.is_anonymous else 0,
            "events_url": events_url(host=request.get_host()) if not actor.is_anonymous else "",
            "sign_out_url": _url("account_logout"),
            "keep_alive_url": _url("accounts:session"),
            "presence_url": _url("desk:presence"),
            "account_url": _url("accounts:mine"),
            "organization": settings.LIAISON_ORGANIZATION,
            "mode": settings.LIAISON_MODE,
            "now": now,
        }
    }


def events_url(*, host: str) -> str:
    """Where a page that was opened under `host` (a port may follow) listens: its cookie is sent to no other name."""
    return str(settings.LIAISON_EVENTS_URL).replace("{host}", re.sub(r":\d+$", "", host))


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _navigation(request: HttpRequest, *, roles: frozenset[str]) -> list[NavItem]:
    items = []
    for label, name, icon, needed in (*_NAV, *([_DEMO_NAV] if settings.LIAISON_MODE == "demo" else [])):
        url = _url(name)
        if not url or not needed & roles:
            continue
        active = request.path == url if url == "/" else request.path.startswith(url)
        items.append(NavItem(label=str(label), url=url, icon=icon, active=active))
    return items


def steady_banners(*, now: datetime, zone: tzinfo = UTC) -> list[Banner]:
    """The notices on every page that need no database: what this installation is. `zone` is whose clock is shown."""
    banners = []
    if settings.LIAISON_MODE == "demo":
        banners.append(Banner(kind="demo", text=_("Demonstration clinic: every person here is invented.")))
    if training_offset():
        day = now.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
        banners.append(Banner(kind="clock", text=_("Training clock: it is %(day)s here.") % {"day": day}))
    return banners


def _banners(actor: Actor, *, now: datetime) -> list[Banner]:
    banners = steady_banners(now=now, zone=actor.zone)
    if not actor.is_anonymous:
        for source in _banner_sources:
            banners += source(actor, now=now)
    return banners
