"""Patients who come under the id of somebody else, and what is about them: neither is taken in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from liaison.records.actions import tables
from liaison.records.actions.tables import Kept
from liaison.records.rules.intake import Reject, decode
from liaison.records.rules.prepared import Prepared
from liaison.records.rules.references import key_of
from liaison.records.rules.shapes import obj
from liaison.records.rules.strangers import somebody_else, why_about_rejected, why_rejected


class NamedBefore(Exception):
    """What came earlier in the file was about somebody who turned out to be a stranger: begin the file again."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__()
        self.names = names


@dataclass(slots=True, kw_only=True)
class Strangers:
    """Who is a stranger in the file that is read: from where they come until the one who is kept comes again.

    `names` holds them as `Patient/77`, with those of files before; `agreed` those of this file who are the ones kept,
    and `named_before` strangers about whom something was stored already.
    """

    file: str
    names: set[str]
    agreed: set[str] = field(default_factory=set)
    named_before: set[str] = field(default_factory=set)

    def turn_away(
        self, came: Sequence[Prepared], kept: Mapping[tuple[str, str], Kept], *, named: Collection[str]
    ) -> tuple[list[Prepared], list[Reject]]:
        """Part what came together into what may be taken in and the rejects; `named` are the patients named so far."""
        why = self._who(came, kept)
        self.named_before |= {name for name in why.keys() - self.names - self.agreed if name in named}
        agree = {"/".join(one.key) for one in came if one.is_patient} - why.keys()
        self.agreed |= agree
        self.names -= agree
        self.names |= why.keys()
        if not self.names:
            return list(came), []
        taken, rejects = [], []
        for one in came:
            reason = why.get("/".join(one.key)) or self._about(one)
            if reason:
                rejects.append(Reject(file=self.file, path=one.received.path, reason=reason))
            else:
                taken.append(one)
        return taken, rejects

    def finish(self) -> None:
        """The file is read. Raises NamedBefore when some of it was stored that is about a stranger."""
        if self.named_before:
            raise NamedBefore(self.named_before)

    def _who(self, came: Sequence[Prepared], kept: Mapping[tuple[str, str], Kept]) -> dict[str, str]:
        """The strangers among these, with the reason."""
        changed = {
            kept[one.key].pk: one
            for one in came
            if one.is_patient and one.key in kept and kept[one.key].digest != one.digest
        }
        found = {}
        for pk, body in tables.bodies_of(list(changed)) if changed else ():
            one = changed[pk]
            name = "/".join(one.key)
            if differs := somebody_else(obj(decode(body.encode())), one.received.value):
                found[name] = why_rejected(name, differs=differs)
        return found

    def _about(self, one: Prepared) -> str:
        """Why something is not taken in for whom it is about; "" for what is about nobody rejected."""
        if one.is_patient:
            return ""
        keys = (key_of(one.received.pointer(reference)) for reference in one.patient_references)
        return next((why_about_rejected(key) for key in keys if key in self.names), "")
