"""Speaking SMTP so that a crash or a lost line can never send a mail twice.

The server takes a mail when it has read the line with the single dot that ends it (RFC 5321, 4.1.1.4); a
connection that ends before the dot leaves nothing behind. So everything up to the dot may be tried again, and the
dot itself is the point of no return: after it, only the server's answer says whether the mail was taken.
"""

import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

from django.conf import settings

from liaison.core.clock import current_time
from liaison.gateways.email.address import Security, Server, read_server
from liaison.gateways.email.mime import SMTP, SMTPUTF8, build
from liaison.inbox.ports import Envelope, PermanentFailure, Result, Sent, TemporaryFailure, Unknown

GO_AHEAD = 354
OK = 250
TAKEN = range(200, 300)
REFUSED = range(400, 600)
PERMANENT = 500
NO_WIDE_ADDRESSES = 554
ADDRESS_REFUSED = frozenset({550, 551, 553, 556})


class _Answered(Exception):
    """The server said no to one step of the conversation."""

    def __init__(self, *, step: str, code: int, reply: str) -> None:
        super().__init__(f"{step}: {code} {reply}")
        self.step, self.code, self.reply = step, code, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpTransport:
    """Sends mail through one server. `clock` gives the Date header; `sender` is the From address."""

    server: Server
    sender: Address
    reply_to: str = ""
    clock: Callable[[], datetime] = current_time

    def send(self, envelope: Envelope, *, point_of_no_return: Callable[[], None]) -> Result:
        """Send one mail; see `inbox.ports.Transport` for what `point_of_no_return` promises."""
        try:
            mail = build(envelope, sender=self.sender, reply_to=self.reply_to, at=self.clock())
        except (MessageError, ValueError, IndexError) as error:
            return PermanentFailure(reply=f"No address for mail ({type(error).__name__}).", bad_address=True)
        connection: smtplib.SMTP | None = None
        try:
            connection = self._connect()
            _hand_over_all_but_the_dot(connection, mail=mail, sender=self.sender.addr_spec)
        except _Answered as no:
            _hang_up(connection)
            return _failure(no)
        except (OSError, smtplib.SMTPException) as error:
            _hang_up(connection)
            return TemporaryFailure(reply=_what(error))
        try:
            point_of_no_return()
        except BaseException:
            connection.close()  # Without the dot and without QUIT: the server must forget the mail.
            raise
        return self._finish(connection)

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        if server.security is Security.TLS:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.connect_seconds, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=server.connect_seconds)
        try:
            _socket(connection).settimeout(server.answer_seconds)
            connection.ehlo_or_helo_if_needed()
            if server.security is Security.STARTTLS:
                connection.starttls(context=ssl.create_default_context())
                connection.ehlo()
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _finish(self, connection: smtplib.SMTP) -> Result:
        try:
            _socket(connection).settimeout(self.server.accept_seconds)
            connection.send(b".\r\n")
            code, reply = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            connection.close()
            return Unknown(reply=_what(error))
        _hang_up(connection)
        if code in TAKEN:
            return Sent(reply=_text(code, reply))
        if code in REFUSED:
            return _failure(_Answered(step="end of mail", code=code, reply=_decoded(reply)))
        return Unknown(reply=f"end of mail: an answer that is no SMTP: {_decoded(reply)}".strip())


def smtp_from_settings() -> SmtpTransport | None:
    """The transport that `SMTP_URL`, `LIAISON_MAIL_FROM` and `LIAISON_MAIL_REPLY_TO` describe; None without a URL."""
    if not settings.SMTP_URL:
        return None
    name, address = parseaddr(settings.LIAISON_MAIL_FROM)
    return SmtpTransport(
        server=read_server(settings.SMTP_URL),
        sender=Address(display_name=name, addr_spec=address),
        reply_to=settings.LIAISON_MAIL_REPLY_TO,
    )


def _hand_over_all_but_the_dot(connection: smtplib.SMTP, *, mail: EmailMessage, sender: str) -> None:
    """MAIL, RCPT, DATA and the content. Raises _Answered when the server refuses a step."""
    to = str(mail["To"].addresses[0].addr_spec)
    wide = not (to.isascii() and sender.isascii())
    if wide and not connection.has_extn("smtputf8"):
        raise _Answered(step="recipient", code=NO_WIDE_ADDRESSES, reply="5.6.7 The server takes ASCII addresses only")
    content = mail.as_bytes(policy=SMTPUTF8 if wide else SMTP)
    options = ["smtputf8"] if wide else []
    if connection.has_extn("size"):
        options.append(f"size={len(content)}")
    _expect(OK, connection.mail(sender, options), step="sender")
    code, reply = connection.rcpt(to)
    if code not in (OK, 251):
        raise _Answered(step="recipient", code=code, reply=_decoded(reply))
    _expect(GO_AHEAD, connection.docmd("DATA"), step="start of mail")
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in content.split(b"\r\n"))
    connection.send(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")


def _expect(wanted: int, answer: tuple[int, bytes], *, step: str) -> None:
    code, reply = answer
    if code != wanted:
        raise _Answered(step=step, code=code, reply=_decoded(reply))


def _failure(no: _Answered) -> PermanentFailure | TemporaryFailure:
    """Only a refused recipient or a refused mail is for good; a refused sender is ours to mend, so we keep trying."""
    text = f"{no.step}: {no.code} {no.reply}"
    if no.code < PERMANENT or no.step == "sender":
        return TemporaryFailure(reply=text)
    bad = no.step == "recipient" and no.code in ADDRESS_REFUSED and "5.7." not in no.reply
    return PermanentFailure(reply=text, bad_address=bad)


def _hang_up(connection: smtplib.SMTP | None) -> None:
    if connection is None:
        return
    try:
        connection.quit()
    except (OSError, smtplib.SMTPException):
        connection.close()


def _socket(connection: smtplib.SMTP) -> socket.socket:
    if connection.sock is None:
        raise smtplib.SMTPServerDisconnected("The server closed the connection.")
    return connection.sock


def _what(error: Exception) -> str:
    """An error in words, without the address or anything else of the patient's."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: {error.smtp_code} {_decoded(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def _text(code: int, reply: bytes) -> str:
    return f"{code} {_decoded(reply)}"


def _decoded(reply: bytes | str) -> str:
    return (reply.decode(errors="replace") if isinstance(reply, bytes) else reply)[:500]
