"""Changing a loop over HTTP: each address shows its small form on GET and does one thing on POST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from typing import Any
from uuid import uuid4

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from liaison.core.answers import done, wants_fragment
from liaison.core.asking import actor_of, form_key, page_here
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import NO_VERSION, Forbidden, Refusal
from liaison.loops import access, actions
from liaison.loops.forms import (
    AssignForm,
    EvidenceForm,
    HandOverForm,
    PriorityForm,
    ReasonForm,
    SnoozeForm,
    StepForm,
    VersionedForm,
    at_site,
    beside_fields,
    tomorrow_morning,
)
from liaison.loops.models import HandOver, Loop
from liaison.loops.ports import NextStep
from liaison.loops.queries import (
    LoopRow,
    LoopStory,
    as_value,
    covering_choices,
    left_behind,
    load,
    loop_story,
    loop_url,
    owner_choices,
)

both = require_http_methods(["GET", "POST"])


# --- one press ------------------------------------------------------------------------------------------------


@require_POST
def take(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Make it mine."""
    loop = actions.take_loop(actor_of(request), loop_id=loop_id, now=current_time(), expected_version=_version(request))
    return _done(request, loop, said=_("It is yours now."))


@require_POST
def wake(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Bring it back from a snooze."""
    loop = actions.wake_loop(actor_of(request), loop_id=loop_id, now=current_time())
    return _done(request, loop, said=_("Back on the desk."))


@require_POST
def step_done(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Tick off the step that was set by hand."""
    loop = actions.finish_step(
        actor_of(request), loop_id=loop_id, now=current_time(), expected_version=_version(request)
    )
    return _done(request, loop, said=_("Step done."), undo=False)


@require_POST
def acknowledge(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Stop the escalation."""
    loop = actions.acknowledge_loop(actor_of(request), loop_id=loop_id, now=current_time())
    return _done(request, loop, said=_("The escalation stops: you are on it."))


@require_POST
def close(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Close it, its evidence being in."""
    loop = actions.close_loop_by_hand(
        actor_of(request), loop_id=loop_id, now=current_time(), expected_version=_version(request)
    )
    return _done(request, loop, said=_("Closed: the promise is kept."))


@require_POST
def undo(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Take one's own last change back."""
    loop = actions.undo_last_change(actor_of(request), loop_id=loop_id, now=current_time())
    return _done(request, loop, said=_("Taken back."), undo=False)


# --- small forms ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a small form says: above it, on its button, and once it is done."""

    title: str
    button: str
    said: str
    grave: bool = False
    undo: bool = True
    by_hand_only: bool = False


@both
def assign(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Give it to someone else."""
    asked = _ask(request, loop_id=loop_id, now=current_time())
    choices = owner_choices(actor_of(request), site_id=asked.story.site_id, now=asked.now)
    form = AssignForm(request.POST or None, choices=choices, initial=asked.initial(owner=as_value(asked.row.owner)))
    words = Words(title=_("Give to someone else"), button=_("Give"), said=_("Given to %(owner)s."))
    return _change(
        asked, form, words=words, do=actions.assign_loop, typed=lambda typed: {"to": form.to, "reason": typed["reason"]}
    )


@both
def snooze(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Put it aside until later."""
    asked = _ask(request, loop_id=loop_id, now=current_time())
    zone = asked.row.zone
    until = tomorrow_morning(asked.now, zone=zone, due_at=asked.row.due_at).replace(tzinfo=None)
    form = SnoozeForm(request.POST or None, initial=asked.initial(until=until))
    words = Words(title=_("Put aside"), button=_("Put aside"), said=_("Put aside."))
    return _change(
        asked,
        form,
        words=words,
        do=actions.snooze_loop,
        typed=lambda typed: {"until": at_site(typed["until"], zone=zone), "reason": typed["reason"]},
    )


@both
def step(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Say what is next."""
    asked = _ask(request, loop_id=loop_id, now=current_time())
    form = StepForm(request.POST or None, initial=asked.initial())
    words = Words(title=_("Set the next step"), button=_("Set"), said=_("Next step set."), undo=False)
    return _change(
        asked,
        form,
        words=words,
        do=actions.set_next_step,
        typed=lambda typed: {
            "step": NextStep(
                words=typed["step"],
                due_at=at_site(typed["due_at"], zone=asked.row.zone),
                is_call=typed["is_call"],
                waiting_on=typed["waiting_on"],
            )
        },
    )


@both
def priority(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Say how pressing it is."""
    asked = _ask(request, loop_id=loop_id, now=current_time())
    form = PriorityForm(request.POST or None, initial=asked.initial(priority=asked.row.priority))
    words = Words(title=_("How pressing is it?"), button=_("Set"), said=_("Priority set."))
    return _change(asked, form, words=words, do=actions.raise_priority, typed=_of("priority", "reason"))


@both
def evidence(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Record a piece of proof."""
    asked = _ask(request, loop_id=loop_id, now=current_time())
    if asked.story.care_decides:
        raise actions.CareDecides
    form = EvidenceForm(request.POST or None, story=asked.story, initial=asked.initial())
    words = Words(title=_("Record evidence"), button=_("Record"), said=_("Evidence recorded."), by_hand_only=True)
    return _change(asked, form, words=words, do=actions.add_evidence_by_hand, typed=_of("kind", "note"))


@both
def give_up(request: HttpRequest, loop_id: int) -> HttpResponse:
    """End it as not kept, with the reason."""
    asked = _ask(request, loop_id=loop_id, now=current_time())
    if request.method == "GET" and asked.story.may and access.GIVE_UP.code not in asked.story.may:
        raise Forbidden
    form = ReasonForm(request.POST or None, initial=asked.initial())
    words = Words(title=_("Give this up"), button=_("Give up"), said=_("Given up."), grave=True, by_hand_only=True)
    return _change(asked, form, words=words, do=actions.give_up_loop_by_hand, typed=_of("reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a small form is about: the request, the loop as it stands, and the moment."""

    request: HttpRequest
    story: LoopStory
    now: datetime

    @property
    def row(self) -> LoopRow:
        """The loop."""
        return self.story.row

    def initial(self, **more: Any) -> dict[str, Any]:
        """What the form starts with: the version it is filled in against, and where to go after."""
        return {"version": self.row.version, "next": self.request.GET.get("next", ""), **more}


def _ask(request: HttpRequest, *, loop_id: int, now: datetime) -> Asked:
    return Asked(request=request, story=loop_story(actor_of(request), loop_id=loop_id, now=now), now=now)


def _of(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """These fields, as the action names them too."""
    return lambda typed: {name: typed[name] for name in names}


def _change(
    asked: Asked,
    form: Form,
    *,
    words: Words,
    do: Callable[..., Loop],
    typed: Callable[[dict[str, Any]], dict[str, Any]],
) -> HttpResponse:
    """The form until it is valid, then what it does; what the action refuses stands beside its field."""
    if not form.is_valid():
        return _form(asked, form, words=words)
    version = form.cleaned_data["version"] or NO_VERSION
    try:
        loop = do(
            actor_of(asked.request),
            loop_id=asked.row.id,
            now=asked.now,
            expected_version=version,
            **typed(form.cleaned_data),
        )
    except Refusal as refusal:
        if not beside_fields(form, refusal):
            raise
        return _form(asked, form, words=words)
    closed = loop.state == "closed"
    owner = loop.owner_user or loop.owner_team
    said = _("Closed: the promise is kept.") if closed else words.said % {"owner": owner.name if owner else ""}
    return _done(asked.request, loop, said=said, undo=words.undo)


# --- a colleague's desk ---------------------------------------------------------------------------------------


@both
def hand_over_desk(request: HttpRequest) -> HttpResponse:
    """Hand an absent colleague's desk over."""
    now = current_time()
    zone = actor_of(request).zone
    columns = load(actor_of(request), now=now, zone=zone)
    people = [(each.owner.user_id, f"{each.name} ({each.open})") for each in columns if each.owner.user_id]
    asked = request.POST.get("from_user") or request.GET.get("from_user") or request.GET.get("from", "")
    chosen = id_in(asked)
    left = any(each.owner.user_id == chosen and each.missing == "left" for each in columns)
    why = _("No longer works here") if left else _("Away")
    form = HandOverForm(
        request.POST or None,
        people=[("", _("Choose…")), *people],
        covers=covering_choices(
            columns, near_id=chosen, absent_id=None if request.method == "POST" else chosen, now=now
        ),
        initial={"from_user": chosen, "reason": why, "idempotency_key": f"hand-over:{uuid4()}"},
    )
    made = _hand_over(request, form, zone=zone, now=now) if form.is_valid() else None
    if made is None:
        page = {"form": form, "columns": columns, "now": now, "time_zone": zone}
        return render(request, "loops/hand_over.html", page, status=422 if form.is_bound else 200)
    return _handed_over(request, made)


def _handed_over(request: HttpRequest, made: HandOver) -> HttpResponse:
    """How many went; where some stay, the list of them, which names the patients."""
    moved, stay = made.loops.count(), left_behind(actor_of(request), hand_over=made)
    said = ngettext("%(count)s loop handed over.", "%(count)s loops handed over.", moved) % {"count": moved}
    to = _reverse("desk:board", "loops:hand_over")
    if stay:
        why = ngettext(
            "%(count)s stays with %(name)s, as nobody who covers can see the patient: it is in this list.",
            "%(count)s stay with %(name)s, as nobody who covers can see the patients: they are in this list.",
            stay,
        ) % {"count": stay, "name": made.from_user.name}
        said, to = f"{said} {why}", f"{_reverse('desk:home')}?tab=all&owner=user:{made.from_user_id}"
    return done(request, said=said, to=to, topics=("desk",), go=True)


def _hand_over(request: HttpRequest, form: HandOverForm, *, zone: tzinfo, now: datetime) -> HandOver | None:
    try:
        return actions.hand_over(
            actor_of(request),
            from_user_id=form.cleaned_data["from_user"],
            to=form.owners,
            reason=form.cleaned_data["reason"],
            until=_midnight(form.cleaned_data["until_on"], zone=zone),
            idempotency_key=form_key(request, form.cleaned_data["idempotency_key"]),
            now=now,
        )
    except Refusal as refusal:
        if not beside_fields(form, refusal):
            raise
        return None


@require_POST
def end(request: HttpRequest, hand_over_id: int) -> HttpResponse:
    """The colleague is back."""
    count = actions.end_hand_over(actor_of(request), hand_over_id=hand_over_id, now=current_time())
    said = ngettext(
        "The hand-over has ended; %(count)s loop went back.",
        "The hand-over has ended; %(count)s loops went back.",
        count,
    ) % {"count": count}
    to = _reverse("desk:board", "loops:hand_over") if actor_of(request).may(access.BOARD) else _reverse("desk:home")
    return done(request, said=said, to=to, topics=("desk",), go=True)


# --- answers --------------------------------------------------------------------------------------------------


def _done(request: HttpRequest, loop: Loop, *, said: str, undo: bool = True) -> HttpResponse:
    return done(
        request,
        said=said,
        to=_back(request, loop_id=loop.pk),
        undo_url=reverse("loops:undo", args=[loop.pk]) if undo else "",
        topics=(f"loop:{loop.pk}", f"patient:{loop.patient_id}", "desk"),
    )


def _form(asked: Asked, form: Form, *, words: Words) -> HttpResponse:
    request = asked.request
    template = "loops/_form.html" if wants_fragment(request) else "loops/form.html"
    page: dict[str, Any] = {
        "form": form,
        "loop": asked.row,
        "words": words,
        "elsewhere": asked.row.managed_url if words.by_hand_only else "",
        "proven_at": asked.story.proven_at if isinstance(form, EvidenceForm) else (),
        "only_elsewhere": isinstance(form, EvidenceForm) and not asked.story.accepted,
        "back_url": _back(request, loop_id=asked.row.id),
    }
    return render(request, template, page, status=422 if form.is_bound else 200)


def _version(request: HttpRequest) -> int:
    form = VersionedForm(request.POST)
    version: int | None = form.cleaned_data["version"] if form.is_valid() else None
    return version or NO_VERSION


def _back(request: HttpRequest, *, loop_id: int) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return page_here(wanted) or loop_url(loop_id) or "/"


def _midnight(on: Any, *, zone: tzinfo) -> datetime | None:
    return datetime.combine(on, time(0), tzinfo=zone) if on else None


def _reverse(*names: str) -> str:
    for name in names:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return "/"
