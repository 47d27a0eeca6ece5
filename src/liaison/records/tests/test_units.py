"""Units as a person reads them."""

import pytest

from liaison.records.rules.headlines import value_in_words
from liaison.records.rules.units import unit_in_words


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("mm[Hg]", "mmHg"),
        ("mL/min/{1.73_m2}", "mL/min/1.73 m²"),
        ("10*3/uL", "10³/µL"),
        ("10^12/L", "10¹²/L"),
        ("ug/dL", "µg/dL"),
        ("kg/m2", "kg/m²"),
        ("{score}", ""),
        ("{#}", ""),
        ("/min", "/min"),
        ("Cel", "°C"),
        ("[degF]", "°F"),
        ("m[IU]/L", "mIU/L"),
        ("mg/dL", "mg/dL"),
        ("%", "%"),
        ("unit", "unit"),
        ("", ""),
    ],
)
def test_a_unit_is_said_as_people_write_it(code, said):
    assert unit_in_words(code) == said


def test_a_result_is_told_with_its_unit():
    assert value_in_words({"valueQuantity": {"value": 141, "unit": "mm[Hg]"}}) == "141 mmHg"
    assert value_in_words({"valueQuantity": {"value": 3, "code": "{score}"}}) == "3"
