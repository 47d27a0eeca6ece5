"""A message in a language that its reader does not read: it arrives, and tells them nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from liaison.core.languages import language_name, main_language
from liaison.inbox.rules.rendering import language_of

_NEVER_WRITTEN: Final = frozenset({"ase", "bfi", "sgn"})
"""Sign languages: whoever signs reads another language, and nobody noted which."""
_SAYS_NOTHING: Final = frozenset({"", "mis", "mul", "und", "zxx"})
"""Tags of BCP 47 that name no language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a message: `name` of a proxy ("" for the patient), the tags of what they read and speak, "" unknown."""

    name: str = ""
    written: str = ""
    spoken: str = ""

    @property
    def tag(self) -> str:
        """The language to write in, by what is known."""
        return self.written or self.spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A language that was written in, "English", and what is known of the reader: "they read Vietnamese"."""

    sent: str
    known: str
    language: str


def unread(sent: str, *, reader: Reader) -> Unread | None:
    """How a message in the language `sent` (a tag) misses its reader; None where it may be read.

    Only the main language counts: who reads Mexican Spanish reads Spanish. Of whom nothing is known, nothing is said.
    """
    main = main_language(reader.tag)
    if main in _NEVER_WRITTEN or main in _SAYS_NOTHING or main == main_language(sent):
        return None
    name = language_name(reader.tag)
    verb = "read" if reader.written else "speak"
    known = f"{reader.name} {verb}s {name}" if reader.name else f"they {verb} {name}"
    return Unread(sent=language_name(main_language(sent)), known=known, language=name)


def would_be_unread(reader: Reader) -> Unread | None:
    """The same of what we would write to this reader now."""
    return unread(language_of(reader.tag), reader=reader)
