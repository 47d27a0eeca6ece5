"""The demonstration clinic: the same seed builds the same clinic, and everything that Liaison knows occurs in it."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from importlib import import_module
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import transaction

from liaison.accounts.backends import PasswordBackend
from liaison.accounts.models import Site, User
from liaison.accounts.queries import DEMO_PASSWORD, SHOWN_AT_SIGN_IN, actor_for, actor_of, open_demo_accounts
from liaison.core.actor import ANONYMOUS, system_actor
from liaison.core.calendars import FEDERAL
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.demo import cast
from liaison.demo.charts import draw_charts
from liaison.demo.clinic import SEED, build
from liaison.demo.office import Office
from liaison.demo.population import bring_in
from liaison.demo.staff import hire
from liaison.demo.weekly import come_every_week
from liaison.inbox.models import Call, Message
from liaison.loops.models import Clock, Evidence, Loop, State
from liaison.loops.ports import registered_kinds
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.rules import State as ReferralState
from liaison.pathways.models import Enrolment
from liaison.pathways.queries import get_follow_up, may_be_the_visit
from liaison.patients.models import DuplicateCandidate, Patient
from liaison.scheduling.models import Appointment, Series

NOW = datetime(2026, 4, 15, 15, tzinfo=UTC)
PATIENTS = 40
DOUBLES = 2
ZONE = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def clinic(django_db_setup, django_db_blocker):
    """The clinic as of NOW, for all tests of this module; it goes away with them."""
    with django_db_blocker.unblock(), transaction.atomic():
        # Tests that commit empty every table after them, the rows that migrations added too.
        with writes_open():
            import_module("liaison.directory.migrations.0002_common_specialties").add(apps, None)
        build(now=NOW, patients=PATIENTS)
        yield
        transaction.set_rollback(True)


def picture(*, seed, now=NOW):
    """What is in a clinic of eight patients, by what people see; it is gone afterwards."""
    with transaction.atomic():
        build(now=now, patients=8, seed=seed)
        seen = {
            "patients": sorted(Patient.objects.values_list("family", "given", "birth_on", "spoken_language")),
            "loops": sorted(Loop.objects.values_list("kind", "state", "title", "due_at"), key=str),
            "visits": sorted(Appointment.objects.values_list("start_at", "state", "patient__family")),
            "referrals": sorted(Referral.objects.values_list("state", "patient__family")),
        }
        transaction.set_rollback(True)
    return seen


@pytest.mark.django_db
def test_the_same_seed_builds_the_same_clinic_and_another_seed_another_one():
    first = picture(seed=SEED)
    assert len(first["patients"]) == 8 + DOUBLES
    assert picture(seed=SEED) == first
    assert picture(seed=SEED + 1)["patients"] != first["patients"]


@pytest.mark.django_db
def test_who_comes_every_week_gets_another_hour_where_every_clinician_is_busy():
    actor = system_actor("demonstration")
    staffed = hire(actor, now=NOW - timedelta(days=60))
    charts = draw_charts(seed=SEED, count=PATIENTS, now=NOW)
    people = bring_in(charts, staffed, actor=actor, now=NOW)
    at_riverside = [people[chart.number] for chart in charts if chart.site == "RIV"]
    for patient in at_riverside:
        come_every_week(staffed.who("Rosa Delgado"), [patient], staffed, now=NOW)
    series = Series.objects.all()
    assert len(series) == len(at_riverside)
    assert {one.visits.exclude(appointment=None).count() for one in series} == {3}
    assert len({visit.start_at for visit in Appointment.objects.all()}) > 3


@pytest.mark.django_db
def test_no_promise_ends_before_it_was_made_nor_before_the_visit_that_it_is_about():
    """Also in a clinic that is built on a Sunday, days after anybody was at work."""
    build(now=datetime(2026, 4, 19, 18, tzinfo=UTC), patients=PATIENTS)
    ended = list(Loop.objects.exclude(ended_at=None).values("kind", "opened_at", "ended_at", "about_id"))
    assert [one for one in ended if one["ended_at"] < one["opened_at"]] == []
    visits = dict(Appointment.objects.values_list("pk", "start_at"))
    missed = [one for one in ended if one["kind"].startswith("missed-")]
    assert missed
    assert [one for one in missed if one["ended_at"] < visits[one["about_id"]]] == []


@pytest.mark.django_db
def test_the_same_seed_a_week_later_is_the_same_clinic_a_week_later():
    week = timedelta(days=7)
    first, later = picture(seed=SEED), picture(seed=SEED, now=NOW + week)
    assert [start + week for start, *_ in first["visits"]] == [start for start, *_ in later["visits"]]
    assert sorted(due + week for *_, due in first["loops"] if due) == sorted(due for *_, due in later["loops"] if due)


def marta():
    return actor_of(User.objects.get(name="Marta Kowalska"), now=NOW)


def uncounted():
    """Visits that took place in the time of a follow-up which still waits for one, and that nobody counted."""
    found = []
    for enrolment in Enrolment.objects.filter(voided_at=None, loop__state="open"):
        view = get_follow_up(marta(), enrolment_id=enrolment.pk, now=NOW)
        found += [one for one in may_be_the_visit(marta(), view=view, now=NOW) if one.state == "fulfilled"]
    return found


@pytest.mark.django_db
def test_visits_that_took_place_after_a_stay_were_counted():
    with transaction.atomic():
        build(now=NOW, patients=60)
        counted = Evidence.objects.filter(kind="visit", about_type="scheduling.appointment")
        assert (counted.exists(), uncounted()) == (True, [])
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_in_a_small_clinic_too_no_visit_after_a_stay_lies_before_the_discharge():
    with transaction.atomic():
        build(now=NOW, patients=8)
        homes = Enrolment.objects.values_list("loop_id", "anchor_at", "anchor_on")
        home = {loop_id: (at, on) for loop_id, at, on in homes}
        visits = Appointment.objects.filter(loop__in=home).select_related("site", "loop")
        early = [
            (visit.visit_on, visit.booked_at, home[visit.loop_id])
            for visit in visits
            if visit.visit_on <= home[visit.loop_id][1] or visit.booked_at < home[visit.loop_id][0]
        ]
        assert (home != {}, early) == (True, [])
        transaction.set_rollback(True)


def test_three_sites_and_twenty_five_people_work_there(clinic):
    assert set(Site.objects.values_list("name", flat=True)) == {site.name for site in cast.SITES}
    assert len(cast.SITES) == 3
    assert User.objects.count() == len(cast.STAFF) == 25
    assert User.objects.get(name="Rosa Delgado").check_password(DEMO_PASSWORD)
    assert {person.email for person in cast.STAFF} >= set(SHOWN_AT_SIGN_IN)


def test_production_lets_none_of_its_people_in(clinic, settings, rf):
    """Everybody knows their password, also of those whom the sign-in page does not name."""
    settings.PRODUCTION, backend = True, PasswordBackend()
    people = list(User.objects.all())
    assert {person.email for person in people} == {person.email for person in cast.STAFF}
    assert open_demo_accounts()[0] == len(people)
    for person in people:
        assert backend.authenticate(rf.get("/"), email=person.email, password=DEMO_PASSWORD) is None
        assert actor_for(person, session={}, now=NOW) == ANONYMOUS
    settings.PRODUCTION = False
    assert backend.authenticate(rf.get("/"), email=people[-1].email, password=DEMO_PASSWORD) == people[-1]


def test_every_kind_of_loop_is_there_in_every_state(clinic):
    found = Counter(Loop.objects.values_list("kind", "state"))
    # Few missed visits; who leaves the list settles it, and so does whoever speaks with who can't come.
    rare = {("missed-visit", "given_up"), ("waitlist", "given_up"), ("cant-come", "given_up")}
    ours = [kind.code for kind in registered_kinds() if not kind.code.startswith("test_")]  # other tests register some
    missing = {(code, state.value) for code in ours for state in State} - set(found)
    assert missing <= rare


def test_open_loops_are_overdue_due_today_and_due_later(clinic):
    due = [at - NOW for at in Loop.objects.open().values_list("due_at", flat=True)]
    assert min(due) < timedelta(0)
    assert any(timedelta(0) <= left < timedelta(days=1) for left in due)
    assert max(due) > timedelta(days=2)


def test_referrals_stand_at_every_step(clinic):
    seldom = {"visit_cancelled"}
    assert {state.value for state in ReferralState} - seldom <= set(Referral.objects.values_list("state", flat=True))


def test_visits_fill_two_weeks_back_and_four_ahead_and_nobody_is_booked_twice(clinic):
    starts = Appointment.objects.values_list("start_at", flat=True)
    assert NOW - timedelta(days=15) < min(starts) < NOW - timedelta(days=7)
    assert NOW + timedelta(days=7) < max(starts) < NOW + timedelta(days=29)
    past = Appointment.objects.filter(end_at__lt=NOW)
    assert set(past.values_list("state", flat=True)) >= {"fulfilled", "noshow"}
    assert not past.filter(state="booked").exists()
    busy = Appointment.objects.exclude(state="cancelled").order_by("patient_id", "start_at")
    assert all(
        one.patient_id != two.patient_id or one.end_at <= two.start_at for one, two in pairwise(busy)
    )  # the database refuses it for rooms and people


def test_two_pairs_wait_to_be_told_apart_and_one_of_them_has_numbers_that_disagree(clinic):
    pairs = DuplicateCandidate.objects.filter(decision="open")
    assert sorted(pair.conflict for pair in pairs) == [False, True]
    for pair in pairs:
        assert pair.first.birth_on == pair.second.birth_on
        numbers = {side.identifiers.count() for side in (pair.first, pair.second)}
        assert numbers == ({1} if pair.conflict else {0, 1})


def test_mail_that_never_arrived_is_told_with_its_reason(clinic):
    failed = Message.objects.filter(state="failed")
    assert failed.count() == 3
    assert {message.failure_kind for message in failed} == {"permanent"}


def test_nobody_is_told_of_a_visit_that_lies_in_the_past(clinic):
    told = Message.objects.filter(idempotency_key__startswith="visit:", direction="out")
    about = {int(key.split(":")[1]) for key in told.values_list("idempotency_key", flat=True)}
    assert Appointment.objects.filter(pk__in=about, start_at__gt=NOW).exists()
    assert not Appointment.objects.filter(pk__in=about, start_at__lte=NOW).exists()
    assert not Message.objects.filter(expires_at__lte=NOW).exists()


def test_nothing_happens_after_now_and_everything_stands_in_the_trail(clinic):
    assert not Loop.objects.filter(opened_at__gt=NOW).exists()
    assert not Loop.objects.filter(ended_at__gt=NOW).exists()
    assert not Patient.objects.filter(registered_at__gt=NOW).exists()
    assert Patient.objects.count() == PATIENTS + DOUBLES
    opened = AuditEntry.objects.filter(outcome="done", subject_type="loops.loop").values("subject_id").distinct()
    assert opened.count() == Loop.objects.count()
    assert not AuditEntry.objects.exclude(outcome="done").exists()


def test_a_few_patients_without_an_address_are_still_to_be_called_about_a_visit(clinic):
    untold = Loop.objects.filter(clocks__rule_id="untold").distinct()
    assert 1 <= untold.filter(state=State.OPEN).count() <= 2
    for loop in untold.exclude(state=State.OPEN):
        assert "reached_another_way" in loop.evidence_kinds or loop.state == State.GIVEN_UP


def at_work(at):
    """Whether somebody of the clinic may have done it then."""
    local = at.astimezone(ZONE)
    return FEDERAL.is_business_day(local.date()) and time(8) <= local.time() <= time(17)


def test_what_people_do_they_do_in_working_hours(clinic):
    asked = Clock.objects.filter(rule_id__startswith="demo.").values_list("anchor_at", "due_at")
    steps = [
        *Call.objects.exclude(by_name__startswith="Liaison").values_list("started_at", flat=True),
        *(at for pair in asked for at in pair),
        *ReferralStep.objects.exclude(by_name__startswith="Liaison").values_list("at", flat=True),
        *Appointment.objects.values_list("start_at", flat=True),
    ]
    assert [at for at in steps if not at_work(at)] == []


def test_nothing_is_tried_before_its_promise_was_made(clinic):
    for call in Call.objects.filter(loop__isnull=False).select_related("loop"):
        assert call.started_at >= call.loop.opened_at


def test_a_referral_that_moved_on_went_to_somebody_with_its_specialty(clinic):
    for referral in Referral.objects.filter(target_organization__isnull=False).select_related("target_organization"):
        assert referral.specialty_id in referral.target_organization.specialties.values_list("pk", flat=True)


def test_reminders_wait_for_the_worker_in_the_languages_of_their_readers(clinic):
    waiting = Message.objects.filter(template__code="appointment-reminder", state="queued", next_attempt_at__lte=NOW)
    assert waiting.exists()
    assert set(waiting.values_list("language", flat=True)) == {
        "es" if language == "es" else "en" for language in waiting.values_list("patient__written_language", flat=True)
    }


def test_what_is_long_overdue_is_escalated_from_the_first_moment_on(clinic):
    assert Loop.objects.open().filter(escalation_level__gt=0).exists()
    assert not Loop.objects.open().filter(next_escalation_at__lte=NOW).exists()


def test_a_clinic_of_full_size_is_busy_on_working_days_only():
    now = datetime(2026, 11, 22, 9, tzinfo=UTC)  # Sunday, before Thanksgiving
    office = Office(zone=ZONE, now=now)
    days = list(office.business_days(back=2, ahead=7))
    assert [f"{day:%a %d}" for day in days] == ["Fri 20", "Mon 23", "Tue 24", "Wed 25", "Fri 27"]
    assert office.at_work == datetime(2026, 11, 20, 16, 50, tzinfo=ZONE)
    hours = [office.past(now - timedelta(hours=back)) for back in range(0, 24 * 20, 5)]
    assert hours == sorted(hours, reverse=True)
    assert len(set(hours)) == len(hours)
    assert all(at_work(at) for at in hours)


@pytest.mark.parametrize(
    ("at", "soon", "due"),
    [
        ("2026-11-25T14:07", "2026-11-25T14:07", "2026-11-25T13:15"),
        ("2026-11-25T03:00", "2026-11-25T08:10", "2026-11-25T09:15"),
        ("2026-11-25T18:10", "2026-11-27T08:30", "2026-11-25T14:45"),
        ("2026-11-26T12:00", "2026-11-27T08:10", "2026-11-27T12:30"),
    ],
)
def test_what_falls_outside_working_hours_moves_into_them(at, soon, due):
    office = Office(zone=ZONE, now=NOW)

    def clock(text):
        return datetime.fromisoformat(text).replace(tzinfo=ZONE)

    assert office.soon_after(clock(at)) == clock(soon)
    assert office.due(clock(at)) == clock(due)


def test_early_on_a_working_day_the_day_before_is_the_last_one_worked():
    office = Office(zone=ZONE, now=datetime(2026, 11, 24, 8, 20, tzinfo=ZONE))
    assert office.at_work == datetime(2026, 11, 23, 16, 50, tzinfo=ZONE)
    later = Office(zone=ZONE, now=datetime(2026, 11, 24, 10, 0, tzinfo=ZONE))
    assert later.at_work == later.now
    assert at_work(later.ago(timedelta(hours=9)))
