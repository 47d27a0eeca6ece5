"""What a call said, read again: in the story of its loop, in the patient's timeline and on its own page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from liaison.accounts.access import Role
from liaison.core.actor import Actor
from liaison.core.refusals import Forbidden
from liaison.inbox import actions, queries
from liaison.inbox.models import Call
from liaison.inbox.models.calls import StruckWhy
from liaison.inbox.ports import CallDetails, TeachBackItem, Understood
from liaison.inbox.queries import ToldLine
from liaison.inbox.tests.cast import NOW, Cast
from liaison.inbox.tests.test_calls import call_back, log
from liaison.inbox.tests.test_front_desk import browser
from liaison.loops.models import Loop
from liaison.loops.queries import loop_story

SALT = TeachBackItem(topic="Salt", patient_words="None in the soup", understood=Understood.PARTLY, retaught=True)
PILLS = TeachBackItem(topic="Pills", patient_words="", understood=Understood.YES)


def story(cast: Cast, loop: Loop, *, actor: Actor | None = None) -> Sequence[ToldLine]:
    """The loop's story, the newest first."""
    who, now = actor or cast.rosa, NOW + timedelta(hours=3)
    return queries.told_story(who, story=loop_story(who, loop_id=loop.pk, now=now), now=NOW)


def talk(cast: Cast, *, loop: Loop | None) -> Call:
    """Rosa asks Walter how he is, and explains."""
    return log(cast, loop=loop, outcome="reached", said="Sleeps well.", clinical=True, teach_backs=[SALT, PILLS])


def test_what_was_said_and_explained_stands_in_the_story_of_the_loop(cast: Cast) -> None:
    loop = call_back(cast)
    talk(cast, loop=loop)
    told = [one for one in story(cast, loop) if one.call]
    (one,) = told
    assert one.line is not None
    assert one.said == "Sleeps well."
    assert one.call is not None
    assert [(each.topic, each.words, each.understood, each.retaught) for each in one.call.taught] == [
        ("Salt", "None in the soup", "understood in part", True),
        ("Pills", "", "understood", False),
    ]
    page = browser(cast.rosa).get(f"/loops/{loop.pk}/").content.decode()
    for words in ("Call with the patient: reached", "Sleeps well.", "None in the soup", "explained again"):
        assert words in page


def test_words_that_the_line_says_are_not_said_twice(cast: Cast) -> None:
    loop = call_back(cast)
    log(cast, loop=loop, outcome="reached", said="Tuesdays.")
    (one,) = [one for one in story(cast, loop) if one.call]
    assert one.line is not None
    assert ("Tuesdays." in one.line.sentence, one.said) == (True, "")


def test_a_call_that_proved_nothing_has_a_line_of_its_own(cast: Cast) -> None:
    loop = call_back(cast, kind="task")
    talk(cast, loop=loop)
    lines = story(cast, loop)
    assert [(one.line is None, one.said) for one in lines] == [(True, "Sleeps well."), (False, "")]
    assert "Call with the patient: reached" in browser(cast.rosa).get(f"/loops/{loop.pk}/").content.decode()


def test_the_front_desk_reads_that_there_was_a_call_and_not_what_was_said(cast: Cast) -> None:
    loop = call_back(cast)
    call = talk(cast, loop=loop)
    (one,) = [one for one in story(cast, loop, actor=cast.fred) if one.call]
    assert one.call is not None
    assert (one.said, one.call.taught, one.call.hidden) == ("", (), True)
    for address in (f"/loops/{loop.pk}/", f"/calls/{call.pk}/", f"/patients/{cast.walter.pk}/"):
        page = browser(cast.fred).get(address).content.decode()
        assert not any(words in page for words in ("Sleeps well", "Salt", "None in the soup"))


def test_what_was_explained_on_a_call_about_times_is_hidden_and_the_rest_is_read(cast: Cast) -> None:
    log(cast, outcome="reached", said="Tuesdays.", teach_backs=[SALT])
    (entry,) = queries.timeline(cast.fred, patient=cast.walter, now=NOW)
    assert entry.detail == "Tuesdays. (Rosa)"
    (entry,) = queries.timeline(cast.rosa, patient=cast.walter, now=NOW)
    assert entry.detail == "Tuesdays. Teach-back, Salt: “None in the soup” (understood in part). (Rosa)"


def test_the_timeline_and_the_page_of_the_call_tell_what_was_explained(cast: Cast) -> None:
    call = talk(cast, loop=None)
    (entry,) = queries.timeline(cast.rosa, patient=cast.walter, now=NOW)
    assert "Teach-back, Salt: “None in the soup” (understood in part)." in entry.detail
    assert "Teach-back, Pills (understood)." in entry.detail
    page = browser(cast.rosa).get(f"/calls/{call.pk}/").content.decode()
    assert "None in the soup" in page
    assert "understood in part" in page


def test_a_call_stands_at_its_own_time_and_says_when_it_was_entered(cast: Cast) -> None:
    loop = call_back(cast)
    early = CallDetails(started_at=NOW - timedelta(hours=2))
    log(cast, loop=loop, details=early)
    log(cast, key="2", loop=loop, details=CallDetails(started_at=NOW - timedelta(minutes=14)))
    second, first = (one for one in story(cast, loop) if one.call)
    assert (first.at, first.call and first.call.entered_at) == (early.started_at, NOW)
    assert (second.at, second.call and second.call.entered_at) == (NOW - timedelta(minutes=14), None)
    assert "entered" in browser(cast.rosa).get(f"/loops/{loop.pk}/").content.decode()


def test_whom_we_reached_instead_is_kept_shown_and_said_to_be_no_contact(cast: Cast) -> None:
    loop = call_back(cast)
    details = CallDetails(with_name=" Mrs Hill, next door ")
    call = log(cast, loop=loop, outcome="reached", said="Not home.", with_whom="other", details=details)
    (one,) = [one for one in story(cast, loop) if one.call]
    assert one.call is not None
    assert (one.call.with_whom, one.call.no_contact) == ("Mrs Hill, next door", True)
    (entry,) = queries.timeline(cast.rosa, patient=cast.walter, kinds=("call",), now=NOW)
    assert entry.title == "Call with Mrs Hill, next door: reached"
    assert entry.detail == "Not home. Counts as an attempt, not as contact. (Rosa)"
    assert "an attempt, not as contact" in browser(cast.rosa).get(f"/calls/{call.pk}/").content.decode()


def test_a_call_that_was_struck_out_stands_struck_through_in_the_story(cast: Cast) -> None:
    loop = call_back(cast)
    call = talk(cast, loop=loop)
    actions.strike_call(cast.rosa, call_id=call.pk, why=StruckWhy.TWICE, words="", now=NOW + timedelta(hours=1))
    (one,) = [one for one in story(cast, loop) if one.call]
    assert one.call is not None
    assert one.call.struck_at == NOW + timedelta(hours=1)
    assert "entered by mistake" in browser(cast.rosa).get(f"/loops/{loop.pk}/").content.decode()


def test_a_call_that_proves_something_elsewhere_stands_there_too(cast: Cast) -> None:
    from liaison.loops.actions import add_evidence
    from liaison.loops.ports import About

    loop = call_back(cast)
    call = log(cast, outcome="reached", said="Tuesdays.")
    about = About(type="inbox.call", id=call.pk)
    add_evidence(cast.rosa, loop_id=loop.pk, kind="spoke_with_patient", note="Spoken with.", about=about, now=NOW)
    told = [one.call.id for one in story(cast, loop) if one.call]
    assert told == [call.pk]


def test_who_reads_no_calls_is_refused_the_story_with_them(cast: Cast) -> None:
    officer = Actor(user_id=9, name="Olga", assignments=frozenset({(str(Role.PRIVACY_OFFICER), None)}))
    with pytest.raises(Forbidden):
        queries.told_story(officer, story=loop_story(cast.rosa, loop_id=call_back(cast).pk, now=NOW), now=NOW)
