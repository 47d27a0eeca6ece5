"""Production starts on a database of its own, and not on the demonstration's."""

import socket

import psycopg
import pytest

from liaison.console.tests.test_commands import liaison

PRODUCTION = {
    "LIAISON_MODE": "production",
    "LIAISON_SECRET_KEY": "Jq0x7Vd3mZ1wKcT9yB5nHs2LfRg8Pe4uAoXi6tWj",
    "LIAISON_AUDIT_KEY": "d41f8c09b3e27a65f0918c2d7b4ea36501f9c8d2",
    "LIAISON_ORGANIZATION": "Elm Street Clinic",
    "LIAISON_MAIL_FROM": "Elm Street Clinic <care@elm.example>",
    "LIAISON_PUBLIC_URL": "https://liaison.elm.example",
    "LIAISON_ALLOWED_HOSTS": "liaison.elm.example",
    "SMTP_URL": "smtps://liaison:invented@127.0.0.1:465",
}


@pytest.fixture
def demonstration(ready):
    """A database in which one invented person's account is open, and one is closed."""
    with psycopg.connect(ready.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO liaison.accounts_user"
            " (password, email, name, is_active, is_demo, must_change_password, deactivated_at, version) VALUES"
            " ('!', 'rosa@riverside.example', 'Rosa', true, true, false, NULL, 1),"
            " ('!', 'pat@riverside.example', 'Pat', false, true, false, now(), 1)"
        )
    return ready


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_production_does_not_start_on_the_demonstrations_database(demonstration, tmp_path):
    told = PRODUCTION | {"DATABASE_URL": demonstration.url, "LIAISON_DATA": str(tmp_path)}
    for command in (["check-settings"], ["up", "--mode", "production", "--port", str(free_port())]):
        done = liaison(*command, **told)
        assert done.returncode == 1
        assert (
            "holds the demonstration: 1 open accounts of invented people, such as rosa@riverside.example" in done.stderr
        )
        assert "set another DATABASE_URL" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["import", "records.json"],
        ["rebuild"],
        ["admin", "add", "ada@elm.example", "--name", "Ada", "--one-time"],
        ["audit", "verify"],
        ["demo"],
    ],
    ids=" ".join,
)
def test_no_command_that_writes_is_taken_by_the_demonstrations_database_in_production(demonstration, command):
    done = liaison(*command, DATABASE_URL=demonstration.url, **PRODUCTION)
    assert done.returncode == 1
    assert "holds the demonstration: 1 open accounts of invented people" in done.stderr


def test_production_is_right_without_open_accounts_of_invented_people(demonstration):
    with psycopg.connect(demonstration.url, autocommit=True) as connection:
        connection.execute("UPDATE liaison.accounts_user SET is_active = false, deactivated_at = now()")
    done = liaison("check-settings", DATABASE_URL=demonstration.url, **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Right for production")


def test_the_demonstration_is_right_with_its_own_people(demonstration):
    done = liaison("check-settings", DATABASE_URL=demonstration.url)
    assert done.returncode == 0, done.stderr
