"""Changing a loop over HTTP: each address shows its small form on GET and does one thing on POST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, tzinfo
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from liaison.core.answers import done, wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Refusal
from liaison.loops import actions
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
from liaison.loops.queries import (
    LoopStory,
    as_value,
    covering_choices,
    desk_zone,
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


@both
def assign(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Give it to someone else."""
    now = current_time()
    story = loop_story(actor_of(request), loop_id=loop_id, now=now)
    choices = owner_choices(actor_of(request), site_id=story.site_id, now=now)
    form = AssignForm(
        request.POST or None, choices=choices, initial=_initial(request, story, owner=as_value(story.row.owner))
    )
    words = Words(title=_("Give to someone else"), button=_("Give"), said=_("Given to someone else."))

    def give() -> Loop:
        return actions.assign_loop(
            actor_of(request),
            loop_id=loop_id,
            to=form.to,
            reason=form.cleaned_data["reason"],
            now=now,
            expected_version=form.cleaned_data["version"],
        )

    return _change(request, form, story=story, words=words, do=give)


@both
def snooze(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Put it aside until later."""
    now = current_time()
    story = loop_story(actor_of(request), loop_id=loop_id, now=now)
    until = tomorrow_morning(now, zone=story.row.zone, due_at=story.row.due_at).replace(tzinfo=None)
    form = SnoozeForm(request.POST or None, initial=_initial(request, story, until=until))
    words = Words(title=_("Put aside"), button=_("Put aside"), said=_("Put aside."))

    def put_aside() -> Loop:
        return actions.snooze_loop(
            actor_of(request),
            loop_id=loop_id,
            until=at_site(form.cleaned_data["until"], zone=story.row.zone),
            reason=form.cleaned_data["reason"],
            now=now,
            expected_version=form.cleaned_data["version"],
        )

    return _change(request, form, story=story, words=words, do=put_aside)


@both
def step(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Say what is next."""
    now = current_time()
    story = loop_story(actor_of(request), loop_id=loop_id, now=now)
    form = StepForm(request.POST or None, initial=_initial(request, story))
    words = Words(title=_("Set the next step"), button=_("Set"), said=_("Next step set."), undo=False)

    def set_step() -> Loop:
        return actions.set_next_step(
            actor_of(request),
            loop_id=loop_id,
            step=form.cleaned_data["step"],
            due_at=at_site(form.cleaned_data["due_at"], zone=story.row.zone),
            waiting_on=form.cleaned_data["waiting_on"],
            now=now,
            expected_version=form.cleaned_data["version"],
        )

    return _change(request, form, story=story, words=words, do=set_step)


@both
def priority(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Say how pressing it is."""
    now = current_time()
    story = loop_story(actor_of(request), loop_id=loop_id, now=now)
    form = PriorityForm(request.POST or None, initial=_initial(request, story, priority=story.row.priority))
    words = Words(title=_("How pressing is it?"), button=_("Set"), said=_("Priority set."))

    def press() -> Loop:
        return actions.raise_priority(
            actor_of(request),
            loop_id=loop_id,
            priority=form.cleaned_data["priority"],
            reason=form.cleaned_data["reason"],
            now=now,
            expected_version=form.cleaned_data["version"],
        )

    return _change(request, form, story=story, words=words, do=press)


@both
def evidence(request: HttpRequest, loop_id: int) -> HttpResponse:
    """Record a piece of proof."""
    now = current_time()
    story = loop_story(actor_of(request), loop_id=loop_id, now=now)
    if story.care_decides:
        raise actions.CareDecides
    form = EvidenceForm(request.POST or None, story=story, initial=_initial(request, story))
    words = Words(title=_("Record evidence"), button=_("Record"), said=_("Evidence recorded."))

    def prove() -> Loop:
        return actions.add_evidence_by_hand(
            actor_of(request),
            loop_id=loop_id,
            kind=form.cleaned_data["kind"],
            note=form.cleaned_data["note"],
            now=now,
            expected_version=form.cleaned_data["version"],
        )

    return _change(request, form, story=story, words=words, do=prove)


@both
def give_up(request: HttpRequest, loop_id: int) -> HttpResponse:
    """End it as not kept, with the reason."""
    now = current_time()
    story = loop_story(actor_of(request), loop_id=loop_id, now=now)
    form = ReasonForm(request.POST or None, initial=_initial(request, story))
    words = Words(title=_("Give this up"), button=_("Give up"), said=_("Given up."), grave=True)

    def end_it() -> Loop:
        return actions.give_up_loop_by_hand(
            actor_of(request),
            loop_id=loop_id,
            reason=form.cleaned_data["reason"],
            now=now,
            expected_version=form.cleaned_data["version"],
        )

    return _change(request, form, story=story, words=words, do=end_it)


def _change(
    request: HttpRequest, form: Form, *, story: LoopStory, words: Words, do: Callable[[], Loop]
) -> HttpResponse:
    """The form until it is valid, then what it does; what the action refuses stands beside its field."""
    if not form.is_valid():
        return _form(request, form, story=story, words=words)
    try:
        loop = do()
    except Refusal as refusal:
        if not beside_fields(form, refusal):
            raise
        return _form(request, form, story=story, words=words)
    closed = loop.state == "closed"
    return _done(request, loop, said=_("Closed: the promise is kept.") if closed else words.said, undo=words.undo)


# --- a colleague's desk ---------------------------------------------------------------------------------------


@both
def hand_over_desk(request: HttpRequest) -> HttpResponse:
    """Hand an absent colleague's desk over."""
    now = current_time()
    zone = desk_zone(actor_of(request))
    columns = load(actor_of(request), now=now, zone=zone)
    form = HandOverForm(
        request.POST or None,
        people=[(each.owner.user_id, f"{each.name} ({each.open})") for each in columns if each.owner.user_id],
        covers=covering_choices(columns),
        initial={"from_user": request.GET.get("from", ""), "reason": _("Away")},
    )
    made = _hand_over(request, form, zone=zone, now=now) if form.is_valid() else None
    if made is None:
        page = {"form": form, "columns": columns, "now": now, "time_zone": zone}
        return render(request, "loops/hand_over.html", page, status=422 if form.is_bound else 200)
    said = _("%(count)s loops handed over.") % {"count": made.loops.count()}
    return done(request, said=said, to=_reverse("desk:board", "loops:hand_over"), topics=("desk",), go=True)


def _hand_over(request: HttpRequest, form: HandOverForm, *, zone: tzinfo, now: datetime) -> HandOver | None:
    try:
        return actions.hand_over(
            actor_of(request),
            from_user_id=form.cleaned_data["from_user"],
            to=form.owners,
            reason=form.cleaned_data["reason"],
            until=_midnight(form.cleaned_data["until_on"], zone=zone),
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
    said = _("The hand-over has ended; %(count)s loops went back.") % {"count": count}
    return done(request, said=said, to=_reverse("desk:board", "loops:hand_over"), topics=("desk",), go=True)


# --- answers --------------------------------------------------------------------------------------------------


def _done(request: HttpRequest, loop: Loop, *, said: str, undo: bool = True) -> HttpResponse:
    return done(
        request,
        said=said,
        to=_back(request, loop_id=loop.pk),
        undo_url=reverse("loops:undo", args=[loop.pk]) if undo else "",
        topics=(f"loop:{loop.pk}", f"patient:{loop.patient_id}", "desk"),
    )


def _form(request: HttpRequest, form: Form, *, story: LoopStory, words: Words) -> HttpResponse:
    template = "loops/_form.html" if wants_fragment(request) else "loops/form.html"
    page: dict[str, Any] = {
        "form": form,
        "loop": story.row,
        "words": words,
        "back_url": _back(request, loop_id=story.row.id),
    }
    return render(request, template, page, status=422 if form.is_bound else 200)


def _initial(request: HttpRequest, story: LoopStory, **more: Any) -> dict[str, Any]:
    return {"version": story.row.version, "next": request.GET.get("next", ""), **more}


def _version(request: HttpRequest) -> int | None:
    form = VersionedForm(request.POST)
    return form.cleaned_data["version"] if form.is_valid() else None


def _back(request: HttpRequest, *, loop_id: int) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return loop_url(loop_id) or "/"


def _midnight(on: Any, *, zone: tzinfo) -> datetime | None:
    return datetime.combine(on, time(0), tzinfo=zone) if on else None


def _reverse(*names: str) -> str:
    for name in names:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return "/"
