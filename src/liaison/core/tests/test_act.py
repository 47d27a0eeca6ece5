"""act(): one audit entry, reactions in the transaction, refusals audited after the rollback."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from liaison.core.act import act, apart, refuse_unless
from liaison.core.actor import Actor, system_actor
from liaison.core.audit import collecting_seen, record, seal_entries, seen, verify_chain
from liaison.core.facts import Fact, reacts_to
from liaison.core.models import AuditEntry, AuditSeal
from liaison.core.postgres.guard import UnguardedWrite, writes_open, written_table
from liaison.core.refusals import Conflict, Forbidden, NotFound, StepUpNeeded
from liaison.core.verbs import verb

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
MEND = verb("trial.mend", "Mend something", roles={"coordinator"})
EXPORT = verb("trial.export", "Take something out", roles={"coordinator"}, step_up=True)
ROSA = Actor(user_id=1, name="Rosa", assignments=frozenset({("coordinator", 7)}), session_key="abc")
LIAISON = system_actor("trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended(Fact):
    """Something was mended."""


reactions_seen: list[str] = []


@reacts_to(Mended)
def note_it(fact: Mended, /, *, actor: Actor) -> None:
    reactions_seen.append(actor.name)


@dataclass
class Walter:
    """A patient whom an actor may reach at some sites only."""

    pk: int = 12
    visible: bool = True
    reachable: bool = True

    def reachable_by(self, actor: Actor, verb: object = None, *, now: datetime) -> bool:
        return self.visible if verb is None else self.visible and self.reachable


@pytest.mark.django_db
def test_an_act_leaves_one_entry_that_says_who_what_and_for_whom() -> None:
    with act(ROSA, MEND, patient=Walter(), reason="He asked", now=NOW) as entry:
        entry.note(steps=2)
        entry.concerns(13, 12)
    written = AuditEntry.objects.get()
    assert (written.actor_name, written.verb, written.outcome) == ("Rosa", "trial.mend", "done")
    assert (written.patient_ids, written.reason, written.details) == ([12, 13], "He asked", {"steps": 2})


@pytest.mark.django_db
def test_what_is_refused_before_there_is_an_act_is_kept_under_its_verb() -> None:
    refuse_unless(ROSA, MEND, patient=Walter(), now=NOW)
    assert not AuditEntry.objects.exists()
    with pytest.raises(Forbidden) as refused:
        refuse_unless(ROSA, MEND, patient=Walter(reachable=False), now=NOW)
    written = AuditEntry.objects.get()
    assert (written.verb, written.outcome, written.patient_ids) == ("trial.mend", "refused", [12])
    assert refused.value.audited


@pytest.mark.django_db
def test_reactions_run_in_the_act_as_liaison_for_that_person() -> None:
    reactions_seen.clear()
    with act(ROSA, MEND, now=NOW) as entry:
        entry.publish(Mended(at=NOW))
        assert reactions_seen == []
    assert reactions_seen == ["Liaison, for Rosa"]


@pytest.mark.django_db
def test_a_refusal_takes_the_whole_act_back_and_only_the_attempt_is_kept() -> None:
    with pytest.raises(Conflict), act(ROSA, MEND, patient=Walter(), now=NOW), act(ROSA, MEND, now=NOW):
        raise Conflict
    written = AuditEntry.objects.get()
    assert (written.outcome, written.refusal_code) == ("refused", "core.conflict")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("walter", "refusal"),
    [(Walter(visible=False), NotFound), (Walter(reachable=False), Forbidden)],
)
def test_a_patient_out_of_reach_is_not_found_and_one_in_view_is_forbidden(
    walter: Walter, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal), act(ROSA, MEND, patient=walter, now=NOW):
        pytest.fail("the body ran")
    assert AuditEntry.objects.get().outcome == "refused"


@pytest.mark.django_db
def test_a_role_without_the_verb_is_forbidden() -> None:
    pat = Actor(user_id=2, name="Pat", assignments=frozenset({("billing", 7)}))
    with pytest.raises(Forbidden), act(pat, MEND, now=NOW):
        pytest.fail("the body ran")


@pytest.mark.django_db
def test_what_belongs_to_a_site_is_for_those_who_hold_the_verb_there_or_everywhere() -> None:
    everywhere = Actor(user_id=3, name="Marta", assignments=frozenset({("coordinator", None)}))
    for actor, site_id in ((ROSA, 7), (everywhere, 8), (everywhere, None), (LIAISON, None)):
        with act(actor, MEND, site_id=site_id, now=NOW):
            pass
    done = AuditEntry.objects.filter(outcome="done").order_by("id")
    assert [entry.details for entry in done] == [{"site_id": 7}, {"site_id": 8}, {"site_id": None}, {"site_id": None}]


@pytest.mark.django_db
@pytest.mark.parametrize("site_id", [8, None])
def test_a_role_at_one_site_is_none_at_another_nor_for_the_whole_organization(site_id: int | None) -> None:
    with pytest.raises(Forbidden), act(ROSA, MEND, site_id=site_id, now=NOW):
        pytest.fail("the body ran")
    refused = AuditEntry.objects.get()
    assert (refused.outcome, refused.refusal_code, refused.details) == (
        "refused",
        "core.forbidden",
        {"site_id": site_id},
    )


def test_only_the_roles_of_the_verb_count_at_a_site() -> None:
    pat = Actor(user_id=2, name="Pat", assignments=frozenset({("billing", 7), ("coordinator", 8)}))
    assert not pat.may_at(MEND, site_id=7)
    assert pat.may_at(MEND, site_id=8)


@pytest.mark.django_db
def test_a_sensitive_verb_needs_a_fresh_proof() -> None:
    with pytest.raises(StepUpNeeded), act(ROSA, EXPORT, now=NOW):
        pytest.fail("the body ran")
    with act(LIAISON, EXPORT, now=NOW):
        pass
    assert set(AuditEntry.objects.values_list("outcome", flat=True)) == {"refused", "done"}


@pytest.mark.django_db
def test_what_stands_apart_falls_alone_with_its_entries_and_facts() -> None:
    reactions_seen.clear()
    with act(ROSA, MEND, now=NOW) as entry:
        entry.publish(Mended(at=NOW))
        with pytest.raises(Conflict), apart(), act(ROSA, MEND, reason="in vain", now=NOW) as inner:
            inner.publish(Mended(at=NOW))
            raise Conflict
        with apart(), act(ROSA, MEND, reason="in order", now=NOW):
            pass
    assert sorted(AuditEntry.objects.values_list("reason", "outcome")) == [("", "done"), ("in order", "done")]
    assert reactions_seen == ["Liaison, for Rosa"]


@pytest.mark.django_db
def test_outside_any_act_each_is_apart_anyway() -> None:
    with apart(), act(ROSA, MEND, now=NOW):
        pass
    assert AuditEntry.objects.get().outcome == "done"


@pytest.mark.django_db
def test_a_bug_is_not_taken_for_a_refusal() -> None:
    with pytest.raises(ZeroDivisionError), act(ROSA, MEND, now=NOW):
        raise ZeroDivisionError
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_a_write_outside_act_raises() -> None:
    with pytest.raises(UnguardedWrite, match="core_auditentry"):
        AuditEntry.objects.create(actor_name="x", verb="y", outcome="done")


def test_the_guard_reads_which_table_a_statement_writes() -> None:
    assert written_table('INSERT INTO "loops_loop" ("a") VALUES (1)') == "loops_loop"
    assert written_table("WITH x AS (SELECT 1) UPDATE patients_patient SET a = 1") == "patients_patient"
    assert written_table('DELETE FROM "liaison"."loops_loop"') == "loops_loop"
    assert written_table("SELECT 1 FROM loops_loop FOR UPDATE") is None
    assert written_table("INSERT INTO django_session (a) VALUES (1)") is None
    assert written_table("MERGE INTO records_fact USING x ON true") == "records_fact"
    assert written_table("INSERT INTO core_presence (a) VALUES (1) ON CONFLICT DO UPDATE SET a = 2") is None


@pytest.mark.django_db
def test_the_chain_proves_itself_and_shows_tampering() -> None:
    for _ in range(3):
        record(ROSA, MEND)
    assert seal_entries() == 3
    record(ROSA, MEND)
    assert seal_entries() == 1
    assert seal_entries() == 0
    whole = verify_chain()
    assert (whole.problem, whole.seals, whole.entries, whole.unsealed) == ("", 2, 4, 0)
    _tamper("UPDATE core_auditentry SET reason = 'x' WHERE id = (SELECT min(id) FROM core_auditentry)")
    assert "changed" in verify_chain().problem
    _tamper("DELETE FROM core_auditentry WHERE id = (SELECT min(id) FROM core_auditentry)")
    assert "2 are there" in verify_chain().problem
    _tamper(f"DELETE FROM core_auditentry WHERE seal_id = {AuditSeal.objects.earliest('id').pk}")
    _tamper(f"DELETE FROM core_auditseal WHERE id = {AuditSeal.objects.earliest('id').pk}")
    assert "does not follow" in verify_chain().problem


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE core_auditentry SET verb = 'x'", "DELETE FROM core_auditentry"])
def test_the_database_refuses_to_change_the_trail(statement: str) -> None:
    record(ROSA, MEND)
    with pytest.raises(DatabaseError, match="append-only"), writes_open(), transaction.atomic():
        connection.cursor().execute(statement)


def test_seen_is_collected_only_while_a_response_is_made() -> None:
    seen(1)
    with collecting_seen("mark") as collector:
        seen(2)
        seen([3, 2])
    seen(4)
    assert collector.patient_ids == {2, 3}


def _tamper(statement: str) -> None:
    with writes_open(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")
