"""The one translator of "no": a refusal becomes a page, or a fragment where htmx asked."""

from __future__ import annotations

import logging
import sys
from urllib.parse import urlsplit

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout

from liaison.core.answers import wants_fragment
from liaison.core.clock import current_time
from liaison.core.patient_pages import is_for_patients, refused_patient
from liaison.core.refusals import Forbidden, NotFound, Refusal, StepUpNeeded
from liaison.core.shell import steady_banners

log = logging.getLogger(__name__)


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The answer to a refusal: its sentence and what to do, with the refusal's own status.

    A person who must prove who they are is sent to do so and comes back to the page they came from.
    """
    if isinstance(refusal, StepUpNeeded):
        back = request.headers.get("HX-Current-URL") or request.META.get("HTTP_REFERER") or request.path
        target = f"{reverse('account_reauthenticate')}?{urlencode({'next': _path_of(back)})}"
        if wants_fragment(request):
            return HttpResponse(status=204, headers={"HX-Redirect": target})
        return HttpResponse(status=302, headers={"Location": target})
    if is_for_patients(request):
        return refused_patient(request, refusal)
    template = "liaison/_refusal.html" if wants_fragment(request) else "liaison/refusal.html"
    return render(request, template, {"refusal": refusal}, status=refusal.status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 404."""
    del exception
    return refused(request, NotFound())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 403."""
    del exception
    return refused(request, Forbidden())


class Fault(Refusal):
    """A bug, told to whoever met it."""

    code = "core.fault"
    sentence = "Something went wrong on our side; nothing was changed. Try again, or tell support."
    status = 500


class DatabaseAway(Fault):
    """The database does not answer."""

    code = "core.database_away"
    sentence = "The database can't be reached just now; nothing was changed. Try again in a minute."
    status = 503


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500: a bug, or a database that is away (503). Says so, and that nothing was changed.

    The page is made without the context processors: who is signed in, what they may see and what was said to them
    stand in the database, and asking it again would fail on the way to saying so.
    """
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError | PoolTimeout)
    fault = DatabaseAway(_(DatabaseAway.sentence)) if away else Fault(_(Fault.sentence))
    if is_for_patients(request):
        return refused_patient(request, fault)
    shell = {"banners": steady_banners(now=current_time())}
    page = render_to_string("liaison/refusal.html", {"refusal": fault, "shell": shell})
    return HttpResponse(page, status=fault.status)


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
