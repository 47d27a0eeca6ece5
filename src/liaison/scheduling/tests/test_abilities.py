"""Abilities are codes, and people read and type words."""

import pytest

from liaison.scheduling.rules import ability_code, ability_in_words

KNOWN = {"family_medicine": "Family medicine", "Echo": "Echo", "ob_gyn": "Obstetrics & gynecology"}


def test_an_ability_is_said_by_its_name_or_by_the_words_of_its_code() -> None:
    assert ability_in_words("ob_gyn", named=KNOWN) == "obstetrics & gynecology"
    assert ability_in_words("ent", named={"ent": "ENT"}) == "ENT"
    assert ability_in_words("exam_room", named=KNOWN) == "exam room"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("family medicine", "family_medicine"),
        (" Family  Medicine ", "family_medicine"),
        ("family_medicine", "family_medicine"),
        ("echo", "Echo"),
        ("obstetrics & gynecology", "ob_gyn"),
        ("Registered nurse", "registered_nurse"),
    ],
)
def test_what_is_typed_is_the_ability_that_is_meant(typed: str, code: str) -> None:
    assert ability_code(typed, known=KNOWN) == code
