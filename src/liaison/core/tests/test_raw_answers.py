"""What the framework refuses by itself is told on Liaison's own pages: what happened and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpResponseNotAllowed
from django.test import Client, RequestFactory

from liaison.core import translate
from liaison.core.middleware import RefusalMiddleware

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/login/"
PATIENTS_OWN = "/offer/none/"
HTMX = {"HX-Request": "true"}


def told(answer: Any) -> str:
    page = answer.content.decode()
    assert "data-refusal" in page
    assert "Traceback" not in page
    return page


def strict() -> Client:
    return Client(enforce_csrf_checks=True)


def many_fields() -> dict[str, str]:
    return {f"field-{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}


def test_a_form_without_its_proof_is_told_to_be_opened_again() -> None:
    came_from = {"Referer": f"http://testserver{SIGN_IN}?next=%2Fsites%2F"}
    answer = strict().post(SIGN_IN, {"login": "rosa"}, headers=came_from)
    page = told(answer)
    assert answer.status_code == 403
    assert "<h1>Open the page again</h1>" in page
    assert "nothing was changed" in page
    assert f'href="{SIGN_IN}?next=%2Fsites%2F"' in page


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/form", "http://[elsewhere"])
def test_a_form_that_came_from_elsewhere_is_not_sent_back_there(elsewhere: str) -> None:
    page = told(strict().post(SIGN_IN, {}, headers={"Referer": elsewhere}))
    assert "elsewhere" not in page


def test_a_piece_of_a_page_is_told_in_a_piece() -> None:
    page = told(strict().post(SIGN_IN, {"login": "rosa"}, headers=HTMX))
    assert "<html" not in page
    assert "Open the page again" in page


def test_more_fields_than_are_taken_at_once_are_refused_with_the_way_out() -> None:
    answer = Client().post(SIGN_IN, many_fields())
    page = told(answer)
    assert answer.status_code == 413
    assert "Too large" in page
    assert "send them in parts" in page
    assert "<html" not in told(Client().post(SIGN_IN, many_fields(), headers=HTMX))


def test_a_wrong_name_in_the_address_says_which_one_is_right() -> None:
    answer = Client(headers={"Host": "forged.example"}).get(SIGN_IN)
    page = told(answer)
    assert answer.status_code == 400
    assert f"Open {settings.LIAISON_PUBLIC_URL} instead." in page
    assert f'href="{settings.LIAISON_PUBLIC_URL}"' in page
    assert "forged" not in page
    assert "<html" not in told(Client(headers={"Host": "forged.example", **HTMX}).get(SIGN_IN))


def test_what_makes_no_sense_is_told_so_under_the_same_rules_for_the_browser() -> None:
    answer = Client().get("/patients/?q=%00")
    assert answer.status_code == 400
    assert "This can&#x27;t be read" in told(answer)
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    broken = Client().post(SIGN_IN, b"x", content_type="multipart/form-data")
    assert broken.status_code == 400
    assert "Open the page again" in told(broken)


def test_an_address_that_only_takes_forms_says_so_when_it_is_opened() -> None:
    answer = RefusalMiddleware(lambda request: HttpResponseNotAllowed(["POST"]))(RequestFactory().get("/loops/7/done/"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "only takes what a page sends" in told(answer)


def test_an_answer_that_says_more_than_a_status_stays_as_it_is() -> None:
    said = HttpResponseNotAllowed(["POST"], content=b"Send it with a form.")
    assert RefusalMiddleware(lambda request: said)(RequestFactory().get("/x/")) is said


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Please open the page again"), ("es", "Abra la página otra vez")],
)
def test_patients_are_told_in_their_language_that_the_page_has_to_be_opened_again(language: str, words: str) -> None:
    answer = translate.unproven(RequestFactory().post(f"{PATIENTS_OWN}?lang={language}"), reason="no cookie")
    assert answer.status_code == 403
    assert words in answer.content.decode()
    assert f'<html lang="{language}"' in answer.content.decode()


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "This could not be read"), ("es", "No se pudo leer")],
)
def test_patients_are_told_in_their_language_what_could_not_be_read(language: str, words: str) -> None:
    answer = Client().get(f"{PATIENTS_OWN}?lang={language}&q=%00")
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_patients_who_send_too_much_are_told_so() -> None:
    answer = translate.bad_request(RequestFactory().post(f"{PATIENTS_OWN}?lang=es"), TooManyFieldsSent())
    assert answer.status_code == 413
    assert "Es demasiado grande" in answer.content.decode()
