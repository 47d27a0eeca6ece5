"""What can be booked: visit types, resources with their hours, closures. A list, and a form for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import EVERYWHERE
from liaison.core.answers import done, put_beside, says_what_is_kept, tell_against
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import NO_VERSION, Forbidden, Refusal, Stale
from liaison.scheduling import actions, queries
from liaison.scheduling.access import ARRANGE
from liaison.scheduling.forms import ClosureForm, HoursFormSet, ResourceForm, VisitTypeForm
from liaison.scheduling.models import Resource, VisitType, WorkingHours
from liaison.scheduling.ports import Span
from liaison.scheduling.rules import settle

both = require_http_methods(["GET", "POST"])


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Everything that can be booked."""
    _may_arrange(request)
    now = current_time()
    sites = tuple(sites_within(actor_of(request), ARRANGE))
    context = {
        "everywhere": actor_of(request).may_at(ARRANGE, site_id=EVERYWHERE),
        "visit_types": queries.visit_types(actor_of(request)),
        "abilities": queries.abilities_in_use(actor_of(request)),
        "resources": queries.resources(actor_of(request)),
        "closures": queries.closures_ahead(actor_of(request), now=now),
        "sites": sites,
        "arranged": {site.pk for site in sites},
        "now": now,
    }
    return render(request, "scheduling/arrange.html", context)


@both
def visit_type(request: HttpRequest, visit_type_id: int | None = None) -> HttpResponse:
    """Add a visit type, or make its next version: they are the whole organization's."""
    now = current_time()
    _may_arrange(request, at=EVERYWHERE)
    known = queries.get_visit_type(actor_of(request), visit_type_id=visit_type_id) if visit_type_id else None
    form, title = _visit_type_form(request, known), known.name if known else _("New visit type")
    if not form.is_valid():
        return _form(request, form, title=title)
    draft, version = form.draft(), form.cleaned_data["version"] or NO_VERSION
    try:
        if known is None:
            actions.add_visit_type(actor=actor_of(request), draft=draft, now=now)
        else:
            actions.define_visit_type(actor=actor_of(request), draft=draft, expected_version=version, now=now)
    except Stale as refusal:
        current = queries.visit_type_of(actor_of(request), code=draft.code)
        form = _visit_type_form(request, current)
        if says_what_is_kept(form):
            return _visit_type_saved(request)
        tell_against(form, version=current.version)
        return _form(request, form, title=title, refusal=refusal)
    except actions.CodeTaken as refusal:
        form.add_error("code", _with_link(refusal, queries.visit_type_of(actor_of(request), code=draft.code)))
        return _form(request, form, title=title)
    except actions.Impossible as refusal:
        put_beside(form, refusal)
        return _form(request, form, title=title)
    return _visit_type_saved(request)


def _visit_type_saved(request: HttpRequest) -> HttpResponse:
    return _back(request, said=_("Saved. Bookings made so far keep the version they were made with."))


def _visit_type_form(request: HttpRequest, known: VisitType | None) -> VisitTypeForm:
    words = queries.abilities_in_use(actor_of(request))
    return VisitTypeForm(request.POST or None, abilities=words, initial=_of_visit_type(known, words=words))


def _with_link(refusal: Refusal, other: VisitType) -> SafeString:
    """The sentence, and the way to the visit type that has the code."""
    change = _("Change %(name)s") % {"name": other.name}
    return format_html(
        '{} <a href="{}">{}</a>', refusal.sentence, reverse("scheduling:visit_type", args=[other.pk]), change
    )


def _of_visit_type(known: VisitType | None, *, words: Mapping[str, str]) -> dict[str, Any]:
    if known is None:
        return {}
    names = [name for name in VisitTypeForm.base_fields if name != "needs"]
    needs = "\n".join(f"{need.role}, {words[need.ability]}, {need.quantity}" for need in known.needs.all())
    return {name: getattr(known, name) for name in names} | {"needs": needs}


@both
def resource(request: HttpRequest, resource_id: int | None = None) -> HttpResponse:
    """Add a person, room or device, or change it."""
    now = current_time()
    _may_arrange(request)
    known = queries.get_resource(actor_of(request), resource_id=resource_id) if resource_id else None
    if known is not None:
        _may_arrange(request, at=known.site_id)
    words, sites = queries.abilities_in_use(actor_of(request)), actor_of(request).sites_for(ARRANGE)
    initial = _of_resource(known, words=words)
    form = ResourceForm(request.POST or None, sites=sites, abilities=words, initial=initial)
    if not form.is_valid():
        return _form(request, form, title=known.name if known else _("New resource"), resource=known)
    version = form.cleaned_data.pop("version") or 0
    draft = actions.ResourceDraft(**form.cleaned_data)
    try:
        if known is None:
            known = actions.add_resource(actor=actor_of(request), draft=draft, now=now)
            to = reverse("scheduling:hours", args=[known.pk])
            return done(request, said=_("Added. Now say when it can be booked."), to=to, go=True)
        actions.change_resource(actor=actor_of(request), resource=known, draft=draft, expected_version=version, now=now)
    except Stale as refusal:
        known = queries.get_resource(actor_of(request), resource_id=resource_id or 0)
        form = ResourceForm(request.POST, sites=sites, abilities=words, initial=_of_resource(known, words=words))
        if says_what_is_kept(form):
            return _back(request, said=_("Saved."))
        tell_against(form, version=known.version)
        return _form(request, form, title=known.name, resource=known, refusal=refusal)
    except (actions.Impossible, actions.NameTaken) as refusal:
        put_beside(form, refusal)
        return _form(request, form, title=draft.name, resource=known)
    return _back(request, said=_("Saved."))


def _of_resource(known: Resource | None, *, words: Mapping[str, str]) -> dict[str, Any]:
    if known is None:
        return {}
    return {
        "name": known.name,
        "kind": known.kind,
        "site": known.site_id,
        "practitioner": known.practitioner_id,
        "abilities": ", ".join(words[ability] for ability in known.abilities),
        "version": known.version,
    }


@both
def hours(request: HttpRequest, resource_id: int) -> HttpResponse:
    """The working hours of a resource at the sites that one arranges, all of them at once; others' are shown."""
    _may_arrange(request)
    sites = actor_of(request).sites_for(ARRANGE)
    known, ours, others = _hours_now(request, resource_id)
    given = {"sites": sites}
    forms = HoursFormSet(request.POST or None, initial=[_line(entry) for entry in ours], form_kwargs=given)
    version = id_in(request.POST.get("version")) or 0
    refusal: Refusal | None = None
    if forms.is_bound and version != known.version:
        refusal = Stale()
    elif forms.is_valid():
        drafts = [*_drafts_of(forms), *(actions.HoursDraft(**_line(entry)) for entry in others)]
        try:
            actions.set_hours(
                actor=actor_of(request), resource=known, hours=drafts, expected_version=version, now=current_time()
            )
        except (actions.Impossible, actions.OtherSite, Stale) as found:
            refusal = found
        else:
            return _hours_saved(request)
    if isinstance(refusal, Stale):
        refusal = Stale(_("Somebody changed this meanwhile. What you typed is still here; below is what it says now."))
        known, ours, others = _hours_now(request, resource_id)
        if forms.is_valid() and {*_drafts_of(forms)} == {actions.HoursDraft(**_line(entry)) for entry in ours}:
            return _hours_saved(request)  # one form was sent twice at once
        forms = HoursFormSet(initial=_typed_lines(request, given), form_kwargs=given)
    context = {
        "resource": known,
        "forms": forms,
        "refusal": refusal,
        "now_lines": ours if isinstance(refusal, Stale) else (),
        "others": others,
    }
    status = refusal.status if refusal else 422 if forms.is_bound else 200
    return render(request, "scheduling/hours.html", context, status=status)


def _hours_now(request: HttpRequest, resource_id: int) -> tuple[Resource, list[WorkingHours], list[WorkingHours]]:
    """The resource, its hours at the sites that this person arranges, and those elsewhere."""
    actor = actor_of(request)
    known, sites = queries.get_resource(actor, resource_id=resource_id), actor.sites_for(ARRANGE)
    entries = list(queries.hours_of(actor, resource=known))
    ours = [entry for entry in entries if sites is None or entry.site_id in sites]
    return known, ours, [entry for entry in entries if entry not in ours]


def _hours_saved(request: HttpRequest) -> HttpResponse:
    return _back(request, said=_("Hours saved. Visits booked outside them stay; look at the calendar."))


def _drafts_of(forms: Any) -> list[actions.HoursDraft]:
    return [actions.HoursDraft(**line) for line in _lines_of(forms)]


def _line(entry: WorkingHours) -> dict[str, Any]:
    """One line of hours as the form and the action name its parts."""
    return {name: getattr(entry, name) for name in ("weekday", "site", "opens", "closes", "valid_from", "valid_to")}


def _lines_of(forms: Any) -> list[dict[str, Any]]:
    """The lines that were typed and not taken away."""
    lines = [dict(form.cleaned_data) for form in forms if form.is_valid() and form.cleaned_data]
    return [line for line in lines if not line.pop("DELETE", False)]


def _typed_lines(request: HttpRequest, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What was typed, to be shown again beside what a colleague saved."""
    return _lines_of(HoursFormSet(request.POST, form_kwargs=given))


@both
def close(request: HttpRequest, resource_id: int) -> HttpResponse:
    """Take time out of a resource's hours."""
    _may_arrange(request)
    known = queries.get_resource(actor_of(request), resource_id=resource_id)
    _may_arrange(request, at=known.site_id)
    return _close(request, known, site=known.site, title=_("Close %(name)s") % {"name": known.name}, now=current_time())


@both
def close_site(request: HttpRequest, site_id: int) -> HttpResponse:
    """Take time out of everybody's hours at a site."""
    site = queries.site_to_arrange(actor_of(request), site_id=site_id)
    return _close(request, site, site=site, title=_("Close %(name)s") % {"name": site.name}, now=current_time())


def _close(request: HttpRequest, of: Resource | Site, *, site: Site, title: str, now: datetime) -> HttpResponse:
    form = ClosureForm(request.POST or None)
    if not form.is_valid():
        return _form(request, form, title=title)
    typed = form.cleaned_data
    during = Span(
        _instant(typed, "from", site=site),
        _instant(typed, "to", site=site),
    )
    actions.close_time(actor=actor_of(request), of=of, during=during, reason=typed["reason"], now=now)
    return _back(request, said=_("Closed. Visits booked then stay until somebody moves them."))


def _instant(typed: dict[str, Any], side: str, *, site: Site) -> datetime:
    return settle(on=typed[f"{side}_on"], at=typed[f"{side}_at"], zone=site.zone).at


@require_POST
def reopen(request: HttpRequest, closure_id: int) -> HttpResponse:
    """Give closed time back."""
    _may_arrange(request)
    closure = queries.get_closure(actor_of(request), closure_id=closure_id)
    actions.open_time(actor=actor_of(request), closure=closure, now=current_time())
    return _back(request, said=_("Open again."))


@require_POST
def retire(request: HttpRequest, resource_id: int) -> HttpResponse:
    """Take a resource out of service, or back into it (`then`): pressed twice it is so once."""
    now = current_time()
    _may_arrange(request)
    known = queries.get_resource(actor_of(request), resource_id=resource_id)
    _may_arrange(request, at=known.site_id)
    then = request.POST.get("then")
    if then == "retired":
        actions.retire_resource(actor=actor_of(request), resource=known, now=now)
        return _back(request, said=_("Out of service. Visits booked with it stay until somebody moves them."))
    if then != "returned":
        raise Stale
    actions.return_resource(actor=actor_of(request), resource=known, now=now)
    return _back(request, said=_("In service again."))


_ANYWHERE: Final = -1


def _may_arrange(request: HttpRequest, *, at: int | None = _ANYWHERE) -> None:
    """Refuse the page to who may not arrange at this site (EVERYWHERE: at all of them; left out: at any)."""
    actor = actor_of(request)
    if not (actor.may(ARRANGE) if at == _ANYWHERE else actor.may_at(ARRANGE, site_id=at)):
        raise Forbidden


def _form(
    request: HttpRequest, form: Form, *, title: str, resource: Resource | None = None, refusal: Refusal | None = None
) -> HttpResponse:
    context = {"form": form, "title": title, "resource": resource, "refusal": refusal}
    status = refusal.status if refusal else 422 if form.is_bound else 200
    return render(request, "scheduling/arrange_form.html", context, status=status)


def _back(request: HttpRequest, *, said: str) -> HttpResponse:
    return done(request, said=said, to=reverse("scheduling:arrange"), go=True)
