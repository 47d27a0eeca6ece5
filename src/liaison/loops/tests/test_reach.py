"""Whoever keeps a promise can see the patient: whichever way it came to them, and for as long as they keep it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from liaison.accounts.access import Role
from liaison.accounts.actions import HasOpenWork, LeavesWork, deactivate_person, end_role, set_teams
from liaison.accounts.models import Assignment, Team, TeamMember, User
from liaison.accounts.queries import actor_of
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open
from liaison.loops import access, actions
from liaison.loops.jobs import give_on_lost
from liaison.loops.models import HandOver, Loop, LoopEvent, WaitingPromise
from liaison.loops.ports import About, Owner, PromiseToKeep
from liaison.loops.queries import (
    Load,
    coordinator_of,
    covering_choices,
    keeper_for,
    left_behind,
    load,
    lost_without,
    owner_for,
    patients_reached,
    reaches,
)
from liaison.loops.tests.cast import NEW_YORK, NOW, SYSTEM, Cast, clock, patient, person
from liaison.patients.models import CareRole, CareTeamMember, Patient, PatientSite

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def admin(cast: Cast) -> Actor:
    """Somebody who ends roles and closes accounts, and proved who they are."""
    del cast
    with writes_open():
        person("Bea Admin", Role.ADMINISTRATOR, None)
        return replace(person("Ada Admin", Role.ADMINISTRATOR, None), stepped_up_until=NOW + 99 * DAY)


def user(actor: Actor) -> User:
    return User.objects.get(pk=actor.user_id)


def owner(actor: Actor) -> Owner:
    return Owner(user_id=actor.user_id)


def only_role(actor: Actor) -> Assignment:
    return Assignment.objects.get(user_id=actor.user_id)


def runs_out(actor: Actor) -> None:
    """The only role of somebody ends by itself."""
    with writes_open():
        Assignment.objects.filter(user_id=actor.user_id).update(ends_at=NOW)


def looks_after(actor: Actor, who: Patient) -> None:
    with writes_open():
        CareTeamMember.objects.create(
            patient=who, user_id=actor.user_id, role=CareRole.COORDINATOR, starts_on=(NOW - 50 * DAY).date()
        )


def at_hillside(cast: Cast) -> Patient:
    """Hal, whom only Hillside knows; Rosa works there as well."""
    with writes_open():
        Assignment.objects.create(
            user_id=cast.rosa.user_id, role=Role.COORDINATOR, site=cast.hillside, starts_at=NOW - DAY
        )
        return patient("Hal", "Hill", cast.hillside)


def away(cast: Cast, *to: Actor, by: Actor | None = None, **more: object) -> HandOver:
    given = {"reason": "ill", "now": NOW, **more}
    covers = [owner(one) for one in to]
    return actions.hand_over(by or cast.chief, from_user_id=cast.rosa.user_id or 0, to=covers, **given)  # type: ignore[arg-type]  # keywords of several types


def story(loop: Loop) -> list[str]:
    return list(LoopEvent.objects.filter(loop=loop).order_by("pk").values_list("sentence", flat=True))


def column(cast: Cast, who: Owner, *, viewer: Actor | None = None) -> Load:
    columns = load(viewer or cast.marta, now=NOW + DAY, zone=NEW_YORK)
    return next(each for each in columns if each.owner == who)


# --- the question ----------------------------------------------------------------------------------------------


def test_reach_is_what_the_patients_say_of_every_person(cast: Cast) -> None:
    """The rule from the side of the person agrees with the patients' own, whichever way leads there."""
    hal = at_hillside(cast)
    looks_after(cast.pat, cast.walter)
    with writes_open():
        person("Nora Nobody", Role.PRIVACY_OFFICER, None)
        closed = person("Cleo Closed", Role.COORDINATOR, cast.riverside)
        User.objects.filter(pk=closed.user_id).update(is_active=False, deactivated_at=NOW)
    everybody = [cast.walter.pk, cast.olga.pk, hal.pk]
    for one in User.objects.all():
        seen = Patient.objects.visible_to(actor_of(one, now=NOW), access.SEE, now=NOW)
        found = patients_reached(Owner(user_id=one.pk), patient_ids=everybody, now=NOW)
        assert found == frozenset(seen.values_list("pk", flat=True)), one.name
    assert reaches(owner(cast.pat), patient_id=cast.walter.pk, now=NOW), "on his care team"
    assert not reaches(owner(cast.pat), patient_id=cast.olga.pk, now=NOW)


def test_a_team_reaches_the_patients_of_its_site_or_all(cast: Cast) -> None:
    hal = at_hillside(cast)
    with writes_open():
        everywhere = Team.objects.create(name="Central desk", site=None)
    ids = [cast.walter.pk, hal.pk]
    assert patients_reached(Owner(team_id=cast.team.pk), patient_ids=ids, now=NOW) == {cast.walter.pk}
    assert patients_reached(Owner(team_id=everywhere.pk), patient_ids=ids, now=NOW) == set(ids)
    assert patients_reached(Owner(team_id=0), patient_ids=ids, now=NOW) == frozenset()


# --- who keeps what nobody made by hand ------------------------------------------------------------------------


def test_his_coordinator_keeps_nothing_new_once_their_role_has_ended(cast: Cast) -> None:
    looks_after(cast.rosa, cast.walter)
    assert coordinator_of(cast.walter, now=NOW) == owner(cast.rosa)
    assert owner_for(cast.walter, site=cast.riverside, now=NOW) == owner(cast.rosa)
    assert coordinator_of(cast.walter, now=NOW, without=cast.rosa.user_id) is None
    runs_out(cast.rosa)
    assert coordinator_of(cast.walter, now=NOW) is None
    assert owner_for(cast.walter, site=cast.riverside, now=NOW) == Owner(team_id=cast.team.pk)


def test_a_team_in_which_nobody_works_any_more_comes_last(cast: Cast) -> None:
    for one in (cast.rosa, cast.tom):
        runs_out(one)
    assert owner_for(cast.walter, site=cast.riverside, now=NOW) == owner(cast.marta)
    assert owner_for(cast.walter, site=cast.riverside, now=NOW, without=cast.marta.user_id) == owner(cast.chief)
    for one in (cast.marta, cast.chief):
        runs_out(one)
    assert owner_for(cast.walter, site=cast.riverside, now=NOW) == Owner(team_id=cast.team.pk)


def test_at_a_site_that_does_not_know_him_his_own_site_keeps_it(cast: Cast) -> None:
    assert owner_for(cast.walter, site=cast.hillside, now=NOW) == Owner(team_id=cast.team.pk)
    with writes_open():
        PatientSite.objects.all().delete()
    assert owner_for(cast.walter, site=cast.hillside, now=NOW) == owner(cast.pat), "he belongs nowhere yet"


def test_a_promise_meant_for_who_cannot_see_him_goes_to_who_can(cast: Cast) -> None:
    loop = cast.loop(owner=owner(cast.pat), actor=SYSTEM)
    assert loop.owner == Owner(team_id=cast.team.pk)
    assert story(loop)[0].endswith("Pat Lind can't see this patient, so it came here.")


def test_what_nobody_can_keep_stays_with_whom_it_was_meant_for_or_waits(cast: Cast) -> None:
    with writes_open():
        TeamMember.objects.all().delete()
        Team.objects.all().delete()
    for one in (cast.rosa, cast.tom, cast.marta, cast.chief):
        runs_out(one)
    assert cast.loop(actor=SYSTEM).owner == owner(cast.rosa), "nothing is lost: the board shows it"
    promise = PromiseToKeep(
        kind="task", title="Call", clocks=(clock(due_at=NOW + DAY),), about=About(type="test", id=1), once_key="call:1"
    )
    waits = actions.open_or_wait(
        SYSTEM, promise=promise, patient=cast.walter, site=cast.riverside, owner=owner(cast.rosa), now=NOW
    )
    assert waits is None
    assert WaitingPromise.objects.waiting().count() == 1


# --- covers ----------------------------------------------------------------------------------------------------


def test_a_new_promise_goes_to_a_cover_who_sees_the_patient(cast: Cast) -> None:
    made = away(cast, cast.pat, cast.tom)
    cast.loop(owner=owner(cast.tom))
    loop = cast.loop(actor=SYSTEM)
    assert (loop.owner, loop.hand_over_id) == (owner(cast.tom), made.pk), "though Pat has less to do"


def test_where_no_cover_sees_him_the_site_keeps_it_until_the_colleague_is_back(cast: Cast) -> None:
    made = away(cast, cast.pat, until=NOW + DAY)
    loop = cast.loop(actor=SYSTEM)
    assert (loop.owner, loop.hand_over_id) == (Owner(team_id=cast.team.pk), made.pk)
    assert "Nobody who covers Rosa Delgado's desk can see this patient" in story(loop)[0]
    assert actions.return_hand_overs(SYSTEM, now=NOW + DAY) == 1
    loop.refresh_from_db()
    assert loop.owner == owner(cast.rosa)


def test_where_nobody_else_could_it_stays_with_who_is_away(cast: Cast) -> None:
    with writes_open():
        TeamMember.objects.all().delete()
        Team.objects.all().delete()
    for one in (cast.tom, cast.marta):
        runs_out(one)
    away(cast, cast.pat)
    runs_out(cast.chief)
    keeper = keeper_for(owner(cast.rosa), patient=cast.walter, site=cast.riverside, now=NOW)
    assert keeper is not None
    assert (keeper.owner, keeper.hand_over_id) == (owner(cast.rosa), None)


def test_the_desk_of_two_sites_is_shared_by_who_sees_whom(cast: Cast) -> None:
    hal = at_hillside(cast)
    here, there = cast.loop(), cast.loop(patient=hal, actor=SYSTEM)
    away(cast, cast.pat, cast.tom)
    here.refresh_from_db()
    there.refresh_from_db()
    assert (here.owner, there.owner) == (owner(cast.tom), owner(cast.pat))


def test_what_no_cover_can_see_stays_where_it_is_and_says_so(cast: Cast) -> None:
    hal = at_hillside(cast)
    here, there = cast.loop(), cast.loop(patient=hal, actor=SYSTEM)
    made = away(cast, cast.tom)
    here.refresh_from_db()
    there.refresh_from_db()
    assert (here.owner, there.owner) == (owner(cast.tom), owner(cast.rosa))
    assert story(there)[-1] == "Stays with Rosa Delgado: nobody who covers can see the patient."
    assert left_behind(cast.chief, hand_over=made) == 1
    assert left_behind(cast.marta, hand_over=made) == 0, "it is of another site"


# --- a desk is handed over once --------------------------------------------------------------------------------


def test_a_desk_is_in_one_pair_of_hands_at_a_time(cast: Cast) -> None:
    cast.loop()
    made = away(cast, cast.tom, by=cast.marta, until=NOW + 7 * DAY)
    with pytest.raises(actions.AlreadyHandedOver, match=r"desk is with Tom Baker until Mar 11, 2026 already\. Return"):
        away(cast, cast.imani, by=cast.marta)
    with pytest.raises(actions.AlreadyHandedOver):
        away(cast, cast.imani)  # every site is this one too
    actions.end_hand_over(cast.marta, hand_over_id=made.pk, now=NOW)
    later = away(cast, cast.imani, by=cast.marta, now=NOW + DAY)
    with pytest.raises(actions.AlreadyHandedOver, match=r"desk is with Dr Imani Okoye already"):
        away(cast, cast.tom, by=cast.marta, now=NOW + DAY)
    assert later.site_ids == [cast.riverside.pk]


def test_another_sites_supervisor_hands_over_what_is_there(cast: Cast) -> None:
    at_hillside(cast)
    with writes_open():
        noor = person("Noor Haddad", Role.SUPERVISOR, cast.hillside)
    mine = away(cast, cast.tom, by=cast.marta)
    theirs = away(cast, cast.pat, by=noor)
    assert column(cast, owner(cast.rosa)).hand_over_id == mine.pk
    assert column(cast, owner(cast.rosa), viewer=noor).hand_over_id == theirs.pk


def test_a_form_that_is_sent_twice_hands_over_once(cast: Cast) -> None:
    cast.loop()
    first = away(cast, cast.tom, idempotency_key="form:1")
    assert away(cast, cast.tom, idempotency_key="form:1") == first
    assert HandOver.objects.count() == 1


# --- coming back, and leaving for good -------------------------------------------------------------------------


def test_nothing_goes_back_to_who_sees_nothing_any_more(cast: Cast) -> None:
    loop = cast.loop()
    away(cast, cast.tom, until=NOW + DAY)
    runs_out(cast.rosa)
    assert actions.return_hand_overs(SYSTEM, now=NOW + DAY) == 0
    loop.refresh_from_db()
    assert (loop.owner, loop.hand_over_id) == (owner(cast.tom), None)
    assert story(loop)[-1] == (
        "The hand-over has ended, but Rosa Delgado can't see the patient any more: it stays with Tom Baker."
    )


def test_where_the_cover_sees_him_no_more_either_it_goes_where_a_new_one_would(cast: Cast) -> None:
    loop = cast.loop()
    away(cast, cast.tom, until=NOW + DAY)
    for one in (cast.rosa, cast.tom):
        runs_out(one)
    actions.return_hand_overs(SYSTEM, now=NOW + DAY)
    loop.refresh_from_db()
    assert loop.owner == owner(cast.marta)
    assert story(loop)[-1].endswith("any more: given to Marta Ruiz.")
    for one in (cast.marta, cast.chief):
        runs_out(one)
    with writes_open():
        TeamMember.objects.all().delete()
        Team.objects.all().delete()
        made = HandOver.objects.create(
            from_user_id=cast.rosa.user_id, reason="x", starts_at=NOW, until_at=NOW + 2 * DAY, by_name="x"
        )
        Loop.objects.update(hand_over=made)
    actions.return_hand_overs(SYSTEM, now=NOW + 2 * DAY)
    loop.refresh_from_db()
    assert (loop.owner, loop.hand_over_id) == (owner(cast.marta), None), "nobody is left: it stays on the board"


def test_closing_an_account_leaves_what_the_covers_keep_with_them(cast: Cast, admin: Actor) -> None:
    loop = cast.loop()
    made = away(cast, cast.tom, until=NOW + 7 * DAY)
    deactivate_person(actor=admin, person=user(cast.rosa), now=NOW + DAY)
    loop.refresh_from_db()
    made.refresh_from_db()
    assert (loop.owner, loop.hand_over_id) == (owner(cast.tom), None)
    assert made.returned_at is not None
    assert actions.return_hand_overs(SYSTEM, now=NOW + 8 * DAY) == 0
    deactivate_person(actor=admin, person=user(cast.imani), now=NOW + DAY)  # who had handed nothing over


# --- losing a role, an account, a team -------------------------------------------------------------------------


def test_a_role_does_not_end_while_promises_hang_on_it(cast: Cast, admin: Actor) -> None:
    loop = cast.loop()
    said = "Rosa Delgado still holds 1 open loop of a patient whom they would not see any more"
    with pytest.raises(LeavesWork, match=said):
        end_role(actor=admin, assignment=only_role(cast.rosa), now=NOW)
    cast.loop()
    with pytest.raises(LeavesWork, match="still holds 2 open loops of patients whom they would not see any more"):
        end_role(actor=admin, assignment=only_role(cast.rosa), now=NOW)
    with pytest.raises(HasOpenWork, match=r"still holds 2 open loops\. Hand it over first"):
        deactivate_person(actor=admin, person=user(cast.rosa), now=NOW)
    Loop.objects.exclude(pk=loop.pk).get()
    for one in Loop.objects.all():
        actions.assign_loop(cast.rosa, loop_id=one.pk, to=owner(cast.tom), now=NOW)
    end_role(actor=admin, assignment=only_role(cast.rosa), now=NOW)


def test_one_of_two_roles_ends_where_the_other_still_leads_to_him(cast: Cast, admin: Actor) -> None:
    cast.loop()
    with writes_open():
        second = Assignment.objects.create(
            user_id=cast.rosa.user_id, role=Role.FRONT_DESK, site=cast.riverside, starts_at=NOW - DAY
        )
        there = Assignment.objects.create(
            user_id=cast.rosa.user_id, role=Role.SUPERVISOR, site=cast.hillside, starts_at=NOW - DAY
        )
    end_role(actor=admin, assignment=there, now=NOW)
    first = Assignment.objects.get(user_id=cast.rosa.user_id, role=Role.COORDINATOR)
    end_role(actor=admin, assignment=first, now=NOW)
    with pytest.raises(LeavesWork):
        end_role(actor=admin, assignment=second, now=NOW + DAY)


def test_what_was_out_of_sight_before_keeps_no_other_role(cast: Cast, admin: Actor) -> None:
    with writes_open():
        other = Assignment.objects.create(
            user_id=cast.pat.user_id, role=Role.FRONT_DESK, site=cast.hillside, starts_at=NOW - DAY
        )
        Loop.objects.filter(pk=cast.loop().pk).update(owner_user_id=cast.pat.user_id)
    assert lost_without(cast.pat.user_id or 0, assignment_ids={other.pk}, now=NOW).count() == 0
    end_role(actor=admin, assignment=other, now=NOW)


def test_the_last_who_works_in_a_team_leaves_no_loops_in_it(cast: Cast, admin: Actor) -> None:
    cast.loop(owner=Owner(team_id=cast.team.pk))
    set_teams(actor=admin, person=user(cast.tom), teams=[], now=NOW)
    with pytest.raises(LeavesWork, match="1 open loop of a team in which nobody else works"):
        set_teams(actor=admin, person=user(cast.rosa), teams=[], now=NOW)
    with pytest.raises(LeavesWork, match="nobody else works"):
        end_role(actor=admin, assignment=only_role(cast.rosa), now=NOW)
    with pytest.raises(LeavesWork, match="nobody else works"):
        deactivate_person(actor=admin, person=user(cast.rosa), now=NOW)
    set_teams(actor=admin, person=user(cast.rosa), teams=[cast.team], now=NOW)
    set_teams(actor=admin, person=user(cast.tom), teams=[cast.team], now=NOW)
    set_teams(actor=admin, person=user(cast.rosa), teams=[], now=NOW)


# --- a role that runs out --------------------------------------------------------------------------------------


def test_what_a_role_leaves_behind_when_it_runs_out_is_given_on(cast: Cast) -> None:
    loop, kept = cast.loop(), cast.loop(owner=owner(cast.imani))
    runs_out(cast.rosa)
    for _ in range(2):
        assert actions.give_on(SYSTEM, now=NOW + DAY) == 0
    loop.refresh_from_db()
    kept.refresh_from_db()
    assert (loop.owner, kept.owner) == (Owner(team_id=cast.team.pk), owner(cast.imani))
    assert story(loop)[1:] == ["Given to Care coordination: Rosa Delgado can't see the patient any more."]


def test_what_a_cover_cannot_see_any_more_still_returns(cast: Cast) -> None:
    loop = cast.loop()
    made = away(cast, cast.tom, until=NOW + 7 * DAY)
    runs_out(cast.tom)
    actions.give_on(SYSTEM, now=NOW + DAY)
    loop.refresh_from_db()
    assert (loop.owner, loop.hand_over_id) == (Owner(team_id=cast.team.pk), made.pk)
    assert actions.return_hand_overs(SYSTEM, now=NOW + 7 * DAY) == 1


def test_what_nobody_can_keep_stays_on_the_board_and_in_the_log(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    loop = cast.loop()
    with writes_open():
        TeamMember.objects.all().delete()
        Team.objects.all().delete()
    for one in (cast.rosa, cast.tom, cast.marta, cast.chief):
        runs_out(one)
    assert actions.give_on(SYSTEM, now=NOW) == 1
    assert [record.loops for record in caplog.records if record.message == "loops.owner_cannot_see"] == [1]  # type: ignore[attr-defined]  # what `extra` adds
    loop.refresh_from_db()
    assert loop.owner == owner(cast.rosa)


def test_the_job_gives_on_and_may_run_twice(cast: Cast) -> None:
    loop = cast.loop()
    runs_out(cast.rosa)
    for _ in range(2):
        give_on_lost()
    loop.refresh_from_db()
    assert loop.owner == Owner(team_id=cast.team.pk)


# --- the board -------------------------------------------------------------------------------------------------


def test_the_board_shows_whoever_keeps_something_also_who_does_not_work_here(cast: Cast) -> None:
    with writes_open():
        strangers = Team.objects.create(name="Hillside desk", site=cast.hillside)
        TeamMember.objects.create(team=strangers, user_id=cast.pat.user_id)
        for one in (owner(cast.pat), Owner(team_id=strangers.pk)):
            made = cast.loop()
            Loop.objects.filter(pk=made.pk).update(owner_user_id=one.user_id, owner_team_id=one.team_id)
    cast.loop()
    runs_out(cast.rosa)
    found = {each.name: each.missing for each in load(cast.marta, now=NOW, zone=NEW_YORK)}
    assert found == {
        "Rosa Delgado": "left",
        "Pat Lind": "elsewhere",
        "Hillside desk": "elsewhere",
        "Care coordination": "",
        "Tom Baker": "",
        "Dr Imani Okoye": "",
        "Marta Ruiz": "",
        "Ada Chief": "",
        "Fred Front": "",
    }
    runs_out(cast.tom)
    assert column(cast, Owner(team_id=cast.team.pk)).missing == "nobody"


def test_who_does_not_work_here_covers_nobody_and_can_be_relieved(cast: Cast) -> None:
    loop = cast.loop()
    runs_out(cast.rosa)
    columns = load(cast.marta, now=NOW, zone=NEW_YORK)
    assert f"user:{cast.rosa.user_id}" not in dict(covering_choices(columns, now=NOW))
    away(cast, cast.tom, by=cast.marta)
    loop.refresh_from_db()
    assert loop.owner == owner(cast.tom)
