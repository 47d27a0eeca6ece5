"""The heads of the audit chain, kept outside the database: without them its newest end could be cut off unnoticed.

One line of JSON for every seal, in one file a month, in `LIAISON_AUDIT_HEADS`. Each line is on the disk before the
next seal is made. Whoever can change the database but not this folder can't shorten the trail unseen.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest seal at one moment. `accepted` says that what was recorded before it no longer counts."""

    seal: int
    hash: str
    entries: int
    at: datetime
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The heads of one organization's chain that this machine recorded."""

    folder: Path
    schema: str

    def keep(self, head: Head) -> None:
        """Append one line and wait until the disk has it. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"audit-heads-{self.schema}-{head.at:%Y-%m}.ndjson"
        line = json.dumps({**asdict(head), "at": head.at.isoformat()}) + "\n"
        place = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(place, "ab") as file:
            if file.tell() and os.pread(place, 1, file.tell() - 1) != b"\n":
                line = "\n" + line  # a power cut left a line unfinished
            file.write(line.encode())
            file.flush()
            os.fsync(place)

    def recorded(self) -> Iterator[Head]:
        """Every head, the oldest first; a line that can't be read is passed over and logged."""
        for path in sorted(self.folder.glob(f"audit-heads-{self.schema}-????-??.ndjson")):
            with path.open(encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, start=1):
                    head = _read(line)
                    if head is not None:
                        yield head
                    elif line.strip():
                        log.warning("audit.head_unreadable", extra={"file": path.name, "line": number})


def our_heads() -> Heads:
    """The heads of this installation, where the settings say."""
    return Heads(folder=settings.LIAISON_AUDIT_HEADS, schema=settings.LIAISON_SCHEMA)


def _read(line: str) -> Head | None:
    try:
        found = json.loads(line)
        return Head(
            seal=int(found["seal"]),
            hash=str(found["hash"]),
            entries=int(found["entries"]),
            at=datetime.fromisoformat(found["at"]),
            accepted=bool(found["accepted"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
