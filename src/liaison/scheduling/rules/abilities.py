"""What a resource can do, as people say it: the codes that visit types ask for, and their words."""

from __future__ import annotations

from collections.abc import Mapping


def ability_in_words(code: str, *, named: Mapping[str, str]) -> str:
    """The words for an ability: its name if it has one ("family_medicine" is "Family medicine"), else its code's."""
    return named.get(code) or code.replace("_", " ")


def ability_code(said: str, *, known: Mapping[str, str]) -> str:
    """The ability that somebody typed, among those `known` (code and words); a new one gets a code of its words."""
    wanted = " ".join(said.split()).casefold()
    for code, words in known.items():
        if wanted in {code.casefold(), words.casefold()}:
            return code
    return wanted.replace(" ", "_")
