"""Reads of scheduling: free times, a day, a patient's visits. The actor comes first; patients only if visible."""

from liaison.scheduling.queries.arrangement import (
    abilities_in_use,
    closures_ahead,
    get_resource,
    get_visit_type,
    resources,
    visit_types,
)
from liaison.scheduling.queries.day import Day, DayRow, DayVisit, day, next_working_day, sites_to_see
from liaison.scheduling.queries.times import (
    SeatOffer,
    TimeOffer,
    Times,
    TimesWanted,
    clinicians_for,
    earliest_times,
    possible_at,
)
from liaison.scheduling.queries.told import Told, told_of, why_unconfirmed
from liaison.scheduling.queries.visits import (
    ComingVisit,
    appointments_of_loop,
    appointments_of_referral,
    coming_visits,
    get_appointment,
    timeline,
)

__all__ = [
    "ComingVisit",
    "Day",
    "DayRow",
    "DayVisit",
    "SeatOffer",
    "TimeOffer",
    "Times",
    "TimesWanted",
    "Told",
    "abilities_in_use",
    "appointments_of_loop",
    "appointments_of_referral",
    "clinicians_for",
    "closures_ahead",
    "coming_visits",
    "day",
    "earliest_times",
    "get_appointment",
    "get_resource",
    "get_visit_type",
    "next_working_day",
    "possible_at",
    "resources",
    "sites_to_see",
    "timeline",
    "told_of",
    "visit_types",
    "why_unconfirmed",
]
