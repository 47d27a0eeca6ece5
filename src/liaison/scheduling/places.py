"""The places of this package."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from liaison.accounts.ports import OwnPage
from liaison.core.places import Place
from liaison.scheduling.access import ARRANGE, MAKE_FEED, REPLAN, SEE_CALENDAR, WAIT, WAITLIST_REPORT

PLACES: Final = (
    Place(
        label=_("Calendar"),
        name="scheduling:day",
        icon="calendar",
        rank=30,
        verb=SEE_CALENDAR,
        letter="c",
        words="day schedule rooms",
    ),
    Place(
        label=_("Flow"),
        name="scheduling:flow",
        icon="route",
        rank=40,
        verb=SEE_CALENDAR,
        letter="f",
        words="clinic board arrived waiting late seen",
    ),
    Place(
        label=_("Waitlist"),
        name="scheduling:waitlist",
        icon="hourglass",
        rank=50,
        verb=WAIT,
        letter="w",
        words="freed times offers line",
    ),
    Place(
        label=_("Waitlist report"),
        name="scheduling:waitlist_report",
        icon="chart-bar",
        rank=51,
        verb=WAITLIST_REPORT,
        words="filled shares fair",
    ),
    Place(
        label=_("Readiness"),
        name="scheduling:readiness",
        icon="checks",
        rank=60,
        verb=SEE_CALENDAR,
        letter="r",
        words="coming visits prepared missing",
    ),
    Place(
        label=_("Replan a day"),
        name="scheduling:replan",
        icon="calendar-x",
        rank=31,
        verb=REPLAN,
        words="sick away absent closed snow down broken clinician machine move all visits",
    ),
    Place(
        label=_("Arrange the calendar"),
        name="scheduling:arrange",
        icon="adjustments",
        rank=61,
        verb=ARRANGE,
        words="visit types resources hours closures rooms",
    ),
)

OWN_FEED: Final = OwnPage(
    label=_("Your visits in your own calendar"), name="scheduling:own_feed", icon="calendar-share", verb=MAKE_FEED
)
"""What stands on one's own account page."""
