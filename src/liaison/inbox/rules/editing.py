"""What must be true of a text before it may go to patients. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from liaison.inbox.rules.rendering import FIELD

USUAL: Final = frozenset({"called_as", "org", "site", "address", "phone"})
"""Fields that every text may name; the others only where the one who sends it fills them."""

LONGEST_SUBJECT: Final = 200
LONGEST_BODY: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A subject and a body in one language, with `{field}` places."""

    subject: str
    body: str


def problems_of(text: Text, *, required: frozenset[str], allowed: frozenset[str]) -> Mapping[str, str]:
    """What is wrong, by "subject" and "body"; empty when the text may be used.

    Refused are blank parts, a field that nobody would fill, a brace that belongs to no field, and the lack of a
    field that the text exists for.
    """
    wrong: dict[str, str] = {}
    for name, words, longest in (("subject", text.subject, LONGEST_SUBJECT), ("body", text.body, LONGEST_BODY)):
        problem = _problem(words, allowed=allowed, longest=longest)
        if problem:
            wrong[name] = problem
    named = set(FIELD.findall(f"{text.subject}\n{text.body}"))
    lacking = sorted(required - named)
    if lacking and "body" not in wrong:
        wrong["body"] = f"The text must say {_listed(lacking)}."
    return wrong


def _problem(words: str, *, allowed: frozenset[str], longest: int) -> str:
    if not words.strip():
        return "Write something here."
    if len(words) > longest:
        return f"At most {longest} characters."
    unknown = sorted(set(FIELD.findall(words)) - allowed)
    if unknown:
        return f"Nobody would fill in {_listed(unknown)}. Use {_listed(sorted(allowed))}."
    rest = FIELD.sub("", words)
    if "{" in rest or "}" in rest:
        return "There is a brace that belongs to no field. Write fields like {called_as}."
    return ""


def _listed(names: list[str]) -> str:
    return ", ".join("{" + name + "}" for name in names)
