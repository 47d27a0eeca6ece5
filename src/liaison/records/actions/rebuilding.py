"""Reading the kept resources again, when the rules that read them have changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.records.access import REBUILD
from liaison.records.actions import tables
from liaison.records.events import ChartChanged
from liaison.records.models import Reading, Resource
from liaison.records.rules.facts import READERS_VERSION, facts_of
from liaison.records.rules.headlines import headline_of
from liaison.records.rules.intake import decode
from liaison.records.rules.shapes import obj

AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildSummary:
    """How many resources were read and how many facts they gave."""

    resources: int
    facts: int


def rebuild_facts(
    actor: Actor,
    *,
    now: datetime,
    patient_ids: Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RebuildSummary:
    """Read facts and headlines again from the kept resources, of some patients or (None) of all.

    One transaction: whoever reads meanwhile sees the old facts until the new ones are whole, and one that is killed
    leaves everything as it was. `progress` is called with (resources read, resources in all). Refuses: Forbidden.
    """
    with act(actor, REBUILD, now=now) as entry:
        tables.one_import_at_a_time()
        ids = tables.to_rebuild(patient_ids)
        tables.clear_facts(patient_ids)
        read = made = 0
        touched: set[int] = set()
        for start in range(0, len(ids), AT_ONCE):
            rows = tables.kept_bodies(ids[start : start + AT_ONCE])
            values = [(row.pk, row.patient_id, obj(decode(row.body.encode()))) for row in rows]
            tables.set_headlines([(pk, headline_of(value)) for pk, _, value in values])
            facts = [(patient, pk, fact) for pk, patient, value in values if patient for fact in facts_of(value)]
            tables.add_facts(facts)
            touched.update(patient for _, patient, _ in values if patient)
            read, made = read + len(rows), made + len(facts)
            if progress is not None:
                progress(read, len(ids))
        entry.note(resources=read, facts=made)
        if patient_ids is None:
            Reading.objects.create(readers_version=READERS_VERSION, read_at=now)
        if touched:
            entry.publish(ChartChanged(patient_ids=tuple(sorted(touched)), at=now))
    return RebuildSummary(resources=read, facts=made)


def rebuild_if_readers_changed(actor: Actor, *, now: datetime) -> RebuildSummary | None:
    """Read everything again when other readers than today's read it; None when there was nothing to do."""
    return rebuild_facts(actor, now=now) if readers_changed() else None


def readers_changed() -> bool:
    """Whether something is kept that today's readers have not read."""
    last = Reading.objects.order_by("-pk").values_list("readers_version", flat=True).first()
    return last != READERS_VERSION and Resource.objects.exists()


def note_first_reading(*, now: datetime) -> None:
    """What comes into an empty store is read by today's readers: note it (inside an import, before it stores)."""
    if not Reading.objects.exists() and not Resource.objects.exists():
        Reading.objects.create(readers_version=READERS_VERSION, read_at=now)
