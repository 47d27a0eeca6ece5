"""Who a patient is: the page on which everything about the person is kept right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from liaison.accounts.queries import sites_within
from liaison.core.answers import attempt, done, put_beside, says_what_is_kept
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import NO_VERSION, Forbidden, Stale
from liaison.core.verbs import Verb
from liaison.patients import access, actions, queries
from liaison.patients.forms import (
    DeceasedForm,
    DetailsForm,
    IdentifierForm,
    NameForm,
    ReasonForm,
    SiteForm,
)
from liaison.patients.models import Patient


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Everything about the person, with a form for who they are; the rest has small forms of its own."""
    actor, now = actor_of(request), current_time()
    patient = queries.get_patient(actor, patient_id=patient_id, now=now)
    form = DetailsForm(request.POST or None, patient=patient)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_patient(
                actor=actor,
                patient=patient,
                details=form.details(),
                expected_version=form.cleaned_data["version"] or NO_VERSION,
                now=now,
            )
        except Stale as refusal:
            kept = queries.get_patient(actor, patient_id=patient_id, now=now)
            if says_what_is_kept(DetailsForm(request.POST, patient=kept)):
                return _saved(request, kept)
            put_beside(form, refusal)
            form.tell_changes(kept)
        except actions.DetailsWrong as refusal:
            put_beside(form, refusal)
        else:
            return _saved(request, patient)
    context = {"patient": patient, "form": form, "now": now, "band": queries.band(actor, patient=patient, now=now)}
    context |= {
        "time_zone": actor.zone,
        "sites": queries.places_of(patient),
        "may": {
            "change": patient.reachable_by(actor, access.CHANGE, now=now),
            "contacts": patient.reachable_by(actor, access.CHANGE_CONTACTS, now=now),
            "proxies": patient.reachable_by(actor, access.CHANGE_PROXIES, now=now),
            "team": patient.reachable_by(actor, access.CHANGE_CARE_TEAM, now=now),
            "alerts": patient.reachable_by(actor, access.CHANGE_ALERTS, now=now),
            "sites": patient.reachable_by(actor, access.ADD_SITE, now=now),
            "deceased": patient.reachable_by(actor, access.MARK_DECEASED, now=now),
        },
    }
    return render(request, "patients/edit.html", context, status=422 if form.errors else 200)


def _saved(request: HttpRequest, patient: Patient) -> HttpResponse:
    return done(request, said=_("Saved."), to=reverse("patients:edit", args=[patient.pk]), go=True)


@require_http_methods(["GET", "POST"])
def name(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Another name."""
    form = NameForm(request.POST or None)
    return small_form(
        request, patient_id, form=form, title=_("Another name"), verb=access.CHANGE,
        do=lambda **said: actions.add_name(name=form.details(), **said), now=current_time(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def identifier(request: HttpRequest, patient_id: int) -> HttpResponse:
    """What another system calls them."""
    form = IdentifierForm(request.POST or None)
    return small_form(
        request, patient_id, form=form, title=_("Another identifier"), verb=access.CHANGE,
        do=lambda **said: actions.add_identifier(identifier=form.details(), **said), now=current_time(),
    )  # fmt: skip


@require_POST
def identifier_retire(request: HttpRequest, patient_id: int, identifier_id: int) -> HttpResponse:
    """A number is no longer used."""
    actor, now = actor_of(request), current_time()
    patient = queries.get_patient(actor, patient_id=patient_id, now=now)
    actions.retire_identifier(actor=actor, patient=patient, identifier_id=identifier_id, now=now)
    return done(request, said=_("Kept as no longer used."), to=reverse("patients:edit", args=[patient.pk]), go=True)


@require_http_methods(["GET", "POST"])
def site(request: HttpRequest, patient_id: int) -> HttpResponse:
    """A further site."""
    form = SiteForm(request.POST or None, sites=sites_within(actor_of(request), access.REGISTER))
    return small_form(
        request, patient_id, form=form, title=_("A further site"), verb=access.ADD_SITE,
        do=lambda **said: actions.add_site(site_id=form.cleaned_data["site"].pk, **said), now=current_time(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def deceased(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Record a death, or take one back that was recorded by mistake."""
    now = current_time()
    was = queries.get_patient(actor_of(request), patient_id=patient_id, now=now).is_deceased
    form: forms.Form = ReasonForm(request.POST or None) if was else DeceasedForm(request.POST or None)

    def do(**said: Any) -> Patient:
        if was:
            return actions.mark_not_deceased(reason=form.cleaned_data["reason"], **said)
        return actions.mark_deceased(on=form.cleaned_data["deceased_on"], **said)

    title = _("Not deceased: recorded by mistake") if was else _("Record a death")
    return small_form(request, patient_id, form=form, title=title, verb=access.MARK_DECEASED, do=do, now=now)


def small_form(
    request: HttpRequest,
    patient_id: int,
    *,
    form: forms.Form,
    title: str,
    verb: Verb,
    do: Callable[..., Any],
    now: datetime,
) -> HttpResponse:
    """One form about a patient on a page of its own; saved, it leads back to all of them.

    It opens only for whoever may use `verb` on this patient: what can't be saved is not asked for. Refuses NotFound,
    Forbidden.

    `do` is given what every action is: `actor`, `patient` and `now`.
    """
    actor = actor_of(request)
    patient = queries.get_patient(actor, patient_id=patient_id, now=now)
    back = reverse("patients:edit", args=[patient.pk])
    if request.method == "POST" and form.is_valid():
        attempt(form, lambda: do(actor=actor, patient=patient, now=now))
        if not form.errors:
            return done(request, said=_("Saved."), to=back, go=True)
    if not patient.reachable_by(actor, verb, now=now):
        raise Forbidden
    context = {"patient": patient, "form": form, "title": title, "back": back, "now": now}
    return render(request, "patients/small_form.html", context, status=422 if form.errors else 200)
