"""The texts that come with Liaison are complete, plain, and say nothing clinical."""

import re
from datetime import UTC, date, datetime, time

import pytest

from liaison.inbox.rules.channels import Category
from liaison.inbox.rules.readability import Ease, grade
from liaison.inbox.rules.rendering import FIELD, FIELDS, Rendered, render
from liaison.inbox.wording import LANGUAGES, Wording, catalogue

FILLED = {
    "called_as": "Walter",
    "org": "Riverside",
    "site": "Riverside Main",
    "address": "1 Main St",
    "phone": "617-555-0100",
    "date": date(2026, 3, 2),
    "time": time(9),
    "old_date": date(2026, 3, 1),
    "old_time": time(10),
    "visits": (datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2026, 3, 5, 9, tzinfo=UTC)),
    "text": "Please bring your list.",
    "link": "https://riverside.example/v/1",
}
TELLS = re.compile(
    r"cardiolog|oncolog|cancer|tumou?r|psych|mental|psiqui|addict|adicci|hiv|vih|std|pregnan|embaraz|diabet|surgery|cirug"
    r"|diagnos|result|\btests?\b|prueba|lab|biops|dialys|diálisis|specialist|especialista|clinician|doctor|discharge|hospital"
    r"|alta médica|medica(tion|mento)|prescri|receta|condition|enfermedad",
    re.IGNORECASE,
)
EVERY = [pytest.param(one, id=f"{one.code}-{one.language}") for one in catalogue().values()]


@pytest.mark.parametrize("wording", EVERY)
def test_no_default_text_says_anything_clinical(wording: Wording) -> None:
    assert TELLS.findall(f"{wording.subject}\n{wording.body}") == []


@pytest.mark.parametrize("wording", EVERY)
def test_every_text_uses_only_fields_that_exist_and_names_the_required_ones(wording: Wording) -> None:
    used = set(FIELD.findall(f"{wording.subject}\n{wording.body}"))
    assert used <= FIELDS
    assert wording.required <= used
    assert {"org", "phone", "called_as"} <= wording.required
    assert Category(wording.category)
    assert len(wording.subject) <= 60


@pytest.mark.parametrize("wording", EVERY)
def test_every_text_is_easy_to_read(wording: Wording) -> None:
    found = render(
        subject=wording.subject, body=wording.body, required=wording.required, context=FILLED, language=wording.language
    )
    assert isinstance(found, Rendered)
    assert "{" not in found.body
    names = frozenset({"Walter", "Riverside", "Riverside Main", "Main", "St"})
    graded = grade(found.body, language=wording.language, leave_out=names)
    assert graded.ease is Ease.PLAIN, graded


def test_every_template_is_there_in_every_language() -> None:
    codes = {code for code, _ in catalogue()}
    assert {(code, language) for code in codes for language in LANGUAGES} == set(catalogue())
    assert {"appointment-confirmation", "appointment-reminder", "appointment-moved", "appointment-cancelled"} <= codes
