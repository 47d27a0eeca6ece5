"""What a site says of itself to patients: its name, address and telephone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liaison.accounts import actions
from liaison.accounts.forms import SiteDetailsForm
from liaison.accounts.queries import site_for
from liaison.core.answers import attempt, done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.templatetags.liaison import phone


@require_http_methods(["GET", "POST"])
def site(request: HttpRequest, site_id: int) -> HttpResponse:
    """Change where a site is and where patients call."""
    actor, now = actor_of(request), current_time()
    found = site_for(actor, site_id=site_id)
    told = {"name": found.name, "address": found.address, "phone": phone(found.phone)}
    form = SiteDetailsForm(request.POST or None, initial=told)
    if form.is_valid():
        changed = attempt(form, lambda: actions.change_site(actor=actor, site=found, now=now, **form.cleaned_data))
        if changed is not None:
            return done(request, said=_("Saved."), to=reverse("accounts:sites"), go=True)
    return render(request, "accounts/site.html", {"site": found, "form": form}, status=422 if form.errors else 200)
