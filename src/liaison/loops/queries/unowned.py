"""Where promises wait because nobody could own them, told on every page to those who can mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaison.accounts.access import MANAGE_SITES, Role
from liaison.accounts.models import Site, Team, User
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.places import address
from liaison.core.shell import Banner
from liaison.loops.access import SEE_UNOWNED
from liaison.loops.models import WaitingPromise
from liaison.loops.ports import waiting_counters
from liaison.patients.models import PatientSite


def unowned_banners(actor: Actor, *, now: datetime) -> Sequence[Banner]:
    """A notice for each of the actor's sites at which promises wait for an owner, with the way out; names no patient.

    Nothing is counted for a site where somebody could own them: there the worker opens them by itself.
    """
    if not actor.may(SEE_UNOWNED):
        return []
    waiting = _by_site(_sites_without_owner(actor, now=now), now=now)
    told = [_banner(actor, site=site, count=count) for site, count in waiting if count]
    homeless = _of_no_site() if actor.may_at(SEE_UNOWNED, site_id=EVERYWHERE) else 0
    return [*told, _homeless(homeless)] if homeless else told


def _sites_without_owner(actor: Actor, *, now: datetime) -> list[Site]:
    """Those of the actor's sites that have no team, coordinator or supervisor, as `owner_for` looks for them."""
    if Team.objects.filter(site=None).exists():
        return []
    mine = actor.sites_for(SEE_UNOWNED)
    sites = Site.objects.filter(teams=None) if mine is None else Site.objects.filter(teams=None, pk__in=mine)
    return [site for site in sites.order_by("name") if not _somebody(site, now=now)]


def _somebody(site: Site, *, now: datetime) -> bool:
    people = User.objects.active()
    roles = (Role.COORDINATOR, Role.SUPERVISOR)
    return any(people.holding(role, now=now, site_id=site.pk).exists() for role in roles)


def _by_site(sites: Sequence[Site], *, now: datetime) -> list[tuple[Site, int]]:
    ids = [site.pk for site in sites]
    if not ids:
        return []
    counts = Counter(_promises(ids))
    for counter in waiting_counters():
        counts.update(counter(site_ids=ids, now=now))
    return [(site, counts[site.pk]) for site in sites]


def _promises(site_ids: Collection[int]) -> dict[int, int]:
    rows = WaitingPromise.objects.waiting().filter(site_id__in=site_ids)
    return dict(rows.order_by().values_list("site_id").annotate(Count("id")))


def _of_no_site() -> int:
    rows = WaitingPromise.objects.waiting().filter(site=None)
    return rows.exclude(patient__in=PatientSite.objects.filter(~Q(site=None)).values("patient")).count()


def _banner(actor: Actor, *, site: Site, count: int) -> Banner:
    said = ngettext(
        "%(count)d promise to a patient of %(site)s waits: nobody there could own it.",
        "%(count)d promises to patients of %(site)s wait: nobody there could own them.",
        count,
    ) % {"count": count, "site": site.name}
    if not actor.may_at(MANAGE_SITES, site_id=site.pk):
        way = _("Ask an administrator for a team there.")
        return Banner(kind="warning", text=f"{said} {way}")
    way = _("Add a team, or give somebody the role of a coordinator there.")
    return Banner(kind="warning", text=f"{said} {way}", url=address("accounts:sites"), link=_("Sites and teams"))


def _homeless(count: int) -> Banner:
    said = ngettext(
        "%(count)d promise waits: its patient belongs to no site. Add one on the patient’s page.",
        "%(count)d promises wait: their patients belong to no site. Add one on each patient’s page.",
        count,
    ) % {"count": count}
    return Banner(kind="warning", text=said)
