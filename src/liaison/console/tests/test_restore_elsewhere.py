"""A backup and the two keys are all that another machine needs: people sign in there, and the trail is unbroken."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from liaison.console.postgres import Cluster
from liaison.console.tests.test_commands import HIDDEN, liaison

pytestmark = pytest.mark.journey
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
KEYS = {"LIAISON_MODE": "demo", "LIAISON_SECRET_KEY": "s" * 40, "LIAISON_AUDIT_KEY": "a" * 40}
ADA = (
    "admin",
    "add",
    "ada@elm.example",
    "--name",
    "Ada Bell",
    "--site",
    "Elm Street",
    "--phone",
    "(617) 555-0123",
    "--password-stdin",
)
BEGIN = """
from liaison.console.settings import loaded
with loaded():
"""
ENROL = f"""
    from allauth.mfa.totp.internal.auth import TOTP
    from liaison.accounts.models import User
    from liaison.core.audit import seal_entries
    TOTP.activate(User.objects.get(), "{SECRET}")
    while seal_entries():
        pass
"""
SIGN_IN = f"""
    import time
    from django.test import Client
    from liaison.accounts.tests.cast import totp_code
    from liaison.console.static import collect
    collect()
    client = Client(headers={{"host": "localhost"}})
    client.raise_request_exception = False
    first = client.post("/account/login/", {{"login": "ada@elm.example", "password": "{PASSWORD}"}})
    code = totp_code("{SECRET}", at=time.time())
    second = client.post(first.headers.get("Location", "/account/login/"), {{"code": code}})
    people = client.get("/people/").status_code
    print(first.status_code, second.status_code, second.headers.get("Location"), people)
"""


def run(program, **variables):
    """What a small program says that has Liaison's settings and database."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    command = [sys.executable, "-c", BEGIN + program]
    done = subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def backup(ready, tmp_path):
    """A backup of an installation with one person, who has a second factor, and a sealed trail."""
    here = KEYS | {"DATABASE_URL": ready.url, "LIAISON_DATA": str(tmp_path / "here")}
    command = [sys.executable, "-m", "liaison.console.main", *ADA]
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    subprocess.run(command, env=environment | here, input=f"{PASSWORD}\n", text=True, check=True)
    run(ENROL, **here)
    file = tmp_path / "elm.backup"
    said = liaison("backup", file, **here)
    assert said.returncode == 0, said.stderr
    assert "LIAISON_SECRET_KEY" in said.stdout
    assert "LIAISON_AUDIT_KEY" in said.stdout
    return file


@pytest.fixture
def elsewhere():
    """An empty data folder that the database server's account can reach."""
    with tempfile.TemporaryDirectory(prefix="liaison-elsewhere-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield KEYS | {"DATABASE_URL": "", "LIAISON_DATA": str(Path(name) / "data")}


def test_a_backup_restored_into_an_empty_folder_lets_people_sign_in_and_its_trail_is_unbroken(backup, elsewhere):
    restored = liaison("restore", backup, **elsewhere)
    assert restored.returncode == 0, restored.stderr
    with Cluster(Path(elsewhere["LIAISON_DATA"]) / "postgres").lease():  # it need not start for each command
        proven = liaison("audit", "verify", **elsewhere)
        assert proven.returncode == 0, proven.stderr
        assert proven.stdout.startswith("Unbroken: ")
        assert run(SIGN_IN, **elsewhere) == "302 302 / 200"

        # Without the keys of the installation neither the trail nor the second factor is what it was.
        other_trail = liaison("audit", "verify", **(elsewhere | {"LIAISON_AUDIT_KEY": "x" * 40}))
        assert other_trail.returncode == 1
        assert "The audit trail is broken" in other_trail.stderr
        assert run(SIGN_IN, **(elsewhere | {"LIAISON_SECRET_KEY": "x" * 40})) != "302 302 / 200"
        # The earlier secret as a fallback is enough.
        changed = {"LIAISON_SECRET_KEY": "x" * 40, "LIAISON_SECRET_KEY_FALLBACKS": KEYS["LIAISON_SECRET_KEY"]}
        run("    from django.core.cache import cache; cache.clear()", **elsewhere)
        assert run(SIGN_IN, **(elsewhere | changed)) == "302 302 / 200"
