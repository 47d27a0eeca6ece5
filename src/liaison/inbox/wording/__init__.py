"""The texts that come with Liaison: one file per template, in every language it is written in.

A text that was sent is never changed under its version: change it and raise `version`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

LANGUAGES = ("en", "es")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One template in one language. `free_text` ones take what a person writes."""

    code: str
    version: int
    category: str
    language: str
    label: str
    subject: str
    body: str
    required: frozenset[str]
    free_text: bool = False


@cache
def catalogue() -> Mapping[tuple[str, str], Wording]:
    """Every text by (code, language), in order of code."""
    found: dict[tuple[str, str], Wording] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            code = file.name.removesuffix(".toml")
            for wording in _read(code, file.read_text(encoding="utf-8")):
                found[code, wording.language] = wording
    return MappingProxyType(found)


def _read(code: str, text: str) -> list[Wording]:
    data = tomllib.loads(text)
    return [
        Wording(
            code=code,
            version=data["version"],
            category=data["category"],
            language=language,
            label=data["label"],
            subject=data[language]["subject"].strip(),
            body=data[language]["body"].strip() + "\n",
            required=frozenset(data["required"]),
            free_text=data.get("free_text", False),
        )
        for language in LANGUAGES
    ]
