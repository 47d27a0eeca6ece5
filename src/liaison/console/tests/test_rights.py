"""A role of the database that may not do what is needed is told so, and the embedded server is borrowed, not taken."""

import fcntl
import os
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from liaison.console.backups import _environment, make_backup, restore_backup, run_psql
from liaison.console.problems import Problem
from liaison.console.settings import Database, database
from liaison.console.tests.test_commands import liaison
from liaison.core.postgres.prepare import prepare_database


@pytest.fixture
def stranger(shared_cluster, place):
    """The same database, for a role that owns nothing in it."""
    name = f"stranger_{uuid4().hex}"
    with shared_cluster.connect() as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'invented'")
        address = f"127.0.0.1:{shared_cluster.running().port}/{place.url.rpartition('/')[2]}"
        yield Database(url=f"postgresql://{name}:invented@{address}", embedded=True)
        connection.execute(f"DROP ROLE {name}")


@pytest.fixture
def clinic(place):
    """The database with one table of Liaison's."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA liaison")
        connection.execute("CREATE TABLE liaison.django_migrations AS SELECT 1 AS id")
    return place


def test_a_role_that_may_create_nothing_is_told_what_the_owner_has_to_do(stranger):
    done = liaison("migrate", DATABASE_URL=stranger.url)
    assert done.returncode == 1
    assert "As its owner, run: CREATE SCHEMA liaison;" in done.stderr


def test_a_role_that_may_not_read_everything_makes_no_backup(clinic, stranger, tmp_path):
    with pytest.raises(Problem, match=r"The backup failed: .*permission denied"):
        make_backup(stranger, file=tmp_path / "clinic.backup")
    assert list(tmp_path.iterdir()) == []


def test_a_role_that_may_not_replace_anything_restores_nothing(clinic, stranger, tmp_path):
    make_backup(clinic, file=tmp_path / "clinic.backup")
    with pytest.raises(Problem, match=r"nothing was changed: .*must be owner of schema liaison"):
        restore_backup(stranger, file=tmp_path / "clinic.backup", replace=True)
    with psycopg.connect(clinic.url) as connection:
        assert connection.execute("SELECT id FROM liaison.django_migrations").fetchone() == (1,)


def test_a_backup_of_a_server_that_does_not_answer_is_refused(tmp_path):
    nowhere = Database(url="postgresql://127.0.0.1:9/none", embedded=True)
    with pytest.raises(Problem, match="does not answer"):
        make_backup(nowhere, file=tmp_path / "clinic.backup")


def test_an_embedded_server_that_others_use_goes_on_running_after_a_command(shared_cluster, monkeypatch):
    monkeypatch.setenv("LIAISON_DATA", os.environ["LIAISON_TEST_FOLDER"])
    monkeypatch.setenv("DATABASE_URL", "")
    before = shared_cluster.running()
    with (Path(shared_cluster.folder) / "leases").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with database() as borrowed:
            assert borrowed == Database(url=shared_cluster.url, embedded=True)
            assert os.environ["DATABASE_URL"] == shared_cluster.url
        assert "DATABASE_URL" not in os.environ
        assert shared_cluster.running() == before


def test_how_a_connection_is_secured_holds_while_the_database_is_prepared_too(place):
    for needed in ("sslmode=require", "sslmode=verify-full"):
        done = liaison("migrate", DATABASE_URL=f"{place.url}?{needed}")
        assert done.returncode == 1
        assert "SSL" in done.stderr
    with pytest.raises(psycopg.OperationalError, match="SSL"):
        prepare_database(_as_django(place.url, sslmode="require"))
    prepare_database(_as_django(place.url, sslmode="disable", pool={"min_size": 1}))
    with psycopg.connect(place.url) as connection:
        assert connection.execute("SELECT to_regnamespace('liaison') IS NOT NULL").fetchone() == (True,)


def _as_django(url, **options):
    """An address as an entry of Django's DATABASES."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    names = {"HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password", "NAME": "dbname"}
    return {name: parts[key] for name, key in names.items()} | {"OPTIONS": options}


def test_backups_and_psql_keep_to_how_a_connection_is_secured(clinic, tmp_path):
    secured = Database(url=f"{clinic.url}?sslmode=require&sslcert=/none.crt&channel_binding=require", embedded=True)
    variables = _environment(secured.url)
    assert (variables["PGSSLMODE"], variables["PGSSLCERT"]) == ("require", "/none.crt")
    assert variables["PGCHANNELBINDING"] == "require"
    assert run_psql(secured, ("-c", "SELECT 1")) == 2
    assert run_psql(clinic, ("-c", "SELECT 1")) == 0
