"""Delivering: every way it can end, and no way that sends twice."""

from datetime import timedelta

import pytest

from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.inbox import actions
from liaison.inbox.jobs import deliver
from liaison.inbox.models import DeliveryAttempt, Message
from liaison.inbox.ports import MessageToSend, PermanentFailure, Sent, TemporaryFailure, Unknown
from liaison.inbox.rules.timing import ABANDONED_AFTER, BACK_OFF
from liaison.inbox.tests.cast import NOW, Cast, Postman, written
from liaison.loops.models import Loop

POST = system_actor("post office")
LATER = NOW + ABANDONED_AFTER + timedelta(seconds=1)
BAD = PermanentFailure(reply="550 5.1.1 nobody", bad_address=True)


def queue(cast: Cast, *, key: str = "k", **more: object) -> Message:
    """A message to Walter that is due."""
    values: dict[str, object] = {
        "patient": cast.walter, "template": "please-call", "context": {}, "idempotency_key": key, "now": NOW,
    }  # fmt: skip
    return written(cast, **(values | more))  # type: ignore[arg-type]  # keywords of several types


def send(message: Message, postman: Postman, *, at: object = NOW) -> Message:
    """Let the postman try once."""
    deliver(message.pk, clock=lambda: at, transport=lambda channel: postman)  # type: ignore[arg-type, return-value]  # a stand-in for what the test needs of it
    message.refresh_from_db()
    return message


def test_a_message_is_carried_once_and_sent(cast: Cast, postman: Postman) -> None:
    message = send(queue(cast), postman)
    assert (message.state, message.sent_at, message.last_reply) == ("sent", NOW, "250 ok")
    assert [one.to for one in postman.carried] == ["walter@example.org"]
    assert postman.carried[0].message_id == message.message_id
    assert "<p>" in postman.carried[0].html
    send(message, postman)
    assert len(postman.carried) == 1
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.number, attempt.result, attempt.handed_over_at, attempt.ended_at) == (1, "Sent", NOW, NOW)
    steps = [entry.details.get("step") for entry in AuditEntry.objects.filter(verb="inbox.deliver").order_by("pk")]
    assert steps == ["claimed", "handed over", "Sent"]
    assert all(e.patient_ids == [cast.walter.pk] for e in AuditEntry.objects.filter(verb="inbox.deliver"))


def test_what_is_not_due_stays(cast: Cast, postman: Postman) -> None:
    message = queue(cast, send_at=NOW + timedelta(minutes=1))
    assert send(message, postman).state == "queued"
    assert send(message, postman, at=NOW + timedelta(minutes=1)).state == "sent"


def test_a_temporary_failure_is_tried_again_until_it_ends_in_a_loop(cast: Cast, postman: Postman) -> None:
    message = queue(cast)
    at = NOW
    for number, wait in enumerate(BACK_OFF, start=1):
        postman.results = [TemporaryFailure(reply="450 later")]
        send(message, postman, at=at)
        assert (message.state, message.attempts) == ("queued", number)
        assert message.next_attempt_at == at + wait
        at = message.next_attempt_at
    postman.results = [TemporaryFailure(reply="450 later")]
    send(message, postman, at=at)
    assert (message.state, message.failure_kind, message.attempts) == ("failed", "temporary", len(BACK_OFF) + 1)
    loop = Loop.objects.get(kind="failed-message")
    assert loop.title == "Reach Walter another way: e-mail could not be delivered"


def test_a_bounce_opens_a_loop_for_whoever_wrote(cast: Cast, postman: Postman) -> None:
    postman.results = [BAD]
    message = send(queue(cast), postman)
    assert (message.state, message.failure_kind) == ("failed", "permanent")
    loop = Loop.objects.get()
    assert loop.title == "Reach Walter another way: e-mail bounced"
    assert loop.next_step == "Call Walter: our e-mail came back"
    assert loop.owner_user_id == cast.rosa_user.pk
    assert (loop.about_type, loop.about_id) == ("inbox.message", message.pk)
    assert loop.due_at.astimezone(cast.site.zone).isoformat() == "2026-03-03T17:00:00-05:00"


def test_a_bounce_of_a_message_nobody_wrote_goes_to_the_sites_team(cast: Cast, postman: Postman) -> None:
    postman.results = [BAD]
    message = actions.queue_message(
        system_actor("reminders"),
        patient=cast.walter,
        message=MessageToSend(template="please-call", context={}),
        idempotency_key="r",
        now=NOW,
    )
    send(message, postman)
    assert Loop.objects.get().owner_team_id == cast.team.pk


def test_the_owner_of_the_loop_it_serves_hears_of_the_bounce_first(cast: Cast, postman: Postman) -> None:
    postman.results = [BAD, BAD]
    send(queue(cast), postman)
    first = Loop.objects.get()
    message = actions.queue_message(
        system_actor("reminders"),
        patient=cast.walter,
        message=MessageToSend(template="please-call", context={}, expires_at=NOW + timedelta(days=1)),
        idempotency_key="r",
        loop=first,
        now=NOW,
    )
    send(message, postman)
    second = Loop.objects.exclude(pk=first.pk).get()
    assert second.owner_user_id == cast.rosa_user.pk
    assert second.priority == "urgent"


def test_two_bounces_mark_the_address_bad_and_the_third_message_is_not_sent(cast: Cast, postman: Postman) -> None:
    postman.results = [BAD, BAD]
    send(queue(cast, key="1"), postman)
    cast.mail.refresh_from_db()
    assert cast.mail.bad_since is None
    send(queue(cast, key="2"), postman)
    cast.mail.refresh_from_db()
    assert cast.mail.bad_since == NOW
    assert queue(cast, key="3").suppressed_reason == "bad_address"


def test_refused_content_says_nothing_about_the_address(cast: Cast, postman: Postman) -> None:
    for key in ("1", "2", "3"):
        postman.results = [PermanentFailure(reply="554 content")]
        send(queue(cast, key=key), postman)
    cast.mail.refresh_from_db()
    assert cast.mail.bad_since is None


def test_no_answer_after_the_hand_over_ends_as_unknown_and_is_never_sent_again(cast: Cast, postman: Postman) -> None:
    postman.results = [Unknown(reply="connection lost")]
    message = send(queue(cast), postman)
    assert message.state == "unknown"
    for hours in (1, 24, 100):
        actions.recover_abandoned(POST, now=NOW + timedelta(hours=hours))
        send(message, postman, at=NOW + timedelta(hours=hours))
    assert len(postman.carried) == 1
    assert Loop.objects.get().title == "Ask Walter whether our e-mail arrived"


def test_a_worker_that_died_before_the_hand_over_loses_nothing(cast: Cast, postman: Postman) -> None:
    message = queue(cast)
    dead = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert dead is not None
    assert send(message, postman).state == "sending"
    assert actions.recover_abandoned(POST, now=NOW + ABANDONED_AFTER - timedelta(seconds=1)) == []
    assert actions.recover_abandoned(POST, now=LATER) == [message.pk]
    assert actions.recover_abandoned(POST, now=LATER) == []
    assert send(message, postman, at=LATER + timedelta(hours=1)).state == "sent"
    assert len(postman.carried) == 1


def test_a_worker_that_died_after_the_hand_over_leaves_a_question(cast: Cast, postman: Postman) -> None:
    message = queue(cast)
    dead = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert dead is not None
    actions.mark_handed_over(POST, dead, now=NOW)
    assert actions.recover_abandoned(POST, now=LATER) == []
    assert send(message, postman, at=LATER).state == "unknown"
    assert postman.carried == []
    assert Loop.objects.count() == 1


def test_a_worker_that_only_slept_cannot_send_what_another_has(cast: Cast, postman: Postman) -> None:
    message = queue(cast)
    slept = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert slept is not None
    actions.recover_abandoned(POST, now=LATER)
    send(message, postman, at=LATER + timedelta(hours=1))
    with pytest.raises(actions.ClaimLost):
        actions.mark_handed_over(POST, slept, now=LATER)
    with pytest.raises(actions.ClaimLost):
        actions.settle(POST, slept, result=Sent(), now=LATER)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("sent", 2)


def test_the_job_ends_quietly_when_its_claim_is_lost(cast: Cast, postman: Postman) -> None:
    message = queue(cast)

    class Slow(Postman):
        def send(self, envelope, *, point_of_no_return):  # type: ignore[no-untyped-def]  # the fixtures have no types
            actions.recover_abandoned(POST, now=LATER)
            return super().send(envelope, point_of_no_return=point_of_no_return)

    slow = Slow()
    send(message, slow)
    assert slow.carried == []
    assert message.state == "queued"


def test_an_answer_that_comes_late_settles_the_question(cast: Cast) -> None:
    message = queue(cast)
    slow = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert slow is not None
    actions.mark_handed_over(POST, slow, now=NOW)
    actions.recover_abandoned(POST, now=LATER)
    assert Loop.objects.get().state == "open"
    actions.settle(POST, slow, result=Sent(reply="250 at last"), now=LATER)
    message.refresh_from_db()
    assert message.state == "sent"
    assert Loop.objects.get().state == "given_up"


def test_a_person_settles_what_is_unknown(cast: Cast, postman: Postman) -> None:
    postman.results = [Unknown(reply="lost"), Unknown(reply="lost")]
    arrived, lost = send(queue(cast, key="1"), postman), send(queue(cast, key="2"), postman)
    assert actions.confirm_arrived(cast.rosa, message_id=arrived.pk, now=LATER).state == "delivered"
    assert Loop.objects.get(about_id=arrived.pk).state == "closed"
    settled = actions.confirm_not_arrived(cast.rosa, message_id=lost.pk, now=LATER)
    assert (settled.state, settled.failure_kind) == ("failed", "lost")
    with pytest.raises(actions.NotWaiting):
        actions.confirm_arrived(cast.rosa, message_id=lost.pk, now=LATER)
    again = actions.send_again(cast.rosa, message_id=lost.pk, idempotency_key="2 again", now=LATER)
    assert (again.body, again.state, again.to_address) == (lost.body, "queued", "walter@example.org")
    assert again.message_id != lost.message_id
    assert actions.send_again(cast.rosa, message_id=lost.pk, idempotency_key="2 again", now=LATER).pk == again.pk
    with pytest.raises(actions.NotWaiting):
        actions.send_again(cast.rosa, message_id=again.pk, idempotency_key="3", now=LATER)


def test_pat_cannot_settle_walters_message(cast: Cast, postman: Postman) -> None:
    from liaison.core.refusals import NotFound

    postman.results = [Unknown(reply="lost")]
    message = send(queue(cast), postman)
    with pytest.raises(NotFound):
        actions.confirm_arrived(cast.pat, message_id=message.pk, now=LATER)
    with pytest.raises(NotFound):
        actions.confirm_arrived(cast.rosa, message_id=10**9, now=LATER)


def test_whether_it_may_go_is_decided_again_when_it_goes(cast: Cast, postman: Postman) -> None:
    died, stopped, late = queue(cast, key="1"), queue(cast, key="2"), queue(cast, key="3", expires_at=LATER)
    moved = queue(cast, key="4")
    actions.note_opt_out(cast.rosa, patient=cast.walter, channel="email", category="clinical", now=NOW)
    assert send(stopped, postman).suppressed_reason == "opted_out"
    actions.note_opt_in(cast.rosa, patient=cast.walter, channel="email", now=NOW)
    assert send(late, postman, at=LATER).suppressed_reason == "too_late"
    cast.change(cast.mail, value="new@example.org", value_key="new@example.org")
    assert send(moved, postman).to_address == "new@example.org"
    cast.change(cast.walter, is_deceased=True)
    assert send(died, postman).suppressed_reason == "deceased"
    assert len(postman.carried) == 1


def test_a_message_that_would_come_too_late_is_not_tried_again(cast: Cast, postman: Postman) -> None:
    postman.results = [TemporaryFailure(reply="450")]
    message = send(queue(cast, expires_at=NOW + timedelta(seconds=30)), postman)
    assert (message.state, message.failure_kind) == ("failed", "temporary")


def test_a_notice_that_it_came_back_fails_a_sent_message(cast: Cast, postman: Postman) -> None:
    message = send(queue(cast), postman)
    actions.report_bounce(POST, message_id=message.pk, reply="550 gone", bad_address=True, now=LATER)
    message.refresh_from_db()
    assert message.state == "failed"
    assert Loop.objects.count() == 1
    with pytest.raises(actions.ClaimLost):
        actions.report_bounce(POST, message_id=message.pk, reply="550 gone", bad_address=True, now=LATER)


def test_texts_wait_for_the_morning_and_come_once_a_day(cast: Cast, texts: Postman) -> None:
    cast.change(cast.phone, may_text=True)
    night = NOW.replace(hour=4)  # 23:00 the evening before, at the site
    first = queue(cast, key="1", channel="text", now=night)
    assert first.next_attempt_at == NOW.replace(hour=13)
    send(first, texts, at=first.next_attempt_at)
    assert (first.state, first.to_address) == ("sent", "+16175550177")
    second = queue(cast, key="2", channel="text")
    send(second, texts)
    assert (second.state, second.next_attempt_at) == ("queued", NOW + timedelta(days=1))


def test_without_anything_to_carry_it_a_message_waits_for_the_sweep(cast: Cast) -> None:
    message = queue(cast)
    deliver(message.pk, clock=lambda: NOW, transport=lambda channel: None)
    deliver(10**9, clock=lambda: NOW)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("queued", 0)


def test_a_patient_whom_nobody_could_own_still_has_the_failure_written_down(cast: Cast, postman: Postman) -> None:
    from liaison.core.postgres.guard import writes_open

    message = actions.queue_message(
        system_actor("reminders"),
        patient=cast.walter,
        message=MessageToSend(template="please-call", context={}),
        idempotency_key="r",
        now=NOW,
    )
    with writes_open():
        cast.walter.sites.all().delete()
    postman.results = [BAD]
    assert send(message, postman).state == "failed"
    assert not Loop.objects.exists()


def test_without_a_team_a_coordinator_and_else_a_supervisor_owns_the_loop(cast: Cast, postman: Postman) -> None:
    from liaison.accounts.models import Assignment, Team
    from liaison.core.postgres.guard import writes_open

    def bounced(key: str) -> Loop | None:
        postman.results = [BAD]
        message = actions.queue_message(
            system_actor("reminders"),
            patient=cast.patient(given=key),
            message=MessageToSend(template="please-call", context={}),
            idempotency_key=key,
            now=NOW,
        )
        cast.point(message.patient, value=f"{key}@example.org")
        with writes_open():
            Message.objects.filter(pk=message.pk).update(state="queued", suppressed_reason="", next_attempt_at=NOW)
        send(message, postman)
        return Loop.objects.filter(about_id=message.pk).first()

    with writes_open():
        cast.team.memberships.all().delete()
        Team.objects.all().delete()
    first = bounced("a")
    assert first is not None
    assert first.owner_user_id == cast.rosa_user.pk
    with writes_open():
        Assignment.objects.filter(user=cast.rosa_user).delete()
    second = bounced("b")
    assert second is not None
    assert second.owner_user_id == cast.marta.user_id
    with writes_open():
        Assignment.objects.all().delete()
    assert bounced("c") is None
