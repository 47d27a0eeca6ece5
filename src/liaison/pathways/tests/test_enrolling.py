"""Whom transitional care follows home, and when it lets go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.accounts.access import Role
from liaison.accounts.actions import add_team, give_role
from liaison.accounts.models import Assignment, Site, Team, TeamMember, User
from liaison.core.actor import Actor, system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden
from liaison.loops.actions import escalate_loops, find_owners, give_up_loop
from liaison.loops.events import OwnerFound
from liaison.loops.models import Clock, Loop, WaitingPromise
from liaison.loops.ports import Owner
from liaison.loops.queries import coordinator_of, owner_for, site_of
from liaison.loops.queries.unowned import unowned_banners
from liaison.pathways.actions import evaluate, turn_off, turn_on
from liaison.pathways.jobs import evaluate_everybody, open_what_waits
from liaison.pathways.models import Enrolment, Protocol
from liaison.pathways.queries import outlook, told, waiting_follow_ups
from liaison.pathways.reactions import follow_what_was_opened
from liaison.pathways.tests.cast import DISCHARGE, LIAISON, NOW, stay, walter
from liaison.patients.actions import mark_deceased
from liaison.patients.models import CareTeamMember, Patient


def test_a_discharge_opens_one_loop_with_its_clocks_for_the_team(ward):
    ward.take_in(walter(), stay())
    loop = Loop.objects.get()
    assert (loop.kind, loop.owner_team, loop.title) == ("post-discharge", ward.team, "Home from hospital since Feb 13")
    assert loop.next_step == "Call Walter Ng: first call after the hospital stay"
    due = {clock.rule_id: clock.due_at.isoformat() for clock in Clock.objects.all()}
    assert due == {
        "tcm.contact": "2026-02-19T04:59:59+00:00",
        "tcm.visit": "2026-02-28T04:59:59+00:00",
        "tcm.reconciliation": "2026-02-28T04:59:59+00:00",
    }
    assert ward.enrolment.anchor_on.isoformat() == "2026-02-13"
    assert set(Clock.objects.values_list("anchor_event", flat=True)) == {f"encounter:{ward.enrolment.anchor_id}"}


def test_a_stay_that_comes_in_when_its_windows_are_over_is_late_at_once_and_told_to_nobody_above(ward):
    late = DISCHARGE + timedelta(days=20)  # Thursday
    ward.take_in(walter(), stay(), now=late)
    while escalate_loops(LIAISON, now=late):
        pass
    loop = Loop.objects.get()
    assert (loop.due_at.isoformat(), loop.opened_at) == ("2026-02-19T04:59:59+00:00", late)
    assert (loop.escalation_level, loop.next_escalation_at) == (2, late + timedelta(days=1)), "owner and team know"


def test_evaluating_again_opens_nothing_and_writes_nothing(ward):
    ward.take_in(walter(), stay())
    before = AuditEntry.objects.count()
    assert evaluate(LIAISON, now=NOW).opened == 0
    assert evaluate(LIAISON, now=NOW + timedelta(days=1)).opened == 0
    evaluate_everybody()
    assert (Loop.objects.count(), AuditEntry.objects.count()) == (1, before)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ended": NOW - timedelta(days=31)}, "too_old"),
        ({"went": "03"}, "went_elsewhere"),
        ({"went": "exp"}, "hospice_or_expired"),
    ],
)
def test_nothing_is_opened_for_what_does_not_qualify_and_it_says_why(ward, change, reason):
    ward.take_in(walter(), stay(**change))
    assert not Loop.objects.exists()
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.found, seen.followed, dict(seen.not_fitting)) == (1, 0, {reason: 1})
    assert seen.too_old == (1 if reason == "too_old" else 0)
    assert "1 not: " in told(seen, opened=0)[1]
    with pytest.raises(Forbidden):
        outlook(ward.rosa, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"class": {"code": "EMER"}},
        {"class": {"code": "AMB"}},
        {"status": "planned"},
        {"ended": None},
        {"ended": NOW + timedelta(hours=1)},
    ],
)
def test_what_is_no_ended_hospital_stay_is_not_even_looked_at(ward, change):
    ward.take_in(walter(), stay(**change))
    assert not Loop.objects.exists()
    assert outlook(LIAISON, now=NOW)[0].found == 0


@pytest.mark.parametrize(
    ("period", "reason", "words"),
    [
        ({"start": "2026-02-10T15:00:00Z"}, "end_unknown", "its end is not known"),
        ({}, "end_unknown", "its end is not known"),
        ({"start": "2026-02-10T15:00:00Z", "end": "0999-02-10"}, "end_unknown", "its end is not known"),
        (
            {"start": "2026-02-13T15:00:00Z", "end": "2026-02-10T15:00:00Z"},
            "end_before_start",
            "its end lies before its start",
        ),
    ],
)
def test_a_finished_stay_nobody_knows_the_end_of_is_counted_with_the_reason(ward, period, reason, words):
    ward.take_in(walter(), stay(period=period))
    assert not Loop.objects.exists()
    (seen,) = outlook(LIAISON, now=NOW, patient_ids=[ward.walter.pk])
    assert (seen.found, seen.followed, dict(seen.not_fitting)) == (1, 0, {reason: 1})
    assert told(seen, opened=0)[1] == f"  1 not: {words}"


def test_a_later_stay_whose_times_contradict_each_other_stops_no_follow_up(ward):
    mistyped = {
        "start": (DISCHARGE + timedelta(days=1)).isoformat(),
        "end": (DISCHARGE - timedelta(days=1)).isoformat(),
    }
    ward.take_in(walter(), stay(), stay(id="mistyped", period=mistyped))
    assert Loop.objects.get().state == "open"
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.found, seen.followed, dict(seen.not_fitting)) == (2, 1, {"end_before_start": 1})


def test_a_stay_that_was_followed_to_its_end_stays_so_when_its_end_is_lost(ward):
    ward.take_in(walter(), stay())
    give_up_loop(ward.rosa, loop_id=ward.enrolment.loop_id, reason="Moved away", now=NOW)
    ward.take_in(walter(), stay(period={"start": "2026-02-10T15:00:00Z"}))
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.found, seen.followed, dict(seen.not_fitting)) == (1, 1, {})


def test_an_observation_stay_and_one_with_unknown_destination_qualify(ward):
    ward.take_in(walter(), stay(**{"class": {"code": "OBSENC"}}))
    assert Loop.objects.count() == 1


def test_the_thirtieth_day_counts_by_the_local_calendar(ward):
    last_minute = DISCHARGE.replace(hour=4, minute=59)  # 12 February, 23:59 in New York
    ward.take_in(walter(), stay(ended=last_minute), now=DISCHARGE.replace(month=3, day=14, hour=3))
    assert ward.enrolment.anchor_on.isoformat() == "2026-02-12"


def test_the_dead_are_not_called(ward):
    ward.take_in(walter(deceasedDateTime="2026-02-13T23:00:00Z"), stay())
    assert not Loop.objects.exists()
    assert outlook(LIAISON, now=NOW)[0].not_fitting == {"deceased": 1}


def test_a_death_takes_the_follow_up_back(ward):
    ward.take_in(walter(), stay())
    mark_deceased(actor=LIAISON, patient=ward.walter, on=NOW.date(), now=NOW)
    assert ward.enrolment.voided_reason == "the patient has died"
    assert ward.enrolment.loop.state == "given_up"


def test_an_admission_takes_it_back_and_the_next_discharge_begins_anew(ward):
    ward.take_in(walter(), stay())
    later = NOW + timedelta(days=3)
    ward.take_in(
        walter(), stay(id="again", ended=None, period={"start": (later - timedelta(hours=2)).isoformat()}), now=later
    )
    assert ward.enrolment.loop.given_up_reason == "Voided: the patient is or was in hospital again since."
    home = later + timedelta(days=4)
    ward.take_in(walter(), stay(id="again", ended=home, days=4), now=home)
    assert [(one.loop.state, one.voided_at is None) for one in Enrolment.objects.order_by("pk")] == [
        ("given_up", False),
        ("open", True),
    ]


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_stay_that_is_taken_back_takes_the_follow_up_back_and_may_return(ward, status):
    ward.take_in(walter(), stay())
    ward.take_in(stay(status=status))
    assert ward.enrolment.voided_reason == "the stay was cancelled, corrected or entered in error"
    ward.take_in(stay(length={"value": 3}))
    assert ward.enrolment.voided_at is None
    assert (ward.enrolment.loop.state, ward.enrolment.times_opened, Loop.objects.count()) == ("open", 2, 2)


def test_time_running_out_takes_nothing_back(ward):
    ward.take_in(walter(), stay())
    evaluate(LIAISON, now=NOW + timedelta(days=60))
    assert ward.enrolment.loop.state == "open"


def test_what_a_person_ended_is_not_opened_again(ward):
    ward.take_in(walter(), stay())
    give_up_loop(ward.rosa, loop_id=ward.enrolment.loop_id, reason="Moved away", now=NOW)
    assert evaluate(LIAISON, now=NOW).opened == 0
    ward.take_in(walter(active=True), stay(status="cancelled"))
    assert ward.enrolment.voided_at is None


def test_of_overlapping_stays_only_the_last_is_followed(ward):
    ward.take_in(walter(), stay(id="ward", days=5), stay(id="unit", ended=DISCHARGE - timedelta(hours=1), days=1))
    assert Loop.objects.count() == 1
    assert ward.enrolment.anchor.fhir_id == "ward"


def nobody_works_here():
    """Neither teams nor roles, as on the first day."""
    with writes_open():
        TeamMember.objects.all().delete()
        Team.objects.all().delete()
        Assignment.objects.all().delete()


def test_a_team_with_members_follows_first_then_a_coordinator_then_a_supervisor_then_an_empty_team(ward):
    with writes_open():
        everywhere = Team.objects.create(name="Referrals", site=None)
        TeamMember.objects.create(team=everywhere, user_id=ward.rosa.user_id)
        marta = User.objects.create(email="marta@clinic.example", name="Marta", password="!")
        Assignment.objects.create(user=marta, role=Role.SUPERVISOR, site=None, starts_at=NOW - timedelta(days=1))
    ward.take_in(walter())
    found = [owner_for(ward.walter, site=site_of(ward.walter), now=NOW)]
    for leaves in (
        TeamMember.objects.filter(team=ward.team),
        TeamMember.objects.all(),
        Assignment.objects.filter(role=Role.COORDINATOR),
        Assignment.objects.all(),
        Team.objects.filter(pk=ward.team.pk),
        Team.objects.all(),
    ):
        with writes_open():
            leaves.delete()
        found.append(owner_for(ward.walter, site=site_of(ward.walter), now=NOW))
    here, all_over = Owner(team_id=ward.team.pk), Owner(team_id=everywhere.pk)
    rosa, marta = Owner(user_id=ward.rosa.user_id), Owner(user_id=marta.pk)
    assert found == [here, all_over, rosa, marta, here, all_over, None]


def test_a_coordinator_who_joins_the_care_team_tomorrow_follows_nobody_up_late_this_evening(ward):
    ward.take_in(walter())
    zone = ZoneInfo("America/New_York")
    tomorrow = NOW.astimezone(zone).date() + timedelta(days=1)
    with writes_open():
        CareTeamMember.objects.create(
            patient=ward.walter, user_id=ward.rosa.user_id, role="coordinator", starts_on=tomorrow
        )
    midnight = datetime.combine(tomorrow, time(0), tzinfo=zone)
    late = midnight - timedelta(minutes=30)
    assert [coordinator_of(ward.walter, now=at.astimezone(UTC)) for at in (late, midnight)] == [
        None, Owner(user_id=ward.rosa.user_id),
    ]  # fmt: skip


def parts(seen):
    """What was found, and the same as the sum of what is said of it."""
    return seen.found, seen.followed + sum(seen.waiting.values()) + sum(seen.not_fitting.values())


def looks_to_come():
    """How often the worker is to look at everybody at once."""
    return ProcrastinateJob.objects.filter(task_name="pathways.open_what_waits").count()


def test_a_stay_that_nobody_could_follow_up_is_counted_on_every_page_of_who_can_mend_it(ward):
    nobody_works_here()
    ward.take_in(walter(), stay())
    boss = Actor(name="Adam", user_id=ward.rosa.user_id, assignments=frozenset({(str(Role.ADMINISTRATOR), None)}))
    riverside, elsewhere = ward.riverside.pk, Site.objects.get(name="Hillside").pk
    assert waiting_follow_ups(site_ids=[riverside, elsewhere], now=NOW) == {riverside: 1}
    assert waiting_follow_ups(site_ids=[elsewhere], now=NOW) == {}
    (banner,) = unowned_banners(boss, now=NOW)
    assert banner.text.startswith("1 promise to a patient of Riverside waits: nobody there could own it.")
    turn_off(boss, code="transitional-care", reason="Not this month", now=NOW)
    assert unowned_banners(boss, now=NOW) == []
    turn_on(boss, code="transitional-care", now=NOW)
    assert len(unowned_banners(boss, now=NOW)) == 1
    add_team(actor=system_actor("setup"), name="Desk", site=ward.riverside, now=NOW)
    assert waiting_follow_ups(site_ids=[riverside], now=NOW) == {}, "somebody could own it"
    evaluate(LIAISON, now=NOW)
    nobody_works_here_but_who_has_it(ward)
    assert waiting_follow_ups(site_ids=[riverside], now=NOW) == {}, "it is a loop"


def nobody_works_here_but_who_has_it(ward):
    """The team that has the loop leaves the site."""
    with writes_open():
        Team.objects.update(site=Site.objects.get(name="Hillside"))


def test_what_nobody_could_own_is_named_with_the_way_out_and_opens_when_somebody_can(ward):
    nobody_works_here()
    ward.take_in(walter(), stay(), stay(id="old", ended=DISCHARGE - timedelta(days=40)))
    assert evaluate(LIAISON, now=NOW).without_owner == 1
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.waiting, seen.not_fitting, parts(seen)) == ({"no_owner": 1}, {"too_old": 1}, (2, 2))
    assert "1 not yet: nobody at the patient's site could own it. Give somebody there" in told(seen, opened=0)[1]
    assert looks_to_come() == 0

    add_team(actor=LIAISON, name="Transitions", site=ward.riverside, now=NOW)
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.waiting, parts(seen)) == ({"not_yet": 1}, (2, 2))
    assert looks_to_come() == 1
    evaluate(system_actor("pathways"), now=NOW)  # what the worker does, as of NOW
    assert ward.enrolment.loop.owner_team.name == "Transitions"
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.followed, seen.waiting, parts(seen)) == (1, {}, (2, 2))


def test_a_new_coordinator_or_supervisor_lets_the_worker_look_but_not_before_the_first_chart(ward):
    nobody_works_here()
    rosa = User.objects.get(pk=ward.rosa.user_id)
    give_role(actor=LIAISON, person=rosa, role=Role.COORDINATOR, site=None, now=NOW)
    assert looks_to_come() == 0
    ward.take_in(walter())
    give_role(actor=LIAISON, person=rosa, role=Role.SUPERVISOR, site=None, now=NOW)
    assert looks_to_come() == 1
    open_what_waits()
    assert not Loop.objects.exists()


def test_the_sums_add_up_whatever_became_of_a_stay(ward):
    ward.take_in(walter(), stay(id="ward", days=5), stay(id="unit", ended=DISCHARGE - timedelta(hours=1), days=1))
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.followed, seen.not_fitting, parts(seen)) == (1, {"later_stay": 1}, (2, 2))
    assert "  1 not: a later stay of the same patient is followed instead" in told(seen, opened=0)
    late = NOW + timedelta(days=60)
    (seen,) = outlook(LIAISON, now=late, patient_ids=[ward.walter.pk])
    assert (seen.followed, seen.not_fitting, parts(seen)) == (1, {"too_old": 1}, (2, 2))


def test_while_the_protocol_is_off_what_fits_is_said_to_wait(ward):
    evaluate(LIAISON, now=NOW)
    turn_off(LIAISON, code="transitional-care", reason="Too few people this week", now=NOW)
    ward.take_in(walter(), stay())
    (seen,) = outlook(LIAISON, now=NOW)
    assert (seen.followed, seen.waiting, parts(seen)) == (0, {"turned_off": 1}, (1, 1))


def test_the_patients_own_coordinator_follows_first(ward):
    from liaison.patients.actions import add_care_team_member

    ward.take_in(walter())
    add_care_team_member(
        actor=LIAISON, patient=ward.walter, role="coordinator", user_id=ward.rosa.user_id, now=NOW - timedelta(days=9)
    )
    ward.take_in(stay())
    assert ward.enrolment.loop.owner_user_id == ward.rosa.user_id


def test_a_new_version_retires_the_old_and_opens_nothing_twice(ward):
    ward.take_in(walter(), stay())
    with writes_open():
        Protocol.objects.update(version="2020.1")
    evaluate(LIAISON, now=NOW)
    assert [(one.version, one.retired_at is None) for one in Protocol.objects.order_by("pk")] == [
        ("2020.1", False),
        ("2026.1", True),
    ]
    assert Loop.objects.count() == 1


def a_second(number):
    """Another patient, home from another stay."""
    who = walter(id=number) | {"name": [{"family": "Abara", "given": ["Ruth"]}], "birthDate": "1950-01-02"}
    return who, stay(id=f"stay-{number}", subject={"reference": f"Patient/{number}"})


def refuse_loops_of(patient):
    """The database takes no loop of this patient any more, until this is called with None."""
    with writes_open(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE loops_loop DROP CONSTRAINT IF EXISTS test_none_of_theirs")
        if patient is not None:
            cursor.execute(
                f"ALTER TABLE loops_loop ADD CONSTRAINT test_none_of_theirs CHECK (patient_id <> {patient.pk})"
            )


def test_a_stay_that_cannot_be_opened_stops_no_other_and_is_told_without_a_name(ward, caplog):
    ward.take_in(walter())
    refuse_loops_of(ward.walter)
    ward.take_in(walter(), stay(), *a_second("ruth"))
    assert list(Enrolment.objects.values_list("patient__family", flat=True)) == ["Abara"]
    kept = WaitingPromise.objects.failed().get()
    assert (kept.patient, kept.kind, kept.failed_why) == (ward.walter, "post-discharge", "IntegrityError")
    told = [record for record in caplog.records if record.msg == "pathways.stay_failed"]
    assert [record.stay_id for record in told] == [kept.about_id]
    assert "Ng" not in caplog.text
    assert evaluate(LIAISON, now=NOW).failed == 1
    assert WaitingPromise.objects.count() == 1
    refuse_loops_of(None)
    assert evaluate(LIAISON, now=NOW).opened == 1
    kept.refresh_from_db()
    assert kept.ended_why == "It is followed now"


def known_to_the_database_alone(ward):
    """The site's time zone is a name that the database knows, and nobody else does."""
    with writes_open():
        Site.objects.filter(pk=ward.riverside.pk).update(time_zone="PST")


def home_before_the_zone_broke(ward):
    """Walter and Ruth came home while nothing was opened; then their site's time zone broke."""
    evaluate(LIAISON, now=NOW)
    turn_off(LIAISON, code="transitional-care", reason="Quiet", now=NOW)
    ward.take_in(walter(), stay(), *a_second("ruth"))
    turn_on(LIAISON, code="transitional-care", now=NOW)
    known_to_the_database_alone(ward)


def test_stays_whose_days_cannot_be_told_are_kept_with_their_deadlines_and_said(ward, caplog):
    home_before_the_zone_broke(ward)
    assert evaluate(LIAISON, now=NOW).failed == 2
    assert [kept.failed_why for kept in WaitingPromise.objects.failed()] == ["ZoneInfoNotFoundError"] * 2
    kept = WaitingPromise.objects.get(patient=ward.walter)
    assert kept.title == "Home from hospital since Feb 13"
    assert {clock["rule_id"]: clock["due_at"][:10] for clock in kept.clocks} == {
        "tcm.contact": "2026-02-18",
        "tcm.visit": "2026-02-27",
        "tcm.reconciliation": "2026-02-27",
    }
    assert "Ng" not in caplog.text
    with writes_open():
        Site.objects.filter(pk=ward.riverside.pk).update(time_zone="America/New_York")
    assert evaluate(LIAISON, now=NOW).opened == 2
    assert not WaitingPromise.objects.waiting().exists()


def test_a_stay_that_cannot_even_be_kept_stops_no_other_and_is_said(ward, caplog):
    home_before_the_zone_broke(ward)
    with writes_open(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            f"ALTER TABLE loops_waitingpromise ADD CONSTRAINT test_not_theirs CHECK (patient_id <> {ward.walter.pk})"
        )
    assert evaluate(LIAISON, now=NOW).failed == 2
    assert [kept.patient.family for kept in WaitingPromise.objects.failed()] == ["Abara"]
    told = [record for record in caplog.records if record.msg == "pathways.stay_failed"]
    assert sorted(record.error for record in told) == ["IntegrityError", *["ZoneInfoNotFoundError"] * 2]


def test_who_may_not_open_is_told_so_where_a_stay_is_kept(ward):
    home_before_the_zone_broke(ward)
    evaluates_only = replace(ward.rosa, assignments=frozenset({(str(Role.ADMINISTRATOR), ward.riverside.pk)}))
    with pytest.raises(Forbidden):
        evaluate(evaluates_only, now=NOW)


def test_a_stay_that_was_taken_back_while_it_waited_is_opened_by_nobody(ward):
    ward.take_in(walter())
    refuse_loops_of(ward.walter)
    ward.take_in(walter(), stay())
    kept = WaitingPromise.objects.failed().get()
    ward.take_in(*a_second("ruth"))
    assert WaitingPromise.objects.waiting().count() == 1, "others' charts take nothing back"
    ward.take_in(walter(), stay(status="entered-in-error"))
    kept.refresh_from_db()
    assert kept.ended_why == "The stay was taken back or is over"
    refuse_loops_of(None)
    find_owners(LIAISON, now=NOW)
    assert not Loop.objects.filter(patient=ward.walter).exists()


def test_a_stay_that_could_be_opened_at_last_is_followed_at_once(ward):
    ward.take_in(walter())
    refuse_loops_of(ward.walter)
    ward.take_in(walter(), stay())
    refuse_loops_of(None)
    find_owners(LIAISON, now=NOW)
    loop = Loop.objects.get(patient=ward.walter)
    assert Enrolment.objects.get().loop_id == loop.pk


def test_what_waits_for_an_owner_elsewhere_is_no_follow_up(ward):
    ward.take_in(walter())
    fact = OwnerFound(at=NOW, loop_id=1, kind="task", patient_id=ward.walter.pk, once_key="x")
    follow_what_was_opened(fact, actor=LIAISON)
    assert not Enrolment.objects.exists()


def test_a_stay_whose_loop_is_there_but_not_its_follow_up_is_told_in_the_log(ward, caplog):
    ward.take_in(walter(), stay())
    with writes_open(), connection.cursor() as cursor:
        Enrolment.objects.all().delete()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE pathways_enrolment ADD CONSTRAINT test_no_more CHECK (id < 0)")
    assert evaluate(LIAISON, now=NOW).failed == 1
    assert not WaitingPromise.objects.exists()
    assert "loops.promise_not_opened" in caplog.text


def test_who_may_not_evaluate_is_told_so_and_nothing_is_kept(ward):
    evaluate(LIAISON, now=NOW)
    turn_off(LIAISON, code="transitional-care", reason="Quiet", now=NOW)
    ward.take_in(walter(), stay())
    turn_on(LIAISON, code="transitional-care", now=NOW)
    with pytest.raises(Forbidden):
        evaluate(ward.rosa, now=NOW)
    assert not WaitingPromise.objects.exists()


def test_who_may_not_evaluate_takes_nothing_back_either(ward):
    ward.take_in(walter(), stay())
    with writes_open():
        Patient.objects.update(is_deceased=True)
    with pytest.raises(Forbidden):
        evaluate(ward.rosa, now=NOW)
    assert Enrolment.objects.get().voided_at is None


def test_a_follow_up_that_cannot_be_taken_back_stops_no_other(ward):
    ward.take_in(walter(), stay(), *a_second("ruth"))
    walters = Enrolment.objects.get(patient__family="Ng")
    with writes_open():
        Loop.objects.filter(pk=walters.loop_id).update(version=2**31 - 1)
        Patient.objects.update(is_deceased=True)
    done = evaluate(LIAISON, now=NOW)
    assert (sum(done.voided.values()), done.failed) == (1, 1)
    walters.refresh_from_db()
    assert walters.voided_at is None
