"""The one translator of "no": a refusal becomes a page, or a fragment where htmx asked."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from liaison.core.answers import wants_fragment
from liaison.core.audit import record
from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden, NotFound, Refusal, StepUpNeeded

log = logging.getLogger(__name__)


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The answer to a refusal: its sentence and what to do, with the refusal's own status.

    A person who must prove who they are is sent to do so and comes back to the page they came from.
    """
    if isinstance(refusal, StepUpNeeded):
        back = request.headers.get("HX-Current-URL") or request.META.get("HTTP_REFERER") or request.path
        target = f"/account/reauthenticate/?{urlencode({'next': _path_of(back)})}"
        if wants_fragment(request):
            return HttpResponse(status=204, headers={"HX-Redirect": target})
        return HttpResponse(status=302, headers={"Location": target})
    template = "liaison/_refusal.html" if wants_fragment(request) else "liaison/refusal.html"
    return render(request, template, {"refusal": refusal}, status=refusal.status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 404."""
    del exception
    return refused(request, NotFound())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 403; the attempt is audited where someone has signed in."""
    del exception
    actor = getattr(request, "actor", None)
    if actor is not None and not actor.is_anonymous:
        record(actor, "core.see", outcome=AuditEntry.Outcome.REFUSED, refusal_code=Forbidden.code)
    return refused(request, Forbidden())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500: a bug. Says so, with the request's id, and that nothing was changed."""
    sentence = _("Something went wrong on our side; nothing was changed. Try again, or tell support.")
    refusal = Refusal(sentence)
    return render(request, "liaison/refusal.html", {"refusal": refusal}, status=500)


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
