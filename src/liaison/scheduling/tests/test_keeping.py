"""What is kept of free time follows every change, as if it had been worked out anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, Refusal
from liaison.scheduling import actions
from liaison.scheduling.jobs import extend_free_time
from liaison.scheduling.models import Appointment, Closure, FreeDay, Resource
from liaison.scheduling.ports import CancelReason, Override, Span
from liaison.scheduling.rules.bits import midnight
from liaison.scheduling.tests.bits import spans_of
from liaison.scheduling.tests.clinic import NOW, Clinic, local

LIAISON = system_actor("tests")


def free_on(resource: Resource, on: date) -> list[str]:
    """The free time kept of one UTC day, on the wall clock of New York."""
    row = FreeDay.objects.get(resource=resource, utc_on=on)
    bits = int.from_bytes(bytes(row.bits), "little")
    spans = spans_of(bits, start=midnight(on))
    zone = local("2026-01-01").tzinfo
    return [f"{one.start.astimezone(zone):%H:%M}-{one.end.astimezone(zone):%H:%M}" for one in spans]


def assert_nothing_to_mend(now: datetime = NOW) -> None:
    """What is kept equals what would be worked out from scratch."""
    before = {(row.resource_id, row.site_id, row.utc_on) for row in FreeDay.objects.all()}
    assert actions.keep_free_time(LIAISON, now=now) == 0
    assert before == {(row.resource_id, row.site_id, row.utc_on) for row in FreeDay.objects.all()}


TUESDAY = date(2026, 3, 3)


def test_hours_make_days_free_from_yesterday_to_beyond_the_horizon(clinic: Clinic) -> None:
    kept = FreeDay.objects.filter(resource=clinic.imani).order_by("utc_on")
    assert (kept[0].utc_on, kept.last().utc_on) == (date(2026, 3, 1), date(2026, 7, 6))  # type: ignore[union-attr]  # it is there
    assert free_on(clinic.imani, TUESDAY) == ["09:00-17:00"]
    assert free_on(clinic.imani, date(2026, 3, 7)) == []
    assert_nothing_to_mend()


def test_a_booking_takes_its_time_with_buffers_and_a_cancellation_gives_it_back(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    assert free_on(clinic.imani, TUESDAY) == free_on(clinic.room, TUESDAY) == ["09:00-10:00", "10:35-17:00"]
    assert free_on(clinic.okafor, TUESDAY) == ["09:00-17:00"]
    actions.cancel_appointment(actor=clinic.rosa, appointment=booked, reason=CancelReason.PATIENT, now=NOW)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-17:00"]
    assert_nothing_to_mend()


def test_a_move_gives_the_old_time_back_and_takes_the_new(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    order = clinic.order("2026-03-04 11:00", seats=clinic.seats(who=clinic.okafor))
    actions.move_appointment(actor=clinic.rosa, appointment=booked, order=order, reason=CancelReason.PATIENT, now=NOW)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-17:00"]
    assert free_on(clinic.okafor, date(2026, 3, 4)) == ["09:00-11:00", "11:35-17:00"]
    assert_nothing_to_mend()


def test_a_missed_visit_frees_its_time_and_a_late_arrival_takes_it_again(clinic: Clinic) -> None:
    booked, now = clinic.book("2026-03-03 10:00"), local("2026-03-03 10:40")
    actions.record_missed(actor=clinic.rosa, appointment=booked, now=now)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-17:00"]
    actions.arrive(actor=clinic.rosa, appointment=booked, now=now)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-10:00", "10:35-17:00"]
    assert_nothing_to_mend()


def test_of_two_on_top_of_each_other_one_goes_and_the_other_keeps_the_time(clinic: Clinic) -> None:
    first = clinic.book("2026-03-03 10:00")
    clinic.book(
        "2026-03-03 10:15",
        patient=clinic.ruth,
        actor=clinic.marta,
        override=Override(reason="Squeeze in"),
        seats=clinic.seats(room=clinic.other_room),
    )
    actions.cancel_appointment(actor=clinic.rosa, appointment=first, reason=CancelReason.PATIENT, now=NOW)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-10:15", "10:50-17:00"]
    assert_nothing_to_mend()


def test_a_booking_at_an_odd_minute_leaves_no_cell_half_free(clinic: Clinic) -> None:
    override = Override(reason="Asked for")
    clinic.book("2026-03-03 10:03", actor=clinic.marta, override=override)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-10:00", "10:40-17:00"]
    assert not FreeDay.objects.get(resource=clinic.imani, utc_on=TUESDAY).is_exact
    clinic.book("2026-03-03 09:00", actor=clinic.marta, override=override, key="b", patient=clinic.ruth)
    assert free_on(clinic.imani, TUESDAY) == ["09:35-10:00", "10:40-17:00"]
    assert_nothing_to_mend()


def test_a_booking_outside_hours_or_beyond_what_is_kept_takes_nothing_away(clinic: Clinic) -> None:
    override = Override(reason="Asked for")
    clinic.book("2026-03-03 18:00", actor=clinic.marta, override=override)
    clinic.book("2026-09-01 10:00", actor=clinic.marta, override=override)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-17:00"]
    assert not FreeDay.objects.filter(utc_on=date(2026, 9, 1)).exists()
    assert_nothing_to_mend()


def test_leave_and_a_closed_site_take_time_and_give_it_back(clinic: Clinic) -> None:
    leave = Span(local("2026-03-03 09:00"), local("2026-03-03 12:00"))
    flood = Span(local("2026-03-03 15:00"), local("2026-03-04 10:00"))
    away = actions.close_time(actor=clinic.marta, of=clinic.imani, during=leave, reason="Leave", now=NOW)
    shut = actions.close_time(actor=clinic.marta, of=clinic.site, during=flood, reason="Flood", now=NOW)
    assert free_on(clinic.imani, TUESDAY) == ["12:00-15:00"]
    assert free_on(clinic.room, date(2026, 3, 4)) == ["10:00-17:00"]
    assert_nothing_to_mend()
    actions.open_time(actor=clinic.marta, closure=away, now=NOW)
    actions.open_time(actor=clinic.marta, closure=shut, now=NOW)
    assert free_on(clinic.imani, TUESDAY) == ["09:00-17:00"]
    assert_nothing_to_mend()


def test_new_hours_at_another_site_move_what_is_kept_there(clinic: Clinic) -> None:
    elsewhere = [actions.HoursDraft(site=clinic.other_site, weekday=1, opens=time(9), closes=time(12))]
    actions.set_hours(actor=LIAISON, resource=clinic.imani, hours=elsewhere, now=NOW)
    assert set(FreeDay.objects.filter(resource=clinic.imani).values_list("site", "time_zone")) == {
        (clinic.other_site.pk, "America/Phoenix")
    }
    assert free_on(clinic.imani, TUESDAY) == ["11:00-14:00"]
    assert_nothing_to_mend()


def test_nothing_is_kept_of_what_is_out_of_service_until_it_returns(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    assert not FreeDay.objects.filter(resource=clinic.room).exists()
    actions.cancel_appointment(actor=clinic.rosa, appointment=booked, reason=CancelReason.ROOM, now=NOW)
    actions.return_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    assert free_on(clinic.room, TUESDAY) == ["09:00-17:00"]
    assert_nothing_to_mend()


def test_the_night_adds_a_day_drops_what_is_over_and_mends_what_is_wrong(clinic: Clinic) -> None:
    with writes_open():
        FreeDay.objects.filter(resource=clinic.imani, utc_on=TUESDAY).update(bits=bytes(36))
        FreeDay.objects.filter(resource=clinic.room, utc_on=TUESDAY).delete()
    tomorrow = NOW + timedelta(days=1)
    assert actions.keep_free_time(LIAISON, now=tomorrow) == 4 + 2
    assert free_on(clinic.imani, TUESDAY) == free_on(clinic.room, TUESDAY) == ["09:00-17:00"]
    days = FreeDay.objects.filter(resource=clinic.imani).order_by("utc_on").values_list("utc_on", flat=True)
    assert (days[0], list(days)[-1]) == (date(2026, 3, 2), date(2026, 7, 7))
    assert AuditEntry.objects.filter(verb="scheduling.keep_free_time").latest("pk").details == {"days": 6}


def test_a_site_that_changes_its_zone_is_worked_out_anew(clinic: Clinic) -> None:
    with writes_open():
        type(clinic.site).objects.filter(pk=clinic.site.pk).update(time_zone="America/Chicago")
    told: list[tuple[int, int]] = []
    assert actions.keep_free_time(LIAISON, now=NOW, progress=lambda done, of: told.append((done, of))) > 0
    assert free_on(clinic.imani, TUESDAY) == ["10:00-18:00"]
    assert told[-1][0] == told[-1][1] > 0


def test_the_night_is_a_job_and_nobody_elses_business(clinic: Clinic) -> None:
    with writes_open():
        FreeDay.objects.all().delete()
    extend_free_time()
    assert FreeDay.objects.filter(resource=clinic.imani).exists()
    with pytest.raises(Forbidden):
        actions.keep_free_time(clinic.marta, now=NOW)


starts = st.builds(
    lambda day, quarter, odd: f"2026-03-{day:02d} {9 + quarter // 4:02d}:{quarter % 4 * 15 + odd:02d}",
    st.integers(min_value=3, max_value=5),
    st.integers(min_value=0, max_value=31),
    st.sampled_from([0, 0, 0, 2]),
)
odd_spans = st.builds(
    lambda start, length: Span(
        datetime(2026, 3, 3, tzinfo=UTC) + timedelta(minutes=start),
        datetime(2026, 3, 3, tzinfo=UTC) + timedelta(minutes=start + length),
    ),
    st.integers(min_value=0, max_value=4000),
    st.integers(min_value=1, max_value=900),
)
some_hours = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 95), st.integers(0, 95), st.booleans()), min_size=1, max_size=4
)
which = st.integers(min_value=0, max_value=30)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("book"), starts, which, st.booleans()),
        st.tuples(st.just("move"), which, starts),
        st.tuples(st.just("cancel"), which),
        st.tuples(st.just("miss"), which),
        st.tuples(st.just("close"), which, odd_spans),
        st.tuples(st.just("open"), which),
        st.tuples(st.just("hours"), which, some_hours),
        st.tuples(st.just("retire"), which),
        st.tuples(st.just("return"), which),
    ),
    min_size=2,
    max_size=9,
)


class Busy:
    """Does one operation after the other; what is refused is left."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic, self.number = clinic, 0
        self.things = [clinic.imani, clinic.okafor, clinic.room, clinic.other_room]

    def do(self, what: str, *given: Any) -> None:
        try:
            with transaction.atomic():
                getattr(self, what)(*given)
        except Refusal:
            pass

    def book(self, start: str, at: int, on_top: bool) -> None:
        self.number += 1
        self.clinic.book(
            start,
            actor=self.clinic.marta,
            patient=[self.clinic.walter, self.clinic.ruth][at % 2],
            key=f"{self.number}",
            seats=self._seats(at),
            override=Override(reason="On top") if on_top else None,
        )

    def move(self, at: int, start: str) -> None:
        self.number += 1
        actions.move_appointment(
            actor=self.clinic.marta,
            appointment=self._appointment(at),
            order=self.clinic.order(start, key=f"{self.number}", seats=self._seats(at)),
            reason=CancelReason.PATIENT,
            now=NOW,
        )

    def cancel(self, at: int) -> None:
        actions.cancel_appointment(
            actor=self.clinic.marta, appointment=self._appointment(at), reason=CancelReason.PATIENT, now=NOW
        )

    def miss(self, at: int) -> None:
        visit = self._appointment(at)
        actions.record_missed(actor=self.clinic.marta, appointment=visit, now=visit.end_at)

    def close(self, at: int, during: Span) -> None:
        of = [*self.things, self.clinic.site][at % 5]
        actions.close_time(actor=LIAISON, of=of, during=during, reason="Away", now=NOW)

    def open(self, at: int) -> None:
        rows = list(Closure.objects.all())
        if rows:
            actions.open_time(actor=LIAISON, closure=rows[at % len(rows)], now=NOW)

    def hours(self, at: int, lines: list[tuple[int, int, int, bool]]) -> None:
        def wall(quarter: int) -> time:
            return time(quarter // 4, quarter % 4 * 15 + quarter % 3)

        drafts = [
            actions.HoursDraft(
                site=self.clinic.other_site if away else self.clinic.site,
                weekday=day,
                opens=wall(opens),
                closes=wall(closes),
            )
            for day, opens, closes, away in lines
        ]
        actions.set_hours(actor=LIAISON, resource=self.things[at % 4], hours=drafts, now=NOW)

    def retire(self, at: int) -> None:
        actions.retire_resource(actor=LIAISON, resource=self.things[at % 4], now=NOW)

    def return_(self, at: int) -> None:
        actions.return_resource(actor=LIAISON, resource=self.things[at % 4], now=NOW)

    def _appointment(self, at: int) -> Appointment:
        rows = list(Appointment.objects.order_by("pk"))
        if not rows:
            raise Refusal
        return rows[at % len(rows)]

    def _seats(self, at: int) -> Any:
        return self.clinic.seats(who=self.things[at % 2], room=self.things[2 + at // 2 % 2])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(operations)
def test_after_any_changes_what_is_kept_equals_what_is_worked_out_anew(
    clinic: Clinic, operations: list[tuple[Any, ...]]
) -> None:
    with transaction.atomic():
        busy = Busy(clinic)
        for what, *given_ in operations:
            busy.do("return_" if what == "return" else what, *given_)
        assert_nothing_to_mend()
        transaction.set_rollback(True)
