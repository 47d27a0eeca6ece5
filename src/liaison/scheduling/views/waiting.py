"""The waitlist: who waits and which times became free, one wait, entering and changing it, the report."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.answers import done, put_beside, says_what_is_kept, tell_against, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, Stale
from liaison.core.written_time import full_day_and_time
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient
from liaison.scheduling import actions, queries
from liaison.scheduling.access import OFFER, WAIT, WAITLIST_REPORT
from liaison.scheduling.forms import Choices, LeaveForm, WaitForm
from liaison.scheduling.models import Resource, WaitlistEntry
from liaison.scheduling.rules import Urgency

both = require_http_methods(["GET", "POST"])


@require_GET
def waitlist(request: HttpRequest) -> HttpResponse:
    """The freed times with whom they suit, and everybody in line; `site` narrows both."""
    actor, now = actor_of(request), current_time()
    sites = _sites(actor)
    site_id = id_in(request.GET.get("site"))
    context = {
        "times": queries.openings_ahead(actor, site_id=site_id, now=now),
        "line": queries.waiting(actor, site_id=site_id, now=now),
        "sites": sites,
        "site_id": site_id,
        "may_report": actor.may(WAITLIST_REPORT),
        "now": now,
    }
    return render(request, "scheduling/waitlist.html", context)


@require_GET
def wait(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One wait: what suits, what was offered, what can be done."""
    now = current_time()
    entry = queries.get_entry(actor_of(request), entry_id=entry_id, now=now)
    return _show(request, entry, now=now)


@both
def join(request: HttpRequest) -> HttpResponse:
    """Put a patient on the waitlist."""
    now = current_time()
    if not actor_of(request).may(WAIT):
        raise Forbidden
    given = request.POST if request.method == "POST" else request.GET
    patient_id = id_in(given.get("patient"))
    if patient_id is None:
        return render(request, "scheduling/book_whom.html")
    patient = get_patient(actor_of(request), patient_id=patient_id, now=now)
    form = _form(request, patient, sites=_sites(actor_of(request)), initial=_first_answers(patient, given), now=now)
    context = {
        "patient": patient,
        "form": form,
        "loop_id": id_in(given.get("loop")),
        "referral_id": id_in(given.get("referral")),
    }
    if not form.is_valid():
        return _form_page(request, context)
    draft = _draft(form, loop_id=id_in(given.get("loop")), referral_id=id_in(given.get("referral")))
    draft = replace(draft, key=form_key(request, draft.key))
    try:
        entry = actions.join_waitlist(actor=actor_of(request), patient=patient, draft=draft, now=now)
    except (actions.Impossible, actions.AlreadyWaiting, actions.KeyReused, actions.ReferralNeeded) as refusal:
        return _form_page(request, context, refusal=refusal)
    said = _("On the waitlist. The desk says when to look for a time.")
    return done(request, said=said, to=reverse("scheduling:wait", args=[entry.pk]), go=True)


@both
def change(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Correct what suits a patient."""
    now = current_time()
    if not actor_of(request).may(WAIT):
        raise Forbidden
    entry = queries.get_entry(actor_of(request), entry_id=entry_id, now=now)
    form = _change_form(request, entry, now=now)
    context = {"patient": entry.patient, "form": form, "entry": entry}
    if not form.is_valid():
        return _form_page(request, context)
    try:
        actions.change_wait(
            actor=actor_of(request),
            wait=entry,
            draft=_draft(form, loop_id=None, referral_id=None),
            expected_version=form.cleaned_data["version"] or 0,
            now=now,
        )
    except Stale as refusal:
        entry = queries.get_entry(actor_of(request), entry_id=entry_id, now=now)
        context["form"] = form = _change_form(request, entry, now=now)
        if says_what_is_kept(form):
            return _changed(request, entry)
        tell_against(form, version=entry.version)
        return _form_page(request, context, refusal=refusal)
    except (actions.Impossible, actions.NotYourSite) as refusal:
        return _form_page(request, context, refusal=refusal)
    return _changed(request, entry)


def _changed(request: HttpRequest, entry: WaitlistEntry) -> HttpResponse:
    return done(request, said=_("Saved."), to=reverse("scheduling:wait", args=[entry.pk]), go=True)


def _change_form(request: HttpRequest, entry: WaitlistEntry, *, now: datetime) -> WaitForm:
    """The form of a wait: as it is kept, and bound to what was sent."""
    sites = {site.pk: site for site in (*_sites(actor_of(request)), *entry.sites.all())}
    return _form(
        request,
        entry.patient,
        sites=tuple(sites.values()),
        initial=_of_entry(entry),
        now_with=entry.with_resource,
        now=now,
    )


@require_POST
def stay(request: HttpRequest, entry_id: int) -> HttpResponse:
    """No time yet; the patient stays."""
    now = current_time()
    entry = queries.get_entry(actor_of(request), entry_id=entry_id, now=now)
    version = id_in(request.POST.get("version"))
    actions.keep_waiting(actor=actor_of(request), wait=entry, expected_version=version or 0, now=now)
    said = _("Noted. The desk says when to look again.")
    return done(request, said=said, to=reverse("scheduling:wait", args=[entry.pk]), go=True)


@require_POST
def leave(request: HttpRequest, entry_id: int) -> HttpResponse:
    """The patient does not wait any more."""
    now = current_time()
    if not actor_of(request).may(WAIT):
        raise Forbidden
    entry = queries.get_entry(actor_of(request), entry_id=entry_id, now=now)
    form = LeaveForm(request.POST)
    if not form.is_valid():
        return _show(request, entry, leave_form=form, status=422, now=now)
    actions.leave_waitlist(
        actor=actor_of(request),
        wait=entry,
        reason=form.cleaned_data["reason"],
        expected_version=form.cleaned_data["version"],
        now=now,
    )
    said = _("Off the waitlist.")
    return done(request, said=said, to=reverse("scheduling:wait", args=[entry.pk]), go=True)


@require_GET
def report(request: HttpRequest) -> HttpResponse:
    """How freed times were filled in the last ninety days."""
    now = current_time()
    shown = queries.waitlist_report(actor_of(request), now=now)
    return render(request, "scheduling/waitlist_report.html", {"report": shown, "now": now})


def _show(
    request: HttpRequest, entry: WaitlistEntry, *, now: datetime, leave_form: LeaveForm | None = None, status: int = 200
) -> HttpResponse:
    actor = actor_of(request)
    context = {
        "entry": entry,
        "promised": queries.promise_called(actor, patient=entry.patient, loop_id=entry.loop_id or 0, now=now),
        "kind": queries.current_kind(entry),
        "offers": queries.offers_of(entry),
        "weekdays": [dict(WaitForm.base_fields["weekdays"].choices)[day] for day in entry.weekdays],  # type: ignore[attr-defined]  # the form declares such a field
        "notice_hours": entry.least_notice_minutes // 60,
        "leave_form": leave_form or LeaveForm(initial={"version": entry.version}),
        "may_wait": actor.may(WAIT) and entry.is_waiting,
        "may_offer": actor.may(OFFER),
        "time_zone": entry.sites.all()[0].time_zone,
        "now": now,
    }
    return render(request, "scheduling/wait.html", context, status=status)


def _form(
    request: HttpRequest,
    patient: Patient,
    *,
    sites: Sequence[Site],
    initial: Mapping[str, Any],
    now: datetime,
    now_with: Resource | None = None,
) -> WaitForm:
    actor = actor_of(request)
    people = queries.clinicians(actor, site_ids=[site.pk for site in sites])
    if now_with is not None and now_with not in people:
        people = (*people, now_with)  # as it is kept: to be seen, and changed
    choices = Choices(visit_types=queries.visit_types(actor), sites=sites, people=people)
    coming = queries.coming_visits(actor, patient=patient, now=now)
    visits = [
        (visit.appointment_id, f"{visit.what}, {full_day_and_time(visit.start_at)}, {visit.where}") for visit in coming
    ]
    return WaitForm(request.POST or None, initial=dict(initial), choices=choices, visits=visits)


def _form_page(request: HttpRequest, context: dict[str, Any], *, refusal: Any = None) -> HttpResponse:
    form: WaitForm = context["form"]
    if refusal and refusal.fields:
        put_beside(form, refusal)
    shown = context | {"refusal": refusal if refusal and not refusal.fields else None}
    template = "scheduling/_wait_form.html" if wants_fragment(request) else "scheduling/wait_form.html"
    status = refusal.status if isinstance(refusal, Stale) and not wants_fragment(request) else 422
    return render(request, template, shown, status=status if form.is_bound else 200)


def _first_answers(patient: Patient, given: Mapping[str, str]) -> dict[str, Any]:
    moves = queries.visit_to_move(patient=patient, appointment_id=id_in(given.get("moves")) or 0)
    home = patient.home_site()
    site_id = moves.site_id if moves else id_in(given.get("site")) or (home.pk if home else None)
    return {
        "key": str(uuid.uuid4()),
        "sites": [site_id] if site_id else [],
        "moves": moves.pk if moves else "",
        "visit_type": moves.visit_type.code if moves else given.get("kind", ""),
        "with_id": id_in(given.get("with_id")) or "",
    }


def _of_entry(entry: WaitlistEntry) -> dict[str, Any]:
    return {
        "key": entry.idempotency_key,
        "version": entry.version,
        "visit_type": entry.visit_type_code,
        "sites": [site.pk for site in entry.sites.all()],
        "with_id": entry.with_resource_id or "",
        "moves": entry.moves_id or "",
        "weekdays": entry.weekdays,
        "from_time": entry.from_time,
        "to_time": entry.to_time,
        "not_before": entry.not_before,
        "until": entry.until,
        "notice_hours": entry.least_notice_minutes // 60,
        "urgency": entry.urgency,
        "urgency_reason": entry.urgency_reason,
    }


def _draft(form: WaitForm, *, loop_id: int | None, referral_id: int | None) -> actions.WaitDraft:
    typed = form.cleaned_data
    return actions.WaitDraft(
        key=typed["key"],
        visit_type_code=typed["visit_type"],
        site_ids=tuple(typed["sites"]),
        with_id=typed["with_id"],
        weekdays=tuple(typed["weekdays"]),
        from_time=typed["from_time"],
        to_time=typed["to_time"],
        not_before=typed["not_before"],
        until=typed["until"],
        least_notice_minutes=typed["notice_hours"] * 60,
        urgency=Urgency(typed["urgency"]),
        urgency_reason=typed["urgency_reason"],
        moves_id=typed["moves"],
        loop_id=loop_id,
        referral_id=referral_id,
    )


def _sites(actor: Actor) -> tuple[Site, ...]:
    return tuple(sites_within(actor, WAIT))
