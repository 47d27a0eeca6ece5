"""Real mail servers on loopback that behave well or badly on purpose."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


def free_port() -> int:
    """A port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Mailroom:
    """Keeps mails in memory and answers as told: `recipient` and `end` replace the usual answers."""

    recipient: str = ""
    end: str = ""
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse a recipient."""
        if self.recipient:
            return self.recipient
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Good"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name that aiosmtpd calls
        """Keep a mail, or refuse it at its end."""
        if self.end:
            return self.end
        self.mails.append(envelope.original_content or b"")
        self.recipients.extend(envelope.rcpt_tos)
        return "250 2.0.0 Queued as 42"


class _TlsController(Controller):
    """A controller whose first connection, to see whether the server runs, does not check the certificate."""

    def _trigger_server(self) -> None:
        with socket.create_connection((self.hostname, self.port), 1.0):
            pass


@contextmanager
def mail_server(mailroom: Mailroom, **options: object) -> Iterator[int]:
    """Run a server with this mailroom; gives its port."""
    implicit_tls = "ssl_context" in options
    controller = (_TlsController if implicit_tls else Controller)(
        mailroom, hostname="127.0.0.1", port=free_port(), **options
    )
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


@dataclass
class Rude:
    """A server written by hand that hangs up at a chosen line: "connect", "MAIL", "RCPT", "DATA" or "."."""

    hang_up_at: str
    answers: dict[str, bytes] = field(default_factory=dict)
    seen: list[bytes] = field(default_factory=list)

    def talk(self, connection: socket.socket) -> None:
        """Hold one conversation."""
        with connection, connection.makefile("rwb") as line:
            if self.hang_up_at == "connect":
                return
            line.write(b"220 rude\r\n")
            line.flush()
            in_mail = False
            for raw in line:
                self.seen.append(raw)
                word = "." if raw == b".\r\n" else "" if in_mail else raw[:4].decode().strip().upper()
                if not word:
                    continue
                if word == self.hang_up_at:
                    return
                in_mail = word == "DATA"
                line.write(self.answers.get(word, b"354 go\r\n" if in_mail else b"250 ok\r\n"))
                line.flush()


@contextmanager
def rude_server(rude: Rude) -> Iterator[int]:
    """Run a rude server; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            rude.talk(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
