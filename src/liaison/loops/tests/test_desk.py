"""The desk's tabs, order, words, pages and groups; what Pat must not see; the board and the stories."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaison.accounts.access import Role
from liaison.core.actor import Actor
from liaison.core.audit import collecting_seen
from liaison.core.cursors import BadCursor
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops import actions, queries
from liaison.loops.models import Loop
from liaison.loops.ports import About, Owner
from liaison.loops.queries import DeskFilters, Tab
from liaison.loops.tests.cast import NEW_YORK, NOW, SYSTEM, Cast, clock, patient, person
from liaison.patients.models import ContactPoint

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def desk(actor: Actor, tab: Tab = Tab.MINE, **more: object) -> queries.DeskPage:
    return queries.desk_page(actor, now=NOW, zone=NEW_YORK, tab=tab, **more)  # type: ignore[arg-type]  # keywords of several types


def ids(page: queries.DeskPage) -> list[int]:
    return [row.id for row in page.rows]


def test_the_most_urgent_comes_first_and_the_row_says_why(cast: Cast) -> None:
    later = cast.loop(due_at=NOW + 4 * DAY)
    today = cast.loop(due_at=NOW + timedelta(hours=5))
    late = cast.loop(due_at=NOW - 2 * DAY)
    clinical = cast.loop(due_at=NOW + 2 * DAY, priority="clinical")
    page = desk(cast.rosa)
    assert ids(page) == [clinical.pk, late.pk, today.pk, later.pk]
    assert [[why.words for why in row.why] for row in page.rows] == [
        ["clinical"], ["late"], ["due today"], [],
    ]  # fmt: skip
    assert [row.rank.words for row in page.rows if row.rank] == [
        "clinical (counts as due 14 days earlier), then due later", "late", "due today", "due later",
    ]  # fmt: skip
    assert [row.due_words for row in page.rows[1:3]] == ["2 days late", "today 15:00"]
    assert [(row.is_late, row.is_today) for row in page.rows[1:3]] == [(True, False), (False, True)]


def test_each_tab_holds_what_its_name_says(cast: Cast) -> None:
    team = Owner(team_id=cast.team.pk)
    mine = cast.loop(due_at=NOW - DAY)
    teams = cast.loop(owner=team, due_at=NOW + timedelta(hours=2))
    waiting = cast.loop(clocks=[clock(due_at=NOW + 3 * DAY, waiting_on="Cardiology")])
    asleep = cast.loop(due_at=NOW + 5 * DAY)
    actions.snooze_loop(cast.rosa, loop_id=asleep.pk, until=NOW + DAY, reason="on holiday", now=NOW)
    toms = cast.loop(owner=Owner(user_id=cast.tom.user_id), due_at=NOW + 6 * DAY)
    with writes_open():
        away = patient("Ned", "Far", cast.hillside)
    pats = cast.loop(actor=cast.pat, patient=away, owner=Owner(user_id=cast.pat.user_id), due_at=NOW + 7 * DAY)
    expected = {
        Tab.OURS: [mine, teams, waiting],
        Tab.MINE: [mine, waiting],
        Tab.TEAMS: [teams],
        Tab.OVERDUE: [mine],
        Tab.TODAY: [teams],
        Tab.WAITING: [waiting, asleep],
        Tab.ALL: [mine, teams, waiting, asleep, toms],
    }
    for tab, loops in expected.items():
        assert ids(desk(cast.rosa, tab)) == [loop.pk for loop in loops], tab
    counts = {count.tab: count.words for count in desk(cast.rosa).counts}
    assert counts == {tab: str(len(loops)) for tab, loops in expected.items()}
    assert ids(desk(cast.pat, Tab.ALL)) == [pats.pk], "Pat sees nothing of Riverside"
    assert len(ids(desk(cast.chief, Tab.ALL))) == 6, "who works everywhere sees all"
    awake = queries.desk_page(cast.rosa, now=NOW + DAY, zone=NEW_YORK, tab=Tab.MINE)
    assert asleep.pk in ids(awake), "a snooze ends by itself"


def test_a_step_that_waits_on_a_person_stands_on_their_desk_too(cast: Cast) -> None:
    imani = cast.imani.user_id
    on_imani = clock(due_at=NOW - DAY, waiting_on="Dr Imani Okoye", waiting_on_user_id=imani)
    rosas = cast.loop(clocks=[on_imani])
    teams = cast.loop(owner=Owner(team_id=cast.team.pk), clocks=[clock(due_at=NOW + DAY, waiting_on="Heart Center")])
    own = cast.loop(owner=Owner(user_id=imani), clocks=[on_imani])
    assert sorted(ids(desk(cast.imani))) == [rosas.pk, own.pk]
    assert sorted(ids(desk(cast.imani, Tab.OVERDUE))) == [rosas.pk, own.pk]
    counts = {count.tab: count.count for count in desk(cast.imani).counts}
    assert (counts[Tab.MINE], counts[Tab.OVERDUE], counts[Tab.TODAY]) == (2, 2, 0)
    row = next(row for row in desk(cast.imani).rows if row.id == rosas.pk)
    assert (row.waits_on_me, row.waiting_on, row.is_mine) == (True, "you", False)
    assert "waiting on you" in [why.words for why in row.why]
    owners = next(row for row in desk(cast.rosa).rows if row.id == rosas.pk)
    assert (owners.waits_on_me, owners.waiting_on) == (False, "Dr Imani Okoye")
    assert ids(desk(cast.rosa, Tab.WAITING)) == [rosas.pk, teams.pk], "its owner waits, and still sees it"
    assert ids(desk(cast.pat)) == []
    columns = {each.name: each for each in queries.load(cast.marta, now=NOW, zone=NEW_YORK)}
    assert (columns["Dr Imani Okoye"].open, columns["Dr Imani Okoye"].asked) == (1, 1)
    actions.satisfy_clock(cast.rosa, loop_id=rosas.pk, rule_id="test.ask", by="her word", now=NOW)
    assert ids(desk(cast.imani)) == [own.pk], "done, it leaves her desk"


def test_what_waits_on_a_person_stays_on_their_desk_while_its_owner_puts_it_aside(cast: Cast) -> None:
    on_imani = clock(due_at=NOW + 2 * DAY, waiting_on="Dr Imani Okoye", waiting_on_user_id=cast.imani.user_id)
    rosas = cast.loop(clocks=[on_imani])
    actions.snooze_loop(cast.rosa, loop_id=rosas.pk, until=NOW + DAY, reason="with Dr Imani", now=NOW)
    assert ids(desk(cast.rosa)) == []
    assert ids(desk(cast.imani)) == [rosas.pk]


def test_a_member_of_the_owning_team_who_is_waited_on_finds_it_once_in_each_tab(cast: Cast) -> None:
    on_rosa = clock(due_at=NOW - DAY, waiting_on="Rosa Delgado", waiting_on_user_id=cast.rosa.user_id)
    teams = cast.loop(owner=Owner(team_id=cast.team.pk), clocks=[on_rosa])
    for tab in (Tab.OURS, Tab.MINE, Tab.TEAMS, Tab.OVERDUE):
        assert ids(desk(cast.rosa, tab)) == [teams.pk], tab
    counts = {count.tab: count.count for count in desk(cast.rosa).counts}
    assert (counts[Tab.OURS], counts[Tab.MINE], counts[Tab.TEAMS]) == (1, 1, 1)


def test_what_waits_on_a_member_of_the_team_that_put_it_aside_stands_once_among_ours(cast: Cast) -> None:
    on_rosa = clock(due_at=NOW + 2 * DAY, waiting_on="Rosa Delgado", waiting_on_user_id=cast.rosa.user_id)
    teams = cast.loop(owner=Owner(team_id=cast.team.pk), clocks=[on_rosa])
    actions.snooze_loop(cast.tom, loop_id=teams.pk, until=NOW + DAY, reason="Rosa is away", now=NOW)
    assert (ids(desk(cast.rosa, Tab.OURS)), ids(desk(cast.rosa, Tab.TEAMS))) == ([teams.pk], [])
    assert ids(desk(cast.tom, Tab.OURS)) == []
    awake = queries.desk_page(cast.rosa, now=NOW + DAY, zone=NEW_YORK)
    assert (awake.tab, ids(awake)) == (Tab.OURS, [teams.pk])


def test_mine_and_my_teams_stand_in_one_order_page_after_page(cast: Cast) -> None:
    owners = [Owner(user_id=cast.rosa.user_id), Owner(team_id=cast.team.pk)]
    made = [cast.loop(owner=owners[number % 2], due_at=NOW + number * timedelta(hours=1)) for number in range(5)]
    first = desk(cast.rosa, Tab.OURS, limit=3)
    second = desk(cast.rosa, Tab.OURS, limit=3, after=first.next_after)
    assert ids(first) + ids(second) == [loop.pk for loop in made]
    assert second.next_after == ""
    assert ids(desk(cast.imani, Tab.OURS)) == [], "she is in no team of theirs"


def test_today_holds_what_is_due_today_at_every_priority(cast: Cast) -> None:
    soon = NOW + timedelta(hours=3)
    loops = [cast.loop(due_at=soon, priority=priority) for priority in ("clinical", "urgent", "routine")]
    cast.loop(due_at=NOW - timedelta(hours=1), priority="urgent")
    cast.loop(due_at=NOW + DAY, priority="clinical")
    assert ids(desk(cast.rosa, Tab.TODAY)) == [loop.pk for loop in loops]


def test_an_owner_who_lost_sight_of_the_patient_is_not_shown_them(cast: Cast) -> None:
    cast.loop()
    with writes_open():
        cast.walter.sites.update(site=cast.hillside)
    assert ids(desk(cast.rosa)) == []
    assert ids(desk(cast.marta, Tab.ALL)) == []


def test_pages_follow_each_other_without_a_gap_or_a_repeat(cast: Cast) -> None:
    same = NOW + DAY
    loops = [cast.loop(due_at=same) for _ in range(5)] + [cast.loop(due_at=NOW + 2 * DAY) for _ in range(2)]
    seen: list[int] = []
    after = ""
    while True:
        page = desk(cast.rosa, limit=3, after=after, with_counts=False)
        assert page.counts == ()
        seen += ids(page)
        after = page.next_after
        if not after:
            break
    assert seen == [loop.pk for loop in loops]
    for broken in ("x", "2026-01-01T00:00:00~1", "2026-01-01T00:00:00+00:00~x"):
        with pytest.raises(BadCursor):
            desk(cast.rosa, after=broken)


def test_a_hundred_hidden_rows_do_not_shorten_a_page(cast: Cast) -> None:
    with writes_open():
        hidden = patient("Hidden", "One", cast.hillside)
    rows = [cast.loop(actor=SYSTEM, patient=hidden, due_at=NOW + DAY) for _ in range(70)]
    shown = [cast.loop(due_at=NOW + 2 * DAY) for _ in range(3)]
    assert rows
    assert ids(desk(cast.rosa, limit=10)) == [loop.pk for loop in shown]


def test_grouped_one_call_settles_everything_of_a_patient(cast: Cast) -> None:
    first = cast.loop(due_at=NOW + DAY)
    olgas = cast.loop(patient=cast.olga, due_at=NOW + 2 * DAY)
    second = cast.loop(due_at=NOW + 3 * DAY)
    page = desk(cast.rosa, group=True)
    assert [(group.patient.name, [row.id for row in group.rows]) for group in page.groups] == [
        ("Walter Ng", [first.pk, second.pk]),
        ("Olga Petrova", [olgas.pk]),
    ]
    one = desk(cast.rosa, group=True, limit=1)
    assert [group.patient.name for group in one.groups] == ["Walter Ng"]
    two = desk(cast.rosa, group=True, limit=1, after=one.next_after)
    assert [group.patient.name for group in two.groups] == ["Olga Petrova"]
    assert two.next_after == ""


def test_filters_narrow_a_tab(cast: Cast) -> None:
    task = cast.loop(kind="task", priority="urgent")
    errand = cast.loop(patient=cast.olga)
    for filters, found in (
        (DeskFilters(kinds=("task",)), [task]),
        (DeskFilters(priority="urgent"), [task]),
        (DeskFilters(patient_id=cast.olga.pk), [errand]),
        (DeskFilters(site_id=cast.hillside.pk), []),
        (DeskFilters(owner=Owner(user_id=cast.rosa.user_id)), [task, errand]),
        (DeskFilters(owner=Owner(team_id=cast.team.pk)), []),
    ):
        assert ids(desk(cast.rosa, Tab.ALL, filters=filters)) == [loop.pk for loop in found]


def test_a_row_says_who_needs_an_interpreter_and_who_must_not_be_texted(cast: Cast) -> None:
    with writes_open():
        cast.olga.spoken_language, cast.olga.interpreter_needed = "ru", True
        cast.olga.save()
        ContactPoint.objects.create(
            patient=cast.walter, kind="phone", value="1", value_key="1", may_text=True, added_at=NOW
        )
    cast.loop(patient=cast.olga)
    cast.loop(about=About(type="orders.referral", id=4), kind="test_managed", due_at=NOW + 2 * DAY)
    olga, walter = desk(cast.rosa).rows
    assert (olga.patient.language, olga.patient.interpreter_needed, olga.patient.do_not_text) == ("ru", True, True)
    assert (walter.patient.language, walter.patient.do_not_text) == ("", False)
    assert walter.managed_url == "/loops/4/take/"
    assert walter.missing == ("Done",)
    assert (olga.is_mine, olga.owner_name, olga.covering) == (True, "Rosa Delgado", False)


def test_reading_the_desk_notes_whom_it_showed(cast: Cast) -> None:
    cast.loop()
    with collecting_seen() as seen:
        desk(cast.rosa)
    assert seen.patient_ids == {cast.walter.pk}


def test_who_meets_no_patients_has_no_desk(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        desk(Actor(user_id=1, name="Privacy", assignments=frozenset({("privacy_officer", None)})))
    with pytest.raises(Forbidden):
        queries.load(cast.rosa, now=NOW, zone=NEW_YORK)


def test_a_page_asks_the_database_the_same_few_questions_however_many_rows(cast: Cast) -> None:
    for number in range(6):
        cast.loop(due_at=NOW + number * DAY)
    with CaptureQueriesContext(connection) as few:
        desk(cast.rosa, limit=2)
    with CaptureQueriesContext(connection) as many:
        desk(cast.rosa, limit=6)
    assert len(many) == len(few)
    assert len(few) <= 16


def test_counts_stop_at_a_hundred(cast: Cast) -> None:
    loop = cast.loop()
    with writes_open():
        rows = []
        for _ in range(101):
            copy = Loop.objects.get(pk=loop.pk)
            copy.pk = None
            rows.append(copy)
        Loop.objects.bulk_create(rows)
    ours, count = queries.tab_counts(cast.rosa, now=NOW, zone=NEW_YORK)[:2]
    assert (ours.tab, ours.words) == (Tab.OURS, "99+")
    assert (count.tab, count.count, count.words) == (Tab.MINE, 100, "99+")
    everything = queries.tab_counts(cast.rosa, now=NOW, zone=NEW_YORK)[-1]
    assert (everything.tab, everything.words) == (Tab.ALL, "102"), "of all the figure is asked for"
    assert queries.TabCount(tab=Tab.ALL, count=queries.MOST_COUNTED_OF_ALL).words == "9,999+"


def test_a_story_tells_what_happened_what_is_missing_and_what_may_be_done(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + DAY, evidence="asked"), clock(due_at=NOW - DAY, rule_id="b")])
    actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="asked", note="Ann", now=NOW)
    actions.void_clock(cast.rosa, loop_id=loop.pk, rule_id="b", reason="twice", now=NOW)
    told = queries.loop_story(cast.rosa, loop_id=loop.pk, now=NOW)
    assert [line.what for line in told.story] == ["clock_voided", "evidence", "opened"]
    assert {each.state for each in told.clocks} == {"kept", "dropped"}
    assert told.row.missing == ("The pharmacy answered",)
    assert told.evidence[0].note == "Ann"
    assert dict(told.accepted)["attempt"] == "Attempt"
    assert "loops.give_up" in told.may
    assert told.story[0].undo_until is None
    actions.take_loop(cast.rosa, loop_id=loop.pk, now=NOW)
    told = queries.loop_story(cast.rosa, loop_id=loop.pk, now=NOW)
    assert told.story[0].undo_until == NOW + timedelta(seconds=10)
    actions.give_up_loop(cast.rosa, loop_id=loop.pk, reason="moved", now=NOW)
    ended = queries.loop_story(cast.rosa, loop_id=loop.pk, now=NOW)
    assert (ended.may, ended.accepted, ended.row.why) == (frozenset(), (), ())
    for unseen in (loop.pk, 0):
        with pytest.raises(NotFound):
            queries.loop_story(cast.pat, loop_id=unseen, now=NOW)
    with pytest.raises(Forbidden):
        queries.get_loop(Actor(user_id=1, name="x"), loop_id=loop.pk, now=NOW)


def test_running_and_late_clocks_are_told_apart(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + DAY), clock(due_at=NOW - DAY, rule_id="b")])
    told = queries.loop_story(cast.rosa, loop_id=loop.pk, now=NOW)
    assert [each.state for each in told.clocks] == ["late", "running"]


def test_a_patients_loops_and_timeline_are_for_those_who_see_the_patient(cast: Cast) -> None:
    open_one, ended = cast.loop(), cast.loop()
    actions.give_up_loop(cast.rosa, loop_id=ended.pk, reason="moved", now=NOW + DAY)
    assert [row.id for row in queries.open_loops_of(cast.rosa, patient=cast.walter, now=NOW)] == [open_one.pk]
    assert [row.id for row in queries.ended_loops_of(cast.rosa, patient=cast.walter, now=NOW)] == [ended.pk]
    entries = queries.timeline(cast.rosa, patient=cast.walter, now=NOW)
    assert entries[0].title == "Given up: Refill for Walter"
    assert entries[0].detail == "moved (Rosa Delgado)"
    assert len(queries.timeline(cast.rosa, patient=cast.walter, before=NOW + DAY, now=NOW)) == 2
    assert queries.timeline(cast.rosa, patient=cast.walter, kinds=["visit"], now=NOW) == ()
    with pytest.raises(NotFound):
        queries.open_loops_of(cast.pat, patient=cast.walter, now=NOW)
    with pytest.raises(Forbidden):
        queries.timeline(Actor(user_id=1, name="x"), patient=cast.walter, now=NOW)


def test_notices_reach_who_was_told_and_can_still_see_the_patient(cast: Cast) -> None:
    loop = cast.loop()
    actions.escalate_loops(SYSTEM, now=NOW + DAY)
    assert [notice.loop_id for notice in queries.notices(cast.rosa, now=NOW)] == [loop.pk]
    with writes_open():
        cast.walter.sites.update(site=cast.hillside)
    assert queries.notices(cast.rosa, now=NOW) == ()


def test_the_board_shows_everyones_load_and_who_is_covered(cast: Cast) -> None:
    cast.loop(due_at=NOW - DAY)
    cast.loop(due_at=NOW + timedelta(hours=1))
    cast.loop(owner=Owner(team_id=cast.team.pk), priority="urgent")
    columns = {each.name: each for each in queries.load(cast.marta, now=NOW, zone=NEW_YORK)}
    rosa = columns["Rosa Delgado"]
    assert (rosa.open, rosa.late, rosa.today, rosa.escalated) == (2, 1, 1, 0)
    assert columns["Care coordination"].open == 1
    assert columns["Tom Baker"].open == 0
    assert "Pat Lind" not in columns
    everywhere = {each.name for each in queries.load(cast.chief, now=NOW, zone=NEW_YORK)}
    assert "Pat Lind" in everywhere
    actions.hand_over(
        cast.marta, from_user_id=cast.rosa.user_id or 0, to=[Owner(team_id=cast.team.pk)], reason="ill", now=NOW
    )
    columns = {each.name: each for each in queries.load(cast.marta, now=NOW, zone=NEW_YORK)}
    rosa = columns["Rosa Delgado"]
    assert (rosa.is_away, rosa.covered_by, rosa.away_reason) == (True, ("Care coordination",), "ill")
    choices = queries.covering_choices(tuple(columns.values()), now=NOW)
    assert f"user:{cast.rosa.user_id}" not in dict(choices)
    assert queries.open_count(user_id=cast.rosa.user_id or 0) == 0
    covers = dict(queries.covering_choices(tuple(columns.values()), absent_id=cast.tom.user_id, now=NOW))
    assert f"user:{cast.tom.user_id}" not in covers, "nobody covers for themselves"
    assert f"team:{cast.team.pk}" in covers
    assert list(covers)[-1] == f"team:{cast.team.pk}", "one order of people and teams, the least busy first"


def test_those_nearest_to_the_absent_colleague_stand_first(cast: Cast) -> None:
    with writes_open():
        olga = person("Olga Team", Role.CLINICIAN, cast.hillside, team=cast.team)
        vera = person("Vera Same", Role.COORDINATOR, cast.riverside)
    columns = queries.load(cast.chief, now=NOW, zone=NEW_YORK)
    covers = dict(queries.covering_choices(columns, near_id=cast.tom.user_id, absent_id=cast.tom.user_id, now=NOW))
    nearest = [f"team:{cast.team.pk}", *(f"user:{one.user_id}" for one in (olga, cast.rosa, vera, cast.pat))]
    assert list(covers)[:5] == nearest, "the team and its members, role and site, then the role"
    assert list(covers).index(f"user:{cast.imani.user_id}") > 4, "the site alone comes after"
    assert covers[f"user:{cast.pat.user_id}"] == "Pat Lind (0) · Care coordinator, Hillside"
    assert covers[f"team:{cast.team.pk}"] == "Care coordination (0) · Riverside"


def test_owner_choices_list_teams_and_people_with_their_load(cast: Cast) -> None:
    cast.loop()
    cast.loop(owner=Owner(team_id=cast.team.pk))
    choices = queries.owner_choices(cast.rosa, site_id=cast.riverside.pk, now=NOW)
    assert [(choice.name, choice.open_loops) for choice in choices][:2] == [
        ("Care coordination", 1), ("Ada Chief", 0),
    ]  # fmt: skip
    assert {choice.name: choice.open_loops for choice in choices}["Rosa Delgado"] == 1
    with writes_open():
        person("Adam Novak", Role.ADMINISTRATOR, cast.riverside)
        person("Priya Nair", Role.PRIVACY_OFFICER, None)
    assert queries.owner_choices(cast.rosa, site_id=cast.riverside.pk, now=NOW) == choices, (
        "only those who may take one"
    )
    assert queries.owner_from_value("team:x") is None
    assert queries.owner_from_value("room:3") is None
