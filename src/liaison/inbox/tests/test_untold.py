"""Confirmations that could not be sent: somebody calls, once a patient, and not where no call is needed."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from liaison.accounts.models import Team, User
from liaison.core.postgres.guard import writes_open
from liaison.inbox import actions
from liaison.inbox.models import Message
from liaison.inbox.ports import CallDetails, HowItWent
from liaison.inbox.rules.channels import Why
from liaison.inbox.rules.untold import must_be_called, news
from liaison.inbox.tests.cast import NOW, Cast, written
from liaison.inbox.tests.test_queueing import VISIT
from liaison.loops.actions import give_up_loop, void_clock
from liaison.loops.models import Clock, Loop, LoopEvent
from liaison.patients.models import Patient

VISIT_AT = datetime(2026, 3, 9, 9, 30, tzinfo=ZoneInfo("America/New_York"))
HOUR = timedelta(hours=1)


def tell(cast: Cast, patient: Patient, *, key: str = "visit:1", **more: object) -> Message:
    """Rosa books, moves or cancels a visit, and the patient is to be told."""
    values: dict[str, object] = {
        "patient": patient, "template": "appointment-confirmation", "context": VISIT, "idempotency_key": key,
        "expires_at": VISIT_AT, "now": NOW,
    }  # fmt: skip
    return written(cast, **(values | more))  # type: ignore[arg-type]  # keywords of several types


def untold() -> Loop:
    """The one loop that calls somebody."""
    return Loop.objects.get(kind="failed-message")


SETTLED = HowItWent(outcome="reached", said="Monday suits.", details=CallDetails(settled=True))
WITH_NEIGHBOUR = HowItWent(
    outcome="reached", said="Monday suits.", with_whom="other", details=CallDetails(with_name="A neighbour")
)


def talk(cast: Cast, patient: Patient, *, went: HowItWent = SETTLED, **more: object) -> None:
    """Rosa reached somebody by phone."""
    values: dict[str, object] = {"patient": patient, "idempotency_key": "call", "now": NOW}
    actions.log_call(cast.rosa, went=went, **(values | more))  # type: ignore[arg-type]  # keywords of several types


# --- the rule -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["appointment-confirmation", "appointment-moved", "appointment-cancelled"])
@pytest.mark.parametrize("reason", ["no_address", "bad_address", "not_asked", "do_not_contact", "opted_out"])
def test_who_would_come_on_the_wrong_day_is_called(template: str, reason: str) -> None:
    assert must_be_called(template=template, reason=reason, ends_at=NOW + HOUR, talked=False, now=NOW)
    assert must_be_called(template=template, reason=reason, ends_at=None, talked=False, now=NOW)


@pytest.mark.parametrize("reason", ["deceased", "cancelled", "too_late", "duplicate"])
def test_what_was_meant_not_to_be_sent_needs_no_call(reason: str) -> None:
    told = {"template": "appointment-moved", "ends_at": NOW + HOUR, "talked": False, "now": NOW}
    assert not must_be_called(reason=reason, **told)  # type: ignore[arg-type]  # keywords of several types


def test_a_reminder_or_a_visit_that_is_over_needs_no_call() -> None:
    missing = {"reason": Why.NO_ADDRESS, "talked": False, "now": NOW}
    assert not must_be_called(template="appointment-reminder", ends_at=NOW + HOUR, **missing)  # type: ignore[arg-type]  # keywords of several types
    assert not must_be_called(template="appointment-moved", ends_at=NOW, **missing)  # type: ignore[arg-type]  # keywords of several types


def test_a_call_settles_it_for_those_who_want_no_mail_only() -> None:
    told = {"template": "appointment-moved", "ends_at": NOW + HOUR, "talked": True, "now": NOW}
    assert [must_be_called(reason=reason, **told) for reason in ("opted_out", "do_not_contact", "no_address")] == [
        False, False, True,
    ]  # type: ignore[arg-type]  # fmt: skip


def test_what_is_to_be_said() -> None:
    assert news("appointment-moved", starts_at=VISIT_AT) == "their visit has a new time, Mon, Mar 9, 09:30"
    assert news("appointment-cancelled", starts_at=None) == "their visit on a day still ahead is cancelled"


# --- what follows ---------------------------------------------------------------------------------------------


def test_a_confirmation_without_an_address_opens_a_call(cast: Cast) -> None:
    ada = cast.patient()
    message = tell(cast, ada)
    loop = untold()
    assert (message.state, loop.about_id, loop.owner_user_id) == ("suppressed", message.pk, cast.rosa_user.pk)
    assert loop.title == "Call Ada: what we have to say about a visit could not be sent"
    assert loop.next_step == "Tell Ada by phone (no e-mail address): their visit is on Mon, Mar 9, 09:30"
    assert loop.due_at == datetime(2026, 3, 3, 17, tzinfo=ZoneInfo("America/New_York"))
    assert (loop.priority, loop.opened_by_name) == ("routine", "Liaison, for Rosa")


def test_a_visit_soon_presses_and_is_told_before_it_begins(cast: Cast) -> None:
    tell(cast, cast.patient(), expires_at=NOW + 3 * HOUR)
    assert (untold().priority, untold().due_at) == ("urgent", NOW + 3 * HOUR)


def test_a_reminder_opens_none_nor_does_what_a_person_wrote(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada, template="appointment-reminder")
    tell(cast, ada, template="please-call", key="by hand")
    assert not Loop.objects.exists()
    cast.change(cast.walter, deceased_at=NOW)
    tell(cast, cast.walter, key="dead")
    assert not Loop.objects.exists()


def test_the_second_adds_to_the_first_and_is_due_by_the_earlier(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada)
    tell(
        cast,
        ada,
        key="visit:2",
        template="appointment-moved",
        context=VISIT | {"old_date": VISIT["date"], "old_time": VISIT["time"]},
        expires_at=NOW + 2 * HOUR,
    )
    loop = untold()
    assert loop.next_step == (
        "Tell Ada by phone (no e-mail address): their visit has a new time, Mon, Mar 2, 12:00; "
        "their visit is on Mon, Mar 9, 09:30"
    )
    assert (loop.due_at, loop.priority) == (NOW + 2 * HOUR, "urgent")
    tell(cast, ada, key="visit:3", template="appointment-cancelled", expires_at=NOW + 2 * HOUR)
    assert untold().due_at == NOW + 2 * HOUR
    line = LoopEvent.objects.filter(what="clock_restarted").order_by("-pk")[0]
    assert line.sentence.startswith("Next step said anew: Tell Ada by phone (no e-mail address):")
    assert line.reason == "Not sent either: their visit on Mon, Mar 2, 12:00 is cancelled."
    assert Clock.objects.filter(satisfied_at=None, voided_at=None).count() == 1


def test_a_step_says_three_things_and_how_many_more_and_nothing_of_visits_that_are_over(cast: Cast) -> None:
    ada = cast.patient()
    for hours in range(1, 6):
        tell(cast, ada, key=f"visit:{hours}", expires_at=NOW + hours * HOUR)
    ahead = "; ".join(f"their visit is on Mon, Mar 2, {hour}:00" for hour in (11, 12, 13))
    assert untold().next_step == f"Tell Ada by phone (no e-mail address): {ahead}; and 2 more"
    tell(cast, ada, key="later", now=NOW + 4 * HOUR)
    ahead = "their visit is on Mon, Mar 2, 15:00; their visit is on Mon, Mar 9, 09:30"
    assert untold().next_step == f"Tell Ada by phone (no e-mail address): {ahead}"


def test_the_same_words_are_said_once(cast: Cast) -> None:
    message = tell(cast, cast.patient())
    actions.send_again(cast.rosa, message_id=message.pk, idempotency_key="again", now=NOW + HOUR)
    assert LoopEvent.objects.count() == 1


def test_words_come_back_to_a_loop_whose_step_was_dropped(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada)
    void_clock(cast.rosa, loop_id=untold().pk, rule_id="untold", reason="Left a word with June", now=NOW)
    tell(cast, ada, key="visit:2", template="appointment-cancelled")
    assert untold().next_step == (
        "Tell Ada by phone (no e-mail address): their visit is on Mon, Mar 9, 09:30; "
        "their visit on Mon, Mar 9, 09:30 is cancelled"
    )


def test_the_next_one_after_an_end_opens_its_own(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada)
    give_up_loop(cast.rosa, loop_id=untold().pk, reason="Moved away", now=NOW)
    tell(cast, ada, key="visit:2")
    assert Loop.objects.filter(kind="failed-message").count() == 2


def test_a_call_that_reached_them_closes_it(cast: Cast) -> None:
    ada = cast.patient()
    tell(cast, ada)
    talk(cast, ada, loop=untold(), went=WITH_NEIGHBOUR, idempotency_key="neighbour")
    assert untold().state == "open"
    talk(cast, ada, loop=untold())
    assert (untold().state, untold().evidence_kinds) == ("closed", ["attempt", "reached_another_way"])


def test_who_wants_no_mail_and_was_called_is_not_called_again(cast: Cast) -> None:
    cast.change(cast.mail, may_email=False)
    talk(cast, cast.walter, went=WITH_NEIGHBOUR)
    tell(cast, cast.walter)
    assert untold().next_step.startswith("Tell Walter by phone (they want no e-mail):")
    give_up_loop(cast.rosa, loop_id=untold().pk, reason="Test", now=NOW)
    talk(cast, cast.walter, idempotency_key="second")
    tell(cast, cast.walter, key="visit:2")
    assert Loop.objects.filter(kind="failed-message").count() == 1
    tell(cast, cast.walter, key="visit:3", now=NOW + timedelta(days=1))
    assert Loop.objects.filter(kind="failed-message").count() == 2  # that talk was yesterday


def test_what_is_found_out_only_when_it_is_to_go_opens_it_as_well(cast: Cast) -> None:
    message = tell(cast, cast.walter)
    cast.change(cast.mail, bad_since=NOW, bad_reason="Bounced")
    assert actions.claim_message(cast.marta.as_liaison(), message_id=message.pk, now=NOW + HOUR) is None
    assert untold().next_step.startswith("Tell Walter by phone (their e-mail address bounces):")


def test_a_confirmation_without_an_end_is_told_by_the_next_business_day(cast: Cast) -> None:
    tell(cast, cast.patient(), expires_at=None)
    assert untold().due_at == datetime(2026, 3, 3, 17, tzinfo=ZoneInfo("America/New_York"))


def test_nobody_to_own_it_or_no_site_to_call_from_opens_none(cast: Cast) -> None:
    ada = cast.patient()
    cast.change(cast.rosa_user, is_active=False, deactivated_at=NOW)
    with writes_open():
        Team.objects.all().delete()
    tell(cast, ada, key="owned by Marta")
    assert Loop.objects.count() == 1
    give_up_loop(cast.marta, loop_id=untold().pk, reason="Test", now=NOW)
    with writes_open():
        User.objects.update(is_active=False, deactivated_at=NOW)
    tell(cast, ada, key="owned by nobody")
    with writes_open():
        ada.sites.all().delete()
    actions.call_who_was_not_told(
        cast.marta, message_id=Message.objects.get(idempotency_key="owned by Marta").pk, reason="no_address", now=NOW
    )
    assert Loop.objects.count() == 1
