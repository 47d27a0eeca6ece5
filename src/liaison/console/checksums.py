"""The checksum at the end of a backup: SHA-256 over all that stands before it.

PostgreSQL's own format notices damage in the compressed rows only; a changed letter in a table's definition, a view or
a default would be restored without a word. pg_restore reads what it needs from the front and passes over the trailer.
"""

import hashlib
import os
import re
from pathlib import Path

MARK = b"liaison-sha256"
_TRAILER = re.compile(rb"\n%b ([0-9a-f]{64}) %b\n" % (MARK, MARK))
_LENGTH = len(MARK) * 2 + 64 + 4
_CHUNK = 1 << 20


class Damaged(Exception):
    """The content is not what was written, or the checksum itself is broken."""


def add_checksum(file: Path) -> None:
    """Write the checksum of `file` at its end, and both to the disk."""
    with file.open("r+b") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest().encode()
        content.seek(0, os.SEEK_END)
        content.write(b"\n%b %b %b\n" % (MARK, digest, MARK))
        content.flush()
        os.fsync(content.fileno())


def is_proved(file: Path) -> bool:
    """Whether `file` is what was written; False when it bears no checksum. Raises Damaged when it is not.

    A mark stands on both sides of the checksum, so that one that was cut or changed is not taken for none.
    """
    before = max(file.stat().st_size - _LENGTH, 0)
    with file.open("rb") as content:
        content.seek(before)
        trailer = content.read()
        found = _TRAILER.fullmatch(trailer)
        if found is None:
            if MARK in trailer:
                raise Damaged
            return False
        content.seek(0)
        actual = hashlib.sha256()
        while before > 0:
            part = content.read(min(before, _CHUNK))
            actual.update(part)
            before -= len(part)
    if actual.hexdigest().encode() != found[1]:
        raise Damaged
    return True
