"""Reading what calendars answer: whatever they write, nothing breaks, and a doubt is no answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from liaison.gateways.ical.reader import read_answers
from liaison.inbox.ports import CalendarAnswer, Said, answers_in

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WALTER = "ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;CN=Walter:MAILTO:Walter@Example.org"
GOOD = ("UID:u1", "SEQUENCE:2", "DTSTAMP:20260302T120000Z", WALTER)


def calendar(*lines: str, method: str = "REPLY", before: tuple[str, ...] = ()) -> bytes:
    """A reply with these lines in its event."""
    whole = [
        "BEGIN:VCALENDAR", "PRODID:x", "VERSION:2.0", f"METHOD:{method}", *before, "BEGIN:VEVENT", *lines, "END:VEVENT",
        "END:VCALENDAR", "",
    ]  # fmt: skip
    return "\r\n".join(whole).encode()


def test_an_answer_says_who_answers_what_to_which_version() -> None:
    (answer,) = read_answers(calendar(*GOOD, "COMMENT:I come\\, gladly", "COMMENT:Two\x00\\nlines"))
    assert answer == CalendarAnswer(
        uid="u1", sequence=2, said=Said.ACCEPTED, attendee="walter@example.org", stamped_at=NOON,
        comment="I come, gladly\nTwo\nlines",
    )  # fmt: skip
    assert answers_in(calendar(*GOOD))[0].uid == "u1"


@pytest.mark.parametrize("said", ["DECLINED", "TENTATIVE", "declined"])
def test_each_answer_is_known_in_any_letter_case(said: str) -> None:
    (answer,) = read_answers(calendar("UID:u1", f"ATTENDEE;PARTSTAT={said}:mailto:w@x.org"))
    assert answer.said == said.lower()
    assert (answer.sequence, answer.stamped_at, answer.comment) == (0, None, "")


def test_one_visit_of_a_series_is_named_by_its_start_in_any_zone() -> None:
    for line in ("RECURRENCE-ID;TZID=America/New_York:20260309T090000", "RECURRENCE-ID:20260309T130000Z"):
        (answer,) = read_answers(calendar(*GOOD, line))
        assert answer.recurs_at == datetime(2026, 3, 9, 13, tzinfo=UTC)
    zone = (
        "BEGIN:VTIMEZONE", "TZID:Our own", "BEGIN:STANDARD", "DTSTART:16010101T000000", "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0400", "END:STANDARD", "END:VTIMEZONE",
    )  # fmt: skip
    (answer,) = read_answers(calendar(*GOOD, "RECURRENCE-ID;TZID=Our own:20260309T090000", before=zone))
    assert answer.recurs_at == datetime(2026, 3, 9, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "lines",
    [
        (*GOOD, "RECURRENCE-ID:20260309T090000"),
        (*GOOD, "RECURRENCE-ID;VALUE=DATE:20260309"),
        (*GOOD, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260309T130000Z"),
        (*GOOD, "ATTENDEE;PARTSTAT=DECLINED:mailto:june@example.org"),
        ("UID:u1", "SEQUENCE:-1", WALTER),
        ("UID:u1", "SEQUENCE:99999999999", WALTER),
        ("UID:u1", "SEQUENCE:one", WALTER),
        ("SEQUENCE:1", WALTER),
        (f"UID:{'u' * 200}", WALTER),
        ("UID:u1",),
        ("UID:u1", "ATTENDEE;PARTSTAT=DELEGATED:mailto:w@x.org"),
        ("UID:u1", "ATTENDEE:mailto:w@x.org"),
        ("UID:u1", "ATTENDEE;PARTSTAT=ACCEPTED:w@x.org"),
    ],
)
def test_what_leaves_a_doubt_is_no_answer(lines: tuple[str, ...]) -> None:
    assert not read_answers(calendar(*lines))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no calendar",
        b"\xff\x00" * 100,
        calendar(*GOOD)[:90],
        calendar(*GOOD) * 2,
        calendar(*GOOD, method="REQUEST"),
    ],
)
def test_what_is_no_reply_is_no_answer(content: bytes) -> None:
    assert not read_answers(content)


def test_no_more_events_are_read_than_a_series_has_visits() -> None:
    event = "\r\n".join(("BEGIN:VEVENT", *GOOD, "END:VEVENT"))
    many = "\r\n".join(("BEGIN:VCALENDAR", "METHOD:REPLY", *([event] * 400), "END:VCALENDAR"))
    assert len(read_answers(many.encode())) == 120
