"""Taking files in: one transaction for each file, so that an import can be killed and begun again at any time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import django.db
import psycopg

from liaison.accounts.models import Site
from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.refusals import Refusal
from liaison.records.access import IMPORT
from liaison.records.actions import tables, waiting
from liaison.records.actions.feed import batches
from liaison.records.actions.rebuilding import note_first_reading
from liaison.records.actions.storing import Intake
from liaison.records.actions.strangers import NamedBefore, Strangers
from liaison.records.actions.summary import FileOutcome, ImportSummary, OnProgress, Progress, TypeCounts
from liaison.records.events import ChartChanged
from liaison.records.models import PendingReference, Resource, Source
from liaison.records.rules.intake import Note, Reject
from liaison.records.rules.reading import Unreadable, fingerprint, name_of, read
from liaison.records.rules.strangers import rejected_in

MOST_UNRESOLVED = 200
MOST_KEPT_REMARKS = 5_000


class NoSite(Refusal):
    """An imported patient belongs to a site, else nobody could see them."""

    code: ClassVar[str] = "records.no_site"
    sentence = "There is no site to register the patients at. Add a site first."


class NoFiles(Refusal):
    """An import of nothing is a wrong path or a delivery that did not come, never a success."""

    code: ClassVar[str] = "records.no_files"
    sentence = "There are no files to import. Hidden ones don't count."

    def __init__(self, folders: Sequence[Path]) -> None:
        where = ", ".join(name_of(folder) for folder in folders)
        super().__init__(f"There are no files in {where} (hidden ones don't count). Nothing was imported.")


def import_files(
    actor: Actor,
    *,
    paths: Sequence[Path],
    now: datetime,
    site: Site | None = None,
    system: str = "",
    progress: OnProgress | None = None,
) -> ImportSummary:
    """Take in FHIR R4 files; a folder stands for every file in it that is not hidden, in the order of names.

    Each file is one transaction with one audit entry: killed at any moment and run again, the end is the same.
    Bytes that came before from this `system` change nothing, and the outcome says `known` with what was said
    then. What is rejected never stops the rest; a file that can't be read to its end is rejected as a whole.
    A patient under the id of somebody else is rejected, and what is about them, until the end of this import or
    until the one who is kept comes again.
    A resource whose patient has not come is kept under no patient, told in `unresolved`, and linked when the
    patient comes. New patients are registered at `site` (default: the organization's first).

    A link to a folder is not followed, and told as rejected like all in a folder that can't be read.

    Refuses: Forbidden, NoSite, NoFiles (only folders are given and they hold nothing).
    """
    site = site or Site.objects.order_by("pk").first()
    if site is None:
        raise NoSite
    files = list(_files(paths))
    run = _Run(actor=actor, now=now, site_id=site.pk, system=system, progress=progress, files=files)
    outcomes = tuple(run.one_file(path) for path in files)
    unresolved, count = _unresolved([outcome.file for outcome in outcomes], system=system)
    return ImportSummary(outcomes=outcomes, unresolved=unresolved, unresolved_count=count)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """What to take in: each file, and what stands in a folder but can't be read, so that it is told.

    A folder with nothing in it stands for itself when others have something.
    """
    inside = [(path, _inside(path) if path.is_dir() else [path]) for path in paths]
    if inside and not any(found for _, found in inside):
        raise NoFiles([path for path, _ in inside])
    for path, found in inside:
        yield from found or [path]


def _inside(folder: Path) -> list[Path]:
    """Everything below a folder that is not hidden and no folder itself, and folders that can't be entered."""
    shut: list[OSError] = []
    found = []
    for here, folders, files in os.walk(folder, onerror=shut.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(here, name) for name in files if not name.startswith(".")]
        found += [Path(here, name) for name in folders if Path(here, name).is_symlink()]
    return sorted({*found, *(Path(problem.filename) for problem in shut)})


class _Run:
    """One import under way."""

    def __init__(
        self, *, actor: Actor, now: datetime, site_id: int, system: str, progress: OnProgress | None, files: list[Path]
    ) -> None:
        self.actor, self.now, self.site_id, self.system = actor, now, site_id, system
        self.progress = progress
        self.strangers: set[str] = set()
        self.sizes = {path: path.stat().st_size if path.is_file() else 0 for path in files}
        self.at = Progress(
            file="", files_done=0, files_total=len(files), bytes_done=0, bytes_total=sum(self.sizes.values()),
            resources=0, rejects=0,
        )  # fmt: skip

    def one_file(self, path: Path) -> FileOutcome:
        """Take in one file, or say why not."""
        before = self.at
        file = name_of(path)
        self._tell(replace(before, file=path.name))
        try:
            sha256 = fingerprint(path)
            known = self._source(sha256)
            outcome = _known(known, path) if known else self._import_knowing(path, sha256=sha256)
        except Unreadable as problem:
            outcome = self._rejected(Reject(file=file, path=problem.path, reason=str(problem)))
        except (django.db.Error, psycopg.Error) as problem:
            if not _is_of_the_content(problem):
                raise
            reason = f"the database can't keep it: {str(problem).splitlines()[0][:300]}"
            outcome = self._rejected(Reject(file=file, path="$", reason=reason))
        self.strangers |= {name for reject in outcome.rejects if (name := rejected_in(reject.reason))}
        self._tell(
            replace(
                before,
                file=path.name,
                files_done=before.files_done + 1,
                bytes_done=before.bytes_done + self.sizes[path],
                resources=before.resources + sum(counts.received for counts in outcome.by_type.values()),
                rejects=before.rejects + len(outcome.rejects),
            )
        )
        return outcome

    def _import_knowing(self, path: Path, *, sha256: str) -> FileOutcome:
        """Take in one file; a second time, with nothing kept of the first, when it named strangers before they came."""
        before = self.at
        try:
            return self._import(path, sha256=sha256)
        except NamedBefore as found:
            self.strangers |= set(found.names)
            self._tell(before)
            return self._import(path, sha256=sha256)

    def _import(self, path: Path, *, sha256: str) -> FileOutcome:
        read_before = self.at
        with act(self.actor, IMPORT, now=self.now) as entry:
            tables.one_import_at_a_time()
            if known := self._source(sha256):
                return _known(known, path)
            note_first_reading(now=self.now)
            source = Source.objects.create(
                system=self.system,
                name=name_of(path)[-500:],
                sha256=sha256,
                received_at=self.now,
                received_by=self.actor.name[:200],
            )
            entry.about(source)
            intake = Intake(
                actor=self.actor, source_id=source.pk, system=self.system, site_id=self.site_id, file=name_of(path),
                now=self.now, strangers=Strangers(file=name_of(path), names=set(self.strangers)),
            )  # fmt: skip
            resources = read_before.resources
            for batch in batches(read(path)):
                intake.take(batch)
                resources += len(batch.prepared)
                rejects = read_before.rejects + len(intake.rejects)
                self._tell(replace(read_before, resources=resources, rejects=rejects))
            intake.finish()
            return self._outcome(path, source=source, intake=intake, entry=entry)

    def _source(self, sha256: str) -> Source | None:
        """What brought these bytes before, from this system."""
        return Source.objects.filter(system=self.system, sha256=sha256).first()

    def _outcome(self, path: Path, *, source: Source, intake: Intake, entry: Entry) -> FileOutcome:
        outcome = FileOutcome(
            file=name_of(path),
            state="imported",
            by_type=intake.by_type(),
            rejects=tuple(intake.rejects),
            notes=(*intake.notes, *intake.now_kept),
            patient_ids=tuple(sorted(intake.touched)),
            covered_ids=tuple(sorted(intake.touched | intake.met)),
        )
        source.counts = {name: asdict(counts) for name, counts in outcome.by_type.items()}
        source.rejects = [[reject.path, reject.reason] for reject in outcome.rejects[:MOST_KEPT_REMARKS]]
        source.notes = [[note.path, note.text] for note in intake.notes[:MOST_KEPT_REMARKS]]
        source.save(update_fields=["counts", "rejects", "notes"])
        entry.concerns(*outcome.patient_ids)
        entry.note(resources=source.counts, rejected=len(outcome.rejects), sha256=source.sha256)
        if outcome.patient_ids:
            entry.publish(ChartChanged(patient_ids=outcome.patient_ids, at=self.now))
        return outcome

    def _rejected(self, reject: Reject) -> FileOutcome:
        with act(self.actor, IMPORT, now=self.now) as entry:
            entry.note(resources={}, rejected=1, why=reject.reason)
        return FileOutcome(file=reject.file, state="rejected", rejects=(reject,))

    def _tell(self, at: Progress) -> None:
        self.at = at
        if self.progress is not None:
            self.progress(at)


def _is_of_the_content(problem: Exception) -> bool:
    """Whether the database refused what a file holds, rather than being away, full or busy.

    SQLSTATE classes 22 (data), 23 (integrity) and 54 (limits, such as an index row too big); psycopg refuses a NUL
    itself, as a DataError without a SQLSTATE.
    """
    cause = problem.__cause__ if isinstance(problem, django.db.Error) else problem
    state = getattr(cause, "sqlstate", None) or ""
    return isinstance(cause, psycopg.DataError) or state[:2] in {"22", "23", "54"}


def _known(source: Source, path: Path) -> FileOutcome:
    """The outcome for bytes that came before: everything unchanged, what was refused still refused."""
    file = name_of(path)
    about = Resource.objects.filter(source=source, patient__isnull=False)
    return FileOutcome(
        file=file,
        state="known",
        by_type={name: TypeCounts(unchanged=sum(counts.values())) for name, counts in source.counts.items()},
        rejects=tuple(Reject(file=file, path=where, reason=reason) for where, reason in source.rejects),
        notes=tuple(Note(file=file, path=where, text=said) for where, said in source.notes),
        covered_ids=tuple(sorted(about.values_list("patient_id", flat=True).distinct())),
    )


def _unresolved(files: Sequence[str], *, system: str) -> tuple[tuple[Note, ...], int]:
    """One note for each thing that these files point at and that is not there."""
    pending = PendingReference.objects.filter(source__system=system, source__name__in=[file[-500:] for file in files])
    missing = pending.values("reference").distinct().count()
    notes = []
    if missing:
        for row in waiting.missing_targets([file[-500:] for file in files], system=system, most=MOST_UNRESOLVED):
            more = f" (and {row.holders - 1} more)" if row.holders > 1 else ""
            notes.append(
                Note(file=row.file, path=row.path + more, text=f"points at {row.reference}, which has not come")
            )
    return tuple(notes), missing
