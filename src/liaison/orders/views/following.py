"""The page of one referral, worklists, and moving one on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import done, put_beside, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import NO_VERSION, Forbidden, NotFound, Refusal
from liaison.directory.queries import specialties
from liaison.orders import actions, forms
from liaison.orders.models import Referral
from liaison.orders.queries import (
    VERB_OF_MOVE,
    ReferralPage,
    get_referral,
    referral_page,
    referral_url,
    target_choices,
    target_from_value,
    undoable_step,
    usual_via,
    worklist,
)
from liaison.orders.rules import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One move as a page offers it: its words, its form, the action it ends in; a `grave` one says no or ends it."""

    label: str | Promise
    form: type[forms.MoveForm]
    run: Callable[..., Referral]
    icon: str
    grave: bool = False


BUTTONS: Mapping[str, Button] = {
    "send": Button(label=gettext_lazy("Record as sent"), form=forms.SendForm, run=actions.send_referral, icon="send"),
    "received": Button(
        label=gettext_lazy("They have it"), form=forms.NoteForm, run=actions.confirm_received, icon="check"
    ),
    "accepted": Button(
        label=gettext_lazy("They accepted"), form=forms.NoteForm, run=actions.accept_referral, icon="checks"
    ),
    "scheduled": Button(
        label=gettext_lazy("A visit is arranged"),
        form=forms.VisitForm,
        run=actions.mark_scheduled,
        icon="calendar-plus",
    ),
    "seen": Button(
        label=gettext_lazy("The patient was seen"), form=forms.SeenForm, run=actions.mark_seen, icon="user-check"
    ),
    "note": Button(
        label=gettext_lazy("The note came"), form=forms.ReportForm, run=actions.record_note, icon="file-text"
    ),
    "review": Button(
        label=gettext_lazy("Reviewed"), form=forms.ReviewForm, run=actions.review_note, icon="stethoscope"
    ),
    "tell": Button(
        label=gettext_lazy("The patient was told"), form=forms.TellForm, run=actions.tell_patient, icon="message"
    ),
    "missed": Button(
        label=gettext_lazy("The visit was missed"),
        form=forms.MaybeReasonForm,
        run=actions.mark_visit_missed,
        icon="user-x",
    ),
    "visit-cancelled": Button(
        label=gettext_lazy("The visit was cancelled"),
        form=forms.MaybeReasonForm,
        run=actions.mark_visit_cancelled,
        icon="calendar-off",
    ),
    "reroute": Button(
        label=gettext_lazy("Re-route it"), form=forms.RerouteForm, run=actions.reroute_referral, icon="route"
    ),
    "declined": Button(
        label=gettext_lazy("They declined"),
        form=forms.ReasonForm,
        run=actions.decline_referral,
        icon="ban",
        grave=True,
    ),
    "confirm-cancelled": Button(
        label=gettext_lazy("They confirmed: cancelled"),
        form=forms.MoveForm,
        run=actions.confirm_cancelled,
        icon="check",
    ),
    "cancel": Button(
        label=gettext_lazy("Cancel it"),
        form=forms.ReasonForm,
        run=actions.cancel_referral,
        icon="x",
        grave=True,
    ),
}


@require_GET
def referral(request: HttpRequest, referral_id: int) -> HttpResponse:
    """One referral: its track, what may follow, the question, the history; `?as=letter` is a letter to print."""
    now = current_time()
    page = referral_page(actor_of(request), referral_id=referral_id, now=now)
    if request.GET.get("as") == "letter" and page.reads_chart:
        site = get_referral(actor_of(request), referral_id=referral_id, now=now).site
        return render(request, "orders/letter.html", {"page": page, "site": site, "now": now, "time_zone": site.zone})
    is_piece = wants_fragment(request)
    template = "orders/_referral.html" if is_piece else "orders/referral.html"
    return render(request, template, {**_shown(request, page, now=now), "is_piece": is_piece})


@require_GET
def referrals(request: HttpRequest) -> HttpResponse:
    """The worklist: open referrals by state, in the order of the desk."""
    now = current_time()
    wanted = request.GET.get("state", "")
    page = worklist(
        actor_of(request),
        now=now,
        state="" if wanted == "late" else wanted,
        late=wanted == "late",
        specialty=request.GET.get("specialty", ""),
        after=request.GET.get("after", ""),
    )
    shown = {
        "page": page,
        "wanted": wanted,
        "specialty": request.GET.get("specialty", ""),
        "specialties": specialties(actor_of(request)),
        "now": now,
        "time_zone": actor_of(request).zone,
    }
    piece = "orders/_rows.html" if "after" in request.GET else "orders/_list.html"
    return render(request, piece if wants_fragment(request) else "orders/referrals.html", shown)


@require_http_methods(["GET", "POST"])
def move_on(request: HttpRequest, referral_id: int, move: str) -> HttpResponse:
    """Move a referral on: the small form of one move, or what it does."""
    now = current_time()
    page = referral_page(actor_of(request), referral_id=referral_id, now=now)
    if move not in BUTTONS:
        raise NotFound
    button = _button(move, page=page)
    referral = get_referral(actor_of(request), referral_id=referral_id, now=now)
    zone = referral.site.zone
    if request.method == "GET" and not referral.patient.reachable_by(actor_of(request), VERB_OF_MOVE[move], now=now):
        raise Forbidden
    form = _form(request, button, page=page, now=now, zone=zone)
    if not form.is_valid():
        return _form_page(request, form, button=button, page=page, now=now, move=move)
    try:
        moved = button.run(actor_of(request), referral_id=referral_id, now=now, **_typed(form, zone=zone))
    except Refusal as refusal:
        if not set(refusal.fields) & set(form.fields):
            raise
        if isinstance(form, forms.SeenForm) and isinstance(refusal, actions.SeenBeforeTheVisit):
            form.ask_earlier()
            if refusal.booked_here:
                form.say_it_is_cancelled()
        put_beside(form, refusal)
        return _form_page(request, form, button=button, page=page, now=now, move=move)
    step_id = undoable_step(actor_of(request), referral=moved, now=now)
    return done(
        request,
        said=_("Noted: %(what)s.") % {"what": button.label},
        to=referral_url(moved.pk),
        undo_url=reverse("orders:undo", args=[moved.pk, step_id]) if step_id else "",
        topics=_topics(moved),
    )


@require_POST
def undo(request: HttpRequest, referral_id: int, step_id: int) -> HttpResponse:
    """Take the latest move back, if it told nobody outside."""
    actor, now = actor_of(request), current_time()
    get_referral(actor, referral_id=referral_id, now=now)
    back = actions.undo_move(actor, referral_id=referral_id, step_id=step_id, now=now)
    said = _("Taken back. The history keeps both.")
    return done(request, said=said, to=referral_url(back.pk), topics=_topics(back))


def _button(move: str, *, page: ReferralPage) -> Button:
    """A move with its words; the visit at an outside practice is theirs to book, and ours to note.

    What never left is discarded, not cancelled with anybody.
    """
    never_left = page.state == State.DRAFT or (page.state == State.CANCELLED and not page.sent_via)
    if move == "cancel" and never_left:
        return replace(BUTTONS[move], label=_("Discard the draft"), icon="trash")
    if move == "scheduled" and not page.books_here:
        return replace(BUTTONS[move], label=_("Note their visit"))
    return BUTTONS[move]


def _topics(referral: Referral) -> tuple[str, ...]:
    return (f"referral:{referral.pk}", f"patient:{referral.patient_id}", f"loop:{referral.loop_id}")


def _form(request: HttpRequest, button: Button, *, page: ReferralPage, now: datetime, zone: tzinfo) -> forms.MoveForm:
    local = now.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    visit = page.visit_at.astimezone(zone).replace(tzinfo=None) if page.visit_at else None
    initial: dict[str, Any] = {"version": page.version, "visit_at": visit, "seen_at": min(visit or local, local)}
    initial["via"] = usual_via(page.asked)
    if button.form is forms.RerouteForm:
        # Chosen on an older page it may be whom it went to since: the action says what became of it.
        of_before = request.POST.get("version") not in {None, str(page.version)}
        offered = [
            (value, words)
            for value, words in target_choices(actor_of(request), specialty=page.specialty_code)
            if of_before or target_from_value(value) != page.asked
        ]
        initial["via"] = usual_via(target_from_value(offered[0][0]) if offered else None)
        return forms.RerouteForm(request.POST or None, initial=initial, targets=offered)
    form = button.form(request.POST or None, initial=initial)
    if (page.told and form.asks == "knows") or (page.visit_ahead and form.asks == "still_needed"):
        if isinstance(form, forms.ReportForm) and not page.visit_here:
            form.say_it_is_theirs()
        form.ask()
    return form


def _typed(form: forms.MoveForm, *, zone: tzinfo) -> dict[str, Any]:
    """What the action takes, from a valid form: local times become instants, names become targets."""
    typed: dict[str, Any] = dict(form.cleaned_data)
    typed["expected_version"] = typed.pop("version") or NO_VERSION
    for name in ("visit_at", "seen_at"):
        if name in typed:
            typed[name] = typed[name].replace(tzinfo=zone)
    if "target" in typed:
        typed["target"] = forms.chosen_target(typed["target"])
    return typed


def _form_page(
    request: HttpRequest, form: forms.MoveForm, *, button: Button, page: ReferralPage, now: datetime, move: str
) -> HttpResponse:
    status = 422 if form.is_bound else 200
    shown = {
        **_shown(request, page, now=now),
        "form": form,
        "button": button,
        "action": reverse("orders:move", args=[page.id, move]),
        "via_url": reverse("orders:targets", args=[page.patient.id]) + "?as=via",
    }
    template = "orders/_move.html" if wants_fragment(request) else "orders/move.html"
    return render(request, template, shown, status=status)


def _shown(request: HttpRequest, page: ReferralPage, *, now: datetime) -> dict[str, Any]:
    offered = [(code, _button(code, page=page), reverse("orders:move", args=[page.id, code])) for code in page.moves]
    zone = page.loop.row.zone if page.loop else actor_of(request).zone
    return {"page": page, "offered": offered, "primary": _primary(page), "now": now, "time_zone": zone}


def _primary(page: ReferralPage) -> str:
    """The move that comes next; none while the clinician's review does, and only telling the patient is offered."""
    first = page.moves[0] if page.moves else ""
    return "" if first == "tell" and page.state != State.REVIEWED else first
