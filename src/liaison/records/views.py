"""One resource as it was received."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from liaison.records.queries import get_resource


@require_GET
def resource(request: HttpRequest, resource_id: int, version: int | None = None) -> HttpResponse:
    """What was received, as a table and as the JSON it came as; 404 for what this person can't see."""
    view = get_resource(request.actor, resource_id=resource_id, version=version)  # type: ignore[attr-defined]
    template = "records/_resource.html" if request.htmx else "records/resource.html"  # type: ignore[attr-defined]
    return render(request, template, {"resource": view, "patient": view.patient})
