"""What the patient is told about a visit by e-mail: whether it can go, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from liaison.inbox.models import Message
from liaison.inbox.ports import Category, Channel, Unread, is_connected
from liaison.inbox.queries import loops_instead, unread_ahead, unread_of
from liaison.inbox.queries.letters import address_for
from liaison.patients.models import Patient
from liaison.scheduling.models import Appointment, SeriesVisit, WaitlistOffer
from liaison.scheduling.rules import OfferBy

TEMPLATES: Final = ("appointment-confirmation", "appointment-moved", "appointment-cancelled")
"""The texts that say when a visit is; a reminder only repeats it."""

_NOT_CONNECTED: Final = _("No mail server is connected.")
_WHY: Mapping[str, str | Promise] = MappingProxyType(
    {
        "no_address": _("No e-mail address is known."),
        "bad_address": _("Their e-mail address does not work."),
        "do_not_contact": _("Their e-mail address may not be used."),
        "opted_out": _("They asked for no e-mail about visits."),
        "not_asked": _("They have not agreed to e-mail."),
        "deceased": _("The patient died."),
        "cancelled": _("It was stopped before it went."),
        "too_late": _("It would have come too late."),
    }
)
_WORDS: Mapping[str, str | Promise] = MappingProxyType(
    {
        "queued": _("waits to be sent"),
        "sending": _("is being sent"),
        "sent": _("sent"),
        "delivered": _("arrived"),
        "failed": _("did not arrive"),
        "unknown": _("nobody knows whether it arrived"),
        "suppressed": _("not sent"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where the latest message about a visit's time stands: `words`, `why` it was not sent ("" else), `at` when sent.

    `ok` is false when somebody has to tell the patient another way. `unread` says that it is in a language that they
    do not read ("" else); `to_interpret` that nobody told them with an interpreter yet.
    """

    message_id: int
    words: str
    why: str
    at: datetime | None
    ok: bool
    unread: str = ""
    to_interpret: bool = False


def why_unconfirmed(patient: Patient, *, now: datetime) -> str:
    """A sentence that says why no confirmation of a visit can be sent to this patient now; "" when it can."""
    if not is_connected(Channel.EMAIL):
        return str(_NOT_CONNECTED)
    address = address_for(patient, channel=Channel.EMAIL, category=Category.APPOINTMENT, now=now)
    return str(_WHY[address]) if isinstance(address, str) else ""


def why_unread(patient: Patient, *, now: datetime) -> str:
    """A sentence that says in which language the confirmation and the reminders go out, when the patient reads another.

    "" when they can read them, and when none can be sent.
    """
    found = _unread_ahead(patient, now=now)
    if found is None:
        return ""
    words = gettext("The confirmation and the reminders go out in %(sent)s; %(known)s: tell them with an interpreter.")
    return words % {"sent": found.sent, "known": found.known}


def why_offer_unread(patient: Patient, *, now: datetime) -> str:
    """The same of an offer from the waitlist, before it is sent."""
    found = _unread_ahead(patient, now=now)
    if found is None:
        return ""
    words = gettext("The offer goes out in %(sent)s; %(known)s: tell them with an interpreter.")
    return words % {"sent": found.sent, "known": found.known}


def offer_unread(offer: WaitlistOffer, *, now: datetime) -> str:
    """The same of an offer that was written and still waits for its answer; "" for one on the phone."""
    waits = offer.is_open and offer.by == OfferBy.MAIL
    return why_offer_unread(offer.entry.patient, now=now) if waits else ""


def _unread_ahead(patient: Patient, *, now: datetime) -> Unread | None:
    return unread_ahead(patient, category=Category.APPOINTMENT, now=now) if is_connected(Channel.EMAIL) else None


def told_of(appointment: Appointment) -> Told | None:
    """The latest message that told the patient this visit's time; None when none was written."""
    keys = [f"visit:{appointment.pk}:{template}" for template in TEMPLATES]
    keys += SeriesVisit.objects.filter(appointment=appointment).exclude(told_key="").values_list("told_key", flat=True)
    rows = Message.objects.filter(patient=appointment.patient_id, idempotency_key__in=keys).select_related("patient")
    message = rows.order_by("-pk").first()
    if message is None:
        return None
    ok = message.state in {"queued", "sending", "sent", "delivered"}
    missed = unread_of(message) if ok else None
    loop = loops_instead([message]).get(message.pk) if missed else None
    return Told(
        message_id=message.pk,
        words=str(_WORDS[message.state]),
        why=str(_WHY.get(message.suppressed_reason, "")),
        at=message.sent_at,
        ok=ok,
        unread=gettext("in %(sent)s; %(known)s") % {"sent": missed.sent, "known": missed.known} if missed else "",
        to_interpret=missed is not None and (loop is None or loop.state != "closed"),
    )
