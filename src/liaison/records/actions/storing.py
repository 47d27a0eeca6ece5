"""One file's resources on their way into the tables, batch by batch. Used inside one act by `importing`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from liaison.core.actor import Actor
from liaison.records.actions import tables, waiting
from liaison.records.actions.feed import Batch
from liaison.records.actions.people import Arrival, PatientIntake
from liaison.records.actions.places import keep_directory
from liaison.records.actions.strangers import Strangers
from liaison.records.actions.summary import CHANGED, NEW, OLDER, UNCHANGED, TypeCounts
from liaison.records.actions.tables import Kept, ResourceRow
from liaison.records.actions.waiting import PendingRow
from liaison.records.rules.dates import is_older
from liaison.records.rules.facts import facts_of, why_stay_has_no_end
from liaison.records.rules.intake import Note, Reject, decode
from liaison.records.rules.prepared import Prepared
from liaison.records.rules.references import key_of, where_is
from liaison.records.rules.shapes import obj

LINKED_AT_ONCE = 2_000


@dataclass(slots=True)
class Intake:
    """What is known while one file is stored.

    `known` holds the references that need no second look (what this file or an earlier look found), `patients`
    the patient behind each reference that names one, `waiting` what points at something not yet seen. `now_kept`
    are notes about what is new or changed, which mean nothing when the same comes again.
    """

    actor: Actor
    source_id: int
    system: str
    site_id: int
    file: str
    now: datetime
    strangers: Strangers
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    now_kept: list[Note] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    met: set[int] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    patients: dict[str, int] = field(default_factory=dict)
    waiting: list[PendingRow] = field(default_factory=list)

    def by_type(self) -> dict[str, TypeCounts]:
        """The counts so far, as told."""
        return {name: TypeCounts(**counts) for name, counts in sorted(self.counts.items())}

    def take(self, batch: Batch) -> None:
        """Store a batch."""
        self.rejects += batch.rejects
        self.notes += batch.notes
        if not batch.prepared:
            return
        kept = tables.find_kept([one.key for one in batch.prepared], system=self.system)
        taken, rejects = self.strangers.turn_away(batch.prepared, kept, named=self.patients.keys())
        self.rejects += rejects
        fresh: list[Prepared] = []
        again: list[Prepared] = []
        for one in taken:
            (again if one.key in kept else fresh).append(one)
            self.known.add("/".join(one.key))
            if one.received.full_url:
                self.known.add(one.received.full_url)
        changed = self._changed(again, kept) if again else []
        self._find_patients([*fresh, *(one for one, _ in changed)], {one.key: pk for one, pk in changed})
        if fresh:
            self._store(list(zip(fresh, tables.new_ids(len(fresh)), strict=True)), tables.add_resources, NEW)
        if changed:
            self._touch_patients_of([pk for _, pk in changed])
            tables.keep_earlier([pk for _, pk in changed], now=self.now)
            self._store(changed, tables.replace_resources, CHANGED)

    def finish(self) -> None:
        """Look once more for what was pointed at; keep the rest waiting; answer what waited for this file.

        Raises NamedBefore.
        """
        self.strangers.finish()
        found = tables.find_targets((row.pointer for row in self.waiting), system=self.system)
        links: dict[int, int] = {}
        still = []
        for row in self.waiting:
            target = found.get(row.pointer)
            if target is None:
                still.append(row)
            elif row.patient_rank is not None and target.patient is not None:
                links.setdefault(row.resource_id, target.patient)
        waiting.add_pending(still, source_id=self.source_id)
        answered = waiting.answered_by(self.source_id)
        for answer in answered:
            if answer.patient_rank is not None and answer.patient is not None:
                links.setdefault(answer.resource_id, answer.patient)
        if answered:
            waiting.drop_pending([row.pending_id for row in answered])
        self._link(links)

    def _changed(self, again: Sequence[Prepared], kept: dict[tuple[str, str], Kept]) -> list[tuple[Prepared, int]]:
        """Of resources that are kept already, those that came with other content; files older ones away."""
        suspects = []
        for one in again:
            old = kept[one.key]
            self._remember_patient(one, old.patient_id)
            if old.patient_id is not None:
                self.met.add(old.patient_id)
            if one.digest == old.digest:
                self.counts[one.key[0]][UNCHANGED] += 1
            else:
                suspects.append((one, old))
        if not suspects:
            return []
        differing = tables.really_differ([(old.pk, one.received.body.decode()) for one, old in suspects])
        changed = []
        for one, old in suspects:
            if old.pk not in differing:
                self.counts[one.key[0]][UNCHANGED] += 1
            elif self._is_newer(one, old, differing[old.pk]):
                changed.append((one, old.pk))
        return changed

    def _is_newer(self, one: Prepared, old: Kept, kept_updated: str) -> bool:
        """Whether this content takes the kept one's place; when not, say or file why."""
        older = is_older(obj(one.received.value.get("meta")).get("lastUpdated"), kept_updated)
        if older:
            filed = tables.file_as_earlier(old.pk, self._row(one, None), now=self.now)
            self.counts[one.key[0]][OLDER if filed else UNCHANGED] += 1
            return False
        if old.source_id == self.source_id and older is None:
            reason = f"{'/'.join(one.key)} came before in this file with other content; the first is kept"
            self.rejects.append(Reject(file=self.file, path=one.received.path, reason=reason))
            return False
        return True

    def _find_patients(self, coming: Sequence[Prepared], changed: dict[tuple[str, str], int]) -> None:
        """Keep the people and places of this batch, and look up the patients that its resources name."""
        arrivals = [
            Arrival(received=one.received, resource_id=changed.get(one.key)) for one in coming if one.is_patient
        ]
        if arrivals:
            intake = PatientIntake(self.actor, self.site_id, self.file, self.now, self.notes)
            for one, pk in zip((one for one in coming if one.is_patient), intake.keep(arrivals), strict=True):
                self._remember_patient(one, pk)
        keep_directory([one.received for one in coming], actor=self.actor, now=self.now)
        wanted = {
            one.received.pointer(reference)
            for one in coming
            for reference in one.patient_references
            if reference in one.received.inside or reference not in self.patients
        }
        for pointer, target in tables.find_targets(wanted, system=self.system).items():
            if target.patient is not None:
                self.patients[key_of(pointer)] = target.patient

    def _remember_patient(self, one: Prepared, patient_id: int | None) -> None:
        if one.is_patient and patient_id is not None:
            self.patients["/".join(one.key)] = patient_id
            if one.received.full_url:
                self.patients[one.received.full_url] = patient_id

    def _patient_of(self, one: Prepared) -> int | None:
        if one.is_patient:
            return self.patients.get("/".join(one.key))
        for reference in one.patient_references:
            patient = None if reference in one.received.inside else self.patients.get(reference)
            if patient is None:
                patient = self.patients.get(key_of(one.received.pointer(reference)))
            if patient is not None:
                return patient
        return None

    def _row(self, one: Prepared, patient_id: int | None) -> ResourceRow:
        came = one.received
        return ResourceRow(
            self.system, came.resource_type, came.fhir_id, came.full_url, 1, came.body.decode(), one.digest,
            self.source_id, self.now, patient_id, one.headline,
        )  # fmt: skip

    def _store(self, pairs: list[tuple[Prepared, int]], store: tables.StoreRows, state: str) -> None:
        patients = [self._patient_of(one) for one, _ in pairs]
        store((pk, self._row(one, patient)) for (one, pk), patient in zip(pairs, patients, strict=True))
        tables.add_facts(
            (patient, pk, fact)
            for (one, pk), patient in zip(pairs, patients, strict=True)
            if patient is not None
            for fact in one.facts
        )
        tables.add_identifiers(
            (pk, one.key[0], system, value) for one, pk in pairs for system, value in one.identifiers
        )
        self.touched.update(patient for patient in patients if patient is not None)
        for one, _ in pairs:
            self.counts[one.key[0]][state] += 1
            self._note_stay(one)
        self._wait(pairs)

    def _note_stay(self, one: Prepared) -> None:
        """Say of a finished stay that nobody can reckon from its end; whether anybody does is not known here."""
        if why := why_stay_has_no_end(one.received.value):
            text = f"a finished hospital stay: {why.words}"
            self.now_kept.append(Note(file=self.file, path=one.received.path, text=text))

    def _touch_patients_of(self, ids: Sequence[int]) -> None:
        """Whoever these resources were about until now has a changed chart too."""
        self.touched.update(tables.patients_of(ids))

    def _wait(self, stored: Sequence[tuple[Prepared, int]]) -> None:
        """Note which references of these resources point at nothing known so far."""
        unknown = []
        for one, pk in stored:
            for reference in (one.references - self.known).union(one.references & one.received.inside.keys()):
                pointer = one.received.pointer(reference)
                if pointer.by != "contained" and key_of(pointer) not in self.known:
                    unknown.append((one, pk, reference, pointer))
        found = tables.find_targets((row[3] for row in unknown), system=self.system)
        self.known.update(key_of(pointer) for pointer in found)
        for one, pk, reference, pointer in unknown:
            if pointer not in found:
                named = one.patient_references
                rank = named.index(reference) if reference in named else None
                where = where_is(one.received.value, reference)
                path = f"{one.received.path}.{where}" if where else one.received.path
                self.waiting.append(PendingRow(pk, path, reference, pointer, rank))

    def _link(self, links: dict[int, int]) -> None:
        """Give resources whose patient came after them that patient, and read their facts."""
        unlinked = tables.without_patient(list(links))
        for start in range(0, len(unlinked), LINKED_AT_ONCE):
            ids = unlinked[start : start + LINKED_AT_ONCE]
            tables.link_to_patients({pk: links[pk] for pk in ids})
            self.touched.update(links[pk] for pk in ids)
            tables.add_facts(
                (links[pk], pk, fact)
                for pk, body in tables.bodies_of(ids)
                for fact in facts_of(obj(decode(body.encode())))
            )
