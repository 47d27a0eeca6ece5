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
from liaison.scheduling.queries.explaining import Change, Explanation, Left, Relaxed, explain
from liaison.scheduling.queries.looking import TimesWanted
from liaison.scheduling.queries.times import (
    SeatOffer,
    TimeOffer,
    Times,
    clinicians_for,
    earliest_times,
    people_in_service,
    possible_at,
)
from liaison.scheduling.queries.visits import (
    ComingVisit,
    appointments_of_loop,
    appointments_of_referral,
    coming_visits,
    get_appointment,
    seen_last_by,
    timeline,
)

__all__ = [
    "Change",
    "ComingVisit",
    "Day",
    "DayRow",
    "DayVisit",
    "Explanation",
    "Left",
    "Relaxed",
    "SeatOffer",
    "TimeOffer",
    "Times",
    "TimesWanted",
    "abilities_in_use",
    "appointments_of_loop",
    "appointments_of_referral",
    "clinicians_for",
    "closures_ahead",
    "coming_visits",
    "day",
    "earliest_times",
    "explain",
    "get_appointment",
    "get_resource",
    "get_visit_type",
    "next_working_day",
    "people_in_service",
    "possible_at",
    "resources",
    "seen_last_by",
    "sites_to_see",
    "timeline",
    "visit_types",
]
