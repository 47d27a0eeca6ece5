"""What happens around every request: a mark for the logs, refusals told as pages, the read audit."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse

from liaison.core.asking import actor_of
from liaison.core.attempts import SEE, keep_refused
from liaison.core.audit import collecting_seen, record
from liaison.core.models import AuditEntry
from liaison.core.refusals import Refusal, collecting_refusals
from liaison.core.remembering import remembering
from liaison.core.translate import refused

log = logging.getLogger(__name__)

_View = Callable[[HttpRequest], HttpResponse]


class RequestMarkMiddleware:
    """Give each request an id that ties its log lines and audit entries together."""

    def __init__(self, get_response: _View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the mark in the response's headers."""
        if "\x00" in unquote(request.META.get("QUERY_STRING", "") + request.path):
            return HttpResponse("This address can't be read.\n", status=400, content_type="text/plain")
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
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """None leaves anything that is not a refusal to be a 500: it is a bug."""
        if isinstance(exception, Refusal):
            return refused(request, exception)
        return None


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
