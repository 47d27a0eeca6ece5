"""Backups are whole or absent; a restore ends in the new state or in the old one."""

import os
import stat
import subprocess

import psycopg
import pytest

from liaison.console.backups import make_backup, restore_backup, run_psql
from liaison.console.problems import Problem

SMALL_CLINIC = """
CREATE SCHEMA liaison;
CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public;
CREATE TABLE liaison.django_migrations (id int, name text);
CREATE TABLE liaison.booking (id int, room int, during tstzrange,
    EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO liaison.booking VALUES (1, 7, '[2026-01-05 09:00Z,2026-01-05 09:30Z)');
INSERT INTO liaison.django_migrations SELECT n, repeat(md5(n::text), 20) FROM generate_series(1, 5000) n;
"""


def run(place, statement):
    with psycopg.connect(place.url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


@pytest.fixture
def clinic(place):
    run(place, SMALL_CLINIC)
    return place


@pytest.fixture
def backup(clinic, tmp_path):
    file = tmp_path / "clinic.backup"
    make_backup(clinic, file=file)
    return file


def test_a_restored_database_holds_what_was_backed_up_and_its_guards(clinic, backup):
    run(clinic, "DROP SCHEMA liaison CASCADE")
    restore_backup(clinic, file=backup, replace=False)
    assert run(clinic, "SELECT room FROM liaison.booking") == [(7,)]
    assert run(clinic, "SELECT count(*) FROM liaison.django_migrations") == [(5000,)]
    with pytest.raises(psycopg.errors.ExclusionViolation):
        run(clinic, "INSERT INTO liaison.booking SELECT 2, room, during FROM liaison.booking")


def test_only_its_owner_can_read_a_backup(backup):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]


def test_an_empty_database_is_not_backed_up(place, tmp_path):
    with pytest.raises(Problem, match="nothing to back up"):
        make_backup(place, file=tmp_path / "empty.backup")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_into_a_missing_folder_is_refused(clinic, tmp_path):
    with pytest.raises(Problem, match="does not exist"):
        make_backup(clinic, file=tmp_path / "nowhere" / "clinic.backup")


def test_a_restore_onto_existing_data_needs_to_be_asked_for(clinic, backup):
    run(clinic, "UPDATE liaison.booking SET room = 8")
    with pytest.raises(Problem, match="--replace"):
        restore_backup(clinic, file=backup, replace=False)
    assert run(clinic, "SELECT room FROM liaison.booking") == [(8,)]
    run(clinic, "CREATE TABLE liaison.newer (id int)")
    restore_backup(clinic, file=backup, replace=True)
    assert run(clinic, "SELECT room FROM liaison.booking") == [(7,)]
    assert run(clinic, "SELECT to_regclass('liaison.newer')") == [(None,)]


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.999])
def test_a_truncated_backup_changes_nothing(clinic, backup, kept):
    run(clinic, "UPDATE liaison.booking SET room = 8")
    content = backup.read_bytes()
    backup.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(Problem, match=r"damaged|can't be read"):
        restore_backup(clinic, file=backup, replace=True)
    assert run(clinic, "SELECT room FROM liaison.booking") == [(8,)]


@pytest.mark.parametrize("place_in_it", [0.02, 0.2, 0.5, 0.8])
def test_a_backup_with_one_changed_byte_changes_nothing(clinic, backup, place_in_it):
    run(clinic, "UPDATE liaison.booking SET room = 8")
    content = bytearray(backup.read_bytes())
    content[int(len(content) * place_in_it)] ^= 1
    backup.write_bytes(content)
    with pytest.raises(Problem, match="is damaged: it is not what its checksum says"):
        restore_backup(clinic, file=backup, replace=True)
    assert run(clinic, "SELECT room FROM liaison.booking") == [(8,)]


@pytest.mark.parametrize("from_the_end", [1, 2, 40, 70, 85, 94])
def test_a_backup_whose_checksum_was_changed_is_not_taken_for_one_without(clinic, backup, from_the_end):
    content = bytearray(backup.read_bytes())
    content[-from_the_end] ^= 1
    backup.write_bytes(content)
    with pytest.raises(Problem, match="is damaged"):
        restore_backup(clinic, file=backup, replace=True)


def test_a_whole_backup_is_restored_without_a_word_and_one_without_a_checksum_with_a_warning(clinic, backup, capsys):
    restore_backup(clinic, file=backup, replace=True)
    assert capsys.readouterr().err == ""
    backup.write_bytes(backup.read_bytes()[:-96])
    run(clinic, "UPDATE liaison.booking SET room = 8")
    restore_backup(clinic, file=backup, replace=True)
    assert "has no checksum at its end" in capsys.readouterr().err
    assert run(clinic, "SELECT room FROM liaison.booking") == [(7,)]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", b"SELECT 1;", b"PGDMPnonsense"])
def test_a_wrong_file_is_told_as_such(clinic, tmp_path, content):
    file = tmp_path / "wrong"
    file.write_bytes(content)
    with pytest.raises(Problem, match="Nothing was changed"):
        restore_backup(clinic, file=file, replace=True)
    assert run(clinic, "SELECT room FROM liaison.booking") == [(7,)]


def test_a_missing_file_is_told_as_such(clinic, tmp_path):
    with pytest.raises(Problem, match="does not exist"):
        restore_backup(clinic, file=tmp_path / "none", replace=True)


def test_the_backup_of_another_program_is_refused(place, shared_cluster, tmp_path):
    run(place, "CREATE SCHEMA blog; CREATE TABLE blog.post (id int)")
    file = tmp_path / "blog.backup"
    subprocess.run(
        [shared_cluster.program("pg_dump"), "--format=custom", f"--file={file}", place.url], check=True, env=os.environ
    )
    with pytest.raises(Problem, match="not one of Liaison"):
        restore_backup(place, file=file, replace=False)


def test_a_backup_of_another_organization_is_refused(clinic, backup, monkeypatch):
    monkeypatch.setenv("LIAISON_SCHEMA", "other_clinic")
    with pytest.raises(Problem, match="LIAISON_SCHEMA=liaison"):
        restore_backup(clinic, file=backup, replace=False)


def test_a_database_in_use_is_not_replaced(clinic, backup):
    with psycopg.connect(clinic.url) as reader:
        reader.execute("SELECT * FROM liaison.booking").fetchall()
        with pytest.raises(Problem, match=r"in use\. Stop Liaison first"):
            restore_backup(clinic, file=backup, replace=True, lock_seconds=0.2)
        reader.rollback()
    assert run(clinic, "SELECT room FROM liaison.booking") == [(7,)]


def test_a_database_on_which_liaison_runs_is_not_replaced(clinic, backup):
    with (
        psycopg.connect(clinic.url, application_name="liaison worker liaison"),
        pytest.raises(Problem, match=r"Liaison runs on this database\. Stop it first"),
    ):
        restore_backup(clinic, file=backup, replace=True)
    with psycopg.connect(clinic.url, application_name="liaison worker other_clinic"):
        restore_backup(clinic, file=backup, replace=True)


def test_psql_opens_the_organizations_schema(clinic, capfd):
    assert run_psql(clinic, ("--tuples-only", "--command", "SELECT room FROM booking")) == 0
    assert capfd.readouterr().out.strip() == "7"
