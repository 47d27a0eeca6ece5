"""What `liaison import` tells a person: what came, what waits, what was refused, and what was opened by it."""

from io import StringIO

import pytest
from rich.console import Console

from liaison.accounts.models import Site
from liaison.console.importing import MOST_LINES, Origin, run_import, status_of
from liaison.console.problems import Problem
from liaison.core.postgres.guard import writes_open
from liaison.patients.models import Patient
from liaison.records.models import Resource
from liaison.records.tests.cast import bundle, observation, walter, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    """The one site that everything is taken in for."""
    with writes_open():
        return Site.objects.create(code="riverside", name="Riverside", time_zone="America/New_York")


@pytest.fixture
def console():
    """A terminal that remembers what it was told."""
    return Console(file=StringIO(), width=200)


def test_an_import_tells_what_came_by_type_and_how_much(site, console, tmp_path):
    summary = run_import([write(tmp_path / "a.json", bundle(walter(), observation()))], console=console)
    said = console.file.getvalue()
    assert Patient.objects.filter(pk__in=summary.patient_ids).count() == 1
    assert "Observation" in said
    assert "2 resources from 1 file in " in said
    assert ", 0 rejected." in said
    assert "No loops were opened: nothing that came in still matters today." in said
    assert status_of(summary, allow_rejects=False) == 0


def test_the_same_files_again_change_nothing_and_say_so(site, console, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter()))
    run_import([path], console=console)
    again = run_import([path], console=console)
    assert again.changed_nothing
    assert "Nothing changed: all of it was here already." in console.file.getvalue()
    assert Resource.objects.count() == 1


def test_the_same_rejects_again_are_not_called_here_already(site, console, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter(), {"resourceType": "Dragon"}))
    run_import([path], console=console)
    again = run_import([path], console=console)
    assert len(again.rejects) == 1
    assert "Nothing new; 1 still rejected." in console.file.getvalue()


def test_a_path_that_does_not_exist_is_refused_before_anything_is_imported(site, console, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter()))
    with pytest.raises(Problem, match=r"gone\.json does not exist\. Nothing was imported"):
        run_import([path, tmp_path / "gone.json"], console=console)
    assert not Resource.objects.exists()


def test_what_was_refused_is_named_and_counts_as_failure_unless_that_is_allowed(site, console, tmp_path, capsys):
    summary = run_import([write(tmp_path / "odd.json", bundle(walter(), {"resourceType": "Dragon"}))], console=console)
    assert "rejected: " in console.file.getvalue()
    assert "Dragon" in console.file.getvalue()
    assert ", 1 rejected." in console.file.getvalue()
    assert status_of(summary, allow_rejects=False) == 1
    assert "--allow-rejects" in capsys.readouterr().err
    assert status_of(summary, allow_rejects=True) == 0


def test_references_to_what_has_not_come_are_told_and_a_flood_of_them_is_counted(site, console, tmp_path):
    waiting = [
        observation(id=f"o{number}", performer=[{"reference": f"Practitioner/p{number}"}])
        for number in range(MOST_LINES + 3)
    ]
    summary = run_import([write(tmp_path / "a.json", bundle(walter(), *waiting))], console=console)
    said = console.file.getvalue()
    assert summary.unresolved_count == MOST_LINES + 3
    assert said.count("waiting: ") == MOST_LINES
    assert "… and 3 more references to something that has not come." in said


@pytest.fixture
def northgate():
    """A second site."""
    with writes_open():
        return Site.objects.create(code="NOR", name="Northgate", time_zone="America/New_York")


@pytest.mark.parametrize("named", ["NOR", "nor", "northgate"])
def test_new_patients_belong_to_the_site_that_is_named(site, northgate, console, tmp_path, named):
    path = write(tmp_path / "a.json", bundle(walter()))
    run_import([path], console=console, origin=Origin(site=named))
    assert list(Patient.objects.get().sites.values_list("site_id", flat=True)) == [northgate.pk]


def test_without_a_name_they_belong_to_the_first_site(site, northgate, console, tmp_path):
    run_import([write(tmp_path / "a.json", bundle(walter()))], console=console)
    assert list(Patient.objects.get().sites.values_list("site_id", flat=True)) == [site.pk]


def test_the_same_ids_from_two_systems_are_two_things(site, console, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter()))
    run_import([path], console=console)
    first = run_import([path], console=console, origin=Origin(system="hospital"))
    again = run_import([path], console=console, origin=Origin(system="hospital"))
    assert first.total.new == 1
    assert again.changed_nothing
    assert set(Resource.objects.values_list("system", flat=True)) == {"", "hospital"}


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (Origin(site="Southgate"), r"no site Southgate\. Give the code of one of these: e1 \(Elm\), e2 \(Elm\), NOR"),
        (Origin(site="Elm"), r"several sites Elm\."),
        (Origin(system="x" * 121), r"has 121 characters; 120 fit"),
        (Origin(system="URN:liaison:documents"), r"is Liaison's own"),
        (Origin(system="Liaison"), r"is Liaison's own"),
    ],
)
def test_an_unknown_site_or_an_odd_system_is_refused_before_anything_is_imported(
    site, northgate, console, tmp_path, origin, said
):
    with writes_open():
        Site.objects.create(code="e1", name="Elm", time_zone="UTC")
        Site.objects.create(code="e2", name="Elm", time_zone="UTC")
    with pytest.raises(Problem, match=said):
        run_import([write(tmp_path / "a.json", bundle(walter()))], console=console, origin=origin)
    assert not Resource.objects.exists()
