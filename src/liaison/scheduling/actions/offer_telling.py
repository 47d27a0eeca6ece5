"""What is said of an offer: the mail with its signed link, the desk's clock that waits for the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from liaison.core.act import Entry
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import NotFound
from liaison.core.written_time import day_and_time
from liaison.inbox.actions import cancel_queued, queue_message
from liaison.inbox.ports import Category, MessageToSend, Unread
from liaison.inbox.queries import unread_ahead
from liaison.loops.actions import satisfy_clock, start_clock
from liaison.loops.models import Loop
from liaison.loops.ports import ClockToStart
from liaison.scheduling.actions.telling import where_to_be
from liaison.scheduling.events import WaitlistOffered
from liaison.scheduling.models import WaitlistEntry, WaitlistOffer
from liaison.scheduling.rules import (
    OfferBy,
    language_of_invitation,
    waitlist_policy,
)

OFFERED: Final = "waitlist-offer"
GONE: Final = "waitlist-gone"
_SALT: Final = "liaison.scheduling.offer"


def offer_link(offer: WaitlistOffer) -> str:
    """The address at which the patient answers: signed, and good for this offer only."""
    path = reverse("scheduling:answer", args=[Signer(salt=_SALT).sign(str(offer.pk))])
    return urljoin(settings.LIAISON_PUBLIC_URL, path)


def _link_in_mail(offer: WaitlistOffer) -> str:
    """The same; for who reads Spanish it says so itself, so that a page that finds no offer speaks it as well."""
    spanish = language_of_invitation(offer.language) == "es"
    return f"{offer_link(offer)}?lang=es" if spanish else offer_link(offer)


def offer_of_link(token: str) -> WaitlistOffer:
    """The offer behind a signed address. Refuses: NotFound (not ours, or changed on the way)."""
    try:
        pk = int(Signer(salt=_SALT).unsign(token))
    except (BadSignature, ValueError) as error:
        raise NotFound from error
    found = WaitlistOffer.objects.select_related("entry__patient", "opening__site").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def let_it_run(entry: Entry, offer: WaitlistOffer, *, now: datetime) -> None:
    """The mail goes out, the desk waits for the answer, and the end is planned."""
    wait, policy, liaison = offer.entry, waitlist_policy(), entry.actor.as_liaison()
    when = day_and_time(offer.local_start)
    by_mail, name = offer.by == OfferBy.MAIL, wait.patient.goes_by
    missed = unread_ahead(wait.patient, category=Category.APPOINTMENT, now=now)
    loop_id = open_loop_of(wait)
    if loop_id is not None:
        clock = ClockToStart(
            rule_id=_clock_of(offer),
            rule_version=policy.version,
            source=policy.source,
            step=_step(offer, missed=missed) if by_mail else f"Call {name}: offer {when}",
            anchor_event=f"offer:{offer.pk}",
            anchor_at=now,
            due_at=offer.expires_at,
            is_call=not by_mail or missed is not None,
            waiting_on="the patient" if by_mail and missed is None else "",
        )
        start_clock(liaison, loop_id=loop_id, clock=clock, now=now)
    if by_mail:
        _mail(liaison, offer, template=OFFERED, more={"link": _link_in_mail(offer)}, now=now,
              send_at=offer.starts_at, expires_at=offer.expires_at)  # fmt: skip
    entry.publish(WaitlistOffered(offer_id=offer.pk, expires_at=offer.expires_at, at=now))
    announce_offer(offer, what="offered")


def _step(offer: WaitlistOffer, *, missed: Unread | None) -> str:
    """What the desk does while a mail waits for its answer; who does not read it is called as well."""
    name, when = offer.entry.patient.goes_by, day_and_time(offer.local_start)
    if missed is None:
        return f"Hear whether {name} takes {when}"
    return f"Call {name} with an interpreter (our mail is in {missed.sent}, {missed.known}): offer {when}"


def _mail(
    actor: Actor,
    offer: WaitlistOffer,
    *,
    template: str,
    more: dict[str, Any],
    now: datetime,
    send_at: datetime | None = None,
    expires_at: datetime,
) -> None:
    site = offer.opening.site
    context = {
        "date": offer.local_start.date(),
        "time": offer.local_start.time(),
        **where_to_be(offer.entry.patient, site=site, modality=offer.visit_type.modality),
        "phone": site.number_to_call(),
        **more,
    }
    queue_message(
        actor,
        patient=offer.entry.patient,
        message=MessageToSend(template=template, context=context, send_at=send_at, expires_at=expires_at),
        idempotency_key=f"{_mails_of(offer)}{template}",
        loop=offer.entry.loop,
        now=now,
    )


def _mails_of(offer: WaitlistOffer) -> str:
    return f"offer:{offer.pk}:"


def _clock_of(offer: WaitlistOffer) -> str:
    return f"waitlist-offer-{offer.pk}"


def offer_ended(actor: Actor, row: WaitlistOffer, *, now: datetime) -> None:
    """The desk waits for this answer no longer."""
    loop_id = open_loop_of(row.entry)
    if loop_id is not None:
        satisfy_clock(actor.as_liaison(), loop_id=loop_id, rule_id=_clock_of(row), by=f"offer:{row.pk}", now=now)
    announce_offer(row, what=row.state)


def tell_gone(actor: Actor, row: WaitlistOffer, *, now: datetime) -> None:
    """Whoever was written to is told; a mail that did not go out yet simply does not."""
    if row.by != OfferBy.MAIL:
        return
    stopped = cancel_queued(actor.as_liaison(), prefix=_mails_of(row), reason="gone", now=now)
    if not stopped and row.start_at > now:
        _mail(actor.as_liaison(), row, template=GONE, more={}, now=now, expires_at=row.start_at)


def open_loop_of(wait: WaitlistEntry) -> int | None:
    """The promise of this wait, unless somebody ended it."""
    return Loop.objects.open().filter(pk=wait.loop_id or 0).values_list("pk", flat=True).first()


def announce_offer(offer: WaitlistOffer, *, what: str) -> None:
    """Pages that show the patient or the day fetch it again."""
    announce(topic=f"patient:{offer.entry.patient_id}", what="waitlist")
    announce(topic=f"calendar:{offer.opening.site_id}:{offer.local_start.date()}", what=what)
