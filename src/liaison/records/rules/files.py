"""What a file is, told by its first bytes, and the name it is kept under. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

PDF: Final = "application/pdf"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
TIFF: Final = "image/tiff"
TEXT: Final = "text/plain"

ENDINGS: Final = {PDF: "pdf", PNG: "png", JPEG: "jpg", TIFF: "tif", TEXT: "txt"}
SHOWN_IN_PLACE: Final = frozenset({PNG, JPEG, TEXT})
"""What a browser shows by itself without running anything; everything else is handed over as a download."""

LONGEST_NAME: Final = 120

_STARTS: Final = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
)
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_UNWANTED: Final = re.compile(r"[^\w .,()\-]+")
_OTHERS: Final = (
    (b"PK\x03\x04", "a Word, Excel or ZIP file"),
    (b"\xd0\xcf\x11\xe0", "an old Word or Excel file"),
    (b"MZ", "a program"),
    (b"GIF8", "a GIF"),
    (b"RIFF", "a WebP, sound or video file"),
)


class NotSound(ValueError):
    """This file can't be kept; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A file that may be kept: `media_type` is what it is, `name` has its proper ending. Make it with `sound`."""

    name: str
    media_type: str
    content: bytes


def sound(content: bytes, *, name: str, most_bytes: int) -> Sound:
    """Check a file. Raises NotSound for an empty, too large, cut off or unknown one.

    Kept are PDF, PNG, JPEG, TIFF and plain text in UTF-8. What the sender calls the file counts for nothing but its
    name, which loses its path, control characters and wrong ending.
    """
    if not content:
        raise NotSound("This file is empty. Choose another.")
    if len(content) > most_bytes:
        raise NotSound(f"This file is larger than {most_bytes >> 20} MB. Scan it smaller, or file it in parts.")
    media_type = media_type_of(content)
    if media_type == PDF and b"%%EOF" not in content[-4096:]:
        raise NotSound("This PDF has no end: it was cut off on its way. Get it again.")
    if media_type == PNG and b"IEND" not in content[-64:]:
        raise NotSound("This picture has no end: it was cut off on its way. Get it again.")
    return Sound(name=clean_name(name, media_type=media_type), media_type=media_type, content=content)


def media_type_of(content: bytes) -> str:
    """What the bytes are. Raises NotSound for anything that is not kept."""
    for start, media_type in _STARTS:
        if content.startswith(start):
            return media_type
    for start, what in _OTHERS:
        if content.startswith(start):
            raise NotSound(f"This is {what}. Save it as PDF and file that.")
    try:
        plain = content.decode("utf-8")
    except UnicodeDecodeError:
        plain = "\x00"
    if _NOT_TEXT.search(plain):
        raise NotSound("This is not a PDF, a picture (PNG, JPEG, TIFF) or plain text. Save it as PDF and file that.")
    return TEXT


def clean_name(name: str, *, media_type: str) -> str:
    """A file's name without path, control characters and tricks, with the ending of what it is."""
    base = unicodedata.normalize("NFKC", name).replace("\\", "/").rpartition("/")[2]
    stem = base.rpartition(".")[0] or base
    plain = " ".join(_UNWANTED.sub(" ", stem).split()).strip(". ")
    return f"{plain[:LONGEST_NAME] or 'document'}.{ENDINGS[media_type]}"
