"""A key that somebody puts into a form is theirs alone: it stands for nothing of Liaison's and nothing of others."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.asking import LONGEST_FORM_KEY, form_key
from liaison.inbox import actions
from liaison.inbox.models import Call, Message, Note
from liaison.inbox.tests.cast import NOW, Cast
from liaison.inbox.tests.test_screens import a_message, signed_in, typed


def key_of(posted: str, *, user_id: int = 7) -> str:
    """What becomes of a posted key."""
    request = RequestFactory().post("/")
    request.actor = Actor(user_id=user_id, name="Rosa")  # type: ignore[attr-defined]  # put there by a middleware
    return form_key(request, posted)


@pytest.mark.parametrize(
    ("posted", "key"),
    [
        ("message:1", "form:7:message:1"),
        ("visit:24:appointment-confirmation", "form:7:visit:24:appointment-confirmation"),
        ("a\x00b\nc", "form:7:abc"),
        ("", "form:7:"),
    ],
)
def test_a_posted_key_is_its_senders(posted: str, key: str) -> None:
    assert key_of(posted) == key
    assert key_of(posted, user_id=8) != key


def test_a_posted_key_is_never_longer_than_the_shortest_column() -> None:
    assert len(key_of("x" * 5_000, user_id=2**63 - 1)) == LONGEST_FORM_KEY == 80


def test_who_posts_the_key_of_a_confirmation_neither_swallows_it_nor_stops_it(cast: Cast) -> None:
    key = "visit:24:appointment-confirmation"
    form = {"template": "note", "language": "en", "text": "Please call us.", "idempotency_key": key}
    for _twice in range(2):
        answer = signed_in(cast.rosa_user).post(f"/messages/new/?patient={cast.walter.pk}", form)
        assert answer.status_code == 302
    planted = Message.objects.get()
    other = cast.patient()
    confirmed = a_message(cast, patient=other, key=key, context={"phone": "1"})
    assert (confirmed.pk != planted.pk, confirmed.patient_id) == (True, other.pk)


def test_what_was_typed_over_a_message_that_went_out_is_not_dropped(cast: Cast) -> None:
    """The first answer was lost on the way; meanwhile the coordinator saw a mistake in the text."""
    rosa, to = signed_in(cast.rosa_user), f"/messages/new/?patient={cast.walter.pk}"
    form = {"template": "note", "language": "en", "text": "Please come at nine.", "idempotency_key": "the same"}
    assert [rosa.post(to, form).status_code for _twice in range(2)] == [302, 302]
    answer = rosa.post(to, form | {"text": "Please come at TEN, not nine."})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "This form was sent already, with other words" in page
    assert "Please come at TEN, not nine." in page
    assert "at nine." in Message.objects.get().body


def test_who_repeats_the_key_of_a_cancellation_writes_no_message_that_a_cancellation_takes_back(cast: Cast) -> None:
    rosa = signed_in(cast.rosa_user)
    form = {"template": "note", "text": "Please call us.", "idempotency_key": "visit:24:x"}
    rosa.post(f"/messages/new/?patient={cast.walter.pk}", form)
    ours = a_message(cast, key="visit:24:appointment-confirmation")
    assert actions.cancel_queued(cast.rosa, prefix="visit:24:", now=NOW) == 1
    ours.refresh_from_db()
    assert ours.state == "suppressed"
    assert actions.cancel_queued(cast.rosa, prefix="form:", now=NOW) == 0
    assert Message.objects.filter(state="queued").count() == 1


def test_a_message_written_again_under_a_key_of_liaisons_takes_none(cast: Cast) -> None:
    rosa, message = signed_in(cast.rosa_user), a_message(cast)
    actions.cancel_queued(cast.rosa, ids=[message.pk], now=NOW)
    assert rosa.post(f"/messages/{message.pk}/again/", {"key": "visit:24:appointment-moved"}).status_code == 302
    assert rosa.post(f"/messages/{message.pk}/again/", {"key": "\x00"}).status_code == 302
    assert rosa.post(f"/messages/{message.pk}/again/").status_code == 302
    made = Message.objects.exclude(pk=message.pk)
    assert (made.count(), made.filter(idempotency_key__startswith=f"form:{cast.rosa_user.pk}:").count()) == (3, 3)


def test_one_persons_key_is_not_a_colleagues(cast: Cast) -> None:
    walter = cast.walter.pk
    for user in (cast.rosa_user, User.objects.get(pk=cast.marta.user_id)):
        browser = signed_in(user)
        call = typed(browser.get(f"/calls/new/?patient={walter}").content, idempotency_key="the same")
        assert browser.post(f"/calls/new/?patient={walter}", call).status_code == 302
        note = {"text": "Fridays.", "happened_at": "2026-03-02T09:00", "idempotency_key": "the same"}
        assert browser.post(f"/notes/new/?patient={walter}", note).status_code == 302
    assert (Call.objects.count(), Note.objects.count()) == (2, 2)
