"""Whether the process lives (`/healthz`) and whether it can serve (`/readyz`: the database answers and has room)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg.errors import DiskFull
from psycopg_pool import PoolTimeout

from liaison.core.audit import unsealed_since


def is_disk_full(error: BaseException | None) -> bool:
    """Whether the database refused to write because its disk has no room."""
    return isinstance(error, DatabaseError) and isinstance(error.__cause__, DiskFull)


def _write_a_little() -> None:
    """Count more rows than fit in memory, which the database keeps in a file: half a megabyte, of which nothing stays.

    Raises what any write would raise on a full disk.
    """
    with connection.cursor() as cursor:  # statements that are sent together are one transaction
        cursor.execute("SET LOCAL work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 40000)")


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all."""
    del request
    return HttpResponse("alive\n", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers, is migrated and has room to write, else 503 with what is missing.

    `audit` says when the audit trail is no longer sealed. It is no reason to take work from this process: another one
    would serve the same trail.
    """
    del request
    try:
        executor = MigrationExecutor(connection)
        waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        stalled = None if waiting else unsealed_since()
        _write_a_little()
    except (DatabaseError, PoolTimeout) as error:
        missing = "room on the database's disk" if is_disk_full(error) else "database"
        return JsonResponse({"ready": False, "missing": missing}, status=503)
    if waiting:
        return JsonResponse({"ready": False, "missing": f"{waiting} migrations"}, status=503)
    if stalled is not None:
        return JsonResponse({"ready": True, "audit": f"not sealed since {stalled.isoformat()}"})
    return JsonResponse({"ready": True})
