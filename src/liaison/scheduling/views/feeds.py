"""One's own visits in one's own calendar: the page that makes the address, and the address itself."""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from urllib.parse import urljoin

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from liaison.core.answers import done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.scheduling import actions, queries
from liaison.scheduling.ports import feed_writer

_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@require_GET
def own(request: HttpRequest) -> HttpResponse:
    """Whether one has an address, what stands behind it, and how to make or end it."""
    return render(request, "scheduling/own_feed.html", {"feed": queries.own_feed(actor_of(request))})


@never_cache
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """Make a new address and show it this once."""
    secret = actions.make_feed(actor=actor_of(request), now=current_time())
    address = urljoin(settings.LIAISON_PUBLIC_URL, reverse("scheduling:feed", args=[secret]))
    page = {
        "feed": queries.own_feed(actor_of(request)),
        "address": address,
        "subscribe": f"webcal://{address.partition('://')[2]}",
    }
    return render(request, "scheduling/own_feed.html", page)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """The address answers no more."""
    ended = actions.end_feed(actor=actor_of(request), now=current_time())
    said = _("Ended. Calendars that read it get nothing any more.") if ended else _("There was no address.")
    return done(request, said=said, to=reverse("scheduling:own_feed"), go=True)


@login_not_required
@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """The visits behind a secret address, as a calendar. Whatever is no such address is a plain 404.

    The secret is the whole proof. Nothing is raised here, so that it stands in no log and no audit entry.
    """
    duties, writer = queries.duties_behind(secret, now=current_time()), feed_writer()
    if duties is None or writer is None:
        return HttpResponse("Not found.\n", status=404, content_type="text/plain", headers=_HEADERS)
    content = writer.write_feed(duties, name=settings.LIAISON_ORGANIZATION)
    etag = f'"{sha256(content).hexdigest()}"'
    answer = HttpResponse(content, content_type=writer.feed_type, headers={**_HEADERS, "ETag": etag})
    return get_conditional_response(request, etag=etag, response=answer) or answer
