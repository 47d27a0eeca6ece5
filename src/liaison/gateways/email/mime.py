"""Building one mail: text and HTML of the same words, an invitation that calendars understand, plain headers."""

from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Final

from liaison.inbox.ports import AttachmentContent, Envelope

_LONGEST_LINE: Final = 78
"""RFC 5322, 2.1.1: what a line should not exceed."""


class _WholeSubject(EmailPolicy):
    """Folds a subject so that every reader puts it together again without a blank too many.

    The library's own folding may leave the first line of a long subject empty (a reader then sees a blank before its
    first word), or end an encoded word where its blank belongs to nobody. A subject that is not short ASCII becomes
    encoded words from its first letter on (RFC 2047), the first of which stands on the header's line.
    """

    def fold(self, name: str, value: str) -> str:
        """One header as text, folded."""
        return self._subject(value) if name.lower() == "subject" else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """One header as bytes, folded."""
        return self._subject(value).encode("ascii") if name.lower() == "subject" else super().fold_binary(name, value)

    def _subject(self, value: str) -> str:
        line = f"Subject: {value}"
        if not value.isascii() or len(line) > _LONGEST_LINE:
            line = f"Subject: {Header(value, charset='utf-8', header_name='Subject').encode(linesep=self.linesep)}"
        return f"{line}{self.linesep}"


SMTP: Final = _WholeSubject(linesep="\r\n")
"""How mail is written: lines end with CRLF."""
SMTPUTF8: Final = SMTP.clone(utf8=True)
"""The same for a server that takes addresses in any script."""


def build(envelope: Envelope, *, sender: Address, reply_to: str, at: datetime) -> EmailMessage:
    """The mail for an envelope; ValueError or one of email.errors when `to` is no address.

    `Auto-Submitted` (RFC 3834) keeps vacation notices from answering us; the From name is neutral, so that a
    preview on a locked phone says nothing about care. An invitation goes twice, as an alternative of the text,
    which most calendars offer to accept, and as a file for the others (RFC 6047).
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = read_address(envelope.to)
    mail["Subject"] = " ".join(envelope.subject.split())
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = envelope.message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if reply_to:
        mail["Reply-To"] = Address(addr_spec=reply_to)
    mail.set_content(envelope.text, cte="quoted-printable")
    mail.add_alternative(envelope.html, subtype="html", cte="quoted-printable")
    for attachment in envelope.attachments:
        if _is_invitation(attachment):
            mail.attach(_invitation(attachment))  # type: ignore[arg-type]  # a part of a mail, as attach() takes it
    for attachment in envelope.attachments:
        _add_file(mail, attachment)
    # Last, because growing from one part to several moves Content headers into the first part.
    mail["Content-Language"] = envelope.language
    return mail


def read_address(value: str) -> Address:
    """An address as mail needs it: a domain in another script in its ASCII form (RFC 5891), the rest as it is.

    Raises ValueError or one of email.errors when it is no single address.
    """
    local, at, domain = value.strip().rpartition("@")
    ascii_domain = domain.encode("idna").decode() if at else ""
    if local.isascii():
        return Address(addr_spec=f"{local}{at}{ascii_domain}")
    # The standard parser refuses letters outside ASCII that RFC 6531 allows: check the shape with stand-ins.
    Address(addr_spec=f"{''.join(letter if letter.isascii() else 'x' for letter in local)}@{ascii_domain}")
    return Address(username=local, domain=ascii_domain)


def _is_invitation(attachment: AttachmentContent) -> bool:
    kind, parameters = _media_type(attachment.media_type)
    return kind == "text/calendar" and "method" in parameters


def _invitation(attachment: AttachmentContent) -> MIMEPart:
    _, parameters = _media_type(attachment.media_type)
    part = MIMEPart(policy=SMTP)
    part.set_content(attachment.content.decode(), subtype="calendar", cte="base64")
    part.set_param("method", parameters["method"].upper())
    return part


def _add_file(mail: EmailMessage, attachment: AttachmentContent) -> None:
    kind, _ = _media_type(attachment.media_type)
    # A second text/calendar would make some readers show the invitation twice.
    main, _, sub = ("application/ics" if _is_invitation(attachment) else kind).partition("/")
    mail.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)


def _media_type(value: str) -> tuple[str, dict[str, str]]:
    kind, *rest = (piece.strip() for piece in value.split(";"))
    pairs = (piece.partition("=") for piece in rest if "=" in piece)
    return kind.lower(), {key.strip().lower(): text.strip().strip('"') for key, _, text in pairs}
