"""The sets of rows that an import reads and writes, as few statements as possible. Only actions use this."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from liaison.core.keys import hold_key
from liaison.records.rules.facts import FactRow
from liaison.records.rules.headlines import Headline
from liaison.records.rules.references import Pointer


class Kept(NamedTuple):
    """A resource that is kept already."""

    pk: int
    digest: uuid.UUID
    version: int
    source_id: int
    patient_id: int | None


class Target(NamedTuple):
    """What a reference points at."""

    pk: int
    resource_type: str
    patient_id: int | None

    @property
    def patient(self) -> int | None:
        """The patient, when the target is one."""
        return self.patient_id if self.resource_type == "Patient" else None


class ResourceRow(NamedTuple):
    """A row of the resource table, without its id."""

    system: str
    resource_type: str
    fhir_id: str
    full_url: str
    version: int
    body: str
    digest: uuid.UUID
    source_id: int
    received_at: datetime
    patient_id: int | None
    headline: Headline


def one_import_at_a_time() -> None:
    """Wait until no other import is storing; held until the transaction ends."""
    hold_key("importing records")


def find_kept(keys: Sequence[tuple[str, str]], *, system: str) -> dict[tuple[str, str], Kept]:
    """Which of these (type, id) are kept already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.resource_type, wanted.fhir_id, r.id, r.digest, r.version, r.source_id, r.patient_id
            FROM unnest(%s::text[], %s::text[]) AS wanted (resource_type, fhir_id)
            CROSS JOIN LATERAL (
                SELECT * FROM records_resource r
                WHERE r.system = %s AND r.resource_type = wanted.resource_type AND r.fhir_id = wanted.fhir_id
                LIMIT 1
            ) r
            """,  # LIMIT keeps the planner on the unique index, also while there are no statistics yet
            [[key[0] for key in keys], [key[1] for key in keys], system],
        )
        return {(row[0], row[1]): Kept(*row[2:]) for row in cursor.fetchall()}


def new_ids(count: int) -> list[int]:
    """Ids for this many new resources."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('records_resource', 'id')) FROM generate_series(1, %s)", [count]
        )
        return [row[0] for row in cursor.fetchall()]


def copy_rows(table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Stream rows into a table; nothing is sent when there are none."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        copy.write_row(first)
        for row in rows:
            copy.write_row(row)


StoreRows = Callable[[Iterable[tuple[int, ResourceRow]]], None]


def add_resources(rows: Iterable[tuple[int, ResourceRow]]) -> None:
    """Store new resources under the given ids. Lazy rows are made while the server stores those before."""
    copy_rows(
        "records_resource",
        "id, system, resource_type, fhir_id, full_url, version, body, digest, source_id, received_at, patient_id, "
        "kind, at, date_only, title, detail, status",
        ((pk, *row[:10], *row.headline) for pk, row in rows),
    )


def add_facts(facts: Iterable[tuple[int, int, FactRow]]) -> None:
    """Store facts, each with its patient and its resource."""
    copy_rows(
        "records_fact",
        "patient_id, resource_id, kind, status, code_system, code, starts_at, ends_at, value_number, value_text, "
        'unit, "first"',
        ((patient, resource, *fact) for patient, resource, fact in facts),
    )


def add_identifiers(rows: Iterable[tuple[int, str, str, str]]) -> None:
    """Store (resource, type, system, value) of what conditional references may look for."""
    copy_rows("records_resourceidentifier", "resource_id, resource_type, system, value", rows)


def find_targets(pointers: Iterable[Pointer], *, system: str) -> dict[Pointer, Target]:
    """What these pointers point at; an identifier that several resources bear points at nothing."""
    by: dict[str, list[Pointer]] = {"url": [], "id": [], "identifier": []}
    for pointer in dict.fromkeys(pointers):
        if pointer.by in by:
            by[pointer.by].append(pointer)
    found = _by_url(by["url"]) if by["url"] else {}
    if by["id"]:
        found |= _by_id(by["id"], system=system)
    if by["identifier"]:
        found |= _by_identifier(by["identifier"])
    return found


def _by_url(pointers: list[Pointer]) -> dict[Pointer, Target]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (full_url) full_url, id, resource_type, patient_id FROM records_resource
            WHERE full_url = ANY(%s) AND full_url <> '' ORDER BY full_url, id
            """,
            [[pointer.key for pointer in pointers]],
        )
        rows = {row[0]: Target(*row[1:]) for row in cursor.fetchall()}
    return {pointer: rows[pointer.key] for pointer in pointers if pointer.key in rows}


def _by_id(pointers: list[Pointer], *, system: str) -> dict[Pointer, Target]:
    kept = find_kept([(pointer.resource_type, pointer.key) for pointer in pointers], system=system)
    return {
        pointer: Target(one.pk, pointer.resource_type, one.patient_id)
        for pointer in pointers
        if (one := kept.get((pointer.resource_type, pointer.key)))
    }


def _by_identifier(pointers: list[Pointer]) -> dict[Pointer, Target]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.n, min(r.id), min(r.resource_type), min(r.patient_id)
            FROM unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS wanted (kind, system, value, n)
            JOIN records_resourceidentifier i
              ON i.value = wanted.value AND i.resource_type = wanted.kind AND wanted.system IN ('', i.system)
            JOIN records_resource r ON r.id = i.resource_id
            GROUP BY wanted.n HAVING count(DISTINCT r.id) = 1
            """,
            [[p.resource_type for p in pointers], [p.system for p in pointers], [p.key for p in pointers]],
        )
        return {pointers[row[0] - 1]: Target(*row[1:]) for row in cursor.fetchall()}


def link_to_patients(links: dict[int, int]) -> None:
    """Give these resources (id → patient id) their patient."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE records_resource r SET patient_id = link.patient
            FROM unnest(%s::bigint[], %s::bigint[]) AS link (resource, patient) WHERE r.id = link.resource
            """,
            [list(links), list(links.values())],
        )


def bodies_of(ids: Sequence[int]) -> list[tuple[int, str]]:
    """The kept bodies as JSON text, decimals as they came."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, body::text FROM records_resource WHERE id = ANY(%s) ORDER BY id", [list(ids)])
        return [(row[0], row[1]) for row in cursor.fetchall()]


def really_differ(candidates: Sequence[tuple[int, str]]) -> dict[int, str]:
    """Of (resource id, new body): those whose JSON value differs, each with its kept `meta.lastUpdated` or "".

    White space and the order of names don't count; digits do (1.0 and 1.00 differ).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.id, coalesce(r.body #>> '{meta,lastUpdated}', '')
            FROM unnest(%s::bigint[], %s::text[]) AS came (id, body) JOIN records_resource r ON r.id = came.id
            WHERE r.body::text <> (came.body::jsonb)::text
            """,
            [[pk for pk, _ in candidates], [body for _, body in candidates]],
        )
        return dict(cursor.fetchall())


def keep_earlier(ids: Sequence[int], *, now: datetime) -> None:
    """Put the present content of these resources into their history."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO records_earlierversion (resource_id, version, body, digest, source_id, received_at, replaced_at)
            SELECT id, version, body, digest, source_id, received_at, %s FROM records_resource WHERE id = ANY(%s)
            """,
            [now, list(ids)],
        )


def file_as_earlier(pk: int, row: ResourceRow, *, now: datetime) -> bool:
    """Put a content that is older than the kept one into the history; False when it stands there already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM records_earlierversion WHERE resource_id = %s AND digest = %s)",
            [pk, row.digest],
        )
        if cursor.fetchone()[0]:
            return False
        cursor.execute(
            """
            WITH moved AS (UPDATE records_resource SET version = version + 1 WHERE id = %s RETURNING version - 1 AS n)
            INSERT INTO records_earlierversion (resource_id, version, body, digest, source_id, received_at, replaced_at)
            SELECT %s, n, %s::jsonb, %s, %s, %s, %s FROM moved
            """,
            [pk, pk, row.body, row.digest, row.source_id, now, now],
        )
        return True


def replace_resources(rows: Iterable[tuple[int, ResourceRow]]) -> None:
    """Put new content in the place of the old; what was read from the old goes."""
    flat = [(pk, *row[:10], *row.headline) for pk, row in rows]
    columns = [list(column) for column in zip(*flat, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE records_resource r
            SET full_url = n.full_url, version = r.version + 1, body = n.body::jsonb, digest = n.digest,
              source_id = n.source_id, received_at = n.received_at, patient_id = n.patient_id, kind = n.kind,
              at = n.at, date_only = n.date_only, title = n.title, detail = n.detail, status = n.status
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::int[], %s::text[], %s::uuid[],
              %s::bigint[], %s::timestamptz[], %s::bigint[], %s::text[], %s::timestamptz[], %s::boolean[], %s::text[],
              %s::text[], %s::text[])
              AS n (id, system, resource_type, fhir_id, full_url, version, body, digest, source_id, received_at,
                patient_id, kind, at, date_only, title, detail, status)
            WHERE r.id = n.id
            """,
            columns,
        )
        for table in ("records_fact", "records_resourceidentifier", "records_pendingreference"):
            cursor.execute(f"DELETE FROM {table} WHERE resource_id = ANY(%s)", [columns[0]])


def patients_of(ids: Sequence[int]) -> set[int]:
    """The patients of these kept resources."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT patient_id FROM records_resource WHERE id = ANY(%s) AND patient_id IS NOT NULL",
            [list(ids)],
        )
        return {row[0] for row in cursor.fetchall()}


def patient_of(pk: int) -> int | None:
    """The patient of a kept resource."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT patient_id FROM records_resource WHERE id = %s", [pk])
        found: int | None = cursor.fetchone()[0]
        return found


def without_patient(ids: Sequence[int]) -> list[int]:
    """Those of these resources that have no patient, in order."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM records_resource WHERE id = ANY(%s) AND patient_id IS NULL ORDER BY id", [list(ids)]
        )
        return [row[0] for row in cursor.fetchall()]


class KeptBody(NamedTuple):
    """A kept resource as text, decimals as they came."""

    pk: int
    patient_id: int | None
    body: str


def to_rebuild(patient_ids: Sequence[int] | None) -> list[int]:
    """The ids of all kept resources, or of those of some patients."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM records_resource WHERE %s::bigint[] IS NULL OR patient_id = ANY(%s) ORDER BY id",
            [_list(patient_ids), _list(patient_ids)],
        )
        return [row[0] for row in cursor.fetchall()]


def clear_facts(patient_ids: Sequence[int] | None) -> None:
    """Remove all facts, or those of some patients."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM records_fact WHERE %s::bigint[] IS NULL OR patient_id = ANY(%s)",
            [_list(patient_ids), _list(patient_ids)],
        )


def _list(ids: Sequence[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)


def kept_bodies(ids: Sequence[int]) -> list[KeptBody]:
    """These resources, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, patient_id, body::text FROM records_resource WHERE id = ANY(%s) ORDER BY id", [list(ids)]
        )
        return [KeptBody(*row) for row in cursor.fetchall()]


def set_headlines(headlines: Sequence[tuple[int, Headline]]) -> None:
    """Give these resources their line on the timeline; rows that say the same already are not touched."""
    columns = list(zip(*((pk, *line) for pk, line in headlines), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE records_resource r
            SET kind = l.kind, at = l.at, date_only = l.date_only, title = l.title, detail = l.detail, status = l.status
            FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::boolean[], %s::text[], %s::text[], %s::text[])
              AS l (id, kind, at, date_only, title, detail, status)
            WHERE r.id = l.id AND (r.kind, r.at, r.date_only, r.title, r.detail, r.status)
              IS DISTINCT FROM (l.kind, l.at, l.date_only, l.title, l.detail, l.status)
            """,
            [list(column) for column in columns],
        )
