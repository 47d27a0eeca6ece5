"""What a resource can do, as people say it: the codes that visit types ask for, and their words."""

from __future__ import annotations

from collections.abc import Mapping


def ability_in_words(code: str, *, named: Mapping[str, str]) -> str:
    """The words for an ability, as in the middle of a sentence: its name if it has one, else its code's.

    "family_medicine" is "family medicine"; "ent" named "ENT" stays "ENT".
    """
    words = named.get(code) or code.replace("_", " ")
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def ability_code(said: str, *, known: Mapping[str, str]) -> str:
    """The ability that somebody typed, among those `known` (code and words); a new one gets a code of its words."""
    wanted = " ".join(said.split()).casefold()
    for code, words in known.items():
        if wanted in {code.casefold(), words.casefold()}:
            return code
    return wanted.replace(" ", "_")
