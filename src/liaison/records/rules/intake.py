"""One received resource: what must be true of it before it is kept, and what is said when it is not."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import msgspec

from liaison.records.rules.addresses import ALONE, Around, content_key, identity_in
from liaison.records.rules.dates import impossible_date
from liaison.records.rules.halves import HALF_A_CHARACTER
from liaison.records.rules.references import Pointer, address_beyond, point
from liaison.records.rules.shapes import Json
from liaison.records.rules.vocabulary import FHIR_ID, RESOURCE_TYPES

LONGEST_NUMBER = 400
"""Characters of one number; PostgreSQL keeps far longer ones, no measurement has them."""

LARGEST_EXPONENT = 400

LONGEST_URL = 2_000
"""Characters of a `fullUrl`; it stands in an index, and the URLs of servers are far shorter."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL character as JSON writes it, not one that is only spelt out after an escaped backslash."""

_HALF = re.compile(rb"(?<!\\)(?:\\\\)*\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
"""The first half of a character that JSON writes in two, without its second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A resource on its way in. `body` holds its bytes as they came, `value` the same read.

    `path` says where in the file it stood (`entry[3].resource`, `line 12`, `$` for the whole file). `full_url` is
    the address that others may know it by, "" for none or for one that counts in its bundle only; `inside` says what
    the references mean that its bundle answers.
    """

    path: str
    resource_type: str
    fhir_id: str
    full_url: str
    body: bytes
    value: Json
    inside: Mapping[str, str] = field(default_factory=dict)

    def pointer(self, reference: str) -> Pointer:
        """What a reference in this resource points at."""
        return point(reference, own_url=self.full_url, inside=self.inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Something that was not taken in: which file, where in it, and why, in words for a person."""

    file: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something worth knowing about what was taken in, or passed over because it was no data."""

    file: str
    path: str
    text: str


class Refused(ValueError):
    """This resource can't be kept; the message says why and `where` the trouble is inside it."""

    def __init__(self, reason: str, *, where: str = "") -> None:
        super().__init__(reason)
        self.where = where


def _number(digits: str) -> Decimal:
    """Raises ValueError for a number that no measurement has and no database column holds."""
    with contextlib.suppress(InvalidOperation):
        value = Decimal(digits)
        if len(digits) <= LONGEST_NUMBER and abs(value.adjusted()) <= LARGEST_EXPONENT:
            return value
    raise ValueError(f"the number {digits[:20]}… is too long to be a measurement")


_TOO_DEEP = "nested too deeply to be read: nothing clinical has hundreds of levels"

_decoder = msgspec.json.Decoder(float_hook=_number)


def decode(body: bytes | bytearray | memoryview | msgspec.Raw) -> object:
    """Read JSON with lossless decimals. Raises Refused with the reason."""
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as problem:
        raise Refused(str(problem)) from None
    except msgspec.DecodeError as problem:
        raise Refused(why_not_json(problem, body=body)) from None
    except UnicodeDecodeError:
        raise Refused("not valid UTF-8 text") from None
    except RecursionError:
        raise Refused(_TOO_DEEP) from None


class _GivenTwice(Exception):
    """A key stands twice in one object."""


def _once(pairs: list[tuple[str, object]]) -> None:
    if len(dict.fromkeys(key for key, _value in pairs)) < len(pairs):
        keys = [key for key, _value in pairs]
        raise _GivenTwice(next(key for key in keys if keys.count(key) > 1))


def key_given_twice(body: bytes) -> str:
    """The first key that some object of this JSON gives twice, "" for none; `body` was decoded before.

    Raises Refused for a few levels fewer than `decode` does: this reader's own calls count among them.
    """
    try:
        json.loads(body, object_pairs_hook=_once, parse_int=len, parse_float=len)
    except _GivenTwice as found:
        return str(found)
    except RecursionError:
        raise Refused(_TOO_DEEP) from None
    return ""


class _Key:
    """A key of an object, equal to no other: a dict of them keeps those that stand twice."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


_keys = msgspec.json.Decoder(dict[_Key, msgspec.Raw], dec_hook=lambda kind, name: kind(name))


def parts_of(body: bytes | bytearray | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """An object's own keys with their values as they were written; `body` was decoded as an object before.

    Raises Refused for a key that it gives twice. What the values hold is passed over: that costs little for a large
    bundle.
    """
    parts: dict[str, msgspec.Raw] = {}
    for key, value in _keys.decode(body).items():
        if key.name in parts:
            raise _refused_twice(key.name)
        parts[key.name] = value
    return parts


def check_part(name: str, value: msgspec.Raw) -> None:
    """Check what stands around resources, which nobody reads: as in a resource, no key stands twice in one object.

    Raises Refused, with the part's name as its place.
    """
    body = bytes(value)
    try:
        twice = key_given_twice(body) if body.startswith((b"{", b"[")) else ""
    except Refused as problem:
        raise Refused(str(problem), where=name[:60]) from None
    if twice:
        raise Refused(str(_refused_twice(twice)), where=name[:60])


def _refused_twice(key: str) -> Refused:
    """The refusal of a key that stands twice in one object."""
    return Refused(f"gives {key[:60]!r} twice in one object: only one of the values could be kept", where=key[:60])


def why_not_json(problem: Exception, *, body: bytes | bytearray | memoryview | msgspec.Raw) -> str:
    """What is wrong with this JSON, in words for a person: half of a character is told from other damage."""
    if _is_half_a_character(bytes(body), said=str(problem)):
        return HALF_A_CHARACTER
    return f"not valid JSON: {problem}"


def _is_half_a_character(body: bytes, *, said: str) -> bool:
    """Whether that is what the decoder stumbled over: it calls one before a quotation mark the end of the file."""
    return "surrogate" in said or (body.rstrip().endswith(b"}") and _HALF.search(body) is not None)


def receive(body: bytes, *, path: str, full_url: str = "", around: Around = ALONE) -> Received:
    """Check one resource and take it in. Raises Refused.

    Refused are: what is no JSON object, an unknown or missing `resourceType`, an `id` outside FHIR's syntax, a
    NUL character (no database text holds one), a key that one object gives twice, a date the chart would read that
    can't be (year 0000, 30 February), and a `fullUrl` with a NUL or of more than 2,000 characters. Everything else is
    kept as it came, whatever its shape. A resource without an id is known by the UUID or OID of its `fullUrl`, else
    by what its bundle says of it, else by the SHA-256 of its bytes, so that it is found again when it comes again.
    """
    value = decode(body)
    if not isinstance(value, dict):
        raise Refused("not a JSON object")
    twice = key_given_twice(body)
    if twice:
        raise _refused_twice(twice)
    if b"\\u0000" in body and _NUL.search(body):
        raise Refused("holds a NUL character")
    if "\0" in full_url:
        raise Refused("its fullUrl holds a NUL character")
    if len(full_url) > LONGEST_URL:
        raise Refused(f"its fullUrl has {len(full_url):,} characters, and {LONGEST_URL:,} are the most")
    resource_type = value.get("resourceType")
    if resource_type is None:
        raise Refused("no resourceType: this is not a FHIR resource")
    if not isinstance(resource_type, str) or resource_type not in RESOURCE_TYPES:
        raise Refused(f"unknown resource type {str(resource_type)[:60]!r}", where="resourceType")
    impossible = impossible_date(value)
    if impossible is not None:
        raise Refused(impossible[1], where=impossible[0])
    return Received(
        path=path,
        resource_type=resource_type,
        fhir_id=_identity(value.get("id"), full_url=full_url, body=body, around=around),
        full_url=address_beyond(full_url),
        body=body,
        value=value,
        inside=around.inside,
    )


def _identity(given: object, *, full_url: str, body: bytes, around: Around) -> str:
    if given is None:
        return identity_in(full_url) or around.identity or content_key(body)
    if not isinstance(given, str) or not FHIR_ID.fullmatch(given):
        raise Refused(f"the id {str(given)[:70]!r} is not a FHIR id (1–64 of letters, digits, - and .)", where="id")
    return given
