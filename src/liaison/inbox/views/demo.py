"""What the invented patients of the demonstration received."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.inbox.queries import mailbox, received_mail


@require_GET
def demo_mailbox(request: HttpRequest) -> HttpResponse:
    """The mails, the newest first; asks for news by itself."""
    now = current_time()
    context = {
        "mails": mailbox(actor_of(request), now=now),
        "zone": str(actor_of(request).zone),
        "now": now,
    }
    template = "inbox/_mailbox.html" if wants_fragment(request) else "inbox/mailbox.html"
    return render(request, template, context)


@require_GET
def demo_mail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail: beside the list for htmx, else a page."""
    now = current_time()
    context = {
        "mail": received_mail(actor_of(request), name=name, now=now),
        "zone": str(actor_of(request).zone),
        "now": now,
    }
    template = "inbox/_mail.html" if wants_fragment(request) else "inbox/mail.html"
    return render(request, template, context)
