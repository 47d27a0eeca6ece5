"""Which patient somebody means who searches the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from liaison.accounts.access import SEARCH_AUDIT
from liaison.accounts.ports import AuditedPatient, patient_finder
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Whom a text means: one patient, one of several to choose from, or nobody.

    `earlier_ids` are numbers that this patient had before they were merged. `name` is empty for a number that stands
    for no patient whom this reader may know: its entries are found all the same.
    """

    patient_id: int | None = None
    name: str = ""
    earlier_ids: tuple[int, ...] = ()
    choices: tuple[AuditedPatient, ...] = ()

    @property
    def is_nobody(self) -> bool:
        """Whether nothing can be looked for."""
        return self.patient_id is None and not self.choices


def whom_is_meant(actor: Actor, *, text: str, chosen: int | None = None, now: datetime) -> Meant:
    """The patient that `text` means: a name, a record number or the number in Liaison. Refuses: Forbidden.

    `chosen` decides between several.
    """
    if not actor.may_at(SEARCH_AUDIT, site_id=EVERYWHERE):
        raise Forbidden
    finder = patient_finder()
    found = tuple(finder.find(actor, text=text, now=now)) if finder else ()
    picked = [each for each in found if each.patient_id == chosen] if chosen is not None else found
    if len(picked) == 1:
        (one,) = picked
        earlier = tuple(finder.merged_into(one.patient_id)) if finder else ()
        return Meant(patient_id=one.patient_id, name=one.name, earlier_ids=earlier)
    number = id_in(text)
    if number is not None and (not found or number == chosen):
        return Meant(patient_id=number)
    return Meant(choices=found)


def names_of(actor: Actor, *, patient_ids: Iterable[int], now: datetime) -> Mapping[int, str]:
    """The names of those of these patients whom this reader may know."""
    finder = patient_finder()
    return finder.names(actor, patient_ids=patient_ids, now=now) if finder else {}
