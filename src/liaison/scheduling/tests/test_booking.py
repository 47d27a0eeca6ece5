"""Giving time to a patient, refusing it, and moving it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import IntegrityError, transaction

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.scheduling import actions
from liaison.scheduling.actions import (
    CancelledSince,
    CannotChange,
    DeadPatient,
    DuplicateVisit,
    Impossible,
    KeyReused,
    NotFree,
    NotYourSite,
    OutsideHours,
    PatientBusy,
    ReferralNeeded,
    TooFar,
    TooLate,
    WrongSeats,
)
from liaison.scheduling.events import AppointmentBooked, AppointmentMoved
from liaison.scheduling.models import Appointment, Reservation, Resource
from liaison.scheduling.ports import CancelReason, Override, Seat, Span, State
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.hearing import Heard


def test_rosa_books_walter_and_it_is_kept_audited_and_told(clinic: Clinic, heard: Heard) -> None:
    appointment = clinic.book("2026-03-03 10:00", note="  bring the list ")
    kept = Appointment.objects.get()
    assert kept == appointment
    assert (kept.state, kept.start_at, kept.end_at) == (
        State.BOOKED,
        local("2026-03-03 10:00"),
        local("2026-03-03 10:30"),
    )
    assert (kept.note, kept.time_zone, kept.booked_by_name) == ("bring the list", "America/New_York", "Rosa")
    assert {(r.resource_id, r.during.lower, r.during.upper) for r in Reservation.objects.all()} == {
        (resource.pk, local("2026-03-03 10:00"), local("2026-03-03 10:35")) for resource in (clinic.imani, clinic.room)
    }
    entry = AuditEntry.objects.get(verb="scheduling.book")
    assert (entry.outcome, entry.patient_ids, entry.subject_id) == (
        "done",
        [clinic.walter.pk],
        appointment.pk,
    )
    assert heard.of(AppointmentBooked) == [
        AppointmentBooked(
            appointment_id=appointment.pk, patient_id=clinic.walter.pk, loop_id=None, referral_id=None, at=NOW
        )
    ]


def test_the_same_form_sent_twice_books_once(clinic: Clinic, heard: Heard) -> None:
    first, second = clinic.book("2026-03-03 10:00"), clinic.book("2026-03-03 10:00")
    assert first == second
    assert Appointment.objects.count() == 1
    assert len(heard.of(AppointmentBooked)) == 1


def test_one_key_is_not_for_two_bookings(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    with pytest.raises(KeyReused):
        clinic.book("2026-03-03 11:00", key="key 2026-03-03 10:00")
    with pytest.raises(KeyReused):
        clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    with pytest.raises(KeyReused):
        clinic.book("2026-03-03 10:00", seats=clinic.seats(room=clinic.other_room))
    with pytest.raises(KeyReused):
        clinic.book("2026-03-03 10:00", note="Bring the list of tablets")
    assert Appointment.objects.count() == 1


def test_nothing_is_booked_for_the_dead_nor_moved(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    clinic.walter.is_deceased = True
    with pytest.raises(DeadPatient):
        clinic.book("2026-03-04 10:00")
    booked.patient = clinic.walter
    with pytest.raises(DeadPatient):
        actions.move_appointment(
            actor=clinic.rosa, appointment=booked, order=clinic.order("2026-03-04 10:00"), reason=CancelReason.PATIENT,
            now=NOW,
        )  # fmt: skip
    booked.refresh_from_db()
    assert booked.state == "booked"


def test_a_taken_clinician_is_refused_by_name_and_nothing_is_half_done(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    with pytest.raises(NotFree, match="Dr Imani"):
        clinic.book("2026-03-03 10:15", patient=clinic.ruth, seats=clinic.seats(room=clinic.other_room))
    assert Appointment.objects.count() == 1
    assert AuditEntry.objects.get(outcome="refused").refusal_code == "scheduling.not_free"


def test_the_buffer_after_a_visit_is_taken_too(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    with pytest.raises(NotFree):
        clinic.book("2026-03-03 10:30", patient=clinic.ruth)
    assert clinic.book("2026-03-03 10:35", patient=clinic.ruth).start_at == local("2026-03-03 10:35")


def test_the_database_itself_refuses_an_overlap(clinic: Clinic) -> None:
    appointment = clinic.book("2026-03-03 10:00")
    with (
        pytest.raises(IntegrityError, match="scheduling_one_visit_at_a_time"),
        writes_open(),
        transaction.atomic(),
    ):
        other = Reservation.objects.get(resource=clinic.imani)
        appointment.reservations.create(
            resource=clinic.other_room, role="room", during=(other.during.lower, other.during.upper)
        )
        Reservation.objects.create(
            appointment=Appointment.objects.create(
                **{
                    field.attname: getattr(appointment, field.attname)
                    for field in Appointment._meta.concrete_fields
                    if field.attname not in {"id", "idempotency_key", "ical_uid"}
                },
                idempotency_key="another",
                ical_uid="another",
            ),
            resource=clinic.imani,
            role="clinician",
            during=(local("2026-03-03 10:20"), local("2026-03-03 11:00")),
        )


def test_outside_working_hours_is_refused(clinic: Clinic) -> None:
    for start in ("2026-03-03 08:45", "2026-03-03 16:30", "2026-03-07 10:00"):
        with pytest.raises(OutsideHours):
            clinic.book(start)


def test_a_closure_is_refused(clinic: Clinic) -> None:
    snow = Span(local("2026-03-03 08:00"), local("2026-03-03 12:00"))
    actions.close_time(actor=clinic.marta, of=clinic.site, during=snow, reason="Snow", now=NOW)
    with pytest.raises(OutsideHours):
        clinic.book("2026-03-03 11:30")
    leave = Span(local("2026-03-04 00:00"), local("2026-03-05 00:00"))
    closure = actions.close_time(actor=clinic.marta, of=clinic.imani, during=leave, reason="Leave", now=NOW)
    with pytest.raises(OutsideHours, match="Dr Imani"):
        clinic.book("2026-03-04 11:30")
    actions.open_time(actor=clinic.marta, closure=closure, now=NOW)
    assert clinic.book("2026-03-04 11:30").pk


def test_lead_times_are_kept(clinic: Clinic) -> None:
    nine = local("2026-03-03 09:00")
    with pytest.raises(TooLate):
        clinic.book("2026-03-03 09:45", now=nine)
    with pytest.raises(TooLate):
        clinic.book("2026-03-02 10:00", now=nine)
    with pytest.raises(TooFar):
        clinic.book("2026-06-03 09:00", now=nine)


def test_a_patient_who_is_elsewhere_at_that_time_is_a_warning_that_a_reason_answers(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    other = clinic.seats(who=clinic.okafor, room=clinic.other_room)
    with pytest.raises(PatientBusy):
        clinic.book("2026-03-03 10:15", seats=other)
    both = clinic.book("2026-03-03 10:15", seats=other, override=Override(reason="Dr Okafor joins Dr Imani"))
    assert (both.overrides, both.override_reason) == (["patient_busy"], "Dr Okafor joins Dr Imani")


def test_the_same_visit_with_the_same_clinician_that_day_is_a_warning(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    with pytest.raises(DuplicateVisit):
        clinic.book("2026-03-03 14:00")
    assert clinic.book("2026-03-03 14:00", seats=clinic.seats(who=clinic.okafor)).overrides == []
    assert clinic.book("2026-03-04 14:00").overrides == []


def test_rosa_may_not_double_book_but_marta_may_with_a_reason(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    squeeze = Override(reason="Chest pain, must be seen")
    with pytest.raises(Forbidden):
        clinic.book("2026-03-03 10:00", patient=clinic.ruth, key="b", override=squeeze)
    with pytest.raises(NotFree):
        clinic.book(
            "2026-03-03 10:00",
            patient=clinic.ruth,
            key="b",
            override=Override(reason=" "),
            actor=clinic.marta,
        )
    booked = clinic.book("2026-03-03 10:00", patient=clinic.ruth, key="b", override=squeeze, actor=clinic.marta)
    assert booked.overrides == ["not_free"]
    assert all(reservation.overridden for reservation in booked.reservations.all())
    audited = AuditEntry.objects.get(verb="scheduling.override", outcome="done")
    assert audited.reason == "Chest pain, must be seen"


def test_marta_may_book_outside_hours_and_at_short_notice(clinic: Clinic) -> None:
    booked = clinic.book(
        "2026-03-02 08:00",
        override=Override(reason="Opens early for him"),
        actor=clinic.marta,
        now=local("2026-03-02 07:30"),
    )
    assert booked.overrides == ["lead_time", "outside_hours"]
    assert not any(reservation.overridden for reservation in booked.reservations.all())


@pytest.mark.parametrize(
    "wrong", ["nothing", "room only", "a room as clinician", "twice the same", "retired", "unknown"]
)
def test_seats_must_make_up_what_the_visit_needs(clinic: Clinic, wrong: str) -> None:
    if wrong == "retired":
        actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    seats = {
        "nothing": (),
        "room only": (Seat(role="room", resource_id=clinic.room.pk),),
        "a room as clinician": clinic.seats(who=clinic.other_room),
        "twice the same": clinic.seats(who=clinic.room),
        "retired": clinic.seats(),
        "unknown": (clinic.seats()[0], Seat(role="room", resource_id=987654)),
    }[wrong]
    with pytest.raises(WrongSeats):
        clinic.book("2026-03-03 10:00", seats=seats)


def test_a_visit_that_needs_a_referral_is_not_booked_without_one(clinic: Clinic) -> None:
    draft = actions.VisitTypeDraft(
        code="consult",
        name="Consultation",
        duration_minutes=30,
        needs=(actions.NeedDraft(role="clinician", ability="physician"),),
        referral_needed=True,
    )
    consult = actions.define_visit_type(actor=clinic.adam, draft=draft, now=NOW)
    with pytest.raises(ReferralNeeded):
        clinic.book("2026-03-03 10:00", visit_type_id=consult.pk, seats=clinic.seats()[:1])


def test_a_form_for_an_older_version_of_the_visit_type_is_stale(clinic: Clinic) -> None:
    draft = actions.VisitTypeDraft(
        code="follow_up",
        name="Follow-up",
        duration_minutes=45,
        needs=(actions.NeedDraft(role="clinician", ability="physician"),),
    )
    actions.define_visit_type(actor=clinic.adam, draft=draft, now=NOW)
    with pytest.raises(Stale):
        clinic.book("2026-03-03 10:00")


def test_what_does_not_exist_or_is_not_a_time_is_refused(clinic: Clinic) -> None:
    for change in (
        {"visit_type_id": 987654},
        {"site_id": 987654},
        {"loop_id": 987654},
        {"referral_id": 987654},
    ):
        with pytest.raises(NotFound):
            clinic.book("2026-03-03 10:00", **change)
    with pytest.raises(Impossible):
        clinic.book("2026-03-03 10:00", start_at=datetime(2026, 3, 3, 10))  # noqa: DTZ001 - without a zone on purpose
    with pytest.raises(Impossible):
        clinic.book("2026-03-03 10:00", start_at=local("2026-03-03 10:00:30"))


def test_pat_of_another_site_finds_no_walter_to_book(clinic: Clinic) -> None:
    with pytest.raises(NotFound):
        clinic.book("2026-03-03 10:00", actor=clinic.pat)


def test_the_time_of_a_site_is_given_by_those_who_book_there(clinic: Clinic) -> None:
    west = [actions.HoursDraft(site=clinic.other_site, weekday=1, opens=time(9), closes=time(12))]
    for resource in (clinic.imani, clinic.room):
        actions.set_hours(actor=clinic.adam, resource=resource, hours=west, now=NOW)
    start = {"start_at": datetime(2026, 3, 3, 17, tzinfo=UTC), "site_id": clinic.other_site.pk}
    for actor, override in ((clinic.rosa, None), (clinic.marta, Override(reason="She insists"))):
        with pytest.raises(NotYourSite):
            clinic.book("2026-03-03 10:00", actor=actor, override=override, **start)
    both = replace(clinic.rosa, assignments=clinic.rosa.assignments | clinic.pat.assignments)
    booked = clinic.book("2026-03-03 10:00", actor=both, **start)
    assert booked.site_id == clinic.other_site.pk
    here = replace(clinic.marta, assignments=clinic.marta.assignments | clinic.pat.assignments)
    taken = {**start, "key": "again"}
    with pytest.raises(Forbidden):
        clinic.book("2026-03-03 10:00", actor=here, patient=clinic.ruth, override=Override(reason="Now"), **taken)
    with pytest.raises(NotYourSite):
        move(
            clinic,
            clinic.book("2026-03-04 10:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room)),
            "2026-03-03 10:00",
            **start,
        )


def test_who_never_works_here_is_overridden_only_by_who_may_at_their_home(clinic: Clinic) -> None:
    with writes_open():
        Resource.objects.filter(pk=clinic.imani.pk).update(site=clinic.other_site)
    evening, why = "2026-03-03 20:00", Override(reason="She insists")
    assert clinic.book(evening, actor=clinic.marta, override=why).overrides == ["outside_hours"]
    actions.set_hours(actor=clinic.adam, resource=clinic.imani, hours=[], now=NOW)
    with pytest.raises(NotYourSite):
        clinic.book("2026-03-04 20:00", key="k2", actor=clinic.marta, override=why)
    both = replace(clinic.marta, assignments=clinic.marta.assignments | clinic.noor.assignments)
    assert clinic.book("2026-03-04 20:00", key="k2", actor=both, override=why).pk


def test_the_need_for_an_interpreter_is_copied_onto_the_booking(clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.interpreter_needed, clinic.walter.spoken_language = True, "yue"
        clinic.walter.save()
    assert clinic.book("2026-03-03 10:00").interpreter_language == "yue"


def test_a_person_who_works_at_two_sites_is_booked_where_they_are(clinic: Clinic) -> None:
    hours = [
        actions.HoursDraft(site=clinic.other_site, weekday=1, opens=time(9), closes=time(12)),
        actions.HoursDraft(site=clinic.site, weekday=1, opens=time(14), closes=time(17)),
    ]
    actions.set_hours(actor=clinic.adam, resource=clinic.imani, hours=hours, now=NOW)
    with pytest.raises(OutsideHours):
        clinic.book("2026-03-03 10:00")
    assert clinic.book("2026-03-03 14:00").pk


def move(clinic: Clinic, appointment: Appointment, start: str, **changes: object) -> Appointment:
    order = clinic.order(start, key=f"move to {start}", **changes)
    return actions.move_appointment(
        actor=clinic.rosa, appointment=appointment, order=order, reason=CancelReason.PATIENT, now=NOW
    )


def test_a_move_cancels_and_books_in_one_step_and_the_invitation_stays_the_same_event(
    clinic: Clinic, heard: Heard
) -> None:
    old = clinic.book("2026-03-03 10:00")
    new = move(clinic, old, "2026-03-03 10:15")
    old.refresh_from_db()
    assert (old.state, old.cancel_reason, new.state, new.predecessor) == ("cancelled", "pat", "booked", old)
    assert (new.ical_uid, new.ical_sequence) == (old.ical_uid, old.ical_sequence + 1)
    assert list(old.reservations.values_list("active", flat=True)) == [False, False]
    assert [fact.previous_id for fact in heard.of(AppointmentMoved)] == [old.pk]
    assert AuditEntry.objects.get(verb="scheduling.move").details["previous_id"] == old.pk


def test_a_move_that_is_refused_leaves_the_old_time_untouched(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    clinic.book("2026-03-03 11:00", patient=clinic.ruth)
    with pytest.raises(NotFree):
        move(clinic, old, "2026-03-03 11:00")
    old.refresh_from_db()
    assert old.state == State.BOOKED
    assert list(old.reservations.values_list("active", flat=True)) == [True, True]


def test_a_move_sent_twice_moves_once(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    assert move(clinic, old, "2026-03-03 11:00") == move(clinic, old, "2026-03-03 11:00")
    assert Appointment.objects.count() == 2


def test_what_is_over_is_not_moved(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    actions.cancel_appointment(actor=clinic.rosa, appointment=old, reason=CancelReason.PATIENT, now=NOW)
    with pytest.raises(CannotChange):
        move(clinic, old, "2026-03-03 11:00")


def test_a_booking_after_a_cancellation_gets_the_time(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    actions.cancel_appointment(actor=clinic.rosa, appointment=old, reason=CancelReason.PATIENT, now=NOW)
    assert clinic.book("2026-03-03 10:00", patient=clinic.ruth, key="again").pk


def test_a_night_visit_over_the_clock_change_takes_elapsed_time(clinic: Clinic) -> None:
    nights = [actions.HoursDraft(site=clinic.site, weekday=5, opens=time(22), closes=time(6))]
    for resource in (clinic.imani, clinic.room):
        actions.set_hours(actor=clinic.marta, resource=resource, hours=nights, now=NOW)
    booked = clinic.book("2026-03-08 01:45")
    assert booked.end_at == datetime(2026, 3, 8, 7, 15, tzinfo=UTC)
    assert booked.end_at - booked.start_at == timedelta(minutes=30)
    assert f"{booked.local_end:%H:%M}" == "03:15"
    assert replace(clinic.order("2026-03-08 01:45"), key="x").start_at == booked.start_at


def test_a_form_whose_visit_was_cancelled_since_says_so_and_of_one_that_moved_shows_it(clinic: Clinic) -> None:
    cancelled, moved = clinic.book("2026-03-03 10:00"), clinic.book("2026-03-04 10:00")
    for _ in range(2):
        actions.cancel_appointment(
            actor=clinic.rosa, appointment=cancelled, reason=CancelReason.PATIENT, expected_version=1, now=NOW
        )
    assert AuditEntry.objects.filter(verb="scheduling.cancel", details__repeated=True).count() == 1
    with pytest.raises(Stale):
        actions.cancel_appointment(
            actor=clinic.marta, appointment=cancelled, reason=CancelReason.PATIENT, expected_version=1, now=NOW
        )
    actions.move_appointment(
        actor=clinic.rosa,
        appointment=moved,
        order=clinic.order("2026-03-05 10:00"),
        reason=CancelReason.PATIENT,
        now=NOW,
    )
    with pytest.raises(CancelledSince):
        clinic.book("2026-03-03 10:00")
    assert clinic.book("2026-03-04 10:00") == moved
