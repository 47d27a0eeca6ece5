"""Opening, moving and ending promises: the change, the audit entry, the fact, and the story."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from liaison.core.actor import Actor
from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops import actions, events
from liaison.loops.models import Clock, Evidence, Loop, LoopEvent, Notice
from liaison.loops.ports import About, NextStep, Owner
from liaison.loops.queries import loop_story
from liaison.loops.tests.cast import NOW, SYSTEM, Cast, clock

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def entries(verb: str, outcome: str = "done") -> int:
    return AuditEntry.objects.filter(verb=verb, outcome=outcome).count()


def story(loop: Loop) -> list[str]:
    return list(LoopEvent.objects.filter(loop=loop).order_by("id").values_list("sentence", flat=True))


def test_opening_a_promise_writes_it_its_clocks_its_story_and_the_audit_entry(cast: Cast, facts: list[Fact]) -> None:
    later, sooner = clock(due_at=NOW + 5 * DAY, rule_id="a"), clock(due_at=NOW + DAY, rule_id="b", step="Call")
    loop = cast.loop(clocks=[later, sooner], about=About(type="orders.referral", id=7), reason="asked by June")
    assert (loop.next_step, loop.due_at, loop.site) == ("Call", NOW + DAY, cast.riverside)
    assert loop.required_evidence == ["asked", "answered"]
    assert Clock.objects.filter(loop=loop).count() == 2
    assert story(loop) == ["Opened: Refill for Walter."]
    entry = AuditEntry.objects.get(verb="loops.open")
    assert (entry.patient_ids, entry.subject_id, entry.reason) == ([cast.walter.pk], loop.pk, "asked by June")
    assert facts == [
        events.LoopOpened(
            at=NOW, loop_id=loop.pk, kind="test_errand", patient_id=cast.walter.pk,
            about_type="orders.referral", about_id=7,
        )
    ]  # fmt: skip


def test_a_promise_without_a_clock_is_a_bug(cast: Cast) -> None:
    with pytest.raises(ValueError, match="at least one clock"):
        cast.loop(clocks=[])


def test_pat_at_another_site_can_not_open_or_take_one_of_walters(cast: Cast) -> None:
    with pytest.raises(NotFound):
        cast.loop(actor=cast.pat)
    loop = cast.loop()
    with pytest.raises(NotFound):
        actions.take_loop(cast.pat, loop_id=loop.pk, now=NOW)
    assert entries("loops.take", "refused") == 1
    with pytest.raises(NotFound):
        actions.take_loop(cast.rosa, loop_id=0, now=NOW)


def test_the_same_once_key_opens_one_loop_only(cast: Cast) -> None:
    first = cast.loop(once_key="admission:1")
    again = cast.loop(once_key="admission:1", title="Another")
    assert again.pk == first.pk
    assert Loop.objects.count() == 1


def test_a_teams_loop_belongs_to_the_teams_site(cast: Cast) -> None:
    loop = cast.loop(owner=Owner(team_id=cast.team.pk))
    assert (loop.owner_team_id, loop.owner_user_id, loop.site) == (cast.team.pk, None, cast.riverside)


def test_a_patient_without_a_site_is_refused_in_words(cast: Cast) -> None:
    from liaison.loops.queries import NoSite

    with writes_open():
        cast.walter.sites.all().delete()
    with pytest.raises(NoSite, match="belongs to no site"):
        cast.loop(actor=SYSTEM)


@pytest.mark.parametrize(
    ("column", "constraint"),
    [
        ("owner_user_id = NULL", "loop_has_exactly_one_owner"),
        ("next_step = ''", "loop_has_a_next_step"),
        ("due_at = NULL", 'null value in column "due_at"'),
        ("required_evidence = '{}'", "loop_requires_evidence"),
        (
            "state = 'closed', ended_at = now(), ended_by_name = 'x', evidence_kinds = '{asked}'",
            "loop_closed_has_its_evidence",
        ),
        ("state = 'given_up', ended_at = now(), ended_by_name = 'x'", "loop_given_up_has_a_reason"),
        ("state = 'given_up', given_up_reason = 'x'", "loop_ended_says_when_and_by_whom"),
        ("snoozed_until = due_at + interval '1 second', snooze_reason = 'x'", "loop_snooze_has_a_reason"),
        ("snoozed_until = due_at", "loop_snooze_has_a_reason"),
        ("urgent_at = due_at + interval '1 second'", "loop_rises_no_later_than_due"),
        ("priority = 'asap'", "loop_known_priority"),
        ("state = 'lost', ended_at = now(), ended_by_name = 'x'", "loop_known_state"),
        ("about_type = 'x'", "loop_about_is_a_pair"),
    ],
)
def test_the_database_itself_refuses_what_must_be_impossible(cast: Cast, column: str, constraint: str) -> None:
    cast.loop()
    with writes_open(), pytest.raises(IntegrityError, match=constraint), connection.cursor() as cursor:
        cursor.execute(f"UPDATE loops_loop SET {column}")


def test_taking_a_teams_loop_makes_it_mine_and_says_so_live(cast: Cast, facts: list[Fact]) -> None:
    loop = cast.loop(owner=Owner(team_id=cast.team.pk))
    taken = actions.take_loop(cast.rosa, loop_id=loop.pk, now=NOW, expected_version=1)
    assert (taken.owner_user_id, taken.owner_team_id, taken.version) == (cast.rosa.user_id, None, 2)
    assert story(loop)[-1] == "Rosa Delgado took this."
    assert entries("loops.take") == 1
    assert isinstance(facts[-1], events.LoopAssigned)


def test_a_stale_form_is_refused_and_told_who_was_first(cast: Cast) -> None:
    loop = cast.loop()
    actions.take_loop(cast.tom, loop_id=loop.pk, now=NOW, expected_version=1)
    with pytest.raises(actions.LoopChanged, match=r"Tom Baker was here first, at 10:00: Tom Baker took this\."):
        actions.take_loop(cast.rosa, loop_id=loop.pk, now=NOW, expected_version=1)
    assert entries("loops.take", "refused") == 1
    with writes_open():
        LoopEvent.objects.all().delete()
    with pytest.raises(actions.LoopChanged, match="Someone changed this"):
        actions.take_loop(cast.rosa, loop_id=loop.pk, now=NOW, expected_version=1)


def test_giving_it_away_refuses_a_colleague_who_can_not_see_the_patient(cast: Cast) -> None:
    loop = cast.loop()
    given = actions.assign_loop(
        cast.rosa, loop_id=loop.pk, to=Owner(user_id=cast.tom.user_id), reason="knows him", now=NOW
    )
    assert given.owner_user_id == cast.tom.user_id
    with pytest.raises(actions.OwnerCannotSee) as refused:
        actions.assign_loop(cast.rosa, loop_id=loop.pk, to=Owner(user_id=cast.pat.user_id), now=NOW)
    assert set(refused.value.fields) == {"owner"}
    with pytest.raises(actions.OwnerCannotSee):
        actions.assign_loop(cast.rosa, loop_id=loop.pk, to=Owner(user_id=0), now=NOW)
    with pytest.raises(NotFound):
        actions.assign_loop(cast.rosa, loop_id=loop.pk, to=Owner(team_id=0), now=NOW)


def test_a_snooze_needs_a_reason_and_never_passes_the_due_time(cast: Cast) -> None:
    loop = cast.loop()
    with pytest.raises(actions.ReasonNeeded):
        actions.snooze_loop(cast.rosa, loop_id=loop.pk, until=NOW + DAY, reason=" ", now=NOW)
    with pytest.raises(actions.SnoozePastDue):
        actions.snooze_loop(cast.rosa, loop_id=loop.pk, until=NOW + 2 * DAY, reason="busy", now=NOW)
    slept = actions.snooze_loop(cast.rosa, loop_id=loop.pk, until=NOW + DAY / 2, reason="at work", now=NOW)
    assert slept.snoozed_until == NOW + DAY / 2
    sooner = clock(due_at=NOW + DAY / 4, rule_id="other")
    actions.start_clock(cast.rosa, loop_id=loop.pk, clock=sooner, now=NOW)
    loop.refresh_from_db()
    assert loop.snoozed_until is None, "a sooner due time ends the snooze"
    actions.snooze_loop(cast.rosa, loop_id=loop.pk, until=NOW + DAY / 8, reason="at work", now=NOW)
    assert actions.wake_loop(cast.rosa, loop_id=loop.pk, now=NOW).snoozed_until is None


def test_a_step_by_hand_stands_beside_the_rules_clocks_and_is_ticked_off(cast: Cast) -> None:
    loop = cast.loop()
    with pytest.raises(actions.DueInThePast):
        actions.set_next_step(cast.rosa, loop_id=loop.pk, step=NextStep(words="Ring", due_at=NOW), now=NOW)
    with pytest.raises(actions.NoStepByHand):
        actions.finish_step(cast.rosa, loop_id=loop.pk, now=NOW)
    actions.set_next_step(cast.rosa, loop_id=loop.pk, step=NextStep(words="Ring June", due_at=NOW + DAY / 2), now=NOW)
    by_hand = actions.set_next_step(
        cast.rosa,
        loop_id=loop.pk,
        step=NextStep(words="Ring June again", due_at=NOW + DAY / 3, waiting_on="June"),
        now=NOW,
    )
    assert (by_hand.next_step, by_hand.waiting_on) == ("Ring June again", "June")
    assert Clock.objects.filter(loop=loop, rule_id="by_hand", voided_at=None).count() == 1
    assert actions.finish_step(cast.rosa, loop_id=loop.pk, now=NOW).next_step == "Ask the pharmacy"
    later = actions.set_next_step(
        cast.rosa, loop_id=loop.pk, step=NextStep(words="Much later", due_at=NOW + 9 * DAY), now=NOW
    )
    assert later.next_step == "Ask the pharmacy", "a later step never hides the rule's own"


def test_priority_is_raised_with_a_reason_and_moves_the_rank(cast: Cast) -> None:
    loop = cast.loop()
    with pytest.raises(actions.ReasonNeeded):
        actions.raise_priority(cast.rosa, loop_id=loop.pk, priority="clinical", reason="", now=NOW)
    raised = actions.raise_priority(cast.rosa, loop_id=loop.pk, priority="clinical", reason="chest pain", now=NOW)
    assert raised.urgent_at == raised.due_at - timedelta(days=14)
    assert raised.next_escalation_at == NOW, "a clinical loop is looked at at once"


def test_evidence_satisfies_the_clock_that_waits_for_it_and_the_rest_stays(cast: Cast, facts: list[Fact]) -> None:
    ask = clock(due_at=NOW + DAY, evidence="asked")
    answer = clock(due_at=NOW + 3 * DAY, rule_id="test.answer", step="Get the answer", evidence="answered")
    loop = cast.loop(clocks=[ask, answer])
    with pytest.raises(actions.UnknownEvidence):
        actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="sent", now=NOW)
    after = actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="asked", note="spoke to Ann", now=NOW)
    assert (after.next_step, after.state, after.evidence_kinds) == ("Get the answer", "open", ["asked"])
    assert Clock.objects.get(rule_id="test.ask").satisfied_by.startswith("evidence:")
    assert facts[-1].evidence == "asked"  # type: ignore[attr-defined]  # this kind of fact has it
    with pytest.raises(actions.EvidenceMissing, match="The pharmacy answered"):
        actions.close_loop(cast.rosa, loop_id=loop.pk, now=NOW)
    ready = actions.add_evidence(
        cast.rosa, loop_id=loop.pk, kind="answered", now=NOW, about=About(type="inbox.message", id=3)
    )
    assert ready.next_step == "Close it: all the evidence is in"
    closed = actions.close_loop(cast.rosa, loop_id=loop.pk, now=NOW, note="all well")
    assert (closed.state, closed.ended_by_id) == ("closed", cast.rosa.user_id)
    assert isinstance(facts[-1], events.LoopClosed)
    with pytest.raises(actions.NotOpen):
        actions.take_loop(cast.rosa, loop_id=loop.pk, now=NOW)


def test_without_a_running_clock_the_step_says_what_is_missing(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + DAY, evidence="attempt")])
    after = actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="attempt", now=NOW)
    assert after.next_step == "Get the evidence: Asked the pharmacy"
    assert after.due_at == NOW + DAY


def test_a_task_closes_itself_with_its_proof(cast: Cast) -> None:
    loop = cast.loop(kind="task")
    done = actions.add_evidence_by_hand(
        cast.rosa, loop_id=loop.pk, kind="done", note="posted it", now=NOW, expected_version=1
    )
    assert done.state == "closed"
    assert Clock.objects.get(loop=loop).voided_reason == "The loop closed."
    assert story(loop)[-1] == "Done, and how: posted it. Closed."


def test_giving_up_needs_a_reason_and_keeps_it(cast: Cast, facts: list[Fact]) -> None:
    loop = cast.loop()
    with pytest.raises(actions.ReasonNeeded):
        actions.give_up_loop(cast.rosa, loop_id=loop.pk, reason="", now=NOW)
    ended = actions.give_up_loop_by_hand(cast.rosa, loop_id=loop.pk, reason="moved away", now=NOW, expected_version=1)
    assert (ended.state, ended.given_up_reason, ended.next_escalation_at) == ("given_up", "moved away", None)
    assert isinstance(facts[-1], events.LoopGivenUp)
    assert Clock.objects.get(loop=loop).voided_reason == "Given up: moved away"


def test_a_loop_that_is_managed_elsewhere_is_not_ended_on_the_desk(cast: Cast) -> None:
    loop = cast.loop(kind="test_managed")
    with pytest.raises(actions.ManagedElsewhere):
        actions.add_evidence_by_hand(cast.rosa, loop_id=loop.pk, kind="done", note="", now=NOW, expected_version=1)
    with pytest.raises(actions.ManagedElsewhere):
        actions.close_loop_by_hand(cast.rosa, loop_id=loop.pk, now=NOW, expected_version=1)
    with pytest.raises(NotFound):
        actions.close_loop_by_hand(cast.rosa, loop_id=0, now=NOW, expected_version=1)
    errand = cast.loop()
    for kind in ("asked", "answered"):
        actions.add_evidence(cast.rosa, loop_id=errand.pk, kind=kind, now=NOW)
    assert actions.close_loop_by_hand(cast.rosa, loop_id=errand.pk, now=NOW, expected_version=3).state == "closed"


def test_a_loop_of_another_site_can_not_be_told_from_none(cast: Cast) -> None:
    managed = cast.loop(kind="test_managed")
    for loop_id in (managed.pk, cast.loop().pk, 0):
        with pytest.raises(NotFound):
            actions.add_evidence_by_hand(cast.pat, loop_id=loop_id, kind="done", note="", now=NOW, expected_version=1)
        with pytest.raises(NotFound):
            actions.close_loop_by_hand(cast.pat, loop_id=loop_id, now=NOW, expected_version=1)
        with pytest.raises(NotFound):
            actions.give_up_loop_by_hand(cast.pat, loop_id=loop_id, reason="x", now=NOW, expected_version=1)


def test_clocks_move_on_with_what_the_loop_is_about(cast: Cast) -> None:
    loop = cast.loop()
    with pytest.raises(ValueError, match="Say either"):
        actions.advance_loop(cast.rosa, loop_id=loop.pk, sentence="x", clocks=[], now=NOW)
    moved = actions.advance_loop(
        cast.rosa, loop_id=loop.pk, sentence="It was received.", satisfied_by="referral:1",
        clocks=[clock(due_at=NOW + 4 * DAY, rule_id="decide", step="Get a decision")], now=NOW,
    )  # fmt: skip
    assert moved.next_step == "Get a decision"
    first = Clock.objects.get(rule_id="test.ask")
    assert (first.satisfied_by, first.satisfied_at) == ("referral:1", NOW)
    actions.restart_clock(
        cast.rosa, loop_id=loop.pk, reason="wrong date", now=NOW,
        clock=clock(due_at=NOW + 2 * DAY, rule_id="decide", step="Get a decision"),
    )  # fmt: skip
    old, new = Clock.objects.filter(rule_id="decide").order_by("pk")
    assert (old.voided_reason, new.replaces_id, new.running) == ("wrong date", old.pk, True)
    actions.restart_clock(
        cast.rosa, loop_id=loop.pk, clock=clock(due_at=NOW + 9 * DAY, rule_id="new"), reason="x", now=NOW
    )
    actions.void_clock(cast.rosa, loop_id=loop.pk, rule_id="new", reason="not needed", now=NOW)
    after = actions.satisfy_clock(cast.rosa, loop_id=loop.pk, rule_id="decide", by="call:1", now=NOW)
    assert after.next_step == "Get the evidence: Asked the pharmacy"
    assert "Done: Get a decision." in story(loop)


def test_undo_puts_everything_back_within_ten_seconds(cast: Cast, facts: list[Fact]) -> None:
    loop = cast.loop(kind="task", clocks=[clock(due_at=NOW + DAY, evidence="done")])
    actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="done", note="oops", now=NOW)
    with pytest.raises(actions.TooLateToUndo):
        actions.undo_last_change(cast.tom, loop_id=loop.pk, now=NOW)
    back = actions.undo_last_change(cast.rosa, loop_id=loop.pk, now=NOW + timedelta(seconds=9))
    assert (back.state, back.evidence_kinds, back.next_step) == ("open", [], "Ask the pharmacy")
    assert back.due_at == NOW + DAY
    assert Clock.objects.get(loop=loop).running
    assert Evidence.objects.get(loop=loop).withdrawn_at is not None
    assert isinstance(facts[-1], events.LoopReopened)
    again = actions.undo_last_change(cast.rosa, loop_id=loop.pk, now=NOW + timedelta(seconds=9))
    assert again.version == back.version, "a second press takes nothing more back"
    with pytest.raises(actions.TooLateToUndo):
        actions.undo_last_change(cast.tom, loop_id=loop.pk, now=NOW + timedelta(seconds=9))
    actions.take_loop(cast.rosa, loop_id=loop.pk, now=NOW)
    with pytest.raises(actions.TooLateToUndo):
        actions.undo_last_change(cast.rosa, loop_id=loop.pk, now=NOW + timedelta(seconds=30))
    actions.take_loop(cast.tom, loop_id=loop.pk, now=NOW)
    undone = actions.undo_last_change(cast.tom, loop_id=loop.pk, now=NOW)
    assert undone.owner_user_id == cast.rosa.user_id
    with writes_open():
        LoopEvent.objects.all().delete()
    with pytest.raises(actions.TooLateToUndo):
        actions.undo_last_change(cast.rosa, loop_id=loop.pk, now=NOW)


def test_the_ladder_steps_once_per_level_and_tells_each_person_once(cast: Cast, facts: list[Fact]) -> None:
    loop = cast.loop(due_at=NOW + DAY)  # Thursday 10:00
    assert loop.next_escalation_at == NOW + DAY, "its first rung, the morning before, has passed"
    assert actions.escalate_loops(SYSTEM, now=NOW) == 0
    due = NOW + DAY
    assert actions.escalate_loops(SYSTEM, now=due) == 1
    assert actions.escalate_loops(SYSTEM, now=due) == 0
    loop.refresh_from_db()
    assert (loop.escalation_level, loop.priority) == (2, "urgent")
    told = set(Notice.objects.filter(loop=loop, level=2).values_list("user_id", flat=True))
    assert told == {cast.rosa.user_id, cast.tom.user_id}
    assert isinstance(facts[-1], events.LoopEscalated)
    actions.escalate_loops(SYSTEM, now=due + 4 * DAY)  # Monday: two business days late
    assert set(Notice.objects.filter(level=3).values_list("user_id", flat=True)) == {
        cast.marta.user_id, cast.chief.user_id,
    }  # fmt: skip
    actions.escalate_loops(SYSTEM, now=due + 30 * DAY)
    assert Notice.objects.get(level=5).user_id == cast.chief.user_id
    loop.refresh_from_db()
    assert loop.next_escalation_at is None
    assert not Notice.objects.filter(level=4).exists(), "a rung that was slept through is not told afterwards"


def test_what_was_late_when_it_was_opened_climbs_from_then_on(cast: Cast) -> None:
    loop = cast.loop(due_at=NOW - 10 * DAY)
    assert (loop.due_at, loop.urgent_at, loop.escalation_level) == (NOW - 10 * DAY, NOW - 10 * DAY, 0)
    assert actions.escalate_loops(SYSTEM, now=NOW) == 1
    loop.refresh_from_db()
    assert (loop.escalation_level, loop.priority) == (2, "urgent"), "its owner and team know at once"
    assert loop.next_escalation_at == NOW + DAY, "the supervisor a business day later"
    actions.escalate_loops(SYSTEM, now=NOW + DAY)
    loop.refresh_from_db()
    assert loop.escalation_level == 3


def test_someone_on_it_stops_the_ladder_until_the_due_time_moves(cast: Cast) -> None:
    loop = cast.loop()
    actions.escalate_loops(SYSTEM, now=NOW + DAY)
    stopped = actions.acknowledge_loop(cast.rosa, loop_id=loop.pk, now=NOW + DAY)
    assert stopped.next_escalation_at is None
    assert not Notice.objects.filter(seen_at=None).exists()
    moved = actions.restart_clock(
        cast.rosa, loop_id=loop.pk, clock=clock(due_at=NOW + 5 * DAY), reason="moved", now=NOW + DAY
    ).loop
    moved.refresh_from_db()
    assert moved.next_escalation_at is not None


def test_what_else_happens_to_the_step_does_not_start_a_stopped_ladder_again(cast: Cast) -> None:
    loop = cast.loop(due_at=NOW - 5 * DAY)
    actions.escalate_loops(SYSTEM, now=NOW)
    actions.acknowledge_loop(cast.rosa, loop_id=loop.pk, now=NOW)
    actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="attempt", now=NOW)
    assert actions.escalate_loops(SYSTEM, now=NOW + 30 * DAY) == 0
    loop.refresh_from_db()
    assert (loop.acknowledged_at, loop.next_escalation_at, loop.escalation_level) == (NOW, None, 2)
    assert "loops.acknowledge" not in loop_story(cast.tom, loop_id=loop.pk, now=NOW).may, "Rosa is on it"
    raised = actions.raise_priority(cast.rosa, loop_id=loop.pk, priority="clinical", reason="worse", now=NOW)
    assert (raised.acknowledged_at, raised.next_escalation_at) == (None, NOW)
    assert "loops.acknowledge" in loop_story(cast.tom, loop_id=loop.pk, now=NOW).may


def test_the_top_rung_is_reached_once(cast: Cast) -> None:
    loop = cast.loop(due_at=NOW - 60 * DAY, now=NOW - 60 * DAY)
    actions.escalate_loops(SYSTEM, now=NOW)
    for day in range(3):
        actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="attempt", note=str(day), now=NOW + day * DAY)
        assert actions.escalate_loops(SYSTEM, now=NOW + day * DAY) == 0
    loop.refresh_from_db()
    assert (loop.escalation_level, loop.next_escalation_at) == (5, None)
    assert LoopEvent.objects.filter(loop=loop, what="escalated").count() == 1


def test_taking_back_that_one_is_on_it_shows_the_notices_again(cast: Cast) -> None:
    loop = cast.loop(due_at=NOW - 5 * DAY)
    actions.escalate_loops(SYSTEM, now=NOW)
    seen, *unseen = loop.notices.order_by("pk")
    with writes_open():
        seen.seen_at = NOW - DAY
        seen.save()
    actions.acknowledge_loop(cast.rosa, loop_id=loop.pk, now=NOW)
    undone = actions.undo_last_change(cast.rosa, loop_id=loop.pk, now=NOW + timedelta(seconds=3))
    assert (undone.acknowledged_at, undone.next_escalation_at is None) == (None, False)
    assert set(loop.notices.filter(seen_at=None)) == set(unseen)


def test_a_story_says_days_and_times_that_stay_true(cast: Cast) -> None:
    loop = cast.loop()
    soon = NOW + timedelta(minutes=40)
    actions.snooze_loop(cast.rosa, loop_id=loop.pk, until=soon, reason="x", now=NOW)
    actions.set_next_step(cast.rosa, loop_id=loop.pk, step=NextStep(words="Ring", due_at=soon), now=NOW)
    said = LoopEvent.objects.filter(loop=loop).order_by("pk").values_list("sentence", flat=True)
    assert list(said)[1:] == ["Put aside until Wed, Mar 4, 2026, 10:40.", "Next: Ring, by Wed, Mar 4, 2026, 10:40."]


def test_a_clinical_loop_reaches_the_clinicians_at_once(cast: Cast) -> None:
    loop = cast.loop(priority="clinical", owner=Owner(team_id=cast.team.pk))
    assert actions.escalate_loops(SYSTEM, now=NOW) == 1
    told = set(Notice.objects.filter(loop=loop).values_list("user_id", flat=True))
    assert told == {cast.rosa.user_id, cast.tom.user_id, cast.imani.user_id}
    actions.escalate_loops(SYSTEM, now=NOW + 2 * DAY)
    loop.refresh_from_db()
    assert loop.escalation_level == 3


def test_a_ladder_that_names_nobody_known_is_a_bug(cast: Cast) -> None:
    from liaison.loops.queries import people_to_tell

    loop = cast.loop()
    with pytest.raises(ValueError, match="janitor"):
        people_to_tell(loop, roles=["janitor"], now=NOW)


def test_a_rung_that_nothing_new_reached_is_only_put_off(cast: Cast) -> None:
    loop = cast.loop(due_at=NOW + 20 * DAY)
    with writes_open():
        Loop.objects.update(next_escalation_at=NOW)
    actions.escalate_loops(SYSTEM, now=NOW)
    loop.refresh_from_db()
    assert (loop.escalation_level, loop.version) == (0, 1)
    assert loop.next_escalation_at is not None
    assert loop.next_escalation_at > NOW


def test_only_marta_hands_a_desk_over(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        actions.hand_over(
            cast.rosa, from_user_id=cast.tom.user_id or 0, to=[Owner(team_id=cast.team.pk)], reason="x", now=NOW
        )


@pytest.mark.parametrize(
    "press",
    [
        lambda who, pk: actions.snooze_loop(who, loop_id=pk, until=NOW + timedelta(hours=1), reason=" ", now=NOW),
        lambda who, pk: actions.raise_priority(who, loop_id=pk, priority="urgent", reason="", now=NOW),
        lambda who, pk: actions.give_up_loop(who, loop_id=pk, reason="", now=NOW),
    ],
)
def test_who_may_not_is_told_that_and_not_what_is_missing_and_the_trail_keeps_it(
    cast: Cast, press: Callable[[Actor, int], Loop]
) -> None:
    loop = cast.loop()
    with pytest.raises(NotFound):
        press(cast.pat, loop.pk)
    kept = AuditEntry.objects.filter(actor_user_id=cast.pat.user_id, outcome="refused", refusal_code="core.not_found")
    assert kept.count() == 1
