"""Where promises wait because nobody could own them, told on every page to those who can mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

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

MOST_NAMED: Final = 5
"""So many promises that could not be opened are named by number: enough to find them in the log."""


def unowned_banners(actor: Actor, *, now: datetime) -> Sequence[Banner]:
    """A notice for each of the actor's sites at which promises wait for an owner, with the way out; names no patient.

    Nothing is counted for a site where somebody could own them: there the worker opens them by itself. What it could
    not open for another reason has a notice of its own.
    """
    if not actor.may(SEE_UNOWNED):
        return []
    return [*_without_owner(actor, now=now), *_failed(actor)]


def _without_owner(actor: Actor, *, now: datetime) -> list[Banner]:
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
    rows = WaitingPromise.objects.waiting().filter(site_id__in=site_ids, failed_at=None)
    return dict(rows.order_by().values_list("site_id").annotate(Count("id")))


def _of_no_site() -> int:
    rows = WaitingPromise.objects.waiting().filter(site=None, failed_at=None)
    return rows.exclude(patient__in=PatientSite.objects.filter(~Q(site=None)).values("patient")).count()


def _failed(actor: Actor) -> list[Banner]:
    """One notice for what could not be opened at the actor's sites, with the numbers by which the log names them."""
    rows = WaitingPromise.objects.failed().order_by("pk")
    sites = actor.sites_for(SEE_UNOWNED)
    if sites is not None:
        theirs = Q(site=None, patient__in=PatientSite.objects.filter(site__in=sites).values("patient"))
        rows = rows.filter(Q(site__in=sites) | theirs)
    ids = list(rows.values_list("pk", flat=True)[: MOST_NAMED + 1])
    if not ids:
        return []
    said = ngettext(
        "%(count)s promise to a patient could not be opened, though not for want of an owner. It is kept and tried "
        "again every hour. Whoever runs Liaison finds why in the log: loops.promise_not_opened, %(ids)s.",
        "%(count)s promises to patients could not be opened, though not for want of an owner. They are kept and tried "
        "again every hour. Whoever runs Liaison finds why in the log: loops.promise_not_opened, %(ids)s.",
        len(ids),
    )
    named, more = ", ".join(str(pk) for pk in ids[:MOST_NAMED]), len(ids) > MOST_NAMED
    count = f"{MOST_NAMED}+" if more else str(len(ids))
    return [Banner(kind="warning", text=said % {"count": count, "ids": f"{named} …" if more else named})]


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
