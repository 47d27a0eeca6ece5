"""Reading one mail that came to us: an answer, a notice that ours did not arrive, or neither. Pure functions.

A notice is a multipart/report of type delivery-status (RFC 3464). What it is about is told by our own Message-ID in
the original that it returns, an answer's by In-Reply-To and References (RFC 5322, 3.6.4). Nothing raises: a mail that
can't be read is still a mail, and goes before a person.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.utils import parseaddr
from typing import Final

from liaison.inbox.rules.markup import text_of_html

LONGEST_TEXT: Final = 20_000
LONGEST_SUBJECT: Final = 300
MOST_IDS: Final = 60

_ID: Final = re.compile(r"<[^<>\s]{1,198}>")
_QUOTED: Final = re.compile(
    r"^(>|-{2,} ?(original message|mensaje original)|on .{3,200} wrote:|el .{3,200} escribió:|_{10,}|from: )",
    re.IGNORECASE,
)
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_BAD_ADDRESS: Final = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.1)\b")
_MACHINES: Final = frozenset({"mailer-daemon", "postmaster", "double-bounce"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What a notice says. `action` is failed, delayed, delivered, relayed or expanded; `status` like 5.1.1, or ""."""

    action: str
    status: str = ""
    reason: str = ""

    @property
    def bad_address(self) -> bool:
        """Whether the address itself is wrong (RFC 3463: 5.1.x for addresses, 5.2.1 for a closed mailbox)."""
        return _BAD_ADDRESS.match(self.status) is not None

    @property
    def says(self) -> str:
        """In a line, for the delivery attempt."""
        return " ".join(part for part in (self.status, self.reason) if part) or "The mail came back without a reason."


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A file that came with a mail, unchecked."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One mail. `about` are the message ids it may be about, the likeliest first; `automatic` when nobody wrote it."""

    message_id: str = ""
    sender: str = ""
    subject: str = ""
    text: str = ""
    about: Sequence[str] = ()
    bounce: Bounce | None = None
    automatic: bool = False
    files: Sequence[Carried] = field(default=())

    @property
    def new_words(self) -> str:
        """What the sender wrote, without what they quote below."""
        lines = []
        for line in self.text.splitlines():
            if _QUOTED.match(line.strip()):
                break
            lines.append(line)
        return "\n".join(lines).strip()


def read_mail(raw: bytes) -> Incoming:
    """Read a mail as it came. Never raises; what can't be read is left out."""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)  # noqa: S101 - the default policy makes nothing else
    sender = _sender(parsed)
    bounce = _bounce(parsed, sender=sender)
    return Incoming(
        message_id=next(iter(_ids(_header(parsed, "Message-ID"))), ""),
        sender=sender,
        subject=_header(parsed, "Subject")[:LONGEST_SUBJECT],
        text=_text(parsed)[:LONGEST_TEXT],
        about=tuple(dict.fromkeys(_about(parsed, bounced=bounce is not None)))[:MOST_IDS],
        bounce=bounce,
        automatic=_is_automatic(parsed),
        files=() if bounce else tuple(_files(parsed)),
    )


def plain(text: str) -> str:
    """Text that a database and a page take: no NUL, no other control characters, one kind of line end."""
    even = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in even if letter in "\n\t" or (letter.isprintable() or letter == "\u00a0"))


def _header(mail: Message, name: str) -> str:
    """A header in one line; "" when it is not there or can't be read."""
    try:
        value = mail.get(name)
    except (ValueError, IndexError, AttributeError, TypeError):  # the standard parser stumbles over broken headers
        return ""
    return " ".join(plain(str(value or "")).split())


def _sender(mail: Message) -> str:
    return parseaddr(_header(mail, "From"))[1].lower()[:320]


def _ids(text: str) -> list[str]:
    return _ID.findall(text)


def _about(mail: Message, *, bounced: bool) -> Iterator[str]:
    if bounced:
        for part in mail.walk():
            if part is not mail and part.get_content_type() != "message/delivery-status":
                yield from _ids(_header(part, "Message-ID"))
            if part.get_content_type() in {"text/rfc822-headers", "message/rfc822-headers"}:
                yield from _returned_ids(_body(part))
    yield from _ids(_header(mail, "In-Reply-To"))
    yield from reversed(_ids(_header(mail, "References")))


def _returned_ids(headers: str) -> list[str]:
    found = re.search(r"^message-id:\s*(<[^<>\s]{1,198}>)", headers, re.IGNORECASE | re.MULTILINE)
    return [found[1]] if found else []


def _bounce(mail: Message, *, sender: str) -> Bounce | None:
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            return _status(part)
    returned = any(part.get_content_type() in {"message/rfc822", "text/rfc822-headers"} for part in mail.walk())
    if returned and sender.partition("@")[0] in _MACHINES:
        return Bounce(action="failed", reason=_header(mail, "Subject")[:200])
    return None


def _status(part: Message) -> Bounce:
    """The first recipient's fields: we write to one at a time."""
    fields: dict[str, str] = {}
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        for name in ("Action", "Status", "Diagnostic-Code"):
            value = _header(block, name) if isinstance(block, Message) else ""
            fields.setdefault(name, value) if value else None
    status = _STATUS.search(fields.get("Status", ""))
    reason = fields.get("Diagnostic-Code", "").partition(";")[2].strip() or fields.get("Diagnostic-Code", "")
    action = fields.get("Action", "failed").lower().split(" ")[0]
    return Bounce(action=action, status=status[0] if status else "", reason=reason[:300])


def _is_automatic(mail: Message) -> bool:
    """RFC 3834, and what older vacation programs say."""
    submitted = _header(mail, "Auto-Submitted").lower()
    older = _header(mail, "Precedence").lower() in {"bulk", "auto_reply", "junk", "list"}
    return (bool(submitted) and submitted != "no") or older or bool(_header(mail, "X-Autoreply"))


def _text(mail: EmailMessage) -> str:
    """The words: the plain part, else the HTML part without its markup."""
    bodies = [part for part in mail.walk() if not part.is_multipart() and not _is_file(part)]
    plain_part = next((part for part in bodies if part.get_content_type() == "text/plain"), None)
    if plain_part is not None:
        return plain(_body(plain_part)).strip()
    html = next((part for part in bodies if part.get_content_type() == "text/html"), None)
    return plain(text_of_html(_body(html))).strip() if html is not None else ""


def _body(part: Message) -> str:
    raw = part.get_payload(decode=True)
    content = raw if isinstance(raw, bytes) else b""
    try:
        return content.decode(part.get_content_charset() or "utf-8", errors="replace")
    except LookupError:  # a character set nobody knows
        return content.decode("utf-8", errors="replace")


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _files(mail: EmailMessage) -> Iterator[Carried]:
    for part in mail.walk():
        if not part.is_multipart() and _is_file(part) and part.get_content_type() != "text/calendar":
            raw = part.get_payload(decode=True)
            yield Carried(
                name=plain(str(part.get_filename() or ""))[:200], content=raw if isinstance(raw, bytes) else b""
            )
