"""Where a list in order of time goes on."""

from datetime import UTC, datetime

import pytest

from liaison.core.cursors import BadCursor, read_cursor, written_cursor

AT = datetime(2026, 3, 2, 9, 30, 15, 250, tzinfo=UTC)


def test_what_is_written_is_read_back_to_the_microsecond() -> None:
    assert read_cursor(written_cursor(AT, 17)) == (AT, 17)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~",
        "17",
        "2026-03-02T09:30:00+00:00",
        "2026-03-02T09:30:00+00:00~",
        "2026-03-02T09:30:00+00:00~x",
        "2026-03-02T09:30:00+00:00~-1",
        "2026-03-02T09:30:00+00:00~9999999999999999999",
        "2026-03-02T09:30:00~17",
        "0001-01-01T00:00:00+14:00~17",
        "yesterday~17",
        "2026-03-02T09:30:00+00:00~17~18",
    ],
)
def test_an_address_that_was_changed_by_hand_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        read_cursor(text)
