"""A series that the night could not book at all: a promise on the desk until a night succeeds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.calendars import Allowance, Unit, due_after
from liaison.core.refusals import Refusal
from liaison.loops.actions import add_evidence, drop_waiting, give_up_loop, open_or_wait
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, PromiseToKeep
from liaison.loops.queries.calendars import business_calendar
from liaison.scheduling.access import EXTEND_SERIES
from liaison.scheduling.actions.series_open import owner_of_series
from liaison.scheduling.kinds import SERIES_HELD_UP
from liaison.scheduling.models import Series, SeriesState, SeriesVisit

_RULE: Final = "series-held-up"
_ABOUT: Final = "scheduling.series"
_WITHIN_DAYS: Final = 2
_SUCCEEDED: Final = "The night booked it again."


def promise_to_look(actor: Actor, *, series_id: int, refusal: Refusal, now: datetime) -> None:
    """Somebody looks why the series is not booked on; once, however many nights it is refused."""
    series = Series.objects.select_related("patient", "site", "booked_by").get(pk=series_id)
    liaison = actor.as_liaison()
    with act(liaison, EXTEND_SERIES, patient=series.patient, subject=series, now=now) as entry:
        entry.note(refused=refusal.code)
        Series.objects.select_for_update().get(pk=series_id)
        if _open(series_id).exists() or _waiting(series_id).exists():
            return
        owner = owner_of_series(series, now=now)
        promise = _promise(series, refusal=refusal, now=now)
        open_or_wait(liaison, promise=promise, patient=series.patient, site=series.site, owner=owner, now=now)


def settle_held_up(actor: Actor, *, series_id: int, now: datetime) -> None:
    """The night went well: nobody needs to look any more. Safe twice, and nothing where nothing was promised."""
    if not _open(series_id).exists() and not _waiting(series_id).exists():
        return
    series = Series.objects.select_related("patient").get(pk=series_id)
    liaison = actor.as_liaison()
    with act(liaison, EXTEND_SERIES, patient=series.patient, subject=series, now=now):
        about = About(type=_ABOUT, id=series_id)
        for loop in _open(series_id):
            add_evidence(liaison, loop_id=loop.pk, kind="settled", note=_SUCCEEDED, about=about, now=now)
        drop_waiting(liaison, waiting=_waiting(series_id), reason=_SUCCEEDED, now=now)


def drop_held_up(actor: Actor, *, series_id: int, reason: str, now: datetime) -> None:
    """Inside an act: nothing of the series is left to be booked, so nobody needs to look why it was not."""
    if SeriesVisit.objects.filter(series_id=series_id, state=SeriesState.AHEAD).exists():
        return
    for loop in _open(series_id):
        give_up_loop(actor.as_liaison(), loop_id=loop.pk, reason=reason, now=now)
    drop_waiting(actor.as_liaison(), waiting=_waiting(series_id), reason=reason, now=now)


def _promise(series: Series, *, refusal: Refusal, now: datetime) -> PromiseToKeep:
    site, name = series.site, series.patient.goes_by
    earlier = Loop.objects.filter(kind=SERIES_HELD_UP.code, about_type=_ABOUT, about_id=series.pk).count()
    return PromiseToKeep(
        kind=SERIES_HELD_UP.code,
        title=f"{name}’s series is not booked on: {refusal.sentence}"[:200],
        about=About(type=_ABOUT, id=series.pk),
        once_key=f"series-held-up:{series.pk}:{earlier}",
        clocks=(
            ClockToStart(
                rule_id=_RULE,
                rule_version="1",
                source="A series that can't be booked on is looked at within two business days",
                step=f"See why {name}’s series is not booked on",
                anchor_event=f"series:{series.pk}",
                anchor_at=now,
                due_at=due_after(
                    now,
                    allowance=Allowance(amount=_WITHIN_DAYS, unit=Unit.BUSINESS_DAYS),
                    zone=site.zone,
                    calendar=business_calendar(site_id=site.pk),
                ),
                evidence="settled",
            ),
        ),
    )


def _open(series_id: int) -> QuerySet[Loop]:
    return Loop.objects.open().filter(kind=SERIES_HELD_UP.code, about_type=_ABOUT, about_id=series_id)


def _waiting(series_id: int) -> QuerySet[WaitingPromise]:
    return WaitingPromise.objects.waiting().filter(kind=SERIES_HELD_UP.code, about_type=_ABOUT, about_id=series_id)
