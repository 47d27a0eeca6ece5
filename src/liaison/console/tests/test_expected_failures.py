"""What may be expected to fail ends in one sentence and a status; a bug stays a bug."""

import os

import click
import pytest
from click.testing import CliRunner
from django.db import OperationalError

from liaison.console.claim import Claim
from liaison.console.main import Commands, main
from liaison.console.problems import Problem
from liaison.console.settings import loaded
from liaison.core.refusals import Forbidden

NOWHERE = "postgresql://127.0.0.1:9/none"


def run_failing_with(error):
    """The end of a command that raises this error."""

    @click.group(cls=Commands)
    def group():
        """A few commands."""

    @group.command()
    def fail():
        raise error

    return CliRunner().invoke(group, ["fail"])


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "Stopped."),
        (FileNotFoundError(2, "No such file", "there.txt"), 1, "Error: there.txt: No such file."),
        (OSError("odd\nand more"), 1, "Error: odd."),
        (Forbidden("Only Rosa may do this."), 1, "Error: Only Rosa may do this."),
        (OperationalError("server gone."), 1, "Error: The database was lost: server gone. Nothing is half-done;"),
    ],
)
def test_what_may_be_expected_ends_in_a_sentence(error, status, said):
    end = run_failing_with(error)
    assert end.exit_code == status
    assert end.output.startswith(said)
    assert len(end.output.splitlines()) == 1


def test_a_bug_is_not_hidden_behind_a_sentence():
    end = run_failing_with(ZeroDivisionError("by zero"))
    assert isinstance(end.exception, ZeroDivisionError)


@pytest.mark.parametrize("command", [["demo"], ["import", "--as-of", "2026-03-04", "x.json"], ["migrate"]])
def test_a_database_that_does_not_answer_is_told_before_anything_is_tried(command, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    monkeypatch.setenv("LIAISON_DATA", str(tmp_path))
    monkeypatch.setenv("LIAISON_AS_OF", "")
    end = CliRunner().invoke(main, command)
    assert end.exit_code == 1
    assert "The database does not answer" in end.output
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_is_a_file_is_told(monkeypatch, tmp_path):
    (tmp_path / "data").write_text("no folder")
    monkeypatch.setenv("LIAISON_DATA", str(tmp_path / "data"))
    end = CliRunner().invoke(main, ["audit", "verify"])
    assert end.exit_code == 1
    assert "Not a directory." in end.output


def test_commands_beside_a_running_liaison_share_its_clock(monkeypatch, tmp_path):
    monkeypatch.setenv("LIAISON_DATA", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    monkeypatch.setenv("LIAISON_CLOCK_OFFSET", "0")
    claim = Claim(tmp_path)
    with claim.held():
        claim.tell_clock(-3600)
        with pytest.raises(Problem, match="does not answer"), loaded():
            pass
    assert os.environ["LIAISON_CLOCK_OFFSET"] == "-3600"


@pytest.mark.parametrize("nothing", [b"", b"\r\n\n"])
def test_a_pipe_without_a_mail_asks_the_mail_server_to_try_again(nothing, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    end = CliRunner().invoke(main, ["mail", "receive"], input=nothing)
    assert end.exit_code == 75
    assert end.output == ("Nothing came on standard input, so no mail was taken in. Pipe one mail into this command.\n")
