"""The server runs under an account that can reach its programs and its data, wherever Liaison was cloned to."""

import os
from pathlib import Path

import pytest

from liaison.console.binaries import account_for, data_folder, programs, reachable

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


def test_programs_can_be_run_by_the_account(closed):
    assert (programs(account=account_for(closed)) / "postgres").exists()
