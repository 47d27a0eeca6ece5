"""People who may be registered twice: deciding, merging, undoing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import attempt, done
from liaison.core.clock import current_time
from liaison.core.refusals import NotFound
from liaison.patients import access, actions, queries
from liaison.patients.forms import MergeForm, ReasonForm
from liaison.patients.views.asking import chart_url, must_carry


@require_GET
def duplicates(request: HttpRequest) -> HttpResponse:
    """Pairs to decide on, and merges that can be undone."""
    actor, now = must_carry(request, access.MERGE), current_time()
    rows = queries.duplicates(actor, now=now)
    context = {
        "rows": rows,
        "more": queries.count_duplicates(actor, now=now) - len(rows),
        "merges": queries.standing_merges(actor, now=now),
        "now": now,
        "time_zone": actor.zone,
    }
    return render(request, "patients/duplicates.html", context)


@require_POST
def keep_apart(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """They are two people."""
    actor, now = must_carry(request, access.MERGE), current_time()
    candidate = queries.get_candidate(actor, candidate_id=candidate_id, now=now)
    actions.keep_apart(actor=actor, candidate=candidate, now=now)
    return done(request, said=_("Kept apart: two people."), to=reverse("patients:duplicates"), go=True)


@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, left_id: int, right_id: int) -> HttpResponse:
    """Two registrations side by side; POST merges them."""
    actor, now = must_carry(request, access.MERGE), current_time()
    pair = [queries.get_patient(actor, patient_id=pk, verb=access.MERGE, now=now) for pk in (left_id, right_id)]
    if {patient.pk for patient in pair} != {left_id, right_id} or left_id == right_id:
        raise NotFound(_("One of these was merged already. Open it to see where it went."))
    both = queries.compare_patients(actor, left=pair[0], right=pair[1], now=now)
    choices = [(str(patient.pk), patient.display_name) for patient in pair]
    form = MergeForm(
        request.POST or None,
        choices=choices,
        conflict=both.likeness.conflict,
        initial={"survivor": str(min(left_id, right_id))},
    )
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        survivor, merged = pair if typed["survivor"] == str(left_id) else pair[::-1]
        record = attempt(
            form,
            lambda: actions.merge_patients(
                actor=actor,
                survivor=survivor,
                merged=merged,
                reason=typed["reason"],
                conflict_checked=typed.get("conflict_checked", False),
                now=now,
            ),
        )
        if record is not None:
            return done(request, said=_("Merged. It can be undone."), to=chart_url(survivor.pk), go=True)
    context = {"both": both, "form": form, "now": now}
    return render(request, "patients/merge.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def unmerge(request: HttpRequest, merge_id: int) -> HttpResponse:
    """A merge was a mistake."""
    actor, now = must_carry(request, access.MERGE), current_time()
    record = queries.get_merge(actor, merge_id=merge_id, now=now)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        attempt(form, lambda: actions.unmerge_patients(actor=actor, merge=record, reason=reason, now=now))
        if not form.errors:
            said = _("Undone: both stand for themselves again.")
            return done(request, said=said, to=reverse("patients:duplicates"), go=True)
    context = {"merge": record, "form": form, "now": now, "time_zone": actor.zone}
    return render(request, "patients/unmerge.html", context, status=422 if form.errors else 200)
