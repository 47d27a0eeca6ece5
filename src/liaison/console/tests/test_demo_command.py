"""The demonstration clinic is built only where nobody works yet, and wholly or not at all."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from liaison.accounts.models import User
from liaison.accounts.queries import DEMO_PASSWORD, SHOWN_AT_SIGN_IN
from liaison.console.demo import fill_if_empty, sign_ins
from liaison.console.tests.test_commands import HIDDEN
from liaison.core.postgres.guard import writes_open
from liaison.demo import cast

PATIENCE = 120


@pytest.fixture
def said():
    return []


@pytest.fixture
def building(ready):
    """Start `liaison demo` with a handful of patients on an empty database; what still runs at the end is ended."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    environment |= {"LIAISON_MODE": "demo", "LIAISON_DEMO_PATIENTS": "6", "DATABASE_URL": ready.url}
    started = []

    def start():
        command = [sys.executable, "-m", "liaison.console.main", "demo"]
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.django_db
def test_a_database_with_accounts_is_not_filled_with_invented_patients(said):
    with writes_open():
        User.objects.create(email="rosa@clinic.example", name="Rosa Delgado", password="!")
    assert not fill_if_empty(say=said.append)
    assert said == []
    assert User.objects.count() == 1


@pytest.mark.journey
def test_a_build_that_is_killed_leaves_nothing_and_simply_starts_again(ready, building):
    with psycopg.connect(ready.url, autocommit=True, options="-c search_path=liaison,public") as connection:

        def count(query):
            return connection.execute(query).fetchone()[0]

        # A long transaction that has written to the patients' table holds a lock on it: that is the middle.
        writing = (
            "SELECT count(*) FROM pg_locks WHERE mode = 'RowExclusiveLock' AND granted"
            " AND relation = 'patients_patient'::regclass"
        )
        first = building()
        deadline = time.monotonic() + PATIENCE
        while not count(writing):
            assert first.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        assert first.wait(timeout=PATIENCE) == -signal.SIGKILL
        tables = ("accounts_user", "accounts_site", "patients_patient", "records_resource", "core_auditentry")
        while count(writing):  # the server notices that its client is gone
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert [count(f"SELECT count(*) FROM {table}") for table in tables] == [0] * len(tables)

        second = building()
        said, _ = second.communicate(timeout=PATIENCE)
        assert second.returncode == 0, said.decode()
        assert count("SELECT count(*) FROM accounts_user") == len(cast.STAFF)
        assert count("SELECT count(*) FROM patients_identifier WHERE value LIKE 'RH0%'") == 6


def test_the_sign_ins_name_the_people_and_their_password():
    first, *people = sign_ins()
    assert DEMO_PASSWORD in first
    assert len(people) == len(SHOWN_AT_SIGN_IN)
