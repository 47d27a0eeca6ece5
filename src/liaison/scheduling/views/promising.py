"""What a visit is for: named by the link that led here, chosen by hand, or the one promise that waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liaison.core.numbers import id_in
from liaison.orders.queries import referral_to_book
from liaison.patients.models import Patient
from liaison.scheduling import queries
from liaison.scheduling.forms import NOTHING, UNSAID, read_promise, written_promise
from liaison.scheduling.queries import Awaiting
from liaison.scheduling.views.first_answers import Booking, kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """What there is to choose from as (value, words), and a word on why it stands as it does."""

    options: Sequence[tuple[str, str]] = ()
    told: str = ""


def named_promise(patient: Patient, given: QueryDict, *, is_posted: bool) -> tuple[int | None, int | None]:
    """The loop and the referral that the form or the link names; a loop that is a referral's names that too."""
    if "serves" in given:
        said = read_promise(str(given["serves"])) if is_posted or _is_said(given) else None
        loop_id, referral_id = said or (None, None)
    else:
        loop_id, referral_id = id_in(given.get("loop")), id_in(given.get("referral"))
    return loop_id, referral_id or referral_to_book(patient=patient, loop_id=loop_id or 0)


def forgotten(booking: Booking, given: QueryDict) -> frozenset[str]:
    """What is looked for anew because somebody chose another promise: kind, place and person that can't be for it."""
    if given.get("serves") == given.get("serves_shown"):
        return frozenset()
    if booking.referral_id is not None:
        return frozenset({"visit_type", "site", "with_id"})
    known = {str(kind.pk) for kind in kinds(booking)}
    return frozenset() if given.get("visit_type") in known else frozenset({"visit_type"})


def choose_promise(
    booking: Booking, typed: dict[str, Any], given: QueryDict, *, is_posted: bool
) -> tuple[Booking, Promised]:
    """What the visit may be for, and what it is for as it stands: the one promise that fits, where nobody said."""
    if booking.moving is not None:
        return booking, Promised()
    found = queries.awaiting(booking.actor, patient=booking.patient, places=booking.places, now=booking.now)
    if is_posted or _is_said(given) or booking.loop_id is not None or booking.referral_id is not None:
        return booking, _as_said(booking, typed, given, found)
    if not found:
        return booking, Promised(told=_("Nothing that they were promised waits for a visit."))
    return _by_itself(booking, typed, found)


def _is_said(given: QueryDict) -> bool:
    """Whether somebody said what it is for; what stood there by itself is looked for anew with each change."""
    return "serves" in given and given["serves"] != given.get("serves_first")


def _as_said(booking: Booking, typed: dict[str, Any], given: QueryDict, found: Sequence[Awaiting]) -> Promised:
    named = written_promise(booking.loop_id, booking.referral_id)
    value = given.get("serves", named)
    typed |= {"serves": value, "serves_shown": value, "serves_first": ""}
    options = [(_value(one), one.title) for one in found]
    if value == named != NOTHING and value not in dict(options):
        options.insert(0, (value, _title(booking)))
    return Promised(options=_with_nothing(options, value)) if options else Promised()


def _by_itself(booking: Booking, typed: dict[str, Any], found: Sequence[Awaiting]) -> tuple[Booking, Promised]:
    fitting = _fitting(booking, typed, found)
    booking, told = _take(booking, fitting, of=len(found))
    value = _value(fitting[0]) if len(fitting) == 1 else UNSAID if fitting else NOTHING
    typed |= {"serves": value, "serves_shown": value, "serves_first": value}
    return booking, Promised(options=_with_nothing([(_value(one), one.title) for one in found], value), told=told)


def _with_nothing(options: Sequence[tuple[str, str]], value: str) -> Sequence[tuple[str, str]]:
    unsaid = [(UNSAID, _("Choose what it is for"))] if value == UNSAID else []
    return [*unsaid, *options, (NOTHING, _("Nothing in particular"))]


def _fitting(booking: Booking, typed: Mapping[str, Any], found: Sequence[Awaiting]) -> Sequence[Awaiting]:
    chosen = next((kind for kind in kinds(booking) if str(kind.pk) == typed.get("visit_type")), None)
    if chosen is None:
        return ()
    site_id, person_id = id_in(typed.get("site")), id_in(typed.get("with_id"))
    return queries.what_fits(found, visit_type=chosen, site_id=site_id, person_id=person_id)


def _take(booking: Booking, fitting: Sequence[Awaiting], *, of: int) -> tuple[Booking, str]:
    if len(fitting) == 1:
        one = fitting[0]
        places = tuple(site for site in booking.places if not one.awaited.sites or site.pk in one.awaited.sites)
        booking = replace(booking, loop_id=one.loop_id, referral_id=one.referral_id, places=places)
        return booking, _("The only promise that waits for such a visit.")
    if fitting:
        return booking, _("%(count)s promises wait for such a visit.") % {"count": len(fitting)}
    told = ngettext(
        "One promise waits for a visit, of another kind than this.",
        "%(count)s promises wait for a visit, of another kind than this.",
        of,
    )
    return booking, told % {"count": of}


def _value(one: Awaiting) -> str:
    return written_promise(one.loop_id, one.referral_id)


def _title(booking: Booking) -> str:
    """What the promise is called that a link named; a referral alone by whom it asks."""
    if booking.loop_id is not None:
        called = queries.promise_called(booking.actor, patient=booking.patient, loop_id=booking.loop_id)
        if called:
            return called
    asked = queries.asked_by(booking.patient, referral_id=booking.referral_id)
    return _("Referral: %(name)s") % {"name": asked.name} if asked is not None else _("What the link named")
