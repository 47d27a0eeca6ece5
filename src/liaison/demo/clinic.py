"""Build the demonstration clinic in an empty database, relative to `now`."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from liaison.accounts.queries import DEMO_PASSWORD, SHOWN_AT_SIGN_IN
from liaison.core.actor import system_actor
from liaison.demo import cast
from liaison.demo.charts import draw_charts
from liaison.demo.counted import count_visits_after_stays
from liaison.demo.doubles import register_twice
from liaison.demo.office import Office
from liaison.demo.population import bring_in, introduce
from liaison.demo.schedule import fill_month
from liaison.demo.seldom import tell_seldom_stories
from liaison.demo.staff import hire
from liaison.demo.stories import tell_stories
from liaison.demo.today import fill_today, miss_after_stays
from liaison.loops.actions import escalate_loops

SEED: Final = 20_260_901
PATIENTS: Final = 400


def build(*, now: datetime, patients: int | None = None, seed: int = SEED) -> None:
    """Fill an empty database. The same seed and `now` build the same clinic.

    `patients` defaults to LIAISON_DEMO_PATIENTS or 400.
    """
    count = patients or int(os.environ.get("LIAISON_DEMO_PATIENTS", PATIENTS))
    with transaction.atomic():  # noqa: TID251 - all of the clinic or nothing: a build that is killed leaves no half
        _build(now=now, count=count, seed=seed)


def _build(*, now: datetime, count: int, seed: int) -> None:
    dice = random.Random(seed)
    actor = system_actor("demonstration")
    office = Office(zone=ZoneInfo(cast.SITES[0].time_zone), now=now)
    staffed = hire(actor, now=now - timedelta(days=60))
    charts = draw_charts(seed=seed, count=count, now=now)
    people = bring_in(charts, staffed, actor=actor, now=now)
    introduce(charts, people, staffed, dice=dice, now=office.at_work)
    register_twice(charts, people, staffed, now=office.ago(timedelta(days=1)))
    tell_stories(charts, people, staffed, dice=dice, office=office)
    by_site = {code: [people[c.number] for c in charts if c.site == code] for code in staffed.sites}
    fill_month(
        staffed,
        patients=by_site,
        dice=dice,
        office=office,
        share=min(1.0, count / PATIENTS) ** 1.5,
    )
    fill_today(staffed, patients=by_site, visit_type=staffed.visit_types["office"], now=now)
    count_visits_after_stays(staffed, office=office)
    miss_after_stays(staffed, visit_type=staffed.visit_types["office"], office=office)
    tell_seldom_stories(charts, people, staffed, office=office)
    while escalate_loops(system_actor("escalation"), now=now):
        pass


def sign_in_lines() -> Iterator[str]:
    """What to print for people who open the demonstration."""
    yield f"demonstration sign-ins (password of each: {DEMO_PASSWORD})"
    for person in cast.STAFF:
        if person.email in SHOWN_AT_SIGN_IN:
            yield f"  {person.email:<38} {person.name}, {person.role.replace('_', ' ')}"
