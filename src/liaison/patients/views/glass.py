"""Emergency access: asking for it, giving it back, reviewing it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.actor import Actor
from liaison.core.answers import attempt, done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import NotFound
from liaison.patients import access, actions, queries
from liaison.patients.forms import FindForm, GlassForm, ReviewForm
from liaison.patients.models import Patient
from liaison.patients.views.asking import chart_url, must_carry

SALT: Final = "patients.found_behind_glass"
TICKET_SECONDS: Final = 600
"""Whoever found a patient has ten minutes to say why they need the chart."""


@require_http_methods(["GET", "POST"])
def break_glass(request: HttpRequest) -> HttpResponse:
    """First what one must know of the patient, then why; nothing of them is shown before the chart is open."""
    actor, now = must_carry(request, access.BREAK_GLASS), current_time()
    if request.method == "POST" and "ticket" in request.POST:
        return _open(request, actor, now=now)
    form = FindForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        actions.refuse_guessing_behind_glass(actor)
        patient = attempt(form, lambda: queries.find_behind_glass(actor, now=now, **typed))
        if patient is not None:
            found = {"patient": patient.pk, "user": actor.user_id, "at": now.isoformat()}
            ticket = signing.dumps(found, salt=SALT)
            return _page(request, glass=GlassForm(initial={"ticket": ticket, "reason_code": "ETREAT"}), now=now)
        actions.note_nobody_behind_glass(actor)
        if form.is_valid():
            nobody = _("Nobody whom you can't see fits exactly that. Search first, or check what you typed.")
            form.add_error(None, nobody)
    return _page(request, find=form, now=now)


def _open(request: HttpRequest, actor: Actor, *, now: datetime) -> HttpResponse:
    form = GlassForm(request.POST)
    patient, found_at = _found(request.POST["ticket"], actor)
    if form.is_valid():
        typed = form.cleaned_data
        grant = attempt(
            form,
            lambda: actions.break_the_glass(
                actor=actor,
                patient=patient,
                found_at=found_at,
                reason_code=typed["reason_code"],
                reason=typed["reason"],
                now=now,
            ),
        )
        if grant is not None:
            said = _("The chart is open for four hours. A privacy officer will review it.")
            return done(request, said=said, to=chart_url(patient.pk), go=True)
    return _page(request, glass=form, now=now)


def _found(ticket: str, actor: Actor) -> tuple[Patient, datetime]:
    """Whom the ticket names, and when this actor found them."""
    try:
        named = signing.loads(ticket, salt=SALT, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        raise NotFound(_("This took too long. Find the patient again.")) from None
    patient = queries.found_behind_glass(actor, patient_id=named["patient"], found_by=named["user"])
    return patient, datetime.fromisoformat(named["at"])


def _page(
    request: HttpRequest, *, now: datetime, find: FindForm | None = None, glass: GlassForm | None = None
) -> HttpResponse:
    form = glass if glass is not None else find
    status = 422 if form is not None and form.errors else 200
    context = {"find": find, "glass": glass, "now": now}
    return render(request, "patients/break_glass.html", context, status=status)


@require_POST
def end_grant(request: HttpRequest, grant_id: int) -> HttpResponse:
    """Give an emergency access back."""
    actor = actor_of(request)
    grant = queries.own_grant(actor, grant_id=grant_id)
    actions.end_grant(actor=actor, grant=grant, now=current_time())
    return done(request, said=_("Given back."), to=reverse("patients:search"), go=True)


@require_GET
def grants(request: HttpRequest) -> HttpResponse:
    """What waits for a privacy officer, or what was reviewed."""
    actor, now = must_carry(request, access.REVIEW_GRANTS), current_time()
    reviewed = request.GET.get("reviewed") == "1"
    rows = queries.review_queue(actor, now=now, reviewed=reviewed)
    return render(
        request, "patients/grants.html", {"rows": rows, "reviewed": reviewed, "now": now, "time_zone": actor.zone}
    )


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, grant_id: int) -> HttpResponse:
    """Look at one emergency access and say what was found."""
    actor, now = must_carry(request, access.REVIEW_GRANTS), current_time()
    row = next((row for row in queries.review_queue(actor, now=now) if row.grant_id == grant_id), None)
    if row is None:
        raise NotFound(_("Someone reviewed this already. Look at the queue again."))
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        attempt(form, lambda: actions.review_break_glass(actor=actor, grant_id=grant_id, now=now, **typed))
        if not form.errors:
            return done(request, said=_("Reviewed."), to=reverse("patients:grants"), go=True)
    context = {"row": row, "form": form, "now": now, "time_zone": actor.zone}
    return render(request, "patients/review.html", context, status=422 if form.errors else 200)
