"""Instants and ages in the words of somebody at a desk: "in 40 min", "2 days late", "67 y"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaison.core.written_time import clock_time

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEEK_DAYS = 7
LONG_LATE_DAYS = 60
MONTH_DAYS = 30
INFANT_DAYS = 60
CHILD_YEARS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """`text` for the glance, `exact` for whoever looks twice, `tone` late, today or later."""

    text: str
    exact: str
    tone: str


def due_in_words(due_at: datetime, *, now: datetime, zone: tzinfo) -> Spoken:
    """How long until (or since) an aware instant, on the wall clock of `zone`."""
    local, here = due_at.astimezone(zone), now.astimezone(zone)
    exact = exactly(due_at, zone=zone)
    if due_at < now:
        return Spoken(text=_late_by(local, here=here), exact=exact, tone="late")
    if local.date() == here.date():
        left = due_at - now
        if left < HOUR:
            text = _("in %(count)s min") % {"count": max(1, left // MINUTE)}
        else:
            text = _("today") if _is_end_of_day(local) else _("today %(time)s") % {"time": clock_time(local)}
        return Spoken(text=text, exact=exact, tone="today")
    return Spoken(text=_day_ahead(local, here=here), exact=exact, tone="later")


def moment_in_words(at: datetime, *, now: datetime, zone: tzinfo) -> Spoken:
    """When something happened or will: the time alone today, the day and time this year, else the full date."""
    local, here = at.astimezone(zone), now.astimezone(zone)
    if local.date() == here.date():
        text = clock_time(local)
    elif local.year == here.year:
        text = f"{_day(local)} {clock_time(local)}"
    else:
        text = date_format(local, _("M j, Y"))
    return Spoken(text=text, exact=exactly(at, zone=zone), tone="later")


def exactly(at: datetime, *, zone: tzinfo) -> str:
    """The full date, time and zone."""
    local = at.astimezone(zone)
    return f"{date_format(local, _('l, F j, Y'))} {clock_time(local)} {local.tzname()}"


def age_in_words(birth_on: date, *, on: date) -> str:
    """Days for the newborn, months below two years, years from then on."""
    years = on.year - birth_on.year - ((on.month, on.day) < (birth_on.month, birth_on.day))
    if years >= CHILD_YEARS:
        return _("%(count)s y") % {"count": years}
    days = (on - birth_on).days
    if days < INFANT_DAYS:
        return _("%(count)s d") % {"count": max(0, days)}
    months = (on.year - birth_on.year) * 12 + on.month - birth_on.month - (on.day < birth_on.day)
    return _("%(count)s mo") % {"count": months}


def _late_by(local: datetime, *, here: datetime) -> str:
    late = here - local
    if late < HOUR:
        return _("%(count)s min late") % {"count": max(1, late // MINUTE)}
    days = (here.date() - local.date()).days
    if days == 0 or late < 12 * HOUR:
        return _("%(count)s h late") % {"count": late // HOUR}
    if days < LONG_LATE_DAYS:
        return ngettext("%(count)s day late", "%(count)s days late", days) % {"count": days}
    return _("%(count)s months late") % {"count": days // MONTH_DAYS}


def _day_ahead(local: datetime, *, here: datetime) -> str:
    days = (local.date() - here.date()).days
    if days == 1:
        return _("tomorrow") if _is_end_of_day(local) else _("tomorrow %(time)s") % {"time": clock_time(local)}
    if days < WEEK_DAYS:
        day = date_format(local, "D")
        return day if _is_end_of_day(local) else f"{day} {clock_time(local)}"
    if local.year == here.year:
        return _day(local)
    return date_format(local, _("M j, Y"))


def _is_end_of_day(local: datetime) -> bool:
    """What is due within a day is due at its last second: the day is meant, not a minute before midnight."""
    return (local.hour, local.minute) == (23, 59)


def _day(local: datetime) -> str:
    return date_format(local, _("M j"))
