"""What a person reads when the answer is no, when something broke, and when the database is away."""

import json
import logging
import sys
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, RequestFactory

from liaison.core import health, translate
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.logs import Formatter
from liaison.core.refusals import Conflict, StepUpNeeded, constraint_refusal
from liaison.core.verbs import verb


def asked(path: str = "/loops/7/", *, actor: Actor = ANONYMOUS, htmx: bool = False, **headers: str):
    request = RequestFactory().get(path, headers=headers)
    request.actor, request.user, request.resolver_match = actor, AnonymousUser(), None
    request.htmx = type("Htmx", (), {"history_restore_request": False})() if htmx else None
    return request


def test_a_refusal_is_told_with_its_own_status_as_a_page_and_as_a_piece() -> None:
    page = translate.refused(asked(), Conflict("Someone was first."))
    piece = translate.refused(asked(htmx=True), Conflict("Someone was first."))
    assert (page.status_code, piece.status_code) == (409, 409)
    assert "Someone was first." in page.content.decode()
    assert "Someone was first." in piece.content.decode()
    assert "<html" in page.content.decode()
    assert "<html" not in piece.content.decode()


def test_who_must_prove_who_they_are_comes_back_to_where_they_were() -> None:
    page = translate.refused(asked(referer="http://testserver/people/3/?a=1"), StepUpNeeded())
    assert page.status_code == 302
    assert page["Location"].endswith("next=%2Fpeople%2F3%2F%3Fa%3D1")
    piece = translate.refused(asked(htmx=True, **{"hx-current-url": "http://testserver/audit/"}), StepUpNeeded())
    assert "next=%2Faudit%2F" in piece["HX-Redirect"]


def test_an_address_that_is_not_there_and_one_that_is_not_for_you_have_their_own_pages() -> None:
    assert translate.forbidden(asked()).status_code == 403
    assert translate.not_found(asked()).status_code == 404


@pytest.mark.parametrize("lost", [OperationalError("gone"), InterfaceError("closed")])
def test_a_lost_database_is_said_in_words_and_as_unavailable(lost: Exception) -> None:
    try:
        raise lost
    except type(lost):
        page = translate.server_error(asked())
    assert page.status_code == 503
    assert "database" in page.content.decode()


def test_the_page_of_a_lost_database_does_not_ask_the_database() -> None:
    request = asked()
    request.actor = Actor(user_id=1, name="Rosa Delgado", assignments=frozenset({("coordinator", 1)}))
    assert "nothing was changed" in translate.server_error(request).content.decode()


def test_a_bug_is_a_500_that_says_nothing_was_changed() -> None:
    page = translate.server_error(asked())
    assert page.status_code == 500
    assert "nothing was changed" in page.content.decode()


def test_a_log_line_of_a_refused_row_does_not_hold_the_row() -> None:
    try:
        try:
            raise psycopg.errors.CheckViolation("new row violates\nDETAIL: Failing row contains (7, Ng, Walter).")
        except psycopg.errors.CheckViolation as cause:
            raise IntegrityError(str(cause)) from cause
    except IntegrityError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "boom", None, sys.exc_info())
    line = Formatter("%(message)s").format(record)
    assert "Walter" not in line
    assert "IntegrityError" in json.loads(line)["exc_info"]


@pytest.mark.django_db
def test_alive_and_ready(client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json() == {"ready": True}


@pytest.mark.django_db(transaction=True)
def test_not_ready_while_the_database_is_away_or_not_migrated() -> None:
    settings = connection.settings_dict
    port = settings["PORT"]
    connection.close()
    settings["PORT"] = "9"
    try:
        answer = health.readyz(asked("/readyz"))
    finally:
        connection.close()
        settings["PORT"] = port
    assert (answer.status_code, json.loads(answer.content)["missing"]) == (503, "database")
    last = MigrationRecorder.Migration.objects.filter(app="core").latest("id")
    last.delete()
    try:
        answer = health.readyz(asked("/readyz"))
    finally:
        MigrationRecorder.Migration.objects.create(app="core", name=last.name)
    assert json.loads(answer.content)["missing"] == "1 migrations"


def _no_room(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """What Django raises when PostgreSQL finds no room for a file; everything else works."""
    if "generate_series" not in sql:
        return execute(sql, params, many, context)
    raise OperationalError("could not write to file") from psycopg.errors.DiskFull("No space left on device")


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_not_ready_and_is_told_as_what_it_is() -> None:
    with connection.execute_wrapper(_no_room):
        answer = health.readyz(asked("/readyz"))
    assert (answer.status_code, json.loads(answer.content)["missing"]) == (503, "room on the database's disk")
    try:
        _no_room(None, "generate_series", None, False, None)
    except OperationalError:
        page = translate.server_error(asked())
    assert page.status_code == 503
    assert "no room left" in page.content.decode()


def test_what_is_declared_twice_is_refused() -> None:
    verb("trial.twice", "Do something", roles=())
    with pytest.raises(ValueError, match="twice"):
        verb("trial.twice", "Do something", roles=())
    with pytest.raises(ValueError, match="package"):
        verb("trial", "Do something", roles=())
    constraint_refusal("trial_constraint", Conflict)
    with pytest.raises(ValueError, match="twice"):
        constraint_refusal("trial_constraint", Conflict)


def test_an_address_with_a_nul_is_refused_before_it_reaches_anything(client: Client) -> None:
    assert client.get("/patients/?q=%00").status_code == 400
