"""Reading received JSON without trusting its shape: whatever is not as FHIR says counts as absent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]


def obj(value: object) -> Json:
    """The JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The JSON list; one value that should have been a list counts as a list of one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def objects(value: object) -> Iterator[Json]:
    """The objects of a JSON list; anything else in it is passed over."""
    return (item for item in items(value) if isinstance(item, dict))


def text(value: object) -> str:
    """The string without surrounding space, or an empty one."""
    return value.strip() if isinstance(value, str) else ""


class Code(NamedTuple):
    """One coding: where the code comes from, the code, and the words for it."""

    system: str
    code: str
    display: str


def codes(concept: object) -> list[Code]:
    """The codings of a CodeableConcept (or of one Coding) that hold a code; words fall back to the concept's text."""
    concept = obj(concept)
    words = text(concept.get("text"))
    codings = objects(concept["coding"]) if "coding" in concept else iter([concept] if "code" in concept else [])
    found = []
    for coding in codings:
        code = text(coding.get("code"))
        if code:
            found.append(Code(text(coding.get("system")), code, text(coding.get("display")) or words or code))
    return found


def words(concept: object) -> str:
    """What a person would call this concept: its text, else the first display, else the first code."""
    concept = obj(concept)
    if said := text(concept.get("text")):
        return said
    for coding in codes(concept):
        return coding.display
    return text(concept.get("display"))


def first_words(*concepts: object) -> str:
    """The words of the first concept that has any."""
    for concept in concepts:
        for one in items(concept):
            if said := words(one):
                return said
    return ""


def status_code(concept: object) -> str:
    """The code of a status given as CodeableConcept (Condition.clinicalStatus), or as a plain code."""
    if isinstance(concept, str):
        return concept.strip()
    found = codes(concept)
    return found[0].code if found else ""
