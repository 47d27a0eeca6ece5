"""Messages in a language that their reader does not read: somebody calls with an interpreter."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from liaison.core.postgres.guard import writes_open
from liaison.inbox import actions
from liaison.inbox.models import Message
from liaison.inbox.ports import TemporaryFailure, Unknown
from liaison.inbox.queries import loops_instead, unread_ahead, unread_of
from liaison.inbox.queries.untold import withheld_without_loop
from liaison.inbox.rules.channels import Category
from liaison.inbox.rules.unread import Reader, unread, would_be_unread
from liaison.inbox.rules.untold import must_be_called
from liaison.inbox.tests.cast import NOW, Cast, Postman
from liaison.inbox.tests.test_delivery import BAD, send
from liaison.inbox.tests.test_queueing import VISIT
from liaison.inbox.tests.test_untold import HOUR, VISIT_AT, talk, tell, untold
from liaison.inbox.tests.test_waiting import POST, nobody_is_there, rosa_comes_back
from liaison.loops.models import Loop, LoopEvent
from liaison.patients.models import ContactPoint, Patient, Proxy

LATER = NOW + HOUR


def lan(cast: Cast, **more: object) -> Patient:
    """Lan has an e-mail address and reads Vietnamese."""
    found = cast.patient("Lan", **({"written_language": "vi", "spoken_language": "vi"} | more))
    cast.point(found, value="lan@example.org")
    return found


# --- the rule -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "written"), [("es", "spa"), ("es", "spa-MX"), ("en", "eng"), ("spa", "es")])
def test_a_language_of_three_letters_is_the_same_as_that_of_two(sent: str, written: str) -> None:
    assert unread(sent, reader=Reader(written=written)) is None
    assert would_be_unread(Reader(written=written)) is None


def test_estonian_is_not_spanish() -> None:
    found = unread("es", reader=Reader(written="est"))
    assert found is not None
    assert found.known == "they read est"


def test_who_reads_another_language_does_not_read_it() -> None:
    found = unread("en", reader=Reader(written="vi", spoken="en"))
    assert found is not None
    assert (found.sent, found.known, found.language) == ("English", "they read Vietnamese", "Vietnamese")


def test_where_only_the_spoken_language_is_known_that_is_said() -> None:
    found = would_be_unread(Reader(spoken="pt-BR"))
    assert found is not None
    assert found.known == "they speak Portuguese (BR)"


def test_a_proxy_goes_by_name() -> None:
    found = unread("es", reader=Reader(name="June", written="en"))
    assert found is not None
    assert (found.sent, found.known) == ("Spanish", "June reads English")


@pytest.mark.parametrize("tag", ["", "en", "en-US", "es-MX", "EN_us", "und", "ase"])
def test_who_reads_what_we_write_or_of_whom_nothing_is_known_is_told(tag: str) -> None:
    assert would_be_unread(Reader(written=tag)) is None


def test_a_call_of_that_day_does_not_show_that_somebody_interpreted() -> None:
    told = {"template": "appointment-moved", "ends_at": NOW + HOUR, "now": NOW}
    assert must_be_called(reason="other_language", talked=True, **told)  # type: ignore[arg-type]  # keywords of several types


# --- what follows ---------------------------------------------------------------------------------------------


def test_a_confirmation_that_they_cannot_read_goes_and_opens_a_call(cast: Cast) -> None:
    message = tell(cast, lan(cast))
    loop = untold()
    assert (message.state, message.language, loop.about_id) == ("queued", "en", message.pk)
    assert loop.title == "Call Lan with an interpreter: our mail about a visit is in English, they read Vietnamese"
    assert loop.next_step == (
        "Tell Lan by phone with an interpreter (our mail is in English, they read Vietnamese): "
        "their visit is on Mon, Mar 9, 09:30"
    )
    assert loop.due_at == datetime(2026, 3, 3, 17, tzinfo=ZoneInfo("America/New_York"))
    assert loop.clocks.get().source.startswith("Who was written to in a language")


def test_a_reminder_and_what_a_person_wrote_open_none(cast: Cast) -> None:
    who = lan(cast)
    tell(cast, who, template="appointment-reminder")
    tell(cast, who, template="please-call", key="by hand")
    assert not Loop.objects.exists()


def test_who_reads_it_is_not_called(cast: Cast) -> None:
    tell(cast, lan(cast, written_language="es"))
    assert not Loop.objects.exists()


@pytest.mark.parametrize(("reads", "called"), [("es", False), ("es-MX", False), ("spa", False), ("est", True)])
def test_what_is_found_later_is_by_the_language_and_not_by_how_its_tag_begins(
    cast: Cast, reads: str, called: bool
) -> None:
    who = lan(cast, written_language="es")
    message = tell(cast, who)
    with writes_open():
        Patient.objects.update(written_language=reads)
    assert withheld_without_loop(now=NOW) == ([message] if called else [])


def test_the_next_one_adds_to_the_call(cast: Cast) -> None:
    who = lan(cast)
    tell(cast, who)
    tell(cast, who, key="visit:2", expires_at=VISIT_AT + timedelta(days=1), now=LATER)
    assert untold().next_step.endswith("their visit is on Mon, Mar 9, 09:30; their visit is on Tue, Mar 10, 09:30")
    line = LoopEvent.objects.filter(what="clock_restarted").get()
    assert line.reason == "In English either: their visit is on Tue, Mar 10, 09:30."


def test_a_talk_that_settles_it_closes_the_call_and_the_next_one_opens_another(cast: Cast) -> None:
    who = lan(cast)
    first = tell(cast, who)
    talk(cast, who, loop=untold())
    assert untold().state == "closed"
    assert loops_instead([first])[first.pk].state == "closed"
    second = tell(cast, who, key="visit:2", expires_at=VISIT_AT + timedelta(days=1), now=LATER)
    assert loops_instead([second])[second.pk].state == "open"
    assert Loop.objects.open().get().next_step.endswith(": their visit is on Tue, Mar 10, 09:30")


def test_a_confirmation_that_was_stopped_is_not_told_any_more(cast: Cast) -> None:
    who = lan(cast)
    tell(cast, who)
    actions.cancel_queued(cast.rosa, prefix="visit:1", now=LATER)
    tell(
        cast, who, key="visit:2", template="appointment-moved", now=LATER,
        context=VISIT | {"old_date": VISIT["date"], "old_time": VISIT["time"]},
    )  # fmt: skip
    assert untold().next_step.endswith("they read Vietnamese): their visit has a new time, Mon, Mar 9, 09:30")


def test_what_nobody_could_own_is_opened_later_and_only_once(cast: Cast) -> None:
    who = lan(cast)
    nobody_is_there()
    tell(cast, who)
    tell(cast, cast.walter, key="in English, which Walter reads")
    assert not Loop.objects.exists()
    assert actions.open_what_waits(POST, now=LATER) == 1
    rosa_comes_back(cast)
    assert [actions.open_what_waits(POST, now=LATER) for _ in range(2)] == [0, 0]
    assert untold().title.startswith("Call Lan with an interpreter")


# --- who reads it ---------------------------------------------------------------------------------------------


def proxy(cast: Cast, patient: Patient, *, language: str) -> None:
    """June reads Lan's mail."""
    june = Proxy(
        patient=patient, name="June", relationship="child", kind="consent", email="june@example.org", language=language,
        scope=["schedule"], starts_on=date(2026, 1, 1), evidence="A signed form",
    )  # fmt: skip
    cast.change(june)


@pytest.mark.parametrize(("language", "known"), [("fr", "June reads French"), ("", "they read Vietnamese")])
def test_a_proxy_reads_their_own_language_or_by_all_that_is_known_the_patients(
    cast: Cast, language: str, known: str
) -> None:
    who = lan(cast)
    cast.change(ContactPoint.objects.get(patient=who), retired_at=NOW)
    proxy(cast, who, language=language)
    ahead, found = unread_ahead(who, category=Category.APPOINTMENT, now=NOW), unread_of(tell(cast, who))
    assert ahead == found
    assert found is not None
    assert found.known == known


def test_a_proxy_who_reads_it_is_enough(cast: Cast) -> None:
    who = lan(cast)
    cast.change(ContactPoint.objects.get(patient=who), retired_at=NOW)
    proxy(cast, who, language="es")
    tell(cast, who)
    assert Message.objects.get().language == "es"
    assert not Loop.objects.exists()
    assert actions.open_what_waits(POST, now=LATER) == 0
    assert not Loop.objects.exists()


def test_who_cannot_be_written_to_reads_nothing_ahead(cast: Cast) -> None:
    assert unread_ahead(cast.patient(written_language="vi"), category=Category.APPOINTMENT, now=NOW) is None
    assert unread_ahead(cast.walter, category=Category.APPOINTMENT, now=NOW) is None


# --- it comes back as well ------------------------------------------------------------------------------------


TOLD_WHAT = "their visit is on Mon, Mar 9, 09:30"


def step(why: str = "") -> str:
    more = f"; {why}" if why else ""
    return f"Tell Lan by phone with an interpreter (our mail is in English, they read Vietnamese{more}): {TOLD_WHAT}"


def test_a_confirmation_that_they_cannot_read_and_that_bounces_is_one_promise_with_both(
    cast: Cast, postman: Postman
) -> None:
    message = tell(cast, lan(cast))
    postman.results = [BAD]
    assert send(message, postman).state == "failed"
    loop = Loop.objects.get()
    assert (loop.next_step, loop.state) == (step("mail to them bounced"), "open")
    assert loop.clocks.filter(voided_at=None).get().evidence == "reached_another_way"
    line = LoopEvent.objects.filter(what="clock_restarted").get()
    assert line.reason == f"Mail to them bounced: {TOLD_WHAT}."
    assert loops_instead([message])[message.pk].pk == loop.pk
    assert actions.open_what_waits(POST, now=LATER) == 0
    talk(cast, message.patient, loop=untold())
    assert actions.open_what_waits(POST, now=LATER) == 0
    assert [each.state for each in Loop.objects.all()] == ["closed"], "told once is told"


def test_what_bounced_stays_said_when_the_next_one_cannot_be_sent_at_all(cast: Cast, postman: Postman) -> None:
    who = lan(cast)
    message = tell(cast, who)
    postman.results = [BAD]
    send(message, postman)
    cast.change(ContactPoint.objects.get(patient=who), retired_at=NOW)
    tell(cast, who, key="visit:2", expires_at=VISIT_AT + timedelta(days=1), now=LATER)
    assert untold().next_step == f"{step('mail to them bounced')}; their visit is on Tue, Mar 10, 09:30"


def test_one_that_cannot_be_sent_forgets_no_interpreter(cast: Cast) -> None:
    who = lan(cast)
    tell(cast, who)
    cast.change(ContactPoint.objects.get(patient=who), retired_at=NOW)
    tell(cast, who, key="visit:2", expires_at=VISIT_AT + timedelta(days=1), now=LATER)
    assert untold().next_step == f"{step('no e-mail address')}; their visit is on Tue, Mar 10, 09:30"


def test_of_one_that_is_lost_from_sight_the_promise_says_what_is_known(cast: Cast, postman: Postman) -> None:
    message = tell(cast, lan(cast))
    postman.results = [Unknown(reply="the line broke")]
    assert send(message, postman).state == "unknown"
    assert Loop.objects.get().next_step == step("nobody knows whether it arrived")
    actions.confirm_arrived(cast.rosa, message_id=message.pk, now=LATER)
    assert untold().next_step == step()
    assert LoopEvent.objects.order_by("-pk")[0].reason == f"It arrived after all: {TOLD_WHAT}."


def test_of_one_that_never_arrived_it_says_so(cast: Cast, postman: Postman) -> None:
    message = tell(cast, lan(cast))
    send(message, postman)
    actions.confirm_not_arrived(cast.rosa, message_id=message.pk, now=LATER)
    assert Loop.objects.get().next_step == step("mail to them never arrived")


def test_an_answer_that_comes_late_is_said_as_well(cast: Cast) -> None:
    message = tell(cast, lan(cast))
    claim = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert claim is not None
    actions.mark_handed_over(POST, claim, now=NOW)
    actions.recover_abandoned(POST, now=LATER)
    assert untold().next_step == step("nobody knows whether it arrived")
    actions.settle(POST, claim, result=TemporaryFailure(reply="450 later"), now=LATER)
    assert untold().next_step == step()
    assert LoopEvent.objects.order_by("-pk")[0].reason == f"It is tried once more: {TOLD_WHAT}."


def test_one_that_they_read_and_what_a_person_wrote_have_the_promise_of_a_failure(cast: Cast, postman: Postman) -> None:
    who = lan(cast)
    postman.results = [BAD]
    send(tell(cast, who, template="please-call", key="by hand"), postman)
    loop = Loop.objects.get()
    assert loop.next_step == (
        "Call Lan: our e-mail came back. It is in English; they read Vietnamese: tell them with an interpreter"
    )
    tell(cast, who)
    assert Loop.objects.get(once_key__startswith="untold:").next_step == step()


def test_what_nobody_could_own_says_both_once_somebody_can(cast: Cast, postman: Postman) -> None:
    nobody_is_there()
    message = tell(cast, lan(cast))
    postman.results = [BAD]
    send(message, postman)
    assert not Loop.objects.exists()
    rosa_comes_back(cast)
    assert actions.open_what_waits(POST, now=LATER) == 0
    assert Loop.objects.get().next_step.endswith("they read Vietnamese: tell them with an interpreter")
    tell(cast, message.patient, key="visit:2", expires_at=VISIT_AT + timedelta(days=1), now=LATER)
    second = Loop.objects.get(once_key__startswith="untold:").next_step
    assert second.endswith("(our mail is in English, they read Vietnamese): their visit is on Tue, Mar 10, 09:30")
