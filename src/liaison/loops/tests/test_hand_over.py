"""Covering an absent colleague: one action moves the desk, new loops follow, and it comes back."""

from datetime import date, timedelta

import pytest

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Team
from liaison.core.act import act
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops import actions
from liaison.loops.access import REPOINT
from liaison.loops.models import Clock, HandOver, Loop, LoopEvent
from liaison.loops.ports import Owner
from liaison.loops.queries import DeskFilters, Tab, business_calendar, desk_page, keeper_for, own_covers
from liaison.loops.tests.cast import NEW_YORK, NOW, SYSTEM, Cast, patient, person
from liaison.patients.events import PatientDeceased, PatientNotDeceased
from liaison.patients.models import PatientSite

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def away(cast: Cast, **more: object) -> HandOver:
    given = {"to": [Owner(user_id=cast.tom.user_id)], "reason": "jury duty", "until": NOW + 7 * DAY, **more}
    return actions.hand_over(cast.marta, from_user_id=cast.rosa.user_id or 0, now=NOW, **given)  # type: ignore[arg-type]  # keywords of several types


def test_a_whole_desk_moves_in_one_action_and_each_story_says_why(cast: Cast) -> None:
    loops = [cast.loop(title=f"Errand {n}") for n in range(3)]
    other = cast.loop(owner=Owner(user_id=cast.imani.user_id))
    made = away(cast)
    for loop in loops:
        loop.refresh_from_db()
        assert (loop.owner_user_id, loop.hand_over_id, loop.version) == (cast.tom.user_id, made.pk, 2)
        last = LoopEvent.objects.filter(loop=loop).latest("id")
        assert last.sentence == "Handed over from Rosa Delgado to Tom Baker until Mar 11, 2026."
        assert last.reason == "jury duty"
    other.refresh_from_db()
    assert other.owner_user_id == cast.imani.user_id
    entry = AuditEntry.objects.get(verb="loops.hand_over")
    assert entry.details == {"loops": 3, "stayed": 0, "from_user_id": cast.rosa.user_id}
    assert entry.patient_ids == [cast.walter.pk]


def test_two_covers_share_it_with_a_patients_loops_together(cast: Cast) -> None:
    for _ in range(2):
        cast.loop()
        cast.loop(patient=cast.olga)
    away(cast, to=[Owner(user_id=cast.tom.user_id), Owner(team_id=cast.team.pk)])
    owners = {
        pk: {(row.owner_user_id, row.owner_team_id) for row in Loop.objects.filter(patient_id=pk)}
        for pk in (cast.walter.pk, cast.olga.pk)
    }
    assert all(len(found) == 1 for found in owners.values())
    assert owners[cast.walter.pk] != owners[cast.olga.pk]


def test_new_loops_for_the_absent_colleague_go_to_the_cover(cast: Cast) -> None:
    away(cast)
    loop = cast.loop(actor=SYSTEM)
    assert loop.owner_user_id == cast.tom.user_id
    assert "desk is handed over" in LoopEvent.objects.get(loop=loop).sentence
    given = actions.assign_loop(cast.marta, loop_id=loop.pk, to=Owner(user_id=cast.rosa.user_id), now=NOW)
    assert given.owner_user_id == cast.tom.user_id


def test_two_colleagues_covering_each_other_do_not_go_round_for_ever(cast: Cast) -> None:
    away(cast)
    actions.hand_over(
        cast.marta, from_user_id=cast.tom.user_id or 0, to=[Owner(user_id=cast.rosa.user_id)], reason="ill", now=NOW
    )
    rosa = Owner(user_id=cast.rosa.user_id)
    keeper = keeper_for(rosa, patient=cast.walter, site=cast.riverside, now=NOW)
    assert keeper is not None
    assert keeper.owner in {Owner(user_id=cast.rosa.user_id), Owner(user_id=cast.tom.user_id)}


def test_on_the_first_day_back_what_the_cover_still_keeps_returns_once(cast: Cast) -> None:
    kept, finished = cast.loop(), cast.loop(kind="task")
    away(cast)
    actions.add_evidence(cast.tom, loop_id=finished.pk, kind="done", now=NOW)
    taken = cast.loop()
    actions.take_loop(cast.imani, loop_id=taken.pk, now=NOW)
    assert actions.return_hand_overs(SYSTEM, now=NOW + 6 * DAY) == 0
    assert actions.return_hand_overs(SYSTEM, now=NOW + 7 * DAY) == 1
    assert actions.return_hand_overs(SYSTEM, now=NOW + 7 * DAY) == 0
    kept.refresh_from_db()
    assert (kept.owner_user_id, kept.hand_over_id) == (cast.rosa.user_id, None)
    taken.refresh_from_db()
    assert taken.owner_user_id == cast.imani.user_id, "who took one from the cover keeps it"


def test_back_early_returns_the_desk_at_once(cast: Cast) -> None:
    loop = cast.loop()
    made = away(cast, until=None)
    assert actions.end_hand_over(cast.marta, hand_over_id=made.pk, now=NOW + DAY) == 1
    loop.refresh_from_db()
    assert loop.owner_user_id == cast.rosa.user_id
    with pytest.raises(NotFound):
        actions.end_hand_over(cast.marta, hand_over_id=made.pk, now=NOW + DAY)


def test_whose_desk_it_is_sees_who_covers_it_and_may_be_back_early(cast: Cast) -> None:
    loop = cast.loop()
    assert own_covers(cast.rosa, now=NOW) == ()
    made = away(cast, to=[Owner(user_id=cast.tom.user_id), Owner(team_id=cast.team.pk)])
    (cover,) = own_covers(cast.rosa, now=NOW)
    assert (cover.hand_over_id, cover.kept, cover.reason) == (made.pk, 1, "jury duty")
    assert (cover.covered_by, cover.until_on) == (("Tom Baker", "Care coordination"), date(2026, 3, 11))
    assert own_covers(cast.tom, now=NOW) == own_covers(SYSTEM, now=NOW) == ()
    with pytest.raises(Forbidden):
        actions.end_hand_over(cast.tom, hand_over_id=made.pk, now=NOW + DAY)
    assert actions.end_hand_over(cast.rosa, hand_over_id=made.pk, now=NOW + DAY) == 1
    loop.refresh_from_db()
    assert loop.owner_user_id == cast.rosa.user_id
    away(cast, until=None)
    assert own_covers(cast.rosa, now=NOW)[0].until_on is None


def test_what_the_covers_keep_is_found_by_its_hand_over(cast: Cast) -> None:
    theirs, other = cast.loop(), cast.loop(owner=Owner(user_id=cast.imani.user_id))
    made = away(cast)
    filters = DeskFilters(hand_over_id=made.pk)
    page = desk_page(cast.rosa, now=NOW, zone=NEW_YORK, tab=Tab.ALL, filters=filters)
    assert [row.id for row in page.rows] == [theirs.pk], other.pk


def test_a_hand_over_is_refused_in_words(cast: Cast) -> None:
    cast.loop()
    with pytest.raises(actions.ReasonNeeded):
        away(cast, reason="")
    with pytest.raises(actions.NobodyToCover):
        away(cast, to=[Owner(user_id=cast.rosa.user_id)])
    with pytest.raises(actions.EndsBeforeItStarts):
        away(cast, until=NOW)
    with pytest.raises(actions.OwnerCannotSee):
        away(cast, to=[Owner(user_id=cast.pat.user_id)])
    with pytest.raises(NotFound):
        actions.hand_over(cast.marta, from_user_id=0, to=[Owner(team_id=cast.team.pk)], reason="x", now=NOW)
    assert not HandOver.objects.exists(), "a refused hand-over leaves nothing half-done"


def test_a_merge_moves_every_loop_to_the_survivor_and_an_unmerge_moves_them_back(cast: Cast) -> None:
    from liaison.patients.actions import merge_patients, unmerge_patients

    with writes_open():
        twin = patient("Walter", "Ngo", cast.riverside)
    loop, own = cast.loop(patient=twin), cast.loop()
    merge = merge_patients(actor=SYSTEM, survivor=cast.walter, merged=twin, reason="one person", now=NOW)
    loop.refresh_from_db()
    assert loop.patient_id == cast.walter.pk
    unmerge_patients(actor=SYSTEM, merge=merge, reason="two people", now=NOW)
    loop.refresh_from_db()
    own.refresh_from_db()
    assert (loop.patient_id, own.patient_id) == (twin.pk, cast.walter.pk)


def test_when_walter_dies_his_clocks_stop_and_the_owner_reviews_each_promise(cast: Cast) -> None:
    loop = cast.loop(due_at=NOW + 3 * DAY)
    with writes_open():
        cast.walter.die(on=None)
        cast.walter.save()
    with act(SYSTEM, REPOINT, now=NOW) as entry:
        entry.publish(PatientDeceased(at=NOW, patient_id=cast.walter.pk))
    loop.refresh_from_db()
    assert loop.next_step.startswith("Review: the patient has died")
    assert loop.next_escalation_at is None, "nobody is pressed about the dead"
    assert Clock.objects.get(rule_id="test.ask").voided_reason == "The patient has died."
    with writes_open():
        cast.walter.is_deceased = False
        cast.walter.save()
        Clock.objects.filter(rule_id="test.ask").update(voided_reason="He died.")  # words may change, and did
    with act(SYSTEM, REPOINT, now=NOW) as entry:
        entry.publish(PatientNotDeceased(at=NOW, patient_id=cast.walter.pk))
    loop.refresh_from_db()
    assert (loop.next_step, loop.due_at) == ("Ask the pharmacy", NOW + 3 * DAY)
    assert loop.next_escalation_at is not None
    assert Clock.objects.filter(rule_id="test.ask").count() == 2, "the history is kept"


def test_the_organizations_closed_days_move_the_clocks(cast: Cast) -> None:
    with writes_open():
        from liaison.loops.models import Holiday

        Holiday.objects.create(calendar="organization", on=date(2026, 3, 5), name="Staff day")
        Holiday.objects.create(calendar=f"site:{cast.riverside.pk}", on=date(2026, 3, 6), name="Flood")
    calendar = business_calendar(site_id=cast.riverside.pk, payer_id=4)
    assert calendar.name == f"federal+organization+site:{cast.riverside.pk}"
    assert not calendar.is_business_day(date(2026, 3, 6))
    assert Clock.objects.count() == 0


def shared(cast: Cast) -> Loop:
    """Rosa works at Hillside too, where Walter is known as well, and keeps a loop of that site."""
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.hillside)
        Assignment.objects.create(
            user_id=cast.rosa.user_id, role="coordinator", site=cast.hillside, starts_at=NOW - DAY
        )
    return cast.loop(title="At Hillside", site=cast.hillside)


def test_a_supervisor_moves_only_the_loops_of_her_own_sites(cast: Cast) -> None:
    there, here = shared(cast), cast.loop()
    made = away(cast)
    assert made.site_ids == [cast.riverside.pk]
    there.refresh_from_db()
    here.refresh_from_db()
    assert (here.owner_user_id, there.owner_user_id) == (cast.tom.user_id, cast.rosa.user_id)
    new_there = cast.loop(actor=SYSTEM, site=cast.hillside)
    new_here = cast.loop(actor=SYSTEM)
    assert (new_here.owner_user_id, new_there.owner_user_id) == (cast.tom.user_id, cast.rosa.user_id)
    assert actions.end_hand_over(cast.marta, hand_over_id=made.pk, now=NOW + DAY) == 2


def test_whoever_supervises_everywhere_moves_the_whole_desk(cast: Cast) -> None:
    there, here = shared(cast), cast.loop()
    given = {"to": [Owner(user_id=cast.tom.user_id)], "reason": "jury duty", "now": NOW}
    made = actions.hand_over(cast.chief, from_user_id=cast.rosa.user_id or 0, **given)  # type: ignore[arg-type]  # keywords of several types
    assert made.site_ids is None
    assert set(Loop.objects.values_list("owner_user_id", flat=True)) == {cast.tom.user_id}
    with pytest.raises(actions.OtherSitesToo):
        actions.end_hand_over(cast.marta, hand_over_id=made.pk, now=NOW + DAY)
    assert actions.end_hand_over(cast.chief, hand_over_id=made.pk, now=NOW + DAY) == len([there, here])


def test_a_supervisor_of_another_site_neither_hands_over_nor_ends(cast: Cast) -> None:
    loop = cast.loop()
    with writes_open():
        noor = person("Noor Haddad", Role.SUPERVISOR, cast.hillside)
    given = {"to": [Owner(user_id=cast.pat.user_id)], "reason": "x", "now": NOW}
    with pytest.raises(NotFound):
        actions.hand_over(noor, from_user_id=cast.rosa.user_id or 0, **given)  # type: ignore[arg-type]  # keywords of several types
    made = away(cast)
    with pytest.raises(actions.OtherSitesToo, match="don't supervise"):
        actions.end_hand_over(noor, hand_over_id=made.pk, now=NOW + DAY)
    loop.refresh_from_db()
    assert loop.owner_user_id == cast.tom.user_id


def test_a_loop_of_another_site_is_given_away_by_that_site_or_its_keeper(cast: Cast) -> None:
    loop = shared(cast)
    tom = Owner(user_id=cast.tom.user_id)
    with pytest.raises(actions.OtherSite, match="belongs to another site"):
        actions.assign_loop(cast.imani, loop_id=loop.pk, to=tom, now=NOW)
    assert actions.assign_loop(cast.rosa, loop_id=loop.pk, to=tom, now=NOW).owner_user_id == cast.tom.user_id
    team = Owner(team_id=cast.team.pk)
    assert actions.assign_loop(cast.pat, loop_id=loop.pk, to=team, now=NOW).owner_team_id == cast.team.pk
    assert actions.assign_loop(cast.tom, loop_id=loop.pk, to=tom, now=NOW).owner_user_id == cast.tom.user_id


def test_a_team_of_a_site_that_does_not_know_the_patient_gets_none_of_his_loops(cast: Cast) -> None:
    loop = cast.loop()
    with writes_open():
        strangers = Team.objects.create(name="Hillside desk", site=cast.hillside)
        everybody = Team.objects.create(name="Central desk", site=None)
    with pytest.raises(actions.OwnerCannotSee):
        actions.assign_loop(cast.rosa, loop_id=loop.pk, to=Owner(team_id=strangers.pk), now=NOW)
    given = actions.assign_loop(cast.rosa, loop_id=loop.pk, to=Owner(team_id=everybody.pk), now=NOW)
    assert given.owner_team_id == everybody.pk
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.hillside)
    again = actions.assign_loop(cast.rosa, loop_id=loop.pk, to=Owner(team_id=strangers.pk), now=NOW)
    assert again.owner_team_id == strangers.pk
