"""Reading one mail that came to us: an answer, a notice that ours did not arrive, or neither. Pure functions.

A notice is a multipart/report of type delivery-status (RFC 3464). What it is about is told by our own Message-ID in
the original that it returns, an answer's by In-Reply-To and References (RFC 5322, 3.6.4). Nothing raises: a mail that
can't be read is still a mail, and goes before a person. Headers are read by the plain rules of RFC 2045 and cut
first: the standard library's fuller ones are recursive and slow on what somebody wrote to make them so.
"""

from __future__ import annotations

import codecs
import email
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import parseaddr
from typing import Final

from liaison.core.letters import plain
from liaison.inbox.rules.markup import text_of_html

LONGEST_TEXT: Final = 20_000
LONGEST_SUBJECT: Final = 300
MOST_IDS: Final = 60
MOST_PARTS: Final = 2_000
LONGEST_HEADER: Final = 10_000
LONGEST_SENDER: Final = 200
LONGEST_BODY: Final = 2 << 20
"""Bytes of a mail's words that are read."""

LONGEST_CALENDAR: Final = 256 << 10
"""Bytes of an answer to an invitation; a longer calendar is none and is not read."""

MOST_CALENDARS: Final = 3
LONGEST_UNREAD: Final = 64 << 10
"""Bytes that are shown as they came of a mail that can't be read."""

_ID: Final = re.compile(r"<[^<>\s]{1,198}>")
_QUOTED: Final = re.compile(
    r"^(>|-{2,} ?(original message|mensaje original)|on .{3,200} wrote:|el .{3,200} escribió:|_{10,}|from: )",
    re.IGNORECASE,
)
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_BAD_ADDRESS: Final = re.compile(r"5\.(1\.(1|2|3|6|10)|2\.1)\b")
_NO_TEXT: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""What Python takes for a character set and no mail is written in; the first two are slow besides."""

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
    """One mail. `about` are the message ids it may be about, the likeliest first; `automatic` when nobody wrote it.

    `calendars` are its parts of type text/calendar, unread.
    """

    message_id: str = ""
    sender: str = ""
    subject: str = ""
    text: str = ""
    about: Sequence[str] = ()
    bounce: Bounce | None = None
    automatic: bool = False
    files: Sequence[Carried] = field(default=())
    calendars: Sequence[bytes] = ()

    @property
    def new_words(self) -> str:
        """What the sender wrote, without what they quote below."""
        lines = []
        for line in self.text.splitlines():
            if _QUOTED.match(line.strip()):
                break
            lines.append(line)
        return "\n".join(lines).strip()


class _Short(Compat32):
    """Keeps the beginning of each header."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Name and value, as they stand in the mail."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:LONGEST_HEADER]


def read_mail(raw: bytes) -> Incoming:
    """Read a mail as it came. Never raises; one that can't be read is its bytes as text, from nobody about nothing."""
    try:
        return _read(raw)
    except Exception:  # noqa: BLE001 - a thousand parts in each other, a header nobody foresaw: a person looks at it
        return Incoming(text=plain(raw[:LONGEST_UNREAD].decode("utf-8", errors="replace")).strip()[:LONGEST_TEXT])


def _read(raw: bytes) -> Incoming:
    if raw.count(b"\n--") > MOST_PARTS:
        raise ValueError("a mail of thousands of parts")
    parsed = email.message_from_bytes(raw, policy=_SHORT)
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
        calendars=() if bounce else tuple(_calendars(parsed))[:MOST_CALENDARS],
    )


_SHORT: Final = _Short()


def _raw_header(mail: Message, name: str) -> str:
    """A header in one line as it came, its bytes as UTF-8 (RFC 6532); "" when it is not there."""
    came = next((value for given, value in mail.raw_items() if given.lower() == name.lower()), "")
    return " ".join(plain(str(came).encode("utf-8", "surrogateescape").decode("utf-8", "replace")).split())


def _header(mail: Message, name: str) -> str:
    """A header in one line, its encoded words read."""
    return _in_words(_raw_header(mail, name))


def _in_words(came: str) -> str:
    """Text with its encoded words (RFC 2047) read; as it came where they can't be."""
    try:
        parts = decode_header(came)
    except HeaderParseError:
        return came
    return " ".join(plain("".join(_word(part, charset) for part, charset in parts)).split())


def _word(part: bytes | str, charset: str | None) -> str:
    """A piece as the standard library cuts it: what is not encoded comes in bytes of a code of its own."""
    if isinstance(part, str):
        return part
    return _decoded(part, charset) if charset else part.decode("raw-unicode-escape", errors="replace")


def _sender(mail: Message) -> str:
    """The address, before any encoded word is read: none may turn into one."""
    try:
        return parseaddr(_raw_header(mail, "From"))[1].lower()[:LONGEST_SENDER]
    except RecursionError:  # a thousand brackets
        return ""


def _decoded(content: bytes, charset: str) -> str:
    """Text of a character set; of one that nobody knows or no mail is written in, as UTF-8."""
    try:
        if codecs.lookup(charset).name not in _NO_TEXT:
            return content.decode(charset, errors="replace")
    except (LookupError, ValueError):
        pass
    return content.decode("utf-8", errors="replace")


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


def _text(mail: Message) -> str:
    """The words: the plain part, else the HTML part without its markup."""
    bodies = [part for part in mail.walk() if not part.is_multipart() and not _is_file(part)]
    plain_part = next((part for part in bodies if part.get_content_type() == "text/plain"), None)
    if plain_part is not None:
        return plain(_body(plain_part)).strip()
    html = next((part for part in bodies if part.get_content_type() == "text/html"), None)
    return plain(text_of_html(_body(html))).strip() if html is not None else ""


def _body(part: Message) -> str:
    raw = part.get_payload(decode=True)
    content = raw[:LONGEST_BODY] if isinstance(raw, bytes) else b""
    try:
        charset = part.get_content_charset() or "utf-8"
    except ValueError:
        charset = "utf-8"
    return _decoded(content, charset)


def _file_name(part: Message) -> str:
    """What the sender calls a file; "" where it has no name, "file" where nobody can read it."""
    try:
        return _in_words(plain(part.get_filename() or ""))[:200]
    except (LookupError, ValueError, TypeError):
        return "file"


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _files(mail: Message) -> Iterator[Carried]:
    """Its files. A calendar is none, nor the copy of it that mail programs put beside it (RFC 6047)."""
    kinds = {part.get_content_type() for part in mail.walk()}
    copies = {"text/calendar", *({"application/ics"} if "text/calendar" in kinds else ())}
    for part in mail.walk():
        if not part.is_multipart() and _is_file(part) and part.get_content_type() not in copies:
            yield Carried(name=_file_name(part), content=_content(part))


def _calendars(mail: Message) -> Iterator[bytes]:
    for part in mail.walk():
        if part.get_content_type() == "text/calendar" and 0 < len(content := _content(part)) <= LONGEST_CALENDAR:
            yield content


def _content(part: Message) -> bytes:
    raw = part.get_payload(decode=True)
    return raw if isinstance(raw, bytes) else b""
