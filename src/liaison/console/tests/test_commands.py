"""The `liaison` command: what it says, its exit status, and never a traceback for what may be expected."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from liaison.console.claim import Claim

HIDDEN = {"LIAISON_TEST_FOLDER", "DJANGO_SETTINGS_MODULE", "LIAISON_SCHEMA"}


def liaison(*arguments, **variables):
    """Run the command as a person would; the result has its status and everything it printed.

    Each database has its own record of the trail's heads: another one's seals are none of its.
    """
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    database = variables.get("DATABASE_URL", "").rpartition("/")[2]
    heads = {"LIAISON_AUDIT_HEADS": str(Path(os.environ["LIAISON_TEST_FOLDER"], "heads", database))} if database else {}
    done = subprocess.run(
        [sys.executable, "-m", "liaison.console.main", *map(str, arguments)],
        env=environment | {"LIAISON_MODE": "demo"} | heads | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_settings_that_are_right_are_said_to_be(ready):
    done = liaison("check-settings", DATABASE_URL=ready.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Right for demo")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DATABASE_URL": "postgresql://127.0.0.1:9/none"}, "database does not answer"),
        ({"LIAISON_MODE": "wrong"}, "LIAISON_MODE is demo"),
        ({"LIAISON_LOCKOUT_FAILURES": "many"}, "LIAISON_LOCKOUT_FAILURES"),
        ({"LIAISON_MODE": "production"}, "In production mode this has to be mended: LIAISON_SECRET_KEY needs a secret"),
    ],
)
def test_wrong_settings_end_in_one_line(place, variables, said):
    done = liaison("check-settings", **({"DATABASE_URL": place.url} | variables))
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_that_is_no_number_is_told_in_a_sentence():
    done = liaison("up", LIAISON_PORT="abc")
    assert done.returncode == 2
    assert "'abc' is not a valid integer" in done.stderr


def test_an_empty_database_is_migrated_only_when_asked(place):
    done = liaison("audit", "verify", DATABASE_URL=place.url)
    assert done.returncode == 1
    assert "liaison migrate" in done.stderr
    assert "still empty" in done.stderr
    assert "liaison up" in done.stderr


def test_the_audit_trail_of_a_new_database_is_unbroken(ready):
    done = liaison("audit", "verify", DATABASE_URL=ready.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Unbroken: ")


def test_a_backup_is_made_refused_to_be_overwritten_and_restored(ready, tmp_path):
    file = tmp_path / "clinic.backup"
    assert liaison("backup", file, DATABASE_URL=ready.url).returncode == 0
    again = liaison("backup", file, DATABASE_URL=ready.url)
    assert again.returncode == 1
    assert "--overwrite" in again.stderr
    with Claim(tmp_path).held():
        refused = liaison("restore", file, "--replace", DATABASE_URL=ready.url, LIAISON_DATA=str(tmp_path))
    assert (refused.returncode, "Stop it first" in refused.stderr) == (1, True)
    restored = liaison("restore", file, "--replace", DATABASE_URL=ready.url)
    assert restored.returncode == 0, restored.stderr
    assert liaison("psql", "-c", "SELECT * FROM accounts_user", DATABASE_URL=ready.url).returncode == 0


def test_an_import_tells_what_came_and_what_was_refused(ready, tmp_path):
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Dragon"}}]}
    (tmp_path / "odd.json").write_text(json.dumps(bundle))
    assert "no site" in liaison("import", tmp_path, DATABASE_URL=ready.url).stderr
    add_site = (
        "INSERT INTO accounts_site (code, name, time_zone, address, phone, version) VALUES ('a', 'A', 'UTC', '', '', 1)"
    )
    assert liaison("psql", "-c", add_site, DATABASE_URL=ready.url).returncode == 0
    refused = liaison("import", tmp_path, DATABASE_URL=ready.url)
    assert refused.returncode == 1
    assert "rejected: " in refused.stdout
    assert "Dragon" in refused.stdout
    assert "--allow-rejects" in refused.stderr


def test_a_newer_database_is_refused(ready):
    newer = "INSERT INTO django_migrations (app, name, applied) VALUES ('loops', '9999_from_the_future', now())"
    assert liaison("psql", "-c", newer, DATABASE_URL=ready.url).returncode == 0
    done = liaison("migrate", DATABASE_URL=ready.url)
    assert done.returncode == 1
    assert "newer release" in done.stderr


@pytest.mark.parametrize("day", ["2021-02-30", "yesterday", "10000-01-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_refused_before_anything_starts(day, tmp_path):
    done = liaison("up", "--as-of", day, LIAISON_DATA=str(tmp_path / "new"))
    assert done.returncode == 2
    assert f"{day}" in done.stderr
    assert "Write it like 2021-02-20." in done.stderr or "too far away" in done.stderr
    assert not (tmp_path / "new").exists()
