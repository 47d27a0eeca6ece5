"""Filing a document, handing its file out, taking it out again."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, User
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import Patient
from liaison.records import actions
from liaison.records.models import EarlierVersion, Fact, Resource, Source
from liaison.records.ports import DocumentKind, Filing, NotSound, Sound, connect_scanner, sound_file
from liaison.records.queries import document_file, get_resource, timeline
from liaison.records.rules.files import clean_name, media_type_of, sound
from liaison.records.rules.shapes import first_words
from liaison.records.tests.cast import NOW, Cast, walter, write

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40 + b"IEND\xaeB`\x82"
MOST = 1 << 20
FILING = Filing(kind=DocumentKind.REPORT, title="Echo report", dated_on=date(2026, 2, 20), source="Dr Heart")


@pytest.fixture
def walter_ng(cast: Cast, tmp_path: Any) -> Patient:
    """Walter, as he came."""
    cast.take_in(write(tmp_path / "walter.json", walter()))
    return Patient.objects.get()


def filed(cast: Cast, patient: Patient, *, content: bytes = PDF, key: str = "k", **more: Any) -> Resource:
    """Rosa files a document of Walter's."""
    file = sound(content, name="echo.pdf", most_bytes=MOST)
    given: dict[str, Any] = {"filing": FILING, "now": NOW} | more
    return actions.file_document(given.pop("by", cast.rosa), patient=patient, file=file, idempotency_key=key, **given)


# --- what a file is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PDF, "application/pdf"),
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 picture", "image/jpeg"),
        (b"II*\x00 fax", "image/tiff"),
        (b"MM\x00* fax", "image/tiff"),
        ("Análisis\tok\r\n\x0c".encode(), "text/plain"),
        (b"<svg onload=alert(1)>", "text/plain"),
    ],
)
def test_a_file_is_what_its_bytes_are(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type
    assert sound(content, name="x.exe", most_bytes=MOST).media_type == media_type


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"a" * (MOST + 1), "larger than 1 MB"),
        (b"%PDF-1.7 cut off", "This PDF has no end"),
        (b"\x89PNG\r\n\x1a\n cut off", "This picture has no end"),
        (b"PK\x03\x04 docx", "a Word, Excel or ZIP file"),
        (b"MZ\x90", "a program"),
        (b"\xff\xfe\x00bytes", "not a PDF"),
        (b"text with a \x00 in it", "not a PDF"),
    ],
)
def test_what_can_not_be_kept_says_why(content: bytes, words: str) -> None:
    with pytest.raises(NotSound, match=words):
        sound(content, name="x", most_bytes=MOST)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("echo.pdf", "echo.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\scans\\Walter Ng (1).PDF", "Walter Ng (1).pdf"),
        ("invoice\u202efdp.exe", "invoice fdp.pdf"),
        ('a"\r\nSet-Cookie: b', "a Set-Cookie b.pdf"),
        ("...", "document.pdf"),
        ("", "document.pdf"),
        ("é" * 300, "é" * 120 + ".pdf"),
    ],
)
def test_a_name_loses_its_path_its_tricks_and_its_wrong_ending(given: str, kept: str) -> None:
    assert clean_name(given, media_type="application/pdf") == kept


def test_a_scanner_is_asked_where_there_is_one() -> None:
    class Finds:
        def finding(self, content: bytes) -> str:
            return "Eicar" if b"EICAR" in content else ""

    try:
        connect_scanner(Finds)
        assert sound_file(b"well", name="a", most_bytes=MOST).name == "a.txt"
        with pytest.raises(NotSound, match="malware"):
            sound_file(b"EICAR", name="a", most_bytes=MOST)
        connect_scanner(lambda: None)
        assert sound_file(b"EICAR", name="a", most_bytes=MOST).media_type == "text/plain"
    finally:
        connect_scanner(lambda: None)


# --- filing -----------------------------------------------------------------------------------------------------


def test_a_document_is_kept_as_a_reference_and_a_binary_and_audited(cast: Cast, walter_ng: Patient) -> None:
    document = filed(cast, walter_ng)
    assert (document.kind, document.title, document.status) == ("document", "Echo report", "current")
    assert document.detail == "Consultation note · Dr Heart · echo.pdf"
    assert document.at is not None
    assert (document.at.date(), document.date_only) == (date(2026, 2, 20), True)
    held = Resource.objects.get(resource_type="Binary")
    assert (held.patient, base64.b64decode(held.body["data"])) == (walter_ng, PDF)
    assert document.body["content"][0]["attachment"]["url"] == f"Binary/{held.fhir_id}"
    assert Fact.objects.get(kind="document").code == "11488-4"
    assert Source.objects.get(kind="filed").received_by == "Rosa Delgado"
    entry = AuditEntry.objects.get(verb="records.file_document")
    assert (entry.subject_id, entry.patient_ids) == (document.pk, [walter_ng.pk])
    assert entry.details == {"kind": "report", "media_type": "application/pdf", "bytes": len(PDF)}
    told = timeline(cast.rosa, patient=walter_ng, kinds=("document",), now=NOW)
    assert [one.title for one in told] == ["Echo report"]


def test_sending_the_form_twice_files_one_document(cast: Cast, walter_ng: Patient, tmp_path: Any) -> None:
    assert filed(cast, walter_ng) == filed(cast, walter_ng)
    assert Resource.objects.filter(system="liaison").count() == 2
    cast.take_in(write(tmp_path / "ada.json", walter(id="ada", identifier=[], name=[{"family": "Other"}])))
    ada = Patient.objects.exclude(pk=walter_ng.pk).get()
    with pytest.raises(actions.FormUsed):
        filed(cast, ada)
    for more in ({"content": PDF + b"\n%another"}, {"filing": replace(FILING, title="Cath report")}):
        with pytest.raises(actions.FormUsed):
            filed(cast, walter_ng, **more)
    assert Resource.objects.filter(system="liaison").count() == 2
    assert filed(cast, ada, key="2").patient == ada


def test_the_same_bytes_are_refused_in_the_same_chart_until_they_are_taken_out(cast: Cast, walter_ng: Patient) -> None:
    document = filed(cast, walter_ng)
    with pytest.raises(actions.AlreadyFiled, match="Echo report"):
        filed(cast, walter_ng, key="2")
    assert actions.AlreadyFiled().sentence == "This very file is in the chart already."
    supervisor = _person("Marta Kowal", Role.SUPERVISOR, cast)
    actions.take_out_document(supervisor, resource_id=document.pk, reason="Somebody else's", now=NOW)
    assert filed(cast, walter_ng, key="3").pk != document.pk


def test_a_document_needs_a_title_and_a_day_that_has_come(cast: Cast, walter_ng: Patient) -> None:
    untitled = Filing(kind=DocumentKind.OTHER, title=" ", dated_on=date(2026, 1, 1))
    with pytest.raises(actions.SayWhatItIs):
        filed(cast, walter_ng, filing=untitled)
    tomorrow = Filing(kind=DocumentKind.OTHER, title="Echo", dated_on=NOW.date() + timedelta(days=1))
    with pytest.raises(actions.DatedInTheFuture):
        filed(cast, walter_ng, filing=tomorrow)
    assert not Resource.objects.filter(system="liaison").exists()
    assert not Source.objects.filter(kind="filed").exists()
    plain = filed(cast, walter_ng, filing=Filing(kind=DocumentKind.OTHER, title="Echo", dated_on=NOW.date()))
    assert "coding" not in plain.body["type"]
    assert "author" not in plain.body


def test_pat_of_another_site_neither_files_nor_reads_nor_takes_out(cast: Cast, walter_ng: Patient) -> None:
    document = filed(cast, walter_ng)
    for do in (
        lambda: filed(cast, walter_ng, by=cast.pat, key="2"),
        lambda: document_file(cast.pat, resource_id=document.pk, now=NOW),
        lambda: actions.take_out_document(cast.pat, resource_id=document.pk, reason="x", now=NOW),
    ):
        with pytest.raises(NotFound):
            do()


def test_the_front_desk_files_but_does_not_read(cast: Cast, walter_ng: Patient) -> None:
    fred = _person("Fred Desk", Role.FRONT_DESK, cast)
    document = filed(cast, walter_ng, by=fred)
    with pytest.raises(Forbidden):
        document_file(fred, resource_id=document.pk, now=NOW)
    with pytest.raises(Forbidden):
        actions.take_out_document(fred, resource_id=document.pk, reason="x", now=NOW)


def test_a_document_that_was_taken_out_leaves_the_timeline_and_keeps_its_history(
    cast: Cast, walter_ng: Patient
) -> None:
    document = filed(cast, walter_ng)
    with pytest.raises(actions.SayWhyTakenOut):
        actions.take_out_document(cast.carla, resource_id=document.pk, reason=" ", now=NOW)
    for _ in range(2):
        actions.take_out_document(cast.carla, resource_id=document.pk, reason="Another Walter", now=NOW)
    assert EarlierVersion.objects.get().body["status"] == "current"
    assert not Fact.objects.filter(kind="document").exists()
    assert timeline(cast.rosa, patient=walter_ng, kinds=("document",), now=NOW) == ()
    view = get_resource(cast.carla, resource_id=document.pk, now=NOW)
    assert (view.status, len(view.versions)) == ("entered-in-error", 2)
    reasons = AuditEntry.objects.filter(verb="records.take_out_document", outcome="done").values_list("reason")
    assert list(reasons) == [("Another Walter",)] * 2
    with pytest.raises(NotFound):
        actions.take_out_document(
            cast.carla, resource_id=Resource.objects.get(fhir_id="walter").pk, reason="x", now=NOW
        )


# --- handing out ------------------------------------------------------------------------------------------------


def received(cast: Cast, tmp_path: Any, attachment: dict[str, Any], *, name: str = "doc") -> Resource:
    """A document that came from another system."""
    body = {
        "resourceType": "DocumentReference", "id": name, "status": "current",
        "subject": {"reference": "Patient/walter"}, "date": "2026-02-20T09:00:00Z",
        "content": [{"attachment": attachment}],
    }  # fmt: skip
    cast.take_in(write(tmp_path / f"{name}.json", body))
    return Resource.objects.get(fhir_id=name)


def test_what_came_inside_a_document_is_handed_out_as_what_it_is(cast: Cast, walter_ng: Patient, tmp_path: Any) -> None:
    del walter_ng
    page = base64.b64encode(b"<script>alert(1)</script>").decode()
    document = received(cast, tmp_path, {"contentType": "text/html", "data": page, "title": "a.html"})
    held = document_file(cast.rosa, resource_id=document.pk, now=NOW)
    assert (held.media_type, held.name, held.content) == ("text/plain", "a.txt", b"<script>alert(1)</script>")
    odd = base64.b64encode(b"PK\x03\x04 docx").decode()
    word = received(cast, tmp_path, {"data": odd}, name="word")
    handed = document_file(cast.rosa, resource_id=word.pk, now=NOW)
    assert (handed.media_type, handed.name, handed.in_place) == ("application/octet-stream", "document.bin", False)


@pytest.mark.parametrize(
    "attachment", [{}, {"data": "not base64!"}, {"url": "Binary/none"}, {"url": "http://elsewhere.example/a.pdf"}]
)
def test_what_is_not_held_is_not_there(
    cast: Cast, walter_ng: Patient, tmp_path: Any, attachment: dict[str, Any]
) -> None:
    del walter_ng
    with pytest.raises(NotFound):
        document_file(cast.rosa, resource_id=received(cast, tmp_path, attachment).pk, now=NOW)


def test_a_document_does_not_open_another_patients_bytes(cast: Cast, walter_ng: Patient, tmp_path: Any) -> None:
    del walter_ng
    cast.take_in(write(tmp_path / "b.json", {"resourceType": "Binary", "id": "b", "data": "c2VjcmV0"}))
    with pytest.raises(NotFound):
        document_file(cast.rosa, resource_id=received(cast, tmp_path, {"url": "Binary/b"}).pk, now=NOW)


# --- screens ----------------------------------------------------------------------------------------------------


def _person(name: str, role: Role, cast: Cast) -> Any:
    from liaison.core.actor import Actor

    with writes_open():
        user = User.objects.create(email=f"{name[:4].strip().lower()}@x.example", name=name, password="!")
        Assignment.objects.create(user=user, role=role, site=cast.riverside, starts_at=NOW - timedelta(days=400))
    return Actor(user_id=user.pk, name=name, assignments=frozenset({(str(role), cast.riverside.pk)}))


def _form(page: bytes, **more: Any) -> dict[str, Any]:
    key = re.search(r'name="idempotency_key" value="([^"]*)"', page.decode())
    assert key
    typed = {"idempotency_key": key[1], "kind": "imaging", "title": "Chest film", "dated_on": "2026-02-01"}
    return typed | {"source": "Radiology"} | more


def test_rosa_files_a_picture_and_looks_at_it(cast: Cast, client: Client, walter_ng: Patient) -> None:
    client.force_login(User.objects.get(pk=cast.rosa.user_id))
    url = reverse("records:file_document", args=[walter_ng.pk])
    answer = client.post(url, _form(client.get(url).content, file=SimpleUploadedFile("film.exe", PNG)))
    assert (answer.status_code, answer["Location"]) == (302, f"/patients/{walter_ng.pk}/")
    document = Resource.objects.get(kind="document")
    page = client.get(reverse("records:resource", args=[document.pk])).content.decode()
    for words in ("Chest film", "film.png", "<img", "Open the file"):
        assert words in page
    assert "Take it out" not in page
    handed = client.get(reverse("records:file", args=[document.pk]))
    assert handed.content == PNG
    assert handed["Content-Type"] == "image/png"
    assert handed["X-Content-Type-Options"] == "nosniff"
    assert handed["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert handed["Content-Disposition"] == 'inline; filename="film.png"'
    assert handed["Cache-Control"] == "private, no-store"
    seen = AuditEntry.objects.filter(outcome="seen").latest("pk")
    assert (seen.patient_ids, seen.details["view"]) == ([walter_ng.pk], "records:file")


def test_a_pdf_and_whatever_is_asked_for_so_is_a_download(cast: Cast, client: Client, walter_ng: Patient) -> None:
    client.force_login(User.objects.get(pk=cast.rosa.user_id))
    pdf, text = filed(cast, walter_ng), filed(cast, walter_ng, content=b"Hello", key="2")
    for url in (reverse("records:file", args=[pdf.pk]), reverse("records:file", args=[text.pk]) + "?download"):
        assert client.get(url)["Content-Disposition"].startswith("attachment;")
    shown = client.get(reverse("records:file", args=[text.pk]))
    assert (shown["Content-Type"], shown["Content-Disposition"]) == (
        "text/plain; charset=utf-8", 'inline; filename="echo.txt"',
    )  # fmt: skip
    page = client.get(reverse("records:resource", args=[pdf.pk])).content.decode()
    assert "Download the file" in page


def test_a_wrong_file_is_told_beside_the_field_and_nothing_is_kept(
    cast: Cast, client: Client, walter_ng: Patient, settings: Any
) -> None:
    settings.LIAISON_DOCUMENT_MB = 1
    client.force_login(User.objects.get(pk=cast.rosa.user_id))
    url = reverse("records:file_document", args=[walter_ng.pk])
    form = _form(client.get(url).content)
    for given, words in (
        (SimpleUploadedFile("a.pdf", b"PK\x03\x04"), "a Word, Excel or ZIP file"),
        (SimpleUploadedFile("a.pdf", b""), "is empty"),
        (SimpleUploadedFile("a.txt", b"a" * (MOST + 1)), "larger than 1 MB"),
        (SimpleUploadedFile("a.pdf", b"%PDF-1.7"), "has no end"),
    ):
        answer = client.post(url, form | {"file": given})
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert "Chest film" in answer.content.decode()
    late = client.post(url, form | {"file": SimpleUploadedFile("a.pdf", PDF), "dated_on": "2199-01-01"})
    assert "t be in the future" in late.content.decode()
    assert "Choose the file once more" in late.content.decode()
    assert not Source.objects.filter(kind="filed").exists()


def test_a_form_that_filed_for_another_patient_is_refused_on_the_page(
    cast: Cast, client: Client, walter_ng: Patient, tmp_path: Any
) -> None:
    cast.take_in(write(tmp_path / "ada.json", walter(id="ada", identifier=[], name=[{"family": "Other"}])))
    filed(cast, Patient.objects.exclude(pk=walter_ng.pk).get(), key=f"form:{cast.rosa.user_id}:taken")
    client.force_login(User.objects.get(pk=cast.rosa.user_id))
    url = reverse("records:file_document", args=[walter_ng.pk])
    form = _form(client.get(url).content, idempotency_key="taken", file=SimpleUploadedFile("a.pdf", PDF))
    assert "Open it again" in client.post(url, form).content.decode()


def test_who_posts_the_key_of_a_mails_file_does_not_take_its_place(
    cast: Cast, client: Client, walter_ng: Patient
) -> None:
    client.force_login(User.objects.get(pk=cast.rosa.user_id))
    url = reverse("records:file_document", args=[walter_ng.pk])
    form = _form(client.get(url).content, idempotency_key="mail:abc:0", file=SimpleUploadedFile("a.png", PNG))
    assert client.post(url, form).status_code == 302
    planted = Resource.objects.get(kind="document")
    assert filed(cast, walter_ng, key="mail:abc:0").pk != planted.pk


def test_the_records_clerk_takes_a_document_out(cast: Cast, client: Client, walter_ng: Patient) -> None:
    document = filed(cast, walter_ng)
    client.force_login(User.objects.get(pk=cast.carla.user_id))
    url = reverse("records:take_out", args=[document.pk])
    assert client.post(url, {"reason": ""}).status_code == 422
    assert client.post(url, {"reason": "Another Walter"})["Location"] == f"/patients/{walter_ng.pk}/"
    page = client.get(reverse("records:resource", args=[document.pk])).content.decode()
    assert "This document was taken out" in page
    assert "Take it out" not in page


def test_pat_of_another_site_finds_no_page(cast: Cast, client: Client, walter_ng: Patient) -> None:
    document = filed(cast, walter_ng)
    client.force_login(User.objects.get(pk=cast.pat.user_id))
    for url in (
        reverse("records:file", args=[document.pk]),
        reverse("records:file_document", args=[walter_ng.pk]),
    ):
        assert client.get(url).status_code == 404
    assert client.post(reverse("records:take_out", args=[document.pk]), {"reason": "x"}).status_code == 404


def test_the_first_concept_with_words_names_a_document() -> None:
    assert first_words(None, [{}, {"coding": []}, {"text": "Letter"}]) == "Letter"
    assert first_words([{}]) == ""


def test_a_checked_file_is_a_plain_value() -> None:
    assert Sound(name="a.txt", media_type="text/plain", content=b"a") == sound(b"a", name="a", most_bytes=MOST)
