"""What `liaison import` tells a person: what came, what waits, what was refused, and what was opened by it."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from liaison.accounts.actions import add_team
from liaison.accounts.models import Site
from liaison.console.importing import MOST_LINES, Lines, Origin, progress_bar, run_import, status_of
from liaison.console.problems import Problem
from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.pathways.actions import evaluate
from liaison.patients.models import Patient
from liaison.records.actions import Progress as Reached
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


def test_an_import_tells_what_came_by_type_and_how_much(site, console, tmp_path, capsys):
    summary = run_import([write(tmp_path / "a.json", bundle(walter(), observation()))], console=console)
    said = console.file.getvalue()
    assert Patient.objects.filter(pk__in=summary.patient_ids).count() == 1
    assert "Observation" in said
    assert "2 resources from 1 file in " in said
    assert ", 0 rejected." in said
    assert "1 patient: something came or changed." in said
    assert "Of them 2 new." in said
    assert "Transitional care after a hospital stay: none found, so none is to be followed." in said
    assert status_of(summary, allow_rejects=False) == 0
    assert "Exit status 0: everything was taken in." in capsys.readouterr().out


def test_the_same_files_again_change_nothing_and_say_so(site, console, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter()))
    run_import([path], console=console)
    again = run_import([path], console=console)
    assert again.changed_nothing
    assert "1 patient: nothing came or changed for any.\n" in console.file.getvalue()
    assert "Nothing changed: all of it was here already." in console.file.getvalue()
    assert Resource.objects.count() == 1


def test_the_same_rejects_again_are_not_called_here_already(site, console, tmp_path):
    path = write(tmp_path / "a.json", bundle(walter(), {"resourceType": "Dragon"}))
    run_import([path], console=console)
    again = run_import([path], console=console)
    assert len(again.rejects) == 1
    assert "Nothing new; the same as before is still rejected." in console.file.getvalue()


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
    assert "Exit status 0: some resources were rejected" in capsys.readouterr().out


def reached(**more):
    given = {"file": "a", "files_done": 0, "files_total": 1_200, "bytes_done": 0, "bytes_total": 1_000, "rejects": 0}
    return Reached(**{**given, "resources": 0, **more})


def test_without_a_terminal_the_progress_is_a_line_every_few_seconds_and_at_each_tenth(console):
    seconds = [0.0]
    lines = Lines(console, seconds=lambda: seconds[0])
    for at, done in [(0.5, 400), (1.0, 400), (1.5, 550), (2.0, 560), (2.5, 570), (6.9, 590), (7.0, 590), (8.0, 595)]:
        seconds[0] = at
        lines.show(reached(bytes_done=done, files_done=done, resources=1_000 * done, rejects=1))
    said = console.file.getvalue().splitlines()
    assert said == [
        "file 401 of 1,200, 40 %: 400,000 resources at 400,000/s, 1 rejected so far",
        "file 561 of 1,200, 56 %: 560,000 resources at 280,000/s, 1 rejected so far",
        "file 591 of 1,200, 59 %: 590,000 resources at 84,286/s, 1 rejected so far",
    ]


def test_an_import_of_nothing_divides_by_nothing(console):
    seconds = [0.0]
    lines = Lines(console, seconds=lambda: seconds[0])
    seconds[0] = 9.0
    lines.show(reached(files_total=0, bytes_total=0))
    assert "file 0 of 0, 0 %: 0 resources at 0/s" in console.file.getvalue()


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


def test_notes_of_the_same_words_are_one_line_with_their_number_and_one_place(site, console, tmp_path):
    unusable = [{"system": "phone", "value": "ask"}]
    people = [walter(id=f"p{number}", identifier=[], telecom=unusable) for number in range(1_200)]
    alone = walter(id="alone", identifier=[], birthDate="2031-01-01")
    odd = [{"resourceType": "Dragon"}, {"resourceType": "Dragon"}]
    summary = run_import([write(tmp_path / "a.json", bundle(alone, *people, *odd))], console=console)
    said = [line for line in console.file.getvalue().splitlines() if line.startswith("note: ")]
    assert len(summary.notes) == 1_201
    assert len(said) == 2
    assert said[0].startswith(f"note: {tmp_path}/a.json: ")
    assert "birthDate is kept as received but not used: " in said[0]
    assert said[1].startswith("note: 1,200 times: a phone that can't be one is kept as received but not used: for ")
    assert f": for example {tmp_path}/a.json: " in said[1]
    assert console.file.getvalue().count("rejected: ") == 2


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


NOW = current_time()


def stay():
    """A hospital stay of Walter's that ended yesterday."""
    ended = NOW - timedelta(days=1)
    period = {"start": (ended - timedelta(days=3)).isoformat(), "end": ended.isoformat()}
    return {
        "resourceType": "Encounter", "id": "stay", "status": "finished", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/walter"}, "period": period,
    }  # fmt: skip


def test_a_stay_that_nobody_could_follow_is_told_with_the_way_out_and_followed_once_there_is_a_team(
    site, console, tmp_path
):
    run_import([write(tmp_path / "a.json", bundle(walter(), stay()))], console=console)
    said = console.file.getvalue()
    assert "after a hospital stay: 1 found\n" in said
    assert "1 not yet: nobody at the patient's site could own it." in said
    add_team(actor=system_actor("test"), name="Care coordination", site=site, now=NOW)
    evaluate(system_actor("pathways"), now=current_time())
    run_import([tmp_path / "a.json"], console=console)
    assert "  1 followed before\n" in console.file.getvalue()


def test_a_stay_that_comes_again_with_another_end_is_said_to_be_counted_anew(site, console, tmp_path):
    add_team(actor=system_actor("test"), name="Care coordination", site=site, now=NOW)
    run_import([write(tmp_path / "a.json", bundle(walter(), stay()))], console=console)
    assert "counted anew" not in console.file.getvalue()
    late = stay()["period"] | {"end": (NOW - timedelta(days=2)).isoformat()}
    corrected = stay() | {"period": late, "subject": {"reference": "Patient/walter"}}
    run_import([write(tmp_path / "b.json", bundle(corrected))], console=console)
    said = console.file.getvalue()
    assert "  1 followed before, 1 of them counted anew: the end of the stay was corrected\n" in said


def test_a_second_run_after_a_killed_one_tells_the_stays_of_all_its_files(site, console, tmp_path):
    add_team(actor=system_actor("test"), name="Care coordination", site=site, now=NOW)
    first = write(tmp_path / "a.json", bundle(walter(), stay()))
    run_import([first], console=console)
    ada = walter(id="ada", identifier=[], name=[{"family": "Bell", "given": ["Ada"]}])
    theirs = stay() | {"id": "stay-of-ada", "subject": {"reference": "Patient/ada"}}
    write(tmp_path / "b.json", bundle(ada, theirs))
    summary = run_import([tmp_path], console=console)
    assert (len(summary.patient_ids), len(summary.covered_ids)) == (1, 2)
    said = console.file.getvalue()
    assert "2 patients: something came or changed for 1." in said
    assert "  1 followed from now on: a loop was opened\n  1 followed before\n" in said


def test_what_came_unchanged_in_other_files_is_covered_too(site, console, tmp_path):
    run_import([write(tmp_path / "a.json", bundle(walter(), observation()))], console=console)
    again = run_import([write(tmp_path / "b.json", bundle(observation(), walter()))], console=console)
    assert (again.patient_ids, again.covered_ids) == ((), tuple(Patient.objects.values_list("pk", flat=True)))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_progress_is_one_line_however_narrow_the_terminal(width):
    terminal = Console(file=StringIO(), width=width, force_terminal=True)
    bar = progress_bar(terminal)
    bar.add_task("file 1,234 of 1,234", total=100, completed=99, resources=1_234_567)
    lines = terminal.render_lines(bar.get_renderable(), pad=False)
    assert len(lines) == 1
    text = "".join(segment.text for segment in lines[0])
    assert text.startswith("file 1,234 of 1,234 ")
    assert "99 % 1,234,567 at " in text
    assert "…" not in text


def test_a_name_with_escape_codes_and_a_reference_without_end_fill_no_screen(site, console, tmp_path):
    lines = [
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Ng"}], "birthDate": "1950-01-01"},
        {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/" + "x" * 5_000}},
    ]
    path = tmp_path / "na\nme\x1b[31m.ndjson"
    path.write_text("\n".join(json.dumps(line) for line in [*lines, {"resourceType": "Nonsense"}]))
    run_import([path], console=console)
    said = console.file.getvalue()
    assert "\x1b[31m" not in said
    assert "na\\nme\\x1b[31m.ndjson" in said
    assert "x" * 300 not in said
    assert " … " in said
