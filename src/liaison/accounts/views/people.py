"""The administrator's pages: people, their roles and teams, sites."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.accounts import actions, queries
from liaison.accounts.access import GIVE_ROLES, MANAGE_PEOPLE, MANAGE_SITES, Role
from liaison.accounts.forms import PersonForm, RoleForm, SiteForm, TeamForm, TeamsForm
from liaison.accounts.models import User
from liaison.accounts.ports import open_work_of
from liaison.core.actor import EVERYWHERE
from liaison.core.answers import attempt, done, put_beside, says_what_is_kept, tell_against, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, Stale


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Everyone who signs in, narrowed by what is typed."""
    text = request.GET.get("q", "")[:100]
    closed = request.GET.get("closed") == "1"
    rows = queries.people(actor_of(request), text=text, closed=closed, now=current_time())
    template = "accounts/_people.html" if wants_fragment(request) else "accounts/people.html"
    return render(request, template, {"rows": rows, "text": text, "closed": closed})


@require_http_methods(["GET", "POST"])
def person_new(request: HttpRequest) -> HttpResponse:
    """Add someone; their roles and first password come on the next page."""
    _may_manage(request)
    now = current_time()
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        added = attempt(
            form,
            lambda: actions.add_person(actor=actor_of(request), email=typed["email"], name=typed["name"], now=now),
        )
        if added is not None:
            said = _("%(name)s is added. Give a role and a first password.") % {"name": added.name}
            return done(request, said=said, to=reverse("accounts:person", args=[added.pk]), go=True)
    status = 422 if form.errors else 200
    return render(request, "accounts/person_new.html", {"form": form}, status=status)


@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    """One person: name, roles, teams, and what can be done with the account. POST changes the name."""
    now = current_time()
    found = _person(request, user_id, now=now)
    form, status = _person_form(request.POST or None, found), 422
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            actions.rename_person(
                actor=actor_of(request),
                person=found,
                name=typed["name"],
                email=typed["email"],
                expected_version=typed["version"] or 0,
                now=now,
            )
        except Stale as refusal:
            status, found = refusal.status, _person(request, user_id, now=now)
            form = _person_form(request.POST, found)
            if says_what_is_kept(form):
                return _saved(request, found)
            tell_against(form, version=found.version)
            form.add_error(None, refusal.sentence)
        except actions.EmailTaken as refusal:
            put_beside(form, refusal)
        else:
            return _saved(request, found)
    return _page(request, found, status=status if form.errors else 200, form=form, now=now)


@require_POST
def give_role(request: HttpRequest, user_id: int) -> HttpResponse:
    """Give a role at a site."""
    now = current_time()
    found = _person(request, user_id, now=now)
    form = RoleForm(request.POST, actor=actor_of(request))
    if form.is_valid():
        given = attempt(
            form,
            lambda: actions.give_role(
                actor=actor_of(request),
                person=found,
                role=Role(form.cleaned_data["role"]),
                site=form.cleaned_data["site"],
                now=now,
            ),
        )
        if given is not None:
            return done(request, said=_("Given: %(role)s.") % {"role": given}, to=_url(found), go=True)
    return _page(request, found, status=422, role_form=form, now=now)


@require_POST
def end_role(request: HttpRequest, user_id: int, assignment_id: int) -> HttpResponse:
    """Take a role away."""
    now = current_time()
    found = _person(request, user_id, now=now)
    assignment = queries.assignment_of(found, assignment_id=assignment_id)
    actions.end_role(actor=actor_of(request), assignment=assignment, now=now)
    return done(request, said=_("Ended: %(role)s.") % {"role": assignment}, to=_url(found), go=True)


@require_POST
def set_teams(request: HttpRequest, user_id: int) -> HttpResponse:
    """Say which teams someone is in."""
    actor, now = actor_of(request), current_time()
    found = _person(request, user_id, now=now)
    form = TeamsForm(request.POST, actor=actor, held=queries.teams_in_reach(actor, person=found))
    if not form.is_valid():
        return _page(request, found, status=422, teams_form=form, now=now)
    others = list(queries.teams_out_of_reach(actor, person=found))
    try:
        actions.set_teams(
            actor=actor,
            person=found,
            teams=[*form.cleaned_data["teams"], *others],
            expected_ids=form.seen_ids().union(team.pk for team in others),
            now=now,
        )
    except Stale as refusal:
        held = list(queries.teams_in_reach(actor, person=found))
        form = TeamsForm(request.POST, actor=actor, held=held)
        if says_what_is_kept(form):
            return _saved(request, found)
        tell_against(form, version=form.version_of(held))
        form.add_error(None, refusal.sentence)
        return _page(request, found, status=refusal.status, teams_form=form, now=now)
    return _saved(request, found)


@require_POST
def deactivate(request: HttpRequest, user_id: int) -> HttpResponse:
    """Close an account whose open work was handed over."""
    now = current_time()
    found = _person(request, user_id, now=now)
    actions.deactivate_person(actor=actor_of(request), person=found, now=now)
    return done(request, said=_("The account of %(name)s is closed.") % {"name": found}, to=_url(found), go=True)


@require_POST
def reactivate(request: HttpRequest, user_id: int) -> HttpResponse:
    """Open a closed account again."""
    now = current_time()
    found = _person(request, user_id, now=now)
    actions.reactivate_person(actor=actor_of(request), person=found, now=now)
    return done(request, said=_("Open again, without roles."), to=_url(found), go=True)


@require_POST
def reset_mfa(request: HttpRequest, user_id: int) -> HttpResponse:
    """Remove the second factors of someone who lost theirs."""
    now = current_time()
    found = _person(request, user_id, now=now)
    actions.reset_mfa(actor=actor_of(request), person=found, now=now)
    return done(request, said=_("Second factors removed, sessions ended."), to=_url(found), go=True)


@never_cache
@require_POST
def give_password(request: HttpRequest, user_id: int) -> HttpResponse:
    """Make a first password and show it this once."""
    now = current_time()
    found = _person(request, user_id, now=now)
    password = actions.give_password(actor=actor_of(request), person=found, now=now)
    return render(request, "accounts/first_password.html", {"person": found, "password": password})


@require_http_methods(["GET", "POST"])
def sites(request: HttpRequest) -> HttpResponse:
    """The organization's sites and teams; POST adds a site, or a team when `what` says so."""
    actor, now = actor_of(request), current_time()
    if not actor.may(MANAGE_SITES):
        raise Forbidden
    adds_team = request.POST.get("what") == "team"
    site_form = SiteForm(request.POST if request.method == "POST" and not adds_team else None)
    team_form = TeamForm(request.POST if adds_team else None, actor=actor)
    form: forms.Form = team_form if adds_team else site_form
    if request.method == "POST" and form.is_valid():
        add = actions.add_team if adds_team else actions.add_site
        added = attempt(form, lambda: add(actor=actor, now=now, **form.cleaned_data))
        if added is not None:
            said = _("Added: %(name)s.") % {"name": added}
            return done(request, said=said, to=reverse("accounts:sites"), go=True)
    page = {
        "sites": queries.sites_with_teams(actor),
        "mine": {site.pk for site in queries.sites_within(actor, MANAGE_SITES)},
        "may_add_site": actor.may_at(MANAGE_SITES, site_id=EVERYWHERE),
        "teams_everywhere": queries.teams_everywhere(actor),
        "site_form": site_form,
        "team_form": team_form,
    }
    return render(request, "accounts/sites.html", page, status=422 if form.errors else 200)


def _saved(request: HttpRequest, found: User) -> HttpResponse:
    return done(request, said=_("Saved."), to=_url(found), go=True)


def _page(request: HttpRequest, found: User, *, now: datetime, status: int = 200, **given: forms.Form) -> HttpResponse:
    actor = actor_of(request)
    teams, held = queries.teams_in_reach(actor, person=found), queries.assignments_of(found, now=now)
    page = {
        "person": found,
        "assignments": [(one, actor.may_at(GIVE_ROLES, site_id=one.site_id)) for one in held],
        "reached": queries.reaches_person(actor, GIVE_ROLES, person=found, now=now),
        "form": given.get("form") or _person_form(None, found),
        "role_form": given.get("role_form") or RoleForm(actor=actor),
        "teams_form": given.get("teams_form") or TeamsForm(actor=actor, held=teams),
        "held": open_work_of(found.pk),
        "has_factor": queries.has_second_factor(found.pk),
        "is_self": found.pk == actor.user_id,
    }
    return render(request, "accounts/person.html", page, status=status)


def _person_form(typed: QueryDict | None, found: User) -> PersonForm:
    return PersonForm(typed, initial={"name": found.name, "email": found.email, "version": found.version})


def _may_manage(request: HttpRequest) -> None:
    if not actor_of(request).may(MANAGE_PEOPLE):
        raise Forbidden


def _person(request: HttpRequest, user_id: int, *, now: datetime) -> User:
    return queries.person_for(actor_of(request), user_id=user_id, now=now)


def _url(found: User) -> str:
    return reverse("accounts:person", args=[found.pk])
