"""Whether the process lives (`/healthz`) and whether it can serve (`/readyz`: the database answers)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from psycopg_pool import PoolTimeout

from liaison.core.audit import unsealed_since


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all."""
    del request
    return HttpResponse("alive\n", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and is migrated, else 503 with what is missing.

    `audit` says when the audit trail is no longer sealed. It is no reason to take work from this process: another one
    would serve the same trail.
    """
    del request
    try:
        executor = MigrationExecutor(connection)
        waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        stalled = None if waiting else unsealed_since()
    except (DatabaseError, PoolTimeout):
        return JsonResponse({"ready": False, "missing": "database"}, status=503)
    if waiting:
        return JsonResponse({"ready": False, "missing": f"{waiting} migrations"}, status=503)
    if stalled is not None:
        return JsonResponse({"ready": True, "audit": f"not sealed since {stalled.isoformat()}"})
    return JsonResponse({"ready": True})
