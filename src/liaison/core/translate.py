"""The one translator of "no": a refusal becomes a page, or a fragment where htmx asked."""

from __future__ import annotations

import logging
import sys
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout

from liaison.core.answers import wants_fragment
from liaison.core.asking import page_here
from liaison.core.clock import current_time
from liaison.core.health import is_disk_full
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
        target = f"{reverse('account_reauthenticate')}?{urlencode({'next': page_here(_path_of(back)) or '/'})}"
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


class Unproven(Refusal):
    """A form that nobody can be shown to have opened here: its hidden proof is missing or from another session."""

    code = "core.unproven_form"
    title = "Open the page again"
    sentence = (
        "This page was opened before you signed in or out, or the browser keeps no cookies, so nothing was changed. "
        "Open the page again and send it once more."
    )
    status = 403


class Unreadable(Refusal):
    """A request that makes no sense."""

    code = "core.unreadable"
    title = "This can't be read"
    sentence = "What the browser sent can't be read, so nothing was changed. Open the page again and try once more."
    status = 400


class TooManyFields(Refusal):
    """More fields or files in one form than are taken at once."""

    code = "core.too_many_fields"
    sentence = (
        "This form holds more than is taken at once, and nothing was changed. Choose fewer and send them in parts."
    )
    status = 413


class WrongName(Refusal):
    """The address has a name that this installation does not answer to."""

    code = "core.wrong_name"
    title = "Not at this address"
    sentence = "Liaison does not answer under the name in the address bar. Open %(address)s instead."
    status = 400


class NotThisWay(Refusal):
    """An address that takes only forms was opened, or the other way round."""

    code = "core.not_this_way"
    title = "Nothing to look at"
    sentence = "This address only takes what a page sends to it, and nothing was changed. Go back to the page."
    status = 405


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


class DiskIsFull(Fault):
    """The database has no room to write."""

    code = "core.disk_full"
    sentence = (
        "There is no room left to save anything, and nothing was changed. Reading still works; tell whoever runs "
        "Liaison that the database's disk is full."
    )
    status = 503


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500: a bug, a database that is away or one without room (503). Says so, and that nothing was changed."""
    error = sys.exc_info()[1]
    kind: type[Fault] = Fault
    if is_disk_full(error):
        kind = DiskIsFull
    elif isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        kind = DatabaseAway
    return refused_plainly(request, kind(_(kind.sentence)))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's 400: a wrong name in the address, more fields than are taken, or what can't be read at all."""
    if isinstance(exception, DisallowedHost):
        words = _(WrongName.sentence) % {"address": settings.LIAISON_PUBLIC_URL}
        return refused_plainly(request, WrongName(words), home=settings.LIAISON_PUBLIC_URL)
    if isinstance(exception, TooManyFieldsSent | TooManyFilesSent | RequestDataTooBig):
        return refused_plainly(request, TooManyFields(_(TooManyFields.sentence)))
    return refused_plainly(request, Unreadable(_(Unreadable.sentence)))


def unproven(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's answer to a form without its proof (CSRF). `reason` is for the log, which Django writes."""
    del reason
    return refused_plainly(request, Unproven(_(Unproven.sentence)))


def not_this_way(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """A 405 with a page, in place of the empty one that `answer` is."""
    page = refused_plainly(request, NotThisWay(_(NotThisWay.sentence)))
    page["Allow"] = answer["Allow"]
    return page


def refused_plainly(request: HttpRequest, refusal: Refusal, *, home: str = "/") -> HttpResponse:
    """A "no" that can be told before anybody knows who asks, under a wrong name, or without a database.

    `home` is where the desk can be opened.

    It is made without the context processors: who is signed in, what they may see and what was said to them stand in
    the database, and asking it might fail on the way to saying so.
    """
    if is_for_patients(request):
        return refused_patient(request, refusal)
    template = "liaison/_refusal.html" if _piece_is_wanted(request) else "liaison/refusal.html"
    shell = {"banners": steady_banners(now=current_time())}
    context = {"refusal": refusal, "shell": shell, "back_url": _back(request), "home": home}
    return HttpResponse(render_to_string(template, context), status=refusal.status)


def _piece_is_wanted(request: HttpRequest) -> bool:
    if hasattr(request, "htmx"):
        return wants_fragment(request)
    return request.headers.get("HX-Request") == "true"


def _back(request: HttpRequest) -> str:
    """The page here from which a form was sent; "" when nothing was sent or it came from elsewhere."""
    before = request.META.get("HTTP_REFERER", "")
    try:
        here = request.get_host()
    except DisallowedHost:
        return ""
    if request.method == "GET" or _split(before).netloc != here:
        return ""
    return "/" + _path_of(before).lstrip("/")


def _path_of(url: str) -> str:
    parts = _split(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _split(url: str) -> SplitResult:
    """The parts of an address that a browser names; of one that is none ("http://[bad") nothing."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
