"""What a scanner is, the outside thing that says whether a file carries malware; and the rules others read by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from liaison.records.rules.dates import NoEnd, why_no_end
from liaison.records.rules.documents import DocumentKind, Filing
from liaison.records.rules.files import NotSound, Sound, sound

__all__ = [
    "DocumentKind",
    "Filing",
    "NoEnd",
    "NotSound",
    "Scanner",
    "Sound",
    "connect_scanner",
    "sound_file",
    "why_no_end",
]

INFECTED = "The scanner found malware in this file. It was not kept; tell whoever sent it, and your IT desk."


class Scanner(Protocol):
    """Looks into files before they are kept."""

    def finding(self, content: bytes) -> str:
        """What was found, "" for nothing. A scanner that can't answer raises: then nothing is kept."""


_scanner: list[Callable[[], Scanner | None]] = []


def connect_scanner(factory: Callable[[], Scanner | None]) -> None:
    """Name what scans files; `factory` gives None where none is set up. The last one named counts."""
    _scanner[:] = [factory]


def sound_file(content: bytes, *, name: str, most_bytes: int) -> Sound:
    """Check a file and have it scanned, outside of any act: a scanner may be far away. Raises NotSound."""
    checked = sound(content, name=name, most_bytes=most_bytes)
    scanner = _scanner[0]() if _scanner else None
    if scanner is not None and scanner.finding(content):
        raise NotSound(INFECTED)
    return checked
