"""Evidence that rested on a mistake: kept, void, and the loop goes on without it."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import IntegrityError, connection

from liaison.accounts.models import User
from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import NotFound
from liaison.loops import actions, events
from liaison.loops.models import Clock, Evidence, Loop, LoopEvent, WaitingPromise
from liaison.loops.ports import About, Mistake, NextStep, Owner
from liaison.loops.queries import loop_story
from liaison.loops.tests.cast import NOW, Cast, clock

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LATER = NOW + 3 * HOUR
CALL = About(type="inbox.call", id=12)
WRONG = Mistake(sentence="The call was entered by mistake.", reason="Wrong patient", about=CALL, events=("call:12",))


def prove(cast: Cast, loop: Loop, kind: str = "asked", *, about: About | None = CALL) -> None:
    actions.add_evidence(cast.rosa, loop_id=loop.pk, kind=kind, about=about, now=NOW)


def running(loop: Loop) -> list[str]:
    found = Clock.objects.filter(loop=loop, satisfied_at=None, voided_at=None)
    return list(found.order_by("due_at").values_list("step", flat=True))


def fresh(loop: Loop) -> Loop:
    return Loop.objects.get(pk=loop.pk)


def test_the_evidence_stays_with_who_voided_it_and_why_and_its_clock_runs_again(cast: Cast, facts: list[Fact]) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + 5 * HOUR, evidence="asked")])
    prove(cast, loop)
    assert fresh(loop).next_step == "Get the evidence: The pharmacy answered"
    facts.clear()
    assert actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER) == (loop.pk,)
    row = Evidence.objects.get()
    assert (row.withdrawn_at, row.withdrawn_by_name, row.withdrawn_reason) == (LATER, "Rosa Delgado", "Wrong patient")
    found = fresh(loop)
    assert (found.evidence_kinds, found.next_step, found.due_at) == ([], "Ask the pharmacy", NOW + 5 * HOUR)
    again, old = Clock.objects.order_by("-pk")
    assert (again.replaces_id, old.satisfied_by) == (old.pk, f"evidence:{row.pk}")
    assert facts == [
        events.EvidenceVoided(
            at=LATER, loop_id=loop.pk, kind="test_errand", patient_id=cast.walter.pk, evidence=("asked",)
        )
    ]
    line, told = LoopEvent.objects.order_by("-pk")[:2]
    assert (line.what, line.sentence, line.reason) == ("taken_back", WRONG.sentence, "Wrong patient")
    assert told.undone_at == LATER
    assert loop_story(cast.rosa, loop_id=loop.pk, now=LATER).evidence == ()
    entry = AuditEntry.objects.get(verb="loops.void_evidence")
    assert (entry.reason, entry.patient_ids) == ("Wrong patient", [cast.walter.pk])


def test_a_second_time_nothing_rests_on_it_any_more(cast: Cast) -> None:
    prove(cast, cast.loop())
    assert len(actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)) == 1
    assert actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER) == ()


def test_other_evidence_of_the_kind_keeps_its_clock_satisfied(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + HOUR, evidence="asked"), clock(due_at=NOW + 2 * HOUR, step="Wait")])
    prove(cast, loop)
    prove(cast, loop, about=None)
    actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)
    assert (fresh(loop).evidence_kinds, running(loop)) == (["asked"], ["Wait"])


def test_a_loop_that_closed_on_it_opens_again_with_its_clocks(cast: Cast, facts: list[Fact]) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + HOUR, evidence="asked"), clock(due_at=NOW + 9 * HOUR, step="Wait")])
    prove(cast, loop)
    prove(cast, loop, "answered", about=None)
    actions.close_loop(cast.rosa, loop_id=loop.pk, now=NOW + HOUR)
    actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)
    found = fresh(loop)
    assert (found.state, found.ended_at, found.ended_by_name, found.evidence_kinds) == ("open", None, "", ["answered"])
    assert running(loop) == ["Ask the pharmacy", "Wait"]
    assert found.next_escalation_at == LATER  # it is late already
    assert [type(fact) for fact in facts[-2:]] == [events.LoopReopened, events.EvidenceVoided]
    line, closed = LoopEvent.objects.order_by("-pk")[:2]
    assert (line.what, line.sentence) == ("reopened", "The call was entered by mistake. Open again.")
    assert (closed.what, closed.undone_at) == ("closed", LATER)


def test_what_its_closing_ended_is_found_by_a_code_and_not_by_what_people_read(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(step="Ring back", due_at=NOW + 5 * HOUR)])
    prove(cast, loop)
    prove(cast, loop, "answered", about=None)
    actions.close_loop(cast.rosa, loop_id=loop.pk, now=NOW)
    with writes_open():
        Clock.objects.update(voided_reason="It was closed.")
    actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)
    assert (fresh(loop).state, running(loop)) == ("open", ["Ring back"])
    assert not Clock.objects.exclude(voided_because="").filter(voided_at=None).exists()


def test_clocks_that_ended_before_there_was_a_code_are_known_by_their_sentence_once(cast: Cast) -> None:
    migration = import_module("liaison.loops.migrations.0009_what_voided_a_clock")
    loop = cast.loop(clocks=[clock(step=step, due_at=NOW + 5 * HOUR) for step in ("Died", "Closed", "Other", "Runs")])
    with writes_open(), connection.cursor() as cursor:
        for step, words in (("Died", "The patient has died."), ("Closed", "The loop closed."), ("Other", "Moved.")):
            Clock.objects.filter(loop=loop, step=step).update(voided_at=NOW, voided_reason=words)
        cursor.execute(migration.FROM_THE_SENTENCES)
    found = dict(Clock.objects.filter(loop=loop).values_list("step", "voided_because"))
    assert found == {"Died": "death", "Closed": "closed", "Other": "", "Runs": ""}


def test_lines_steps_and_waiting_promises_from_before_the_columns_are_read_once_more_from_their_words(
    cast: Cast,
) -> None:
    migration = import_module("liaison.loops.migrations.0011_fill_what_only_words_said")
    loop = cast.loop(clocks=[clock(due_at=NOW + HOUR, step="Call Walter"), clock(due_at=NOW + 5 * HOUR)])
    quiet = cast.loop()
    for kind in ("attempt", "asked"):
        prove(cast, loop, kind)
    actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="answered", now=LATER)
    actions.close_loop(cast.rosa, loop_id=loop.pk, now=LATER)
    prove(cast, quiet)
    task = cast.loop(kind="task")
    prove(cast, task, "done")
    kept = {"step": "Call Walter", "rule_id": "a"}, {"step": "Ask Walter", "rule_id": "b"}
    with writes_open(), connection.cursor() as cursor:
        said = list(LoopEvent.objects.order_by("pk").values_list("what", "evidence"))
        waiting = WaitingPromise.objects.create(
            kind="test_errand", patient=cast.walter, title="Refill", clocks=kept, once_key="a", since=NOW
        )
        Evidence.objects.create(loop=quiet, kind="attempt", at=NOW, by_name="Rosa Delgado")
        LoopEvent.objects.update(evidence="")
        for sql in (migration.LINES, migration.CLOCKS, migration.LOOPS, migration.WAITING):
            cursor.execute(sql)
    read = list(LoopEvent.objects.order_by("pk").values_list("what", "evidence"))
    assert [line for line in said if line[0] != "opened"] == [
        ("evidence", "attempt"), ("evidence", "asked"), ("evidence", "answered"), ("closed", ""), ("evidence", "asked"),
        ("closed", "done"),
    ]  # fmt: skip
    differs = [(then, now) for then, now in zip(said, read, strict=True) if then != now]
    assert differs == [(("evidence", "asked"), ("evidence", ""))], "of more proofs than lines nothing is said"
    assert dict(Clock.objects.filter(loop=loop).values_list("step", "is_call")) == {
        "Call Walter": True,
        "Ask the pharmacy": False,
    }
    waiting.refresh_from_db()
    assert [(each["step"], each["is_call"]) for each in waiting.clocks] == [
        ("Call Walter", True),
        ("Ask Walter", False),
    ]


def test_only_the_line_of_the_evidence_is_struck_whatever_others_say(cast: Cast) -> None:
    loop = cast.loop()
    actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="attempt", note="Asked the pharmacy", now=NOW)
    prove(cast, loop)
    with writes_open():
        LoopEvent.objects.filter(evidence="attempt").update(sentence="Asked the pharmacy, in vain")
        LoopEvent.objects.filter(evidence="asked").update(sentence="Preguntado a la farmacia.")
    actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)
    struck = LoopEvent.objects.filter(undone_at__isnull=False).values_list("sentence", flat=True)
    assert list(struck) == ["Preguntado a la farmacia."]


def test_a_code_of_what_voided_a_clock_is_for_void_clocks_and_one_that_is_known(cast: Cast) -> None:
    cast.loop(clocks=[clock(due_at=NOW + 5 * HOUR)])
    with writes_open(), pytest.raises(IntegrityError, match="clock_voided_because"):
        Clock.objects.update(voided_because="death")


def test_a_loop_that_closed_on_other_evidence_stays_closed(cast: Cast) -> None:
    loop = cast.loop()
    prove(cast, loop, "attempt")
    prove(cast, loop, "asked", about=None)
    prove(cast, loop, "answered", about=None)
    actions.close_loop(cast.rosa, loop_id=loop.pk, now=NOW)
    actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)
    assert (fresh(loop).state, fresh(loop).evidence_kinds) == ("closed", ["answered", "asked"])


def test_a_loop_that_was_given_up_stays_given_up(cast: Cast) -> None:
    loop = cast.loop()
    prove(cast, loop)
    actions.give_up_loop(cast.rosa, loop_id=loop.pk, reason="Moved away", now=NOW)
    actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)
    assert (fresh(loop).state, fresh(loop).evidence_kinds) == ("given_up", [])


def close_on_it(cast: Cast, **more: object) -> Loop:
    loop = cast.loop(**more)
    prove(cast, loop)
    prove(cast, loop, "answered", about=None)
    return actions.close_loop(cast.rosa, loop_id=loop.pk, now=NOW)


def test_it_opens_for_whoever_covers_its_owner_or_took_it_back(cast: Cast) -> None:
    of_a_team = close_on_it(cast, owner=Owner(team_id=cast.team.pk))
    toms, rosas = close_on_it(cast, owner=Owner(user_id=cast.tom.user_id)), close_on_it(cast)
    actions.hand_over(
        cast.chief, from_user_id=cast.rosa.user_id or 0, to=[Owner(user_id=cast.imani.user_id)],
        reason="Holiday", now=NOW + HOUR,
    )  # fmt: skip
    with writes_open():
        User.objects.filter(pk=cast.tom.user_id).update(is_active=False, deactivated_at=NOW)
    actions.void_evidence(cast.marta, mistake=WRONG, now=LATER)
    assert fresh(of_a_team).owner_team_id == cast.team.pk
    assert fresh(toms).owner_user_id == cast.marta.user_id
    assert (fresh(rosas).owner_user_id, fresh(rosas).hand_over_id is not None) == (cast.imani.user_id, True)


def test_steps_it_set_are_dropped_and_what_they_replaced_runs_again(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + 9 * HOUR, step="Wait")])
    for step in (
        NextStep(words="Ask June", due_at=NOW + 5 * HOUR),
        NextStep(words="Call again", due_at=NOW + HOUR, because_of="call:12"),
    ):
        actions.set_next_step(cast.rosa, loop_id=loop.pk, step=step, now=NOW)
    assert fresh(loop).next_step == "Call again"
    assert actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER) == (loop.pk,)
    assert running(loop) == ["Ask June", "Wait"]
    assert fresh(loop).next_step == "Ask June"


def test_a_step_it_set_where_none_stood_leaves_the_rules_clock(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + 9 * HOUR, step="Wait")])
    actions.set_next_step(
        cast.rosa, loop_id=loop.pk, step=NextStep(words="Call again", due_at=NOW + HOUR, because_of="call:12"), now=NOW
    )
    actions.void_evidence(cast.rosa, mistake=WRONG, now=LATER)
    assert running(loop) == ["Wait"]


def test_with_an_instant_only_what_was_done_then_is_taken_back(cast: Cast) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + HOUR, step="First")])
    for step, now in (("Second", NOW), ("Third", NOW + HOUR)):
        again = clock(due_at=NOW + 9 * HOUR, step=step)
        actions.advance_loop(
            cast.rosa, loop_id=loop.pk, sentence=step, satisfied_by="referral:3:sent", clocks=[again], now=now
        )
    mistake = Mistake(sentence="Taken back.", kinds=("asked",), events=("referral:3:sent", "test:1"), at=NOW + HOUR)
    actions.void_evidence(cast.rosa, mistake=mistake, loop_id=loop.pk, now=LATER)
    assert running(loop) == ["Second"]


def test_only_the_named_kinds_are_void(cast: Cast) -> None:
    loop = cast.loop()
    prove(cast, loop)
    prove(cast, loop, "attempt")
    mistake = Mistake(sentence="Taken back.", kinds=("attempt",))
    actions.void_evidence(cast.rosa, mistake=mistake, loop_id=loop.pk, now=LATER)
    assert fresh(loop).evidence_kinds == ["asked"]
    with pytest.raises(ValueError, match="what the mistake is about"):
        Mistake(sentence="Everything.")


def test_pat_at_another_site_can_not_void_anything_of_walters(cast: Cast) -> None:
    prove(cast, cast.loop())
    with pytest.raises(NotFound):
        actions.void_evidence(cast.pat, mistake=WRONG, now=LATER)
    assert Evidence.objects.get().withdrawn_at is None


def test_the_database_wants_to_know_who_and_why(cast: Cast) -> None:
    prove(cast, cast.loop())
    with pytest.raises(IntegrityError, match="evidence_voided_says_when_and_why"), writes_open():
        Evidence.objects.update(withdrawn_by_name="Rosa")


def test_what_another_fact_overtook_counts_again_with_its_clock_and_its_line(cast: Cast, facts: list[Fact]) -> None:
    loop = cast.loop(clocks=[clock(due_at=NOW + 5 * HOUR, evidence="asked")])
    prove(cast, loop)
    before = fresh(loop)
    overtaken = Mistake(sentence="Asked anew.", kinds=("asked",), because="anew")
    actions.void_evidence(cast.rosa, mistake=overtaken, loop_id=loop.pk, now=LATER)
    assert (Evidence.objects.get().withdrawn_because, running(loop)) == ("anew", ["Ask the pharmacy"])
    facts.clear()
    said = {"loop_id": loop.pk, "sentence": "Counts again.", "now": LATER + HOUR}
    assert actions.count_evidence_again(cast.rosa, because="other", voided_at=LATER, **said) == ()
    assert actions.count_evidence_again(cast.rosa, because="anew", voided_at=NOW, **said) == ()
    assert actions.count_evidence_again(cast.rosa, because="anew", voided_at=LATER, **said) == ("asked",)
    found = fresh(loop)
    assert (found.evidence_kinds, found.next_step) == (["asked"], before.next_step)
    assert running(loop) == []
    assert facts == [
        events.EvidenceAdded(
            at=LATER + HOUR, loop_id=loop.pk, kind="test_errand", patient_id=cast.walter.pk, evidence="asked"
        )
    ]
    line, _, told = LoopEvent.objects.order_by("-pk")[:3]
    assert (line.sentence, told.undone_at) == ("Counts again.", None)


def test_evidence_has_no_code_for_what_took_it_back_while_it_stands(cast: Cast) -> None:
    prove(cast, cast.loop())
    with pytest.raises(IntegrityError, match="evidence_taken_back_because_of_something"), writes_open():
        Evidence.objects.update(withdrawn_because="anew")
