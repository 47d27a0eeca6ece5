"""How freed times are filled, and whether offers reach everybody alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.languages import main_language
from liaison.core.refusals import Forbidden
from liaison.scheduling.access import WAITLIST_REPORT
from liaison.scheduling.models import Opening, WaitlistEntry, WaitlistOffer
from liaison.scheduling.rules import OfferState

LOOKED_BACK = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Offers to one group (a language, a site): how many waited, were offered a time, and what became of it."""

    name: str
    joined: int
    offered: int
    accepted: int
    declined: int
    unanswered: int

    @property
    def offers_each(self) -> float:
        """Offers for each patient who joined."""
        return round(self.offered / self.joined, 1) if self.joined else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistReport:
    """The last ninety days. `to_fill` is from a time becoming free to its answer, `ahead` from there to its start."""

    since: datetime
    freed: int
    offered: int
    filled: int
    to_fill: timedelta | None
    ahead: timedelta | None
    by_language: tuple[Share, ...]
    by_site: tuple[Share, ...]


def waitlist_report(actor: Actor, *, now: datetime) -> WaitlistReport:
    """Counts only, of the sites of this actor. Refuses: Forbidden."""
    if not actor.may(WAITLIST_REPORT):
        raise Forbidden
    since = now - LOOKED_BACK
    sites = actor.sites_for(WAITLIST_REPORT)
    openings = Opening.objects.filter(found_at__gt=since)
    offers = WaitlistOffer.objects.filter(offered_at__gt=since).select_related("opening", "entry__patient")
    waits = WaitlistEntry.objects.filter(joined_at__gt=since).select_related("patient").prefetch_related("sites")
    if sites is not None:
        openings, offers = openings.filter(site__in=sites), offers.filter(opening__site__in=sites)
        waits = waits.filter(sites__in=sites).distinct()
    made, joined = list(offers), list(waits)
    taken = [offer for offer in made if offer.state == OfferState.ACCEPTED]
    known = sites_within(actor, WAITLIST_REPORT)
    return WaitlistReport(
        since=since,
        freed=openings.count(),
        offered=len({offer.opening_id for offer in made}),
        filled=len({offer.opening_id for offer in taken}),
        to_fill=_median(offer.answered_at - offer.opening.found_at for offer in taken if offer.answered_at),
        ahead=_median(offer.start_at - offer.answered_at for offer in taken if offer.answered_at),
        by_language=_by_language(made, joined),
        by_site=tuple(
            _share(
                site.name,
                joined=sum(site in wait.sites.all() for wait in joined),
                offers=[offer for offer in made if offer.opening.site_id == site.pk],
            )
            for site in known
        ),
    )


def _by_language(made: Sequence[WaitlistOffer], joined: Sequence[WaitlistEntry]) -> tuple[Share, ...]:
    spoken = {wait.pk: wait.patient.written_language or wait.patient.spoken_language for wait in joined}
    names = {main_language(tag) for tag in spoken.values()} | {main_language(offer.language) for offer in made}
    return tuple(
        _share(
            name,
            joined=sum(main_language(tag) == name for tag in spoken.values()),
            offers=[offer for offer in made if main_language(offer.language) == name],
        )
        for name in sorted(names)
    )


def _share(name: str, *, joined: int, offers: Sequence[WaitlistOffer]) -> Share:
    def ended(state: OfferState) -> int:
        return sum(offer.state == state for offer in offers)

    return Share(
        name=name,
        joined=joined,
        offered=len(offers),
        accepted=ended(OfferState.ACCEPTED),
        declined=ended(OfferState.DECLINED),
        unanswered=ended(OfferState.EXPIRED),
    )


def _median(lengths: Iterable[timedelta]) -> timedelta | None:
    seconds = [length.total_seconds() for length in lengths]
    return timedelta(seconds=median(seconds)) if seconds else None
