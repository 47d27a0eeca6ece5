"""The desk's pages: each asks one query and shows it, whole or as the fragment that htmx wanted."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from liaison.accounts import access as account_access
from liaison.core import live
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.near_dates import is_near
from liaison.core.numbers import id_in
from liaison.core.refusals import NotFound
from liaison.desk import queries
from liaison.desk.choices import desk_wish
from liaison.desk.palette import palette as find
from liaison.desk.timeline import KINDS, TimelineWish, kinds_of, timeline_page, years
from liaison.inbox import queries as inbox
from liaison.loops import access as loop_access
from liaison.loops import queries as loops
from liaison.loops.queries import Tab
from liaison.pathways import queries as pathways
from liaison.patients import queries as patients
from liaison.patients.models import Patient
from liaison.records import queries as records

_MOST_OPEN: Final = 20
"""Topics that one page has open, at most."""


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The desk: tabs with counts, rows in order of urgency; `as` asks for one of its pieces."""
    if not actor_of(request).may(loop_access.SEE):
        return redirect(_first_place(actor_of(request)))
    now, zone, wish = current_time(), actor_of(request).zone, desk_wish(request.GET)
    piece = request.GET.get("as", "") if wants_fragment(request) else ""
    if piece == "counts":
        counts = loops.tab_counts(actor_of(request), now=now, zone=zone)
        return render(request, "desk/_tabs.html", {"counts": counts, "wish": wish, "tabs": Tab})
    page = loops.desk_page(
        actor_of(request),
        now=now,
        zone=zone,
        tab=wish.tab,
        after=wish.after,
        filters=wish.filters,
        group=wish.grouped,
        with_counts=piece != "more",
    )
    shown = {"page": page, "wish": wish, "counts": page.counts, "now": now, "time_zone": zone, "kinds": _kinds()}
    shown["covers"] = loops.own_covers(actor_of(request), now=now) if wish.tab in {Tab.OURS, Tab.MINE} else ()
    shown["order"] = loops.order_words()
    template = {"more": "desk/_rows.html", "list": "desk/_list.html"}.get(piece, "desk/home.html")
    return render(request, template, shown)


@require_GET
def loop(request: HttpRequest, loop_id: int) -> HttpResponse:
    """One loop: the page, the panel beside a list, or its row alone (`as=row`)."""
    now = current_time()
    story = loops.loop_story(actor_of(request), loop_id=loop_id, now=now)
    shown: dict[str, Any] = {"story": story, "row": story.row, "now": now, "time_zone": story.row.zone}
    if wants_fragment(request) and request.GET.get("as") == "row":
        wish = desk_wish(request.GET)
        return render(
            request,
            "desk/_row.html",
            {**shown, "wish": wish, "news": queries.moved_off(actor_of(request), story=story, tab=wish.tab)},
        )
    shown["told"] = inbox.told_story(actor_of(request), story=story, now=now)
    shown["also"] = queries.other_loops(actor_of(request), story=story, now=now)
    shown["brief"] = queries.brief(actor_of(request), patient_id=story.row.patient.id, now=now)
    shown["follow_up"] = pathways.follow_up_of_loops(actor_of(request), loop_ids=[loop_id], now=now).get(loop_id)
    if shown["follow_up"]:
        stands = pathways.get_follow_up(actor_of(request), enrolment_id=shown["follow_up"], now=now)
        shown["tried"] = stands.tried
    shown |= {"doing": _doing(request, story=story), "whole": request.GET.get("as") == "page"}
    template = "desk/_loop.html" if wants_fragment(request) else "desk/loop.html"
    return render(request, template, shown)


@require_GET
def patient(request: HttpRequest, patient_id: int) -> HttpResponse:
    """A patient's page: the band, what is promised, what happened, what comes; `as` asks for a piece."""
    now, zone = current_time(), actor_of(request).zone
    page = queries.patient_page(actor_of(request), patient_id=patient_id, now=now)
    if page.patient.pk != patient_id:
        return redirect("desk:patient", page.patient.pk)
    shown = {"page": page, "band": page.band, "now": now, "time_zone": zone}
    piece = request.GET.get("as", "") if wants_fragment(request) else ""
    if piece in {"promised", "coming", "band"}:
        return render(request, f"desk/_{piece}.html", shown)
    return render(request, "desk/patient.html", {**shown, **_happened(request, patient=page.patient, now=now)})


@require_GET
def timeline(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Everything that happened: `kind` and `q` narrow it, `before` goes on or jumps to a year."""
    now, zone = current_time(), actor_of(request).zone
    patient = patients.get_patient(actor_of(request), patient_id=patient_id, now=now)
    piece = request.GET.get("as", "")
    if not wants_fragment(request):
        asked = {name: request.GET[name] for name in ("kind", "q", "before") if request.GET.get(name)}
        wanted = f"?{urlencode(asked)}" if asked else ""
        return redirect(f"{reverse('desk:patient', args=[patient.pk])}{wanted}#happened")
    shown = {"band": None, "now": now, "time_zone": zone}
    if piece == "more":
        return render(request, "desk/_entries.html", {**shown, **_told(request, patient=patient, now=now)})
    return render(request, "desk/_timeline.html", {**shown, **_happened(request, patient=patient, now=now)})


@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """The supervisor's board: a column for everyone who has something open, and one strip for those with nothing.

    `as=free` asks for the strip alone; `had` names who stood in it, so that who got a loop comes with it as a column.
    """
    now, zone = current_time(), actor_of(request).zone
    columns = loops.load(actor_of(request), now=now, zone=zone)
    busy, free = queries.folded(columns, kept=request.GET.getlist("had"))
    shown = {"columns": columns, "busy": busy, "free": free, "now": now, "time_zone": zone}
    shown |= {"most": max((each.open for each in columns), default=0)}
    if wants_fragment(request) and request.GET.get("as") == "free":
        return render(request, "desk/_free_live.html", shown)
    return render(request, "desk/board.html", shown)


@require_GET
def column(request: HttpRequest) -> HttpResponse:
    """One column of the board with its loops, the most urgent first; `as=more` only further cards.

    Nothing once it is empty: its owner then stands in the strip of those with nothing open.
    """
    now, zone = current_time(), actor_of(request).zone
    columns = loops.load(actor_of(request), now=now, zone=zone)
    chosen = next((each for each in columns if each.value == request.GET.get("owner", "")), None)
    if chosen is None:
        raise NotFound
    page = loops.desk_page(
        actor_of(request),
        now=now,
        zone=zone,
        tab=Tab.ALL,
        after=request.GET.get("after", ""),
        limit=20,
        filters=loops.DeskFilters(owner=chosen.owner),
        with_counts=False,
    )
    if not queries.folded([chosen], kept=())[0]:
        return HttpResponse()
    most = max(each.open for each in columns)
    shown = {"page": page, "columns": columns, "each": chosen, "owner_value": chosen.value, "most": most}
    template = "desk/_cards.html" if request.GET.get("as") == "more" else "desk/_column.html"
    return render(request, template, {**shown, "now": now, "time_zone": zone})


@require_GET
def palette(request: HttpRequest) -> HttpResponse:
    """What the palette finds: patients by what was typed, and the actions with these words."""
    typed, here = request.GET.get("q", "")[:200], id_in(request.GET.get("patient"))
    found = find(actor_of(request), text=typed, patient_id=here, now=current_time())
    return render(request, "desk/_palette.html", {"found": found})


@require_POST
def presence(request: HttpRequest) -> HttpResponse:
    """Say that this topic is open here, and show who else has it open."""
    topic, now = request.POST.get("topic", ""), current_time()
    live.beat(actor_of(request), topic=topic, now=now)
    others = live.others_present(actor_of(request), topic=topic, now=now)
    names = get_text_list([one.name for one in others], _("and"))
    shown = {"others": others, "more": len(others) - 1, "all_names": names}
    return render(request, "desk/_present.html", shown)


@require_POST
def gone(request: HttpRequest) -> HttpResponse:
    """Say that these topics were closed here. Who has one open in another tab is back with that tab's next beat."""
    for topic in request.POST.getlist("topic")[:_MOST_OPEN]:
        live.leave(actor_of(request), topic=topic[:100])
    return HttpResponse(status=204)


def _happened(request: HttpRequest, *, patient: Patient, now: datetime) -> dict[str, Any]:
    """The timeline with what narrows it, and on its first page what the chart dates later than now."""
    actor, shown = actor_of(request), _told(request, patient=patient, now=now)
    shown["kinds"] = [kind for kind, _ in KINDS]
    shown["years"] = years(actor, patient=patient, now=now, zone=actor.zone)
    if not shown["text"] and not shown["before"]:
        kinds = kinds_of(shown["kind"])
        shown["later"] = records.dated_later(actor, patient=patient, now=now, zone=actor.zone, kinds=kinds)
    return shown


def _told(request: HttpRequest, *, patient: Patient, now: datetime) -> dict[str, Any]:
    """One page of the timeline, and what it was asked for."""
    actor, word, text = actor_of(request), request.GET.get("kind", ""), request.GET.get("q", "").strip()[:100]
    before = _instant(request.GET.get("before", ""))
    wish = TimelineWish(now=now, zone=actor.zone, kinds=kinds_of(word), text=text, before=before)
    return {
        "patient_id": patient.pk,
        "told": timeline_page(actor, patient=patient, wish=wish),
        "kind": word if wish.kinds else "",
        "text": text,
        "before": wish.before,
    }


def _instant(typed: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return at if at.tzinfo and is_near(at) else None


def _doing(request: HttpRequest, *, story: loops.LoopStory) -> str:
    """The address of the small form that `?do=assign` opens inside the panel, "" for none."""
    wanted = request.GET.get("do", "")
    if wanted not in {"assign", "snooze", "evidence", "step", "priority", "give_up"}:
        return ""
    return reverse(f"loops:{wanted}", args=[story.row.id])


def _kinds() -> tuple[tuple[str, str], ...]:
    return loops.kind_choices()


def _first_place(actor: Actor) -> str:
    """Where somebody begins whose role has no desk."""
    if actor.may_at(account_access.SEARCH_AUDIT, site_id=EVERYWHERE):
        return reverse("accounts:audit")
    return reverse("accounts:people") if actor.may(account_access.MANAGE_PEOPLE) else reverse("accounts:mine")
