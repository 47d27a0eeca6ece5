"""What the command line proves about a database that is there: up to date, unbroken, fit for production."""

import json

import psycopg

from liaison.console.tests.test_commands import liaison


def test_a_database_that_is_up_to_date_is_left_alone(ready):
    done = liaison("migrate", DATABASE_URL=ready.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Nothing to do: the database is up to date.\n"


def test_an_audit_trail_with_a_foreign_seal_fails_the_proof(ready):
    with psycopg.connect(ready.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "INSERT INTO liaison.core_auditseal (entry_count, previous_hash, hash) VALUES (1, 'no', 'such')"
        )
    done = liaison("audit", "verify", DATABASE_URL=ready.url)
    assert done.returncode == 1
    assert "The audit trail is broken: Seal " in done.stderr
    assert "does not follow the seal before it" in done.stderr


def waits(connection, *, minutes):
    """An entry of so many minutes ago that has no seal."""
    connection.execute("SET session_replication_role = replica")
    connection.execute(
        """
        INSERT INTO liaison.core_auditentry (recorded_at, actor_name, roles, verb, outcome, refusal_code, reason,
            patient_ids, subject_type, before_hash, after_hash, details, request_id, session_hash)
        VALUES (now() - make_interval(mins => %s), 'Rosa', '', 'trial', 'done', '', '', '{}', '', '', '', '{}', '', '')
        """,
        [minutes],
    )


def test_a_trail_that_is_not_being_sealed_fails_the_proof(ready):
    with psycopg.connect(ready.url, autocommit=True) as connection:
        waits(connection, minutes=4)
        waits(connection, minutes=2)
    done = liaison("audit", "verify", DATABASE_URL=ready.url)
    assert done.returncode == 1
    assert "The audit trail is not being sealed: Entries have waited for their seal since" in done.stderr
    assert "Either no worker runs" in done.stderr


def test_the_last_entries_of_a_clinic_that_is_stopped_are_told_and_no_break(ready):
    with psycopg.connect(ready.url, autocommit=True) as connection:
        waits(connection, minutes=2)
    done = liaison("audit", "verify", DATABASE_URL=ready.url)
    assert done.returncode == 0, done.stderr
    assert "Unbroken: " in done.stdout
    assert ". The last 1 aren't sealed yet: Liaison isn't running" in done.stdout


def test_the_proof_is_kept_in_the_trail_and_a_shorter_trail_is_accepted_only_with_a_reason(ready, tmp_path):
    told = {"DATABASE_URL": ready.url, "LIAISON_AUDIT_HEADS": str(tmp_path)}
    first = liaison("audit", "verify", **told)
    assert first.returncode == 0, first.stderr
    assert "No head was recorded outside the database" in first.stdout
    line = {"seal": 900, "hash": "f" * 64, "entries": 1, "at": "2026-11-22T14:03:00+00:00", "accepted": False}
    (tmp_path / "audit-heads-liaison-2026-11.ndjson").write_text(json.dumps(line) + "\n")
    shorter = liaison("audit", "verify", **told)
    assert shorter.returncode == 1
    assert "Seal 900 was recorded outside the database on 2026-11-22 at 14:03 UTC" in shorter.stderr
    assert liaison("audit", "verify", "--accept-restore", " ", **told).returncode == 1
    accepted = liaison("audit", "verify", "--accept-restore", "The disk failed", **told)
    assert accepted.returncode == 0, accepted.stderr
    assert "It holds all 1 heads" in accepted.stdout
    again = liaison("audit", "verify", "--accept-restore", "The disk failed", **told)
    assert (again.returncode, "nothing to accept" in again.stderr) == (1, True)
    with psycopg.connect(ready.url, autocommit=True) as connection:
        kept = connection.execute(
            "SELECT verb, reason, details->>'problem' FROM liaison.core_auditentry WHERE verb LIKE 'core.%' ORDER BY id"
        ).fetchall()
    assert [verb for verb, _, _ in kept] == [*["core.verify_audit"] * 2, "core.accept_restore", "core.verify_audit"]
    assert kept[2][1] == "The disk failed"
    assert [problem == "" for _, _, problem in kept] == [True, False, False, True]


def test_a_role_that_may_not_look_at_the_migrations_is_told(ready):
    server, _, name = ready.url.rpartition("/")
    with psycopg.connect(ready.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'invented'")
        connection.execute(f"GRANT USAGE ON SCHEMA liaison TO {name}")
        try:
            done = liaison(
                "audit", "verify", DATABASE_URL=f"postgresql://{name}:invented@{server.partition('@')[2]}/{name}"
            )
        finally:
            connection.execute(f"DROP OWNED BY {name}")
            connection.execute(f"DROP ROLE {name}")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database does not answer: permission denied")
    assert len(done.stderr.splitlines()) == 1
