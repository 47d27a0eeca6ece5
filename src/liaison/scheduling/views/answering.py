"""The page behind the link in an offer: a time, a place, yes or no. No name and nothing clinical stands on it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.patient_pages import language_for, patient_page
from liaison.core.refusals import Refusal
from liaison.scheduling import actions
from liaison.scheduling.models import WaitlistOffer
from liaison.scheduling.rules import OfferState, language_of_invitation

_BY_LINK = system_actor("the patient, by link")


@login_not_required
@csrf_exempt  # the signed address is the whole proof: who can forge the press holds it already
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Show the offer; only a press of a button answers it, so that a mail scanner that opens links does not.

    Whoever holds the signed address may answer. What was answered once is only shown again.
    """
    now = current_time()
    offer = actions.offer_of_link(token)
    said = request.POST.get("said", "")
    refused = False
    if request.method == "POST" and said in {"yes", "no"}:
        do = actions.accept_offer if said == "yes" else actions.decline_offer
        try:
            do(actor=_BY_LINK, offer=offer, now=now)
        except actions.OfferOver:
            return redirect(request.get_full_path())
        except Refusal:  # what staff would see as a question is a call for the patient
            refused = True
        else:
            return redirect(request.get_full_path())
    return _page(request, offer, refused=refused, now=now)


def _page(request: HttpRequest, offer: WaitlistOffer, *, refused: bool, now: datetime) -> HttpResponse:
    state = OfferState(offer.state)
    if state is OfferState.OFFERED and now >= offer.expires_at:
        state = OfferState.EXPIRED
    site = offer.opening.site
    context = {
        "state": "refused" if refused else state.value,
        "starts_on": offer.local_start,
        "site": site,
        "call": site.number_to_call(),
        "until": offer.expires_at.astimezone(site.zone),
    }
    language = language_for(request, otherwise=language_of_invitation(offer.language))
    return patient_page(request, "scheduling/answer.html", context, language=language, status=409 if refused else 200)
