"""The privacy officer's search of the audit trail."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from liaison.accounts.actions import begin_audit_export
from liaison.accounts.forms import AuditSearchForm
from liaison.accounts.queries import (
    MOST_EXPORTED,
    AuditFilter,
    AuditRow,
    Meant,
    chain_state,
    export_audit,
    search_audit,
    whom_is_meant,
)
from liaison.core.actor import Actor
from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in

COLUMNS = (
    "entry",
    "at",
    "who",
    "roles",
    "verb",
    "outcome",
    "refusal",
    "reason",
    "patients",
    "subject",
    "details",
    "sealed",
)
_CUT_SHORT = _(
    "NOT ALL: only the newest %(most)s entries that match are in this file. Set the days to take out the earlier ones."
)


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Search by patient, person, action, time and kind; further pages are appended to the list.

    `entry` asks for one entry alone, with all its patients.
    """
    actor, now = actor_of(request), current_time()
    form = AuditSearchForm(request.GET or None)
    valid = form.is_bound and form.is_valid()
    meant = _meant(form, actor=actor, now=now) if valid else None
    found = None
    if not form.is_bound or (valid and (meant is None or meant.patient_id is not None)):
        wanted = form.wanted(zone=actor.zone, meant=meant) if valid else AuditFilter()
        wanted = replace(wanted, entry_id=id_in(request.GET.get("entry")))
        found = search_audit(actor, wanted=wanted, cursor=request.GET.get("after", ""), now=now)
    query = {key: str(value) for key, value in request.GET.items() if value and key != "after"}
    page: dict[str, Any] = {
        "form": form,
        "found": found,
        "meant": meant,
        "query": urlencode(query),
        "without_patient": urlencode({key: value for key, value in query.items() if key not in {"patient", "chosen"}}),
        "searched": bool(query),
        "most": f"{MOST_EXPORTED:,}",
    }
    if wants_fragment(request) and request.GET.get("after"):
        return render(request, "accounts/_audit_rows.html", page)
    page["chain"] = chain_state()
    return render(request, "accounts/audit.html", page, status=200 if valid or not form.is_bound else 422)


@require_GET
def audit_export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The matching entries as CSV; needs a fresh proof of who asks, and is itself audited."""
    actor, now = actor_of(request), current_time()
    form = AuditSearchForm(request.GET)
    meant = _meant(form, actor=actor, now=now) if form.is_valid() else None
    if form.errors or (meant is not None and meant.patient_id is None):
        page = {"form": form, "meant": meant, "chain": chain_state()}
        return render(request, "accounts/audit.html", page, status=422)
    wanted = form.wanted(zone=actor.zone, meant=meant)
    begin_audit_export(actor=actor, looked_for=wanted.plain(), patient_id=wanted.patient_id, now=now)
    response = StreamingHttpResponse(_lines(export_audit(actor, wanted=wanted)), content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="audit-{now:%Y%m%d-%H%M}.csv"'
    return response


def _meant(form: AuditSearchForm, *, actor: Actor, now: datetime) -> Meant | None:
    """The patient that was typed or chosen; None when none was asked for."""
    text = form.cleaned_data["patient"]
    return whom_is_meant(actor, text=text, chosen=form.cleaned_data["chosen"], now=now) if text else None


class _Echo:
    """A file that gives back what is written to it, one line at a time."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: Iterator[AuditRow], *, most: int = MOST_EXPORTED) -> Iterator[str]:
    """The lines of the file; where there are more than `most` rows, the last line says that the earlier ones lack."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in islice(rows, most):
        yield writer.writerow([_harmless(value) for value in _values(row)])
    if next(rows, None) is not None:
        yield writer.writerow([_CUT_SHORT % {"most": f"{most:,}"}])


def _values(row: AuditRow) -> tuple[Any, ...]:
    return (
        row.entry_id,
        row.at.isoformat(),
        row.actor_name,
        ", ".join(row.roles),
        row.verb,
        row.outcome,
        row.refusal_code,
        row.reason,
        " ".join(str(pk) for pk in row.patient_ids),
        row.subject,
        "; ".join(row.facts),
        "yes" if row.sealed else "no",
    )


def _harmless(value: Any) -> Any:
    """A spreadsheet runs text that begins like a formula; a quote before it keeps it text."""
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
