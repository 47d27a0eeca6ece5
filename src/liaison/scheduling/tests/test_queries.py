"""Free times, a day, a patient's visits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaison.accounts.models import Site
from liaison.core.actor import Actor, system_actor
from liaison.core.audit import collecting_seen
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.core.remembering import remembering
from liaison.patients.models import CareTeamMember
from liaison.scheduling import actions, queries
from liaison.scheduling.models import FreeDay, VisitType
from liaison.scheduling.ports import CancelReason, Override, Reason, Span, State
from liaison.scheduling.queries import Times, TimesWanted
from liaison.scheduling.tests.clinic import NOW, Clinic, local

NOBODY = Actor(user_id=1, name="Nobody")


def times(clinic: Clinic, actor: Actor | None = None, **changes: object) -> Times:
    wanted = {
        "visit_type_id": clinic.follow_up.pk,
        "site_id": clinic.site.pk,
        "patient_id": clinic.walter.pk,
    } | changes
    return queries.earliest_times(actor or clinic.rosa, wanted=TimesWanted(**wanted), now=NOW)  # type: ignore[arg-type]  # keywords of several types


def starts(found: Times) -> list[str]:
    return [f"{offer.start_at:%d %H:%M}" for offer in found.offers]


def test_the_earliest_times_begin_when_clinician_and_room_open(clinic: Clinic) -> None:
    found = times(clinic, limit=6)
    assert starts(found) == ["02 09:00", "02 09:15", "02 09:30", "02 09:45", "03 09:00", "03 09:15"]
    first = found.offers[0]
    assert first.who in {("Dr Imani",), ("Dr Okafor",)}
    assert first.where in {("Room 1",), ("Room 2",)}
    assert first.reasons == (Reason.EARLIEST, Reason.NO_GAP)
    assert len(first.also_free) == 1


def test_what_is_booked_closed_or_overridden_is_not_offered_and_what_is_offered_can_be_booked(
    clinic: Clinic,
) -> None:
    clinic.book("2026-03-02 09:00")
    clinic.book(
        "2026-03-02 09:00",
        patient=clinic.ruth,
        key="b",
        override=Override(reason="Squeeze in"),
        actor=clinic.marta,
        seats=clinic.seats(room=clinic.other_room),
    )
    leave = Span(local("2026-03-02 00:00"), local("2026-03-02 12:00"))
    actions.close_time(actor=clinic.marta, of=clinic.okafor, during=leave, reason="Leave", now=NOW)
    found = times(clinic, with_id=clinic.imani.pk, limit=1)
    assert starts(found) == ["02 09:45"]
    offer = found.offers[0]
    seats = tuple(seat for seat in clinic.seats() if seat.role == "room") and tuple(
        type(clinic.seats()[0])(role=seat.role, resource_id=seat.resource_id) for seat in offer.seats
    )
    other_day = {"patient": clinic.ruth, "override": Override(reason="Same day, asked for")}
    assert clinic.book("2026-03-02 09:45", key="c", seats=seats, **other_day).pk


def test_somebody_on_the_care_team_goes_first(clinic: Clinic) -> None:
    with writes_open():
        CareTeamMember.objects.create(
            patient=clinic.walter,
            practitioner=clinic.okafor.practitioner,
            role="primary_care",
            starts_on=date(2025, 1, 1),
        )
    first = times(clinic, limit=1).offers[0]
    assert first.who == ("Dr Okafor",)
    assert Reason.KNOWS_PATIENT in first.reasons
    assert Reason.KNOWS_PATIENT not in times(clinic, limit=1, patient_id=None).offers[0].reasons


def test_not_before_a_day_and_later_stretches_are_searched_too(clinic: Clinic) -> None:
    assert starts(times(clinic, not_before=date(2026, 3, 5), limit=1)) == ["05 09:00"]
    closed = Span(local("2026-03-02 00:00"), local("2026-03-13 00:00"))
    actions.close_time(actor=clinic.marta, of=clinic.site, during=closed, reason="Flood", now=NOW)
    found = times(clinic, per_day=1, limit=3)
    assert starts(found) == ["13 09:00", "16 09:00", "17 09:00"]
    assert [Reason.EARLIEST in offer.reasons for offer in found.offers] == [True, False, False]


def test_only_the_first_of_all_is_the_earliest_over_several_stretches(clinic: Clinic) -> None:
    reasons = [offer.reasons[0] for offer in times(clinic, per_day=1, limit=9).offers]
    assert reasons == [Reason.EARLIEST] + [Reason.EARLIEST_THAT_DAY] * 8


def test_the_time_of_the_visit_that_moves_counts_as_free(clinic: Clinic) -> None:
    old = clinic.book("2026-03-02 09:00")
    assert starts(times(clinic, with_id=clinic.imani.pk, limit=1)) == ["02 09:45"]
    assert starts(times(clinic, with_id=clinic.imani.pk, limit=1, moving_id=old.pk)) == ["02 09:00"]


def test_a_patient_is_not_offered_the_time_of_their_own_visits(clinic: Clinic) -> None:
    mine = clinic.book("2026-03-02 09:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    assert starts(times(clinic, limit=1)) == ["02 09:30"]
    assert starts(times(clinic, limit=1, patient_id=clinic.ruth.pk)) == ["02 09:00"]
    assert starts(times(clinic, limit=1, moving_id=mine.pk)) == ["02 09:00"]


def test_what_is_kept_of_free_time_changes_no_answer(clinic: Clinic) -> None:
    moving = clinic.book("2026-03-02 09:00")
    clinic.book("2026-03-02 11:00", patient=clinic.ruth, key="b")
    asked = [{}, {"moving_id": moving.pk}, {"with_id": clinic.okafor.pk}, {"not_before": date(2026, 3, 6), "limit": 40}]
    kept = [times(clinic, **one) for one in asked]
    with writes_open():
        FreeDay.objects.filter(resource__in=[clinic.imani, clinic.room]).delete()
    partly = [times(clinic, **one) for one in asked]
    with writes_open():
        FreeDay.objects.update(time_zone="America/Phoenix")
    assert kept == partly == [times(clinic, **one) for one in asked]


def test_odd_minutes_at_an_edge_are_found_all_the_same(clinic: Clinic) -> None:
    closed = Span(local("2026-03-02 00:00"), local("2026-03-02 09:58"))
    actions.close_time(actor=clinic.marta, of=clinic.site, during=closed, reason="Flood", now=NOW)
    odd = actions.VisitTypeDraft(
        code="odd",
        name="With two minutes before",
        duration_minutes=30,
        before_minutes=2,
        needs=(actions.NeedDraft(role="clinician", ability="physician"),),
    )
    kind = actions.define_visit_type(actor=system_actor("tests"), draft=odd, now=NOW)
    assert starts(times(clinic, visit_type_id=kind.pk, limit=1)) == ["02 10:00"]
    assert starts(times(clinic, limit=1)) == ["02 10:00"]


def test_the_patient_says_which_days_and_hours(clinic: Clinic) -> None:
    found = times(clinic, weekdays=frozenset({2, 4}), from_at=time(14), to_at=time(15), not_after=date(2026, 3, 6))
    assert starts(found) == ["04 14:00", "04 14:15", "04 14:30", "06 14:00", "06 14:15", "06 14:30"]
    assert found.searched_until == date(2026, 3, 7)


def test_several_sites_are_searched_together(clinic: Clinic) -> None:
    early = [actions.HoursDraft(site=clinic.other_site, weekday=day, opens=time(5), closes=time(6)) for day in (0, 1)]
    for resource in (clinic.okafor, clinic.other_room):
        actions.set_hours(actor=system_actor("tests"), resource=resource, hours=early, now=NOW)
    both = replace(clinic.rosa, assignments=clinic.rosa.assignments | clinic.pat.assignments)
    anywhere = {"actor": both, "also_at": (clinic.other_site.pk,), "per_day": 2, "limit": 3}
    found = times(clinic, **anywhere)
    assert [(offer.site_name, f"{offer.start_at:%d %H:%M}") for offer in found.offers] == [
        ("Riverside North", "02 09:00"),
        ("Riverside North", "02 09:15"),
        ("Riverside West", "03 05:00"),
    ]
    assert [offer.reasons[:1] for offer in found.offers] == [(Reason.EARLIEST,), (), (Reason.EARLIEST_THAT_DAY,)]
    with_okafor = times(clinic, with_id=clinic.okafor.pk, **anywhere)
    assert {offer.site_name for offer in with_okafor.offers} == {"Riverside West"}
    assert times(clinic, **(anywhere | {"per_day": None, "limit": 40})).missing == ()
    with pytest.raises(NotFound):
        times(clinic, with_id=987654, **anywhere)


def test_no_offers_say_which_role_nobody_can_take_there(clinic: Clinic) -> None:
    found = times(clinic, clinic.pat, site_id=clinic.other_site.pk)
    assert (found.offers, found.missing) == ((), ("clinician", "room"))


def test_no_offers_say_until_when_was_searched(clinic: Clinic) -> None:
    closed = Span(local("2026-03-01 00:00"), local("2026-12-01 00:00"))
    actions.close_time(actor=clinic.marta, of=clinic.site, during=closed, reason="Rebuilding", now=NOW)
    found = times(clinic)
    assert (found.offers, found.missing, found.searched_until) == ((), (), date(2026, 5, 31))


def test_the_search_refuses_strangers_and_what_does_not_exist(clinic: Clinic) -> None:
    with pytest.raises(Forbidden):
        times(clinic, actor=NOBODY)
    for change in ({"visit_type_id": 987654}, {"site_id": 987654}, {"with_id": 987654}):
        with pytest.raises(NotFound):
            times(clinic, **change)


def test_who_could_take_a_visit(clinic: Clinic) -> None:
    able = queries.clinicians_for(clinic.rosa, visit_type=clinic.follow_up, site_id=clinic.site.pk)
    assert [resource.name for resource in able] == ["Dr Imani", "Dr Okafor"]
    with pytest.raises(Forbidden):
        queries.clinicians_for(NOBODY, visit_type=clinic.follow_up, site_id=clinic.site.pk)


def test_which_visits_can_be_had_where(clinic: Clinic) -> None:
    def possible(actor: Actor, site: Site) -> list[VisitType]:
        return list(queries.possible_at(actor, visit_types=[clinic.follow_up], site_id=site.pk))

    assert possible(clinic.rosa, clinic.site) == [clinic.follow_up]
    assert possible(clinic.pat, clinic.other_site) == []
    with pytest.raises(Forbidden):
        possible(NOBODY, clinic.site)


def test_nothing_is_offered_beyond_the_longest_lead_time(clinic: Clinic) -> None:
    assert times(clinic, not_before=date(2027, 1, 4)).offers == ()


def test_a_day_shows_who_works_and_the_visits_and_notes_who_was_seen(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    with collecting_seen("request") as seen:
        shown = queries.day(clinic.rosa, site=clinic.site, on=date(2026, 3, 3), now=NOW)
    assert seen.patient_ids == {clinic.walter.pk}
    assert [row.name for row in shown.rows] == ["Dr Imani", "Dr Okafor", "Room 1", "Room 2"]
    assert shown.shown == Span(local("2026-03-03 09:00"), local("2026-03-03 17:00"))
    assert [[visit.appointment_id for visit in row.visits] for row in shown.rows] == [
        [booked.pk],
        [],
        [booked.pk],
        [],
    ]
    assert (shown.visits[0].patient_name, shown.visits[0].resources) == ("Walter Ng", "Dr Imani, Room 1")


def test_a_day_without_anything_is_the_whole_day(clinic: Clinic) -> None:
    shown = queries.day(clinic.rosa, site=clinic.site, on=date(2026, 3, 8), now=NOW)
    assert (shown.rows, shown.visits, shown.shown.length) == ((), (), timedelta(hours=23))


def test_a_day_hides_the_names_of_patients_one_may_not_see(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00")
    with writes_open():
        clinic.walter.sites.all().delete()
    visit = queries.day(clinic.rosa, site=clinic.site, on=date(2026, 3, 3), now=NOW).visits[0]
    assert (visit.patient_name, visit.patient_id) == ("", None)


def test_pat_learns_nothing_of_the_free_time_of_another_site(clinic: Clinic) -> None:
    wanted = TimesWanted(visit_type_id=clinic.follow_up.pk, site_id=clinic.site.pk)
    for ask in (
        lambda: times(clinic, clinic.pat, patient_id=None),
        lambda: queries.explain(clinic.pat, wanted=wanted, now=NOW),
    ):
        with pytest.raises(NotFound):
            ask()
    assert queries.possible_at(clinic.pat, visit_types=[clinic.follow_up], site_id=clinic.site.pk) == []
    assert queries.clinicians_for(clinic.pat, visit_type=clinic.follow_up, site_id=clinic.site.pk) == ()
    assert queries.people_in_service(clinic.pat) == ()
    everywhere = times(clinic, clinic.pat, site_id=clinic.other_site.pk, also_at=(clinic.site.pk,), patient_id=None)
    assert everywhere.offers == ()
    assert everywhere.missing
    assert [name for _, name in queries.people_in_service(clinic.rosa)] == ["Dr Imani", "Dr Okafor"]


def test_pat_sees_neither_the_day_nor_the_visit_of_another_site(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    assert queries.sites_to_see(clinic.pat) == (clinic.other_site,)
    with pytest.raises(NotFound):
        queries.day(clinic.pat, site=clinic.site, on=date(2026, 3, 3), now=NOW)
    with pytest.raises(NotFound):
        queries.get_appointment(clinic.pat, appointment_id=booked.pk, now=NOW)
    assert queries.coming_visits(clinic.pat, patient=clinic.walter, now=NOW) == []
    assert queries.coming_with_readiness(clinic.pat, patient=clinic.walter, now=NOW) == []
    assert queries.timeline(clinic.pat, patient=clinic.walter, now=NOW) == []
    with pytest.raises(Forbidden):
        queries.day(NOBODY, site=clinic.site, on=date(2026, 3, 3), now=NOW)


def test_coming_visits_are_those_ahead(clinic: Clinic) -> None:
    first, second = clinic.book("2026-03-03 10:00"), clinic.book("2026-03-04 10:00")
    gone = clinic.book("2026-03-05 10:00")
    actions.cancel_appointment(actor=clinic.rosa, appointment=gone, reason=CancelReason.PATIENT, now=NOW)
    coming = queries.coming_visits(clinic.rosa, patient=clinic.walter, now=NOW)
    assert [visit.appointment_id for visit in coming] == [first.pk, second.pk]
    assert (coming[0].who, coming[0].where, coming[0].state) == (
        ("Dr Imani",),
        "Riverside North",
        State.BOOKED,
    )
    assert coming[0].url == f"/appointments/{first.pk}/"


def test_the_timeline_tells_bookings_moves_and_what_became_of_them(clinic: Clinic) -> None:
    first = clinic.book("2026-03-03 10:00")
    order = clinic.order("2026-03-03 11:00")
    second = actions.move_appointment(
        actor=clinic.rosa,
        appointment=first,
        order=order,
        reason=CancelReason.PATIENT,
        now=NOW + timedelta(hours=1),
    )
    actions.record_seen(actor=clinic.rosa, appointment=second, now=local("2026-03-03 11:30"))
    missed = clinic.book("2026-03-04 11:00", now=NOW + timedelta(hours=2))
    actions.record_missed(actor=clinic.rosa, appointment=missed, now=local("2026-03-04 11:30"))
    told = queries.timeline(clinic.rosa, patient=clinic.walter, now=NOW)
    assert [entry.title.split(".")[0].split(":")[0] for entry in told] == [
        "Did not come",
        "Seen",
        "Follow-up",
        "Follow-up",
        "Cancelled",
        "Follow-up",
    ]
    assert "Moved to Tue, Mar 3, 2026, 11:00" in {entry.title.partition(". ")[2] for entry in told}
    assert queries.timeline(clinic.rosa, patient=clinic.walter, kinds={"result"}, now=NOW) == ()
    years = {one.at.astimezone(UTC).year for one in told}
    assert (
        queries.timeline_years(clinic.rosa, patient=clinic.walter, before=NOW + timedelta(days=400), now=NOW) == years
    )
    assert (
        queries.timeline_years(clinic.rosa, patient=clinic.walter, before=NOW - timedelta(days=400), now=NOW) == set()
    )
    assert queries.timeline_years(clinic.pat, patient=clinic.walter, before=NOW + timedelta(days=400), now=NOW) == set()
    assert len(queries.timeline(clinic.rosa, patient=clinic.walter, kinds={"booking"}, limit=2, now=NOW)) == 2
    early = queries.timeline(clinic.rosa, patient=clinic.walter, before=NOW + timedelta(minutes=1), now=NOW)
    assert [entry.at for entry in early] == [NOW]


def test_a_page_reads_the_kinds_of_visit_once(clinic: Clinic) -> None:
    with remembering(), CaptureQueriesContext(connection) as asked:
        first, second = queries.visit_types(clinic.rosa), queries.visit_types(clinic.rosa)
        with pytest.raises(Forbidden):
            queries.visit_types(NOBODY)
    assert first == second != ()
    assert len(asked) == 2  # the kinds, and what each needs


def test_what_can_be_booked_is_listed(clinic: Clinic) -> None:
    assert [kind.name for kind in queries.visit_types(clinic.rosa)] == ["Follow-up"]
    assert queries.get_visit_type(clinic.rosa, visit_type_id=clinic.follow_up.pk) == clinic.follow_up
    assert queries.get_resource(clinic.rosa, resource_id=clinic.room.pk) == clinic.room
    assert [r.name for r in queries.resources(clinic.rosa, site_id=clinic.site.pk)][:2] == [
        "Dr Imani",
        "Dr Okafor",
    ]
    assert len(queries.resources(clinic.rosa)) == 4
    words = queries.abilities_in_use(clinic.rosa)
    assert (words["exam_room"], words["physician"]) == ("exam room", "physician")
    for look in (
        lambda: queries.get_visit_type(clinic.rosa, visit_type_id=987654),
        lambda: queries.get_resource(clinic.rosa, resource_id=987654),
    ):
        with pytest.raises(NotFound):
            look()
    with pytest.raises(Forbidden):
        queries.visit_types(NOBODY)


def test_closures_ahead_are_those_that_have_not_ended(clinic: Clinic) -> None:
    past = Span(NOW - timedelta(days=3), NOW - timedelta(days=2))
    ahead = Span(NOW - timedelta(days=1), NOW + timedelta(days=1))
    for during in (past, ahead):
        actions.close_time(actor=clinic.marta, of=clinic.room, during=during, reason="Paint", now=NOW)
    assert [closure.during.lower for closure in queries.closures_ahead(clinic.rosa, now=NOW)] == [ahead.start]
    assert len(queries.closures_ahead(clinic.rosa, now=NOW, resource=clinic.room)) == 1
    assert queries.closures_ahead(clinic.rosa, now=NOW, resource=clinic.imani) == ()


def test_the_next_day_with_working_hours_passes_weekends_and_closed_days(clinic: Clinic) -> None:
    friday, monday = date(2026, 3, 6), date(2026, 3, 9)
    assert queries.next_working_day(site=clinic.site, after=friday) == monday
    closed = Span(local("2026-03-09 00:00"), local("2026-03-10 00:00"))
    actions.close_time(actor=clinic.marta, of=clinic.site, during=closed, reason="Snow", now=NOW)
    assert queries.next_working_day(site=clinic.site, after=friday) == date(2026, 3, 10)
    assert queries.next_working_day(site=clinic.other_site, after=friday) is None
