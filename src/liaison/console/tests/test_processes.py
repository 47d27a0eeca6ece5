"""What runs as a process of its own: Django's commands, the servers' applications, their tie to their parent."""

import os
import subprocess
import sys

import pytest

from liaison.console import manage


def test_djangos_own_commands_run_against_the_database_that_is_configured(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["manage", "version"])
    before = os.environ["DATABASE_URL"]
    manage.main()
    assert capsys.readouterr().out.strip()[0].isdigit()
    assert os.environ["DATABASE_URL"] == before


def test_without_an_address_and_a_server_djangos_commands_that_need_no_database_still_run(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(sys, "argv", ["manage", "version"])
    monkeypatch.setenv("LIAISON_DATA", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "")
    manage.main()
    assert os.environ["DATABASE_URL"] == manage.UNREACHABLE
    assert capsys.readouterr().out.strip()


def test_an_embedded_server_that_runs_is_found_and_one_that_does_not_is_not_started(
    shared_cluster, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(sys, "argv", ["manage", "version"])
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("LIAISON_DATA", os.environ["LIAISON_TEST_FOLDER"])
    manage.main()
    assert os.environ["DATABASE_URL"] == shared_cluster.url
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("LIAISON_DATA", str(tmp_path))
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "location").write_text(f"{tmp_path / 'postgres' / 'cluster'}\n")
    manage.main()
    assert os.environ["DATABASE_URL"] == manage.UNREACHABLE
    assert not (tmp_path / "postgres" / "cluster").exists()
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", ["pages", "events"])
def test_a_servers_worker_loads_its_application_and_ends_with_its_parent(name):
    program = f"""
import ctypes
from liaison.console import web
application = web.{name}()
number = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(number))
print(callable(application), number.value)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "15" if sys.platform == "linux" else "0"]
