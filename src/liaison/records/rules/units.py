"""Units as a person reads them. Charts carry UCUM codes ("mm[Hg]", "10*3/uL"), which are made for machines.

Source: The Unified Code for Units of Measure (UCUM), case-sensitive codes.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

_WHOLE: Final = MappingProxyType(
    {"[degF]": "°F", "Cel": "°C", "[in_i]": "in", "[ft_i]": "ft", "[lb_av]": "lb", "[oz_av]": "oz", "[pH]": "pH"}
)
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_POWER_OF_TEN: Final = re.compile(r"10[*^](\d+)")
_SQUARE_OR_CUBE: Final = re.compile(r"(?<=m)([23])(?![\w.])")
_MICRO: Final = re.compile(r"(?<![A-Za-z])u(?=(?:g|L|mol|m|kat|eq|\[IU\])(?![A-Za-z]))")
_NOTE: Final = re.compile(r"\{([^{}]*)\}")


def unit_in_words(code: str) -> str:
    """The unit a person writes: "mmHg", "10³/µL", "mL/min/1.73 m²". Notes in braces that count nothing fall away."""
    if code in _WHOLE:
        return _WHOLE[code]
    said = _NOTE.sub(lambda note: note[1].replace("_", " ") if note[1][:1].isdigit() else "", code)
    said = _POWER_OF_TEN.sub(lambda power: f"10{power[1].translate(_RAISED)}", said)
    said = _SQUARE_OR_CUBE.sub(lambda power: power[1].translate(_RAISED), said)
    return _MICRO.sub("µ", said).replace("[", "").replace("]", "").strip()
