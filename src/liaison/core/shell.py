"""What every page's frame shows: navigation by role, banners, the idle clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

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


_EVERYONE: frozenset[str] = frozenset()
_NAV = (
    (gettext_lazy("Desk"), "desk:home", "inbox", _EVERYONE),
    (gettext_lazy("Patients"), "patients:search", "users", _EVERYONE),
    (gettext_lazy("Calendar"), "scheduling:day", "calendar", _EVERYONE),
    (gettext_lazy("Referrals"), "orders:referrals", "send", _EVERYONE),
    (gettext_lazy("Messages"), "inbox:messages", "mail", _EVERYONE),
    (gettext_lazy("Board"), "desk:board", "layout-board", frozenset({"supervisor"})),
    (gettext_lazy("Audit"), "accounts:audit", "shield", frozenset({"privacy_officer"})),
    (gettext_lazy("Break-the-glass"), "patients:grants", "key", frozenset({"privacy_officer"})),
    (gettext_lazy("People"), "accounts:people", "user-cog", frozenset({"administrator"})),
)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The template variable `shell`."""
    actor = getattr(request, "actor", None)
    signed_in = actor is not None and not actor.is_anonymous
    return {
        "shell": {
            "signed_in": signed_in,
            "actor_name": actor.name if actor is not None else "",
            "nav": _navigation(request, roles=actor.roles) if actor is not None and signed_in else [],
            "banners": _banners(),
            "idle_seconds": settings.LIAISON_IDLE_SECONDS,
            "keep_alive_url": reverse("accounts:session"),
            "sign_out_url": reverse("account_logout"),
            "account_url": reverse("accounts:mine"),
            "events_url": settings.LIAISON_EVENTS_URL,
            "organization": settings.LIAISON_ORGANIZATION,
            "mode": settings.LIAISON_MODE,
            "now": current_time(),
        }
    }


def _navigation(request: HttpRequest, *, roles: frozenset[str]) -> list[NavItem]:
    items = []
    for label, name, icon, needed in _NAV:
        if needed and not needed & roles:
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        active = request.path == url if url == "/" else request.path.startswith(url)
        items.append(NavItem(label=str(label), url=url, icon=icon, active=active))
    return items


def _banners() -> list[Banner]:
    banners = []
    if settings.LIAISON_MODE == "demo":
        banners.append(Banner(kind="demo", text=_("Demonstration clinic: every person here is invented.")))
    if training_offset():
        day = current_time().strftime("%Y-%m-%d %H:%M UTC")
        banners.append(Banner(kind="clock", text=_("Training clock: it is %(day)s here.") % {"day": day}))
    return banners
