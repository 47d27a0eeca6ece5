"""Real data, from the folder beside the repository: everything comes back, and a killed import ends the same."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from liaison.console.postgres import Cluster
from liaison.loops.models import Loop
from liaison.records.models import PendingReference, Resource
from liaison.records.tests.cast import write

FOLDER = "LIAISON_TEST_FOLDER"
PROCESS = Path(__file__).with_name("import_process.py")
TRAINING_DAY = datetime(2021, 2, 20, 15, 0, tzinfo=UTC)


def exactly(text: str | bytes) -> object:
    """JSON with every number as its digits."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


CARRYING = {"transaction", "batch", "collection", "searchset"}


def inside(bundle: dict, *, path: str = "") -> Iterator[tuple[str, dict]]:
    """What a bundle holds, with its path; a carrying one inside it, and what that holds."""
    for number, entry in enumerate(bundle.get("entry", ())):
        at, resource = f"{path}entry[{number}].resource", entry.get("resource")
        if resource is None:
            continue
        is_carrying = resource["resourceType"] == "Bundle" and resource["type"] in CARRYING
        if not is_carrying or "id" in resource:
            yield at, resource
        if is_carrying:
            yield from inside(resource, path=f"{at}.")


def received_in(path: Path) -> list[tuple[str, dict]]:
    """The resources that a file holds, each with its path, by the test's own reading."""
    raw = path.read_bytes()
    whole = exactly(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    if whole["resourceType"] != "Bundle" or whole["type"] not in CARRYING:
        return [("$", whole)]
    return list(inside(whole))


def kept(resource_type: str, fhir_id: str) -> list[object]:
    """Every content that is kept under a type and id, the present one first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.body::text FROM records_resource r WHERE r.resource_type = %s AND r.fhir_id = %s
            UNION ALL SELECT e.body::text FROM records_earlierversion e JOIN records_resource r ON r.id = e.resource_id
            WHERE r.resource_type = %s AND r.fhir_id = %s
            """,
            [resource_type, fhir_id] * 2,
        )
        return [exactly(row[0]) for row in cursor.fetchall()]


def test_every_example_of_hl7_and_us_core_comes_back_equal(cast, shared):
    """Both have a Patient/example, and they are two people: each is a system of its own."""
    of_hl7 = sorted((shared / "fhir-r4-examples" / "resources").glob("*.json"))
    of_us_core = sorted((shared / "us-core").rglob("*.json"))
    files = [*of_hl7, *of_us_core]
    assert len(files) >= 500
    summaries = (cast.take_in(*of_hl7), cast.take_in(*of_us_core, system="us-core"))
    rejects = [reject for summary in summaries for reject in summary.rejects]
    assert [reject for reject in rejects if "came before in this file" not in reject.reason] == []
    refused = {(reject.file, reject.path) for reject in rejects}
    lost = []
    for path in files:
        for at, resource in received_in(path):
            if (str(path), at) in refused or "id" not in resource:
                continue
            if resource not in kept(resource["resourceType"], resource["id"]):
                lost.append((path.name, resource["resourceType"], resource["id"]))
    assert lost == []
    received = sum(summary.total.received for summary in summaries)
    assert received + len(refused) == sum(len(received_in(path)) for path in files)


@pytest.fixture
def few(shared) -> list[Path]:
    """Six small patients and the bundles of hospitals and practitioners."""
    files = sorted((shared / "synthea-r4" / "bundles").glob("*.gz"), key=lambda path: path.stat().st_size)
    places = [path for path in files if path.name.startswith(("hospital", "practitioner"))]
    return [*[path for path in files if path not in places][:6], *places]


def test_a_patients_whole_history_comes_back_equal_and_linked(cast, few):
    summary = cast.take_in(*few)
    assert (summary.rejects, summary.unresolved) == ((), ())
    for path in few:
        for _at, resource in received_in(path):
            assert resource in kept(resource["resourceType"], resource["id"])
    about_nobody = Resource.objects.filter(patient=None).values_list("resource_type", flat=True)
    assert set(about_nobody) <= {"Organization", "Practitioner", "Location"}
    assert not PendingReference.objects.exists()
    assert cast.take_in(*few).changed_nothing


def test_the_order_of_files_makes_no_difference_to_what_is_linked(cast, few):
    cast.take_in(*reversed(few))
    assert not PendingReference.objects.exists()


def test_on_the_training_day_one_discharge_still_matters(cast, shared):
    """Counted by hand from the bundles: of 80 hospital stays one ended in the last 30 days, on 25 January."""
    from liaison.accounts.models import Team
    from liaison.core.postgres.guard import writes_open

    with writes_open():
        Team.objects.create(name="Care coordination", site=cast.riverside)
    (recent,) = (shared / "synthea-r4" / "bundles").glob("Jonathan_Hermiston*")
    (old,) = (shared / "synthea-r4" / "bundles").glob("Oswaldo_Mante*")
    cast.take_in(recent, old, now=TRAINING_DAY)
    loop = Loop.objects.get()
    assert (loop.kind, loop.patient.family) == ("post-discharge", "Hermiston")
    assert {clock.rule_id: clock.due_at.date().isoformat() for clock in loop.clocks.all()} == {
        "tcm.contact": "2021-01-28",
        "tcm.visit": "2021-02-09",
        "tcm.reconciliation": "2021-02-09",
    }


@pytest.fixture
def clean_database() -> Iterator[str]:
    """The address of a migrated database of this test's own."""
    folder = Path(os.environ[FOLDER])
    cluster = Cluster(folder / "postgres", throw_away=True)
    name = f"killed_{time.monotonic_ns()}"
    cluster.create_database(name, template="liaison_template")
    yield cluster.url_of(name)
    with cluster.connect() as admin:
        admin.autocommit = True
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def importing(url: str, files: list[Path]) -> subprocess.Popen[str]:
    environment = {**os.environ, "DATABASE_URL": url, "LIAISON_MODE": "test", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, str(PROCESS), *map(str, files)], env=environment, stdout=subprocess.PIPE, text=True
    )


STATE = """
    SELECT 'resource', r.resource_type, r.fhir_id, r.version::text, md5(r.body::text), coalesce(p.family, '')
    FROM records_resource r LEFT JOIN patients_patient p ON p.id = r.patient_id
    UNION ALL SELECT 'fact', f.kind, f.code, f.starts_at::text, f.value_number::text, count(*)::text
    FROM records_fact f GROUP BY 2, 3, 4, 5
    UNION ALL SELECT 'earlier', r.fhir_id, e.version::text, md5(e.body::text), '', ''
    FROM records_earlierversion e JOIN records_resource r ON r.id = e.resource_id
    UNION ALL SELECT 'patient', family, given, version::text, '', '' FROM patients_patient
    UNION ALL SELECT 'place', name, '', '', '', '' FROM directory_organization
    UNION ALL SELECT 'source', name, sha256, counts::text, '', '' FROM records_source
    UNION ALL SELECT 'pending', reference, path, '', '', '' FROM records_pendingreference
    UNION ALL SELECT 'audit', verb, details::text, '', '', '' FROM core_auditentry WHERE verb = 'records.import'
    ORDER BY 1, 2, 3, 4, 5, 6
"""


def state_of(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, options="-c search_path=liaison,public") as admin:
        return admin.execute(STATE).fetchall()


def test_an_import_killed_in_the_middle_and_begun_again_ends_in_the_same_state(clean_database, few, tmp_path, cast):
    """SIGKILL after the second file and in the middle of a large one; then the same command again."""
    large = tmp_path / "large.ndjson"
    observations = [
        {"resourceType": "Observation", "id": f"x{n}", "status": "final", "code": {"text": "x" * 400}}
        for n in range(6000)
    ]
    write(large, "\n".join(json.dumps(one) for one in observations))
    files = [few[0], few[1], large, few[-1]]
    killed = importing(clean_database, files)
    assert killed.stdout is not None
    for line in killed.stdout:
        if line.startswith("2 ") and int(line.split()[1]) > 2_000:
            break
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    half_done = state_of(clean_database)
    assert not any(row[2] == "x0" for row in half_done)
    again = importing(clean_database, files)
    said, _ = again.communicate(timeout=120)
    assert said.rstrip().rpartition("\n")[2].startswith("done")
    cast.take_in(*files, now=TRAINING_DAY)
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        assert state_of(clean_database) == cursor.fetchall()
    assert len(half_done) < len(state_of(clean_database))
