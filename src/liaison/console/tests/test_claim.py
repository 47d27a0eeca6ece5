"""One `liaison up` works on a data folder, and other commands there share its clock."""

import json

import pytest

from liaison.console.claim import Claim
from liaison.console.prepared import remember, remembered
from liaison.console.problems import Problem


def test_a_folder_is_held_by_one_and_free_afterwards(tmp_path):
    with Claim(tmp_path).held(), pytest.raises(Problem, match="already runs"), Claim(tmp_path).held():
        pass
    with Claim(tmp_path).held():
        pass


def test_nothing_is_taken_from_under_a_liaison_that_runs_and_none_starts_meanwhile(tmp_path):
    nowhere = tmp_path / "nowhere"
    with Claim(nowhere).kept_from_up():
        assert not nowhere.exists()
    with (
        Claim(tmp_path).held(),
        pytest.raises(Problem, match=r"runs on .* \(process \d+\)\. Stop it first"),
        Claim(tmp_path).kept_from_up(),
    ):
        pass
    with Claim(tmp_path).kept_from_up(), pytest.raises(Problem, match="already runs"), Claim(tmp_path).held():
        pass
    with Claim(tmp_path).held():
        pass


def test_the_clock_of_the_one_that_runs_is_known_and_of_none_other(tmp_path):
    other = Claim(tmp_path)
    assert other.clock_of_holder() == 0
    with Claim(tmp_path).held():
        assert other.clock_of_holder() == 0
        Claim(tmp_path).tell_clock(-3600)
        assert other.clock_of_holder() == -3600
    assert other.clock_of_holder() == 0


def test_a_preparation_is_remembered_until_something_changes(tmp_path, shared_cluster, ready, monkeypatch):
    stamp, url = tmp_path / "prepared.json", shared_cluster.url_of("test_unknown")
    assert remembered(stamp, url=url) is None
    stamp.write_text("{broken")
    assert remembered(stamp, url=url) is None
    monkeypatch.setenv("LIAISON_MODE", "test")
    remember(stamp, url=ready.url, sign_ins=["Rosa"])
    kept = remembered(stamp, url=ready.url)
    assert kept is not None
    assert kept.sign_ins == ("Rosa",)
    monkeypatch.setenv("LIAISON_SCHEMA", "elsewhere")
    assert remembered(stamp, url=ready.url) is None
    monkeypatch.undo()
    stamp.write_text(json.dumps({"state": "another", "sign_ins": []}))
    assert remembered(stamp, url=ready.url) is None
