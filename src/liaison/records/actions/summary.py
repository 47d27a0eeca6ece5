"""What an import tells: while it runs and when it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from liaison.records.rules.intake import Note, Reject

NEW, CHANGED, UNCHANGED, OLDER, REJECTED = "new", "changed", "unchanged", "older", "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeCounts:
    """How many resources of one type were new, changed, the same as before, older than what is kept."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0

    @property
    def received(self) -> int:
        """All of them."""
        return self.new + self.changed + self.unchanged + self.older

    def plus(self, other: TypeCounts) -> TypeCounts:
        """The sum of two counts."""
        return TypeCounts(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            older=self.older + other.older,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What became of one file. `state` is `imported`, `known` (these bytes came before) or `rejected`.

    `patient_ids` are those whose records came or changed, `covered_ids` all whom the file is about.
    """

    file: str
    state: str
    by_type: Mapping[str, TypeCounts] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()
    notes: tuple[Note, ...] = ()
    patient_ids: tuple[int, ...] = ()
    covered_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What notes of the same words say: how often, and where for the first time."""

    text: str
    count: int
    example: Note


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """The end of an import: every file's outcome, and the references that nothing answers yet.

    `unresolved` are notes, one for each missing target (at most `MOST_UNRESOLVED` are told, `unresolved_count`
    counts all); the resources that hold them are kept, and linked as soon as the target comes.
    """

    outcomes: tuple[FileOutcome, ...]
    unresolved: tuple[Note, ...] = ()
    unresolved_count: int = 0

    @property
    def by_type(self) -> dict[str, TypeCounts]:
        """Counts by resource type over all files, in the order of the alphabet."""
        total: dict[str, TypeCounts] = {}
        for outcome in self.outcomes:
            for resource_type, counts in outcome.by_type.items():
                total[resource_type] = total.get(resource_type, TypeCounts()).plus(counts)
        return dict(sorted(total.items()))

    @property
    def total(self) -> TypeCounts:
        """Counts over everything."""
        total = TypeCounts()
        for counts in self.by_type.values():
            total = total.plus(counts)
        return total

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Everything that was refused, in the order of the files."""
        return tuple(reject for outcome in self.outcomes for reject in outcome.rejects)

    @property
    def notes(self) -> tuple[Note, ...]:
        """Remarks on what was taken in or passed over."""
        return tuple(note for outcome in self.outcomes for note in outcome.notes)

    @property
    def changed_nothing(self) -> bool:
        """True when every resource was already kept just as it came now."""
        total = self.total
        return total.new == 0 and total.changed == 0 and total.older == 0

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """The notes, those of the same words together, in the order in which they came first."""
        alike: dict[str, list[Note]] = {}
        for note in self.notes:
            alike.setdefault(note.text, []).append(note)
        return tuple(Remark(text=text, count=len(notes), example=notes[0]) for text, notes in alike.items())

    @property
    def patient_ids(self) -> tuple[int, ...]:
        """The patients whose records came or changed, each once."""
        return tuple(sorted({pk for outcome in self.outcomes for pk in outcome.patient_ids}))

    @property
    def covered_ids(self) -> tuple[int, ...]:
        """The patients whom these files are about, each once: also those of files that came before."""
        return tuple(sorted({pk for outcome in self.outcomes for pk in outcome.covered_ids}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an import is: whole files, bytes on disk of the files done, resources read so far."""

    file: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    resources: int
    rejects: int


OnProgress = Callable[[Progress], None]
"""Called after each batch and each file, in the importing thread. Raising from it cancels the import there:
the file under way is rolled back, the files before it stay."""
