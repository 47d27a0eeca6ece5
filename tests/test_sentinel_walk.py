"""The sentinel walk: every address, as every role and as no one, looking for one patient.

Where the patient appears, the role must stand in `access_matrix.txt` and a read entry must have been written.
After a change that is meant, `make access-matrix` writes the matrix anew; the diff says what changed.

An address with an argument that the walk can't fill fails: give it a value in `sentinel_world.py`.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from liaison.accounts.sessions import BEGAN, SEEN
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from tests.sentinel_world import MARKS, World, build

MATRIX = Path(__file__).with_name("access_matrix.txt")
NEVER = frozenset({"nobody", "no_role", "elsewhere", "administrator"})
"""Who must not meet a patient anywhere. A matrix that says otherwise is refused, too."""

ENDS_THE_SESSION = frozenset({"account_logout"})


@dataclass(frozen=True, slots=True)
class Address:
    """One pattern of the resolver, filled in."""

    name: str
    url: str


def addresses(world: World) -> Iterator[Address]:
    """Every address there is. Raises AssertionError for one that can't be filled in."""
    for name, pattern in _patterns(get_resolver(), space=""):
        wanted = pattern.pattern.regex.groupindex
        missing = sorted(set(wanted) - set(world.arguments))
        assert not missing, f"The walk can't fill {missing} of {name}: give it a value in tests/sentinel_world.py."
        url = reverse(name, kwargs={key: world.arguments[key] for key in wanted})
        yield Address(name=name, url=url + world.queries.get(name, ""))


def _patterns(resolver: URLResolver, *, space: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _patterns(pattern, space=inner)
        else:
            assert pattern.name, f"The address {pattern.pattern} has no name; the walk finds addresses by name."
            yield f"{space}{pattern.name}", pattern


@pytest.fixture(scope="module")
def _quiet_signals() -> Iterator[None]:
    """Requests of this walk share one transaction; the connection must not be closed between them."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def browsers(world: World) -> dict[str, Client]:
    """One browser for each person, signed in just now, and one for nobody."""
    now = time.time()
    found = {"nobody": Client(raise_request_exception=False)}
    for who, user in world.people.items():
        client = Client(raise_request_exception=False)
        client.force_login(user, backend="liaison.accounts.backends.PasswordBackend")
        session = client.session
        session[BEGAN] = session[SEEN] = now
        session["account_authentication_methods"] = [{"method": "password", "at": now}]
        session.save()
        found[who] = client
    return found


def shows_the_patient(response: HttpResponse | StreamingHttpResponse) -> bool:
    """Whether anything of the sentinel is in the body or in a header."""
    body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[union-attr]
    text = body.decode(errors="replace") + " ".join(str(value) for value in response.headers.values())
    return any(mark in text for mark in MARKS)


def ask(client: Client, method: str, url: str) -> HttpResponse:
    """One request whose changes are undone, so that the next one finds the same world."""
    cookies = client.cookies.copy()
    answer: HttpResponse = client.get(url) if method == "GET" else client.post(url)
    client.cookies = cookies
    return answer


def read_entry_since(last: int, *, world: World, who: str) -> bool:
    """Whether the trail says that this person saw the sentinel."""
    return AuditEntry.objects.filter(
        pk__gt=last, actor_user_id=world.people[who].pk, patient_ids__contains=[world.patient.pk]
    ).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("_quiet_signals")
def test_the_sentinel_is_seen_by_whom_the_matrix_names_and_every_look_is_kept() -> None:
    world = build(now=current_time())
    seen_by: dict[str, set[str]] = defaultdict(set)
    unread, broken = [], []
    everyone = browsers(world)
    for address in addresses(world):
        for method in ("GET", "POST"):
            key = f"{method} {address.name}"
            for who, client in everyone.items():
                with transaction.atomic():
                    last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
                    answer = ask(client, method, address.url)
                    if answer.status_code >= 500:
                        broken.append(f"{key} as {who}: {answer.status_code}")
                    elif shows_the_patient(answer):
                        seen_by[key].add(who)
                        if who not in world.people or not read_entry_since(last, world=world, who=who):
                            unread.append(f"{key} as {who}")
                    transaction.set_rollback(True)
    assert not broken, "These addresses failed:\n" + "\n".join(broken)
    assert not unread, "The patient was shown and the audit trail says nothing of it:\n" + "\n".join(unread)
    found = written(seen_by)
    if os.environ.get("LIAISON_WRITE_ACCESS_MATRIX"):
        MATRIX.write_text(found)
    wrongly = {key: sorted(who & NEVER) for key, who in seen_by.items() if who & NEVER}
    assert not wrongly, f"These people must never meet a patient: {wrongly}"
    assert found == MATRIX.read_text(), (
        "Who sees a patient changed. If it is meant, `make access-matrix` writes tests/access_matrix.txt anew."
    )


def written(seen_by: dict[str, set[str]]) -> str:
    """The matrix as a page: one line an address, the people in alphabetical order."""
    lines = [f"{key:44} {' '.join(sorted(who))}" for key, who in sorted(seen_by.items(), key=_by_name)]
    return HEADER + "\n".join(lines) + "\n"


def _by_name(line: tuple[str, set[str]]) -> tuple[str, str]:
    method, name = line[0].split(" ", 1)
    return name, method


HEADER = """\
# Who meets a patient where: the sentinel walk (test_sentinel_walk.py) finds it, and `make access-matrix` writes it.
# Everyone works at the patient's site with one role, but: `granted` broke the glass from another site.
# `elsewhere` (a coordinator of another site), `no_role`, `administrator` and `nobody` must never stand here.
#
"""
