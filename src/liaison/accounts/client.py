"""Where a request comes from, as far as it can be believed."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address of the browser.

    Only as many hops of X-Forwarded-For are believed as there are proxies of our own in front
    (`LIAISON_TRUSTED_PROXIES`); anything further left was written by whoever sent the request.
    """
    direct = str(request.META.get("REMOTE_ADDR", "")) or "0.0.0.0"  # noqa: S104 - stands for "unknown"
    proxies: int = settings.LIAISON_TRUSTED_PROXIES
    if not proxies:
        return direct
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    hop = hops[-proxies] if len(hops) >= proxies else direct
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return direct


def browser_of(request: HttpRequest) -> str:
    """The browser's own name for itself, cut to 300 characters."""
    return str(request.META.get("HTTP_USER_AGENT", ""))[:300]


def typed_address(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """The e-mail address that somebody tries to sign in with, by which lock-out counts."""
    del request
    return str((credentials or {}).get("email", "")).strip().lower()
