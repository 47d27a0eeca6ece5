"""What a coordinator types in one line ("echo next week pm, same clinician"), read word by word."""

import calendar
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = tuple(name.lower() for name in calendar.month_name[1:])
_SHORTEST: Final = 3
"""Letters from which on a weekday or a month is recognised by its beginning."""
_NOON: Final = time(12)
_EVENING: Final = time(17)
_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?:([ap])\.?m?\.?)?")
_HALF: Final = re.compile(r"([ap])\.?m\.?")
_OCLOCK: Final = frozenset({"o'clock", "o’clock", "oclock"})
_ABOUT: Final = timedelta(hours=2)
"""How long after an hour that was named a visit may end: who says "3pm" means about then."""
_BOUNDS: Final = frozenset({"after", "from", "past", "before", "by", "until", "till", "at", "around", "about"})
_NUMBERS: Final = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "six": 6}
_FILLERS: Final = frozenset({"a", "an", "at", "for", "in", "on", "the", "please", "visit", "week", "dr", "dr."})
_TITLES: Final = frozenset({"dr", "doctor", "prof", "professor", "nurse", "mr", "mrs", "ms", "miss"})
_LAST_HOUR_MEANT_PM: Final = 6
"""Nobody says "after 3" and means the night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Something that can be named in the line: a kind of visit, a person, a site."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the line says; None and nothing where it is silent. `unknown` are the words that nobody understood,
    `could_be` the people whom a name may mean when it means more than one."""

    visit_type_id: int | None = None
    site_id: int | None = None
    with_id: int | None = None
    could_be: tuple[Called, ...] = ()
    same_clinician: bool = False
    any_site: bool = False
    not_before: date | None = None
    not_after: date | None = None
    weekdays: frozenset[int] = frozenset()
    from_at: time | None = None
    to_at: time | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the words can mean today."""

    kinds: Sequence[Called]
    people: Sequence[Called]
    sites: Sequence[Called]
    today: date


_Step = Callable[[Asked, Sequence[str], _Known], "tuple[Asked, int] | None"]


def read_line(
    text: str, *, kinds: Sequence[Called], people: Sequence[Called], sites: Sequence[Called], today: date
) -> Asked:
    """Read one line. Each word is tried as an hour, a day, a person, a site, then as part of a kind of visit."""
    known = _Known(kinds=kinds, people=people, sites=sites, today=today)
    words = re.findall(r"[\w:/'’.-]+", text.lower().replace(",", " "))
    asked, left, at = Asked(), list[str](), 0
    while at < len(words):
        for step in _STEPS:
            read = step(asked, words[at:], known)
            if read is not None:
                asked, used = read
                at += used
                break
        else:
            left.append(words[at])
            at += 1
    return _kind_of_visit(asked, left, known)


def _part_of_day(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    del known
    match words[0].rstrip("s"):
        case "am" | "morning":
            return replace(asked, to_at=_NOON), 1
        case "pm" | "afternoon":
            return replace(asked, from_at=_NOON), 1
        case "evening":
            return replace(asked, from_at=_EVENING), 1
    return None


def _hour(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    """After 3, before noon, at 7, and a bare 7am, 7:30 or 3 pm."""
    del known
    said = words[0] in _BOUNDS and len(words) > 1
    at, used = _clock(words[1:] if said else words)
    if at is None:
        return None
    match words[0] if said else "at" if _is_surely_an_hour(words) else "":
        case "after" | "from" | "past":
            return replace(asked, from_at=at), 1 + used
        case "before" | "by" | "until" | "till":
            return replace(asked, to_at=at), 1 + used
        case "":
            return None
    end = datetime.combine(date.min, at) + _ABOUT
    until = end.time() if end.date() == date.min else None
    return replace(asked, from_at=at, to_at=until), said + used


def _is_surely_an_hour(words: Sequence[str]) -> bool:
    """Whether a word without "at" before it is an hour: a bare number could be anything."""
    if words[0].isdecimal():
        return len(words) > 1 and (words[1] in _OCLOCK or _HALF.fullmatch(words[1]) is not None)
    return True


def _clock(words: Sequence[str]) -> tuple[time | None, int]:
    """The time of day that these words begin with, and how many they are."""
    if words[0] == "noon":
        return _NOON, 1
    found = _CLOCK.fullmatch(words[0])
    if found is None:
        return None, 0
    following = words[1] if len(words) > 1 else ""
    apart = None if found[3] else _HALF.fullmatch(following)
    half = found[3] or (apart[1] if apart else "")
    used = 2 if apart or following in _OCLOCK else 1
    hour, minute = int(found[1]), int(found[2] or 0)
    if half == "p" or (not half and 1 <= hour <= _LAST_HOUR_MEANT_PM):
        hour = hour % 12 + 12
    elif half == "a":
        hour %= 12
    return (time(hour, minute), used) if hour < 24 and minute < 60 else (None, 0)


def _near_day(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    days = {"today": 0, "tomorrow": 1}.get(words[0])
    if days is None:
        return None
    on = known.today + timedelta(days=days)
    return replace(asked, not_before=on, not_after=on), 1


def _week(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    """This week, next week, next Tuesday."""
    if words[0] not in {"this", "next"} or len(words) == 1:
        return None
    monday = known.today - timedelta(days=known.today.weekday()) + timedelta(days=7 * (words[0] == "next"))
    if words[1] == "week":
        return replace(asked, not_before=max(monday, known.today), not_after=monday + timedelta(days=6)), 2
    weekday = _beginning(words[1], _WEEKDAYS)
    if weekday is None:
        return None
    on = monday + timedelta(days=weekday)
    return replace(asked, not_before=on, not_after=on), 2


def _later(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    """In three weeks, in 10 days, in 2 months."""
    if words[0] != "in" or len(words) < _SHORTEST:
        return None
    count = int(words[1]) if words[1].isdecimal() and len(words[1]) < _SHORTEST else _NUMBERS.get(words[1])
    unit = {"day": 1, "week": 7, "month": 30}.get(words[2].rstrip("s"))
    if count is None or unit is None:
        return None
    return replace(asked, not_before=known.today + timedelta(days=count * unit)), 3


def _weekday(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    del known
    weekday = _beginning(words[0].rstrip("s"), _WEEKDAYS)
    return None if weekday is None else (replace(asked, weekdays=asked.weekdays | {weekday}), 1)


def _month(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    """March, or March 5."""
    month = _beginning(words[0], _MONTHS)
    if month is None:
        return None
    year = known.today.year + (month + 1 < known.today.month)
    last = calendar.monthrange(year, month + 1)[1]
    if len(words) > 1 and words[1].isdecimal() and len(words[1]) < _SHORTEST and 1 <= int(words[1]) <= last:
        on = date(year, month + 1, int(words[1]))
        return replace(asked, not_before=on, not_after=on), 2
    first = max(date(year, month + 1, 1), known.today)
    return replace(asked, not_before=first, not_after=date(year, month + 1, last)), 1


def _same(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    del known
    if words[0] != "same":
        return None
    named = len(words) > 1 and words[1] in {"clinician", "doctor", "person", "provider", "nurse"}
    return replace(asked, same_clinician=True), 2 if named else 1


def _with(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    """With Dr Imani, with tanaka."""
    if words[0] != "with":
        return None
    skipped = 1 + _titles(words[1:])
    return _persons(asked, words[skipped:], known, skipped=skipped)


def _titled(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    """Dr. Imani, nurse Kim."""
    skipped = _titles(words)
    return _persons(asked, words[skipped:], known, skipped=skipped) if skipped else None


def _bare_name(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    """Tanaka, Mei Tanaka: whole words of a name, and not what a kind of visit begins with."""
    if not _said_of(words[0]) or any(_begins_any(words[0], kind.name.lower().split()) for kind in known.kinds):
        return None
    return _persons(asked, words, known, skipped=0, whole=True)


def _titles(words: Sequence[str]) -> int:
    """How many words before a name are titles."""
    return 1 if words and words[0].rstrip(".") in _TITLES else 0


def _persons(
    asked: Asked, words: Sequence[str], known: _Known, *, skipped: int, whole: bool = False
) -> tuple[Asked, int] | None:
    """Who is called so: one person, or all who may be meant. A later name takes the place of an earlier one."""
    best: tuple[int, int] = (0, 0)
    meant: list[Called] = []
    for person in known.people:
        found = _called(words, person.name, whole=whole)
        if found[0] and found > best:
            best, meant = found, [person]
        elif found[0] and found == best:
            meant.append(person)
    if not meant:
        return None
    one = meant[0].id if len(meant) == 1 else None
    said = replace(asked, with_id=one, could_be=() if one is not None else tuple(meant), same_clinician=False)
    return said, skipped + best[0]


def _called(words: Sequence[str], name: str, *, whole: bool) -> tuple[int, int]:
    """How many of the words, from the first on, are of this name, and how many of those are written out."""
    parts = _name_words(name) - _TITLES
    used = written_out = 0
    for word in words:
        said = _said_of(word)
        is_whole = bool(said) and said <= parts
        begins = bool(said) and all(_begins_any(one, sorted(parts)) for one in said)
        if not (is_whole or (begins and not whole and len(word) >= _SHORTEST)):
            break
        used, written_out = used + 1, written_out + is_whole
    return used, written_out


def _name_words(text: str) -> set[str]:
    """The words of a name without accents and apostrophes: "O’Brien-López" is "obrien" and "lopez"."""
    apart = unicodedata.normalize("NFKD", text.lower().replace("'", "").replace("’", ""))
    return set(re.findall(r"[^\W_]+", "".join(one for one in apart if not unicodedata.combining(one))))


def _said_of(word: str) -> set[str]:
    """A typed word as names are compared, without an 's; "garcia-lópez" is two. Nothing for one that is too short."""
    said = _name_words(re.sub(r"['’]s$", "", word))
    return said if any(len(one) >= _SHORTEST for one in said) else set()


def _site(asked: Asked, words: Sequence[str], known: _Known) -> tuple[Asked, int] | None:
    if words[0] == "anywhere" or list(words[:2]) == ["any", "site"]:
        return replace(asked, any_site=True), 1 if words[0] == "anywhere" else 2
    skipped = int(words[0] == "at" and len(words) > 1)
    site, used = _named(words[skipped:], known.sites)
    return None if site is None else (replace(asked, site_id=site), skipped + used)


_STEPS: Final[Sequence[_Step]] = (
    _part_of_day, _hour, _near_day, _week, _later, _weekday, _month, _same, _with, _titled, _site, _bare_name,
)  # fmt: skip


def _beginning(word: str, names: Sequence[str]) -> int | None:
    """Which of the names begins so; None for none, or for too few letters."""
    if len(word) < _SHORTEST:
        return None
    return next((at for at, name in enumerate(names) if name.startswith(word)), None)


def _named(words: Sequence[str], called: Sequence[Called]) -> tuple[int | None, int]:
    """Whose name these words begin, as many of them as possible, and how many they are."""
    best: tuple[int | None, int] = (None, 0)
    for one in called:
        used = 0
        parts = one.name.lower().split()
        while used < len(words) and len(words[used]) >= _SHORTEST and _begins_any(words[used], parts):
            used += 1
        if used > best[1]:
            best = (one.id, used)
    return best


def _begins_any(word: str, parts: Sequence[str]) -> bool:
    return any(part.startswith(word) for part in parts)


def _kind_of_visit(asked: Asked, left: Sequence[str], known: _Known) -> Asked:
    """The kind of visit that most of the remaining words begin; the shortest name when several do."""
    hits: Mapping[int, int] = {
        kind.id: sum(_begins_any(word, kind.name.lower().split()) for word in left if word not in _FILLERS)
        for kind in known.kinds
    }
    best = min(known.kinds, key=lambda kind: (-hits[kind.id], len(kind.name), kind.id), default=None)
    if best is None or not hits[best.id]:
        return replace(asked, unknown=tuple(word for word in left if word not in _FILLERS))
    parts = best.name.lower().split()
    unknown = tuple(word for word in left if word not in _FILLERS and not _begins_any(word, parts))
    return replace(asked, visit_type_id=best.id, unknown=unknown)
