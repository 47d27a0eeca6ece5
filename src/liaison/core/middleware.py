"""What happens around every request: a mark for the logs, refusals told as pages, the read audit."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from urllib.parse import unquote

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from liaison.core.asking import actor_of
from liaison.core.attempts import SEE, keep_refused
from liaison.core.audit import collecting_seen, record
from liaison.core.letters import is_plain, plain
from liaison.core.models import AuditEntry
from liaison.core.numbers import id_in
from liaison.core.refusals import Refusal, collecting_refusals
from liaison.core.remembering import remembering
from liaison.core.translate import NotThisWay, bad_request, not_this_way, refused

log = logging.getLogger(__name__)

_View = Callable[[HttpRequest], HttpResponse]


class RequestMarkMiddleware:
    """Give each request an id that ties its log lines and audit entries together."""

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the mark in the response's headers."""
        if "\x00" in unquote(request.META.get("QUERY_STRING", "") + request.path):
            return bad_request(request)
        mark = uuid.uuid4().hex[:16]
        with collecting_seen(mark) as seen:
            request.seen = seen  # type: ignore[attr-defined]  # put there by a middleware
            response = self.get_response(request)
        response["X-Request-Id"] = mark
        return response


class RefusalMiddleware:
    """Tell a refusal as a page, or as a fragment where htmx asked (the one translator), and audit each attempt."""

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; refusals come back through `process_exception`, or told in a form."""
        with collecting_refusals() as made:
            response = self.get_response(request)
        keep_refused(request, response, made)
        if response.status_code == NotThisWay.status and not response.streaming and not response.content:
            return not_this_way(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """None leaves anything that is not a refusal to be a 500: it is a bug."""
        if isinstance(exception, Refusal):
            return refused(request, exception)
        return None


class PlainTextMiddleware:
    """Take what people type as letters: nothing that turns or hides what stands beside it reaches a form or an action.

    Passwords are left as they are.
    """

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the fields are read once its view is known."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_given: object) -> None:
        """Put the plain text of every field in its place, where one has other letters."""
        if request.method != "POST":
            return
        odd = {
            name: [plain(value) if isinstance(value, str) else value for value in values]
            for name, values in request.POST.lists()
            if "password" not in name and any(isinstance(value, str) and not is_plain(value) for value in values)
        }
        if odd:
            fields = request.POST.copy()
            for name, values in odd.items():
                fields.setlist(name, values)
            request.POST = fields  # type: ignore[assignment]  # a copy of what came, which nobody changes after this


class TooLarge(Refusal):
    """More would come than is taken."""

    code = "core.too_large"
    sentence = "This is too large to send, and nothing was taken."
    status = 413


class NoLength(Refusal):
    """Nobody says how much will come."""

    code = "core.no_length"
    sentence = "What was sent does not say how long it is, so nothing was taken. Send it from the form's own page."
    status = 411


class BodyLimitMiddleware:
    """Refuse a body that is longer than any form here takes, before a byte of it is read.

    A file may be as large as a document, with room for the fields beside it; anything else as large as Django takes.
    A body in chunks without a length is refused too: Django would take it for an empty form.
    """

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or say how much is taken."""
        refusal = _unfit(request)
        return self.get_response(request) if refusal is None else refused(request, refusal)


def most_taken() -> int:
    """How many bytes any form takes at most: the largest document and the fields beside it."""
    return (settings.LIAISON_DOCUMENT_MB << 20) + int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _unfit(request: HttpRequest) -> Refusal | None:
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length:
        return NoLength(_(NoLength.sentence)) if request.headers.get("Transfer-Encoding") else None
    with_file = request.content_type == "multipart/form-data"
    most = most_taken() if with_file else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    coming = id_in(length)
    if coming is not None and coming <= most:
        return None
    log.warning("core.too_large", extra={"length": length[:20], "most": most})
    if not with_file:
        return TooLarge(_(TooLarge.sentence))
    words = _("This is too large: a file may have at most %(most)d MB. Nothing was taken. Send a smaller one.")
    return TooLarge(words % {"most": settings.LIAISON_DOCUMENT_MB})


class RememberingMiddleware:
    """Let a request that changes nothing ask the database once for what its page needs many times."""

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer; what was remembered ends with the request."""
        if request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        with remembering():
            return self.get_response(request)


class SeenMiddleware:
    """Write one read entry for a response that showed patients, with all of them."""

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then write down which patients the answer showed."""
        response = self.get_response(request)
        seen = request.seen.patient_ids  # type: ignore[attr-defined]  # put there by a middleware
        actor = actor_of(request)
        if seen and not actor.is_anonymous:
            view = request.resolver_match.view_name if request.resolver_match else ""
            record(
                actor,
                SEE,
                outcome=AuditEntry.Outcome.SEEN,
                patient_ids=sorted(seen),
                details={"view": view, "status": response.status_code},
            )
        return response
