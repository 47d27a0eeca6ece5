"""What a site says of itself to patients: its name, address and telephone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liaison.accounts import actions
from liaison.accounts.forms import ChangedSiteForm
from liaison.accounts.models import Site
from liaison.accounts.queries import site_for
from liaison.core.answers import done, put_beside, says_what_is_kept, tell_against
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Stale
from liaison.core.templatetags.liaison import phone


@require_http_methods(["GET", "POST"])
def site(request: HttpRequest, site_id: int) -> HttpResponse:
    """Change where a site is and where patients call."""
    actor, now = actor_of(request), current_time()
    found = site_for(actor, site_id=site_id)
    form, status = _form(request.POST or None, found), 422
    if form.is_valid():
        details, version = form.details(), form.cleaned_data["version"] or 0
        try:
            actions.change_site(actor=actor, site=found, details=details, expected_version=version, now=now)
        except Stale as refusal:
            status, found = refusal.status, site_for(actor, site_id=site_id)
            form = _form(request.POST, found)
            if says_what_is_kept(form):
                return _saved(request)
            tell_against(form, version=found.version)
            form.add_error(None, refusal.sentence)
        except actions.PhoneNeeded as refusal:
            put_beside(form, refusal)
        else:
            return _saved(request)
    page = {"site": found, "form": form}
    return render(request, "accounts/site.html", page, status=status if form.errors else 200)


def _saved(request: HttpRequest) -> HttpResponse:
    return done(request, said=_("Saved."), to=reverse("accounts:sites"), go=True)


def _form(typed: QueryDict | None, found: Site) -> ChangedSiteForm:
    kept = {"name": found.name, "address": found.address, "phone": phone(found.phone), "version": found.version}
    return ChangedSiteForm(typed, initial=kept)
