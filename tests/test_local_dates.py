"""The check that a date says where it is one."""

import pytest

from tools.local_dates import wrong_lines


@pytest.mark.parametrize(
    "line",
    [
        "now.date()",
        "self.now.date()",
        "visit.start_at.date()",
        "current_time().date()",
        "(now or current_time()).date()",
        "(visit.end_at + DAY).date()",
        "max(now, at).date()",
    ],
)
def test_a_date_read_off_an_instant_is_told(line: str) -> None:
    assert wrong_lines(f"on = {line}", name="x.py") == [f"x.py:1: on = {line}"]


@pytest.mark.parametrize(
    "line",
    [
        "now.astimezone(zone).date()",
        "visit.local_start.date()",
        "(now.astimezone(zone) + DAY).date()",
        "offer.start_at.date()  # local: on the site's wall clock",
        "min(starts).astimezone(zone).date()",
        "patient.day_at(now)",
    ],
)
def test_a_date_somewhere_is_fine(line: str) -> None:
    assert wrong_lines(f"on = {line}", name="x.py") == []
