"""The readiness board: tomorrow's visits, or this week's, with what stands in their way."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden
from liaison.scheduling import queries
from liaison.scheduling.views.calendar import site_to_show

_WEEK = 7


@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """`site` and `days` in the address: 1 is tomorrow, 7 from today on; without them tomorrow at the site looked at
    last."""
    actor, now = actor_of(request), current_time()
    sites = queries.sites_to_see(actor)
    if not sites:
        raise Forbidden
    site = site_to_show(request, sites, id_in(request.GET.get("site")))
    is_week = request.GET.get("days") == str(_WEEK)
    today = now.astimezone(site.zone).date()
    shown = queries.readiness_board(
        actor,
        site_id=site.pk,
        first=today if is_week else today + timedelta(days=1),
        days=_WEEK if is_week else 1,
        now=now,
    )
    context = {
        "board": shown,
        "sites": sites,
        "is_week": is_week,
        "days": _WEEK if is_week else 1,
        "time_zone": site.time_zone,
        "now": now,
    }
    return render(request, "scheduling/readiness.html", context)
