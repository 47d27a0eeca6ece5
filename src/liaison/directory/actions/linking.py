"""Who signs in as which clinician: it opens the charts of whoever the clinician looks after."""

from __future__ import annotations

from datetime import datetime

from liaison.accounts.actions import refuse_further
from liaison.accounts.models import User
from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.directory.access import LINK
from liaison.directory.models import Practitioner


def link(actor: Actor, practitioner: Practitioner, *, user_id: int | None, now: datetime) -> None:
    """Say who signs in as this clinician, if that changes: it opens the charts of whoever they look after.

    Held at the clinician's site, or everywhere for one of no site, and over all that both people are.
    """
    if practitioner.user_id == user_id:
        return
    with act(actor, LINK, site_id=practitioner.site_id, subject=practitioner, now=now) as entry:
        entry.note(user_id=user_id, was=practitioner.user_id)
        concerned = [pk for pk in (practitioner.user_id, user_id) if pk is not None]
        for person in User.objects.filter(pk__in=concerned):
            refuse_further(actor, LINK, person=person, now=now)
        practitioner.user_id = user_id
        practitioner.save(update_fields=["user"])
