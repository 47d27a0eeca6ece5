"""What the command line proves about a database that is there: up to date, unbroken, fit for production."""

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
