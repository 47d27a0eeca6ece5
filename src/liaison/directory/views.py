"""The directory's pages: clinicians and places, looked up by everybody, kept right by those who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.actor import Actor
from liaison.core.answers import attempt, done, tell_against, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, Stale
from liaison.directory import actions, queries
from liaison.directory.access import CHANGE
from liaison.directory.forms import OrganizationForm, PractitionerForm
from liaison.directory.models import Organization, Practitioner


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Clinicians, or with `places=1` organizations, narrowed by what is typed."""
    actor = actor_of(request)
    text, places = request.GET.get("q", "")[:100].strip(), request.GET.get("places") == "1"
    rows = queries.organizations(actor, text=text) if places else queries.practitioners(actor, text=text)
    context = {
        "rows": [(row, _may_change_one(actor, row)) for row in rows],
        "q": text,
        "places": places,
        "may_change": actor.may(CHANGE),
    }
    return render(request, "directory/_rows.html" if wants_fragment(request) else "directory/list.html", context)


@require_http_methods(["GET", "POST"])
def practitioner(request: HttpRequest, practitioner_id: int | None = None) -> HttpResponse:
    """A clinician's entry: a new one, or one to correct."""
    actor, now = _may_change(request), current_time()
    row = None if practitioner_id is None else queries.get_practitioner(actor, practitioner_id=practitioner_id)
    if row is not None and not _may_change_one(actor, row):
        raise Forbidden

    def filled(row: Practitioner | None) -> PractitionerForm:
        return PractitionerForm(request.POST or None, actor=actor, now=now, row=row)

    def again() -> tuple[PractitionerForm, int]:
        kept = queries.get_practitioner(actor, practitioner_id=practitioner_id or 0)
        return filled(kept), kept.version

    form = filled(row)

    def save() -> Any:
        if row is None:
            return actions.add_practitioner(actor=actor, details=form.details(), now=now)
        version = form.cleaned_data["version"] or 0
        return actions.change_practitioner(
            actor=actor, practitioner_id=row.pk, details=form.details(), expected_version=version, now=now
        )

    retire = reverse("directory:practitioner_retire", args=[row.pk]) if row else ""
    title = row.name if row else _("New clinician")
    return _entry(request, form=form, title=title, save=save, again=again, retire=retire)


@require_http_methods(["GET", "POST"])
def organization(request: HttpRequest, organization_id: int | None = None) -> HttpResponse:
    """A place's entry: a new one, or one to correct."""
    actor, now = _may_change(request), current_time()
    row = None if organization_id is None else queries.get_organization(actor, organization_id=organization_id)

    def again() -> tuple[OrganizationForm, int]:
        kept = queries.get_organization(actor, organization_id=organization_id or 0)
        return OrganizationForm(request.POST, row=kept), kept.version

    form = OrganizationForm(request.POST or None, row=row)

    def save() -> Any:
        if row is None:
            return actions.add_organization(actor=actor, details=form.details(), now=now)
        version = form.cleaned_data["version"] or 0
        return actions.change_organization(
            actor=actor, organization_id=row.pk, details=form.details(), expected_version=version, now=now
        )

    retire = reverse("directory:organization_retire", args=[row.pk]) if row else ""
    title = row.name if row else _("New place")
    return _entry(request, form=form, title=title, save=save, again=again, retire=retire, back="?places=1")


@require_POST
def practitioner_retire(request: HttpRequest, practitioner_id: int) -> HttpResponse:
    """A clinician is offered no longer."""
    actor = _may_change(request)
    row = queries.get_practitioner(actor, practitioner_id=practitioner_id)
    actions.retire_practitioner(actor=actor, practitioner=row, now=current_time())
    return done(request, said=_("No longer offered; what refers to it stays."), to=reverse("directory:home"), go=True)


@require_POST
def organization_retire(request: HttpRequest, organization_id: int) -> HttpResponse:
    """A place is offered no longer."""
    actor = _may_change(request)
    row = queries.get_organization(actor, organization_id=organization_id)
    actions.retire_organization(actor=actor, organization=row, now=current_time())
    to = f"{reverse('directory:home')}?places=1"
    return done(request, said=_("No longer offered; what refers to it stays."), to=to, go=True)


def _entry(
    request: HttpRequest,
    *,
    form: forms.Form,
    title: str,
    save: Callable[[], Any],
    again: Callable[[], tuple[forms.Form, int]],
    retire: str,
    back: str = "",
) -> HttpResponse:
    """The page of an entry. `again` makes the form of what is kept now, with its version, after a stale save."""
    to = f"{reverse('directory:home')}{back}"
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            attempt(form, save, passing=(Stale,))
        except Stale as refusal:
            form, version = again()
            tell_against(form, version=version)
            form.add_error(None, refusal.sentence)
            status = refusal.status
        else:
            if not form.errors:
                return done(request, said=_("Saved."), to=to, go=True)
    context = {"form": form, "title": title, "back": to, "retire": retire}
    return render(request, "directory/entry.html", context, status=422 if form.errors and status == 200 else status)


def _may_change_one(actor: Actor, row: Practitioner | Organization) -> bool:
    """Whether this entry is this actor's to correct: a clinician of ours by who works at their site."""
    site_id = row.site_id if isinstance(row, Practitioner) else None
    return actor.may(CHANGE) if site_id is None else actor.may_at(CHANGE, site_id=site_id)


def _may_change(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if not actor.may(CHANGE):
        raise Forbidden
    return actor
