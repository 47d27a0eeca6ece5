"""The calendar of a day at a site: people, rooms and devices on one time axis, and the same as a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from liaison.accounts.models import Site
from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, NotFound
from liaison.scheduling import queries
from liaison.scheduling.access import ARRANGE
from liaison.scheduling.forms import DayForm
from liaison.scheduling.views.appointments import STATE_WORDS
from liaison.scheduling.views.grid import grid_of

_DAY = timedelta(days=1)
_LAST_SITE = "scheduling_site"


@require_GET
def day(request: HttpRequest) -> HttpResponse:
    """One day of one site. `site` and `on` in the address; without them today at the site looked at last."""
    now = current_time()
    form = DayForm(request.GET)
    form.is_valid()
    sites = queries.sites_to_see(actor_of(request))
    if not sites:
        raise Forbidden
    site = site_to_show(request, sites, form.cleaned_data.get("site"))
    today = now.astimezone(site.zone).date()
    on = form.cleaned_data.get("on") or today
    shown = queries.day(actor_of(request), site=site, on=on)
    context = {
        "day": shown,
        "grid": grid_of(shown, now=now),
        "sites": sites,
        "today": today,
        "yesterday": on - _DAY,
        "tomorrow": on + _DAY,
        "next_working": None if shown.rows or shown.visits else queries.next_working_day(site=site, after=on),
        "unknown_day": request.GET.get("on", "") if "on" in form.errors else "",
        "as_list": request.GET.get("view") == "list",
        "own_url": reverse("scheduling:day"),
        "state_words": STATE_WORDS,
        "may_arrange": actor_of(request).may(ARRANGE),
        "time_zone": site.time_zone,
        "now": now,
    }
    template = "scheduling/_day.html" if wants_fragment(request) else "scheduling/day.html"
    return render(request, template, context)


def site_to_show(request: HttpRequest, sites: Sequence[Site], site_id: int | None) -> Site:
    """The site that is asked for, else the one looked at last in this session, else the first."""
    by_id = {site.pk: site for site in sites}
    if site_id is None:
        return by_id.get(int(request.session.get(_LAST_SITE, 0)), sites[0])
    if site_id not in by_id:
        raise NotFound
    request.session[_LAST_SITE] = site_id
    return by_id[site_id]
