"""Languages by their BCP 47 tags. Spoken and written ones are kept apart; sign languages have tags of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-[A-Za-z0-9]{5,8})*")

COMMON_LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en": "English", "es": "Spanish", "ase": "American Sign Language", "am": "Amharic", "ar": "Arabic",
        "hy": "Armenian", "bn": "Bengali", "yue": "Cantonese", "zh": "Chinese", "prs": "Dari", "nl": "Dutch",
        "fr": "French", "de": "German", "el": "Greek", "gu": "Gujarati", "ht": "Haitian Creole", "he": "Hebrew",
        "hi": "Hindi", "hmn": "Hmong", "ilo": "Ilocano", "it": "Italian", "ja": "Japanese", "kar": "Karen",
        "km": "Khmer", "ko": "Korean", "ku": "Kurdish", "lo": "Lao", "cmn": "Mandarin", "mr": "Marathi",
        "nv": "Navajo", "ne": "Nepali", "ps": "Pashto", "fa": "Persian", "pl": "Polish", "pt": "Portuguese",
        "pa": "Punjabi", "ro": "Romanian", "ru": "Russian", "sm": "Samoan", "so": "Somali", "sw": "Swahili",
        "tl": "Tagalog", "ta": "Tamil", "te": "Telugu", "th": "Thai", "ti": "Tigrinya", "tr": "Turkish",
        "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "yi": "Yiddish", "yo": "Yoruba",
    }
)  # fmt: skip


def is_language_tag(tag: str) -> bool:
    """Whether this has the shape of a BCP 47 tag ("es", "pt-BR", "zh-Hant")."""
    return _TAG.fullmatch(tag) is not None


def language_name(tag: str) -> str:
    """The English name of a language; of a regional one as well ("Portuguese (BR)"); else the tag itself."""
    if tag in COMMON_LANGUAGES:
        return COMMON_LANGUAGES[tag]
    base, _, rest = tag.partition("-")
    name = COMMON_LANGUAGES.get(base.lower())
    if name is None:
        return tag
    return f"{name} ({rest})" if rest else name
