"""References that wait for their target: storing them, and finding those that a new source answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from liaison.records.actions.tables import copy_rows
from liaison.records.rules.references import Pointer


class PendingRow(NamedTuple):
    """A reference whose target is not there."""

    resource_id: int
    path: str
    reference: str
    pointer: Pointer
    patient_rank: int | None


def add_pending(rows: Iterable[PendingRow], *, source_id: int) -> None:
    """Store references that wait."""
    copy_rows(
        "records_pendingreference",
        'resource_id, source_id, path, reference, "by", target_type, target_system, key, patient_rank',
        (
            (
                row.resource_id, source_id, row.path, row.reference, row.pointer.by, row.pointer.resource_type,
                row.pointer.system, row.pointer.key, row.patient_rank,
            )
            for row in rows
        ),
    )  # fmt: skip


class Answered(NamedTuple):
    """A reference that waited and whose target has come."""

    pending_id: int
    resource_id: int
    patient_rank: int | None
    target_type: str
    target_patient_id: int | None

    @property
    def patient(self) -> int | None:
        """The patient, when the target is one."""
        return self.target_patient_id if self.target_type == "Patient" else None


def answered_by(source_id: int) -> list[Answered]:
    """References that waited for what this source brought, the likeliest patient first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM records_pendingreference)")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(
            """
            WITH came AS (SELECT * FROM records_resource WHERE source_id = %s)
            SELECT p.id, p.resource_id, p.patient_rank, came.resource_type, came.patient_id
            FROM came JOIN records_pendingreference p ON p."by" = 'url' AND p.key = came.full_url
            UNION ALL
            SELECT p.id, p.resource_id, p.patient_rank, came.resource_type, came.patient_id
            FROM came JOIN records_pendingreference p
              ON p."by" = 'id' AND p.key = came.fhir_id AND p.target_type = came.resource_type
            JOIN records_resource holder ON holder.id = p.resource_id AND holder.system = came.system
            UNION ALL
            SELECT p.id, p.resource_id, p.patient_rank, came.resource_type, came.patient_id
            FROM came JOIN records_resourceidentifier i ON i.resource_id = came.id
            JOIN records_pendingreference p ON p."by" = 'identifier' AND p.key = i.value
              AND p.target_type = i.resource_type AND p.target_system IN ('', i.system)
            WHERE NOT EXISTS (
                SELECT FROM records_resourceidentifier twin
                WHERE twin.value = i.value AND twin.resource_type = i.resource_type
                  AND p.target_system IN ('', twin.system) AND twin.resource_id <> i.resource_id)
            ORDER BY 2, 3
            """,
            [source_id],
        )
        return [Answered(*row) for row in cursor.fetchall()]


def drop_pending(ids: Sequence[int]) -> None:
    """These references wait no longer."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM records_pendingreference WHERE id = ANY(%s)", [list(ids)])


class Missing(NamedTuple):
    """Something that is pointed at and not there."""

    reference: str
    file: str
    path: str
    holders: int


def missing_targets(files: Sequence[str], *, system: str, most: int) -> list[Missing]:
    """What these files point at and nobody has sent, with the first place that does and how many there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.reference, (array_agg(s.name ORDER BY p.id))[1], (array_agg(p.path ORDER BY p.id))[1], count(*)
            FROM records_pendingreference p JOIN records_source s ON s.id = p.source_id
            WHERE s.system = %s AND s.name = ANY(%s)
            GROUP BY p.reference ORDER BY min(p.id) LIMIT %s
            """,
            [system, list(files), most],
        )
        return [Missing(*row) for row in cursor.fetchall()]
