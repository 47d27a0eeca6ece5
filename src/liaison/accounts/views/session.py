"""How long this session lasts, doing again what was asked for before confirming, and locking out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from liaison.accounts.adapters import too_many_tries as refused_try
from liaison.accounts.queries import seconds_left
from liaison.accounts.rules import still_waits
from liaison.accounts.sessions import SEEN, STASH
from liaison.core.asking import actor_of
from liaison.core.clock import current_time, real_instant
from liaison.core.translate import refused_plainly


@never_cache
@require_http_methods(["GET", "POST"])
def session(request: HttpRequest) -> HttpResponse:
    """GET: the seconds left until this session ends (asked in the background). POST: "I am still here"."""
    now = current_time()
    if request.method == "POST":
        request.session[SEEN] = real_instant(now).timestamp()
    left = seconds_left(request.session, now=now)
    return JsonResponse(
        {
            "idle_seconds": int(left.idle.total_seconds()),
            "absolute_seconds": int(left.absolute.total_seconds()),
            "seconds": int(left.soonest.total_seconds()),
        }
    )


@never_cache
@require_GET
def again(request: HttpRequest) -> HttpResponse:
    """After confirming who one is: send once more what was typed before, with a fresh token.

    Only by whoever typed it and within five minutes; later it is forgotten, and the page says so.
    """
    stash: dict[str, Any] | None = request.session.pop(STASH, None)
    if stash is None:
        return HttpResponseRedirect("/")
    if not still_waits(
        stashed_at=datetime.fromtimestamp(stash["at"], tz=UTC),
        now=real_instant(current_time()),
        same_person=stash["user"] == actor_of(request).user_id,
    ):
        messages.warning(request, _("That was too long ago, and was not done. Do it again if it is still right."))
        return HttpResponseRedirect(stash["back"])
    hidden = [(key, value) for key, value in stash["typed"] if key != "csrfmiddlewaretoken"]
    page = {"path": stash["path"], "hidden": hidden, "back": stash["back"]}
    return render(request, "accounts/again.html", page)


@login_not_required
def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """What someone sees after too many wrong passwords."""
    del original_response, credentials
    return render(request, "account/locked_out.html", {"sign_in": reverse("account_login")}, status=429)


def too_many_tries(request: HttpRequest) -> HttpResponse:
    """What someone sees after too many tries of any kind from one place; allauth asks for it."""
    return refused_plainly(request, refused_try(request, email=str(request.POST.get("login", ""))))


@login_not_required
@require_http_methods(["GET", "POST"])
def no_self_service(request: HttpRequest) -> HttpResponse:
    """Nobody signs up or resets a password alone: an administrator of the organization does it."""
    return render(request, "account/ask_administrator.html")
