"""A promise that nobody could own is kept, named to who can mend it, and opened once somebody can."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.accounts.access import Role
from liaison.accounts.actions import add_team, give_role
from liaison.accounts.models import Assignment, Team, User
from liaison.core.actor import Actor, system_actor
from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import NotFound
from liaison.core.shell import Banner
from liaison.loops import actions
from liaison.loops.actions.waiting import find_owner
from liaison.loops.events import OwnerFound
from liaison.loops.jobs import find_late_owners, find_late_owners_soon
from liaison.loops.models import Clock, Loop, LoopEvent, WaitingPromise
from liaison.loops.ports import About, Owner, PromiseToKeep, register_waiting, waiting_counters
from liaison.loops.queries import owner_for
from liaison.loops.queries.unowned import unowned_banners
from liaison.loops.tests.cast import NOW, SYSTEM, Cast, clock
from liaison.patients.events import PatientsMerged, PatientsUnmerged
from liaison.patients.models import MergeRecord, Patient, PatientSite

DUE = NOW + timedelta(days=1)
LATER = NOW + timedelta(days=3)
BOSS = system_actor("setup")


def promise(key: str = "errand:1", *, step: str = "Ask the pharmacy") -> PromiseToKeep:
    return PromiseToKeep(
        kind="test_errand", title="Refill for Walter", about=About(type="test.thing", id=7), once_key=key,
        clocks=(clock(due_at=DUE, step=step, waiting_on="the pharmacy"),),
    )  # fmt: skip


def nobody_is_there() -> None:
    with writes_open():
        Team.objects.all().delete()
        Assignment.objects.all().delete()


def keep(cast: Cast, key: str = "errand:1", *, patient: Patient | None = None) -> Loop | None:
    """As a package does: the owner by the one rule."""
    whose = patient or cast.walter
    site = whose.home_site()
    owner = owner_for(whose, site=site, now=NOW) if site else None
    return actions.open_or_wait(SYSTEM, promise=promise(key), patient=whose, site=site, owner=owner, now=NOW)


def team(cast: Cast) -> Team:
    return add_team(actor=BOSS, name="Desk", site=cast.riverside, now=LATER)


def test_with_an_owner_it_is_a_loop_at_once(cast: Cast) -> None:
    loop = keep(cast)
    assert loop is not None
    assert (loop.owner, loop.once_key, loop.about_id) == (Owner(team_id=cast.team.pk), "errand:1", 7)
    assert not WaitingPromise.objects.exists()


def test_without_one_it_waits_once_and_opens_with_the_deadline_it_had(cast: Cast, facts: list[Fact]) -> None:
    nobody_is_there()
    assert [keep(cast), keep(cast)] == [None, None]
    assert AuditEntry.objects.filter(verb="loops.open", patient_ids=[cast.walter.pk]).count() == 2
    waiting = WaitingPromise.objects.get()
    assert str(waiting) == f"test_errand that waits, {waiting.pk}"
    assert actions.find_owners(SYSTEM, now=LATER) == 1
    made = team(cast)
    assert [actions.find_owners(SYSTEM, now=LATER) for _ in range(2)] == [0, 0]
    loop = Loop.objects.get()
    assert (loop.owner, loop.due_at, loop.opened_at) == (Owner(team_id=made.pk), DUE, LATER)
    assert (loop.next_step, loop.waiting_on, loop.title) == ("Ask the pharmacy", "the pharmacy", "Refill for Walter")
    assert LoopEvent.objects.get(what="opened").reason == (
        "It waited since 2026-03-04 10:00 for somebody who could own it."
    )
    waiting.refresh_from_db()
    assert (waiting.loop, waiting.ended_at, waiting.ended_why) == (loop, LATER, "Somebody owns it now")
    (found,) = [fact for fact in facts if isinstance(fact, OwnerFound)]
    assert (found.loop_id, found.once_key) == (loop.pk, "errand:1")


def test_whoever_finds_it_late_is_not_reported_at_once(cast: Cast) -> None:
    nobody_is_there()
    keep(cast)
    team(cast)
    found_at = DUE + timedelta(days=20)
    assert actions.find_owners(SYSTEM, now=found_at) == 0
    actions.escalate_loops(SYSTEM, now=found_at)
    loop = Loop.objects.get()
    assert (loop.due_at, loop.opened_at, loop.escalation_level) == (DUE, found_at, 2)


def test_who_belongs_to_no_site_yet_waits_for_one(cast: Cast) -> None:
    with writes_open():
        PatientSite.objects.filter(patient=cast.walter).delete()
    assert keep(cast) is None
    assert actions.find_owners(SYSTEM, now=LATER) == 1
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.riverside)
    assert actions.find_owners(SYSTEM, now=LATER) == 0
    assert Loop.objects.get().site == cast.riverside


def test_what_nobody_needs_any_more_never_opens(cast: Cast) -> None:
    nobody_is_there()
    keep(cast)
    keep(cast, "errand:2")
    first = WaitingPromise.objects.filter(once_key="errand:1")
    actions.drop_waiting(SYSTEM, waiting=first, reason="They came after all", now=NOW)
    actions.change_waiting(
        SYSTEM, waiting=WaitingPromise.objects.waiting(), clocks=promise(step="Call June").clocks, now=NOW
    )
    assert first.get().ended_why == "They came after all"
    team(cast)
    assert actions.find_owners(SYSTEM, now=LATER) == 0
    assert Loop.objects.get().next_step == "Call June"


def test_for_somebody_who_died_meanwhile_the_owner_reviews_it(cast: Cast) -> None:
    nobody_is_there()
    keep(cast)
    with writes_open():
        Patient.objects.filter(pk=cast.walter.pk).update(is_deceased=True)
    team(cast)
    actions.find_owners(SYSTEM, now=LATER)
    assert Loop.objects.get().next_step.startswith("Review: the patient has died")
    assert Clock.objects.filter(voided_reason="The patient has died.").count() == 1


def spoilt(cast: Cast, *, key: str = "errand:bad", **changes: Any) -> WaitingPromise:
    """A promise whose row nobody can open: its clock names a field that no clock has."""
    keep(cast, key)
    with writes_open():
        row = WaitingPromise.objects.get(once_key=key)
        WaitingPromise.objects.filter(pk=row.pk).update(**changes or {"clocks": [{"walter_ng": "2026"}]})
    row.refresh_from_db()
    return row


def test_one_that_cannot_be_opened_stops_no_other_and_says_why(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    nobody_is_there()
    keep(cast, "errand:1")
    bad = spoilt(cast)
    unknown = spoilt(cast, key="errand:kind", kind="no_such_kind")
    keep(cast, "errand:2")
    team(cast)
    assert actions.find_owners(SYSTEM, now=LATER) == 2
    assert sorted(Loop.objects.values_list("once_key", flat=True)) == ["errand:1", "errand:2"]
    for row, why in ((bad, "KeyError"), (unknown, "LookupError")):
        row.refresh_from_db()
        assert (row.ended_at, row.failed_at, row.failed_why) == (None, LATER, why)
    said = [record for record in caplog.records if record.message == "loops.promise_not_opened"]
    assert [(one.promise_id, one.error) for one in said] == [(bad.pk, "KeyError"), (unknown.pk, "LookupError")]
    assert [one.where.partition(":")[0] for one in said] == ["waiting.py", "ports.py"]
    assert "walter_ng" not in caplog.text
    entry = AuditEntry.objects.get(subject_type="loops.waitingpromise", subject_id=bad.pk, details__failed="KeyError")
    assert (entry.verb, entry.patient_ids) == ("loops.open", [cast.walter.pk])


def test_what_failed_is_tried_again_and_opens_once_its_row_is_right(cast: Cast) -> None:
    nobody_is_there()
    bad = spoilt(cast)
    team(cast)
    again = LATER + timedelta(hours=1)
    entries = AuditEntry.objects.count()
    assert [actions.find_owners(SYSTEM, now=now) for now in (LATER, again)] == [1, 1]
    assert AuditEntry.objects.count() == entries + 1, "said once"
    bad.refresh_from_db()
    assert bad.failed_at == LATER, "since when"
    actions.change_waiting(SYSTEM, waiting=WaitingPromise.objects.waiting(), clocks=promise().clocks, now=again)
    assert actions.find_owners(SYSTEM, now=again) == 0
    bad.refresh_from_db()
    assert (bad.loop, bad.failed_at, bad.failed_why) == (Loop.objects.get(), None, "")


def test_a_refusal_is_kept_by_its_code(cast: Cast) -> None:
    with writes_open():
        PatientSite.objects.filter(patient=cast.walter).delete()
    keep(cast)
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.riverside)
    assert actions.find_owners(cast.pat, now=LATER) == 1, "who works elsewhere opens nothing of his"
    assert WaitingPromise.objects.get().failed_why == NotFound.code


def test_two_workers_open_it_once(cast: Cast) -> None:
    """The second finds it taken when it has the lock."""
    nobody_is_there()
    keep(cast)
    team(cast)
    waiting = WaitingPromise.objects.get()
    assert actions.find_owners(SYSTEM, now=LATER) == 0
    assert find_owner(SYSTEM, pk=waiting.pk, now=LATER)
    assert Loop.objects.count() == 1


def test_it_follows_its_patient_through_a_merge_and_back(cast: Cast) -> None:
    nobody_is_there()
    keep(cast)
    with writes_open():
        record = MergeRecord.objects.create(
            survivor=cast.olga, merged=cast.walter, merged_at=NOW, survivor_before={}, merged_before={}
        )
    ids = {"merge_id": record.pk, "survivor_id": cast.olga.pk, "merged_id": cast.walter.pk, "at": NOW}
    actions.follow_merge(SYSTEM, fact=PatientsMerged(**ids))
    assert WaitingPromise.objects.get().patient == cast.olga
    actions.follow_unmerge(SYSTEM, fact=PatientsUnmerged(**ids))
    assert WaitingPromise.objects.get().patient == cast.walter


def looks() -> int:
    return ProcrastinateJob.objects.filter(task_name="loops.find_late_owners_soon").count()


def test_the_worker_looks_when_somebody_new_can_own_it_and_every_hour(cast: Cast) -> None:
    nobody_is_there()
    team(cast)
    assert looks() == 0, "nothing waits"
    with writes_open():
        Team.objects.all().delete()
    keep(cast)
    keep(cast, "errand:2")
    give_role(actor=BOSS, person=User.objects.get(pk=cast.tom.user_id), role=Role.BILLING, site=None, now=NOW)
    assert looks() == 1
    find_late_owners()
    assert not Loop.objects.exists()
    team(cast)
    assert looks() == 2
    find_late_owners_soon()
    assert Loop.objects.count() == 2


# --- who is told ------------------------------------------------------------------------------------------------


def boss(cast: Cast, role: Role = Role.ADMINISTRATOR, *, site: int | None = None) -> Actor:
    return Actor(name="Adam", user_id=cast.tom.user_id, assignments=frozenset({(str(role), site)}))


def told(actor: Actor) -> list[Banner]:
    return list(unowned_banners(actor, now=NOW))


def test_the_administrator_is_told_where_and_what_to_do_and_no_name(cast: Cast) -> None:
    nobody_is_there()
    keep(cast)
    keep(cast, "errand:2", patient=cast.olga)
    (banner,) = told(boss(cast))
    assert banner.text == (
        "2 promises to patients of Riverside wait: nobody there could own them. "
        "Add a team, or give somebody the role of a coordinator there."
    )
    assert (banner.url, banner.link) == ("/people/sites/", "Sites and teams")
    assert told(boss(cast, site=cast.riverside.pk)) == [banner]
    assert told(boss(cast, site=cast.hillside.pk)) == []
    assert told(cast.fred) == []


def test_a_supervisor_who_adds_no_teams_is_sent_to_the_administrator(cast: Cast) -> None:
    nobody_is_there()
    keep(cast)
    (banner,) = told(boss(cast, Role.SUPERVISOR))
    assert banner.text == (
        "1 promise to a patient of Riverside waits: nobody there could own it. Ask an administrator for a team there."
    )
    assert banner.url == ""


def test_a_site_where_somebody_could_own_it_is_not_named(cast: Cast) -> None:
    nobody_is_there()
    keep(cast)
    with writes_open():
        Assignment.objects.create(user_id=cast.rosa.user_id, role=Role.COORDINATOR, site=cast.riverside, starts_at=NOW)
    assert told(boss(cast)) == []
    with writes_open():
        Assignment.objects.all().delete()
        Team.objects.create(name="Everywhere", site=None)
    assert told(boss(cast)) == []


def test_a_patient_of_no_site_is_named_to_who_works_everywhere(cast: Cast) -> None:
    with writes_open():
        PatientSite.objects.filter(patient=cast.walter).delete()
    keep(cast)
    (banner,) = told(boss(cast))
    assert banner.text == "1 promise waits: its patient belongs to no site. Add one on the patient’s page."
    assert told(boss(cast, site=cast.riverside.pk)) == []
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.riverside)
    assert told(boss(cast)) == []


def test_what_could_not_be_opened_is_named_by_number_at_its_sites(cast: Cast) -> None:
    nobody_is_there()
    bad = spoilt(cast)
    team(cast)
    actions.find_owners(SYSTEM, now=LATER)
    (banner,) = told(boss(cast))
    assert banner.text == (
        "1 promise to a patient could not be opened, though not for want of an owner. It is kept and tried again "
        f"every hour. Whoever runs Liaison finds why in the log: loops.promise_not_opened, {bad.pk}."
    )
    assert told(boss(cast, Role.SUPERVISOR, site=cast.riverside.pk)) == [banner]
    assert told(boss(cast, Role.SUPERVISOR, site=cast.hillside.pk)) == []
    with writes_open():
        WaitingPromise.objects.update(site=None)
    assert told(boss(cast, site=cast.riverside.pk)) == [banner], "of the patient's site"
    assert told(boss(cast, site=cast.hillside.pk)) == []
    with writes_open():
        Team.objects.all().delete()
        WaitingPromise.objects.update(site=cast.riverside)
    assert told(boss(cast)) == [banner], "and is not counted twice"
    for number in range(5):
        spoilt(cast, key=f"errand:bad{number}", failed_at=LATER, failed_why="KeyError")
    (many,) = told(boss(cast))
    assert many.text.startswith("5+ promises to patients could not be opened")
    assert many.text.endswith(" ….")


def test_other_packages_count_what_waits_with_them(cast: Cast) -> None:
    known = dict.fromkeys(waiting_counters())
    register_waiting("test.things", lambda *, site_ids, now: dict.fromkeys(site_ids, 3) if now == LATER else {})
    assert len(waiting_counters()) == len(known) + 1
    nobody_is_there()
    texts = [banner.text for banner in unowned_banners(boss(cast), now=LATER)]
    assert [text[:10] for text in texts] == ["3 promises", "3 promises"]


@pytest.mark.parametrize(
    "changes", [{"ended_at": NOW}, {"ended_why": "Gone"}, {"failed_at": NOW}, {"failed_why": "KeyError"}]
)
def test_the_database_wants_the_end_with_its_reason(cast: Cast, changes: dict[str, object]) -> None:
    nobody_is_there()
    keep(cast)
    with pytest.raises(IntegrityError), writes_open(), transaction.atomic():
        WaitingPromise.objects.update(**changes)
