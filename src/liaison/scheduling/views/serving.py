"""One press: this visit is the one that was promised."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from liaison.core.answers import done
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.scheduling import queries
from liaison.scheduling.actions import serve_loop, serve_no_more
from liaison.scheduling.views.attending import version_in


@require_POST
def serve(request: HttpRequest, appointment_id: int, loop_id: int) -> HttpResponse:
    """Count the visit for this promise, and show the promise."""
    actor, now = actor_of(request), current_time()
    found = queries.get_appointment(actor, appointment_id=appointment_id, now=now)
    served = serve_loop(actor=actor, appointment=found, loop_id=loop_id, expected_version=version_in(request), now=now)
    as_it_is = urlencode({"version": served.version, "loop": served.loop.version if served.loop else 0})
    undo = f"{reverse('scheduling:serve_no_more', args=[found.pk, loop_id])}?{as_it_is}"
    to = reverse("desk:loop", args=[loop_id])
    return done(request, said=_("Noted: this is the visit."), to=to, undo_url=undo, go=True)


@require_POST
def no_more(request: HttpRequest, appointment_id: int, loop_id: int) -> HttpResponse:
    """Take that back; the address names what was said by the versions of visit and promise."""
    actor, now = actor_of(request), current_time()
    found = queries.get_appointment(actor, appointment_id=appointment_id, now=now)
    serve_no_more(
        actor=actor,
        appointment=found,
        loop_id=loop_id,
        expected_version=id_in(request.GET.get("version")) or 0,
        loop_version=id_in(request.GET.get("loop")) or 0,
        now=now,
    )
    topics = (f"loop:{loop_id}", f"appointment:{found.pk}", f"patient:{found.patient_id}")
    said = _("Taken back: the visit is for nothing in particular.")
    return done(request, said=said, to=reverse("desk:loop", args=[loop_id]), topics=topics)
