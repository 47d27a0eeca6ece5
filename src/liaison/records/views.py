"""One resource as it was received; filing a document, handing its file out, taking it out again."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import attempt, done
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.written_time import full_day
from liaison.patients.queries import get_patient
from liaison.records import access, actions
from liaison.records.forms import DocumentForm, TakeOutForm
from liaison.records.queries import document_file, get_resource, may_take_out

SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'"
"""What a browser may do with somebody's file: show it, and nothing else."""


@require_GET
def resource(request: HttpRequest, resource_id: int, version: int | None = None) -> HttpResponse:
    """What was received, as a table and as the JSON it came as; 404 for what this person can't see."""
    return _resource(request, resource_id, version=version, now=current_time())


@require_http_methods(["GET", "POST"])
def file_document(request: HttpRequest, patient_id: int) -> HttpResponse:
    """File a document in a patient's chart."""
    now, actor = current_time(), actor_of(request)
    patient = get_patient(actor, patient_id=patient_id, verb=access.FILE_DOCUMENT, now=now)
    back = reverse("desk:patient", args=[patient.pk])
    start = {"idempotency_key": f"document:{uuid4()}", "dated_on": patient.day_at(now)}
    form = DocumentForm(request.POST or None, request.FILES or None, initial=start)
    if request.method == "POST" and form.is_valid():
        filed = attempt(
            form,
            lambda: actions.file_document(
                actor,
                patient=patient,
                file=form.cleaned_data["file"],
                filing=form.filing,
                idempotency_key=form_key(request, form.cleaned_data["idempotency_key"]),
                now=now,
            ),
        )
        if filed is not None:
            said = _("Filed under %(day)s.") % {"day": full_day(form.cleaned_data["dated_on"])}
            return done(request, said=said, to=back, go=True)
    context = {"patient": patient, "form": form, "back_url": back, "now": now}
    return render(request, "records/file_document.html", context, status=422 if form.errors else 200)


@require_GET
def file(request: HttpRequest, resource_id: int) -> HttpResponse:
    """The file of a document: shown in a sandbox, or as a download; never run, never guessed at, never stored."""
    held = document_file(actor_of(request), resource_id=resource_id, now=current_time())
    as_attachment = not held.in_place or "download" in request.GET
    answer = HttpResponse(held.content, content_type=held.media_type)
    if held.media_type == "text/plain":
        answer["Content-Type"] = "text/plain; charset=utf-8"
    answer["Content-Disposition"] = content_disposition_header(as_attachment, held.name) or ""
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = SANDBOX
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
def take_out(request: HttpRequest, resource_id: int) -> HttpResponse:
    """Take a document out that was filed by mistake."""
    now = current_time()
    form = TakeOutForm(request.POST)
    if not form.is_valid():
        return _resource(request, resource_id, form=form, now=now)
    view = get_resource(actor_of(request), resource_id=resource_id, now=now)
    actions.take_out_document(actor_of(request), resource_id=resource_id, reason=form.cleaned_data["reason"], now=now)
    said = _("Taken out. Its history stays.")
    return done(request, said=said, to=reverse("desk:patient", args=[view.patient.pk]), go=True)


def _resource(
    request: HttpRequest,
    resource_id: int,
    *,
    now: datetime,
    version: int | None = None,
    form: TakeOutForm | None = None,
) -> HttpResponse:
    actor = actor_of(request)
    view = get_resource(actor, resource_id=resource_id, version=version, now=now)
    context = {
        "resource": view,
        "patient": view.patient,
        "may_take_out": may_take_out(actor, patient=view.patient, system=view.system, status=view.status, now=now)
        and view.file is not None
        and view.version.current,
        "form": form or TakeOutForm(),
    }
    template = "records/_resource.html" if request.htmx else "records/resource.html"  # type: ignore[attr-defined]  # put there by a middleware
    return render(request, template, context, status=422 if form else 200)
