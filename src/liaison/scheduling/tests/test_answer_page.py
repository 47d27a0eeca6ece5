"""The page behind the link in an offer speaks one language, whatever happens."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory

from liaison.accounts.models import Site
from liaison.core import translate
from liaison.core.patient_pages import refused_patient
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Refusal
from liaison.inbox.models import Message
from liaison.scheduling import actions
from liaison.scheduling.tests.clinic import NOW, Clinic
from liaison.scheduling.tests.test_screens import clock, page
from liaison.scheduling.tests.test_waitlist_screens import link, offered

FRAME = [
    "Una cita más temprana · Riverside Health (demonstration)",
    "Ir al contenido",
    "Esto es una demostración: todas las personas son inventadas.",
    "Reloj de práctica: aquí es lunes, 2 de marzo de 2026.",
    "Riverside Health (demonstration)",
    "Una cita más temprana",
    "martes, 3 de marzo de 2026",
    "10:00 a.m.",
    "Riverside North",
]
FOOT = ["¿Preguntas? Llame al", "(617) 555-0100", ".", "English"]


@pytest.fixture(autouse=True)
def _monday(settings: Any) -> None:
    clock(settings, NOW)
    settings.LIAISON_MODE = "demo"


def words_on(answer: Any) -> list[str]:
    """Every piece of text of a page, in order."""
    text = re.sub(r"<[^>]+>", "\n", page(answer))
    return [html.unescape(line).strip() for line in text.split("\n") if line.strip()]


def spanish_offer(clinic: Clinic) -> str:
    """The address of Walter's offer, who reads Spanish; the site's number is known."""
    with writes_open():
        Site.objects.update(phone="617-555-0100")
    return link(offered(clinic, language="es-MX"))


def test_every_word_of_the_page_is_spanish_for_who_reads_it_whatever_the_browser_speaks(clinic: Clinic) -> None:
    address = spanish_offer(clinic)
    browser = Client(headers={"Accept-Language": "en"})
    shown = browser.get(address)
    assert '<html lang="es"' in page(shown)
    assert 'aria-label="Avisos"' in page(shown)
    asks = [
        "Usted nos pidió una cita más temprana. ¿Quiere esta? Responda antes del lunes, 10:00 a.m., por favor.",
        "Sí, la quiero", "No, gracias", "Si dice que no, usted sigue en la lista.",
    ]  # fmt: skip
    assert words_on(shown) == [*FRAME, *asks, *FOOT]
    answered = browser.post(address, {"said": "no"}, follow=True)
    assert words_on(answered) == [
        *FRAME, "Gracias. Usted sigue en la lista y la cita que tiene ahora no cambia.", *FOOT,
    ]  # fmt: skip


def test_a_time_that_is_gone_is_told_in_spanish(clinic: Clinic, settings: Any) -> None:
    address = spanish_offer(clinic)
    clock(settings, NOW + timedelta(days=2))
    gone = Client().get(address)
    assert words_on(gone)[-5:] == [
        "Esta hora ya no está libre. Usted sigue en la lista y la cita que tiene ahora no cambia.", *FOOT,
    ]  # fmt: skip


def test_what_goes_wrong_is_told_in_the_patients_language_and_never_as_to_staff(clinic: Clinic) -> None:
    broken = f"{spanish_offer(clinic)[:-2]}/"
    for asked, headers in (("?lang=es", {}), ("", {"Accept-Language": "es-MX,es;q=0.9"})):
        answer = Client(headers=headers).get(f"{broken}{asked}")
        assert answer.status_code == 404
        assert '<html lang="es"' in page(answer)
        assert words_on(answer)[-4:] == [
            "Riverside Health (demonstration)",
            "Este enlace no funciona",
            "Puede que falte una parte. Ábralo otra vez desde nuestro mensaje o llame al número que está en él.",
            "English",
        ]
    assert "This link does not work" in page(Client().get(broken))
    assert "Este enlace no funciona" in page(Client().get("/offer/?lang=es"))


def test_a_fault_of_ours_speaks_to_the_patient_too(db: None) -> None:
    asked = RequestFactory().get("/offer/x/?lang=es")
    fault = translate.server_error(asked)
    assert (fault.status_code, "Algo salió mal" in page(fault)) == (500, True)


def test_what_is_too_large_is_told_so(db: None) -> None:
    class TooLarge(Refusal):
        status = 413

    answer = refused_patient(RequestFactory().post("/offer/x/?lang=es"), TooLarge())
    assert (answer.status_code, "No se envió nada" in page(answer)) == (413, True)


def test_without_the_demonstration_no_notice_stands_there(clinic: Clinic, settings: Any) -> None:
    settings.LIAISON_MODE = "test"
    assert "demostración" not in page(Client().get(spanish_offer(clinic)))


def test_a_press_needs_no_cookie_because_the_address_is_the_proof(clinic: Clinic) -> None:
    answer = Client(enforce_csrf_checks=True).post(spanish_offer(clinic), {"said": "no"}, follow=True)
    assert "Usted sigue en la lista" in page(answer)


def test_the_link_in_a_spanish_mail_says_so_itself_and_an_english_one_does_not(clinic: Clinic) -> None:
    offer = offered(clinic, language="es")
    assert f"{actions.offer_link(offer)}?lang=es" in Message.objects.get(template__code="waitlist-offer").body


def test_the_link_in_an_english_mail_is_the_address_alone(clinic: Clinic) -> None:
    offered(clinic)
    assert "?lang" not in Message.objects.get(template__code="waitlist-offer").body
