"""One screen for how a patient wants to be reached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from liaison.core.answers import done, says_what_is_kept, tell_now
from liaison.core.asking import actor_of, refuse_form_unless
from liaison.core.clock import current_time
from liaison.core.languages import shortest_tag
from liaison.core.refusals import Forbidden, NotFound, Refusal, Stale
from liaison.inbox import access, actions
from liaison.inbox.forms.reaching import CHANNEL_HEADS, NewPointForm, PersonForm, PointForm, StandingsForm
from liaison.inbox.queries import PointNow, ReachSheet, reach_sheet
from liaison.patients.actions import ContactDetails
from liaison.patients.models import Patient
from liaison.patients.queries import get_patient

_NOTE_OF_POINT: Final = re.compile(r"p\d+-note")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forms:
    """The forms of the screen, sent or fresh."""

    points: list[PointForm]
    new: NewPointForm
    person: PersonForm
    standings: StandingsForm

    @property
    def are_valid(self) -> bool:
        """Whether the shape of all of them is right; each that was sent is asked, so that every error shows."""
        sent = [form for form in (*self.points, self.new, self.person, self.standings) if form.is_bound]
        wrong = [form for form in sent if not form.is_valid()]
        return not wrong

    @property
    def say_what_is_kept(self) -> bool:
        """After a stale save: whether all that was sent is kept by now, so that nothing is left to save."""
        told = [form for form in (*self.points, self.person) if form.is_bound]
        same = all(says_what_is_kept(form) for form in told) and self.new.is_valid() and self.standings.is_valid()
        new = self.new.wish if same else None
        return same and not self.standings.wish and (new is None or any(_is(point, new) for point in self.points))

    def tell_now(self) -> None:
        """After a stale save: say beside each field that differs what it says now."""
        for form in (*self.points, self.person, self.standings):
            if form.is_bound:
                tell_now(form)


@require_http_methods(["GET", "POST"])
def reach(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Numbers and addresses with what is allowed on each, languages, best times, and what they want by channel."""
    actor, now = actor_of(request), current_time()
    patient = get_patient(actor, patient_id=patient_id, now=now)
    refuse_form_unless(request, access.NOTE_PREFERENCE, patient=patient, now=now)
    sheet = reach_sheet(actor, patient=patient, now=now)
    forms = _forms(request, sheet, patient=patient)
    problem, status, against = "", 200, request.POST.get("seen", sheet.seen)
    if request.method == "POST":
        status = 422
        if forms.are_valid:
            try:
                actions.save_reach(actor, patient=patient, wish=_wish(request, sheet, forms), now=now)
            except (Forbidden, NotFound):
                raise
            except Stale as refusal:
                problem, status = refusal.sentence, refusal.status
                patient = get_patient(actor, patient_id=patient_id, now=now)
                sheet = reach_sheet(actor, patient=patient, now=now)
                forms, against = _forms(request, sheet, patient=patient), sheet.seen
                if forms.say_what_is_kept and not _asks_for_the_gone(request, sheet):
                    return _saved(request, patient)
                forms.tell_now()
                problem = _with_the_gone(request, sheet, problem)
            except Refusal as refusal:
                problem, status = " ".join([refusal.sentence, *refusal.fields.values()]), refusal.status
            else:
                return _saved(request, patient)
    context = {
        "patient": patient,
        "sheet": sheet,
        "forms": forms,
        "problem": problem,
        "heads": list(CHANNEL_HEADS.values()),
        "seen": against,
        "back_url": reverse("desk:patient", args=[patient.pk]),
        "now": now,
    }
    return render(request, "inbox/reach.html", context, status=status)


def _saved(request: HttpRequest, patient: Patient) -> HttpResponse:
    return done(request, said=_("Saved."), to=reverse("desk:patient", args=[patient.pk]), go=True)


def _is(form: PointForm, new: ContactDetails) -> bool:
    """Whether a number or address that is kept is the new one of the form, as it was typed or written otherwise."""
    kept = form.point.details
    named = (kept.kind, kept.use, kept.may_text, kept.may_email) == (new.kind, new.use, new.may_text, new.may_email)
    return named and " ".join(new.value.split()) == kept.value


def _forms(request: HttpRequest, sheet: ReachSheet, *, patient: Patient) -> _Forms:
    data = request.POST or None
    person = actions.PersonWish(
        spoken_language=shortest_tag(patient.spoken_language),
        written_language=shortest_tag(patient.written_language),
        interpreter_needed=patient.interpreter_needed,
        best_time=patient.best_time,
        mobility_needs=patient.mobility_needs,
    )
    return _Forms(
        points=[_point(request, point=point) for point in sheet.points] if sheet.may_change_points else [],
        new=NewPointForm(data, prefix="new"),
        person=PersonForm(data, person=person),
        standings=StandingsForm(data, standings=sheet.standings),
    )


def _point(request: HttpRequest, *, point: PointNow) -> PointForm:
    """What was ticked for it; as it is kept, for one that was added after the form was opened."""
    return PointForm(request.POST if f"p{point.id}-note" in request.POST else None, point=point)


def _asks_for_the_gone(request: HttpRequest, sheet: ReachSheet) -> bool:
    """Whether something else was asked of a number or address that is kept no more than to end it."""
    kept = {point.id for point in sheet.points}
    sent = {int(name[1:].split("-")[0]) for name in request.POST if _NOTE_OF_POINT.fullmatch(name)}
    return any(f"p{pk}-gone" not in request.POST for pk in sent - kept)


def _with_the_gone(request: HttpRequest, sheet: ReachSheet, problem: str) -> str:
    """Say too that a number or address of the form that was sent is kept no more."""
    kept = {f"p{point.id}-note" for point in sheet.points}
    sent = {name for name in request.POST if _NOTE_OF_POINT.fullmatch(name)}
    if not sent - kept:
        return problem
    return " ".join([problem, _("A number or address that you had before you is no longer theirs.")])


def _wish(request: HttpRequest, sheet: ReachSheet, forms: _Forms) -> actions.ReachWish:
    return actions.ReachWish(
        seen=request.POST.get("seen", ""),
        person=forms.person.wish if sheet.may_change_person else None,
        points=[form.wish for form in forms.points if form.is_bound],
        new=forms.new.wish if sheet.may_change_points else None,
        standings=forms.standings.wish,
        source=forms.standings.cleaned_data["source"],
    )
