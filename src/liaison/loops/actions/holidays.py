"""Days on which the organization, a site or a payer is closed: entered by people, beside the federal holidays."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from liaison.accounts.models import Site
from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.calendars import FEDERAL, SATURDAY
from liaison.core.refusals import NotFound, Refusal
from liaison.directory.models import Organization, OrganizationKind
from liaison.loops import access
from liaison.loops.actions.changing import ReasonNeeded
from liaison.loops.models import Holiday
from liaison.loops.rules import CalendarOf, calendar_of

_LONGEST_NAME: Final = 120


class ClosedAnyway(Refusal):
    """Saturdays, Sundays and federal holidays count for nobody."""

    code = "loops.closed_anyway"
    sentence = "No business day falls on that day as it is. Choose another day."

    def __init__(self, why: str) -> None:
        sentence = f"That day is closed as it is ({why}). Choose another day."
        super().__init__(sentence, fields={"on": sentence})


class NameNeeded(Refusal):
    """Whoever reads a due date wants to know why a day was left out."""

    code = "loops.holiday_name_needed"
    sentence = "Say what the day is, as in “Staff training”."
    field = "name"


def add_holiday(actor: Actor, *, calendar: str, on: date, name: str, now: datetime) -> Holiday:
    """Close a day of a calendar ("organization", "site:3", "payer:7"). Said again, it changes the name.

    The organization's and a payer's are closed by who may do so everywhere. What counts business days from now on
    leaves the day out; due times that are counted already stay. Refuses Forbidden, NotFound for a calendar of nobody,
    NameNeeded, ClosedAnyway.
    """
    whose = _known(calendar)
    with act(actor, access.HOLIDAYS, site_id=_site_of(whose), now=now) as entry:
        if not name.strip():
            raise NameNeeded
        _refuse_closed_anyway(on)
        holiday, _ = Holiday.objects.update_or_create(
            calendar=calendar, on=on, defaults={"name": name.strip()[:_LONGEST_NAME]}
        )
        entry.about(holiday)
        entry.note(calendar=calendar, on=on.isoformat())
    return holiday


def remove_holiday(actor: Actor, *, holiday_id: int, reason: str, now: datetime) -> Holiday:
    """Open a day again, with the reason; gives back what was removed. Refuses NotFound, Forbidden, ReasonNeeded."""
    holiday = Holiday.objects.filter(pk=holiday_id).first()
    if holiday is None:
        raise NotFound
    site_id = _site_of(calendar_of(holiday.calendar))
    with act(actor, access.HOLIDAYS, site_id=site_id, subject=holiday, reason=reason, now=now) as entry:
        if not reason.strip():
            raise ReasonNeeded
        entry.note(calendar=holiday.calendar, on=holiday.on.isoformat())
        Holiday.objects.filter(pk=holiday.pk).delete()
    return holiday


def _known(calendar: str) -> CalendarOf:
    """Whose calendar this names. Refuses NotFound for a site or a payer that there is not."""
    whose = calendar_of(calendar)
    payers = Organization.objects.filter(kind=OrganizationKind.PAYER)
    if whose is None or (whose.what == "site" and not Site.objects.filter(pk=whose.id).exists()):
        raise NotFound
    if whose.what == "payer" and not payers.filter(pk=whose.id).exists():
        raise NotFound
    return whose


def _site_of(whose: CalendarOf | None) -> int | None:
    """The site whose administrator decides; EVERYWHERE for the organization's and a payer's days."""
    return whose.id if whose is not None and whose.what == "site" else EVERYWHERE


def _refuse_closed_anyway(on: date) -> None:
    if federal := FEDERAL.holiday_name(on):
        raise ClosedAnyway(federal)
    if on.weekday() >= SATURDAY:
        raise ClosedAnyway(f"{on:%A}")
