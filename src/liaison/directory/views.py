"""The directory's pages: clinicians and places, looked up by everybody, kept right by those who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.answers import done, put_beside, tell_against, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, NotFound, Refusal, Stale, StepUpNeeded
from liaison.directory import actions, queries
from liaison.directory.access import CHANGE
from liaison.directory.forms import OfferAgainForm, OrganizationForm, PractitionerForm, RetireForm
from liaison.directory.models import Organization, Practitioner
from liaison.directory.ports import open_referrals

F = TypeVar("F", bound=forms.Form)

_LISTS: Final[Mapping[tuple[bool, bool], Callable[..., Sequence[Practitioner | Organization]]]] = MappingProxyType(
    {
        (False, False): queries.practitioners,
        (False, True): queries.retired_practitioners,
        (True, False): queries.organizations,
        (True, True): queries.retired_organizations,
    }
)
"""Which list is asked for: of places or of clinicians, of those offered no longer or of the others."""


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Clinicians, or with `places=1` organizations, narrowed by what is typed; `gone=1`: those that went."""
    actor = actor_of(request)
    text, places = request.GET.get("q", "")[:100].strip(), request.GET.get("places") == "1"
    gone = request.GET.get("gone") == "1"
    rows = _LISTS[places, gone](actor, text=text)
    context = {
        "rows": [(row, _may_change_one(actor, row)) for row in rows],
        "q": text,
        "places": places,
        "gone": gone,
        "time_zone": actor.zone,
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

    return _entry(request, make=make, title=row.name if row else _("New clinician"), save=save, row=row)


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

    title = row.name if row else _("New place")
    return _entry(request, make=make, title=title, save=save, row=row, back="?places=1")


@require_http_methods(["GET", "POST"])
def practitioner_retire(request: HttpRequest, practitioner_id: int) -> HttpResponse:
    """Ask why a clinician is offered no longer, and take them out."""
    actor, now = _may_change(request), current_time()
    row = queries.get_practitioner(actor, practitioner_id=practitioner_id)
    return _retire(
        request,
        row,
        entry=reverse("directory:practitioner", args=[row.pk]),
        referrals=open_referrals(practitioner_id=row.pk),
        retire=lambda **typed: actions.retire_practitioner(actor=actor, practitioner_id=row.pk, now=now, **typed),
    )


@require_http_methods(["GET", "POST"])
def organization_retire(request: HttpRequest, organization_id: int) -> HttpResponse:
    """Ask why a place is offered no longer, and take it out."""
    actor, now = _may_change(request), current_time()
    row = queries.get_organization(actor, organization_id=organization_id)
    return _retire(
        request,
        row,
        entry=reverse("directory:organization", args=[row.pk]),
        referrals=open_referrals(organization_id=row.pk),
        retire=lambda **typed: actions.retire_organization(actor=actor, organization_id=row.pk, now=now, **typed),
    )


@require_POST
def practitioner_offer(request: HttpRequest, practitioner_id: int) -> HttpResponse:
    """A clinician is offered again."""
    actor = _may_change(request)
    row = queries.get_practitioner(actor, practitioner_id=practitioner_id)
    version = _version_seen(request)
    actions.offer_practitioner_again(actor=actor, practitioner_id=row.pk, expected_version=version, now=current_time())
    return done(request, said=_("Offered again."), to=reverse("directory:practitioner", args=[row.pk]), go=True)


@require_POST
def organization_offer(request: HttpRequest, organization_id: int) -> HttpResponse:
    """A place is offered again."""
    actor = _may_change(request)
    row = queries.get_organization(actor, organization_id=organization_id)
    version = _version_seen(request)
    actions.offer_organization_again(actor=actor, organization_id=row.pk, expected_version=version, now=current_time())
    return done(request, said=_("Offered again."), to=reverse("directory:organization", args=[row.pk]), go=True)


def _version_seen(request: HttpRequest) -> int:
    """The version of the entry on whose page somebody pressed; 0, which none has, where none was sent."""
    form = OfferAgainForm(request.POST)
    return form.cleaned_data["version"] if form.is_valid() else 0


def _retire(
    request: HttpRequest, row: Practitioner | Organization, *, entry: str, referrals: int, retire: Callable[..., Any]
) -> HttpResponse:
    """Ask first: what goes, how many open referrals name it, and why; who comes second is told and may go on."""
    if not _may_retire(actor_of(request), row):
        raise Forbidden
    if row.retired_at is not None:
        return HttpResponseRedirect(entry)
    typed = request.POST if request.method == "POST" else None
    form, status = RetireForm(typed, initial={"version": row.version}), 422
    if form.is_valid():
        try:
            retire(reason=form.cleaned_data["reason"], expected_version=form.cleaned_data["version"])
        except Stale as refusal:
            status = refusal.status
            tell_against(form, version=row.version)
            form.add_error(None, refusal.sentence)
        else:
            return done(request, said=_("No longer offered; what refers to it stays."), to=entry, go=True)
    context = {"form": form, "row": row, "back": entry, "referrals": referrals}
    return render(request, "directory/retire.html", context, status=status if form.errors else 200)


def _entry(
    request: HttpRequest,
    *,
    make: Callable[[Any], F],
    save: Callable[[F], Any],
    row: Practitioner | Organization | None,
    title: str,
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
    actor = actor_of(request)
    context = {"form": form, "title": title, "back": to, "row": row, "places": bool(back), "time_zone": actor.zone}
    context["may_retire"] = row is not None and _may_retire(actor, row)
    return render(request, "directory/entry.html", context, status=status if form.errors else 200)


def _may_change_one(actor: Actor, row: Practitioner | Organization) -> bool:
    """Whether this entry is this actor's to correct: a clinician of ours by who works at their site."""
    site_id = row.site_id if isinstance(row, Practitioner) else None
    return actor.may(CHANGE) if site_id is None else actor.may_at(CHANGE, site_id=site_id)


def _may_retire(actor: Actor, row: Practitioner | Organization) -> bool:
    """Whether this actor may take the entry out and back in: what belongs to no site is missing at every site then."""
    return actor.may_at(CHANGE, site_id=row.site_id if isinstance(row, Practitioner) else EVERYWHERE)


def _may_change(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if not actor.may(CHANGE):
        raise Forbidden
    return actor
