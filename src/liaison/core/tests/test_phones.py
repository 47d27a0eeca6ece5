"""Telephone numbers as people write and dial them."""

import pytest
from django.core.exceptions import ValidationError

from liaison.core.telephones import TelephoneField
from liaison.core.templatetags.liaison import dial, phone


@pytest.mark.parametrize(
    ("number", "shown", "dialled"),
    [
        ("2075550123", "(207) 555-0123", "+12075550123"),
        ("+1 207 555 0123", "(207) 555-0123", "+12075550123"),
        ("+442071838750", "+44 20 7183 8750", "+442071838750"),
        ("ask at the desk", "ask at the desk", "ask at the desk"),
        ("12", "12", "12"),
        ("555-0123", "555-0123", "+15550123"),
        ("207.555.0123 ext. 9", "(207) 555-0123 ext. 9", "+12075550123"),
        ("", "", ""),
    ],
)
def test_a_number_is_shown_and_dialled(number, shown, dialled):
    assert (phone(number), dial(number)) == (shown, dialled)


def test_a_number_is_taken_as_it_is_dialled_and_one_without_its_area_code_is_not():
    field = TelephoneField(required=False)
    assert field.clean(" 207-555-0123 ") == "(207) 555-0123"
    assert field.clean("") == ""
    with pytest.raises(ValidationError, match="area code"):
        field.clean("555-0123")


def test_what_stands_there_already_may_stay():
    field = TelephoneField()
    field.kept = "ask at the desk "
    assert field.clean("ask at the desk") == "ask at the desk"
    with pytest.raises(ValidationError, match="area code"):
        field.clean("ask Ada")
