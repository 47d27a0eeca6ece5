"""Invitations as mail programs read them (DOMAIN 1.8)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from liaison.gateways.ical.writer import ICalendarWriter
from liaison.scheduling.ports import Invitation, Method

START = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
INVITATION = Invitation(
    uid="f00d@riverside.example",
    sequence=0,
    method=Method.REQUEST,
    stamped_at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
    start_at=START,
    end_at=START + timedelta(minutes=30),
    zone=ZoneInfo("America/New_York"),
    summary="Cita en Riverside Health",
    where="Riverside Norte, 1 Calle Larga, una dirección bastante más larga que setenta y cinco octetos",
    organizer_name="Riverside Health",
    organizer_email="no-reply@riverside.example",
    attendee_email="walter@example.org",
    url="https://riverside.example/visits",
    language="es",
)


def read(invitation: Invitation) -> Calendar:
    return Calendar.from_ical(ICalendarWriter().write(invitation))


def test_a_request_says_when_where_and_nothing_clinical() -> None:
    calendar = read(INVITATION)
    event = calendar.walk("VEVENT")[0]
    assert calendar["METHOD"] == "REQUEST"
    assert event["UID"] == INVITATION.uid
    assert event["SEQUENCE"] == 0
    assert event["STATUS"] == "CONFIRMED"
    assert event["CLASS"] == "PRIVATE"
    assert event["DTSTART"].dt == START
    assert event["DTSTART"].params["TZID"] == "America/New_York"
    assert event["DTSTAMP"].dt == INVITATION.stamped_at
    assert event["ATTENDEE"] == "mailto:walter@example.org"
    assert event["SUMMARY"].params["LANGUAGE"] == "es"
    assert "DESCRIPTION" not in event


def test_a_cancellation_is_the_same_event_with_a_higher_sequence() -> None:
    calendar = read(replace(INVITATION, method=Method.CANCEL, sequence=1))
    event = calendar.walk("VEVENT")[0]
    assert calendar["METHOD"] == "CANCEL"
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (INVITATION.uid, 1, "CANCELLED")


def test_the_time_zone_is_described_without_words_of_any_language() -> None:
    zone = read(INVITATION).walk("VTIMEZONE")[0]
    assert sorted(zone) == ["TZID"]
    assert {name for part in zone.subcomponents for name in part} <= {
        "DTSTART", "TZNAME", "TZOFFSETFROM", "TZOFFSETTO", "RDATE", "RRULE",
    }  # fmt: skip


def test_lines_end_with_crlf_and_fold_at_75_octets() -> None:
    written = ICalendarWriter().write(INVITATION)
    assert written.endswith(b"\r\n")
    assert all(len(line) <= 75 for line in written.split(b"\r\n"))
    assert b"\n" not in written.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "name",
    ["America/New_York", "America/Phoenix", "Europe/London", "Australia/Lord_Howe", "America/Santiago"],
)
@pytest.mark.parametrize("month", [1, 3, 4, 7, 10, 11])
def test_the_file_carries_its_own_time_zone(name: str, month: int) -> None:
    """Read with the rules in the file alone, the start is the instant that was meant."""
    start = datetime(2026, month, 5, 14, 0, tzinfo=UTC)
    there = replace(INVITATION, start_at=start, end_at=start + timedelta(hours=1), zone=ZoneInfo(name))
    calendar = read(there)
    described = calendar.walk("VTIMEZONE")[0].to_tz(lookup_tzid=False)
    wall = calendar.walk("VEVENT")[0]["DTSTART"].dt.replace(tzinfo=None)
    assert wall.replace(tzinfo=described).astimezone(UTC) == start


def test_without_an_address_or_a_link_there_is_none_in_the_file() -> None:
    event = read(replace(INVITATION, attendee_email="", url="", organizer_name="")).walk("VEVENT")[0]
    assert "ATTENDEE" not in event
    assert "URL" not in event


def test_mail_programs_are_told_the_method_and_the_character_set() -> None:
    assert ICalendarWriter().media_type(INVITATION) == "text/calendar; method=REQUEST; charset=UTF-8"
