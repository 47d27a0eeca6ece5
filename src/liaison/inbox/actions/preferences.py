"""Noting how a patient wants, or does not want, to be reached."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.inbox import access
from liaison.inbox.events import PreferenceNoted
from liaison.inbox.models import Preference
from liaison.inbox.rules.channels import Category, Channel, Standing
from liaison.patients.models import Patient


def note_opt_out(
    actor: Actor,
    *,
    patient: Patient,
    channel: str,
    now: datetime,
    category: str = "",
    source: str = "by phone",
    evidence: str = "",
) -> Sequence[Preference]:
    """They want no more of this category by this channel; without a category, nothing at all by it ("STOP ALL").

    It holds from now on, also for what waits in the queue (DOMAIN 8.1: honour at once). Refuses Forbidden, NotFound.
    """
    return _note(
        actor, patient=patient, channel=channel, category=category, standing=Standing.STOPPED, now=now,
        source=source, evidence=evidence, text_shown="",
    )  # fmt: skip


def note_opt_in(
    actor: Actor,
    *,
    patient: Patient,
    channel: str,
    now: datetime,
    category: str = "",
    source: str = "by phone",
    evidence: str = "",
    text_shown: str = "",
) -> Sequence[Preference]:
    """They want this category by this channel; `text_shown` is the warning or consent they were shown.

    Refuses Forbidden, NotFound.
    """
    return _note(
        actor, patient=patient, channel=channel, category=category, standing=Standing.ALLOWED, now=now,
        source=source, evidence=evidence, text_shown=text_shown,
    )  # fmt: skip


def _note(
    actor: Actor,
    *,
    patient: Patient,
    channel: str,
    category: str,
    standing: Standing,
    now: datetime,
    source: str,
    evidence: str,
    text_shown: str,
) -> Sequence[Preference]:
    categories = (Category(category),) if category else tuple(Category)
    with act(actor, access.NOTE_PREFERENCE, patient=patient, now=now) as entry:
        noted = [
            Preference.objects.create(
                patient=patient,
                channel=Channel(channel),
                category=one,
                standing=standing,
                source=source,
                evidence=evidence,
                text_shown=text_shown,
                at=now,
                by_id=actor.user_id,
                by_name=actor.name,
            )
            for one in categories
        ]
        entry.about(noted[-1])
        entry.note(channel=channel, standing=standing, categories=[str(one) for one in categories])
        for row in noted:
            entry.publish(
                PreferenceNoted(
                    at=now, patient_id=patient.pk, channel=row.channel, category=row.category, standing=row.standing
                )
            )
        announce(topic=f"patient:{patient.pk}", what="preferences")
    return noted
