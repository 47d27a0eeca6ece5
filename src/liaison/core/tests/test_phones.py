"""Telephone numbers as people write and dial them."""

import pytest

from liaison.core.templatetags.liaison import dial, phone


@pytest.mark.parametrize(
    ("number", "shown", "dialled"),
    [
        ("2075550123", "(207) 555-0123", "+12075550123"),
        ("+1 207 555 0123", "(207) 555-0123", "+12075550123"),
        ("+442071838750", "+44 20 7183 8750", "+442071838750"),
        ("ask at the desk", "ask at the desk", "ask at the desk"),
        ("12", "12", "12"),
        ("", "", ""),
    ],
)
def test_a_number_is_shown_and_dialled(number, shown, dialled):
    assert (phone(number), dial(number)) == (shown, dialled)
