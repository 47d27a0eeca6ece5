"""References between resources: finding them, reading them, and the keys by which targets are found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple
from urllib.parse import unquote

from liaison.records.rules.shapes import Json, items, obj, objects, text
from liaison.records.rules.vocabulary import (
    FOUND_BY_IDENTIFIER,
    PATIENT_FIELDS,
    RESOURCE_TYPES,
    USUAL_PATIENT_FIELDS,
)

_REFERENCE = re.compile(rb'"reference"\s*:\s*"((?:[^"\\]|\\.)*)"')
_LITERAL = re.compile(r"(?:(?P<base>https?://.+)/)?(?P<type>[A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/.+)?")


_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*)){5,}", re.ASCII)
_FEWEST_DIGITS = 7
"""Different digits of a UUID: of 32 drawn by lot fewer than these never come, and of those typed in they do."""
_TYPED_IN = (
    "urn:uuid:12345678-",
    "urn:uuid:01234567-89ab-",
    "urn:uuid:123e4567-e89b-12d3-a456-",
    "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "urn:oid:1.2.3.",
)
"""Those counted up, those that stand in textbooks (the last is RFC 4122's own), and an OID below no country."""

_OPAQUE_OR_PATIENT = re.compile(r"urn:|(?:https?://.+/)?Patient[/?]")


class Pointer(NamedTuple):
    """What a reference points at.

    `by` is `url` (a `fullUrl` that counts beyond its bundle, in `key`), `id` (`resource_type` and `key`),
    `identifier` (`resource_type`, `system`, `key`), `contained` (inside the same resource) or `unknown` (nothing we
    can look for).
    """

    by: Literal["url", "id", "identifier", "contained", "unknown"]
    key: str = ""
    resource_type: str = ""
    system: str = ""


def references_in(body: bytes) -> set[str]:
    """Every literal reference in a resource's bytes. FHIR R4 names nothing else `reference` that is a string."""
    found = set()
    for raw in _REFERENCE.findall(body):
        found.add(raw.decode() if b"\\" not in raw else json.loads(b'"' + raw + b'"'))
    return found


def where_is(value: object, reference: str, *, path: str = "") -> str:
    """The path of the first place in a resource that holds this reference (`subject`, `item[2].encounter[0]`)."""
    return next(_places(value, reference, path), path)


def _places(value: object, reference: str, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("reference") == reference:
            yield path
        for key, inner in value.items():
            yield from _places(inner, reference, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, reference, f"{path}[{index}]")


def address_beyond(address: str) -> str:
    """An address as it is compared with those of other bundles; "" for one that counts inside its own bundle only.

    Beyond it count the URL of a server, a UUID (RFC 4122, in any case, as it is kept in small letters) and an OID.
    A label behind `urn:uuid:`, a UUID that was typed in instead of drawn (all zeros, all the same, counted up, from
    a textbook) and a relative URL do not.
    """
    if address.startswith(("http://", "https://")):
        return address
    small = address.lower()
    if small.startswith(_TYPED_IN):
        return ""
    if _UUID.fullmatch(small):
        return small if len({*small[9:]} - {"-"}) >= _FEWEST_DIGITS else ""
    return address if _OID.fullmatch(address) else ""


def base_of(address: str) -> str:
    """The server of a RESTful address (`https://here/fhir`), "" for any other."""
    found = _LITERAL.fullmatch(address)
    return (found["base"] or "") if found else ""


_NOTHING_INSIDE: Mapping[str, str] = {}


def point(reference: str, *, own_url: str = "", inside: Mapping[str, str] = _NOTHING_INSIDE) -> Pointer:
    """Read a reference; `own_url` is the `fullUrl` of the resource that holds it.

    `inside` says what the references mean that are answered by the bundle around it. An absolute reference on the
    same server as `own_url` is a reference by id there.
    """
    if reference in inside:
        resource_type, _, key = inside[reference].partition("/")
        return Pointer("id", key, resource_type)
    if reference.startswith("#"):
        return Pointer("contained", reference[1:])
    if reference.startswith("urn:"):
        return _by_address(address_beyond(reference))
    if "?" in reference:
        return _conditional(reference)
    found = _LITERAL.fullmatch(reference)
    if found is None or found["type"] not in RESOURCE_TYPES:
        return _by_address(address_beyond(reference))
    elsewhere = found["base"] and not own_url.startswith(found["base"] + "/")
    return Pointer("url", reference) if elsewhere else Pointer("id", found["id"], found["type"])


def key_of(pointer: Pointer) -> str:
    """A pointer as text: what means the same is the same, `Patient/77` for one by id."""
    if pointer.by == "id":
        return f"{pointer.resource_type}/{pointer.key}"
    if pointer.by == "identifier":
        return f"{pointer.resource_type}?{pointer.system}|{pointer.key}"
    return pointer.key


def _by_address(beyond: str) -> Pointer:
    return Pointer("url", beyond) if beyond else Pointer("unknown")


def _conditional(reference: str) -> Pointer:
    resource_type, _, query = reference.partition("?")
    resource_type = resource_type.rpartition("/")[2]
    wanted = query.removeprefix("identifier=")
    if wanted == query or "&" in query or resource_type not in FOUND_BY_IDENTIFIER:
        return Pointer("unknown")
    system, bar, value = unquote(wanted).partition("|")
    if not bar:
        system, value = "", system
    return Pointer("identifier", value, resource_type, system) if value else Pointer("unknown")


def identifiers_of(value: Json) -> list[tuple[str, str]]:
    """The (system, value) pairs by which this resource may be pointed at; empty for types that never are."""
    if value.get("resourceType") not in FOUND_BY_IDENTIFIER:
        return []
    pairs = ((text(one.get("system")), text(one.get("value"))) for one in objects(value.get("identifier")))
    return list(dict.fromkeys(pair for pair in pairs if pair[1]))


def patient_references(value: Json) -> list[str]:
    """The references that may name the patient whom this resource is about, the likeliest first.

    The first of them whose target is a patient is the one: an opaque `urn:uuid:` does not say what it points
    at. An identifier without a reference (`subject.identifier`) is returned in its conditional form.
    """
    names = PATIENT_FIELDS.get(str(value.get("resourceType")), USUAL_PATIENT_FIELDS)
    found = []
    for name in names:
        outer, _, inner = name.partition(".")
        for holder in items(value.get(outer)):
            found += [_patient_in(obj(obj(holder).get(inner) if inner else holder))]
    return [reference for reference in found if reference]


def _patient_in(holder: Json) -> str:
    reference, stated = text(holder.get("reference")), text(holder.get("type"))
    if stated not in {"", "Patient"}:
        return ""
    if reference:
        return reference if _OPAQUE_OR_PATIENT.match(reference) else ""
    identifier = obj(holder.get("identifier"))
    value = text(identifier.get("value"))
    return f"Patient?identifier={text(identifier.get('system'))}|{value}" if value else ""
