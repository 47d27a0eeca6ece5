"""One's own account: password, second factors, sessions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from liaison.accounts.actions import end_session
from liaison.accounts.ports import own_pages
from liaison.accounts.queries import own_account, sessions_of
from liaison.core.answers import done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time, real_instant


@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """Who one is here, how one proves it, and where one is signed in."""
    now = current_time()
    actor = actor_of(request)
    page = {
        "person": request.user,
        "account": own_account(actor, now=now),
        "pages": own_pages(actor),
        "sessions": sessions_of(actor, now=real_instant(now)),
    }
    return render(request, "accounts/mine.html", page)


@require_POST
def end_one(request: HttpRequest) -> HttpResponse:
    """Sign out one of one's own browsers."""
    handle = request.POST.get("session", "")
    end_session(actor=actor_of(request), handle=handle, now=current_time())
    return done(request, said=_("Signed out there."), to=reverse("accounts:mine"), go=True)
