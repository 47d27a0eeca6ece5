"""The page of one follow-up after a hospital stay."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.pathways.access import SET_COMPLEXITY
from liaison.pathways.actions import set_complexity
from liaison.pathways.forms import ComplexityForm
from liaison.pathways.queries import get_follow_up
from liaison.pathways.rules.protocol import Complexity


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
    if request.htmx:  # type: ignore[attr-defined]
        return _page(request, enrolment_id=enrolment_id, form=None)
    return redirect("pathways:follow_up", enrolment_id=enrolment_id)


def _page(request: HttpRequest, *, enrolment_id: int, form: ComplexityForm | None, status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    view = get_follow_up(actor, enrolment_id=enrolment_id, now=current_time())
    patient = view.enrolment.patient
    may_change = view.enrolment.loop.state == "open" and patient.reachable_by(actor, SET_COMPLEXITY)
    context = {
        "follow_up": view,
        "patient": patient,
        "form": form or ComplexityForm(initial={"complexity": view.enrolment.complexity}),
        "may_change": may_change,
    }
    template = "pathways/_follow_up.html" if request.htmx else "pathways/follow_up.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)
