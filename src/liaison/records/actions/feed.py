"""What is read from a file, in batches that are stored together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from liaison.records.rules.intake import Note, Received, Reject
from liaison.records.rules.prepared import Prepared

BATCH = 1_000
BATCH_BYTES = 8 << 20


@dataclass(slots=True)
class Batch:
    """Resources of which no two have the same type and id, and the remarks that came between them."""

    prepared: list[Prepared] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def batches(found: Iterable[Received | Reject | Note]) -> Iterator[Batch]:
    """Cut what is read into batches, at least one. Raises what reading raises."""
    batch, keys, size = Batch(), set[tuple[str, str]](), 0
    for one in found:
        if isinstance(one, Reject):
            batch.rejects.append(one)
        elif isinstance(one, Note):
            batch.notes.append(one)
        else:
            prepared = Prepared(one)
            if prepared.key in keys or len(keys) >= BATCH or size > BATCH_BYTES:
                yield batch
                batch, keys, size = Batch(), set(), 0
            batch.prepared.append(prepared)
            keys.add(prepared.key)
            size += len(one.body)
    yield batch
