"""Of each visit the call says only the latest: not that it is at one time, at another, and cancelled."""

from __future__ import annotations

from datetime import timedelta

from liaison.inbox import actions
from liaison.inbox.rules.channels import Why
from liaison.inbox.tests.cast import NOW, Cast
from liaison.inbox.tests.test_queueing import VISIT
from liaison.inbox.tests.test_unread import lan
from liaison.inbox.tests.test_untold import VISIT_AT, tell, untold
from liaison.inbox.tests.test_waiting import POST, nobody_is_there, rosa_comes_back
from liaison.loops.models import Loop

CANCELLED = {"template": "appointment-cancelled", "matter": "visit:a"}


def moved_to(days: int) -> dict[str, object]:
    """The visit got another day: what is written of it then."""
    day = VISIT_AT + timedelta(days=days)
    old = {"old_date": VISIT["date"], "old_time": VISIT["time"]}
    return {"template": "appointment-moved", "context": VISIT | old, "expires_at": day, "matter": "visit:a"}


def said() -> str:
    """What is to be said in the call."""
    return untold().next_step.rpartition("): ")[2]


def test_of_a_visit_that_was_booked_and_cancelled_only_that_it_is_cancelled_is_said(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada, matter="visit:a")
    tell(cast, ada, key="visit:1:off", **CANCELLED)
    assert said() == "their visit on Mon, Mar 9, 09:30 is cancelled"


def test_of_a_visit_that_was_moved_twice_only_the_last_time_is_said_beside_another_visit(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada, matter="visit:a")
    tell(cast, ada, key="visit:9", matter="visit:b", expires_at=VISIT_AT + timedelta(days=7))
    tell(cast, ada, key="visit:2", **moved_to(1))
    tell(cast, ada, key="visit:3", **moved_to(2))
    assert said() == "their visit has a new time, Wed, Mar 11, 09:30; their visit is on Mon, Mar 16, 09:30"


def test_a_time_that_was_given_up_for_an_earlier_one_is_not_said_when_that_one_is_over(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada, matter="visit:a")
    tell(cast, ada, key="visit:2", **moved_to(-5))
    after = VISIT_AT - timedelta(days=4)
    tell(cast, ada, key="visit:9", matter="visit:b", expires_at=VISIT_AT + timedelta(days=7), now=after)
    assert said() == "their visit is on Mon, Mar 16, 09:30"


def test_what_later_news_overtook_is_no_longer_to_be_called_about_once_somebody_can(cast: Cast) -> None:
    ada = cast.patient()
    nobody_is_there()
    first = tell(cast, ada, matter="visit:a")
    tell(cast, ada, key="visit:1:off", **CANCELLED)
    rosa_comes_back(cast)
    assert actions.call_who_was_not_told(POST, message_id=first.pk, reason=Why.NO_ADDRESS, now=NOW) is not None
    assert said() == "their visit on Mon, Mar 9, 09:30 is cancelled"


def test_news_that_reached_them_leaves_nothing_to_be_said_of_what_it_overtook(cast: Cast) -> None:
    ada = cast.patient()
    nobody_is_there()
    first = tell(cast, ada, matter="visit:a")
    cast.point(ada, value="ada@example.org")
    tell(cast, ada, key="visit:1:off", **CANCELLED)
    rosa_comes_back(cast)
    assert actions.open_what_waits(POST, now=NOW) == 0
    assert actions.call_who_was_not_told(POST, message_id=first.pk, reason=Why.NO_ADDRESS, now=NOW) is None
    assert not Loop.objects.exists()


def test_a_call_goes_on_as_it_was_where_the_latest_news_reached_them(cast: Cast) -> None:
    ada = cast.patient()
    first = tell(cast, ada, matter="visit:a")
    before = untold().next_step
    cast.point(ada, value="ada@example.org")
    tell(cast, ada, key="visit:1:off", **CANCELLED)
    actions.call_who_was_not_told(POST, message_id=first.pk, reason=Why.NO_ADDRESS, now=NOW)
    assert untold().next_step == before


def test_who_reads_another_language_is_told_only_that_it_is_cancelled(cast: Cast) -> None:
    who = lan(cast)
    tell(cast, who, matter="visit:a")
    tell(cast, who, key="visit:1:off", **CANCELLED)
    assert untold().next_step.endswith("they read Vietnamese): their visit on Mon, Mar 9, 09:30 is cancelled")
