"""When a patient is reminded of a visit (DOMAIN 8.3): 7 days, 3 and 1 business days, by video 2 hours before."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from liaison.core.calendars import BusinessCalendar, add_business_days
from liaison.scheduling.rules.wall import settle

_SEND_AT = time(10)
_STILL_FRESH = timedelta(hours=12)


class ReminderKind(StrEnum):
    """Which of the reminders of one visit."""

    WEEK = "week"
    THREE_DAYS = "three_days"
    DAY_BEFORE = "day_before"
    TWO_HOURS = "two_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One reminder and the instant from which it may be sent."""

    kind: ReminderKind
    at: datetime


def reminder_plan(
    *, start: datetime, zone: ZoneInfo, is_telehealth: bool, calendar: BusinessCalendar, now: datetime
) -> tuple[Reminder, ...]:
    """The reminders still to come, in order of time.

    Sent at 10:00 at the site, inside everybody's quiet-hours limits. Left out: what is already past, what
    falls on the day of booking itself (the confirmation says it), and the earlier of two on one day.
    """
    visit_on = start.astimezone(zone).date()
    days = {
        visit_on - timedelta(days=7): ReminderKind.WEEK,
        add_business_days(visit_on, days=-3, calendar=calendar): ReminderKind.THREE_DAYS,
        add_business_days(visit_on, days=-1, calendar=calendar): ReminderKind.DAY_BEFORE,
    }
    booked_on = now.astimezone(zone).date()
    plan = [
        Reminder(kind=kind, at=settle(on=on, at=_SEND_AT, zone=zone).at) for on, kind in days.items() if on > booked_on
    ]
    shortly_before = start - timedelta(hours=2)
    if is_telehealth and shortly_before > now:
        plan.append(Reminder(kind=ReminderKind.TWO_HOURS, at=shortly_before))
    return tuple(sorted(plan, key=lambda reminder: reminder.at))


def reminder_is_fresh(reminder: Reminder, *, now: datetime) -> bool:
    """Whether a reminder is sent at `now`: at its time or within twelve hours after it, not days later."""
    return reminder.at <= now < reminder.at + _STILL_FRESH
