"""Where a list in order of time goes on: the instant and the id of the last row shown, as an address carries them."""

from __future__ import annotations

from datetime import datetime

from liaison.core.near_dates import is_near
from liaison.core.numbers import id_in
from liaison.core.refusals import Refusal


class BadCursor(Refusal):
    """The address of a further page was changed by hand."""

    code = "core.bad_cursor"
    sentence = "This page of the list does not exist. Start again from the top."
    status = 404


def written_cursor(at: datetime, pk: int) -> str:
    """The place after the row with this aware instant and id."""
    return f"{at.isoformat()}~{pk}"


def read_cursor(text: str) -> tuple[datetime, int]:
    """The opposite of `written_cursor`. Refuses BadCursor: no aware instant of our time, or no id."""
    instant, _, number = text.partition("~")
    pk = id_in(number)
    try:
        at = datetime.fromisoformat(instant)
    except ValueError as error:
        raise BadCursor from error
    if pk is None or at.tzinfo is None or not is_near(at):
        raise BadCursor
    return at, pk
