"""Finding a patient, and registering one who is not there yet."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.accounts.queries import sites_within
from liaison.core.answers import attempt, done, wants_fragment
from liaison.core.clock import current_time
from liaison.core.names_in_words import among_words
from liaison.core.numbers import id_in
from liaison.patients import access, actions, queries
from liaison.patients.forms import NewPatientForm
from liaison.patients.views.asking import chart_url, must_carry

MOST = 50


@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """Patients as one types, for who may see any; with htmx the list only."""
    actor, now = must_carry(request, access.SEE), current_time()
    text = request.GET.get("q", "")[:200].strip()
    context = {
        "q": text,
        "hits": queries.search(actor, text=text, limit=MOST, now=now) if text else [],
        "most": MOST,
        "now": now,
        "time_zone": actor.zone,
        "may_register": actor.may(access.REGISTER),
        "may_break_glass": actor.may(access.BREAK_GLASS),
        "may_merge": actor.may(access.MERGE),
        "grants": queries.my_live_grants(actor, now=now),
    }
    template = "patients/_hits.html" if wants_fragment(request) else "patients/search.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Register a patient; who looks alike is shown before anything is saved."""
    actor, now = must_carry(request, access.REGISTER), current_time()
    sites = sites_within(actor, access.REGISTER)
    form = NewPatientForm(request.POST or None, sites=sites, initial={"family": request.GET.get("name", "")[:200]})
    alike: object = []
    if request.method == "POST" and form.is_valid():
        site = form.cleaned_data["site"]
        patient = attempt(
            form,
            lambda: actions.register_patient(
                actor=actor,
                details=form.details(),
                site_ids=[site.pk],
                identifiers=form.identifiers(site=site),
                contacts=form.contacts(),
                alike=actions.Alike(registration=form.registration(), looked_at=_looked_at(request, form)),
                now=now,
            ),
        )
        if patient is not None:
            said = _("%(name)s is registered.") % {"name": among_words(patient.display_name)}
            return done(request, said=said, to=chart_url(patient.pk), go=True)
        alike = queries.look_alikes(actor, registration=form.registration(), now=now)
    context = {"form": form, "alike": alike, "now": now}
    return render(request, "patients/new.html", context, status=422 if form.errors else 200)


def _looked_at(request: HttpRequest, form: NewPatientForm) -> frozenset[int]:
    """Those who were shown as alike when it was said that this is none of them."""
    shown = [id_in(one) for one in request.POST.getlist("shown_alike")]
    return frozenset(one for one in shown if one is not None) if form.cleaned_data["none_of_these"] else frozenset()


@require_POST
def alike(request: HttpRequest) -> HttpResponse:
    """Who looks like the person being typed in (a piece of the form for a new patient)."""
    actor, now = must_carry(request, access.REGISTER), current_time()
    form = NewPatientForm(request.POST, sites=sites_within(actor, access.REGISTER))
    form.is_valid()
    found = queries.look_alikes(actor, registration=form.registration(), now=now)
    return render(request, "patients/_alike.html", {"alike": found, "form": form, "now": now})
