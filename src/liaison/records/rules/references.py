"""References between resources: finding them, reading them, and the keys by which targets are found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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


_OPAQUE_OR_PATIENT = re.compile(r"urn:|(?:https?://.+/)?Patient[/?]")


class Pointer(NamedTuple):
    """What a reference points at.

    `by` is `url` (a `fullUrl`, in `key`), `id` (`resource_type` and `key`), `identifier` (`resource_type`,
    `system`, `key`), `contained` (inside the same resource) or `unknown` (nothing we can look for).
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


def point(reference: str, *, own_url: str = "") -> Pointer:
    """Read a reference; `own_url` is the `fullUrl` of the resource that holds it.

    An absolute reference on the same server as `own_url` is a reference by id there.
    """
    if reference.startswith("#"):
        return Pointer("contained", reference[1:])
    if reference.startswith("urn:"):
        return Pointer("url", reference)
    if "?" in reference:
        return _conditional(reference)
    found = _LITERAL.fullmatch(reference)
    if found is None or found["type"] not in RESOURCE_TYPES:
        return Pointer("url", reference) if reference.startswith(("http://", "https://")) else Pointer("unknown")
    if found["base"] and not own_url.startswith(found["base"] + "/"):
        return Pointer("url", reference)
    return Pointer("id", found["id"], found["type"])


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
