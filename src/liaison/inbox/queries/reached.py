"""What became of messages that did not reach the patient: the loops in which somebody tells them another way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from django.db.models import Q

from liaison.inbox.kinds import FAILED_MESSAGE
from liaison.inbox.models import Message
from liaison.loops.models import Loop

UNTOLD: Final = "untold:"
"""How the once key of a loop begins that calls a patient about everything that could not be sent to them."""


def loops_instead(messages: Collection[Message]) -> Mapping[int, Loop]:
    """By message id: the latest loop that sees, or saw, to the patient being told another way.

    That is the loop about the message itself, or the patient's loop about all that could not be sent, unless that one
    ended before the message did.
    """
    ids, patients = [row.pk for row in messages], {row.patient_id for row in messages}
    about = Q(about_type="inbox.message", about_id__in=ids)
    loops = Loop.objects.filter(
        about | Q(once_key__startswith=UNTOLD), kind=FAILED_MESSAGE.code, patient_id__in=patients
    )
    found: dict[int, Loop] = {}
    for loop in loops.order_by("pk"):
        found |= {row.pk: loop for row in messages if _sees_to(loop, row)}
    return found


def _sees_to(loop: Loop, message: Message) -> bool:
    if loop.about_id == message.pk:
        return True
    if loop.patient_id != message.patient_id or not (loop.once_key or "").startswith(UNTOLD):
        return False
    return loop.ended_at is None or message.ended_at is None or loop.ended_at >= message.ended_at
