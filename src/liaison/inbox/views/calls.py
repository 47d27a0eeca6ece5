"""Logging a call: one page from which the hand need not move."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import done, put_beside
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden, NotFound, Refusal
from liaison.core.written_time import clock_time
from liaison.inbox import access
from liaison.inbox.actions import log_call, strike_call
from liaison.inbox.events import counts_as_attempt
from liaison.inbox.forms.calls import CallForm, StrikeCallForm, TeachBacks, number_choices, phones, without_messages
from liaison.inbox.models import Call
from liaison.inbox.models.calls import OutcomeChoice, StruckWhy
from liaison.inbox.ports import HowItWent, With
from liaison.inbox.queries import CallPage, CallSheet, call_sheet, counted_with, get_call, propose_next

_NO_CONTACT_YET: Final = gettext_lazy(
    "Logged. It does not count as the contact yet: what they need was not talked about."
)


@require_http_methods(["GET", "POST"])
def call(request: HttpRequest) -> HttpResponse:
    """Who they are, what is promised, what to ask, and how it went."""
    now = current_time()
    sheet = _sheet(request, now=now)
    if request.method == "GET":
        number = number_choices(sheet)[0][0]
        start = {"started_at": now, "idempotency_key": f"call:{uuid4()}", "whom": "patient", "number": number}
        return _page(
            request, sheet=sheet, form=CallForm(sheet=sheet, initial=start), rows=TeachBacks(prefix="teach"), now=now
        )
    form, rows = CallForm(request.POST, sheet=sheet), TeachBacks(request.POST, prefix="teach")
    if not (form.is_valid() and rows.is_valid()):
        return _page(request, sheet=sheet, form=form, rows=rows, status=422, now=now)
    typed = form.cleaned_data
    try:
        logged = log_call(
            actor_of(request),
            patient=sheet.patient,
            loop=sheet.loop,
            went=HowItWent(
                outcome=typed["outcome"],
                said=typed["said"],
                clinical=typed.get("clinical", False),
                with_whom=form.with_whom,
                teach_backs=[row.item for row in rows if row.item],
                details=form.details,
            ),
            next_attempt_at=form.try_again_at,
            idempotency_key=form_key(request, typed["idempotency_key"]),
            now=now,
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return _refused(request, refusal, sheet=sheet, form=form, rows=rows, now=now)
    return done(request, said=_said(logged, sheet=sheet), to=_back(sheet), go=True)


def _said(call: Call, *, sheet: CallSheet) -> str:
    earlier = counted_with(call)
    if call.loop_id is not None and counts_as_attempt(call.as_attempt) and sheet.is_too_late(call.started_at):
        return _("Call logged. It is outside the two business days, so it doesn’t count for the rule. Keep trying.")
    if sheet.wants_contact and call.outcome == OutcomeChoice.REACHED and call.with_whom != With.OTHER:
        return _("Call logged.") if call.clinical else str(_NO_CONTACT_YET)
    if earlier is None and call.outcome == OutcomeChoice.REACHED and call.with_whom == With.OTHER:
        return _("Call logged. You did not reach the patient, nor anyone who speaks for them: it counts as an attempt.")
    if earlier is None:
        return _("Call logged.")
    at = clock_time(earlier.astimezone(sheet.zone))
    return _("Call logged. Counts as the same attempt as %(at)s: try again later.") % {"at": at}


@require_GET
def next_try(request: HttpRequest) -> HttpResponse:
    """The field with the next attempt that goes with an outcome."""
    now = current_time()
    sheet = _sheet(request, now=now)
    outcome, settled = request.GET.get("outcome", ""), request.GET.get("settled", "")
    known = outcome in OutcomeChoice.values
    again = OutcomeChoice.NO_ANSWER if _asks_again(outcome, settled=settled, sheet=sheet) else outcome
    proposed = propose_next(outcome=again, sheet=sheet, now=now) if known else None
    form = CallForm(sheet=sheet, initial={"next_attempt_at": proposed, "settled": settled})
    context = {"form": form, "shown": proposed is not None, "asks_settled": outcome == OutcomeChoice.REACHED}
    return render(request, "inbox/_next_try.html", context | {"sheet": sheet, "place": _place(sheet)})


def _asks_again(outcome: str, *, settled: str, sheet: CallSheet) -> bool:
    """Whether they were reached and what is promised stays open."""
    return outcome == OutcomeChoice.REACHED and bool(sheet.settles) and settled == "no"


@require_GET
def call_shown(request: HttpRequest, call_id: int) -> HttpResponse:
    """One call as it was logged."""
    now = current_time()
    return _shown(request, get_call(actor_of(request), call_id=call_id, now=now), form=StrikeCallForm(), now=now)


@require_POST
def call_strike(request: HttpRequest, call_id: int) -> HttpResponse:
    """It was entered by mistake: strike it out, with the reason."""
    now = current_time()
    page = get_call(actor_of(request), call_id=call_id, now=now)
    if not actor_of(request).may(access.STRIKE_CALL):
        raise Forbidden
    form = StrikeCallForm(request.POST)
    if not form.is_valid():
        return _shown(request, page, form=form, now=now)
    why, words = StruckWhy(form.cleaned_data["why"]), form.cleaned_data["words"]
    try:
        strike_call(actor_of(request), call_id=call_id, why=why, words=words, now=now)
    except Refusal as refusal:
        if not refusal.fields:
            raise
        put_beside(form, refusal)
        return _shown(request, page, form=form, now=now)
    said = _("Struck out. What it counted for is taken back.")
    topics = (f"patient:{page.patient.pk}", *([f"loop:{page.loop_id}"] if page.loop_id else []))
    return done(request, said=said, to=reverse("inbox:call_shown", args=[call_id]), topics=topics, go=True)


def _shown(request: HttpRequest, page: CallPage, *, form: StrikeCallForm, now: datetime) -> HttpResponse:
    context = {"page": page, "form": form, "now": now}
    return render(request, "inbox/call_shown.html", context, status=422 if form.is_bound else 200)


def _sheet(request: HttpRequest, *, now: datetime) -> CallSheet:
    return call_sheet(
        actor_of(request),
        patient_id=_number(request.GET.get("patient", "")),
        loop_id=_number(request.GET.get("loop", "")),
        now=now,
    )


def _number(text: str) -> int | None:
    if not text:
        return None
    found = id_in(text)
    if found is None:
        raise NotFound
    return found


def _page(
    request: HttpRequest, *, sheet: CallSheet, form: CallForm, rows: Any, now: datetime, status: int = 200
) -> HttpResponse:
    outcome = str(form["outcome"].value() or "")
    settled = str(form["settled"].value() or "") if sheet.settles else ""
    tried = outcome in OutcomeChoice.values and outcome != OutcomeChoice.REACHED
    context = {
        "sheet": sheet,
        "form": form,
        "rows": rows,
        "place": _place(sheet),
        "back_url": _back(sheet),
        "phones": phones(sheet),
        "quiet": without_messages(sheet),
        "quiet_numbers": " ".join(sorted(form.quiet_numbers)),
        "needed_for": f"{OutcomeChoice.REACHED} {OutcomeChoice.LEFT_MESSAGE}",
        "script": [(step, step.code in (form["script_done"].value() or [])) for step in sheet.script],
        "try_again": tried or _asks_again(outcome, settled=settled, sheet=sheet),
        "asks_settled": outcome == OutcomeChoice.REACHED,
        "now": now,
        "too_late": sheet.is_too_late(now),
    }
    return render(request, "inbox/call.html", context, status=status)


def _place(sheet: CallSheet) -> str:
    return f"patient={sheet.patient.pk}" + (f"&loop={sheet.loop.pk}" if sheet.loop else "")


def _refused(
    request: HttpRequest, refusal: Refusal, *, sheet: CallSheet, form: CallForm, rows: Any, now: datetime
) -> HttpResponse:
    put_beside(form, refusal)
    return _page(request, sheet=sheet, form=form, rows=rows, status=refusal.status, now=now)


def _back(sheet: CallSheet) -> str:
    if sheet.loop is not None:
        return reverse("desk:loop", args=[sheet.loop.pk])
    return reverse("desk:patient", args=[sheet.patient.pk])
