"""Contact points, proxies, the care team and alerts of a patient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from liaison.core.answers import done, says_what_is_kept
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Stale
from liaison.core.verbs import Verb
from liaison.patients import access, actions, queries
from liaison.patients.forms import AlertForm, CareTeamForm, ContactForm, ProxyForm, ReasonForm
from liaison.patients.models import Patient
from liaison.patients.views.details import small_form


@require_http_methods(["GET", "POST"])
def contact(request: HttpRequest, patient_id: int, contact_point_id: int | None = None) -> HttpResponse:
    """A way to reach them: a new one, or one to correct."""
    actor, now = actor_of(request), current_time()
    patient = queries.get_patient(actor, patient_id=patient_id, now=now)
    point = None
    if contact_point_id is not None:
        point = queries.contact_point_of(patient, contact_point_id=contact_point_id)
    form = ContactForm(request.POST or None, point=point)

    def do(**said: Any) -> Any:
        if point is None:
            return actions.add_contact_point(contact=form.details(), **said)
        changed: dict[str, Any] = {"contact": form.details(), "expected": form.cleaned_data["mark"]}
        try:
            return actions.change_contact_point(contact_point_id=point.pk, **changed, **said)
        except Stale:
            kept = queries.contact_point_of(patient, contact_point_id=point.pk)
            if says_what_is_kept(ContactForm(request.POST, point=kept)):
                return kept
            form.tell_changes(kept)
            raise

    title = _("A way to reach them") if point is None else _("Correct a way to reach them")
    return small_form(request, patient_id, form=form, title=title, verb=access.CHANGE_CONTACTS, do=do, now=now)


@require_POST
def contact_state(request: HttpRequest, patient_id: int, contact_point_id: int, state: str) -> HttpResponse:
    """It does not reach them ("bad"), does after all ("good"), or is given up ("retired")."""
    actor, now = actor_of(request), current_time()
    patient = queries.get_patient(actor, patient_id=patient_id, now=now)
    said: dict[str, Any] = {"actor": actor, "patient": patient, "contact_point_id": contact_point_id, "now": now}
    said["expected"] = request.POST.get("mark", "")
    if state == "bad":
        reason = request.POST.get("reason", "").strip() or _("Does not reach them")
        actions.mark_contact_bad(reason=reason, **said)
    elif state == "good":
        actions.mark_contact_good(**said)
    else:
        actions.retire_contact_point(**said)
    return _back(request, patient, said=_("Saved."))


@require_http_methods(["GET", "POST"])
def proxy(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Someone who may speak for them."""
    now = current_time()
    patient = queries.get_patient(actor_of(request), patient_id=patient_id, now=now)
    form = ProxyForm(request.POST or None, initial={"starts_on": patient.day_at(now)})
    return small_form(
        request, patient_id, form=form, title=_("Who may speak for them"), verb=access.CHANGE_PROXIES,
        do=lambda **said: actions.add_proxy(proxy=form.details(), **said), now=now,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def proxy_end(request: HttpRequest, patient_id: int, proxy_id: int) -> HttpResponse:
    """Someone no longer speaks for them."""
    now = current_time()
    if request.method == "GET":
        patient = queries.get_patient(actor_of(request), patient_id=patient_id, now=now)
        queries.proxy_of(patient, proxy_id=proxy_id)
    return _end(
        request, patient_id, title=_("Ends today"), verb=access.CHANGE_PROXIES, action=actions.end_proxy,
        row={"proxy_id": proxy_id}, now=now,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def alert(request: HttpRequest, patient_id: int) -> HttpResponse:
    """What must be seen first."""
    form = AlertForm(request.POST or None)
    return small_form(
        request, patient_id, form=form, title=_("An alert"), verb=access.CHANGE_ALERTS,
        do=lambda **said: actions.raise_alert(**form.cleaned_data, **said), now=current_time(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def alert_end(request: HttpRequest, patient_id: int, alert_id: int) -> HttpResponse:
    """An alert is over."""
    now = current_time()
    if request.method == "GET":
        patient = queries.get_patient(actor_of(request), patient_id=patient_id, now=now)
        queries.alert_of(patient, alert_id=alert_id)
    return _end(
        request, patient_id, title=_("The alert is over"), verb=access.CHANGE_ALERTS, action=actions.end_alert,
        row={"alert_id": alert_id}, now=now,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def member(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Someone joins the care team."""
    form = CareTeamForm(request.POST or None)

    def do(**said: Any) -> Any:
        practitioner_id, user_id = form.chosen()
        role = form.cleaned_data["role"]
        return actions.add_care_team_member(role=role, practitioner_id=practitioner_id, user_id=user_id, **said)

    title, now = _("On the care team"), current_time()
    return small_form(request, patient_id, form=form, title=title, verb=access.CHANGE_CARE_TEAM, do=do, now=now)


@require_POST
def member_end(request: HttpRequest, patient_id: int, member_id: int) -> HttpResponse:
    """Someone leaves the care team."""
    actor, now = actor_of(request), current_time()
    patient = queries.get_patient(actor, patient_id=patient_id, now=now)
    actions.end_care_team_member(actor=actor, patient=patient, member_id=member_id, now=now)
    return _back(request, patient, said=_("No longer on the care team."))


def _end(
    request: HttpRequest, patient_id: int, *, title: str, verb: Verb, action: Any, row: dict[str, int], now: datetime
) -> HttpResponse:
    form: forms.Form = ReasonForm(request.POST or None)
    return small_form(
        request, patient_id, form=form, title=title, verb=verb,
        do=lambda **said: action(reason=form.cleaned_data["reason"], **row, **said), now=now,
    )  # fmt: skip


def _back(request: HttpRequest, patient: Patient, *, said: str) -> HttpResponse:
    return done(request, said=said, to=reverse("patients:edit", args=[patient.pk]), go=True)
