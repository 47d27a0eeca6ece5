"""The page behind the link in an offer: a time, a place, yes or no. No name and nothing clinical stands on it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_http_methods

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.refusals import Refusal
from liaison.scheduling import actions
from liaison.scheduling.models import WaitlistOffer
from liaison.scheduling.rules import OfferState, language_of_invitation

_LANGUAGES = {"en": "English", "es": "Español"}
_BY_LINK = system_actor("the patient, by link")


@login_not_required
@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """Show the offer; only a press of a button answers it, so that a mail scanner that opens links does not.

    Whoever holds the signed address may answer. What was answered once is only shown again.
    """
    offer = actions.offer_of_link(token)
    said = request.POST.get("said", "")
    refused = False
    if request.method == "POST" and said in {"yes", "no"}:
        do = actions.accept_offer if said == "yes" else actions.decline_offer
        try:
            do(actor=_BY_LINK, offer=offer, now=current_time())
        except actions.OfferOver:
            return redirect(request.get_full_path())
        except Refusal:  # what staff would see as a question is a call for the patient
            refused = True
        else:
            return redirect(request.get_full_path())
    return _page(request, offer, refused=refused)


def _page(request: HttpRequest, offer: WaitlistOffer, *, refused: bool) -> HttpResponse:
    asked = request.GET.get("lang", "")
    language = asked if asked in _LANGUAGES else language_of_invitation(offer.language)
    now = current_time()
    state = OfferState(offer.state)
    if state is OfferState.OFFERED and now >= offer.expires_at:
        state = OfferState.EXPIRED
    with translation.override(language):
        context = {
            "state": "refused" if refused else state.value,
            "starts_on": offer.local_start,
            "site": offer.opening.site,
            "until": offer.expires_at.astimezone(offer.opening.site.zone),
            "languages": [(code, name) for code, name in _LANGUAGES.items() if code != language],
            "is_spanish": language == "es",
        }
        response = render(request, "scheduling/answer.html", context, status=409 if refused else 200)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
