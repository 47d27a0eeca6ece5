"""The pages of protocols, and of one follow-up after a hospital stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.actor import EVERYWHERE
from liaison.core.answers import done, put_beside
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, NotFound, Refusal
from liaison.core.verbs import Verb
from liaison.pathways import actions, queries
from liaison.pathways.access import RECONCILE, RECORD_VISIT, SET_COMPLEXITY, STRIKE_PROOF, SWITCH
from liaison.pathways.actions import record_reconciliation, record_visit_elsewhere, set_complexity, strike_proof
from liaison.pathways.forms import ComplexityForm, OffForm, ReconciliationForm, StrikeProofForm, VisitElsewhereForm
from liaison.pathways.queries import FollowUpView, RecordedProof, get_follow_up, may_be_the_visit, why_visit_unread
from liaison.pathways.rules.protocol import Complexity


@require_GET
def protocols(request: HttpRequest) -> HttpResponse:
    """Every protocol: what it is, by what source, whether it is on."""
    return render(request, "pathways/protocols.html", {"protocols": queries.protocols(actor_of(request))})


@require_GET
def protocol(request: HttpRequest, protocol_code: str) -> HttpResponse:
    """One protocol in words: what it hangs on, when nothing is opened, the steps, and since when it is on or off."""
    return _protocol(request, code=protocol_code, form=OffForm(), now=current_time())


@require_POST
def turn_off(request: HttpRequest, protocol_code: str) -> HttpResponse:
    """Open nothing new by it."""
    now = current_time()
    form = OffForm(request.POST)
    if not form.is_valid():
        return _protocol(request, code=protocol_code, form=form, status=422, now=now)
    actions.turn_off(actor_of(request), code=protocol_code, reason=form.cleaned_data["reason"], now=now)
    return done(request, said=_("Off: it opens nothing new."), to=_address(protocol_code), go=True)


@require_POST
def turn_on(request: HttpRequest, protocol_code: str) -> HttpResponse:
    """Open follow-ups by it again."""
    actions.turn_on(actor_of(request), code=protocol_code, now=current_time())
    return done(request, said=_("On again, within the hour also for what ended meanwhile."),
                to=_address(protocol_code), go=True)  # fmt: skip


def _address(code: str) -> str:
    return reverse("pathways:protocol", args=[code])


def _protocol(request: HttpRequest, *, code: str, form: OffForm, now: datetime, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    shown = {
        "protocol": queries.get_protocol(actor, code=code),
        "form": form,
        "may_switch": actor.may_at(SWITCH, site_id=EVERYWHERE),
        "now": now,
        "time_zone": actor.zone,
    }
    return render(request, "pathways/protocol.html", shown, status=status)


@require_GET
def follow_up(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    """Where it stands, by which clocks; a coordinator or clinician says how complex the visit will be."""
    return _page(request, enrolment_id=enrolment_id, now=current_time())


@require_POST
def complexity(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    """Say how complex the visit will be."""
    now = current_time()
    form = ComplexityForm(request.POST)
    if not form.is_valid():
        return _page(request, enrolment_id=enrolment_id, form=form, status=422, now=now)
    wanted, seen = Complexity(form.cleaned_data["complexity"]), form.cleaned_data["seen"]
    saved = _unless_refused(
        form,
        lambda: set_complexity(
            actor_of(request),
            enrolment_id=enrolment_id,
            complexity=wanted,
            seen=Complexity(seen) if seen else None,
            now=now,
        ),
    )
    if not saved:
        return _page(request, enrolment_id=enrolment_id, form=form, status=422, now=now)
    if request.htmx:  # type: ignore[attr-defined]  # put there by a middleware
        return _page(request, enrolment_id=enrolment_id, now=now)
    return redirect("pathways:follow_up", enrolment_id=enrolment_id)


@require_POST
def strike(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    """What was recorded of it was a mistake: strike it out, with the reason."""
    actor, now = actor_of(request), current_time()
    view = get_follow_up(actor, enrolment_id=enrolment_id, now=now)
    if not view.enrolment.patient.reachable_by(actor, STRIKE_PROOF, now=now):
        raise Forbidden
    form = StrikeProofForm(request.POST)
    if not form.is_valid():
        return _page(request, enrolment_id=enrolment_id, struck=form, status=422, now=now)
    strike_proof(
        actor,
        enrolment_id=enrolment_id,
        evidence_id=form.cleaned_data["evidence"],
        reason=form.cleaned_data["reason"],
        now=now,
    )
    to = reverse("pathways:follow_up", args=[enrolment_id])
    topics = (f"loop:{view.enrolment.loop_id}", f"patient:{view.enrolment.patient_id}")
    said = _("Struck out. What it counted for is taken back.")
    return done(request, said=said, to=to, topics=topics, go=True)


@require_http_methods(["GET", "POST"])
def visit_elsewhere(request: HttpRequest) -> HttpResponse:
    """Say when the visit after a stay took place, where no appointment of ours says so."""
    now = current_time()
    view = _asked(request, RECORD_VISIT, now=now)
    form = VisitElsewhereForm(request.POST or None)
    if form.is_valid():
        typed, zone = form.cleaned_data, ZoneInfo(view.enrolment.time_zone)
        recorded = _unless_refused(
            form,
            lambda: record_visit_elsewhere(
                actor_of(request),
                enrolment_id=view.enrolment.pk,
                seen_at=typed["seen_at"].replace(tzinfo=zone),
                modality=typed["modality"],
                where=typed["where"],
                now=now,
            ),
        )
        if recorded:
            return _recorded(request, view, said=_("Recorded: the visit took place."))
    return _form(request, "pathways/visit_elsewhere.html", form, view=view)


@require_http_methods(["GET", "POST"])
def reconcile(request: HttpRequest) -> HttpResponse:
    """Say on which day the medicines were gone through."""
    now = current_time()
    view = _asked(request, RECONCILE, now=now)
    zone = ZoneInfo(view.enrolment.time_zone)
    form = ReconciliationForm(request.POST or None, initial={"done_on": now.astimezone(zone).date()})
    if form.is_valid():
        typed = form.cleaned_data
        recorded = _unless_refused(
            form,
            lambda: record_reconciliation(
                actor_of(request),
                enrolment_id=view.enrolment.pk,
                done_on=typed["done_on"],
                note=typed["note"],
                now=now,
            ),
        )
        if recorded:
            return _recorded(request, view, said=_("Recorded: the medicines were reconciled."))
    return _form(request, "pathways/reconcile.html", form, view=view)


def _asked(request: HttpRequest, verb: Verb, *, now: datetime) -> FollowUpView:
    """The follow-up of `?loop=`. Refuses: NotFound, Forbidden to who may not do this for the patient."""
    actor, loop_id = actor_of(request), id_in(request.GET.get("loop")) or 0
    found = queries.follow_up_of_loops(actor, loop_ids=[loop_id], now=now)
    if loop_id not in found:
        raise NotFound
    view = get_follow_up(actor, enrolment_id=found[loop_id], now=now)
    if not view.enrolment.patient.reachable_by(actor, verb, now=now):
        raise Forbidden
    return view


def _unless_refused(form: Form, do: Callable[[], object]) -> bool:
    """Whether it was done; a refusal that names a field stands beside it in the form."""
    try:
        do()
    except Refusal as refusal:
        if not refusal.fields:
            raise
        put_beside(form, refusal)
        return False
    return True


def _recorded(request: HttpRequest, view: FollowUpView, *, said: str) -> HttpResponse:
    loop_id = view.enrolment.loop_id
    to, undo = reverse("pathways:follow_up", args=[view.enrolment.pk]), reverse("loops:undo", args=[loop_id])
    topics = (f"loop:{loop_id}", f"patient:{view.enrolment.patient_id}")
    return done(request, said=said, to=to, undo_url=undo, topics=topics, go=True)


def _form(request: HttpRequest, template: str, form: Form, *, view: FollowUpView) -> HttpResponse:
    zone = ZoneInfo(view.enrolment.time_zone)
    shown = {
        "form": form,
        "follow_up": view,
        "patient": view.enrolment.patient,
        "loop_id": view.enrolment.loop_id,
        "visit_on": view.visit_seen_at.astimezone(zone).date() if view.visit_seen_at else None,
    }
    return render(request, template, shown, status=422 if form.is_bound else 200)


def _page(
    request: HttpRequest,
    *,
    enrolment_id: int,
    now: datetime,
    form: ComplexityForm | None = None,
    struck: StrikeProofForm | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = actor_of(request)
    view = get_follow_up(actor, enrolment_id=enrolment_id, now=now)
    patient = view.enrolment.patient
    may_change = view.enrolment.loop.state == "open" and patient.reachable_by(actor, SET_COMPLEXITY, now=now)
    may_strike = patient.reachable_by(actor, STRIKE_PROOF, now=now)
    context = {
        "follow_up": view,
        "patient": patient,
        "form": form or ComplexityForm(initial={"complexity": view.enrolment.complexity}),
        "may_change": may_change,
        "may_record": may_change and patient.reachable_by(actor, RECORD_VISIT, now=now),
        "may_reconcile": may_change and patient.reachable_by(actor, RECONCILE, now=now),
        "may_serve": may_be_the_visit(actor, view=view, now=now),
        "unread": why_visit_unread(view, now=now),
        "to_strike": [(one, _strike_form(one, given=struck)) for one in view.recorded] if may_strike else [],
    }
    template = "pathways/_follow_up.html" if request.htmx else "pathways/follow_up.html"  # type: ignore[attr-defined]  # put there by a middleware
    return render(request, template, context, status=status)


def _strike_form(proof: RecordedProof, *, given: StrikeProofForm | None) -> StrikeProofForm:
    """The form of this piece: as it was sent, if it was, else empty."""
    if given is not None and given["evidence"].value() == str(proof.id):
        return given
    return StrikeProofForm(initial={"evidence": proof.id}, auto_id=f"strike_{proof.id}_%s")
