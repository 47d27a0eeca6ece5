"""The pages of protocols, and of one follow-up after a hospital stay."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from liaison.core.actor import EVERYWHERE
from liaison.core.answers import done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.pathways import actions, queries
from liaison.pathways.access import SET_COMPLEXITY, SWITCH
from liaison.pathways.actions import set_complexity
from liaison.pathways.forms import ComplexityForm, OffForm
from liaison.pathways.queries import get_follow_up, may_be_the_visit
from liaison.pathways.rules.protocol import Complexity


@require_GET
def protocols(request: HttpRequest) -> HttpResponse:
    """Every protocol: what it is, by what source, whether it is on."""
    return render(request, "pathways/protocols.html", {"protocols": queries.protocols(actor_of(request))})


@require_GET
def protocol(request: HttpRequest, protocol_code: str) -> HttpResponse:
    """One protocol in words: what it hangs on, when nothing is opened, the steps, and since when it is on or off."""
    return _protocol(request, code=protocol_code, form=OffForm())


@require_POST
def turn_off(request: HttpRequest, protocol_code: str) -> HttpResponse:
    """Open nothing new by it."""
    form = OffForm(request.POST)
    if not form.is_valid():
        return _protocol(request, code=protocol_code, form=form, status=422)
    actions.turn_off(actor_of(request), code=protocol_code, reason=form.cleaned_data["reason"], now=current_time())
    return done(request, said=_("Off: it opens nothing new."), to=_address(protocol_code), go=True)


@require_POST
def turn_on(request: HttpRequest, protocol_code: str) -> HttpResponse:
    """Open follow-ups by it again."""
    actions.turn_on(actor_of(request), code=protocol_code, now=current_time())
    return done(request, said=_("On again, within the hour also for what ended meanwhile."),
                to=_address(protocol_code), go=True)  # fmt: skip


def _address(code: str) -> str:
    return reverse("pathways:protocol", args=[code])


def _protocol(request: HttpRequest, *, code: str, form: OffForm, status: int = 200) -> HttpResponse:
    actor, now = actor_of(request), current_time()
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
    return _page(request, enrolment_id=enrolment_id, form=None)


@require_POST
def complexity(request: HttpRequest, enrolment_id: int) -> HttpResponse:
    """Say how complex the visit will be."""
    form = ComplexityForm(request.POST)
    if not form.is_valid():
        return _page(request, enrolment_id=enrolment_id, form=form, status=422)
    wanted = Complexity(form.cleaned_data["complexity"])
    set_complexity(actor_of(request), enrolment_id=enrolment_id, complexity=wanted, now=current_time())
    if request.htmx:  # type: ignore[attr-defined]  # put there by a middleware
        return _page(request, enrolment_id=enrolment_id, form=None)
    return redirect("pathways:follow_up", enrolment_id=enrolment_id)


def _page(request: HttpRequest, *, enrolment_id: int, form: ComplexityForm | None, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    view = get_follow_up(actor, enrolment_id=enrolment_id, now=current_time())
    patient = view.enrolment.patient
    may_change = view.enrolment.loop.state == "open" and patient.reachable_by(actor, SET_COMPLEXITY, now=current_time())
    context = {
        "follow_up": view,
        "patient": patient,
        "form": form or ComplexityForm(initial={"complexity": view.enrolment.complexity}),
        "may_change": may_change,
        "may_serve": may_be_the_visit(actor, view=view, now=current_time()),
    }
    template = "pathways/_follow_up.html" if request.htmx else "pathways/follow_up.html"  # type: ignore[attr-defined]  # put there by a middleware
    return render(request, template, context, status=status)
