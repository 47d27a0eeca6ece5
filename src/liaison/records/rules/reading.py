"""Reading files of FHIR R4: bundles, plain resources, NDJSON; gzip or not. Nothing raises but `Unreadable`.

A document is read into memory once (a 200 MB bundle needs about that much); NDJSON is read line by line.
What a file is, is told by its first bytes and never by its name.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from liaison.records.rules.addresses import ALONE, Around, surroundings
from liaison.records.rules.halves import HALF_A_CHARACTER, Marked, marked_halves
from liaison.records.rules.intake import (
    Note,
    Received,
    Refused,
    Reject,
    check_part,
    decode,
    parts_of,
    receive,
    why_not_json,
)
from liaison.records.rules.vocabulary import UNPACKED_BUNDLES, WHOLE_BUNDLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most bytes, after unpacking, of one bundle and of one line. NDJSON as a whole has no limit."""

    document: int = 1 << 30
    line: int = 64 << 20


LIMITS = Limits()
MOST_BUNDLES_AROUND = 8
"""How deep bundles may lie inside bundles: each is read once more for every one around it."""

_CHUNK = 1 << 20
_MOST_BLANK = 16 << 20
_SOME_BLANK = 1 << 10
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_OTHER_FILES = (
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"%PDF", "a PDF document, not FHIR JSON"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "compressed with xz: unpack it first"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8"),
    (b"<", "XML or HTML: FHIR is read as JSON"),
    (b"MSH|", "an HL7 v2 message, not FHIR JSON"),
    (b"[", "a list, not a FHIR resource: use a Bundle or NDJSON"),
)


class Unreadable(Exception):
    """The file as a whole can't be taken in; the message says why, `path` where."""

    def __init__(self, reason: str, *, path: str = "$") -> None:
        super().__init__(reason)
        self.path = path


def name_of(path: Path) -> str:
    """The path as text that can be kept and shown: what is not UTF-8 in it becomes the replacement character."""
    return os.fsencode(path).decode("utf-8", "replace")


def fingerprint(path: Path) -> str:
    """SHA-256 of the file as it lies there, in hex. Raises Unreadable."""
    try:
        with _opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise Unreadable(f"can't be opened: {problem.strerror}") from None


def read(path: Path, *, limits: Limits = LIMITS) -> Iterator[Received | Reject | Note]:
    """Everything in one file, patients of a bundle first. Raises Unreadable when it can't be read to its end."""
    try:
        with _opened(path) as file:
            yield from _read(_unpacked(file), name=name_of(path), limits=limits)
    except EOFError:
        raise Unreadable("the gzip file ends too early: it was cut off on its way") from None
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise Unreadable(f"damaged gzip file: {problem}") from None
    except OSError as problem:
        raise Unreadable(f"can't be read: {problem.strerror or problem}") from None


def _opened(path: Path) -> io.BufferedReader:
    """Open a file for reading. What is none is refused; for a pipe one would wait without end."""
    if path.is_symlink() and not path.exists():
        raise Unreadable("a link to something that is not there")
    if path.is_dir():
        linked, bare = "a link to a folder: name the folder itself", "a folder without files, or one that can't be read"
        raise Unreadable(linked if path.is_symlink() else bare)
    if path.exists() and not path.is_file():
        raise Unreadable("not a regular file: a pipe, a socket or a device")
    return path.open("rb")


def _unpacked(file: io.BufferedReader) -> io.BufferedReader:
    start = file.read(2)
    file.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=file), _CHUNK) if start == _GZIP else file


def _read(stream: io.BufferedReader, *, name: str, limits: Limits) -> Iterator[Received | Reject | Note]:
    lines = _is_ndjson(stream, limits)
    stream.seek(0)
    if lines:
        yield from _lines(stream, name=name, limits=limits)
    else:
        yield from _document(_whole(stream, limits), name=name, path="")


def _is_ndjson(stream: io.BufferedReader, limits: Limits) -> bool:
    """Whether each line is JSON of its own: the first one is whole (or broken, and another begins after it)."""
    first = _first_line(stream, limits)
    whole = len(first) <= limits.line and first.endswith(b"}")
    second = _next_line(stream, limits) if whole else b""
    return bool(second) and (_is_json(first) or second.startswith(b"{"))


def _first_line(stream: io.BufferedReader, limits: Limits) -> bytes:
    start = stream.read(8)
    if not start:
        raise Unreadable("the file is empty")
    stream.seek(0)
    bare = start.removeprefix(_BOM)
    for magic, what in _OTHER_FILES:
        if bare.lstrip().startswith(magic):
            raise Unreadable(what)
    first = _next_line(stream, limits)
    if not first:
        raise Unreadable("the file holds nothing but blank space")
    if not first.startswith(b"{"):
        raise Unreadable("not a JSON object")
    return first


def _next_line(stream: io.BufferedReader, limits: Limits) -> bytes:
    """The next line that is not blank, without the space around it, as far as a line may go; empty at the end."""
    return next((line.strip() for _, line in _filled(stream, limits)), b"")


def _filled(stream: io.BufferedReader, limits: Limits) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, as far as a line may go, with their numbers from 1.

    Of blank space one stretch of 16 MB is passed over, in chunks. Raises Unreadable for more: nobody meant it, and
    packed it would cost next to nothing to send and hours to read.
    """
    number, blank = 1, 0
    while line := stream.readline(limits.line + 1):
        bare = line.removeprefix(_BOM)
        is_blank = not bare or bare.isspace()
        if not is_blank:
            yield number, bare
        number += line.endswith(b"\n")
        blank = blank + len(line) if is_blank else 0
        while blank > _SOME_BLANK and (passed := _blank_ahead(stream)):
            number += stream.read(len(passed)).count(b"\n")
            blank += len(passed)
            _refuse_if_too_blank(blank, number=number)
        _refuse_if_too_blank(blank, number=number)


def _blank_ahead(stream: io.BufferedReader) -> bytes:
    """The whole blank lines that the buffer holds next."""
    ahead = stream.peek()
    start = ahead[: len(ahead) - len(ahead.lstrip())]
    return start[: start.rfind(b"\n") + 1]


def _refuse_if_too_blank(blank: int, *, number: int) -> None:
    if blank > _MOST_BLANK:
        raise Unreadable(f"more than {_MOST_BLANK >> 20} MB of blank space", path=f"line {number}")


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except _BROKEN:
        return False
    return True


def _whole(stream: io.BufferedReader, limits: Limits) -> bytearray:
    data = bytearray()
    while chunk := stream.read(_CHUNK):
        data += chunk
        if len(data) > limits.document:
            raise Unreadable(f"larger than {limits.document >> 20} MB unpacked: split it, or use NDJSON")
    if data.startswith(_BOM):
        del data[: len(_BOM)]
    return data


def _lines(stream: io.BufferedReader, *, name: str, limits: Limits) -> Iterator[Received | Reject | Note]:
    for number, line in _filled(stream, limits):
        if len(line) > limits.line:
            raise Unreadable(f"a line longer than {limits.line >> 20} MB", path=f"line {number}")
        yield from _one_line(line.strip(), name=name, path=f"line {number}")


def _one_line(line: bytes, *, name: str, path: str) -> Iterator[Received | Reject | Note]:
    try:
        yield from _document(line, name=name, path=path)
    except Unreadable as problem:
        yield Reject(file=name, path=path, reason=str(problem))


class _Head(msgspec.Struct):
    """Just enough of a resource to know what it is."""

    resourceType: msgspec.Raw = msgspec.Raw()  # noqa: N815  FHIR's own name


class _Request(msgspec.Struct):
    method: str | None = None
    url: str | None = None


class _Entry(msgspec.Struct):
    fullUrl: str | None = None  # noqa: N815  FHIR's own name
    resource: msgspec.Raw = msgspec.Raw()
    request: _Request | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a resource stands: its address, what its bundle says of it, and the addresses of the bundles around."""

    full_url: str = ""
    around: Around = ALONE
    addresses: Mapping[str, str] = field(default_factory=dict)


_NOWHERE = _Place()


class _Bundle(msgspec.Struct):
    type: str | None = None
    id: msgspec.Raw = msgspec.Raw()
    entry: list[msgspec.Raw] | None = None


def _document(data: bytes | bytearray, *, name: str, path: str) -> Iterator[Received | Reject | Note]:
    """One JSON document: a resource, or a bundle with its entries. Raises Unreadable when it is no JSON.

    Of a bundle whose entries come in one by one, only those are refused that hold half of a character.
    """
    try:
        kind, marked = _type_of(data), None
    except Unreadable:
        marked = marked_halves(data)
        if marked is None or _type_of(marked.data) != b'"Bundle"' or _decoded(marked.data).type not in UNPACKED_BUNDLES:
            raise
        kind, data = b'"Bundle"', marked.data
    if kind == b'"Bundle"':
        yield from _bundle(data, name=name, path=path, marked=marked)
    else:
        yield from _taken(data, name=name, path=path or "$", place=_NOWHERE, inside=path)


def _decoded(data: bytes | bytearray | msgspec.Raw) -> _Bundle:
    try:
        return msgspec.json.decode(data, type=_Bundle)
    except _BROKEN as problem:
        raise Unreadable(f"not a FHIR bundle: {problem}") from None


def _bundle(
    data: bytes | bytearray | msgspec.Raw,
    *,
    name: str,
    path: str,
    marked: Marked | None,
    place: _Place = _NOWHERE,
    depth: int = 0,
) -> Iterator[Received | Reject | Note]:
    """A bundle, whole or its entries; `depth` bundles stand around it.

    One inside another that has an id of its own is kept whole besides.

    Raises Unreadable for one that is neither.
    """
    bundle = _decoded(data)
    try:
        _check_around(data, beside="entry", marked=marked)
    except Refused as problem:
        yield _rejected(problem, name=name, path=path or "$", inside=path)
        return
    if bundle.type in WHOLE_BUNDLES:
        yield from _taken(data, name=name, path=path or "$", place=place, inside=path)
        yield Note(file=name, path=path or "$", text=f"a {bundle.type} bundle is kept whole, as one resource")
    elif bundle.type in UNPACKED_BUNDLES:
        if depth and bytes(bundle.id) not in {b"", b"null"}:  # others may refer to it
            yield from _taken(data, name=name, path=path, place=place, inside=path)
        prefix = f"{path}{'.' if depth else ': '}" if path else ""
        yield from _entries(bundle, name=name, prefix=prefix, marked=marked, outer=place.addresses, depth=depth)
    else:
        raise Unreadable(f"unknown bundle type {bundle.type!r}")


def _check_around(data: bytes | bytearray | msgspec.Raw, *, beside: str, marked: Marked | None) -> None:
    """Check a bundle's or an entry's parts but for what stands under `beside`. Raises Refused, saying where."""
    for part, value in parts_of(data).items():
        if part == beside:
            continue
        if marked is not None and (chr(marked.code) in part or marked.within(bytes(value))):
            raise Refused(HALF_A_CHARACTER, where=part[:60].replace(chr(marked.code), "\ufffd"))
        check_part(part, value)


def _type_of(data: bytes | bytearray | msgspec.Raw) -> bytes:
    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.ValidationError:
        raise Unreadable("not a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Unreadable(why_not_json(problem, body=data)) from None
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    return bytes(head.resourceType)


def _entries(
    bundle: _Bundle, *, name: str, prefix: str, marked: Marked | None, outer: Mapping[str, str], depth: int
) -> Iterator[Received | Reject | Note]:
    """The entries, patients first: what follows can then be linked as it is stored."""
    later: list[tuple[str, _Entry, bytes, _Place]] = []
    beside = surroundings(bundle.entry or (), outer=outer)
    for index, raw in enumerate(bundle.entry or ()):
        path = f"{prefix}entry[{index}]"
        try:
            entry = msgspec.json.decode(raw, type=_Entry)
            _check_around(raw, beside="resource", marked=marked)
        except _BROKEN as problem:
            yield Reject(file=name, path=path, reason=f"not a bundle entry: {problem}")
            continue
        except Refused as problem:
            yield _rejected(problem, name=name, path=path, inside=path)
            continue
        place = _Place(full_url=entry.fullUrl or "", around=beside.of(index), addresses=beside.addresses)
        if marked is not None and marked.within(bytes(entry.resource)):
            yield Reject(file=name, path=f"{path}.resource", reason=HALF_A_CHARACTER)
        elif bytes(entry.resource) in {b"", b"null"}:
            yield _without_resource(entry, name=name, path=path)
        elif (kind := _kind_of(entry.resource)) == b'"Patient"':
            yield from _from_entry(entry, name=name, path=path, place=place)
        else:
            later.append((path, entry, kind, place))
    for path, entry, kind, place in later:
        if kind == b'"Bundle"':
            yield from _inner_bundle(entry, name=name, path=f"{path}.resource", place=place, depth=depth + 1)
        else:
            yield from _from_entry(entry, name=name, path=path, place=place)


def _inner_bundle(
    entry: _Entry, *, name: str, path: str, place: _Place, depth: int
) -> Iterator[Received | Reject | Note]:
    """A bundle inside another, read like the outer one; what it can't be read for stops nothing beside it."""
    try:
        if depth > MOST_BUNDLES_AROUND:
            raise Unreadable(f"a bundle inside more than {MOST_BUNDLES_AROUND} others")
        yield from _bundle(entry.resource, name=name, path=path, marked=None, place=place, depth=depth)
    except Unreadable as problem:
        yield Reject(file=name, path=path, reason=str(problem))


def _kind_of(resource: msgspec.Raw) -> bytes:
    """The type of a resource as it stands there, in quotes; empty for what is none."""
    try:
        return _type_of(resource)
    except Unreadable:
        return b""


def _without_resource(entry: _Entry, *, name: str, path: str) -> Reject | Note:
    method = entry.request.method if entry.request else None
    if method:
        return Note(
            file=name, path=path, text=f"a {method} request without a resource; nothing to keep, not carried out"
        )
    return Reject(file=name, path=path, reason="an entry without a resource")


def _from_entry(entry: _Entry, *, name: str, path: str, place: _Place) -> Iterator[Received | Reject | Note]:
    inside = f"{path}.resource"
    yield from _taken(entry.resource, name=name, path=inside, place=place, inside=inside)


def _taken(
    raw: msgspec.Raw | bytes | bytearray, *, name: str, path: str, place: _Place, inside: str
) -> Iterator[Received | Reject | Note]:
    """One resource, or why it was not taken in."""
    try:
        yield receive(bytes(raw), path=path, full_url=place.full_url, around=place.around)
    except Refused as problem:
        yield _rejected(problem, name=name, path=path, inside=inside)


def _rejected(problem: Refused, *, name: str, path: str, inside: str) -> Reject:
    where = f"{inside}.{problem.where}" if inside and problem.where else problem.where or path
    return Reject(file=name, path=where, reason=str(problem))


__all__ = ["Note", "Received", "Reject", "Unreadable", "decode", "fingerprint", "name_of", "read"]
