"""One's own visits for one's own calendar: whether there is an address, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse

from liaison.accounts.queries import actor_of, unfinished
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.directory.models import Practitioner
from liaison.scheduling.access import MAKE_FEED
from liaison.scheduling.models import Appointment, CalendarFeed, Modality
from liaison.scheduling.queries.looking import HORIZON
from liaison.scheduling.rules import FEED_BACK, Duty, duty_status, duty_uid, secret_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFeed:
    """Whether this person has an address since when (None: none), and as which clinician ("": nobody said)."""

    made_at: datetime | None
    clinician: str


def own_feed(actor: Actor) -> OwnFeed:
    """One's own address. Refuses: Forbidden (who sees no patients as a clinician has none)."""
    if not actor.may(MAKE_FEED):
        raise Forbidden
    feed = CalendarFeed.objects.in_force().filter(user=actor.user_id).first()
    who = Practitioner.objects.filter(user=actor.user_id).first()
    return OwnFeed(made_at=feed.made_at if feed else None, clinician=who.name if who else "")


def duties_behind(secret: str, *, now: datetime) -> Sequence[Duty] | None:
    """The visits of whose address this is, from 30 days ago to the horizon; None where no address in force is.

    Asked anew each time: who can't sign in, or is no clinician any more, has no visits here, and of a site where they
    are none they have none either. No patient is named, so none was seen.
    """
    feed = CalendarFeed.objects.in_force().select_related("user").filter(secret_hash=secret_hash(secret)).first()
    if feed is None:
        return None
    actor = actor_of(feed.user, now=now)
    if actor.is_anonymous or not actor.may(MAKE_FEED) or unfinished(feed.user):
        return None
    return _duties(actor, now=now)


def _duties(actor: Actor, *, now: datetime) -> Sequence[Duty]:
    """The latest of each chain of moves in which this person takes part."""
    rows = Appointment.objects.filter(
        reservations__resource__practitioner__user=actor.user_id,
        end_at__gte=now - FEED_BACK,
        start_at__lt=now + HORIZON,
    )
    sites = actor.sites_for(MAKE_FEED)
    rows = rows if sites is None else rows.filter(site__in=sites)
    rows = rows.select_related("visit_type", "site").prefetch_related("reservations__resource")
    latest = {row.ical_uid: row for row in rows.order_by("ical_sequence").distinct()}
    return tuple(_duty(row) for row in sorted(latest.values(), key=lambda row: (row.start_at, row.pk)))


def _duty(row: Appointment) -> Duty:
    remote = "" if row.modality == Modality.IN_PERSON else row.get_modality_display()
    return Duty(
        uid=duty_uid(row.ical_uid),
        sequence=row.ical_sequence,
        changed_at=row.cancelled_at or row.booked_at,
        start_at=row.start_at,
        end_at=row.end_at,
        summary=row.visit_type.name,
        where=", ".join(part for part in (remote, *row.places, row.site.name) if part),
        status=duty_status(row.state_now),
        url=urljoin(settings.LIAISON_PUBLIC_URL, reverse("scheduling:appointment", args=[row.pk])),
    )
