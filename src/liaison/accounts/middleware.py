"""Who asks, whether their session still stands, and what browsers may do with our pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from liaison.accounts import trail
from liaison.accounts.queries import actor_for, seconds_left, unfinished
from liaison.accounts.rules import Ended, Unfinished, is_work
from liaison.accounts.sessions import BEGAN, SEEN, STASH
from liaison.core.actor import ANONYMOUS
from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of, page_here
from liaison.core.clock import current_time, real_instant
from liaison.core.refusals import StepUpNeeded
from liaison.core.shell import events_url

_View = Callable[[HttpRequest], HttpResponse]
MOST_STASHED: Final = 64_000
_WHILE_UNFINISHED: Final = frozenset(
    {"account_logout", "account_change_password", "account_reauthenticate", "accounts:session"}
)


def is_background(request: HttpRequest) -> bool:
    """Whether a page asks by itself (presence, live pieces) and not the person at it."""
    return "1" in (request.headers.get("Liaison-Background"), request.headers.get("X-Liaison-Background"))


class ActorMiddleware:
    """Sets `request.actor`, ends sessions at their limits, and lets only signed-in people further.

    A view is open to everyone only when it says so with `django.contrib.auth.decorators.login_not_required`.
    """

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Find out who asks, then answer."""
        now = current_time()
        request.actor = actor_for(request.user, session=request.session, now=now)  # type: ignore[attr-defined]  # put there by a middleware
        request.session_ended = Ended.NO  # type: ignore[attr-defined]  # put there by a middleware
        if not request.actor.is_anonymous:  # type: ignore[attr-defined]  # put there by a middleware
            self._keep_time(request)
        with timezone.override(request.actor.zone):  # type: ignore[attr-defined]  # put there by a middleware
            return self.get_response(request)

    def _keep_time(self, request: HttpRequest) -> None:
        now = current_time()
        real = real_instant(now)
        session = request.session
        ended = seconds_left(session, now=now).ended
        if ended:
            trail.session_ended(request.actor, why=str(ended))  # type: ignore[attr-defined]  # put there by a middleware
            auth.logout(request)
            request.actor = ANONYMOUS  # type: ignore[attr-defined]  # put there by a middleware
            request.session_ended = ended  # type: ignore[attr-defined]  # put there by a middleware
            return
        if BEGAN not in session:
            session[BEGAN] = session[SEEN] = real.timestamp()
            return
        passed = real.timestamp() - session[SEEN]
        grain = timedelta(seconds=min(30, settings.LIAISON_IDLE_SECONDS / 20))
        if is_work(background=is_background(request), seen_at=real - timedelta(seconds=passed), now=real, grain=grain):
            session[SEEN] = real.timestamp()

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Send away who is not signed in, and who has not finished setting up their account."""
        del args, kwargs
        if not getattr(view, "login_required", True):
            return None
        if request.actor.is_anonymous:  # type: ignore[attr-defined]  # put there by a middleware
            return _sign_in_first(request)
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name.startswith("mfa_") or name in _WHILE_UNFINISHED:
            return None
        return _finish_first(request)


class StepUpMiddleware:
    """Asks who is at the keyboard when a sensitive verb needs it, and brings them back to what they did."""

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; only a raised `StepUpNeeded` is of interest."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Keep what was typed, ask, and let `accounts:again` send it once more."""
        if not isinstance(exception, StepUpNeeded):
            return None
        back = _here(request)
        if request.method == "POST" and not request.FILES:
            typed = [(key, value) for key, values in request.POST.lists() for value in values]
            if sum(len(key) + len(value) for key, value in typed) <= MOST_STASHED:
                request.session[STASH] = {
                    "path": request.get_full_path(),
                    "typed": typed,
                    "back": back,
                    "user": actor_of(request).user_id,
                    "at": real_instant(current_time()).timestamp(),
                }
                back = reverse("accounts:again")
        return _go(request, f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")


class SecurityHeadersMiddleware:
    """The content security policy and its neighbours; Django sends the rest (HSTS, COOP, referrer, nosniff).

    Scripts and styles come from this server's files alone: no inline script, no inline style, no evaluation.
    """

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and add the headers that the answer does not carry yet."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", content_security_policy(events_url=_events_of(request)))
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        actor = getattr(request, "actor", ANONYMOUS)
        if not actor.is_anonymous:
            response.headers.setdefault("Cache-Control", "no-store, private")
        return response


def _events_of(request: HttpRequest) -> str:
    try:
        return events_url(host=request.get_host())
    except DisallowedHost:
        return ""


PERMISSIONS: Final = (
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self)"
)


def content_security_policy(*, events_url: str) -> str:
    """The policy; `events_url` is where pages listen for live changes, often another port of this host."""
    parts = urlsplit(events_url)
    events = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self'{events}",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    asked = {"next": _here(request)}
    ended = request.session_ended  # type: ignore[attr-defined]  # put there by a middleware
    if ended:
        asked["ended"] = str(ended)
    return _go(request, f"{reverse('account_login')}?{urlencode(asked)}", status=401)


def _finish_first(request: HttpRequest) -> HttpResponse | None:
    """A first password is changed, and a required second factor set up, before anything else."""
    missing = unfinished(request.user)  # type: ignore[arg-type]  # nobody anonymous comes this far
    if missing is Unfinished.PASSWORD:
        return _go(request, reverse("account_change_password"))
    return _go(request, reverse("mfa_index")) if missing is Unfinished.SECOND_FACTOR else None


def _go(request: HttpRequest, url: str, *, status: int = 204) -> HttpResponse:
    """Send the whole browser to `url`, also when only a piece of a page was asked for."""
    if wants_fragment(request):
        return HttpResponse(status=status, headers={"HX-Redirect": url})
    if is_background(request) or request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"go": url}, status=401)
    return redirect(url)


def _here(request: HttpRequest) -> str:
    """The page that the person looks at: where to come back to."""
    if request.method == "GET" and not wants_fragment(request) and not is_background(request):
        return request.get_full_path()
    seen = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(seen, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(seen)
    return page_here(parts.path + (f"?{parts.query}" if parts.query else "")) or "/"
