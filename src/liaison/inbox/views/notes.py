"""Writing a note, reading it, adding to it, striking it out."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import done, put_beside
from liaison.core.asking import actor_of, form_key
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, NotFound, Refusal
from liaison.inbox import access, actions
from liaison.inbox.forms import AddToNoteForm, NoteForm, StrikeForm
from liaison.inbox.queries import NoteLine, NoteShown, get_note
from liaison.inbox.views.whom import titles_for, whom
from liaison.loops.models import Loop
from liaison.loops.queries import open_promises
from liaison.patients.models import Patient


@require_http_methods(["GET", "POST"])
def note(request: HttpRequest) -> HttpResponse:
    """A few words about a patient, for the loop that is open or for none."""
    now = current_time()
    patient, loop = whom(request, verb=access.WRITE_NOTE, now=now)
    start = {"idempotency_key": f"note:{uuid4()}", "happened_at": now, "loop": loop.pk if loop else ""}
    loops = open_promises(patient=patient)
    titles = titles_for(request, loops=[*loops, *([loop] if loop else [])], now=now)
    form = NoteForm(request.POST or None, initial=start, loops=loops, titles=titles, zone=patient.zone)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            actions.write_note(
                actor_of(request),
                patient=patient,
                loop=typed["loop"],
                text=typed["text"],
                clinical=typed["clinical"],
                happened_at=typed["happened_at"],
                idempotency_key=form_key(request, typed["idempotency_key"]),
                now=now,
            )
        except (Forbidden, NotFound):
            raise
        except Refusal as refusal:
            put_beside(form, refusal)
        else:
            return done(request, said=_("Noted."), to=_back(patient, loop), go=True)
    place = urlencode({"patient": patient.pk, **({"loop": loop.pk} if loop else {})})
    context = {
        "form": form,
        "patient": patient,
        "loop": loop,
        "loop_title": titles[loop.pk] if loop else "",
        "place": place,
        "back_url": _back(patient, loop),
        "now": now,
    }
    return render(request, "inbox/note.html", context, status=422 if form.errors else 200)


@require_GET
def note_shown(request: HttpRequest, note_id: int) -> HttpResponse:
    """One note with what was added to it."""
    now = current_time()
    return _shown(request, get_note(actor_of(request), note_id=note_id, now=now), now=now)


@require_POST
def note_add(request: HttpRequest, note_id: int) -> HttpResponse:
    """Add to it: its words are never changed."""
    now = current_time()
    shown = get_note(actor_of(request), note_id=note_id, now=now)
    form = AddToNoteForm(request.POST)
    if not form.is_valid():
        return _shown(request, shown, adding=form, status=422, now=now)
    typed = form.cleaned_data
    actions.add_to_note(
        actor_of(request),
        note_id=note_id,
        text=typed["text"],
        idempotency_key=form_key(request, typed["idempotency_key"]),
        now=now,
    )
    return done(request, said=_("Added."), to=_address(shown), go=True)


@require_POST
def note_strike(request: HttpRequest, note_id: int) -> HttpResponse:
    """Strike it out, with the reason."""
    now = current_time()
    shown = get_note(actor_of(request), note_id=note_id, now=now)
    form = StrikeForm(request.POST, auto_id=f"strike_{note_id}_%s")
    if not form.is_valid():
        return _shown(request, shown, striking=form, struck_id=note_id, status=422, now=now)
    actions.strike_note(actor_of(request), note_id=note_id, reason=form.cleaned_data["reason"], now=now)
    return done(request, said=_("Struck out. Its words stay to be read."), to=_address(shown), go=True)


def _shown(
    request: HttpRequest,
    shown: NoteShown,
    *,
    now: datetime,
    adding: AddToNoteForm | None = None,
    striking: StrikeForm | None = None,
    struck_id: int | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "shown": shown,
        "lines": [(line, _strike_form(line, struck_id, striking)) for line in (shown.first, *shown.additions)],
        "adding": adding or AddToNoteForm(initial={"idempotency_key": f"note:{uuid4()}"}),
        "struck_id": struck_id,
        "now": now,
    }
    return render(request, "inbox/note_shown.html", context, status=status)


def _strike_form(line: NoteLine, struck_id: int | None, given: StrikeForm | None) -> StrikeForm:
    """The line's own form; the one that was just sent keeps what was typed."""
    return given if given is not None and line.id == struck_id else StrikeForm(auto_id=f"strike_{line.id}_%s")


def _address(shown: NoteShown) -> str:
    return reverse("inbox:note_shown", args=[shown.first.id])


def _back(patient: Patient, loop: Loop | None) -> str:
    if loop is not None:
        return reverse("desk:loop", args=[loop.pk])
    return reverse("desk:patient", args=[patient.pk])
