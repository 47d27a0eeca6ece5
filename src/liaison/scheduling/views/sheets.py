"""A day on paper: a sheet for each person or room, with nothing on it that the reader may not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.scheduling import queries
from liaison.scheduling.models import ResourceKind
from liaison.scheduling.queries import DayRow, DayVisit
from liaison.scheduling.views.calendar import look_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One visit on a sheet; `patient` is the name or the initials, "" where the reader may not see whose it is."""

    visit: DayVisit
    patient: str
    others: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One resource's day."""

    row: DayRow
    lines: Sequence[Line]


@require_GET
def sheets(request: HttpRequest) -> HttpResponse:
    """The sheets of a day: of people, or of what `kind` says. `names=initials` leaves the names out.

    Printing is looking: the patients on the sheets are kept as seen.
    """
    now = current_time()
    look, context = look_of(request, "scheduling:sheets", now=now)
    kind = look.only.kind or ResourceKind.PERSON
    only = queries.Filter(kind=kind, name=look.only.name)
    shown = queries.day(actor_of(request), site=look.site, on=look.on, only=only, now=now)
    in_initials = request.GET.get("names") == "initials"
    context |= {
        "sheets": [_sheet(row, in_initials=in_initials) for row in shown.rows if row.visits],
        "in_initials": in_initials,
        "kind": kind,
        "with_names": look.url(view="scheduling:sheets", kind=kind),
        "with_initials": look.url(view="scheduling:sheets", kind=kind, names="initials"),
        "of_people": look.url(view="scheduling:sheets", kind="person", names="initials" if in_initials else ""),
        "of_rooms": look.url(view="scheduling:sheets", kind="room", names="initials" if in_initials else ""),
        "of_devices": look.url(view="scheduling:sheets", kind="device", names="initials" if in_initials else ""),
        "back": f"{reverse('scheduling:day')}?site={look.site.pk}&on={look.on.isoformat()}",
        "by": actor_of(request).name,
    }
    return render(request, "scheduling/sheets.html", context)


def _sheet(row: DayRow, *, in_initials: bool) -> Sheet:
    return Sheet(
        row=row,
        lines=[
            Line(
                visit=visit,
                patient=initials(visit.patient_name) if in_initials else visit.patient_name,
                others=", ".join(name for resource_id, name in visit.taken if resource_id != row.resource_id),
            )
            for visit in row.visits
        ],
    )


def initials(name: str) -> str:
    """The first letter of each part of a name: "Walter Ng" is "W. N."."""
    return " ".join(f"{part[0]}." for part in name.split())
