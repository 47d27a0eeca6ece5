"""Several parts at once: jobs and a real server, reactions in the middle, merges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from liaison.accounts.access import Role
from liaison.core.actor import Actor, system_actor
from liaison.core.clock import current_time
from liaison.core.facts import Fact, reacts_to
from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden
from liaison.gateways.email.tests.servers import Mailroom, mail_server
from liaison.inbox import actions, jobs, queries
from liaison.inbox.events import MessageQueued, MessageSuppressed
from liaison.inbox.models import Call, Message, Preference
from liaison.inbox.ports import (
    CallDetails,
    Channel,
    HowItWent,
    Sent,
    Unknown,
    connect,
    disconnect,
    is_connected,
    transport_for,
    unconnected,
)
from liaison.inbox.rules.timing import ABANDONED_AFTER
from liaison.inbox.tests.cast import NOW, Cast, Postman, written
from liaison.loops.models import Loop

POST = system_actor("post office")
LATER = NOW + ABANDONED_AFTER + timedelta(seconds=1)
_answers: dict[type[Fact], Callable[[], object]] = {}


@reacts_to(MessageSuppressed)
def _suppressed(fact: MessageSuppressed, /, *, actor: Actor) -> None:
    _answers.get(MessageSuppressed, lambda: None)()


@reacts_to(MessageQueued)
def _queued(fact: MessageQueued, /, *, actor: Actor) -> None:
    _answers.get(MessageQueued, lambda: None)()


@contextmanager
def answering(kind: type[Fact], answer: Callable[[], object]) -> Iterator[None]:
    """Answer the first fact of a kind by doing this, once."""
    _answers[kind] = lambda: (_answers.pop(kind), answer())
    yield
    _answers.pop(kind, None)


def queue(cast: Cast, *, key: str = "k", **more: object) -> Message:
    """A message to Walter that is due."""
    values: dict[str, object] = {
        "patient": cast.walter, "template": "please-call", "context": {}, "idempotency_key": key, "now": NOW,
    }  # fmt: skip
    return written(cast, **(values | more))  # type: ignore[arg-type]  # keywords of several types


def test_the_jobs_send_by_the_server_of_the_settings(cast: Cast, settings) -> None:  # type: ignore[no-untyped-def]  # the fixtures have no types
    room = Mailroom()
    one, two = queue(cast, key="1"), queue(cast, key="2")
    later = queue(cast, key="3", send_at=current_time() + timedelta(days=1))
    with mail_server(room) as port:
        settings.SMTP_URL = f"smtp://127.0.0.1:{port}"
        jobs.send_message(message_id=one.pk)
        jobs.send_message(message_id=one.pk)
        jobs.send_due()
        jobs.send_due()
    states = dict(Message.objects.values_list("pk", "state"))
    assert states == {one.pk: "sent", two.pk: "sent", later.pk: "queued"}
    assert len(room.mails) == 2
    assert all(b"Message-ID: <" in mail for mail in room.mails)


def test_a_server_that_falls_silent_keeps_the_rest_for_the_next_minute(cast: Cast) -> None:
    first, second = queue(cast, key="1"), queue(cast, key="2")
    silent = Postman(results=[Unknown(reply="no answer")])
    with unconnected(Channel.EMAIL):
        connect(Channel.EMAIL, lambda: silent)
        jobs.send_due()
        assert dict(Message.objects.values_list("pk", "state")) == {first.pk: "unknown", second.pk: "queued"}
        jobs.send_due()
    assert dict(Message.objects.values_list("pk", "state")) == {first.pk: "unknown", second.pk: "sent"}


def test_two_that_cancel_at_once_stop_each_message_once(cast: Cast) -> None:
    queue(cast, key="a:1")
    queue(cast, key="a:2")
    with answering(MessageSuppressed, lambda: actions.cancel_queued(POST, prefix="a:", now=NOW)):
        assert actions.cancel_queued(cast.rosa, prefix="a:", now=NOW) == 1
    assert set(Message.objects.values_list("state", flat=True)) == {"suppressed"}


def test_two_sweeps_at_once_recover_each_message_once(cast: Cast) -> None:
    for key in ("1", "2"):
        actions.claim_message(POST, message_id=queue(cast, key=key).pk, now=NOW)
    second: list[object] = []
    with answering(MessageQueued, lambda: second.append(actions.recover_abandoned(POST, now=LATER))):
        first = actions.recover_abandoned(POST, now=LATER)
    assert len(first) == 1
    assert len(second[0]) == 1  # type: ignore[arg-type]  # the test holds more kinds than the type says
    assert {message.attempts for message in Message.objects.all()} == {1}


def test_a_late_answer_without_a_question_only_settles(cast: Cast) -> None:
    message = queue(cast)
    claim = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert claim is not None
    actions.mark_handed_over(POST, claim, now=NOW)
    actions.settle(POST, claim, result=Unknown(reply="lost"), now=NOW)
    from liaison.loops.actions import give_up_loop

    give_up_loop(cast.rosa, loop_id=Loop.objects.get().pk, reason="asked", now=NOW)
    actions.settle(POST, claim, result=Sent(), now=LATER)
    message.refresh_from_db()
    assert message.state == "sent"


def test_a_sent_message_that_is_known_to_have_arrived_is_delivered(cast: Cast) -> None:
    message = queue(cast)
    claim = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert claim is not None
    actions.settle(POST, claim, result=Sent(), now=NOW)
    assert actions.confirm_arrived(cast.rosa, message_id=message.pk, now=LATER).state == "delivered"
    assert not Loop.objects.exists()


def test_writing_again_takes_the_files_along(cast: Cast) -> None:
    from liaison.inbox.ports import AttachmentContent

    cast.change(cast.mail, may_email=False)
    files = [AttachmentContent(name="map.pdf", media_type="application/pdf", content=b"%PDF")]
    message = queue(cast, attachments=files)
    again = actions.send_again(cast.rosa, message_id=message.pk, idempotency_key="again", now=NOW)
    assert (again.state, again.suppressed_reason) == ("suppressed", "do_not_contact")
    assert bytes(again.attachments.get().content) == b"%PDF"
    with pytest.raises(actions.KeyReused):
        other = queue(cast, key="other", patient=cast.patient())
        actions.send_again(cast.rosa, message_id=other.pk, idempotency_key="again", now=NOW)


def test_a_message_of_an_ended_loop_goes_back_to_its_writer(cast: Cast) -> None:
    from liaison.inbox.ports import PermanentFailure
    from liaison.loops.actions import give_up_loop

    first = queue(cast)
    claim = actions.claim_message(POST, message_id=first.pk, now=NOW)
    assert claim is not None
    actions.settle(POST, claim, result=PermanentFailure(reply="550"), now=NOW)
    loop = Loop.objects.get()
    give_up_loop(cast.rosa, loop_id=loop.pk, reason="x", now=NOW)
    loop.refresh_from_db()
    second = queue(cast, key="2", loop=loop)
    claim = actions.claim_message(POST, message_id=second.pk, now=NOW)
    assert claim is not None
    actions.settle(POST, claim, result=PermanentFailure(reply="550"), now=NOW)
    assert Loop.objects.open().get().owner_user_id == cast.rosa_user.pk


def test_conversations_follow_a_merge_and_come_back(cast: Cast) -> None:
    from liaison.patients.actions import merge_patients, unmerge_patients

    twin = cast.patient(given="Walt")
    queue(cast, patient=twin)
    actions.log_call(cast.rosa, patient=twin, went=HowItWent(outcome="busy"), idempotency_key="c", now=NOW)
    actions.note_opt_out(cast.rosa, patient=twin, channel="email", category="survey", now=NOW)
    boss = system_actor("test")
    merge = merge_patients(actor=boss, survivor=cast.walter, merged=twin, reason="The same", now=NOW)

    def owners() -> set[int]:
        return {row.patient_id for kind in (Message, Call, Preference) for row in kind.objects.all()}

    assert owners() == {cast.walter.pk}
    unmerge_patients(actor=boss, merge=merge, reason="Two people", now=NOW)
    assert owners() == {twin.pk}
    assert AuditEntry.objects.filter(verb="inbox.repoint").count() == 2


def test_who_may_not_read_is_refused_everywhere(cast: Cast) -> None:
    officer = Actor(user_id=9, name="Olga", assignments=frozenset({(str(Role.PRIVACY_OFFICER), None)}))
    message = queue(cast)
    for ask in (
        lambda: queries.message_page(officer, now=NOW),
        lambda: queries.get_message(officer, message_id=message.pk, now=NOW),
        lambda: queries.mailbox(officer, now=NOW),
        lambda: queries.call_sheet(officer, patient_id=cast.walter.pk, loop_id=None, now=NOW),
        lambda: queries.get_call(officer, call_id=1, now=NOW),
    ):
        with pytest.raises(Forbidden):
            ask()


def a_call_back(cast: Cast) -> Loop:
    """Walter is to be called back."""
    from liaison.loops.actions import open_loop
    from liaison.loops.ports import ClockToStart, Owner, Promise

    return open_loop(
        cast.rosa,
        patient=cast.walter,
        promise=Promise(
            kind="call_back",
            title="Call",
            clocks=[
                ClockToStart(
                    rule_id="x",
                    rule_version="1",
                    step="Call",
                    anchor_event="t",
                    anchor_at=NOW,
                    due_at=NOW + timedelta(hours=1),
                )
            ],
        ),
        owner=Owner(user_id=cast.rosa_user.pk),
        now=NOW,
    )


def test_the_calls_of_a_loop_and_the_tries_in_a_row_are_told(cast: Cast) -> None:
    loop = a_call_back(cast)
    for number, outcome in enumerate(("no_answer", "reached", "busy", "left_message")):
        actions.log_call(
            cast.rosa,
            patient=cast.walter,
            loop=loop,
            went=HowItWent(outcome=outcome, said="x", details=CallDetails(settled=True)),
            idempotency_key=outcome,
            now=NOW + timedelta(hours=number),
        )
    sheet = queries.call_sheet(cast.rosa, patient_id=None, loop_id=loop.pk, now=NOW)
    assert [one.outcome for one in sheet.earlier] == ["left_message", "busy", "reached", "no_answer"]
    assert (sheet.attempts, sheet.separate) == (2, 2)


def test_a_try_that_does_not_count_by_itself_moves_the_next_one_no_later(cast: Cast) -> None:
    loop = a_call_back(cast)

    def proposed(*, at: datetime, outcome: str = "no_answer") -> datetime | None:
        sheet = queries.call_sheet(cast.rosa, patient_id=None, loop_id=loop.pk, now=at)
        return queries.propose_next(outcome=outcome, sheet=sheet, now=at)

    first = proposed(at=NOW)
    actions.log_call(
        cast.rosa,
        patient=cast.walter,
        loop=loop,
        went=HowItWent(outcome="no_answer"),
        next_attempt_at=first,
        idempotency_key="1",
        now=NOW,
    )
    again = NOW + timedelta(minutes=1)
    assert proposed(at=again) == first
    assert proposed(at=again, outcome="busy") == again + timedelta(minutes=30), "a busy line is tried sooner"
    assert first is not None
    assert proposed(at=NOW + timedelta(hours=2)) > first, "a separate try sets another time"


def test_rows_name_themselves_without_naming_a_patient(cast: Cast) -> None:
    message = queue(cast)
    call = actions.log_call(
        cast.rosa, patient=cast.walter, went=HowItWent(outcome="busy"), idempotency_key="c", now=NOW
    )
    (preference,) = actions.note_opt_out(cast.rosa, patient=cast.walter, channel="text", category="survey", now=NOW)
    names = [str(row) for row in (message, message.template, call, preference)]
    assert names == [f"message {message.pk}", "please-call 1 (en)", f"call {call.pk}", f"preference {preference.pk}"]


def test_a_channel_is_connected_until_it_is_not() -> None:
    connect(Channel.LETTER, lambda: "a printer")  # type: ignore[arg-type, return-value]  # a stand-in for what the test needs of it
    assert transport_for(Channel.LETTER) == "a printer"
    with unconnected(Channel.LETTER):
        assert not is_connected(Channel.LETTER)
    assert is_connected(Channel.LETTER)
    disconnect(Channel.LETTER)
    with unconnected(Channel.LETTER):
        assert not is_connected(Channel.LETTER)
    assert transport_for(Channel.LETTER) is None
