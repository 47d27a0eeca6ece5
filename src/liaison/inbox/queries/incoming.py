"""Mail that came: checked before it is taken in, and the list of what matched no message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import access
from liaison.inbox.models import UnmatchedMail
from liaison.inbox.ports import Delivered, answers_in
from liaison.inbox.rules.incoming import read_mail
from liaison.records.ports import NotSound, Sound, sound_file

MOST_MAIL: Final = 25 << 20
"""Bytes of one mail. Of a larger one the beginning is kept, so that somebody can ask for it another way."""

KEPT_OF_LARGE: Final = 64 << 10
MOST_FILES: Final = 20
MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow:
    """One mail of the list."""

    id: int
    received_at: datetime
    sender: str
    subject: str
    text: str
    why: str


def checked_mail(raw: bytes) -> Delivered:
    """Read a mail and check its files, outside of any act: a scanner may be far away. Whatever it holds is taken."""
    too_large = len(raw) > MOST_MAIL
    kept = raw[:KEPT_OF_LARGE] if too_large else raw
    mail = read_mail(kept)
    sound: list[Sound] = []
    refused: list[str] = []
    for number, file in enumerate(() if too_large else mail.files):
        try:
            if number >= MOST_FILES:
                raise NotSound("More files came than are kept from one mail.")
            sound.append(sound_file(file.content, name=file.name, most_bytes=settings.LIAISON_DOCUMENT_MB << 20))
        except NotSound as problem:
            refused.append(f"{file.name or 'without a name'}: {problem}")
    return Delivered(
        mail=mail,
        raw=kept,
        sound=tuple(sound),
        refused=tuple(refused),
        too_large=too_large,
        answers=() if too_large else tuple(answer for one in mail.calendars for answer in answers_in(one)),
    )


def unmatched_mail(actor: Actor) -> Sequence[MailRow]:
    """What waits for a person, the newest first, at most `MOST_SHOWN`. Refuses Forbidden (a role held everywhere)."""
    if not actor.may_at(access.SORT_MAIL, site_id=EVERYWHERE):
        raise Forbidden
    rows = UnmatchedMail.objects.filter(settled_at=None).defer("raw").order_by("-received_at", "-pk")
    return tuple(
        MailRow(
            id=row.pk, received_at=row.received_at, sender=row.sender, subject=row.subject, text=row.text, why=row.why
        )
        for row in rows[:MOST_SHOWN]
    )


def count_unmatched(actor: Actor) -> int | None:
    """How many wait, bounded at 1000; None for someone who does not sort mail."""
    if not actor.may_at(access.SORT_MAIL, site_id=EVERYWHERE):
        return None
    return UnmatchedMail.objects.filter(settled_at=None).order_by()[:1000].count()


def unmatched_bytes(actor: Actor, *, mail_id: int) -> bytes:
    """A mail that waits, as it came. Refuses Forbidden, NotFound."""
    if not actor.may_at(access.SORT_MAIL, site_id=EVERYWHERE):
        raise Forbidden
    row = UnmatchedMail.objects.filter(pk=mail_id).first()
    if row is None:
        raise NotFound
    return bytes(row.raw)
