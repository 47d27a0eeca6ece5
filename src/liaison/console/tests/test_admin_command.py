"""The first administrator of an installation comes from the command line, and can then sign in."""

import os
import pty
import re
import subprocess
import sys
from dataclasses import replace

import psycopg
import pytest

from liaison.accounts.actions import AdministratorExists, EmailTaken, appoint_first_administrator
from liaison.accounts.models import Site, User
from liaison.console.administration import NewAdministrator, NewSite, add_administrator
from liaison.console.problems import Problem
from liaison.console.tests.test_commands import HIDDEN, liaison
from liaison.core.actor import system_actor
from liaison.core.clock import current_time

PHONE = "(312) 555-0123"
SITE = ("--site", "Elm Street", "--phone", PHONE, "--time-zone", "America/Chicago")
PASSWORD = "correct horse battery"
SIGN_IN = """
from liaison.console.settings import load_settings; load_settings()
from liaison.console.static import collect; collect()
import sys; from django.test import Client
answer = Client(headers={"host": "localhost"}).post("/account/login/", {"login": sys.argv[1], "password": sys.argv[2]})
print(answer.status_code, answer.headers.get("Location"))
"""


def rows(place, query):
    with psycopg.connect(place.url, options="-c search_path=liaison,public") as connection:
        return connection.execute(query).fetchall()


def environment(place):
    kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    return kept | {"LIAISON_MODE": "demo", "DATABASE_URL": place.url}


def sign_in(place, email, password):
    """Where the sign-in page sends this person."""
    done = subprocess.run(
        [sys.executable, "-c", SIGN_IN, email, password],
        env=environment(place), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def add(place, *arguments, typed=f"{PASSWORD}\n"):
    """`liaison admin add` with a password on its standard input."""
    command = [sys.executable, "-m", "liaison.console.main", "admin", "add", *arguments]
    done = subprocess.run(command, env=environment(place), input=typed, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_first_administrator_and_site_are_added_and_audited_and_a_second_one_needs_to_be_meant(ready):
    ada = ("Ada@elm.example", "--name", "Ada Bell", "--password-stdin")
    done = add(ready, *ada, *SITE)
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    (made,) = rows(ready, "SELECT name, time_zone, code, phone FROM accounts_site")
    assert made == ("Elm Street", "America/Chicago", "elm-street", PHONE)
    team = "SELECT t.name, s.name FROM accounts_team t JOIN accounts_site s ON s.id = t.site_id"
    assert rows(ready, team) == [("Care coordination", "Elm Street")]
    assert "Elm Street has a first team, Care coordination." in done.stdout
    held = "SELECT email, role, site_id FROM accounts_user u JOIN accounts_assignment a ON a.user_id = u.id ORDER BY 1"
    assert rows(ready, held) == [("ada@elm.example", "administrator", None)]
    told = rows(ready, "SELECT DISTINCT actor_name, outcome FROM core_auditentry WHERE verb LIKE 'accounts.manage%'")
    assert told == [("Liaison: command line", "done")]
    assert sign_in(ready, "ada@elm.example", PASSWORD) == "302 /"
    assert sign_in(ready, "ada@elm.example", "another password") == "200 None"

    ben = ("ben@elm.example", "--name", "Ben Ito", "--password-stdin")
    refused = add(ready, *ben)
    assert refused.returncode == 1
    assert "administers this installation already" in refused.stderr
    assert add(ready, *ben, "--another").returncode == 0
    assert "no terminal" in add(ready, "eve@elm.example", "--name", "Eve", "--another").stderr
    assert [email for email, *_ in rows(ready, held)] == ["ada@elm.example", "ben@elm.example"]


def test_a_password_for_the_first_sign_in_has_to_be_changed_there(ready):
    done = liaison("admin", "add", "ada@elm.example", "--name", "Ada", "--one-time", *SITE, DATABASE_URL=ready.url)
    assert done.returncode == 0, done.stderr
    password = done.stdout.strip().rpartition("shown only now: ")[2]
    assert rows(ready, "SELECT must_change_password FROM accounts_user") == [(True,)]
    assert sign_in(ready, "ada@elm.example", password).startswith("302")


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(ready):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "liaison.console.main", "admin", "add", "ada@elm.example", "--name", "Ada", *SITE]
    process = subprocess.Popen(
        command, env=environment(ready), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    said = b""
    for question in (b"Password: ", b"The same again: "):
        while question not in said:
            said += os.read(ours, 1024)
        os.write(ours, f"{PASSWORD}\n".encode())
    assert process.wait(timeout=60) == 0
    while b"administers" not in said:
        said += os.read(ours, 1024)
    os.close(ours)
    assert PASSWORD.encode() not in said
    assert sign_in(ready, "ada@elm.example", PASSWORD) == "302 /"


ADA = NewAdministrator(email="ada@elm.example", name="Ada Bell", password=PASSWORD)
ELM = NewSite(name="Elm Street", time_zone="America/Chicago", phone=PHONE)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "site", "said"),
    [
        ({}, None, "There is no site yet"),
        ({}, NewSite(name=" ", time_zone="America/Chicago", phone=PHONE), "There is no site yet"),
        ({"email": "ada"}, ELM, "valid email address"),
        ({"name": " "}, ELM, "--name"),
        ({"name": "A" * 5_000}, ELM, "--name has 5,000 characters; 120 fit"),
        ({"password": "short"}, ELM, "too short"),
        ({"password": ""}, ELM, "too short"),
        ({"password": "ada@elm.example"}, ELM, "too similar"),
        ({}, replace(ELM, phone=""), "say where with --phone"),
        ({}, replace(ELM, phone="ask Ada"), "say where with --phone"),
        ({}, NewSite(name="Elm", time_zone="Mars/One", phone=PHONE), "Mars/One is no time zone"),
        ({"password": None}, NewSite(name="Elm", time_zone="../etc", phone=PHONE), "is no time zone"),
    ],
)
def test_what_is_odd_is_refused_and_nothing_is_added(change, site, said):
    with pytest.raises(Problem, match=re.escape(said)):
        add_administrator(replace(ADA, **change), site=site)
    assert not User.objects.exists()
    assert not Site.objects.exists()


@pytest.mark.django_db
def test_a_refused_administrator_leaves_no_site_behind():
    appoint_first_administrator(
        actor=system_actor("test"), email="eve@elm.example", name="Eve", password=PASSWORD, now=current_time()
    )
    with pytest.raises(AdministratorExists):
        add_administrator(ADA, site=ELM)
    assert not Site.objects.exists()
    add_administrator(replace(ADA, another=True), site=ELM)
    with pytest.raises(EmailTaken):
        add_administrator(replace(ADA, another=True), site=None)
    with pytest.raises(Problem, match="There is a site already"):
        add_administrator(replace(ADA, email="ben@elm.example", another=True), site=ELM)
    assert User.objects.count() == 2
    assert Site.objects.get().code == "elm-street"


@pytest.mark.django_db
def test_a_site_whose_name_has_no_plain_letters_gets_a_code_too():
    assert add_administrator(
        replace(ADA, password=None), site=NewSite(name="診療所", time_zone="Asia/Tokyo", phone=PHONE)
    )
    assert Site.objects.get().code == "main"


def test_without_a_terminal_or_with_two_ways_nothing_is_asked():
    ada = ("admin", "add", "ada@elm.example", "--name", "Ada", "--password-stdin", "--one-time")
    assert liaison(*ada).returncode == 2
