"""Years that a person can mean."""

from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError

from liaison.core.near_dates import is_near, refuse_far_off


@pytest.mark.parametrize("on", [date(1900, 1, 1), date(2199, 12, 31), datetime(2026, 3, 4, 9, 0, tzinfo=UTC)])
def test_a_year_near_ours_is_taken(on):
    assert is_near(on)
    refuse_far_off(on)


@pytest.mark.parametrize(
    "on", [date(1, 1, 1), date(1899, 12, 31), date(2200, 1, 1), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
)
def test_a_year_far_off_is_refused_in_words(on):
    assert not is_near(on)
    with pytest.raises(ValidationError, match="from 1900 to 2199"):
        refuse_far_off(on)
