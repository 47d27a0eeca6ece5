"""The list of messages, one message, and writing one."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.actor import EVERYWHERE
from liaison.core.answers import done, put_beside, wants_fragment
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Refusal
from liaison.inbox import access, actions
from liaison.inbox.forms import MOST_LETTERS, ComposeForm
from liaison.inbox.ports import MessageToSend
from liaison.inbox.queries import Box, count_unmatched, counts, get_message, letter_for, message_page
from liaison.inbox.rules.channels import Address
from liaison.inbox.rules.readability import grade
from liaison.inbox.rules.rendering import Missing
from liaison.inbox.views.whom import titles_for, whom
from liaison.loops.models import Loop
from liaison.patients.models import Patient

_TABS = (
    (Box.ALL, "All"),
    (Box.LOOK, "To look at"),
    (Box.WAITING, "Waiting"),
    (Box.SENT, "Sent"),
    (Box.NOT_SENT, "Not sent"),
    (Box.IN, "Received"),
)
_WHY = {
    "deceased": "The patient died; nothing is sent.",
    "opted_out": "They asked us to stop e-mail of this kind.",
    "not_asked": "They have not agreed to this kind of e-mail.",
    "bad_address": "Their e-mail address does not work. Ask for another.",
    "do_not_contact": "They have not agreed to e-mail at this address.",
    "no_address": "There is no e-mail address. Call, or ask for one.",
}


@require_GET
def messages(request: HttpRequest) -> HttpResponse:
    """All messages, those that need a look first."""
    now = current_time()
    asked = request.GET.get("box", "")
    box = Box(asked) if asked in list(Box) else Box.ALL
    patient_id = id_in(request.GET.get("patient", ""))
    page = message_page(actor_of(request), box=box, after=request.GET.get("after", ""), patient_id=patient_id, now=now)
    numbers = counts(actor_of(request), now=now)
    keep = {"patient": patient_id} if patient_id else {}
    context = {
        "page": page,
        "box": box,
        "tabs": [
            (one, _(label), f"?{urlencode({'box': one.value, **keep})}", numbers.get(one, 0)) for one, label in _TABS
        ],
        "older_url": f"?{urlencode({'box': box.value, **keep, 'after': page.older})}" if page.older else "",
        "may_edit_templates": actor_of(request).may_at(access.EDIT_TEMPLATES, site_id=EVERYWHERE),
        "unmatched": count_unmatched(actor_of(request)),
        "narrowed": patient_id is not None,
        "zone": str(actor_of(request).zone),
        "now": now,
    }
    return render(request, "inbox/messages.html", context)


@require_GET
def message(request: HttpRequest, message_id: int) -> HttpResponse:
    """One message: beside the list for htmx, else a page."""
    now = current_time()
    shown = get_message(actor_of(request), message_id=message_id, now=now)
    template = "inbox/_message.html" if wants_fragment(request) else "inbox/message.html"
    return render(request, template, {"shown": shown, "again_key": f"again:{uuid4()}", "now": now})


@require_http_methods(["GET", "POST"])
def compose(request: HttpRequest) -> HttpResponse:
    """Write to a patient, with what they will read beside it."""
    now = current_time()
    patient, loop = whom(request, verb=access.SEND, now=now)
    start = {"idempotency_key": f"message:{uuid4()}", "template": "note"}
    form = ComposeForm(request.POST or None, initial=start)
    if request.method == "GET" or "preview" in request.POST:
        return _compose_page(request, form, patient=patient, loop=loop, now=now)
    if not form.is_valid():
        return _compose_page(request, form, patient=patient, loop=loop, status=422, now=now)
    typed = form.cleaned_data
    try:
        sent = actions.queue_message(
            actor_of(request),
            patient=patient,
            loop=loop,
            message=MessageToSend(
                template=typed["template"], language=typed["language"], context={"text": typed["text"]}
            ),
            idempotency_key=form_key(request, typed["idempotency_key"]),
            now=now,
        )
    except Refusal as refusal:
        put_beside(form, refusal)
        return _compose_page(request, form, patient=patient, loop=loop, status=refusal.status, now=now)
    said = _("Not sent: see why.") if sent.has_ended else _("On its way.")
    return done(request, said=said, to=reverse("inbox:message", args=[sent.pk]), go=True)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """What the patient would read, and how hard it is to read."""
    now = current_time()
    patient, _loop = whom(request, verb=access.SEND, now=now)
    return render(request, "inbox/_preview.html", _preview(ComposeForm(request.POST), patient=patient, now=now))


@require_POST
def cancel(request: HttpRequest, message_id: int) -> HttpResponse:
    """Keep it from being sent."""
    now = current_time()
    get_message(actor_of(request), message_id=message_id, now=now)
    stopped = actions.cancel_queued(actor_of(request), ids=[message_id], now=now)
    if not stopped:
        raise actions.NotWaiting
    return _done(request, message_id, said=_("It will not be sent."))


@require_POST
def arrived(request: HttpRequest, message_id: int) -> HttpResponse:
    """The patient has it."""
    actions.confirm_arrived(actor_of(request), message_id=message_id, now=current_time())
    return _done(request, message_id, said=_("Noted: it arrived."))


@require_POST
def not_arrived(request: HttpRequest, message_id: int) -> HttpResponse:
    """The patient does not have it."""
    actions.confirm_not_arrived(actor_of(request), message_id=message_id, now=current_time())
    return _done(request, message_id, said=_("Noted: it never arrived."))


@require_POST
def again(request: HttpRequest, message_id: int) -> HttpResponse:
    """The same words once more, as a new message."""
    key = form_key(request, request.POST.get("key", "") or str(uuid4()))
    new = actions.send_again(actor_of(request), message_id=message_id, idempotency_key=key, now=current_time())
    return _done(request, new.pk, said=_("Written again."))


def _done(request: HttpRequest, message_id: int, *, said: str) -> HttpResponse:
    return done(request, said=said, to=reverse("inbox:message", args=[message_id]), topics=("messages",))


def _preview(form: ComposeForm, *, patient: Patient, now: datetime) -> dict[str, object]:
    typed = form.data or form.initial
    words = str(typed.get("text", "") or "")[:MOST_LETTERS]
    letter = letter_for(
        patient,
        template=str(typed.get("template", "")),
        context={"text": words or "…"},
        language=str(typed.get("language", "") or ""),
        now=now,
    )
    if letter is None or isinstance(letter.text, Missing):
        lacking = letter.text.fields if letter and isinstance(letter.text, Missing) else ()
        return {"lacking": [one.replace("_", " ") for one in lacking]}
    language = letter.wording.language
    names = frozenset({patient.goes_by, patient.display_name})
    ok = isinstance(letter.address, Address)
    return {
        "subject": letter.text.subject,
        "body": letter.text.body,
        "to": letter.address,
        "may_go": ok,
        "why": "" if ok else _WHY.get(str(letter.address), str(letter.address)),
        "language": language,
        "grade": grade(words, language=language, leave_out=names) if words else None,
    }


def _compose_page(
    request: HttpRequest, form: ComposeForm, *, patient: Patient, loop: Loop | None, now: datetime, status: int = 200
) -> HttpResponse:
    place = urlencode({"patient": patient.pk, **({"loop": loop.pk} if loop else {})})
    back = reverse("desk:loop", args=[loop.pk]) if loop else reverse("desk:patient", args=[patient.pk])
    context = {
        "form": form,
        "patient": patient,
        "loop": loop,
        "loop_title": titles_for(request, loops=[loop], now=now)[loop.pk] if loop else "",
        "place": place,
        "back_url": back,
        "now": now,
        **_preview(form, patient=patient, now=now),
    }
    return render(request, "inbox/compose.html", context, status=status)
