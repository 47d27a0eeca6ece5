"""The board of the clinic's flow: who is expected, waits, is in a room, is being seen, has left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.views.decorators.http import require_GET

from liaison.core.actor import Actor
from liaison.core.answers import wants_fragment
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden
from liaison.scheduling import queries
from liaison.scheduling.access import ASK_BARRIER, ATTEND, LATE
from liaison.scheduling.ports import Stage
from liaison.scheduling.queries import FlowBoard, FlowCard
from liaison.scheduling.rules import BARRIERS, Barrier
from liaison.scheduling.views.attending import STAGE_WORDS, STEPS, Step
from liaison.scheduling.views.calendar import site_to_show

STAGE_ICONS: Mapping[Stage, str] = MappingProxyType(
    {
        Stage.EXPECTED: "calendar-event",
        Stage.ARRIVED: "user-check",
        Stage.CHECKED_IN: "clipboard-check",
        Stage.ROOMED: "map-pin",
        Stage.SEEN: "stethoscope",
        Stage.LEFT: "checks",
    }
)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCard:
    """A card with its minutes, and the press that this actor has; `choose_room` when the room is to be chosen."""

    card: FlowCard
    waited: int | None
    late: int | None
    step: Step | None
    choose_room: bool
    may_decide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownColumn:
    """A column with its words."""

    stage: Stage
    words: str | Promise
    icon: str
    cards: tuple[ShownCard, ...]


@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """Today at one site. `site` and `clinician` in the address; without `site` the one looked at last."""
    actor, now = actor_of(request), current_time()
    sites = queries.sites_to_see(actor)
    if not sites:
        raise Forbidden
    site = site_to_show(request, sites, id_in(request.GET.get("site")))
    clinician_id = id_in(request.GET.get("clinician"))
    shown = queries.flow_board(actor, site_id=site.pk, clinician_id=clinician_id, now=now)
    context = {
        "board": shown,
        "columns": _columns(actor, shown, now=now),
        "median": None if shown.median_wait is None else shown.median_wait // _MINUTE,
        "barriers": {code.value: words for code, words in BARRIERS.items()},
        "missed": [(row, BARRIERS[Barrier(row.barrier)] if row.barrier else "") for row in shown.missed],
        "may_attend": actor.may_at(ATTEND, site_id=site.pk),
        "may_ask": actor.may_at(ASK_BARRIER, site_id=site.pk),
        "sites": sites,
        "own_url": reverse("scheduling:flow"),
        "time_zone": site.time_zone,
        "now": now,
    }
    template = "scheduling/_flow.html" if wants_fragment(request) else "scheduling/flow.html"
    return render(request, template, context)


def _columns(actor: Actor, shown: FlowBoard, *, now: datetime) -> list[ShownColumn]:
    taken = {room.resource_id for room in shown.rooms if room.taken}
    return [
        ShownColumn(
            stage=column.stage,
            words=STAGE_WORDS[column.stage],
            icon=STAGE_ICONS[column.stage],
            cards=tuple(_card(actor, card, taken=taken, site_id=shown.site.pk, now=now) for card in column.cards),
        )
        for column in shown.columns
    ]


def _card(actor: Actor, card: FlowCard, *, taken: set[int], site_id: int, now: datetime) -> ShownCard:
    step = STEPS[card.following.value] if card.following is not None else None
    if step is not None and not actor.may_at(step.verb, site_id=site_id):
        step = None
    to_room = step is not None and card.following is Stage.ROOMED
    waits = card.stage not in {Stage.EXPECTED, Stage.LEFT}
    return ShownCard(
        card=card,
        waited=max(0, (now - card.since_at) // _MINUTE) if waits else None,
        late=None if card.late is None else card.late // _MINUTE,
        step=step,
        choose_room=to_room and (card.room_id is None or card.room_id in taken),
        may_decide=card.is_visible and card.asks and actor.may_at(LATE, site_id=site_id),
    )
