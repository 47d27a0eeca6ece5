"""The waitlist as it is read: who waits, which times became free, whom each suits best and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.db.models import OuterRef, QuerySet, Subquery

from liaison.core.actor import Actor, system_actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.verbs import Verb
from liaison.inbox.ports import Address, Category, Channel, Why, is_connected
from liaison.inbox.queries.letters import address_for
from liaison.patients.models import ContactPoint, Patient
from liaison.patients.queries.band import shown_contact
from liaison.scheduling.access import OFFER, WAIT
from liaison.scheduling.models import Appointment, Opening, VisitType, WaitlistEntry, WaitlistOffer
from liaison.scheduling.queries.free import time_elsewhere
from liaison.scheduling.queries.looking import TimesWanted
from liaison.scheduling.queries.times import TimeOffer, earliest_times
from liaison.scheduling.queries.told import why_offer_unread
from liaison.scheduling.rules import (
    OfferState,
    Span,
    Urgency,
    WaitState,
    place_in_line,
    waitlist_policy,
    with_the_way,
)

_A_DAY_OF_STARTS = 288
_LOOKS = system_actor("waitlist")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One patient whom a freed time suits, the best first. `days_won` is against the visit that would move; `unread`
    says that an offer by mail goes out in a language that they do not read, "" else."""

    entry: WaitlistEntry
    time: TimeOffer
    kind: VisitType
    waits_days: int
    recent_offers: int
    days_won: int | None
    phone: str
    takes_mail: bool
    unread: str
    has_offer: bool

    @property
    def by_phone_only(self) -> bool:
        """Whether somebody must call."""
        return not self.takes_mail


@dataclass(frozen=True, slots=True, kw_only=True)
class FreedTime:
    """A time that became free and lies ahead, with whom it suits."""

    opening: Opening
    candidates: tuple[Candidate, ...]
    live_offers: int


def get_entry(actor: Actor, *, entry_id: int, now: datetime) -> WaitlistEntry:
    """One wait with what its page shows. Refuses: NotFound."""
    found = _with_all(WaitlistEntry.objects.filter(pk=entry_id)).filter(patient__in=_visible(actor, now=now)).first()
    if found is None:
        raise NotFound
    seen(found.patient_id)
    return found


def offers_of(entry: WaitlistEntry) -> Sequence[WaitlistOffer]:
    """Everything that was ever offered to them, the newest first. The entry was fetched for somebody."""
    return tuple(entry.offers.select_related("opening__site", "visit_type", "appointment").order_by("-offered_at"))


def get_offer(actor: Actor, *, offer_id: int, now: datetime) -> WaitlistOffer:
    """One offer. Refuses: NotFound."""
    rows = WaitlistOffer.objects.filter(entry__patient__in=_visible(actor, now=now))
    found = rows.select_related("entry__patient", "opening__site").filter(pk=offer_id).first()
    if found is None:
        raise NotFound
    seen(found.entry.patient_id)
    return found


def offer_holding(appointment: Appointment) -> WaitlistOffer | None:
    """The running offer for which a time is held. The appointment was fetched for somebody."""
    return WaitlistOffer.objects.filter(hold=appointment, state=OfferState.OFFERED.value).first()


def wait_to_move(appointment: Appointment) -> WaitlistEntry | None:
    """The wait that would move this visit forward. The appointment was fetched for somebody."""
    return WaitlistEntry.objects.filter(moves=appointment, state=WaitState.WAITING.value).first()


def live_offers_of(actor: Actor, *, opening: Opening, now: datetime) -> Sequence[WaitlistOffer]:
    """The offers of a freed time, the running ones first; only of patients whom this actor sees."""
    rows = opening.offers.filter(entry__patient__in=_visible(actor, now=now)).select_related(
        "entry__patient", "opening__site"
    )
    found = sorted(rows, key=lambda offer: (not offer.is_open, -offer.offered_at.timestamp()))
    seen({offer.entry.patient_id for offer in found})
    return found


def waiting(actor: Actor, *, site_id: int | None = None, now: datetime) -> Sequence[WaitlistEntry]:
    """Everybody who waits at the sites of this actor, or at one of them, in the order of the line."""
    if not actor.may(WAIT):
        raise Forbidden
    rows = WaitlistEntry.objects.filter(state=WaitState.WAITING.value, patient__in=_visible(actor, now=now))
    if site_id is not None:
        rows = rows.filter(sites=site_id)
    found = list(_with_all(rows))
    seen({entry.patient_id for entry in found})
    return _in_line(found, recent=_recent_offers(found, now=now), zone=actor.zone)


def get_opening(actor: Actor, *, opening_id: int) -> Opening:
    """One freed time. Refuses: NotFound (another site's too)."""
    found = Opening.objects.select_related("site").filter(pk=opening_id).first()
    if found is None or not actor.may_at(OFFER, site_id=found.site_id):
        raise NotFound
    return found


def openings_ahead(actor: Actor, *, site_id: int | None = None, now: datetime, limit: int = 20) -> Sequence[FreedTime]:
    """The freed times that suit somebody, or are offered to somebody, the next first; at most `limit` are looked at."""
    if not actor.may(OFFER):
        raise Forbidden
    sites = actor.sites_for(OFFER)
    rows = Opening.objects.filter(end_at__gt=now).select_related("site").order_by("start_at", "pk")
    if sites is not None:
        rows = rows.filter(site_id__in=sites)
    if site_id is not None:
        rows = rows.filter(site_id=site_id)
    found = [freed_time(actor, opening=opening, now=now) for opening in rows[:limit]]
    return tuple(one for one in found if one.candidates or one.live_offers)


def freed_time(actor: Actor, *, opening: Opening, now: datetime) -> FreedTime:
    """Whom a freed time suits, ranked. Only patients whom this actor may offer it to are named."""
    return FreedTime(
        opening=opening,
        candidates=candidates(actor, opening=opening, now=now),
        live_offers=opening.offers.filter(state=OfferState.OFFERED.value).count(),
    )


def candidates(actor: Actor, *, opening: Opening, now: datetime) -> tuple[Candidate, ...]:
    """Those whom a freed time suits, in the order of the line (DOMAIN 1.5)."""
    rows = WaitlistEntry.objects.filter(
        state=WaitState.WAITING.value,
        sites=opening.site_id,
        patient__in=_visible(actor, OFFER, now=now),
        patient__is_deceased=False,
    )
    entries = list(_with_all(rows))
    times = _Times(opening, now=now)
    fitting = [(entry, time) for entry in entries if (time := times.first_for(entry)) is not None]
    recent = _recent_offers([entry for entry, _ in fitting], now=now)
    zone = opening.site.zone
    today = now.astimezone(zone).date()
    by_entry = {entry.pk: time for entry, time in fitting}
    seen({entry.patient_id for entry, _ in fitting})
    return tuple(
        Candidate(
            entry=entry,
            time=by_entry[entry.pk],
            kind=times.kind_of(entry),
            waits_days=(today - entry.joined_at.astimezone(zone).date()).days,
            recent_offers=recent[entry.pk],
            days_won=_days_won(entry, by_entry[entry.pk]),
            phone=phone_of(entry.patient, now=now),
            takes_mail=takes_mail(entry.patient, now=now),
            unread=why_offer_unread(entry.patient, now=now),
            has_offer=any(offer.is_open for offer in entry.offers.all()),
        )
        for entry in _in_line([entry for entry, _ in fitting], recent=recent, zone=zone)
    )


def fitting_time(
    entry: WaitlistEntry, *, opening: Opening, start_at: datetime | None = None, now: datetime
) -> TimeOffer | None:
    """The first time in the opening that suits one who waits, or the one at `start_at`; None when there is none."""
    return _Times(opening, now=now).first_for(entry, start_at=start_at)


def current_kind(entry: WaitlistEntry) -> VisitType | None:
    """The visit type of a wait in today's version."""
    return VisitType.objects.filter(code=entry.visit_type_code, is_current=True).prefetch_related("needs").first()


def takes_mail(patient: Patient, *, now: datetime) -> bool:
    """Whether an offer can go to them by mail."""
    if not is_connected(Channel.EMAIL):
        return False
    return not isinstance(_address(patient, Channel.EMAIL, now=now), str)


def phone_of(patient: Patient, *, now: datetime) -> str:
    """The number to call them at, with whose it is if it is a proxy's; "" when there is none."""
    address = _address(patient, Channel.PHONE, now=now)
    if isinstance(address, str):
        return ""
    point = ContactPoint.objects.filter(pk=address.point_id).first() if address.point_id else None
    return shown_contact(point) if point else f"{address.value}, {address.proxy}"


class _Times:
    """The free times inside one opening, searched once for each kind of visit and person asked for."""

    def __init__(self, opening: Opening, *, now: datetime) -> None:
        self._opening, self._now = opening, now
        self._kinds = {kind.code: kind for kind in VisitType.objects.filter(is_current=True).prefetch_related("needs")}
        self._found: dict[tuple[str, int | None], tuple[TimeOffer, ...]] = {}

    def kind_of(self, entry: WaitlistEntry) -> VisitType:
        """The current version of what the patient waits for."""
        return self._kinds[entry.visit_type_code]

    def first_for(self, entry: WaitlistEntry, *, start_at: datetime | None = None) -> TimeOffer | None:
        kind = self._kinds.get(entry.visit_type_code)
        if kind is None or (kind.referral_needed and entry.referral_id is None):
            return None
        if self._opening.site_id not in {site.pk for site in entry.sites.all()}:
            return None
        zone, busy = self._opening.site.zone, self._elsewhere(entry)
        for time in self._times(kind, with_id=entry.with_resource_id):
            wanted = start_at is None or time.start_at == start_at
            if (
                wanted
                and entry.takes(time.start_at, kind=kind, zone=zone, now=self._now)
                and not any(span.overlaps(Span(time.start_at, time.end_at)) for span in busy)
            ):
                return time
        return None

    def _times(self, kind: VisitType, *, with_id: int | None) -> tuple[TimeOffer, ...]:
        key = (kind.code, with_id)
        if key not in self._found:
            self._found[key] = tuple(self._search(kind, with_id=with_id))
        return self._found[key]

    def _search(self, kind: VisitType, *, with_id: int | None) -> Iterable[TimeOffer]:
        opening = self._opening
        first = max(opening.start_at, self._now)
        if first >= opening.end_at:
            return ()
        wanted = TimesWanted(
            visit_type_id=kind.pk,
            site_id=opening.site_id,
            with_id=with_id,
            not_before=first.astimezone(opening.site.zone).date(),
            limit=_A_DAY_OF_STARTS,
            per_day=None,
        )
        try:
            found = earliest_times(_LOOKS, wanted=wanted, now=self._now)
        except NotFound:  # the person asked for does not work there
            return ()
        return (time for time in found.offers if opening.start_at <= time.start_at < opening.end_at)

    def _elsewhere(self, entry: WaitlistEntry) -> list[Span]:
        """When the patient can't be there: other visits, with the way from another site."""
        theirs = Appointment.objects.filter(patient_id=entry.patient_id).holding_time()
        near = theirs.overlapping(with_the_way(self._opening.span))
        return time_elsewhere(near, site_id=self._opening.site_id, modality=self.kind_of(entry).modality)


def _in_line(entries: Sequence[WaitlistEntry], *, recent: Mapping[int, int], zone: tzinfo) -> Sequence[WaitlistEntry]:
    return sorted(
        entries,
        key=lambda entry: place_in_line(
            Urgency(entry.urgency),
            joined_on=entry.joined_at.astimezone(zone).date(),
            recent_offers=recent[entry.pk],
            joined_at=entry.joined_at,
        ),
    )


def _recent_offers(entries: Collection[WaitlistEntry], *, now: datetime) -> Counter[int]:
    since = now - waitlist_policy().recent
    ids = [entry.pk for entry in entries]
    return Counter(
        WaitlistOffer.objects.filter(entry_id__in=ids, offered_at__gt=since).values_list("entry_id", flat=True)
    )


def _days_won(entry: WaitlistEntry, time: TimeOffer) -> int | None:
    later = entry.later_visit
    return None if later is None else (later.local_start.date() - time.on).days


def _address(patient: Patient, channel: Channel, *, now: datetime) -> Address | Why:
    return address_for(patient, channel=channel, category=Category.APPOINTMENT, now=now)


def _with_all(rows: QuerySet[WaitlistEntry]) -> QuerySet[WaitlistEntry]:
    """With everything that a row of the line shows; `kind_name` is what they wait for, in today's version."""
    kind = VisitType.objects.filter(code=OuterRef("visit_type_code"), is_current=True).values("name")[:1]
    return (
        rows.annotate(kind_name=Subquery(kind))
        .select_related("patient", "with_resource", "moves", "loop", "serves")
        .prefetch_related("sites", "offers")
    )


def _visible(actor: Actor, verb: Verb | None = None, *, now: datetime) -> QuerySet[Patient]:
    return Patient.objects.visible_to(actor, verb, now=now)
