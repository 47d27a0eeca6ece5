"""What was attempted and refused before any act began: it stands in the audit trail too.

`act()` audits what it refuses. Actions also refuse before they enter it (a reason is missing, the state is another),
views turn such refusals into forms, and queries refuse to show. So every refusal that is made while a request is
answered is collected, and one that nobody audited leaves one entry when the answer is a "no".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from liaison.core.audit import record
from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden, NotFound, Refusal

SEE: Final = "core.see"
ATTEMPT: Final = "core.attempt"
_LOOKING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SECRETS: Final = frozenset({"secret", "token"})
"""Arguments of an address that open what stands behind it to whoever has them."""

_BIGGEST: Final = 2**63


def keep_refused(request: HttpRequest, response: HttpResponse, refusals: Sequence[Refusal]) -> None:
    """Audit what this request was refused, unless an act has done so: guessing addresses must show.

    Of looking, only what is not there or forbidden is kept; of everything else, each refusal. The entry names the
    address, the refusal, and the patient of the address and those whom the request had already met; never what was
    typed.
    """
    actor = getattr(request, "actor", None)
    if not refusals or response.status_code < 400 or actor is None or actor.is_anonymous:
        return
    if any(refusal.audited for refusal in refusals):
        return
    last, looking = refusals[-1], request.method in _LOOKING
    if looking and not isinstance(last, NotFound | Forbidden):
        return
    record(
        actor,
        SEE if looking else ATTEMPT,
        outcome=AuditEntry.Outcome.REFUSED,
        refusal_code=last.code,
        patient_ids=_patients(request),
        details=_address(request),
    )


def _address(request: HttpRequest) -> dict[str, Any]:
    match = request.resolver_match
    return (
        {"view": match.view_name, "of": {k: str(v) for k, v in match.kwargs.items() if k not in _SECRETS}}
        if match
        else {}
    )


def _patients(request: HttpRequest) -> list[int]:
    seen = getattr(request, "seen", None)
    met = set(seen.patient_ids) if seen else set()
    named = request.resolver_match.kwargs.get("patient_id") if request.resolver_match else None
    return sorted(met | ({named} if isinstance(named, int) and named < _BIGGEST else set()))
