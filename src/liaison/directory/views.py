"""The directory's pages: clinicians and places, looked up by everybody, kept right by those who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.actor import Actor
from liaison.core.answers import done, put_beside, tell_against, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, NotFound, Refusal, Stale, StepUpNeeded
from liaison.directory import actions, queries
from liaison.directory.access import CHANGE
from liaison.directory.forms import OrganizationForm, PractitionerForm
from liaison.directory.models import Organization, Practitioner

F = TypeVar("F", bound=forms.Form)


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

    def make(typed: Any) -> PractitionerForm:
        kept = None if row is None else queries.get_practitioner(actor, practitioner_id=row.pk)
        return PractitionerForm(typed, actor=actor, now=now, row=kept)

    def save(form: PractitionerForm) -> Any:
        if row is None:
            return actions.add_practitioner(actor=actor, details=form.details(), now=now)
        version = form.cleaned_data["version"] or 0
        return actions.change_practitioner(
            actor=actor, practitioner_id=row.pk, details=form.details(), expected_version=version, now=now
        )

    retire = reverse("directory:practitioner_retire", args=[row.pk]) if row else ""
    return _entry(request, make=make, title=row.name if row else _("New clinician"), save=save, retire=retire)


@require_http_methods(["GET", "POST"])
def organization(request: HttpRequest, organization_id: int | None = None) -> HttpResponse:
    """A place's entry: a new one, or one to correct."""
    actor, now = _may_change(request), current_time()
    row = None if organization_id is None else queries.get_organization(actor, organization_id=organization_id)

    def make(typed: Any) -> OrganizationForm:
        kept = None if row is None else queries.get_organization(actor, organization_id=row.pk)
        return OrganizationForm(typed, row=kept)

    def save(form: OrganizationForm) -> Any:
        if row is None:
            return actions.add_organization(actor=actor, details=form.details(), now=now)
        version = form.cleaned_data["version"] or 0
        return actions.change_organization(
            actor=actor, organization_id=row.pk, details=form.details(), expected_version=version, now=now
        )

    retire = reverse("directory:organization_retire", args=[row.pk]) if row else ""
    return _entry(
        request, make=make, title=row.name if row else _("New place"), save=save, retire=retire, back="?places=1"
    )


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
    make: Callable[[Any], F],
    save: Callable[[F], Any],
    title: str,
    retire: str,
    back: str = "",
) -> HttpResponse:
    """The form of an entry, sent or fresh; whoever comes second is told what it says now, and may save against that."""
    to = f"{reverse('directory:home')}{back}"
    form, status = make(request.POST or None), 422
    if request.method == "POST" and form.is_valid():
        try:
            save(form)
        except (Forbidden, NotFound, StepUpNeeded):
            raise
        except Stale as refusal:
            form, status = make(request.POST), refusal.status
            tell_against(form, version=make(None).initial["version"])
            form.add_error(None, refusal.sentence)
        except Refusal as refusal:
            put_beside(form, refusal)
        else:
            return done(request, said=_("Saved."), to=to, go=True)
    context = {"form": form, "title": title, "back": to, "retire": retire}
    return render(request, "directory/entry.html", context, status=status if form.errors else 200)


def _may_change_one(actor: Actor, row: Practitioner | Organization) -> bool:
    """Whether this entry is this actor's to correct: a clinician of ours by who works at their site."""
    site_id = row.site_id if isinstance(row, Practitioner) else None
    return actor.may(CHANGE) if site_id is None else actor.may_at(CHANGE, site_id=site_id)


def _may_change(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if not actor.may(CHANGE):
        raise Forbidden
    return actor
