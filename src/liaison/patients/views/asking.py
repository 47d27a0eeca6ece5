"""What every view of this package asks of a request."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from liaison.core.actor import Actor
from liaison.core.asking import actor_of
from liaison.core.refusals import Forbidden
from liaison.core.verbs import Verb


def must_carry(request: HttpRequest, verb: Verb) -> Actor:
    """Who asks, when they may do this somewhere. Refuses: Forbidden."""
    actor = actor_of(request)
    if not actor.may(verb):
        raise Forbidden
    return actor


def chart_url(patient_id: int) -> str:
    """The patient's page at the desk, or their details where there is no desk."""
    try:
        return reverse("desk:patient", args=[patient_id])
    except NoReverseMatch:
        return reverse("patients:edit", args=[patient_id])
