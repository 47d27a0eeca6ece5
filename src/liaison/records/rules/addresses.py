"""Addresses of resources: which mean the same everywhere, and which only inside the bundle that gives them.

A `fullUrl` is to be unique in the world (FHIR R4, Bundle), but bundles that people write by hand say `urn:uuid:pt`:
a label, and another bundle has the same one for somebody else. So a label is looked for in its own bundle alone
(R4, "Resolving references in Bundles"), and makes nobody who they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from liaison.records.rules.references import address_beyond, base_of, references_in
from liaison.records.rules.shapes import obj, objects, text
from liaison.records.rules.vocabulary import FHIR_ID, RESOURCE_TYPES

_STEPS = 3
"""How far an entry is told from its twin by what it points at: a result, its visit, the patient, and one more."""

_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a bundle adds to one of its entries.

    `identity` is what the entry is known by when neither an id nor an address says it, "" for its content alone;
    `inside` says for each reference that its bundle answers what it means there (`Patient/77`).
    """

    identity: str = ""
    inside: Mapping[str, str] = field(default_factory=dict)


ALONE = Around()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A bundle as its entries see it: what each address in it means, and what is around each entry, by its number."""

    addresses: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[int, Around] = field(default_factory=dict)

    def of(self, number: int) -> Around:
        """What is around this entry."""
        return self.entries.get(number, ALONE)


NO_BUNDLE = Surroundings()


def identity_in(address: str) -> str:
    """The UUID or OID that an address gives, which nothing else in the world has; "" for any other address."""
    kept = address_beyond(address)
    found = kept.rpartition(":")[2] if kept.startswith("urn:") else ""
    return found if FHIR_ID.fullmatch(found) else ""


def content_key(body: bytes | msgspec.Raw) -> str:
    """The SHA-256 of JSON without white space, in hex: what a resource is known by that says no more of itself."""
    return hashlib.sha256(msgspec.json.format(bytes(body), indent=-1)).hexdigest()


class _Resource(msgspec.Struct):
    resourceType: str = ""  # noqa: N815  FHIR's own name
    id: msgspec.Raw = msgspec.Raw()


class _Entry(msgspec.Struct):
    fullUrl: str | None = None  # noqa: N815  FHIR's own name
    resource: msgspec.Raw = msgspec.Raw()


@dataclass(slots=True, kw_only=True)
class _Seen:
    """An entry as the others point at it; `known` is its own id or that of its address, "" when it has none."""

    full_url: str
    resource_type: str
    known: str
    body: bytes
    identity: str = ""
    links: dict[str, _Seen | str] = field(default_factory=dict)
    mark: str = ""

    @property
    def meaning(self) -> str:
        """`Patient/77`, as a reference by id says it."""
        return f"{self.resource_type}/{self.known or self.identity or content_key(self.body)}"


def surroundings(entries: Sequence[msgspec.Raw], *, outer: Mapping[str, str]) -> Surroundings:
    """What the entries of a bundle are to each other; `outer` holds the addresses of the bundles around it.

    An address that two different entries bear means nothing. What can't be read is left out: it is refused where it
    is taken in. A bundle whose entries are all known by themselves is passed over.
    """
    seen = {number: one for number, raw in enumerate(entries) if (one := _seen(raw)) is not None}
    if not outer and all(one.known and (not one.full_url or address_beyond(one.full_url)) for one in seen.values()):
        return NO_BUNDLE
    seen = {number: one for number, one in seen.items() if _is_sound(one)}
    answers = _answers(seen.values())
    for one in seen.values():
        _link(one, answers, outer)
    _tell_apart(list(seen.values()))
    meanings = {url: one.meaning for url, one in answers.items()}
    return Surroundings(
        addresses={**outer, **meanings},
        entries={
            number: Around(
                identity=one.identity,
                inside={said: to.meaning if isinstance(to, _Seen) else to for said, to in one.links.items()},
            )
            for number, one in seen.items()
        },
    )


def _seen(raw: msgspec.Raw) -> _Seen | None:
    try:
        entry = msgspec.json.decode(raw, type=_Entry)
        head = msgspec.json.decode(entry.resource, type=_Resource)
        given = msgspec.json.decode(head.id) if bytes(head.id) else None
        if head.resourceType not in RESOURCE_TYPES:
            return None
    except _BROKEN:
        return None
    full_url = entry.fullUrl or ""
    known = given if isinstance(given, str) else identity_in(full_url)
    return _Seen(full_url=full_url, resource_type=head.resourceType, known=known, body=bytes(entry.resource))


def _is_sound(one: _Seen) -> bool:
    try:
        msgspec.json.decode(one.body)
    except _BROKEN:
        return False
    return True


def _answers(seen: Iterable[_Seen]) -> dict[str, _Seen]:
    """The entry behind each address of the bundle."""
    found: dict[str, _Seen] = {}
    twice = set()
    for one in seen:
        if one.full_url:
            first = found.setdefault(one.full_url, one)
            if first is not one and first.meaning != one.meaning:
                twice.add(one.full_url)
    return {url: one for url, one in found.items() if url not in twice}


def _link(one: _Seen, answers: Mapping[str, _Seen], outer: Mapping[str, str]) -> None:
    """Note which references of an entry its bundle answers: as they stand, else on the server of its own address."""
    base = base_of(one.full_url)
    for reference in references_in(one.body):
        for said in (reference, f"{base}/{reference}"):
            to = answers.get(said) or outer.get(said)
            if to is not None:
                one.links[reference] = to
                break


def _tell_apart(seen: Sequence[_Seen]) -> None:
    """Give entries that are known by their content alone an identity that holds what they point at.

    The same normal result, word for word, of `urn:uuid:pt` in one bundle and of `urn:uuid:pt` in another is two
    results. What is pointed at counts by its identifiers where it has some, so that a patient's new telephone makes
    no result a new one.
    """
    starts = [_start(one) for one in seen]
    for one, start in zip(seen, starts, strict=True):
        one.mark = start
    for _ in range(_STEPS):
        marks = [
            start if one.known or not one.links else _with_links(start, one)
            for one, start in zip(seen, starts, strict=True)
        ]
        for one, mark in zip(seen, marks, strict=True):
            one.mark = mark
    for one in seen:
        if not one.known:
            content = content_key(one.body)
            one.identity = _with_links(content, one) if one.links else content


def _start(one: _Seen) -> str:
    if one.known:
        return f"{one.resource_type}/{one.known}"
    said = objects(obj(msgspec.json.decode(one.body)).get("identifier"))
    names = sorted({(text(name.get("system")), text(name.get("value"))) for name in said})
    return repr((one.resource_type, names)) if names else content_key(one.body)


def _with_links(start: str, one: _Seen) -> str:
    links = sorted((said, to.mark if isinstance(to, _Seen) else to) for said, to in one.links.items())
    return hashlib.sha256(repr((start, links)).encode("utf-8", "surrogatepass")).hexdigest()
