"""What to go through on a call: steps to follow and to skip (DOMAIN 2.1, the contact call)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

OPENS, CLOSES = time(9), time(17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to ask. `clinical` ones address status and needs, which is what makes a call the contact."""

    code: str
    title: str
    ask: str
    clinical: bool = False


AFTER_A_STAY = (
    Step(
        code="symptoms",
        title="How they are",
        ask="How are you since you came home? Better or worse?",
        clinical=True,
    ),
    Step(
        code="red_flags",
        title="Warning signs",
        ask="Which signs should make you call us, and which 911? Do you have any of them now?",
        clinical=True,
    ),
    Step(
        code="medicines",
        title="Medicines",
        ask="Do you have all your medicines at home? Please read them to me. What is new, what did you stop?",
        clinical=True,
    ),
    Step(code="equipment", title="Equipment", ask="Has everything come that was ordered: bed, oxygen, walker, scale?"),
    Step(code="home_services", title="Help at home", ask="Has the home nurse or therapist been there? When next?"),
    Step(
        code="follow_up",
        title="Next visit",
        ask="Can you come to your visit? How will you get there?",
    ),
    Step(
        code="diet",
        title="Food and moving",
        ask="What were you told about eating and moving about?",
        clinical=True,
    ),
    Step(code="who_to_call", title="Whom to call", ask="Whom do you call by day, and at night or on the weekend?"),
    Step(
        code="teach_back",
        title="Teach-back",
        ask="Tell me in your own words what you will do now.",
    ),
    Step(code="caregiver", title="Who helps", ask="Who helps you at home? How is that going for them?"),
)

ANY_CALL = (
    Step(code="who", title="Who it is", ask="Is this a good time? Please tell me your full name and birth date."),
    Step(code="how", title="How they are", ask="How have you been since we last talked?", clinical=True),
    Step(code="agenda", title="What we promised", ask="Go through the open promises beside this script."),
    Step(
        code="barriers",
        title="What is in the way",
        ask="What makes it hard: a ride, cost, work, someone to care for?",
    ),
    Step(code="next", title="What comes next", ask="Say who does what by when, and have them say it back."),
)


def script_for(kind: str) -> tuple[Step, ...]:
    """The script for a kind of loop; any call has one."""
    return AFTER_A_STAY if kind == "post-discharge" else ANY_CALL


def in_hours(at: datetime, *, zone: tzinfo, is_business_day: Callable[[date], bool]) -> datetime:
    """`at`, or the first moment after it at which somebody is here to call: business days, 9 to 17 local time."""
    local = at.astimezone(zone).replace(second=0, microsecond=0)
    day = local.date()
    if local.time() >= CLOSES:
        day, local = day + timedelta(days=1), datetime.combine(day + timedelta(days=1), OPENS, tzinfo=zone)
    while not is_business_day(day):
        day += timedelta(days=1)
        local = datetime.combine(day, OPENS, tzinfo=zone)
    return max(local, datetime.combine(day, OPENS, tzinfo=zone)).astimezone(at.tzinfo)
