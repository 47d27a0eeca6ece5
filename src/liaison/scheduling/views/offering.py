"""One freed time: whom it suits and why, offering it, and what they say on the phone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.accounts.models import Site
from liaison.accounts.queries import sites_within
from liaison.core.actor import Actor
from liaison.core.answers import done, put_beside
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.numbers import id_in
from liaison.core.refusals import Forbidden
from liaison.scheduling import actions, queries
from liaison.scheduling.access import OFFER
from liaison.scheduling.forms import OpenTimeForm
from liaison.scheduling.models import WaitlistOffer
from liaison.scheduling.ports import Span
from liaison.scheduling.rules import OfferBy, OfferState, settle

OFFER_WORDS: Mapping[str, str | Promise] = MappingProxyType(
    {
        OfferState.OFFERED.value: gettext_lazy("Waits for an answer"),
        OfferState.ACCEPTED.value: gettext_lazy("Accepted"),
        OfferState.DECLINED.value: gettext_lazy("Declined"),
        OfferState.EXPIRED.value: gettext_lazy("Not answered in time"),
        OfferState.WITHDRAWN.value: gettext_lazy("Withdrawn"),
        OfferState.SUPERSEDED.value: gettext_lazy("Taken by somebody else"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is done about an answer, and what is said afterwards."""

    do: Callable[..., WaitlistOffer]
    words: str | Promise


_SAID: Mapping[str, Said] = MappingProxyType(
    {
        "accepted": Said(
            do=actions.accept_offer, words=gettext_lazy("Booked. The visit says how the patient is told.")
        ),
        "declined": Said(do=actions.decline_offer, words=gettext_lazy("Noted. They stay on the waitlist.")),
        "withdrawn": Said(do=actions.withdraw_offer, words=gettext_lazy("Withdrawn. The time is free again.")),
    }
)


@require_GET
def opening(request: HttpRequest, opening_id: int) -> HttpResponse:
    """One freed time with those whom it suits, the best first."""
    return _show(request, opening_id=opening_id, now=current_time())


@require_http_methods(["GET", "POST"])
def name_a_time(request: HttpRequest) -> HttpResponse:
    """Name a stretch of time by hand, and see whom it suits."""
    actor, now = actor_of(request), current_time()
    if not actor.may(OFFER):
        raise Forbidden
    sites = _sites(actor)
    first = {"site": id_in(request.GET.get("site")), "on": request.GET.get("on", "")}
    form = OpenTimeForm(request.POST or None, sites=sites, initial=first)
    if form.is_valid():
        typed = form.cleaned_data
        site = next(site for site in sites if site.pk == typed["site"])
        span = Span(
            settle(on=typed["on"], at=typed["from_at"], zone=site.zone).at,
            settle(on=typed["on"], at=typed["to_at"], zone=site.zone).at,
        )
        try:
            found = actions.open_by_hand(actor=actor, site=site, span=span, now=now)
        except actions.Impossible as refusal:
            put_beside(form, refusal)
        else:
            return redirect("scheduling:opening", found.pk)
    return render(request, "scheduling/opening_new.html", {"form": form}, status=422 if form.is_bound else 200)


@require_POST
def offer(request: HttpRequest, opening_id: int) -> HttpResponse:
    """Hold the time for one patient and offer it."""
    actor, now = actor_of(request), current_time()
    found = queries.get_opening(actor, opening_id=opening_id)
    entry = queries.get_entry(actor, entry_id=id_in(request.POST.get("entry")) or 0, now=now)
    by = OfferBy.MAIL if request.POST.get("by") == OfferBy.MAIL else OfferBy.PHONE
    try:
        made = actions.offer_to_one(actor=actor, wait=entry, opening=found, by=by, now=now)
    except (actions.NoLongerFits, actions.AlreadyOffered, actions.TooLateToOffer, actions.NoMail) as refusal:
        return _show(request, opening_id=opening_id, refusal=refusal, now=now)
    held = _("Held for %(name)s until %(until)s.") % {
        "name": entry.patient.goes_by,
        "until": f"{made.expires_at.astimezone(found.site.zone):%a %H:%M}",
    }
    unread = queries.why_offer_unread(entry.patient, now=now) if by is OfferBy.MAIL else ""
    said = f"{held} {unread}".strip()
    return done(request, said=said, to=reverse("scheduling:opening", args=[opening_id]), go=True)


@require_POST
def offer_several(request: HttpRequest, opening_id: int) -> HttpResponse:
    """Offer the time to several by mail; the first to accept gets it."""
    actor = actor_of(request)
    found = queries.get_opening(actor, opening_id=opening_id)
    ids = [number for text in request.POST.getlist("entries") if (number := id_in(text)) is not None]
    sent = actions.offer_to_several(actor=actor, opening=found, entry_ids=ids, now=current_time())
    said = ngettext("Offered to %(n)s patient.", "Offered to %(n)s patients.", len(sent.offers))
    if sent.left_out:
        said += " " + ngettext(
            "%(left)s could not be offered it.", "%(left)s could not be offered it.", len(sent.left_out)
        )
    words = said % {"n": len(sent.offers), "left": len(sent.left_out)}
    return done(request, said=words, to=reverse("scheduling:opening", args=[opening_id]), go=True)


@require_POST
def heard(request: HttpRequest, offer_id: int, said: str) -> HttpResponse:
    """What the patient said on the phone, or that we take the offer back."""
    if said not in _SAID:
        raise Http404
    actor, now = actor_of(request), current_time()
    found = queries.get_offer(actor, offer_id=offer_id, now=now)
    try:
        row = _SAID[said].do(actor=actor, offer=found, now=now)
    except (actions.OfferOver, actions.PatientBusy, actions.NoTimeToTravel, actions.JourneyGap) as refusal:
        return _show(request, opening_id=found.opening_id, refusal=refusal, now=now)
    to = reverse("scheduling:opening", args=[found.opening_id])
    if row.appointment_id is not None:
        to = reverse("scheduling:appointment", args=[row.appointment_id])
    words = _("This time is gone: somebody took it.") if row.state == OfferState.SUPERSEDED else str(_SAID[said].words)
    return done(request, said=words, to=to, go=True)


def _show(request: HttpRequest, *, opening_id: int, now: datetime, refusal: Any = None) -> HttpResponse:
    actor = actor_of(request)
    found = queries.get_opening(actor, opening_id=opening_id)
    shown = queries.freed_time(actor, opening=found, now=now)
    context = {
        "freed": shown,
        "opening": found,
        "offers": [
            (one, OFFER_WORDS[one.state], queries.offer_unread(one, now=now))
            for one in queries.live_offers_of(actor, opening=found, now=now)
        ],
        "some_mail": any(one.takes_mail and not one.has_offer for one in shown.candidates),
        "refusal": refusal,
        "time_zone": found.site.time_zone,
        "now": now,
    }
    return render(request, "scheduling/opening.html", context, status=refusal.status if refusal else 200)


def _sites(actor: Actor) -> tuple[Site, ...]:
    return tuple(sites_within(actor, OFFER))
