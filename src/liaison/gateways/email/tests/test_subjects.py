"""A subject comes out of every reader exactly as it went in."""

import email
import email.policy
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.gateways.email.mime import SMTP, SMTPUTF8, build
from liaison.inbox.ports import Envelope

WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
SUBJECTS = [
    "Visit",
    "Please call Riverside Health",
    "Your visit on Wednesday, September 30 at 10:30 AM with Riverside Health and its partners is booked",
    "Su cita, señor Ng",
    "w" * 120,
    "预约确认：三月四日星期三上午十点半，请提前十分钟到达，谢谢您的配合，河畔诊所",
    "🩺 " * 30 + "fin",
    *(
        f"Su cita con Riverside Health (demostración) el {weekday} {day} de marzo a las 10:30 a. m."
        for weekday in WEEKDAYS
        for day in (3, 12, 30)
    ),
    *(f"Su cita con Riverside {'Salud ' * count}está confirmada para el miércoles" for count in range(9)),
    *("a" * count + " cita en ñandú y más allá del río" for count in range(50, 80)),
]


def written(subject: str) -> Iterator[bytes]:
    """The mail with this subject, as it is sent to servers of both kinds."""
    letter = Envelope(
        message_id="<1@example.org>", to="walter@example.org", subject=subject, text="x", html="<p>x</p>", language="es"
    )
    mail = build(
        letter,
        sender=Address(addr_spec="care@example.org"),
        reply_to="",
        at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    yield mail.as_bytes()
    yield mail.as_bytes(policy=SMTP)
    yield mail.as_bytes(policy=SMTPUTF8)


def check(subject: str) -> None:
    for raw in written(subject):
        modern = email.message_from_bytes(raw, policy=email.policy.default)
        assert modern["Subject"] == subject
        older = email.message_from_bytes(raw, policy=email.policy.compat32)
        assert str(make_header(decode_header(older["Subject"]))) == subject
        header = re.search(rb"^Subject:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", raw, re.MULTILINE)
        assert header is not None
        lines = header[0].split(b"\r\n")
        assert lines[0] != b"Subject:"
        assert lines[0].startswith(b"Subject: ")
        assert lines[0] != b"Subject: "
        assert all(len(line) <= 78 for line in lines)
        assert header[0].isascii()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_reader_gets_the_subject_as_it_was_written(subject: str) -> None:
    check(subject)


LINES = st.text(alphabet="abc ñáé日🩺.,:()_", min_size=1, max_size=150).map(lambda text: " ".join(text.split()))


@given(LINES.filter(bool))
def test_any_subject_comes_back(subject: str) -> None:
    check(subject)


def test_a_line_break_in_a_subject_becomes_a_blank() -> None:
    for raw in written("Su cita\r\nBcc: eve@example.org"):
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert mail["Subject"] == "Su cita Bcc: eve@example.org"
        assert mail["Bcc"] is None
