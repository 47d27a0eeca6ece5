"""One press: a time that is held is booked, or given up."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.scheduling import queries
from liaison.scheduling.actions import give_up_hold, take_hold
from liaison.scheduling.views.attending import done_with, version_in


@require_POST
def answer(request: HttpRequest, appointment_id: int, ending: str) -> HttpResponse:
    """The patient takes it ("take"), or does not want it ("give-up")."""
    steps = {"take": (take_hold, _("Booked.")), "give-up": (give_up_hold, _("Given up. The time is free again."))}
    if ending not in steps:
        raise Http404
    now = current_time()
    found = queries.get_appointment(actor_of(request), appointment_id=appointment_id, now=now)
    step, said = steps[ending]
    step(actor=actor_of(request), appointment=found, expected_version=version_in(request), now=now)
    return done_with(request, found, said=said)
