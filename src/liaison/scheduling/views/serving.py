"""One press: this visit is the one that was promised."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liaison.core.answers import done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.scheduling import queries
from liaison.scheduling.actions import serve_loop
from liaison.scheduling.views.attending import version_in


@require_POST
def serve(request: HttpRequest, appointment_id: int, loop_id: int) -> HttpResponse:
    """Count the visit for this promise, and show the promise."""
    actor = actor_of(request)
    found = queries.get_appointment(actor, appointment_id=appointment_id, now=current_time())
    serve_loop(
        actor=actor, appointment=found, loop_id=loop_id, expected_version=version_in(request), now=current_time()
    )
    return done(request, said=_("Noted: this is the visit."), to=reverse("desk:loop", args=[loop_id]), go=True)
