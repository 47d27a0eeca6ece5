"""A body that is too long is refused before a byte of it is read."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

MB = 1 << 20
FILE = "multipart/form-data; boundary=x"
FORM = "application/x-www-form-urlencoded"


class Unread:
    """A body that nobody may read."""

    def read(self, *given: object) -> bytes:
        pytest.fail("The body was read.")

    readline = read


def send(path: str = "/account/login/", *, kind: str = FILE, headers: dict[str, str] | None = None, **more: Any) -> Any:
    environ = {"wsgi.input": Unread(), **more}
    return Client(headers=headers or {}).generic("POST", path, b"", CONTENT_TYPE=kind, **environ)


def page(answer: Any) -> str:
    return answer.content.decode()


@pytest.mark.django_db
def test_a_file_beyond_the_largest_document_and_its_fields_is_refused_unread(settings: Any) -> None:
    settings.LIAISON_DOCUMENT_MB = 3
    most = 3 * MB + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    answer = send(CONTENT_LENGTH=str(most + 1))
    assert answer.status_code == 413
    assert "a file may have at most 3 MB. Nothing was taken." in page(answer)
    assert "Too large" in page(answer)
    assert "Back to the form" in page(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [FORM, "application/json", ""])
def test_what_has_no_file_may_be_as_long_as_a_form(settings: Any, kind: str) -> None:
    answer = send(kind=kind, CONTENT_LENGTH=str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert answer.status_code == 413
    assert "too large to send" in page(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("length", ["-1", "1e3", "٣", "9" * 400])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert send(CONTENT_LENGTH=length).status_code == 413


@pytest.mark.django_db
def test_chunks_without_a_length_are_refused_unread() -> None:
    answer = send(CONTENT_LENGTH="", headers={"Transfer-Encoding": "chunked"})
    assert answer.status_code == 411
    assert "does not say how long it is" in page(answer)


@pytest.mark.django_db
def test_htmx_gets_the_sentence_alone_and_a_patient_a_page_for_patients() -> None:
    told = page(send(CONTENT_LENGTH=str(900 * MB), headers={"HX-Request": "true"}))
    assert "a file may have at most" in told
    assert "<html" not in told
    assert "Es demasiado grande" in page(send("/offer/x/?lang=es", CONTENT_LENGTH=str(900 * MB)))


@pytest.mark.django_db
def test_what_fits_is_read() -> None:
    assert Client().post("/account/login/", {"login": "a@b.example", "password": "x"}).status_code == 200
    assert Client().get("/account/login/").status_code == 200
