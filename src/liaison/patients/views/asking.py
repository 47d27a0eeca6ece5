"""What every view of this package asks of a request."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from liaison.accounts.models import Site
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


def sites_for(actor: Actor, verb: Verb) -> QuerySet[Site]:
    """The sites at which the actor may use a verb, by name."""
    ids = actor.sites_for(verb)
    return Site.objects.all() if ids is None else Site.objects.filter(pk__in=ids)


def chart_url(patient_id: int) -> str:
    """The patient's page at the desk, or their details where there is no desk."""
    try:
        return reverse("desk:patient", args=[patient_id])
    except NoReverseMatch:
        return reverse("patients:edit", args=[patient_id])
