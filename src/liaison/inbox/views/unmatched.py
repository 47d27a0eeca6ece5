"""Mail that matched no message of ours: a person says whose it is, or that nobody needs to answer."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from liaison.core.answers import done
from liaison.core.asking import actor_of
from liaison.core.audit import record
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.inbox import access, actions
from liaison.inbox.forms import MatchForm, PutAwayForm
from liaison.inbox.queries import checked_mail, unmatched_bytes, unmatched_mail
from liaison.patients.queries import get_patient, search


@require_GET
def unmatched(request: HttpRequest) -> HttpResponse:
    """The list, with two small forms for each."""
    return _page(request, now=current_time())


@require_POST
def match(request: HttpRequest, mail_id: int) -> HttpResponse:
    """It is this patient's: it joins their thread."""
    actor, now = actor_of(request), current_time()
    raw = unmatched_bytes(actor, mail_id=mail_id)
    form = MatchForm(request.POST, auto_id=f"match_{mail_id}_%s")
    if not form.is_valid():
        return _page(request, mail_id=mail_id, matching=form, now=now)
    hits = search(actor, text=form.cleaned_data["who"], limit=2, now=now, verb=access.SORT_MAIL)
    if len(hits) != 1:
        several = _("Several patients fit. Add the birth date, or give the record number.")
        form.add_error("who", several if hits else _("Nobody fits. Check the number or the name."))
        return _page(request, mail_id=mail_id, matching=form, now=now)
    patient = get_patient(actor, patient_id=hits[0].patient_id, verb=access.SORT_MAIL, now=now)
    message = actions.match_mail(actor, mail_id=mail_id, delivered=checked_mail(raw), patient=patient, now=now)
    return done(request, said=_("Put into the thread."), to=reverse("inbox:message", args=[message.pk]), go=True)


@require_POST
def put_away(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Nobody needs to answer it."""
    now = current_time()
    form = PutAwayForm(request.POST, auto_id=f"away_{mail_id}_%s")
    unmatched_bytes(actor_of(request), mail_id=mail_id)
    if not form.is_valid():
        return _page(request, mail_id=mail_id, putting=form, now=now)
    actions.put_away(actor_of(request), mail_id=mail_id, reason=form.cleaned_data["reason"], now=now)
    return done(request, said=_("Put away."), to=reverse("inbox:unmatched"), go=True)


def _page(
    request: HttpRequest,
    *,
    now: datetime,
    mail_id: int | None = None,
    matching: MatchForm | None = None,
    putting: PutAwayForm | None = None,
) -> HttpResponse:
    """The list; the forms of the mail `mail_id` keep what was typed."""
    found = unmatched_mail(actor_of(request))
    if found:  # whose they are nobody knows yet: the look is written down by the mails' ids
        mails = [row.id for row in found]
        record(actor_of(request), str(access.SORT_MAIL), outcome=AuditEntry.Outcome.SEEN, details={"mails": mails})
    rows = [
        (
            row,
            matching if matching and row.id == mail_id else MatchForm(auto_id=f"match_{row.id}_%s"),
            putting if putting and row.id == mail_id else PutAwayForm(auto_id=f"away_{row.id}_%s"),
        )
        for row in found
    ]
    shown = {"rows": rows, "zone": str(actor_of(request).zone), "now": now, "mail_id": mail_id}
    return render(request, "inbox/unmatched.html", shown, status=422 if mail_id else 200)
