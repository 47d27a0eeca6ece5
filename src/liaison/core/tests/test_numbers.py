"""The ids that browsers send."""

import pytest

from liaison.core.numbers import id_in


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("0", 0), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_plain_digits_are_an_id(text, number):
    assert id_in(text) == number


@pytest.mark.parametrize("text", [None, "", " 7", "-7", "+7", "7.0", "²", "٣", "x", "9" * 19, "9" * 5_000])
def test_anything_else_is_none(text):
    assert id_in(text) is None
