"""Who may do what with resources' time."""

from typing import Final

from liaison.accounts.access import CARE_ROLES, DESK_ROLES, Role
from liaison.core.verbs import verb

_BOOKERS = CARE_ROLES | {Role.FRONT_DESK}

SEE_CALENDAR: Final = verb("scheduling.see_calendar", "See the calendar of a site", roles=DESK_ROLES)
BOOK: Final = verb("scheduling.book", "Book a visit", roles=_BOOKERS)
HOLD: Final = verb("scheduling.hold", "Keep a time for a patient who makes up their mind", roles=_BOOKERS)
GIVE_UP_HOLD: Final = verb("scheduling.give_up_hold", "Give up a time that is kept for a patient", roles=_BOOKERS)
LAPSE: Final = verb("scheduling.lapse", "End the hold of a time that nobody took", roles=())
OVERRIDE: Final = verb(
    "scheduling.override",
    "Book against working hours, lead times or another booking, with a reason",
    roles={Role.CLINICIAN, Role.SUPERVISOR},
)
BOOK_SERIES: Final = verb("scheduling.book_series", "Book a series of visits", roles=_BOOKERS, by_glass=False)
BOOK_JOURNEY: Final = verb(
    "scheduling.book_journey", "Book several visits that belong together", roles=_BOOKERS, by_glass=False
)
CHANGE_SERIES: Final = verb(
    "scheduling.change_series", "Move or cancel visits of a series together", roles=_BOOKERS, by_glass=False
)
EXTEND_SERIES: Final = verb("scheduling.extend_series", "Book the visits of a series whose time has come", roles=())
SERVE: Final = verb("scheduling.serve", "Say which promise a visit is for that names none", roles=_BOOKERS)
SERVE_NO_MORE: Final = verb("scheduling.serve_no_more", "Take back which promise a visit is for", roles=_BOOKERS)
MOVE: Final = verb("scheduling.move", "Move a visit to another time", roles=_BOOKERS)
REPLAN: Final = verb(
    "scheduling.replan",
    "Plan a day anew: close the time of somebody, something or a site, and move the visits that lay in it",
    roles={Role.COORDINATOR, Role.SUPERVISOR},
    by_glass=False,
)
TELL_NEW_TIME: Final = verb(
    "scheduling.tell_new_time", "Keep the promise to tell a patient of a time that was changed for them", roles=()
)
CANCEL: Final = verb("scheduling.cancel", "Cancel a visit", roles=_BOOKERS)
ATTEND: Final = verb("scheduling.attend", "Note that a patient arrived, was seen or did not come", roles=_BOOKERS)
ROOM: Final = verb("scheduling.room", "Note that a patient was taken to a room, or has left", roles=_BOOKERS)
SEE: Final = verb("scheduling.see", "Note that the clinician sees a patient", roles=CARE_ROLES)
LATE: Final = verb("scheduling.late", "Decide what is done about a patient who is late", roles=_BOOKERS)
ASK_BARRIER: Final = verb("scheduling.ask_barrier", "Note what came in the way of a missed visit", roles=_BOOKERS)
WAIT: Final = verb(
    "scheduling.wait", "Put a patient on the waitlist, change what suits them, take them off", roles=_BOOKERS
)
OFFER: Final = verb("scheduling.offer", "Offer a freed time to those who wait, and note what they say", roles=_BOOKERS)
EXPIRE: Final = verb("scheduling.expire", "End an offer that nobody answered in time", roles=())
OPENING: Final = verb("scheduling.opening", "Keep a time that became free for those who wait", roles=())
WAITLIST_REPORT: Final = verb(
    "scheduling.waitlist_report", "See how freed times are filled, and for whom", roles={Role.SUPERVISOR}
)
MAKE_FEED: Final = verb(
    "scheduling.make_feed",
    "Make a secret address at which one's own calendar reads one's visits",
    roles={Role.CLINICIAN},
    step_up=True,
)
END_FEED: Final = verb("scheduling.end_feed", "End one's own secret calendar address", roles={Role.CLINICIAN})
SETTLE_ANSWER: Final = verb(
    "scheduling.settle_answer", "Note that a visit which a patient declined was settled with them", roles=_BOOKERS
)
NOTE_ANSWER: Final = verb("scheduling.note_answer", "Note what a patient answered to an invitation", roles=())
CHECK: Final = verb("scheduling.check", "Look whether coming visits are ready, and open loops where not", roles=())
REMIND: Final = verb("scheduling.remind", "Remind a patient of a visit", roles=())
KEEP_FREE_TIME: Final = verb("scheduling.keep_free_time", "Bring the kept free time up to date", roles=())
ARRANGE: Final = verb(
    "scheduling.arrange",
    "Edit visit types, resources, working hours and closures",
    roles={Role.SUPERVISOR, Role.ADMINISTRATOR},
)
