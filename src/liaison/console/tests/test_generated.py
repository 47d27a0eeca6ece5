"""The pages that are read off the code say what the code says, and are written only where they are not current."""

import pytest

from liaison.console.generated import FOLDER, addresses, main, verbs_by_role, what_happens_when

PAGES = {"what-happens-when.md": what_happens_when, "verbs-by-role.md": verbs_by_role, "addresses.md": addresses}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder that the pages are written below."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_generated_pages_name_verbs_facts_and_addresses():
    assert "records.import" in verbs_by_role()
    assert "AppointmentBooked" in what_happens_when()
    assert "desk:home" in addresses()


def test_the_pages_are_written_once_and_then_left_alone(here, capsys):
    assert main([]) == 0
    assert {path.name for path in (here / FOLDER).iterdir()} == set(PAGES)
    assert all((here / FOLDER / name).read_text() == page() for name, page in PAGES.items())
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "3 of 3 pages written to docs/generated.",
        "0 of 3 pages written to docs/generated.",
    ]


def test_a_check_names_what_is_not_current_and_writes_nothing(here, capsys):
    assert main(["--check"]) == 1
    assert not (here / FOLDER).exists()
    assert len(capsys.readouterr().err.splitlines()) == 3
    main([])
    assert main(["--check"]) == 0
    (here / FOLDER / "addresses.md").write_text("older")
    assert main(["--check"]) == 1
    assert capsys.readouterr().err == "docs/generated/addresses.md is not current: run `make docs` and commit it.\n"
    assert (here / FOLDER / "addresses.md").read_text() == "older"
