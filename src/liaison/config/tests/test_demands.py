"""Settings that real patients must not meet are refused, all of them in one sentence."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from liaison.config import settings as ours
from liaison.config.demands import Given, sentence, wrong_anywhere, wrong_in_production, wrong_outside_production

DEMO = Given(
    secret_key="the-secret-that-everybody-knows-of-us",
    audit_key="the-secret-that-everybody-knows-of-us",
    organization="Riverside Health (demonstration)",
    mail_from="Riverside Health <no-reply@riverside.example>",
    smtp_url="smtp://127.0.0.1:2525",
    demo_secret="the-secret-that-everybody-knows-of-us",
    demo_organization="Riverside Health (demonstration)",
    demo_mail_from="Riverside Health <no-reply@riverside.example>",
)
SECRET = "Jq0x7Vd3mZ1wKcT9yB5nHs2LfRg8Pe4uAoXi6tWj"
ANOTHER = "d41f8c09b3e27a65f0918c2d7b4ea36501f9c8d2"
CLINIC = replace(
    DEMO,
    secret_key=SECRET,
    audit_key=ANOTHER,
    organization="Elm Street Clinic",
    mail_from="Elm Street Clinic <care@elm.example>",
    smtp_url="smtps://user:word@mail.elm.example",
    public_url="https://liaison.elm.example",
    hosts=("liaison.elm.example",),
    origins=("https://liaison.elm.example", "http://localhost:8000"),
)
RIGHT = {
    "LIAISON_MODE": "production",
    "LIAISON_SECRET_KEY": SECRET,
    "LIAISON_AUDIT_KEY": ANOTHER,
    "LIAISON_ORGANIZATION": "Elm Street Clinic",
    "LIAISON_MAIL_FROM": "Elm Street Clinic <care@elm.example>",
    "SMTP_URL": "smtps://user:word@mail.elm.example",
    "DATABASE_URL": "postgresql://127.0.0.1:9/none",
    "LIAISON_PUBLIC_URL": "https://liaison.elm.example",
}
SOURCE = Path(ours.__file__).resolve().parents[1]
PAGE = SOURCE.parents[1] / "docs" / "operations.md"


def read_settings(**variables):
    """What a process says that reads nothing but the settings."""
    ours_alone = {"PATH": os.environ["PATH"]} | variables
    program = "from liaison.console.settings import plain_settings; print(plain_settings().LIAISON_MODE)"
    command = [
        sys.executable,
        "-c",
        f"import click\ntry:\n  {program}\nexcept click.ClickException as e: print(e.message)",
    ]
    done = subprocess.run(command, env=ours_alone, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_clinics_own_settings_are_right():
    assert list(wrong_anywhere(CLINIC)) == list(wrong_in_production(CLINIC)) == []
    assert sentence([], mode="production") == ""


def test_everything_of_the_demonstration_is_refused_in_production_at_once():
    said = sentence(
        wrong_in_production(replace(DEMO, clock_offset=-60, smtp_url="smtp://mail.elm.example")), mode="production"
    )
    assert said.startswith("In production mode this has to be mended: LIAISON_SECRET_KEY needs ")
    assert said.count(";") == 6
    for name in ("LIAISON_AUDIT_KEY", "LIAISON_ORGANIZATION", "LIAISON_MAIL_FROM", "LIAISON_AS_OF", "SMTP_URL"):
        assert name in said
    assert "LIAISON_PUBLIC_URL" in said


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"secret_key": DEMO.demo_secret}, "LIAISON_SECRET_KEY needs"),
        ({"secret_key": f" {DEMO.demo_secret}"}, "LIAISON_SECRET_KEY needs"),
        ({"secret_key": "short"}, "LIAISON_SECRET_KEY needs"),
        ({"secret_key": "s" * 64}, "LIAISON_SECRET_KEY needs"),
        ({"audit_key": "change-me" * 5}, "LIAISON_AUDIT_KEY needs"),
        ({"secret_key": f"of-elm-{DEMO.demo_secret.upper()}-2026"}, "LIAISON_SECRET_KEY needs"),
        ({"secret_key_fallbacks": ("abc" * 20,)}, "LIAISON_SECRET_KEY_FALLBACKS"),
        ({"database_url": "postgresql://u:w@db.elm.example/liaison"}, "DATABASE_URL goes to another machine"),
        ({"database_url": "postgresql://u:w@10.0.0.7/liaison?sslmode=disable"}, "without TLS"),
        ({"database_url": "postgresql://u:w@db.elm.example/liaison?sslmode=prefer"}, "without TLS"),
        ({"database_url": "postgresql:///liaison?host=db.elm.example"}, "without TLS"),
        ({"database_url": "postgresql://localhost/liaison?hostaddr=10.0.0.7"}, "without TLS"),
        ({"database_url": "postgresql://127.0.0.1,db.elm.example/liaison"}, "without TLS"),
        ({"database_url": "postgresql://u:w@db.elm.example/liaison?no-such-word=1"}, "DATABASE_URL"),
        ({"events_url": "http://events.elm.example/events"}, "LIAISON_EVENTS_URL"),
        ({"events_url": "http://{host}:8001/events"}, "LIAISON_EVENTS_URL"),
        ({"events_url": "//events.elm.example"}, "LIAISON_EVENTS_URL"),
        ({"events_url": ""}, "LIAISON_EVENTS_URL"),
        ({"secret_key": f"{'s' * 20}{' ' * 20}"}, "LIAISON_SECRET_KEY needs"),
        ({"audit_key": f"{DEMO.demo_secret} "}, "LIAISON_AUDIT_KEY needs"),
        ({"audit_key": f"{SECRET} "}, "LIAISON_AUDIT_KEY must be another one"),
        ({"secret_key_fallbacks": (f" {DEMO.demo_secret}",)}, "LIAISON_SECRET_KEY_FALLBACKS"),
        ({"audit_key": DEMO.demo_secret}, "LIAISON_AUDIT_KEY needs"),
        ({"secret_key_fallbacks": (SECRET[::-1], DEMO.demo_secret)}, "LIAISON_SECRET_KEY_FALLBACKS"),
        ({"secret_key_fallbacks": ("short",)}, "LIAISON_SECRET_KEY_FALLBACKS"),
        ({"organization": " "}, "LIAISON_ORGANIZATION"),
        ({"audit_key": SECRET}, "LIAISON_AUDIT_KEY must be another one"),
        ({"public_url": "http://liaison.elm.example"}, "LIAISON_PUBLIC_URL"),
        ({"public_url": "http://localhost:8000"}, "LIAISON_PUBLIC_URL"),
        ({"public_url": ""}, "LIAISON_PUBLIC_URL"),
        ({"hosts": ("*",)}, "LIAISON_ALLOWED_HOSTS"),
        ({"origins": ("https://*",)}, "LIAISON_TRUSTED_ORIGINS"),
        ({"origins": ("http://evil.example",)}, "LIAISON_TRUSTED_ORIGINS"),
        ({"mail_from": "Elm <no-reply@riverside.example>"}, "LIAISON_MAIL_FROM"),
        ({"smtp_url": "smtp://mail.elm.example:2525"}, "without TLS"),
        ({"smtp_url": "smtp://10.0.0.7"}, "without TLS"),
    ],
)
def test_one_thing_of_the_demonstration_is_refused_alone(change, named):
    (problem,) = wrong_in_production(replace(CLINIC, **change))
    assert named in problem


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql://127.0.0.1:9/none",
        "postgresql:///liaison",
        "postgresql://localhost,[::1]/liaison",
        "postgresql:///liaison?host=/run/postgresql",
        "postgresql://u:w@db.elm.example/liaison?sslmode=require",
        "postgresql://u:w@10.0.0.7,10.0.0.8/liaison?sslmode=verify-full",
    ],
)
def test_a_database_on_this_machine_or_reached_by_tls_is_fine(url):
    assert list(wrong_in_production(replace(CLINIC, database_url=url))) == []


@pytest.mark.parametrize(
    "url", ["/events", "https://events.elm.example/", "https://{host}/events", "http://127.0.0.1:8001/events"]
)
def test_live_changes_by_a_path_or_by_tls_are_fine(url):
    assert list(wrong_in_production(replace(CLINIC, events_url=url))) == []


@pytest.mark.parametrize(
    "url", ["", "smtp://127.0.0.1", "smtp://localhost:25", "smtp://[::1]", "smtp+starttls://a.example", "nonsense"]
)
def test_mail_that_stays_here_or_is_secured_is_fine(url):
    assert list(wrong_in_production(replace(CLINIC, smtp_url=url))) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mail_from": "Care team"}, "LIAISON_MAIL_FROM must look like"),
        ({"mail_from": "care@"}, "LIAISON_MAIL_FROM must look like"),
        ({"mail_reply_to": "Care <care@elm.example>"}, "LIAISON_MAIL_REPLY_TO must be"),
        ({"mail_reply_to": "care at elm"}, "LIAISON_MAIL_REPLY_TO must be"),
        ({"smtp_url": "http://mail.elm.example"}, "SMTP_URL must look like"),
        ({"mail_from": "Elm\nBcc: x <care@elm.example>"}, "LIAISON_MAIL_FROM must look like"),
        ({"numbers": {"LIAISON_PORT": 0}}, "LIAISON_PORT must be a number from 1 to 65533"),
        ({"numbers": {"LIAISON_IDLE_SECONDS": -1}}, "LIAISON_IDLE_SECONDS must be"),
        ({"numbers": {"LIAISON_CLOCK_OFFSET": 10**15}}, "LIAISON_CLOCK_OFFSET must be"),
        ({"log_level": "LOUD"}, "LIAISON_LOG_LEVEL must be"),
        ({"schema": 'a"; DROP'}, "LIAISON_SCHEMA must be"),
        ({"schema": "x" * 64}, "LIAISON_SCHEMA must be"),
        ({"database_url": "sqlite:///x"}, "DATABASE_URL must begin with"),
        ({"document_scanner": "/usr/bin/clamscan"}, "LIAISON_DOCUMENT_SCANNER must name"),
        ({"document_scanner": "nowhere.scanning.scan"}, "LIAISON_DOCUMENT_SCANNER must name"),
        ({"document_scanner": "scan"}, "LIAISON_DOCUMENT_SCANNER must name"),
    ],
)
def test_what_no_mode_can_work_with_is_refused_in_every_mode(change, named):
    (problem,) = wrong_anywhere(replace(CLINIC, **change))
    assert named in problem


def test_a_scanner_that_is_there_is_fine():
    assert list(wrong_anywhere(replace(CLINIC, document_scanner="email.message.Message"))) == []


@pytest.mark.parametrize("name", ["secret_key", "audit_key", "organization"])
def test_what_was_set_to_nothing_is_refused_in_the_demonstration_too(name):
    (problem,) = wrong_outside_production(replace(DEMO, **{name: " "}))
    assert f"LIAISON_{name.upper()} must not be empty" in problem
    assert list(wrong_outside_production(DEMO)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIAISON_PORT", "abc"),
        ("LIAISON_LOG_LEVEL", "LOUD"),
        ("LIAISON_CLOCK_OFFSET", "9" * 30),
        ("LIAISON_DEMO_PATIENTS", "many"),
        ("LIAISON_SCHEMA", "Liaison"),
        ("DATABASE_URL", "mysql://127.0.0.1/x"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(name, value):
    assert name in read_settings(**{name: value})
    assert read_settings(LIAISON_LOG_LEVEL="debug") == "demo"


def test_production_with_nothing_of_its_own_is_told_everything_in_one_line():
    said = read_settings(LIAISON_MODE="production", SMTP_URL="smtp://mail.elm.example")
    for name in ("LIAISON_SECRET_KEY", "LIAISON_AUDIT_KEY", "LIAISON_ORGANIZATION", "LIAISON_MAIL_FROM", "SMTP_URL"):
        assert f"{name} " in said
    assert len(said.splitlines()) == 1


def test_production_with_its_own_settings_starts_and_with_the_demonstrations_secrets_it_does_not():
    assert read_settings(**RIGHT) == "production"
    for name in ("LIAISON_SECRET_KEY", "LIAISON_AUDIT_KEY", "LIAISON_SECRET_KEY_FALLBACKS"):
        assert name in read_settings(**(RIGHT | {name: ours._DEMO_SECRET}))


def test_every_setting_that_the_code_reads_is_explained():
    reads = re.compile(r"""(?:env\.\w+|environ\.get|os\.getenv)\(\s*"([A-Z_]+)"|environ\["([A-Z_]+)"\]""")
    read = {
        name
        for path in SOURCE.rglob("*.py")
        if "tests" not in path.parts
        for pair in reads.findall(path.read_text(encoding="utf-8"))
        for name in pair
        if name.startswith("LIAISON_") or name in {"SMTP_URL", "DATABASE_URL"}
    }
    page = PAGE.read_text(encoding="utf-8")
    assert len(read) > 20
    assert sorted(name for name in read if f"`{name}`" not in page) == []


def test_every_setting_that_is_explained_is_read_somewhere():
    rows = [
        line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `LIAISON_")
    ]
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if "tests" not in path.parts)
    explained = {name for row in rows for name in re.findall(r"`(LIAISON_\w+)`", row)}
    assert len(explained) > 20
    assert sorted(name for name in explained if f'"{name}"' not in code) == []
