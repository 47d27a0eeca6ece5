"""The pages of protocols, and of one follow-up after a hospital stay."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

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
from liaison.pathways import actions, queries
from liaison.pathways.access import RECORD_VISIT, SET_COMPLEXITY, SWITCH
from liaison.pathways.actions import record_visit_elsewhere, set_complexity
from liaison.pathways.forms import ComplexityForm, OffForm, VisitElsewhereForm
from liaison.pathways.queries import FollowUpView, get_follow_up, may_be_the_visit
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
    return _page(request, enrolment_id=enrolment_id, form=None, now=current_time())


@require_POST
def complexity(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    """Say how complex the visit will be."""
    now = current_time()
    form = ComplexityForm(request.POST)
    if not form.is_valid():
        return _page(request, enrolment_id=enrolment_id, form=form, status=422, now=now)
    wanted = Complexity(form.cleaned_data["complexity"])
    set_complexity(actor_of(request), enrolment_id=enrolment_id, complexity=wanted, now=now)
    if request.htmx:  # type: ignore[attr-defined]  # put there by a middleware
        return _page(request, enrolment_id=enrolment_id, form=None, now=now)
    return redirect("pathways:follow_up", enrolment_id=enrolment_id)


@require_http_methods(["GET", "POST"])
def visit_elsewhere(request: HttpRequest) -> HttpResponse:
    """Say when the visit after a stay took place, where no appointment of ours says so."""
    actor, now = actor_of(request), current_time()
    loop_id = id_in(request.GET.get("loop")) or 0
    found = queries.follow_up_of_loops(actor, loop_ids=[loop_id], now=now)
    if loop_id not in found:
        raise NotFound
    view = get_follow_up(actor, enrolment_id=found[loop_id], now=now)
    if not view.enrolment.patient.reachable_by(actor, RECORD_VISIT, now=now):
        raise Forbidden
    form = VisitElsewhereForm(request.POST or None)
    if form.is_valid() and (answer := _record_visit(request, form, view=view, now=now)) is not None:
        return answer
    shown = {"form": form, "follow_up": view, "patient": view.enrolment.patient, "loop_id": loop_id}
    return render(request, "pathways/visit_elsewhere.html", shown, status=422 if form.is_bound else 200)


def _record_visit(
    request: HttpRequest, form: VisitElsewhereForm, *, view: FollowUpView, now: datetime
) -> HttpResponse | None:
    """The follow-up's page once it is recorded; None with what stands against it beside its field."""
    typed = form.cleaned_data
    zone = ZoneInfo(view.enrolment.time_zone)
    try:
        record_visit_elsewhere(
            actor_of(request),
            enrolment_id=view.enrolment.pk,
            seen_at=typed["seen_at"].replace(tzinfo=zone),
            modality=typed["modality"],
            where=typed["where"],
            now=now,
        )
    except Refusal as refusal:
        if not refusal.fields:
            raise
        put_beside(form, refusal)
        return None
    to = reverse("pathways:follow_up", args=[view.enrolment.pk])
    topics = (f"loop:{view.enrolment.loop_id}", f"patient:{view.enrolment.patient_id}")
    return done(request, said=_("Recorded: the visit took place."), to=to, topics=topics, go=True)


def _page(
    request: HttpRequest, *, enrolment_id: int, form: ComplexityForm | None, now: datetime, status: int = 200
) -> HttpResponse:
    actor = actor_of(request)
    view = get_follow_up(actor, enrolment_id=enrolment_id, now=now)
    patient = view.enrolment.patient
    may_change = view.enrolment.loop.state == "open" and patient.reachable_by(actor, SET_COMPLEXITY, now=now)
    context = {
        "follow_up": view,
        "patient": patient,
        "form": form or ComplexityForm(initial={"complexity": view.enrolment.complexity}),
        "may_change": may_change,
        "may_record": may_change and patient.reachable_by(actor, RECORD_VISIT, now=now),
        "may_serve": may_be_the_visit(actor, view=view, now=now),
    }
    template = "pathways/_follow_up.html" if request.htmx else "pathways/follow_up.html"  # type: ignore[attr-defined]  # put there by a middleware
    return render(request, template, context, status=status)
