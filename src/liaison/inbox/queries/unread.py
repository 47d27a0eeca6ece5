"""Messages, written or still to be written, in a language that their reader does not read."""

from __future__ import annotations

from datetime import datetime

from liaison.inbox.models import Message
from liaison.inbox.queries.letters import address_for
from liaison.inbox.rules.channels import Address, Category, Channel
from liaison.inbox.rules.unread import Reader, Unread, unread, would_be_unread
from liaison.patients.models import Patient, Proxy


def unread_of(message: Message) -> Unread | None:
    """How the language in which this message was written misses who reads it, by what is known now; None if it doesn't.

    A proxy whose language nobody noted counts as reading what the patient reads, as when it was written.
    """
    language = ""
    if message.to_proxy:
        proxies = Proxy.objects.filter(patient=message.patient_id, name=message.to_proxy).exclude(language="")
        language = proxies.order_by("pk").values_list("language", flat=True).first() or ""
    return unread(message.language, reader=_reader(message.patient, proxy=message.to_proxy, language=language))


def unread_ahead(patient: Patient, *, category: Category, now: datetime) -> Unread | None:
    """The same of an e-mail of this category that would be written now; None as well where none can be sent."""
    address = address_for(patient, channel=Channel.EMAIL, category=category, now=now)
    if not isinstance(address, Address):
        return None
    return would_be_unread(_reader(patient, proxy=address.proxy, language=address.language))


def _reader(patient: Patient, *, proxy: str, language: str) -> Reader:
    if proxy and language:
        return Reader(name=proxy, written=language)
    return Reader(written=patient.written_language, spoken=patient.spoken_language)
