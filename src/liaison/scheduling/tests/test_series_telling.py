"""What Walter receives about a series: one message, one event in his calendar, and a reminder for each visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from icalendar import Calendar, Event
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.core.actor import system_actor
from liaison.core.postgres.guard import writes_open
from liaison.gateways.email.transport import smtp_from_settings
from liaison.inbox.models import Message
from liaison.inbox.ports import Channel, connect, disconnect
from liaison.patients.models import ContactPoint, Patient
from liaison.scheduling import actions, queries
from liaison.scheduling.actions import Pick, PickKind
from liaison.scheduling.models import Appointment, Series
from liaison.scheduling.ports import CancelReason
from liaison.scheduling.rules import Pattern
from liaison.scheduling.tests.clinic import NEW_YORK, NOW, Clinic, local
from liaison.scheduling.tests.series import book, change_of, order_of


@pytest.fixture(autouse=True)
def _walter_reads_mail_in_spanish(clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.written_language = "es-MX"
        clinic.walter.save()
        clinic.site.phone, clinic.site.address = "555 0100", "1 River Road\nRiverside"
        clinic.site.save()
        ContactPoint.objects.create(
            patient=clinic.walter, kind="email", value="w@example.org", value_key="w@example.org", may_email=True,
            added_at=NOW,
        )  # fmt: skip


def events_of(message: Message) -> list[Event]:
    (attachment,) = message.attachments.all()
    calendar = Calendar.from_ical(bytes(attachment.content))
    assert attachment.media_type == f"text/calendar; method={calendar['METHOD']}; charset=UTF-8"
    return list(calendar.walk("VEVENT"))


def latest() -> Message:
    return Message.objects.latest("pk")


def seen_by_mail_program(events: list[Event]) -> dict[datetime, datetime]:
    """Each visit as a calendar shows it: by the start that the rule gives, the start that it has."""
    (master,) = [event for event in events if "RRULE" in event]
    start = master["DTSTART"].dt
    rule = rrulestr(master["RRULE"].to_ical().decode(), dtstart=start.replace(tzinfo=None))
    excluded = _excluded(master)
    plain = {moment.replace(tzinfo=NEW_YORK) for moment in rule} - excluded
    found = {moment: moment for moment in plain}
    for event in events:
        if "RECURRENCE-ID" in event:
            assert event["UID"] == master["UID"]
            found[event["RECURRENCE-ID"].dt.astimezone(NEW_YORK)] = event["DTSTART"].dt.astimezone(NEW_YORK)
    return {key.astimezone(UTC): value.astimezone(UTC) for key, value in found.items()}


def _excluded(master: Event) -> set[datetime]:
    given = master.get("EXDATE", [])
    lists = given if isinstance(given, list) else [given]
    return {one.dt.astimezone(NEW_YORK) for some in lists for one in some.dts}


def kept(series: Series) -> dict[datetime, datetime]:
    """The same as it stands in our books."""
    rows = series.visits.select_related("appointment").filter(is_in_event=True)
    return {
        row.rule_at: row.appointment.start_at for row in rows if row.appointment and row.appointment.state == "booked"
    }


def cancel_one(clinic: Clinic, appointment: Appointment | None) -> None:
    assert appointment is not None
    actions.cancel_appointment(actor=clinic.rosa, appointment=appointment, reason=CancelReason.PATIENT, now=NOW)


def test_one_message_lists_every_visit_in_his_language_with_one_event(clinic: Clinic) -> None:
    series = book(clinic)
    message = Message.objects.get()
    assert (message.language, message.state, message.idempotency_key) == (
        "es", "queued", f"series:{series.pk}:1:series-confirmation",
    )  # fmt: skip
    assert message.subject.endswith("desde el jueves, 5 de marzo de 2026")
    lines = [line for line in message.body.splitlines() if line.startswith("- ")]
    assert len(lines) == 6
    assert lines[1] == "- lunes, 9 de marzo de 2026, 9:00 a. m."
    for word in ("Imani", "Follow-up"):
        assert word not in message.body + message.subject
    (event,) = events_of(message)
    assert (event["UID"], event["SEQUENCE"]) == (series.ical_uid, 0)
    assert event["SUMMARY"].startswith("Cita con ")
    assert event["RRULE"].to_ical().decode() == "FREQ=WEEKLY;COUNT=6;BYDAY=MO,TH;WKST=MO"
    assert event["DTSTART"].dt == local("2026-03-05 09:00")
    assert seen_by_mail_program([event]) == kept(series)


def test_days_without_a_visit_are_excluded_and_other_times_name_the_start_that_they_stand_for(clinic: Clinic) -> None:
    clinic.book("2026-03-12 09:00", patient=clinic.ruth)
    order = order_of(clinic)
    seats = order.picks[1].seats
    picks = dict(order.picks) | {
        3: Pick(kind=PickKind.BOOK, start_at=local("2026-03-13 10:00"), seats=seats),
        4: Pick(kind=PickKind.OUT),
        6: Pick(kind=PickKind.OPEN),
    }
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    events = events_of(latest())
    assert len(events) == 2
    assert seen_by_mail_program(events) == kept(series)
    assert len(kept(series)) == 4
    assert events[0]["RRULE"]["COUNT"] == [5]


def test_a_move_of_the_following_is_told_once_with_all_that_lie_ahead(clinic: Clinic) -> None:
    series = book(clinic)
    change = change_of(clinic, series, from_position=3, at=time(14))
    series = actions.move_series(actor=clinic.rosa, series=series, change=change, now=NOW)
    first, second = Message.objects.order_by("pk")
    assert second.idempotency_key == f"series:{series.pk}:2:series-moved"
    assert second.body.count("\n- ") == 6
    assert second.body.count("2:00 p. m.") == 4
    events = events_of(second)
    assert {event["SEQUENCE"] for event in events if "RECURRENCE-ID" in event} == {2}
    assert {event["SEQUENCE"] for event in events if "RRULE" in event} == {1}
    assert seen_by_mail_program(events) == kept(series)
    assert first.state == "queued"


def test_a_cancelled_rest_is_told_once_and_leaves_the_calendar(clinic: Clinic) -> None:
    series = book(clinic)
    for position, key in ((4, "some"), (1, "all")):
        series.refresh_from_db()
        actions.cancel_series(
            actor=clinic.rosa, series=series, from_position=position, reason=CancelReason.PATIENT, key=key,
            expected_version=series.version, now=NOW,
        )  # fmt: skip
    _, some, everything = Message.objects.order_by("pk")
    assert some.body.count("\n- ") == 3
    (event,) = events_of(some)
    assert event["RRULE"]["COUNT"] == [3]
    (event,) = events_of(everything)
    assert (event["STATUS"], event["UID"], event["SEQUENCE"]) == ("CANCELLED", series.ical_uid, 2)


def test_one_visit_that_changes_names_itself_in_the_event_of_the_series(clinic: Clinic) -> None:
    series = book(clinic)
    one = series.visits.get(position=2).appointment
    assert one is not None
    order = clinic.order("2026-03-10 10:00", key="one")
    moved = actions.move_appointment(
        actor=clinic.rosa, appointment=one, order=order, reason=CancelReason.PATIENT, now=NOW
    )
    (event,) = events_of(latest())
    assert (event["UID"], event["SEQUENCE"], event["RECURRENCE-ID"].dt) == (
        series.ical_uid, 1, local("2026-03-09 09:00"),
    )  # fmt: skip
    assert event["DTSTART"].dt == local("2026-03-10 10:00")
    cancel_one(clinic, moved)
    (event,) = events_of(latest())
    assert (event["STATUS"], event["SEQUENCE"], event["RECURRENCE-ID"].dt) == (
        "CANCELLED", 2, local("2026-03-09 09:00"),
    )  # fmt: skip


def test_a_visit_that_got_its_time_later_is_an_event_of_its_own(clinic: Clinic) -> None:
    order = order_of(clinic)
    picks = dict(order.picks) | {2: Pick(kind=PickKind.OPEN)}
    series = actions.book_series(actor=clinic.rosa, patient=clinic.walter, order=replace(order, picks=picks), now=NOW)
    loop_id = series.visits.get(position=2).loop_id
    later = clinic.book("2026-03-10 09:00", loop_id=loop_id)
    (event,) = events_of(latest())
    assert (event["UID"], "RECURRENCE-ID" in event) == (later.ical_uid, False)


def test_each_visit_is_reminded_of_and_its_page_knows_what_was_told(clinic: Clinic) -> None:
    series = book(clinic)
    reminded = {job.args["appointment_id"] for job in ProcrastinateJob.objects.filter(task_name__endswith="remind")}
    ids = set(series.visits.values_list("appointment_id", flat=True))
    assert reminded == ids
    row = series.visits.select_related("appointment").get(position=4)
    assert row.appointment is not None
    told = queries.told_of(row.appointment)
    assert told is not None
    assert (told.ok, told.message_id) == (True, Message.objects.get().pk)
    with writes_open():
        Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
    ready = queries.readiness_of(list(Appointment.objects.all()), now=NOW)
    said = [one.sentence for some in ready.values() for one in some.findings if one.code == "scheduling.told"]
    assert said == ["The patient was told the time"] * 6


def test_the_night_says_what_it_booked(clinic: Clinic) -> None:
    weekly = Pattern(first_on=date(2026, 3, 5), at=time(9), weekdays=frozenset({3}), count=14)
    series = book(clinic, weekly)
    actions.extend_series(system_actor("series"), now=NOW + timedelta(days=8))
    message = latest()
    assert message.idempotency_key == f"series:{series.pk}:2:series-confirmation"
    assert message.body.count("\n- ") == 1
    assert seen_by_mail_program(events_of(message)) == kept(series)


def test_nothing_is_said_to_the_dead_of_the_past_or_without_mail(clinic: Clinic) -> None:
    series = book(clinic)
    ids = [pk for pk in series.visits.values_list("appointment_id", flat=True) if pk]

    def say(**more: Any) -> None:
        given = {"series": series, "what": "booked", "appointment_ids": ids, "now": NOW} | more
        actions.tell_of_series(actor=clinic.rosa, **given)

    series.version = 9
    say(now=datetime(2026, 5, 1, tzinfo=UTC))
    series.patient = Patient(pk=series.patient_id, is_deceased=True)
    say()
    series.patient = clinic.walter
    disconnect(Channel.EMAIL)
    try:
        say()
    finally:
        connect(Channel.EMAIL, smtp_from_settings)
    assert Message.objects.count() == 1


def test_a_series_none_of_whose_visits_stood_in_an_event_has_none(clinic: Clinic) -> None:
    series = book(clinic)
    with writes_open():
        series.visits.update(is_in_event=False)
    assert actions.series_invitation(series, list(series.visits.all()), now=NOW) is None
    series.version = 7
    ids = [pk for pk in series.visits.values_list("appointment_id", flat=True) if pk]
    with writes_open():
        actions.tell_of_series(actor=clinic.rosa, series=series, what="moved", appointment_ids=ids, now=NOW)
    assert latest().attachments.count() == 0
