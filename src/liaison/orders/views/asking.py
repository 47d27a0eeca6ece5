"""Referring a patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from liaison.core.answers import done, put_beside, says_what_is_kept, tell_now
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import NO_VERSION, Forbidden, Refusal
from liaison.directory.queries import specialties
from liaison.loops.ports import Owner
from liaison.loops.queries import as_value, owner_choices, owner_from_value, site_of
from liaison.orders import access, actions
from liaison.orders.forms import DraftForm, ReferForm
from liaison.orders.models import Referral
from liaison.orders.queries import (
    default_owner,
    draft_to_change,
    order_of,
    referral_url,
    referrer_choices,
    target_choices,
    target_from_value,
    usual_via,
    value_of,
)
from liaison.orders.rules import State
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient


@require_http_methods(["GET", "POST"])
def refer(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Ask a specialist: the form, a draft, or a referral that is sent."""
    now = current_time()
    patient = get_patient(actor_of(request), patient_id=patient_id, verb=access.SEE, now=now)
    if not actor_of(request).may(access.REFER):
        raise Forbidden
    form = _form(request, patient=patient, now=now)
    if not form.is_valid():
        return _page(request, form, patient=patient)
    try:
        referral = _ask(request, form, patient=patient, now=now)
    except Refusal as refusal:
        if not refusal.fields:
            raise
        put_beside(form, refusal)
        return _page(request, form, patient=patient, duplicate=isinstance(refusal, actions.DuplicateReferral))
    sent = referral.state != "draft"
    said = _("Sent. The next step is to confirm that they have it.") if sent else _("Draft saved.")
    return done(request, said=said, to=referral_url(referral.pk), go=True)


@require_http_methods(["GET", "POST"])
def draft(request: HttpRequest, draft_id: int) -> HttpResponse:
    """Change what a draft asks, before it leaves."""
    actor, now = actor_of(request), current_time()
    kept = draft_to_change(actor, draft_id=draft_id, now=now)
    if kept.state != State.DRAFT:
        raise actions.NoDraft
    form = _draft_form(request, kept)
    if not form.is_valid():
        return _draft_page(request, form, kept=kept)
    try:
        actions.change_draft(
            actor,
            referral_id=kept.pk,
            order=form.order,
            now=now,
            expected_version=id_in(request.POST.get("version")) or NO_VERSION,
            duplicate_reason=form.cleaned_data["duplicate_reason"],
        )
    except actions.ReferralChanged as refusal:
        kept = draft_to_change(actor, draft_id=draft_id, now=now)
        form = _draft_form(request, kept)
        if says_what_is_kept(form):
            return _draft_changed(request, kept)
        form.add_error(None, refusal.sentence)
        tell_now(form)
        return _draft_page(request, form, kept=kept, status=refusal.status, against=kept.version)
    except actions.DuplicateReferral as refusal:
        put_beside(form, refusal)
        return _draft_page(request, form, kept=kept, duplicate=True)
    return _draft_changed(request, kept)


def _draft_changed(request: HttpRequest, kept: Referral) -> HttpResponse:
    return done(request, said=_("The draft is changed."), to=referral_url(kept.pk), go=True)


@require_GET
def targets(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Whom a referral to the chosen specialty can ask: the one field, fetched again.

    `?as=via` is the field with how it goes to the chosen target.
    """
    now = current_time()
    patient = get_patient(actor_of(request), patient_id=patient_id, verb=access.SEE, now=now)
    form = _form(request, patient=patient, now=now)
    piece = "orders/_via.html" if request.GET.get("as") == "via" else "orders/_target.html"
    return render(request, piece, {"form": form, "patient": patient, "via_url": _via_url(patient)})


def _via_url(patient: Patient) -> str:
    return reverse("orders:targets", args=[patient.pk]) + "?as=via"


def _form(request: HttpRequest, *, patient: Patient, now: datetime) -> ReferForm:
    choices = [(one.pk, one.name) for one in specialties(actor_of(request))]
    wanted = _specialty(request, known=choices)
    asked = target_choices(actor_of(request), specialty=wanted) if wanted else ()
    owners = owner_choices(actor_of(request), site_id=site_of(patient).pk, now=now)
    initial: dict[str, Any] = {
        "idempotency_key": f"referral:{uuid4()}",
        "specialty": wanted,
        "owner": as_value(default_owner(actor_of(request), patient=patient, now=now)),
        "via": usual_via(target_from_value(request.GET.get("target", ""))),
    }
    return ReferForm(
        request.POST or None,
        initial=initial,
        choices={
            "specialty": [("", _("Choose…")), *choices],
            "target": [("", _("Choose a specialty first…") if not wanted else _("Choose…")), *asked],
            "referrer": referrer_choices(actor_of(request)),
            "owner": [(each.value, f"{each.name} ({each.open_loops})") for each in owners],
        },
    )


def _specialty(request: HttpRequest, *, known: Sequence[tuple[str, str]]) -> str:
    """The specialty that was sent, looked up among those there are: what is sent is anybody's text. "" for none."""
    sent = request.POST.get("specialty") or request.GET.get("specialty")
    return next((code for code, _name in known if code == sent), "")


def _ask(request: HttpRequest, form: ReferForm, *, patient: Patient, now: datetime) -> Referral:
    owner = owner_from_value(form.cleaned_data["owner"]) or Owner(user_id=actor_of(request).user_id)
    typed: dict[str, Any] = {
        "patient": patient,
        "order": form.order,
        "owner": owner,
        "now": now,
        "duplicate_reason": form.cleaned_data["duplicate_reason"],
        "idempotency_key": form_key(request, form.cleaned_data["idempotency_key"]),
    }
    if "draft" in request.POST:
        return actions.draft_referral(actor_of(request), **typed)
    return actions.refer_patient(actor_of(request), via=form.cleaned_data["via"], **typed)


def _draft_form(request: HttpRequest, kept: Referral) -> DraftForm:
    actor, order = actor_of(request), order_of(kept)
    known = [(one.pk, one.name) for one in specialties(actor)]
    wanted = _specialty(request, known=known) or order.specialty
    asked = dict(target_choices(actor, specialty=wanted))
    referrers = dict(referrer_choices(actor))
    if wanted == order.specialty:
        asked.setdefault(value_of(order.target), kept.target_name)
    referrers.setdefault(kept.referrer_id, kept.referrer.name)
    return DraftForm(
        request.POST or None,
        kept=order,
        choices={
            "specialty": known,
            "target": [("", _("Choose…")), *asked.items()],
            "referrer": list(referrers.items()),
        },
    )


def _draft_page(
    request: HttpRequest,
    form: DraftForm,
    *,
    kept: Referral,
    status: int = 422,
    against: int | None = None,
    duplicate: bool = False,
) -> HttpResponse:
    shown = {
        "form": form,
        "patient": kept.patient,
        "draft": kept,
        "version": against or request.POST.get("version") or kept.version,
        "duplicate": duplicate or bool(form.data.get("duplicate_reason")),
        "targets_url": reverse("orders:targets", args=[kept.patient_id]),
    }
    return render(request, "orders/refer.html", shown, status=status if form.is_bound else 200)


def _page(request: HttpRequest, form: ReferForm, *, patient: Patient, duplicate: bool = False) -> HttpResponse:
    shown = {
        "form": form,
        "patient": patient,
        "duplicate": duplicate or bool(form.data.get("duplicate_reason")),
        "targets_url": reverse("orders:targets", args=[patient.pk]),
        "via_url": _via_url(patient),
    }
    return render(request, "orders/refer.html", shown, status=422 if form.is_bound else 200)
