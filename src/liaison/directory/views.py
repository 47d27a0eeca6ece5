"""The directory's pages: clinicians and places, looked up by everybody, kept right by those who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.actor import Actor
from liaison.core.answers import done, put_beside, says_what_is_kept, tell_against, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, NotFound, Refusal, Stale, StepUpNeeded
from liaison.directory import actions, queries
from liaison.directory.access import CHANGE
from liaison.directory.forms import EntryForm, OfferAgainForm, OrganizationForm, PractitionerForm, RetireForm
from liaison.directory.models import Organization, Practitioner
from liaison.directory.ports import open_referrals

F = TypeVar("F", bound=EntryForm)

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
        sent_as = form_key(request, typed.get("key", "")) if typed else ""
        return PractitionerForm(typed, actor=actor, now=now, row=kept, sent_as=sent_as)

    def save(form: PractitionerForm) -> Any:
        if row is None:
            return actions.add_practitioner(actor=actor, details=form.details(), sent=_sent(request, form), now=now)
        version = form.cleaned_data["version"] or 0
        return actions.change_practitioner(
            actor=actor, practitioner_id=row.pk, details=form.details(), expected_version=version, now=now
        )

    def alike(form: PractitionerForm) -> Sequence[Practitioner]:
        return queries.alike_practitioners(actor, sketch=form.details().sketch)

    page = _Page(title=row.name if row else _("New clinician"), row=row)
    return _entry(request, page, make=make, save=save, alike=alike)


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
            return actions.add_organization(actor=actor, details=form.details(), sent=_sent(request, form), now=now)
        version = form.cleaned_data["version"] or 0
        return actions.change_organization(
            actor=actor, organization_id=row.pk, details=form.details(), expected_version=version, now=now
        )

    def alike(form: OrganizationForm) -> Sequence[Organization]:
        return queries.alike_organizations(actor, sketch=form.details().sketch)

    page = _Page(title=row.name if row else _("New place"), row=row, places=True)
    return _entry(request, page, make=make, save=save, alike=alike)


@require_http_methods(["GET", "POST"])
def retire(request: HttpRequest, **which: int) -> HttpResponse:
    """Ask first: what goes, how many open referrals name it, and why; who comes second is told and may go on."""
    actor = _may_change(request)
    row = _entry_named(actor, **which)
    entry = _address(row)
    if not actor.may_at(CHANGE, site_id=row.site_id):
        raise Forbidden
    typed = request.POST if request.method == "POST" else None
    if row.retired_at is not None and typed is None:
        return HttpResponseRedirect(entry)
    form, status = RetireForm(typed, initial={"version": row.version}), 422
    if form.is_valid():
        reason, version = form.cleaned_data["reason"], form.cleaned_data["version"]
        try:
            actions.retire_entry(actor=actor, entry=row, reason=reason, expected_version=version, now=current_time())
        except Stale as refusal:
            status = refusal.status
            tell_against(form, version=row.version)
            form.add_error(None, refusal.sentence)
        else:
            return done(request, said=_("No longer offered; what refers to it stays."), to=entry, go=True)
    context = {"form": form, "row": row, "back": entry, "referrals": open_referrals(**which)}
    return render(request, "directory/retire.html", context, status=status if form.errors else 200)


@require_POST
def offer(request: HttpRequest, **which: int) -> HttpResponse:
    """A clinician or a place is offered again."""
    actor = _may_change(request)
    row = _entry_named(actor, **which)
    form = OfferAgainForm(request.POST)
    # The version of the entry on whose page somebody pressed; 0, which none has, where none was sent.
    version = form.cleaned_data["version"] if form.is_valid() else 0
    actions.offer_again(actor=actor, entry=row, expected_version=version, now=current_time())
    return done(request, said=_("Offered again."), to=_address(row), go=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The page of an entry: of a new one (`row` None), or of one to correct."""

    title: str
    row: Practitioner | Organization | None
    places: bool = False

    @property
    def back(self) -> str:
        """The list that it stands in."""
        return f"{reverse('directory:home')}{'?places=1' if self.places else ''}"


def _entry(
    request: HttpRequest,
    page: _Page,
    *,
    make: Callable[[Any], F],
    save: Callable[[F], Any],
    alike: Callable[[F], Sequence[Practitioner | Organization]],
) -> HttpResponse:
    """The form of an entry, sent or fresh.

    Whoever comes second is told what it says now, and may save against that; what looks like a new one stands beside
    it, and is added anyway when somebody says so.
    """
    actor, like = actor_of(request), list[Practitioner | Organization]()
    form, status = make(request.POST or None), 422
    if request.method == "POST" and form.is_valid():
        try:
            save(form)
        except (Forbidden, NotFound, StepUpNeeded):
            raise
        except Stale as refusal:
            form, status = make(request.POST), refusal.status
            if says_what_is_kept(form):
                return done(request, said=_("Saved."), to=page.back, go=True)
            tell_against(form, version=make(None).initial["version"])
            form.add_error(None, refusal.sentence)
        except Refusal as refusal:
            like = [*alike(form)] if isinstance(refusal, actions.LooksLikeAnEntry) else []
            put_beside(form, refusal)
        else:
            return done(request, said=_("Saved."), to=page.back, go=True)
    context = {
        "form": form,
        "title": page.title,
        "back": page.back,
        "row": page.row,
        "places": page.places,
        "time_zone": actor.zone,
        "alike": [(each, _may_change_one(actor, each)) for each in like],
        "may_retire": page.row is not None and actor.may_at(CHANGE, site_id=page.row.site_id),
    }
    return render(request, "directory/entry.html", context, status=status if form.errors else 200)


def _sent(request: HttpRequest, form: EntryForm) -> actions.Sent:
    key = form_key(request, form.cleaned_data["key"])
    return form.sent(key=key, shown=request.POST.getlist("shown_alike"))


def _entry_named(
    actor: Actor, *, practitioner_id: int | None = None, organization_id: int = 0
) -> Practitioner | Organization:
    """The clinician or the place that an address names. Refuses: NotFound."""
    if practitioner_id is not None:
        return queries.get_practitioner(actor, practitioner_id=practitioner_id)
    return queries.get_organization(actor, organization_id=organization_id)


def _address(row: Practitioner | Organization) -> str:
    """The page of an entry."""
    return reverse(f"directory:{row._meta.model_name}", args=[row.pk])


def _may_change_one(actor: Actor, row: Practitioner | Organization) -> bool:
    """Whether this entry is this actor's to correct: a clinician of ours by who works at their site."""
    return actor.may(CHANGE) if row.site_id is None else actor.may_at(CHANGE, site_id=row.site_id)


def _may_change(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if not actor.may(CHANGE):
        raise Forbidden
    return actor
