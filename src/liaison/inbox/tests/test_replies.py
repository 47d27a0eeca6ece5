"""What a short answer means (DOMAIN 8.1)."""

import pytest

from liaison.inbox.rules.replies import Reply, meaning


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("STOP", Reply.STOP),
        (" stop. ", Reply.STOP),
        ("Opt-out", Reply.STOP),
        ("Cancel!", Reply.STOP),
        ("baja", Reply.STOP),
        ("STOP ALL", Reply.STOP_ALL),
        ("Unstop", Reply.START),
        ("help?", Reply.HELP),
        ("Ayuda", Reply.HELP),
        ("C", Reply.CONFIRM),
        ("sí", Reply.CONFIRM),
        ("r", Reply.RESCHEDULE),
        ("please stop sending these", Reply.REVIEW),
        ("Don’t text me anymore", Reply.REVIEW),
        ("por favor no me escriban", Reply.REVIEW),
        ("The bus stops at noon", Reply.OTHER),
        ("I can come at 3", Reply.OTHER),
        ("", Reply.OTHER),
    ],
)
def test_answers_are_read_as_people_mean_them(text: str, reply: Reply) -> None:
    assert meaning(text) is reply
