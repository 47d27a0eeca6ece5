"""The rules of answers to invitations, and how a mail carries one."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from liaison.inbox.ports import CalendarAnswer, Said
from liaison.inbox.rules.incoming import LONGEST_CALENDAR, read_mail
from liaison.inbox.rules.invitation_answers import from_whom, in_words, says_more


def answer(
    said: Said = Said.ACCEPTED, *, attendee: str = "w@x.org", uid: str = "u1", comment: str = ""
) -> CalendarAnswer:
    return CalendarAnswer(uid=uid, sequence=0, said=said, attendee=attendee, comment=comment)


def with_calendar(content: bytes, *, name: str = "") -> bytes:
    """A mail whose calendar stands beside its words, and once more as a file."""
    mail = EmailMessage()
    mail["From"] = "w@x.org"
    mail.set_content("Yes")
    mail.add_alternative(content, maintype="text", subtype="calendar", params={"method": "REPLY"})
    mail.add_attachment(content, maintype="application", subtype="ics", filename=name or "invite.ics")
    mail.add_attachment(b"x", maintype="application", subtype="octet-stream", filename="letter.bin")
    return mail.as_bytes()


def test_what_was_answered_is_said_once_with_each_note() -> None:
    assert in_words(()) == ()
    assert in_words((answer(), answer(uid="u2"))) == ("They accepted the invitation.",)
    assert in_words((answer(Said.DECLINED, comment="Away"),)) == (
        "They declined the invitation: they say that they can't come.",
        "Their note: Away",
    )
    assert len(in_words((answer(comment="Away"),), beside="No.\n\nAway")) == 1
    assert "maybe" in in_words((answer(Said.TENTATIVE),))[0]


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("", False),
        ("Walter Ng has accepted this invitation.", False),
        ("Walter Ng ha rechazado esta invitación.", False),
        ("Tentatively accepted: the invitation", False),
        ("I need a ride", True),
    ],
)
def test_a_person_reads_what_no_program_writes_by_itself(words: str, more: object) -> None:
    assert says_more(words, answers=(answer(),)) is more
    assert says_more(words, answers=(answer(comment="Away"),))


def test_nobody_answers_for_somebody_else() -> None:
    own, other, june = answer(), answer(uid="u2"), answer(attendee="june@x.org")
    assert from_whom((june, own, other), sender="w@x.org") == (own,)
    assert from_whom((june,), sender="w@x.org") == ()
    assert from_whom((answer(attendee=""),), sender="") == ()


def test_a_calendar_is_no_file_nor_its_copy_and_a_long_one_is_not_read() -> None:
    read = read_mail(with_calendar(b"BEGIN:VCALENDAR"))
    assert (read.calendars, [file.name for file in read.files]) == ((b"BEGIN:VCALENDAR",), ["letter.bin"])
    assert read_mail(with_calendar(b"x" * (LONGEST_CALENDAR + 1))).calendars == ()
    alone = EmailMessage()
    alone.set_content("Look")
    alone.add_attachment(b"BEGIN:VCALENDAR", maintype="application", subtype="ics", filename="a.ics")
    assert [file.name for file in read_mail(alone.as_bytes()).files] == ["a.ics"]
