"""The verbs: everything that can be done, who may, and how sensitive it is.

Each package declares its own in `access.py`; the registry is read by the generated page of verbs by role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that can be done. `code` is "package.verb"; `label` completes "may …".

    `by_glass` is False for what emergency access does not open: changes that would outlast it. Who a patient is, how
    they are reached, who speaks for them and looks after them, who keeps a promise and that it is given up, and what
    runs for months belong to the patient's own sites. The work of the hour stays open: reading, a call, a message, a
    note, a document, a visit, a referral, evidence.
    """

    code: str
    label: str
    roles: frozenset[str]
    step_up: bool = False
    by_glass: bool = True

    def __str__(self) -> str:
        return self.code


_verbs: dict[str, Verb] = {}


def verb(code: str, label: str, *, roles: Iterable[str], step_up: bool = False, by_glass: bool = True) -> Verb:
    """Declare a verb once. `roles` are the roles that carry it; Liaison itself carries every verb.

    Raises ValueError for a code that is declared twice or does not read "package.verb".
    """
    if code in _verbs:
        raise ValueError(f"The verb {code} is declared twice.")
    if code.count(".") != 1:
        raise ValueError(f"A verb's code reads package.verb, not {code}.")
    held_by = frozenset(str(role) for role in roles)
    declared = Verb(code=code, label=label, roles=held_by, step_up=step_up, by_glass=by_glass)
    _verbs[code] = declared
    return declared


def all_verbs() -> Mapping[str, Verb]:
    """Every declared verb by its code."""
    return MappingProxyType(_verbs)
