"""What happens to an appointment after it was booked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.refusals import NotFound, Stale
from liaison.scheduling import actions
from liaison.scheduling.actions import CannotChange, NotFree
from liaison.scheduling.events import (
    AppointmentArrived,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentSeen,
)
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import CancelReason, State
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard

START = "2026-03-03 10:00"
Step = Callable[..., Appointment]


def holds_time(appointment: Appointment) -> bool:
    active = set(appointment.reservations.values_list("active", flat=True))
    assert len(active) == 1
    return active == {True}


def test_a_cancelled_visit_frees_its_time_says_why_and_raises_the_sequence(clinic: Clinic, heard: Heard) -> None:
    booked = clinic.book(START)
    cancelled = actions.cancel_appointment(
        actor=clinic.rosa, appointment=booked, reason=CancelReason.NO_TRANSPORT, now=NOW
    )
    assert (cancelled.state, cancelled.cancel_reason, cancelled.cancelled_by_name) == (
        State.CANCELLED,
        "pat-lt",
        "Rosa",
    )
    assert cancelled.ical_sequence == booked.ical_sequence + 1
    assert not holds_time(cancelled)
    (fact,) = heard.of(AppointmentCancelled)
    assert (fact.appointment_id, fact.reason, fact.late) == (booked.pk, "pat-lt", False)
    entry = AuditEntry.objects.get(verb="scheduling.cancel")
    assert (entry.reason, entry.patient_ids) == ("pat-lt", [clinic.walter.pk])


def test_a_cancellation_inside_the_window_is_late(clinic: Clinic, heard: Heard) -> None:
    booked = clinic.book(START)
    late = local(START) - timedelta(hours=23)
    actions.cancel_appointment(actor=clinic.rosa, appointment=booked, reason=CancelReason.PATIENT, now=late)
    assert [fact.late for fact in heard.of(AppointmentCancelled)] == [True]


@pytest.mark.parametrize(
    ("steps", "state", "told"),
    [
        ((actions.arrive,), State.ARRIVED, [AppointmentArrived]),
        ((actions.arrive, actions.undo_arrival), State.BOOKED, [AppointmentArrived]),
        ((actions.check_in,), State.CHECKED_IN, []),
        ((actions.check_in, actions.undo_check_in), State.ARRIVED, []),
        (
            (actions.arrive, actions.check_in, actions.record_seen),
            State.FULFILLED,
            [AppointmentArrived, AppointmentSeen],
        ),
        ((actions.record_missed,), State.NO_SHOW, [AppointmentMissed]),
        ((actions.record_missed, actions.arrive), State.ARRIVED, [AppointmentMissed, AppointmentArrived]),
    ],
)
def test_the_day_of_the_visit(
    clinic: Clinic, heard: Heard, steps: tuple[Step, ...], state: State, told: list[type[Fact]]
) -> None:
    appointment = clinic.book(START)
    heard.facts.clear()
    for step in steps:
        appointment = step(
            actor=clinic.rosa,
            appointment=appointment,
            expected_version=appointment.version,
            now=local("2026-03-03 10:05"),
        )
    assert Appointment.objects.get().state == state
    assert holds_time(appointment) == (state not in {State.FULFILLED, State.NO_SHOW})
    assert [type(fact) for fact in heard.facts] == told
    assert AuditEntry.objects.filter(verb="scheduling.attend", outcome="done").count() == len(steps)


def test_what_the_day_does_not_allow_is_refused(clinic: Clinic) -> None:
    appointment = clinic.book(START)
    day_before, before_start = local("2026-03-02 10:00"), local("2026-03-03 09:00")
    for step, now in (
        (actions.arrive, day_before),
        (actions.check_in, day_before),
        (actions.record_seen, day_before),
        (actions.record_missed, before_start),
    ):
        with pytest.raises(CannotChange):
            step(actor=clinic.rosa, appointment=appointment, now=now)
    assert Appointment.objects.get().state == State.BOOKED


def test_a_seen_visit_can_be_written_down_later_but_not_cancelled(clinic: Clinic) -> None:
    appointment = clinic.book(START)
    now = local("2026-03-05 09:00")
    actions.record_seen(actor=clinic.rosa, appointment=appointment, now=now)
    with pytest.raises(CannotChange):
        actions.cancel_appointment(actor=clinic.rosa, appointment=appointment, reason=CancelReason.PATIENT, now=now)


def test_a_form_that_was_opened_before_somebody_changed_it_is_stale(clinic: Clinic) -> None:
    appointment = clinic.book(START)
    actions.arrive(actor=clinic.marta, appointment=appointment, now=local("2026-03-03 09:55"))
    with pytest.raises(Stale):
        actions.cancel_appointment(
            actor=clinic.rosa,
            appointment=appointment,
            reason=CancelReason.PATIENT,
            expected_version=appointment.version,
            now=local("2026-03-03 09:56"),
        )


def test_a_late_patient_whose_time_was_given_away_is_refused_by_the_database_in_words(clinic: Clinic) -> None:
    appointment = clinic.book(START)
    now = local("2026-03-03 10:20")
    actions.record_missed(actor=clinic.rosa, appointment=appointment, now=now)
    walk_in = actions.VisitTypeDraft(
        code="walk_in",
        name="Walk-in",
        duration_minutes=15,
        needs=(actions.NeedDraft(role="clinician", ability="physician"),),
    )
    visit_type = actions.define_visit_type(actor=clinic.adam, draft=walk_in, now=NOW)
    clinic.book(
        "2026-03-03 10:20",
        patient=clinic.ruth,
        visit_type_id=visit_type.pk,
        seats=clinic.seats()[:1],
        now=now,
    )
    with pytest.raises(NotFree):
        actions.arrive(actor=clinic.rosa, appointment=appointment, now=now)
    assert Appointment.objects.get(pk=appointment.pk).state == State.NO_SHOW


def test_pat_of_another_site_changes_nothing(clinic: Clinic) -> None:
    appointment = clinic.book(START)
    with pytest.raises(NotFound):
        actions.cancel_appointment(actor=clinic.pat, appointment=appointment, reason=CancelReason.PATIENT, now=NOW)
