"""An invented population, imported by the real command: whole, twice the same, and killed at any moment the same."""

import gzip
import json
import os
import signal
import subprocess
import time
from decimal import Decimal

import psycopg
import pytest

from tests.journeys.bundles import histories
from tests.journeys.conftest import LIAISON, ROOT, _new_home

pytestmark = pytest.mark.journey

PATIENTS, OBSERVATIONS = 6, 1_200
STATE = """
    SELECT 'resource', r.resource_type, r.fhir_id, r.version::text, r.body::text, coalesce(p.family, '')
    FROM records_resource r LEFT JOIN patients_patient p ON p.id = r.patient_id
    UNION ALL SELECT 'fact', f.kind, f.code, f.starts_at::text, f.value_number::text, r.fhir_id
    FROM records_fact f JOIN records_resource r ON r.id = f.resource_id
    UNION ALL SELECT 'earlier', '', '', '', '', count(*)::text FROM records_earlierversion
    UNION ALL SELECT 'patient', family, given, version::text, birth_on::text, '' FROM patients_patient
    UNION ALL SELECT 'source', name, sha256, counts::text, rejects::text, '' FROM records_source
    UNION ALL SELECT 'pending', reference, path, '', '', '' FROM records_pendingreference
    UNION ALL SELECT 'loop', kind, title, state, '', '' FROM loops_loop
    UNION ALL SELECT 'audit', verb, outcome, details::text, '', '' FROM core_auditentry WHERE verb = 'records.import'
    ORDER BY 1, 2, 3, 4, 5, 6
"""
MOMENTS = (0.0, 0.4, 0.3)
"""How much of what the whole import writes a killed one has written: its first rows, and in the middle of files."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Six patients with 1,321 resources each, one gzipped bundle a patient."""
    return histories(tmp_path_factory.mktemp("population"), patients=PATIENTS, observations=OBSERVATIONS)


@pytest.fixture(scope="module")
def whole(demonstration, files):
    """A clinic that imported all of it undisturbed, what the command said, and how many bytes it wrote."""
    with _new_home("whole", template=demonstration) as home:
        before = _written(home)
        process = _begin(home, files)
        said, _ = process.communicate(timeout=180)
        assert process.returncode == 0, said
        yield home, said, _written(home) - before


def test_everything_comes_in_and_comes_back_equal_to_the_digit(whole, files):
    home, said, _ = whole
    received = [one for path in files for one in _resources_in(path)]
    assert len(received) == PATIENTS * (1 + OBSERVATIONS + OBSERVATIONS // 10)
    assert f"{len(received):,} resources from {PATIENTS} files" in said
    assert ", 0 rejected." in said
    kept = {
        (kind, known): _exactly(body)
        for kind, known, body in _rows(home, "SELECT resource_type, fhir_id, body::text FROM records_resource")
    }
    lost = [(one["resourceType"], one["id"]) for one in received if kept[one["resourceType"], one["id"]] != one]
    assert lost == []
    digits = {one["valueQuantity"]["value"] for one in received if one["resourceType"] == "Observation"}
    assert {"5.40", "0.0000001", "98.60000000000000001", Decimal(1000)} <= digits


def test_the_same_again_changes_nothing_and_says_so(whole, files):
    home, _, _ = whole
    before = _rows(home, STATE)
    process = _begin(home, files)
    said, _ = process.communicate(timeout=180)
    assert process.returncode == 0, said
    assert "Nothing changed: all of it was here already." in said
    assert _rows(home, STATE) == before


def test_killed_at_several_moments_and_begun_again_it_ends_in_the_same_state(demonstration, whole, files):
    undisturbed, _, total = whole
    with _new_home("killed", template=demonstration) as home:
        done = []
        for share in MOMENTS:
            _kill_after(home, files, growth=max(1, int(total * share)))
            done.append(_files_kept_whole(home, files))
        assert done[0] == 0
        assert done == sorted(done)
        assert 0 < done[-1] < PATIENTS
        process = _begin(home, files)
        said, _ = process.communicate(timeout=180)
        assert process.returncode == 0, said
        assert _rows(home, STATE) == _rows(undisturbed, STATE)
        again, _ = _begin(home, files).communicate(timeout=180)
        assert "Nothing changed: all of it was here already." in again


def _begin(home, files):
    """The real command, on its way."""
    environment = home.environment(patients=60) | {"COLUMNS": "200"}
    return subprocess.Popen(
        [*LIAISON, "import", str(files[0].parent), "--site", "RIV"], cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _kill_after(home, files, *, growth):
    """SIGKILL it once it has written so many bytes more, whether in a file or between two."""
    before, process = _written(home), _begin(home, files)
    while process.poll() is None and _written(home) - before < growth:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, f"It ended before it was killed: {said}"
    busy = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    while _rows(home, busy) and time.monotonic() < deadline:
        time.sleep(0.02)


def _files_kept_whole(home, files):
    """How many files are in; each of them whole and nothing of any other."""
    kept = dict(
        _rows(
            home,
            "SELECT s.name, count(*) FROM records_resource r JOIN records_source s ON s.id = r.source_id"
            " WHERE s.name LIKE '%%patient-%%' GROUP BY s.name",
        )
    )
    sizes = {path.name: len(_resources_in(path)) for path in files}
    assert all(count == sizes[name.rpartition("/")[2]] for name, count in kept.items()), kept
    return len(kept)


def _written(home):
    """The bytes that the table of resources takes, with what no transaction has committed yet."""
    return _rows(home, "SELECT pg_relation_size('records_resource')")[0][0]


def _rows(home, query):
    with psycopg.connect(home.url, options="-c search_path=liaison,public", autocommit=True) as connection:
        return connection.execute(query).fetchall()


def _resources_in(path):
    """By the test's own reading."""
    return [entry["resource"] for entry in _exactly(gzip.decompress(path.read_bytes()))["entry"]]


def _exactly(text):
    """JSON with every number as its digits; one with an exponent by its value, which is all that JSON says of it."""
    return json.loads(text, parse_float=lambda one: Decimal(one) if "e" in one.lower() else one, parse_int=Decimal)
