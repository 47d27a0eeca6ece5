"""Who records what is clinical, and who reads what it says: those who care for the patient, not the front desk."""

from datetime import timedelta

import pytest

from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden
from liaison.loops import actions, queries, rules
from liaison.loops.models import Evidence, Loop
from liaison.loops.ports import LoopKind, NextStep
from liaison.loops.tests.cast import CLINICAL, ERRAND, NOW, SYSTEM, Cast
from liaison.loops.tests.test_screens import at_desk, fresh

pytestmark = pytest.mark.django_db
SAID = "Knows now when to take the warfarin"


def explained(cast: Cast) -> Loop:
    """Rosa has it in Walter's own words; the loop is open."""
    loop = cast.loop(kind="test_clinical", title="Explain warfarin to Walter")
    return actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="understood", note=SAID, now=NOW)


def test_the_front_desk_is_refused_clinical_evidence_in_words_and_it_is_audited(cast: Cast) -> None:
    loop = cast.loop(kind="test_clinical")
    with pytest.raises(actions.CareDecides, match="Give the loop to one of them") as refused:
        actions.add_evidence(cast.fred, loop_id=loop.pk, kind="understood", note="ok", now=NOW)
    assert isinstance(refused.value, Forbidden)
    assert not Evidence.objects.exists()
    entry = AuditEntry.objects.get(verb="loops.evidence")
    assert (entry.outcome, entry.refusal_code) == ("refused", "loops.care_decides")


def test_the_front_desk_records_what_is_not_clinical(cast: Cast) -> None:
    loop = cast.loop(kind="test_clinical")
    actions.add_evidence(cast.fred, loop_id=loop.pk, kind="attempt", note="No answer", now=NOW)
    errand = cast.loop()
    actions.add_evidence(cast.fred, loop_id=errand.pk, kind="asked", now=NOW)
    assert set(Evidence.objects.values_list("kind", flat=True)) == {"attempt", "asked"}


def test_those_who_care_and_liaison_itself_record_it(cast: Cast) -> None:
    for actor in (cast.rosa, cast.imani, cast.marta, SYSTEM):
        loop = cast.loop(kind="test_clinical")
        after = actions.add_evidence(actor, loop_id=loop.pk, kind="understood", now=NOW)
        assert after.evidence_kinds == ["understood"]


def test_what_was_done_is_told_to_those_who_may_read_it(cast: Cast) -> None:
    pk = explained(cast).pk
    assert queries.loop_story(cast.rosa, loop_id=pk, now=NOW).done == "", "it is not closed yet"
    actions.close_loop(cast.rosa, loop_id=pk, now=NOW)
    assert queries.loop_story(cast.rosa, loop_id=pk, now=NOW).done == SAID
    assert queries.loop_story(cast.fred, loop_id=pk, now=NOW).done == ""


def test_the_form_offers_each_role_what_it_may_record(cast: Cast) -> None:
    loop = cast.loop(kind="test_clinical")
    for_rosa = queries.loop_story(cast.rosa, loop_id=loop.pk, now=NOW)
    assert [code for code, _ in for_rosa.accepted] == ["understood", "attempt"]
    for_fred = queries.loop_story(cast.fred, loop_id=loop.pk, now=NOW)
    assert [code for code, _ in for_fred.accepted] == ["attempt"]
    assert not for_fred.care_decides


def test_where_all_proof_is_clinical_the_front_desk_is_offered_none(cast: Cast) -> None:
    from liaison.loops.ports import register_kind

    register_kind(
        LoopKind(
            code="test_all_clinical", label="A", required_evidence=("seen",), clinical_evidence=frozenset({"seen"})
        )
    )
    loop = fresh(cast, kind="test_all_clinical")
    story = queries.loop_story(cast.fred, loop_id=loop.pk, now=NOW)
    assert story.care_decides
    assert "loops.evidence" not in story.may
    assert "loops.take" in story.may
    answer = at_desk(cast.fred).get(f"/loops/{loop.pk}/evidence/")
    assert answer.status_code == 403
    assert "those who care for the patient" in answer.content.decode()
    assert at_desk(cast.rosa).get(f"/loops/{loop.pk}/evidence/").status_code == 200


def test_what_was_found_is_read_by_those_with_the_chart_only(cast: Cast) -> None:
    loop = explained(cast)
    told = repr(queries.loop_story(cast.rosa, loop_id=loop.pk, now=NOW))
    assert SAID in told
    assert "Explain warfarin" in told
    story = queries.loop_story(cast.fred, loop_id=loop.pk, now=NOW)
    assert "warfarin" not in repr(story)
    assert story.story[0].sentence == "Said it back."
    assert (story.row.title, story.row.next_step) == ("Explaining", "Explaining")
    assert story.row.missing == ()


def test_the_timeline_says_that_it_ended_and_not_what_was_found(cast: Cast) -> None:
    loop = explained(cast)
    actions.close_loop(cast.rosa, loop_id=loop.pk, note=SAID, now=NOW)
    closed = queries.timeline(cast.fred, patient=cast.walter, now=NOW)[0]
    assert (closed.title, closed.detail) == ("Closed: Explaining", "(Rosa Delgado)")
    assert SAID in queries.timeline(cast.rosa, patient=cast.walter, now=NOW)[0].detail


def test_why_it_was_given_up_stays_with_the_chart(cast: Cast) -> None:
    loop = cast.loop(kind="test_clinical")
    actions.give_up_loop(cast.rosa, loop_id=loop.pk, reason="Has no warfarin any more", now=NOW)
    story = queries.loop_story(cast.fred, loop_id=loop.pk, now=NOW)
    assert (story.given_up_reason, story.story[0].reason) == ("", "")
    assert queries.loop_story(cast.imani, loop_id=loop.pk, now=NOW).given_up_reason == "Has no warfarin any more"


def test_the_reasons_of_the_desk_stay_readable(cast: Cast) -> None:
    loop = cast.loop(kind="test_clinical", due_at=NOW + timedelta(days=2))
    actions.snooze_loop(cast.rosa, loop_id=loop.pk, until=NOW + timedelta(days=1), reason="At work today", now=NOW)
    assert queries.loop_story(cast.fred, loop_id=loop.pk, now=NOW).story[0].reason == "At work today"


def test_why_a_clinical_step_was_set_is_read_with_the_chart_only(cast: Cast) -> None:
    loop = cast.loop(kind="test_clinical")
    due = NOW + timedelta(days=1)
    actions.set_next_step(
        cast.rosa, loop_id=loop.pk, step=NextStep(words="Ask the lab", due_at=due), reason="INR is too high", now=NOW
    )
    assert "INR" not in repr(queries.loop_story(cast.fred, loop_id=loop.pk, now=NOW))
    assert "INR" in repr(queries.loop_story(cast.rosa, loop_id=loop.pk, now=NOW))


def test_a_stale_form_is_not_told_what_was_found(cast: Cast) -> None:
    loop = explained(cast)
    with pytest.raises(actions.LoopChanged) as refused:
        actions.take_loop(cast.fred, loop_id=loop.pk, now=NOW, expected_version=1)
    assert "Said it back." in refused.value.sentence
    assert "warfarin" not in refused.value.sentence


@pytest.mark.parametrize(
    ("what", "evidence", "sentence", "plain"),
    [
        ("evidence", "understood", "Said it back: knows it", "Said it back."),
        ("closed", "understood", "Said it back: knows it. Closed.", "Said it back. Closed."),
        ("closed", "", "Closed: knows it", "Closed."),
        ("evidence", "attempt", "Attempt: no answer", "Attempt: no answer"),
        ("evidence", "understood", "Attempt: but the code counts", "Said it back."),
        ("evidence", "", "Attempt: nobody knows of what", "Evidence recorded."),
        ("evidence", "older", "An older word: knows it", "Evidence recorded."),
        ("undone", "", "Taken back: Said it back: knows it", "Taken back."),
        ("assigned", "", "Given to Tom.", "Given to Tom."),
        ("opened", "", "Opened: Explain warfarin to Walter.", "Opened: Explaining."),
        ("clock_started", "", "To do: Nurse: explain warfarin.", "Changed: Explaining."),
        ("step_set", "", "Next: explain warfarin, by Friday.", "Next step set: Explaining."),
    ],
)
def test_a_line_of_the_story_says_that_and_not_what(what: str, evidence: str, sentence: str, plain: str) -> None:
    assert rules.without_clinical_words(sentence, what=what, evidence=evidence, kind=CLINICAL) == plain


def test_kinds_without_clinical_evidence_tell_everybody_everything() -> None:
    assert rules.without_clinical_words("Asked: Ann", what="evidence", evidence="asked", kind=ERRAND) == "Asked: Ann"


def test_a_kind_names_only_evidence_that_it_knows_as_clinical() -> None:
    with pytest.raises(ValueError, match="knows no evidence heard"):
        LoopKind(code="x", label="X", required_evidence=("seen",), clinical_evidence=frozenset({"heard"}))
