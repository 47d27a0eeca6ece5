"""What a received Patient, Practitioner or Organization says about a person or a place. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from liaison.core.languages import shortest_tag
from liaison.records.rules.dates import EARLIEST_YEAR, LATEST_YEAR, NotADate, parse
from liaison.records.rules.shapes import Json, codes, items, obj, objects, text, words

INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
NPI = "http://hl7.org/fhir/sid/us-npi"
NAMELESS = "(no name given)"
LONGEST_NAME = 200
"""Characters of a family name, and of the given names together."""

_IDENTIFIER_KINDS = {
    "MR": "mrn",
    "MRN": "mrn",
    "SS": "ssn",
    "SB": "ssn",
    "DL": "license",
    "PPN": "passport",
    "MB": "member",
}
_NAME_KINDS = {"maiden": "maiden", "old": "former", "nickname": "alias", "anonymous": "alias"}
_USES = {"home": "home", "mobile": "mobile", "work": "work", "temp": "temporary"}
_LINES = {"phone": "phone", "sms": "phone", "email": "email", "fax": "fax"}
_SEXES = frozenset({"female", "male", "other"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifierRead:
    """What a system calls them; `kind` in the words of patients."""

    system: str
    value: str
    kind: str = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRead:
    """Another name: `kind` is former, maiden or alias."""

    kind: str
    family: str
    given: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRead:
    """One way to reach them; for an address, `value` holds the street lines."""

    kind: str
    use: str
    value: str
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRead:
    """What a Patient resource says, in the words of patients. Empty text means: it does not say."""

    family: str
    given: str
    called_as: str = ""
    birth_on: date | None = None
    sex: str = "unknown"
    is_deceased: bool = False
    deceased_on: date | None = None
    spoken_language: str = ""
    written_language: str = ""
    interpreter_needed: bool = False
    identifiers: tuple[IdentifierRead, ...] = ()
    names: tuple[NameRead, ...] = ()
    contacts: tuple[ContactRead, ...] = ()
    unused: tuple[str, ...] = ()
    """What is kept as received and not used as it is, in words for a person."""


def read_patient(resource: Json) -> PatientRead:
    """Read a Patient. A patient without any name is called "(no name given)", never refused."""
    names = list(_names(resource))
    family, given = _current_name(names)
    spoken, interpreter = _language(resource)
    deceased = resource.get("deceasedDateTime")
    sex = text(resource.get("gender"))
    return PatientRead(
        family=family,
        given=given,
        called_as=next((one.given for kind, one in names if kind == "nickname" and one.given), ""),
        birth_on=_written_day(resource.get("birthDate")),
        sex=sex if sex in _SEXES else "unknown",
        is_deceased=deceased is not None or resource.get("deceasedBoolean") is True,
        deceased_on=_written_day(deceased),
        spoken_language=spoken,
        written_language=spoken,
        interpreter_needed=interpreter,
        identifiers=tuple(_identifiers(resource)),
        names=tuple(one for kind, one in names if kind in _NAME_KINDS and kind != "nickname"),
        contacts=tuple(dict.fromkeys((*_lines(resource), *_addresses(resource)))),
        unused=tuple(_unused(resource)),
    )


def _unused(resource: Json) -> Iterator[str]:
    if any(max(len(family), len(given)) > LONGEST_NAME for _use, family, given in _written_names(resource)):
        yield f"a name is kept whole as received, and its first {LONGEST_NAME} characters are used"
    born = text(resource.get("birthDate"))
    if len(born) >= len("2021-02-20") and _written_day(born) is None:
        yield (
            "birthDate is kept as received but not used: its year lies outside "
            f"{EARLIEST_YEAR} to {LATEST_YEAR}, which no chart reads."
        )


def _written_day(value: object) -> date | None:
    """The day as it was written: the day of the place, whatever the zone. Years and months alone say no day."""
    if not isinstance(value, str) or len(value.strip()) < len("2021-02-20"):
        return None
    try:
        return date.fromisoformat(value.strip()[:10]) if parse(value) else None
    except (NotADate, ValueError):
        return None


def _names(resource: Json) -> Iterator[tuple[str, NameRead]]:
    """Each name with FHIR's `use` (`usual` when it gives none), as long as it may be here."""
    for use, family, given in _written_names(resource):
        kind = _NAME_KINDS.get(use, "alias")
        yield use, NameRead(kind=kind, family=family[:LONGEST_NAME], given=given[:LONGEST_NAME])


def _written_names(resource: Json) -> Iterator[tuple[str, str, str]]:
    """(use, family, given) of each name in its whole length."""
    for name in objects(resource.get("name")):
        use = text(name.get("use")) or "usual"
        family = text(name.get("family"))
        given = " ".join(filter(None, (text(one) for one in items(name.get("given")))))
        if not family and not given:
            given, _, family = text(name.get("text")).rpartition(" ")
        if family or given:
            yield use, family, given


def _current_name(names: list[tuple[str, NameRead]]) -> tuple[str, str]:
    order = {"official": 0, "usual": 1, "temp": 2}
    ranked = sorted(names, key=lambda pair: order.get(pair[0], 3))
    return (ranked[0][1].family, ranked[0][1].given) if ranked else (NAMELESS, "")


def _language(resource: Json) -> tuple[str, bool]:
    spoken = sorted(objects(resource.get("communication")), key=lambda one: one.get("preferred") is not True)
    found = next((code.code for one in spoken for code in codes(one.get("language"))), "")
    needed = any(
        one.get("url") == INTERPRETER and one.get("valueBoolean") is True for one in objects(resource.get("extension"))
    )
    return shortest_tag(found[:35]), needed


def _identifiers(resource: Json) -> Iterator[IdentifierRead]:
    seen = set()
    for one in objects(resource.get("identifier")):
        system, value = text(one.get("system")), text(one.get("value"))
        if not system or not value or (system, value) in seen or text(one.get("use")) == "old":
            continue
        seen.add((system, value))
        kinds = (_IDENTIFIER_KINDS[code.code] for code in codes(one.get("type")) if code.code in _IDENTIFIER_KINDS)
        yield IdentifierRead(
            system=system, value=value, kind=next(kinds, "ssn" if system.endswith("us-ssn") else "other")
        )


def _lines(resource: Json) -> Iterator[ContactRead]:
    for one in sorted(objects(resource.get("telecom")), key=_rank):
        kind, value, use = _LINES.get(text(one.get("system"))), text(one.get("value")), text(one.get("use"))
        if kind and value and use != "old":
            yield ContactRead(kind=kind, use=_USES.get(use, "home"), value=value)


def _rank(line: Json) -> int:
    rank = line.get("rank")
    return rank if isinstance(rank, int) else 99


def _addresses(resource: Json) -> Iterator[ContactRead]:
    for one in objects(resource.get("address")):
        use = text(one.get("use"))
        lines = ", ".join(filter(None, (text(line) for line in items(one.get("line")))))
        value = lines or text(one.get("text"))
        if use in {"old", "billing"} or not (value or text(one.get("city"))):
            continue
        country = text(one.get("country"))
        yield ContactRead(
            kind="address",
            use=_USES.get(use, "home"),
            value=value or text(one.get("city")),
            city=text(one.get("city"))[:80],
            state=text(one.get("state"))[:40],
            postal_code=text(one.get("postalCode"))[:20],
            country=country if len(country) == 2 else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PractitionerRead:
    """What a Practitioner says."""

    name: str
    npi: str
    phone: str
    identifiers: tuple[IdentifierRead, ...]


def read_practitioner(resource: Json) -> PractitionerRead:
    """Read a Practitioner; the NPI only when it is one (ten digits)."""
    identifiers = tuple(_identifiers(resource))
    return PractitionerRead(
        name=_spoken_name(resource) or NAMELESS, npi=_npi(identifiers), phone=_phone(resource), identifiers=identifiers
    )


def _spoken_name(resource: Json) -> str:
    for name in objects(resource.get("name")):
        parts = (*items(name.get("prefix"))[:1], *items(name.get("given")), name.get("family"))
        if said := " ".join(filter(None, (text(part) for part in parts))) or text(name.get("text")):
            return said.replace("Dr. ", "Dr ")[:160]
    return ""


def _npi(identifiers: tuple[IdentifierRead, ...]) -> str:
    found = (one.value for one in identifiers if one.system == NPI)
    return next((value for value in found if len(value) == 10 and value.isdecimal()), "")


def _phone(resource: Json) -> str:
    return next((line.value for line in _lines(resource) if line.kind == "phone"), "")[:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationRead:
    """What an Organization says; `kind` in the words of the directory."""

    name: str
    kind: str
    npi: str
    phone: str
    address: str
    identifiers: tuple[IdentifierRead, ...]


def read_organization(resource: Json) -> OrganizationRead:
    """Read an Organization. Hospital and clinic are told apart by its type, else by its name."""
    identifiers = tuple(_identifiers(resource))
    name = text(resource.get("name")) or NAMELESS
    where = next(_addresses(resource), None)
    return OrganizationRead(
        name=name[:200],
        kind=_organization_kind(resource, name=name),
        npi=_npi(identifiers),
        phone=_phone(resource),
        address=", ".join(filter(None, (where.value, where.city, where.state, where.postal_code))) if where else "",
        identifiers=identifiers,
    )


def _organization_kind(resource: Json, *, name: str) -> str:
    types = [code.code for one in items(resource.get("type")) for code in codes(one)]
    if {"pay", "ins"} & set(types):
        return "payer"
    if {"cg", "reli", "edu"} & set(types):
        return "community"
    said = " ".join((name, *(words(obj(one)) for one in items(resource.get("type"))))).lower()
    return "hospital" if any(word in said for word in ("hospital", "medical center", "infirmary")) else "clinic"
