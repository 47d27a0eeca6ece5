"""What was refused before any act began stands in the audit trail too: once, and without what was typed."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from liaison.core.act import act
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.clock import current_time
from liaison.core.middleware import RefusalMiddleware
from liaison.core.models import AuditEntry
from liaison.core.refusals import Conflict, Forbidden, NotFound, Refusal
from liaison.core.verbs import verb

pytestmark = pytest.mark.django_db
ROSA = Actor(user_id=1, name="Rosa", assignments=frozenset({("coordinator", 7)}))
WRITE = verb("trial.write", "Write something down", roles={"coordinator"})
MATCH = SimpleNamespace(view_name="trial:change", kwargs={"patient_id": 12, "row": 3})


def answer(
    view: Callable[[HttpRequest], HttpResponse],
    *,
    method: str = "POST",
    actor: Actor = ROSA,
    seen: tuple[int, ...] = (),
) -> int:
    """Ask `view` through the middleware, as Django does; the status of its answer."""
    request = RequestFactory().generic(method, "/trial/12/", {"note": "Walter said no"})
    request.actor, request.resolver_match, request.htmx = actor, MATCH, None  # type: ignore[attr-defined,assignment]  # put there by a middleware
    request.seen = SimpleNamespace(patient_ids=set(seen))  # type: ignore[attr-defined]  # put there by a middleware

    def inner(given: HttpRequest) -> HttpResponse:
        try:
            return view(given)
        except Refusal as refusal:
            told = middleware.process_exception(given, refusal)
            assert told is not None
            return told

    middleware = RefusalMiddleware(inner)
    return middleware(request).status_code


def too_late(request: HttpRequest) -> HttpResponse:
    raise Conflict("Someone was first.")


def told_in_a_form(request: HttpRequest) -> HttpResponse:
    try:
        raise Conflict
    except Conflict as refusal:
        return HttpResponse(refusal.sentence, status=422)


@pytest.mark.parametrize(("view", "status"), [(too_late, 409), (told_in_a_form, 422)])
def test_a_refused_change_is_kept_whether_it_is_told_as_a_page_or_in_a_form(
    view: Callable[[HttpRequest], HttpResponse], status: int
) -> None:
    assert answer(view, seen=(14, 12)) == status
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.verb, entry.outcome) == ("Rosa", "core.attempt", "refused")
    assert (entry.refusal_code, entry.patient_ids) == ("core.conflict", [12, 14])
    assert entry.details == {"view": "trial:change", "of": {"patient_id": "12", "row": "3"}}


def test_what_an_act_refused_is_not_kept_twice() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        with act(ROSA, WRITE, now=current_time()):
            raise Conflict

    assert answer(view) == 409
    assert AuditEntry.objects.get().verb == "trial.write"


@pytest.mark.parametrize("refusal", [NotFound, Forbidden])
def test_a_look_that_was_refused_is_kept(refusal: type[Refusal]) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        raise refusal

    assert answer(view, method="GET") == refusal.status
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.refusal_code, entry.patient_ids) == ("core.see", refusal.code, [12])


def test_nothing_is_kept_of_a_page_that_says_why_it_is_empty_of_nobody_and_of_what_went_well_after_all() -> None:
    def went_well(request: HttpRequest) -> HttpResponse:
        told_in_a_form(request)
        return HttpResponse("Done another way")

    assert answer(too_late, method="GET") == 409
    assert answer(too_late, actor=ANONYMOUS) == 409
    assert answer(went_well) == 200
    assert answer(lambda request: HttpResponse(status=422)) == 422
    assert not AuditEntry.objects.exists()


def test_only_the_last_of_several_refusals_is_kept_and_an_impossible_number_is_no_patient() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        told_in_a_form(request)
        request.resolver_match = SimpleNamespace(view_name="trial:change", kwargs={"patient_id": 2**63})  # type: ignore[assignment]  # a stand-in for what the test needs of it
        raise NotFound

    assert answer(view) == 404
    entry = AuditEntry.objects.get()
    assert (entry.refusal_code, entry.patient_ids) == ("core.not_found", [])


def test_an_address_that_nobody_knows_is_kept_without_a_name_and_what_is_refused_outside_a_request_is_not() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        request.resolver_match = None
        raise Conflict

    assert Conflict().code == "core.conflict"
    assert answer(view) == 409
    assert AuditEntry.objects.get().details == {}
