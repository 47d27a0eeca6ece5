"""The server runs under an account that can reach its programs and its data, wherever Liaison was cloned to."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from liaison.console.binaries import account_for, data_folder, programs, reachable
from liaison.console.problems import Problem

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def closed(tmp_path):
    """A folder that only its owner may enter."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


def test_root_gives_the_server_to_another_account_and_others_keep_it(closed):
    account = account_for(closed / "cluster")
    assert (account is not None) == AS_ROOT
    assert account is None or account.uid != 0


def test_a_folder_keeps_the_account_that_owns_it(tmp_path):
    (tmp_path / "cluster").mkdir()
    if AS_ROOT:
        os.chown(tmp_path / "cluster", 65534, 65534)
    account = account_for(tmp_path / "cluster")
    assert account is None or account.uid == 65534


def test_what_only_root_may_enter_is_out_of_reach_for_the_account(closed):
    assert reachable(closed / "new" / "file", account=account_for(closed)) != AS_ROOT
    assert reachable(Path("/usr/bin/env"), account=account_for(closed))


def test_data_out_of_reach_is_kept_elsewhere_and_found_again(closed, tmp_path):
    home = tmp_path / "system"
    data = data_folder(closed, home=home)
    assert (data.parent.parent == home) == AS_ROOT
    assert (data == closed / "cluster") != AS_ROOT
    assert data_folder(closed, home=home) == data


def has_database(folder):
    cluster = folder / "cluster"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("18\n")
    if AS_ROOT:
        os.chown(cluster, 65534, 65534)
    return cluster


def test_a_database_that_came_out_of_reach_is_never_left_for_an_empty_one(open_folder, tmp_path):
    folder, home = open_folder / "came-out-of-reach", tmp_path / "system"
    folder.mkdir()
    data = has_database(folder)
    assert data_folder(folder, home=home) == data
    folder.chmod(0o700)
    refused = pytest.raises(Problem, match=rf"can't reach this folder: .* is in {data}\..*: chmod a\+x {folder}$")
    with refused if AS_ROOT else nullcontext():
        assert data_folder(folder, home=home) == data
    folder.chmod(0o711)
    assert data_folder(folder, home=home) == data
    assert not home.exists()
    assert not (folder / "location").exists()


def test_the_folder_above_that_shut_it_out_is_the_one_to_open(open_folder, tmp_path):
    above = open_folder / "above"
    (above / "postgres").mkdir(parents=True)
    data = has_database(above / "postgres")
    above.chmod(0o700)
    refused = pytest.raises(Problem, match=rf": chmod a\+x {above}$")
    with refused if AS_ROOT else nullcontext():
        assert data_folder(above / "postgres", home=tmp_path / "system") == data


def test_two_databases_for_one_folder_are_refused_with_the_way_out(tmp_path):
    data = has_database(tmp_path)
    (tmp_path / "location").write_text("/var/lib/liaison/cluster-1/cluster\n")
    with pytest.raises(Problem, match=rf"two databases .*cluster-1/cluster.*remove {tmp_path}/location .* move {data}"):
        data_folder(tmp_path, home=tmp_path / "system")


def test_programs_can_be_run_by_the_account(closed):
    assert (programs(account=account_for(closed)) / "postgres").exists()
