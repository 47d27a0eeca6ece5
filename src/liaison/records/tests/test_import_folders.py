"""A folder stands for the files in it; what can't be read there is told, and nothing at all is no success."""

import os

import pytest

from liaison.records.actions.importing import NoFiles
from liaison.records.tests.cast import observation, walter, write


def test_a_folder_stands_for_its_files_but_not_the_hidden_ones(cast, tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write(tmp_path / "in" / "deep" / "b.json", walter())
    write(tmp_path / "in" / ".hidden.json", "nonsense")
    write(tmp_path / "in" / "a.txt", "nonsense")
    summary = cast.take_in(tmp_path / "in")
    assert [(outcome.file.rpartition("/")[2], outcome.state) for outcome in summary.outcomes] == [
        ("a.txt", "rejected"),
        ("b.json", "imported"),
    ]


@pytest.mark.parametrize("hidden", [[], [".hidden.json"]])
def test_folders_without_files_are_no_success(cast, tmp_path, hidden):
    first, second = tmp_path / "monday", tmp_path / "tuesday"
    for folder in (first, second / "deep"):
        folder.mkdir(parents=True)
    for name in hidden:
        write(first / name, walter())
    with pytest.raises(NoFiles, match=rf"^There are no files in {first}, {second} \(.*Nothing was imported\.$"):
        cast.take_in(first, second)


def test_an_empty_folder_beside_a_full_one_is_told(cast, tmp_path):
    (tmp_path / "empty").mkdir()
    summary = cast.take_in(tmp_path / "empty", write(tmp_path / "a.json", walter()))
    assert [(outcome.file.rpartition("/")[2], outcome.state) for outcome in summary.outcomes] == [
        ("empty", "rejected"),
        ("a.json", "imported"),
    ]
    assert summary.rejects[0].reason == "a folder without files, or one that can't be read"


def test_what_can_not_be_read_in_a_folder_is_rejected_and_not_passed_over(cast, tmp_path):
    folder, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    write(folder / "a.json", walter())
    (folder / "b.json").symlink_to(tmp_path / "never-came.json")
    (folder / "c").symlink_to(elsewhere)
    os.mkfifo(folder / "d")
    (folder / "e.json").symlink_to(write(elsewhere / "real.json", observation()))
    summary = cast.take_in(folder)
    assert [(reject.file.rpartition("/")[2], reject.reason) for reject in summary.rejects] == [
        ("b.json", "a link to something that is not there"),
        ("c", "a link to a folder: name the folder itself"),
        ("d", "not a regular file: a pipe, a socket or a device"),
    ]
    assert summary.total.new == 2
