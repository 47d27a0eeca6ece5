"""Moving and stretching by hand: what is said before it counts, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, Stale
from liaison.inbox.models import Message
from liaison.patients.models import ContactPoint
from liaison.scheduling import actions
from liaison.scheduling.actions import CannotChange, Impossible, KeyReused, MovedMeanwhile, NotFree, NotYourSite
from liaison.scheduling.models import Appointment, Opening, Reservation
from liaison.scheduling.ports import BookingOrder, CancelReason, Override, Seat
from liaison.scheduling.tests.clinic import NOW, Clinic, local


def order(clinic: Clinic, start: str, **changes: Any) -> BookingOrder:
    return replace(clinic.order(start, key=f"moved {start}"), **changes)


def move(clinic: Clinic, old: Appointment, start: str, **changes: Any) -> Appointment:
    given = {name: changes.pop(name) for name in ("override", "expected_version") if name in changes}
    return actions.move_appointment(
        actor=clinic.rosa,
        appointment=old,
        order=order(clinic, start, **changes),
        reason=CancelReason.PATIENT,
        now=NOW,
        **given,
    )


def preview(clinic: Clinic, old: Appointment, start: str, *, actor: Any = None, **changes: Any) -> actions.MovePreview:
    return actions.preview_move(actor or clinic.rosa, appointment=old, order=order(clinic, start, **changes), now=NOW)


def test_a_stretched_visit_takes_its_resources_for_longer_with_their_buffer(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    longer = move(clinic, old, "2026-03-03 10:00", minutes=75)
    assert (longer.start_at, longer.end_at) == (local("2026-03-03 10:00"), local("2026-03-03 11:15"))
    assert longer.claim.end == local("2026-03-03 11:20").astimezone(UTC)
    taken = {row.during.upper for row in Reservation.objects.filter(appointment=longer)}
    assert taken == {local("2026-03-03 11:20")}
    with pytest.raises(NotFree):
        clinic.book("2026-03-03 11:15", patient=clinic.ruth)


@pytest.mark.parametrize("minutes", [0, -30, 1441])
def test_a_visit_lasts_a_minute_at_least_and_a_day_at_most(clinic: Clinic, minutes: int) -> None:
    with pytest.raises(Impossible):
        clinic.book("2026-03-03 10:00", minutes=minutes)


def test_one_key_is_not_for_two_lengths(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00", minutes=30)
    assert clinic.book("2026-03-03 10:00", minutes=30) == clinic.book("2026-03-03 10:00")
    with pytest.raises(KeyReused):
        clinic.book("2026-03-03 10:00", minutes=45)


def test_who_comes_second_is_told_who_moved_the_visit_where(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    move(clinic, old, "2026-03-03 11:00")
    with pytest.raises(MovedMeanwhile, match=r"Rosa moved this visit to Tue, Mar 3, 11:00 meanwhile"):
        move(clinic, old, "2026-03-03 12:00")
    said = preview(clinic, old, "2026-03-03 12:00")
    assert isinstance(said.refusal, MovedMeanwhile)


def test_a_visit_that_is_of_another_version_is_stale(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    with pytest.raises(Stale):
        move(clinic, old, "2026-03-03 11:00", expected_version=old.version + 1)
    assert move(clinic, old, "2026-03-03 11:00", expected_version=old.version).predecessor == old


def test_a_preview_of_a_free_time_says_nothing_against_it_and_changes_nothing(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    said = preview(clinic, old, "2026-03-03 10:15")
    assert (said.refusal, said.against, said.coming, said.leaving) == (None, (), (), ())
    old.refresh_from_db()
    assert old.version == 1
    assert Appointment.objects.count() == 1


def test_a_preview_names_who_comes_and_who_goes(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    said = preview(clinic, old, "2026-03-03 10:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    assert {resource.name for resource in said.coming} == {"Dr Okafor", "Room 2"}
    assert {resource.name for resource in said.leaving} == {"Dr Imani", "Room 1"}


def test_a_preview_says_all_that_stands_against_it_and_who_may_override(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    clinic.book("2026-03-03 16:00", patient=clinic.ruth)
    said = preview(clinic, old, "2026-03-03 16:15", minutes=60)
    assert [sentence.split(".")[0] for sentence in said.against] == [
        "Dr Imani has another visit at that time",
        "Room 1 has another visit at that time",
        "Dr Imani does not work at Riverside North then",
        "Room 1 does not work at Riverside North then",
    ]
    assert not said.may_override
    assert preview(clinic, old, "2026-03-03 16:15", actor=clinic.marta).may_override


def test_a_warning_is_overridden_by_whoever_moves(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    clinic.book("2026-03-03 14:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    said = preview(clinic, old, "2026-03-03 14:00")
    assert len(said.against) == 1
    assert said.may_override
    assert move(clinic, old, "2026-03-03 14:00", override=Override(reason="Both")).overrides == ["patient_busy"]


def test_a_preview_of_what_can_not_be_says_why(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    twice = (Seat(role="clinician", resource_id=clinic.imani.pk), Seat(role="room", resource_id=clinic.okafor.pk))
    said = preview(clinic, old, "2026-03-03 10:00", seats=twice)
    assert said.refusal is not None
    assert "can't be the room" in said.refusal.sentence
    there = preview(clinic, old, "2026-03-03 10:00", site_id=clinic.other_site.pk)
    assert isinstance(there.refusal, NotYourSite)
    actions.cancel_appointment(actor=clinic.rosa, appointment=old, reason=CancelReason.PATIENT, now=NOW)
    old.refresh_from_db()
    over = preview(clinic, old, "2026-03-03 11:00").refusal
    assert isinstance(over, CannotChange)


def test_somebody_who_may_not_move_is_shown_no_preview(clinic: Clinic) -> None:
    old = clinic.book("2026-03-03 10:00")
    with pytest.raises(Forbidden):
        preview(clinic, old, "2026-03-03 11:00", actor=clinic.adam)


def test_time_of_which_the_visit_still_has_a_part_is_not_kept_for_the_waitlist(clinic: Clinic) -> None:
    first = clinic.book("2026-03-03 10:00")
    second = move(clinic, first, "2026-03-03 10:15")
    assert not Opening.objects.exists()
    third = move(clinic, second, "2026-03-03 10:20", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    assert Opening.objects.get().appointment == second
    move(clinic, third, "2026-03-03 15:00")
    assert Opening.objects.count() == 2


def test_a_visit_that_stays_when_it_is_is_confirmed_again_and_not_told_as_moved(clinic: Clinic) -> None:
    with writes_open():
        ContactPoint.objects.create(
            patient=clinic.walter, kind="email", value="w@example.org", value_key="w@example.org", may_email=True,
            added_at=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
    old = clinic.book("2026-03-10 10:00")
    longer = move(clinic, old, "2026-03-10 10:00", minutes=60)
    keys = set(Message.objects.filter(state="queued").values_list("idempotency_key", flat=True))
    assert keys == {f"visit:{longer.pk}:appointment-confirmation"}
    later = move(clinic, longer, "2026-03-10 11:00")
    keys = set(Message.objects.filter(state="queued").values_list("idempotency_key", flat=True))
    assert keys == {f"visit:{later.pk}:appointment-moved"}
