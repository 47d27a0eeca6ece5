"""What a view answers after something was done: in place for htmx, a redirect otherwise."""

import json
from collections.abc import Iterable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page (and not for a whole one after pressing Back)."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.history_restore_request


def done(
    request: HttpRequest,
    *,
    said: str,
    to: str,
    undo_url: str = "",
    topics: Iterable[str] = (),
    go: bool = False,
) -> HttpResponse:
    """Say that something was done.

    With htmx: 204, and a trigger that shows ``said`` in the undo bar and fetches again every piece of the page
    that listens to one of ``topics`` ("loop:5"); with ``go`` the browser then opens ``to``. Without htmx: a redirect
    to ``to`` that shows ``said``. ``undo_url`` is POSTed when the person presses Undo within ten seconds.
    """
    if not wants_fragment(request):
        messages.success(request, said, extra_tags=undo_url)
        return HttpResponseRedirect(to)
    if go:
        messages.success(request, said, extra_tags=undo_url)
        return HttpResponse(status=204, headers={"HX-Redirect": to})
    told = {"liaison:done": {"said": said, "undo": undo_url, "topics": list(topics)}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})
