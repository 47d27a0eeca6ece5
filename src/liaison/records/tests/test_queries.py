"""The chart as received, on screen: who sees it, and how it reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaison.accounts.access import Role
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import Patient
from liaison.records.models import Fact, Resource
from liaison.records.queries import dated_later, get_resource, timeline, timeline_years
from liaison.records.tests.cast import NOW, Cast, bundle, observation, walter, write

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def chart(cast, tmp_path):
    raw = (tmp_path / "a.json").write_text
    del raw
    cast.take_in(
        write(
            tmp_path / "a.json",
            bundle(
                walter(),
                observation(),
                observation(id="wrong", status="entered-in-error"),
                observation(id="undated", effectiveDateTime=None),
                {
                    "resourceType": "Condition",
                    "id": "dm",
                    "code": {"text": "Diabetes"},
                    "onsetDateTime": "2011",
                    "subject": {"reference": "Patient/walter"},
                },
                {
                    "resourceType": "Claim",
                    "id": "c",
                    "created": "2026-01-01",
                    "patient": {"reference": "Patient/walter"},
                },
            ),
        )
    )
    return Patient.objects.get()


def test_the_timeline_shows_what_is_dated_and_meant_the_newest_first(cast, chart):
    told = timeline(cast.rosa, patient=chart, now=NOW)
    assert [(one.kind, one.title, one.detail) for one in told] == [
        ("result", "Hemoglobin A1c", "6.8 %"),
        ("condition", "Diabetes", ""),
    ]
    assert told[0].at == datetime.fromisoformat("2026-02-20T14:30:00+00:00")
    assert [one.title for one in timeline(cast.rosa, patient=chart, kinds={"condition"}, now=NOW)] == ["Diabetes"]
    assert [one.title for one in timeline(cast.rosa, patient=chart, before=told[0].at, now=NOW)] == ["Diabetes"]
    assert [one.title for one in timeline(cast.rosa, patient=chart, text="hemo 6.8", now=NOW)] == ["Hemoglobin A1c"]
    assert len(timeline(cast.rosa, patient=chart, limit=1, now=NOW)) == 1


def test_the_chart_is_for_those_who_care_for_the_patient(cast, chart):
    desk = Actor(user_id=1, name="Front", assignments=frozenset({(str(Role.FRONT_DESK), cast.riverside.pk)}))
    kept = Resource.objects.get(fhir_id="a1c")
    assert timeline(desk, patient=chart, now=NOW) == ()
    assert timeline_years(desk, patient=chart, before=NOW, now=NOW) == frozenset()
    assert dated_later(desk, patient=chart, now=LONG_AGO, zone=UTC).count == 0
    assert dated_later(cast.rosa, patient=chart, now=LONG_AGO, zone=UTC).count == 2
    with pytest.raises(NotFound):
        timeline(cast.pat, patient=chart, now=NOW)
    with pytest.raises(NotFound):
        timeline_years(cast.pat, patient=chart, before=NOW, now=NOW)
    with pytest.raises(NotFound):
        dated_later(cast.pat, patient=chart, now=LONG_AGO, zone=UTC)
    with pytest.raises(Forbidden):
        get_resource(desk, resource_id=kept.pk, now=NOW)
    with pytest.raises(NotFound):
        get_resource(cast.pat, resource_id=kept.pk, now=NOW)
    with pytest.raises(NotFound):
        get_resource(cast.rosa, resource_id=kept.pk, version=9, now=NOW)
    with writes_open():
        Fact.objects.all().delete()
        Resource.objects.filter(pk=kept.pk).update(patient=None)
    with pytest.raises(NotFound):
        get_resource(cast.rosa, resource_id=kept.pk, now=NOW)


def test_a_resource_reads_as_a_table_and_as_it_came(cast, chart, tmp_path):
    cast.take_in(write(tmp_path / "b.json", observation(status="amended", extension=[{"valueDecimal": 1.25}])))
    kept = Resource.objects.get(fhir_id="a1c")
    now, before = (
        get_resource(cast.rosa, resource_id=kept.pk, now=NOW),
        get_resource(cast.rosa, resource_id=kept.pk, version=1, now=NOW),
    )
    assert {row.label: row.value for row in now.rows}["Value quantity"] == "6.8 %"
    assert '"status": "amended"' in now.raw
    assert '"status": "final"' in before.raw
    assert [(one.number, one.current) for one in before.versions] == [(2, True), (1, False)]


def test_five_thousand_entries_are_read_page_by_page_from_the_index(cast, chart):
    source = Resource.objects.get(fhir_id="a1c")
    with writes_open():
        Resource.objects.bulk_create(
            Resource(
                resource_type="Observation", fhir_id=f"o{n}", body={}, digest=source.digest, source=source.source,
                received_at=NOW, patient=chart, kind="result", at=NOW - timedelta(hours=n), title=f"Result {n}",
            )
            for n in range(5000)
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE records_resource")
    with CaptureQueriesContext(
        connection,
    ) as ran:
        page = timeline(cast.rosa, patient=chart, before=NOW - timedelta(hours=2500), now=NOW)
    assert [page[0].title, len(page)] == ["Result 2501", 50]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + ran.captured_queries[-1]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "records_timeline" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("levels", [40, 600])
@pytest.mark.parametrize("nest", ["object", "list", "both"])
def test_a_resource_of_many_levels_is_kept_and_shown_as_far_as_a_person_reads(
    cast: Cast, tmp_path: Path, levels: int, nest: str
) -> None:
    opens, closes = {"object": ('{"a":', "}"), "list": ("[", "]"), "both": ('{"a":[', "]}")}[nest]
    times = levels if nest != "both" else levels // 2
    inner = opens * times + '"end"' + closes * times
    body = f'{{"resourceType":"Basic","id":"deep","subject":{{"reference":"Patient/walter"}},"b":{inner}}}'
    cast.take_in(write(tmp_path / "walter.json", walter()), write(tmp_path / "deep.json", body))
    view = get_resource(cast.rosa, resource_id=Resource.objects.get(fhir_id="deep").pk, now=NOW)
    said = {row.value for row in view.rows}
    assert "end" in view.raw
    assert ("end" in said) is (levels == 40)
    assert ("nested deeper than is shown here; the JSON holds it" in said) is (levels == 600)


def test_a_resource_that_no_reader_can_hold_is_rejected_with_its_path(cast: Cast, tmp_path: Path) -> None:
    deep = '{"resourceType":"Basic","id":"deep","b":' + "[" * 5_000 + "]" * 5_000 + "}"
    lines = f'{{"resourceType":"Organization","id":"o"}}\n{deep}\n'
    (outcome,) = cast.take_in(write(tmp_path / "deep.ndjson", lines)).outcomes
    (reject,) = outcome.rejects
    assert reject.path == "line 2"
    assert reject.reason.startswith("nested too deeply")
    assert Resource.objects.filter(resource_type="Organization").count() == 1


def test_at_every_depth_a_resource_is_kept_or_rejected_and_the_import_goes_on(cast: Cast, tmp_path: Path) -> None:
    """One reader gives up a few levels before the other: at no depth does that end the import."""
    depths = range(600, 1_000)
    lines = [
        f'{{"resourceType":"Basic","id":"b{depth}","code":{{"text":"x"}},"extension":{"[" * depth}{"]" * depth}}}'
        for depth in depths
    ]
    (outcome,) = cast.take_in(write(tmp_path / "deep.ndjson", "\n".join([*lines, json.dumps(walter())]))).outcomes
    assert {reject.reason.partition(" to be read")[0] for reject in outcome.rejects} == {"nested too deeply"}
    assert Resource.objects.filter(resource_type="Basic").count() == len(depths) - len(outcome.rejects)
    assert Resource.objects.filter(resource_type="Patient").count() == 1
