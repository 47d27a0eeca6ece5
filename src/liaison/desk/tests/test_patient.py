"""A patient's page: the band, what is promised, what happened."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.desk.tests.browser import HTMX, text_of
from liaison.desk.tests.test_home import loop_of_rosa
from liaison.loops import actions
from liaison.patients.models import Alert, CareTeamMember, ContactPoint, Identifier, Proxy
from liaison.records.models import Resource, Source


@pytest.fixture
def known(cast):
    """Walter as his coordinator knows him."""
    walter, now = cast.walter, current_time()
    walter.called_as, walter.spoken_language, walter.interpreter_needed = "Wally", "es", True
    walter.best_time, walter.mobility_needs = "After 4 pm", "Wheelchair"
    with writes_open():
        walter.save()
        Identifier.objects.create(patient=walter, system="urn:mrn", value="R-1", value_key="R1", kind="mrn")
        ContactPoint.objects.create(
            patient=walter, kind="phone", use="mobile", value="(202) 555-0143", value_key="+12025550143",
            preferred=True, added_at=now,
        )  # fmt: skip
        Alert.objects.create(patient=walter, kind="safety", text="Falls risk", raised_at=now)
        Proxy.objects.create(
            patient=walter, name="June Ng", relationship="daughter", kind="health_care_proxy",
            scope=["schedule"], starts_on=date(2020, 1, 1), evidence="Form on file",
        )  # fmt: skip
        CareTeamMember.objects.create(
            patient=walter, user_id=cast.imani.user_id, role="primary_care", starts_on=date(2020, 1, 1)
        )
    return cast


def test_the_band_says_who_they_are_and_how_to_reach_them(known, at_desk):
    page = text_of(at_desk(known.rosa).get(f"/patients/{known.walter.pk}/"))
    for words in (
        "Walter Ng", "Wally", "Feb 1, 1950", "R-1", "Spanish", "interpreter", "No texts", "After 4 pm", "Wheelchair",
        "Falls risk", "June Ng", "daughter", "Dr Imani Okoye", "Riverside", "tel:+12025550143", "no voicemail",
    ):  # fmt: skip
        assert words in page, words


def test_it_shows_what_is_promised_and_what_ended(known, at_desk):
    loop_of_rosa(known, step="Ask about the refill")
    ended = loop_of_rosa(known, title="Old errand")
    actions.give_up_loop_by_hand(
        known.rosa, loop_id=ended.pk, reason="No longer wanted", now=current_time(), expected_version=None
    )
    page = text_of(at_desk(known.rosa).get(f"/patients/{known.walter.pk}/"))
    assert "Ask about the refill" in page
    assert "Old errand" in page
    assert "Given up: Old errand" in page


def test_without_loops_it_says_what_next(known, at_desk):
    page = text_of(at_desk(known.rosa).get(f"/patients/{known.walter.pk}/"))
    assert "Nothing is promised at the moment" in page
    assert "No visit is booked" in page
    assert "Nothing has happened yet" in page


def test_pieces_come_alone_for_htmx(known, at_desk):
    client = at_desk(known.rosa)
    for piece, words in (("promised", "What is promised"), ("coming", "What comes"), ("band", "Falls risk")):
        answer = text_of(client.get(f"/patients/{known.walter.pk}/?as={piece}", headers=HTMX))
        assert words in answer
        assert "<html" not in answer


def test_the_timeline_narrows_by_kind_and_words(known, at_desk):
    loop_of_rosa(known, title="Ride to dialysis")
    loop_of_rosa(known, title="Refill of insulin")
    client = at_desk(known.rosa)
    here = f"/patients/{known.walter.pk}/timeline/"
    found = text_of(client.get(here, {"q": "DIALYSIS"}, headers=HTMX))
    assert "Ride to dialysis" in found
    assert "insulin" not in found
    assert "Nothing here says “surgery”" in text_of(client.get(here, {"q": "surgery"}, headers=HTMX))
    assert "Nothing of this kind" in text_of(client.get(here, {"kind": "results"}, headers=HTMX))
    assert "Ride to dialysis" in text_of(client.get(here, {"kind": "no-such"}, headers=HTMX))
    assert "Nothing of this kind" in text_of(client.get(here, {"before": "1990-01-01T00:00:00+00:00"}, headers=HTMX))
    assert "Ride to dialysis" in text_of(client.get(here, {"before": "gibberish"}, headers=HTMX))


def test_the_timeline_goes_on(known, at_desk):
    for number in range(60):
        loop_of_rosa(known, title=f"Errand {number}")
    client = at_desk(known.rosa)
    first = text_of(client.get(f"/patients/{known.walter.pk}/"))
    assert "as=more" in first or first.count("l-timeline-what") >= 60


def test_a_moment_far_off_shows_the_timeline_from_its_top(known, at_desk):
    loop_of_rosa(known, title="An errand")
    client = at_desk(known.rosa)
    for before in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon"):
        answer = client.get(f"/patients/{known.walter.pk}/timeline/", {"before": before}, headers=HTMX)
        assert "An errand" in text_of(answer)


def test_the_timeline_without_htmx_is_the_patients_page(known, at_desk):
    client, here = at_desk(known.rosa), f"/patients/{known.walter.pk}/"
    assert client.get(f"{here}timeline/?as=more")["Location"] == f"{here}#happened"
    narrowed = client.get(f"{here}timeline/?kind=visits&q=knee")["Location"]
    assert narrowed == f"{here}?kind=visits&q=knee#happened", "what was asked for is kept"
    assert 'value="knee"' in text_of(client.get(narrowed.partition("#")[0]))


def test_pat_of_another_site_must_see_nothing(known, at_desk):
    client = at_desk(known.pat)
    for path in (f"/patients/{known.walter.pk}/", f"/patients/{known.walter.pk}/timeline/", "/patients/999999/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "Walter" not in text_of(answer)


def test_a_merged_patient_leads_to_the_survivor(known, at_desk):
    known.olga.merge_into(known.walter, now=current_time())
    with writes_open():
        known.olga.save()
    answer = at_desk(known.rosa).get(f"/patients/{known.olga.pk}/")
    assert answer["Location"] == f"/patients/{known.walter.pk}/"


def test_who_died_is_marked(known, at_desk):
    known.walter.die(on=date(2024, 5, 6))
    with writes_open():
        known.walter.save()
    assert "Died May 6, 2024" in text_of(at_desk(known.rosa).get(f"/patients/{known.walter.pk}/"))


def test_the_search_finds_an_old_entry_of_a_long_chart_in_one_look(known, at_desk):
    now = current_time()
    with writes_open():
        source = Source.objects.create(name="x", sha256="0" * 64, received_at=now, received_by="test")
        Resource.objects.bulk_create(
            Resource(
                resource_type="Observation", fhir_id=f"r{number}", body={}, digest=uuid4(), source=source,
                received_at=now, patient=known.walter, kind="result", at=now - timedelta(days=number),
                title="Troponin" if number == 1_499 else "Sodium",
            )
            for number in range(1_500)
        )  # fmt: skip
    url = f"/patients/{known.walter.pk}/timeline/?q=tropo"
    with CaptureQueriesContext(connection) as asked:
        page = text_of(at_desk(known.imani).get(url, headers=HTMX))
    assert "Troponin" in page
    assert "Sodium" not in page
    looks = [query["sql"] for query in asked if 'UPPER("records_resource"."title"' in query["sql"]]
    assert len(looks) == 1
    years = [query["sql"] for query in asked if "EXTRACT" in query["sql"] and '"records_resource"' in query["sql"]]
    assert len(years) == 1


def received(known, *, title, at, date_only=False):
    now = current_time()
    with writes_open():
        source, _ = Source.objects.get_or_create(
            name="x", sha256="0" * 64, defaults={"received_at": now, "received_by": "test"}
        )
        return Resource.objects.create(
            resource_type="Condition", fhir_id=title[:9], body={}, digest=uuid4(), source=source, received_at=now,
            patient=known.walter, kind="condition", at=at, date_only=date_only, title=title,
        )  # fmt: skip


def test_what_the_chart_dates_later_stands_apart_with_how_much_it_is(known, at_desk):
    now = current_time()
    received(known, title="Sprained ankle", at=now - timedelta(days=400))
    received(known, title="Planned surgery", at=now + timedelta(days=9))
    for number in range(21):
        received(known, title=f"In{number:02d} years", at=now + timedelta(days=800 + number))
    client, here = at_desk(known.rosa), f"/patients/{known.walter.pk}/"
    page = text_of(client.get(here))
    apart, happened = page.split('id="later"')[1].split('id="entries"')
    assert "Dated later than now: 22 entries of the chart" in apart
    assert apart.index("Planned surgery") < apart.index("In00 years")
    assert "The nearest 20 are shown." in apart
    assert "In19 years" not in page
    assert "Sprained ankle" in happened
    assert "Planned surgery" not in happened
    years = re.findall(r'<option value="\d[^>]*>(\d+)</option>', page)
    assert years == [str((now - timedelta(days=400)).year)], "only years in which something happened"
    for narrowed in ("?q=surgery", "?kind=results", "?before=2020-01-01T00:00:00%2B00:00"):
        assert "Planned surgery" not in text_of(client.get(f"{here}timeline/{narrowed}", headers=HTMX))
    assert "Planned surgery" in text_of(client.get(f"{here}timeline/?kind=conditions", headers=HTMX))
    front_desk = text_of(at_desk(known.fred).get(here))
    assert "Planned surgery" not in front_desk
    assert "Dated later" not in front_desk


def test_what_has_a_day_and_no_time_stands_under_that_day_without_a_clock(known, at_desk):
    now, noon = current_time(), datetime(2026, 2, 20, 12, tzinfo=UTC)
    with writes_open():
        source = Source.objects.create(name="x", sha256="0" * 64, received_at=now, received_by="test")
        for title, date_only in (("Penicillin allergy", True), ("Seen at noon", False)):
            Resource.objects.create(
                resource_type="Condition", fhir_id=title[:4], body={}, digest=uuid4(), source=source, received_at=now,
                patient=known.walter, kind="condition", at=noon, date_only=date_only, title=title,
            )  # fmt: skip
    page = at_desk(known.rosa).get(f"/patients/{known.walter.pk}/timeline/", headers=HTMX).content.decode()
    rows = {title: page.split(title)[1].split("</li>")[0] for title in ("Penicillin allergy", "Seen at noon")}
    assert '<time datetime="2026-02-20"></time>' in rows["Penicillin allergy"]
    assert ">07:00</time>" in rows["Seen at noon"]
    assert "Friday, February 20, 2026" in page
