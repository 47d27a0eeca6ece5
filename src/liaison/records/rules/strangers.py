"""Whether two contents of one patient's id are two people: ids of two systems meet where nobody names the systems."""

from __future__ import annotations

import re
from collections.abc import Iterator

from liaison.records.rules.people import NAMELESS, PatientRead, read_patient
from liaison.records.rules.shapes import Json, codes, objects, text

_RENEWED = frozenset({"MB", "DL", "PPN"})
"""Identifier types (HL7 v2 table 0203) that one person gets anew: of an insurance, a licence, a passport."""

_WORD = re.compile(r"\w+")
_WAY_OUT = "If these are the ids of another system, import its files with a --system of its own."
_AGAIN = re.compile(r"(Patient/[A-Za-z0-9\-.]{1,64}) is kept already as somebody else:")


def somebody_else(before: Json, came: Json) -> str:
    """What says that these two Patients are two people, in words for a person; "" when nothing does.

    They are when a system's identifiers of both have none in common, or when birth date and family name both
    changed. An identifier that both bear says that they are one, whatever else changed (somebody who came in unknown);
    so do family name, birth date and sex together, where a number changed (a newborn's, a reissued one). One of the
    two may change (a marriage, a correction), a name that stays among the other names has not changed, an identifier
    that is marked as old still counts, and what is renewed (a passport) counts for nothing.
    """
    mine, theirs = read_patient(before), read_patient(came)
    if _bear_one_number(before, came) or _are_alike(mine, theirs):
        return ""
    return "; ".join((*_identifiers_that_differ(before, came), *_two_in_one(mine, theirs)))


def _bear_one_number(before: Json, came: Json) -> bool:
    mine, theirs = _numbers(before), _numbers(came)
    return any(mine[system] & theirs.get(system, set()) for system in mine)


def _are_alike(before: PatientRead, came: PatientRead) -> bool:
    """Whether both say the same birth date, sex and family name."""
    alike = before.birth_on is not None and (before.birth_on, before.sex) == (came.birth_on, came.sex)
    return alike and NAMELESS not in {before.family, came.family} and bool(_families(before) & _families(came))


def _identifiers_that_differ(before: Json, came: Json) -> Iterator[str]:
    mine, theirs = _numbers(before), _numbers(came)
    for system in mine:
        if system in theirs and not mine[system] & theirs[system]:
            yield f"its identifier of {system} is another"


def _numbers(resource: Json) -> dict[str, set[str]]:
    """The values that each system gave, but for those that are renewed."""
    found: dict[str, set[str]] = {}
    for one in objects(resource.get("identifier")):
        system, value = text(one.get("system")), text(one.get("value"))
        if system and value and not any(code.code in _RENEWED for code in codes(one.get("type"))):
            found.setdefault(system, set()).add(value)
    return found


def _two_in_one(before: PatientRead, came: PatientRead) -> Iterator[str]:
    born = before.birth_on is not None and came.birth_on is not None and before.birth_on != came.birth_on
    if born and NAMELESS not in {before.family, came.family} and not _families(before) & _families(came):
        yield "its birth date and its family name both are others"


def _families(said: PatientRead) -> set[str]:
    """The words of all family names: of a double name one may stay."""
    names = (said.family, *(one.family for one in said.names))
    return {word for name in names for word in _WORD.findall(name.casefold())}


def why_rejected(name: str, *, differs: str) -> str:
    """The reason why a patient, named as `Patient/77`, was not taken in."""
    return f"{name} is kept already as somebody else: {differs}. {_WAY_OUT}"


def why_about_rejected(name: str) -> str:
    """The reason why what is about such a patient was not taken in."""
    return f"is about {name}, who was rejected: somebody else is kept under this id. {_WAY_OUT}"


def rejected_in(reason: str) -> str:
    """The patient of whom `why_rejected` gave this reason, as `Patient/77`; "" for any other reason."""
    found = _AGAIN.match(reason)
    return found[1] if found else ""
