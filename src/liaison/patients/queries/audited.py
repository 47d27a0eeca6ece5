"""Patients as the search of the audit trail names them: found by who may search it, at the sites where they may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from liaison.accounts.access import SEARCH_AUDIT
from liaison.accounts.ports import AuditedPatient
from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.numbers import id_in
from liaison.patients.models import Identifier, IdentifierKind, Patient
from liaison.patients.queries.search import search

MOST: Final = 12


class AuditedPatients:
    """The finder that `accounts.ports` asks for. Whom it names, is noted as seen."""

    def find(self, actor: Actor, *, text: str, now: datetime) -> Sequence[AuditedPatient]:
        """At most twelve whom `text` may mean: a name, a record number, a birth date, or the number in Liaison."""
        hits = search(actor, text=text, limit=MOST, now=now, verb=SEARCH_AUDIT)
        numbers = [hit.patient_id for hit in hits]
        number = id_in(text.strip())
        if number is not None and number not in numbers:
            numbers.append(number)
        return self._shown(actor, numbers, now=now)

    def names(self, actor: Actor, *, patient_ids: Iterable[int], now: datetime) -> Mapping[int, str]:
        """The names of those of these patients whom this reader may know."""
        rows = Patient.objects.filter(pk__in=set(patient_ids)).visible_to(actor, SEARCH_AUDIT, now=now)
        names = {row.pk: row.display_name for row in rows}
        seen(names)
        return names

    def merged_into(self, patient_id: int) -> Sequence[int]:
        """The numbers that this patient had before merges, in no order; what was done with them then counts too."""
        found: set[int] = set()
        latest = {patient_id}
        while latest:
            latest = set(Patient.objects.filter(merged_into__in=latest).values_list("pk", flat=True)) - found
            found |= latest
        return tuple(found)

    def _shown(self, actor: Actor, numbers: Sequence[int], *, now: datetime) -> Sequence[AuditedPatient]:
        rows = Patient.objects.filter(pk__in=numbers).visible_to(actor, SEARCH_AUDIT, now=now).in_bulk()
        known = Identifier.objects.filter(patient__in=rows, kind=IdentifierKind.MRN, retired_at__isnull=True)
        records = dict(known.order_by("-pk").values_list("patient", "value"))
        seen(rows)
        return tuple(
            AuditedPatient(
                patient_id=pk,
                name=rows[pk].display_name,
                birth_on=rows[pk].birth_on,
                record_number=records.get(pk, ""),
            )
            for pk in numbers
            if pk in rows
        )
