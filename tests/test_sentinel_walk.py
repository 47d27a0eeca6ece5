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
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

MATRIX = Path(__file__).with_name("access_matrix.txt")
ROLES = (
    "administrator",
    "billing",
    "clinician",
    "coordinator",
    "front_desk",
    "privacy_officer",
    "records_clerk",
    "supervisor",
)
OTHERS = ("elsewhere", "granted", "no_role", "nobody")
NEVER = frozenset({"administrator", "elsewhere", "no_role", "nobody"})
"""Who must not meet a patient anywhere, whatever the matrix says."""

HEADER = """\
# Who meets a patient where: the sentinel walk (test_sentinel_walk.py) finds it, and `make access-matrix` writes it.
# Everyone works at the patient's site with one role, but `granted`, who broke the glass from another site.
# `elsewhere` (a coordinator of another site), `no_role`, `administrator` and `nobody` must never stand here.

"""


@dataclass(frozen=True, slots=True)
class Address:
    """One pattern of the resolver, filled in."""

    name: str
    url: str


def addresses(world) -> list[Address]:
    """Every address there is. Fails for one that can't be filled in."""
    found = []
    for name, wanted in _patterns(get_resolver(), space="", outer=frozenset()):
        values = {key: world.value(key, of=name) for key in wanted}
        missing = sorted(key for key, value in values.items() if value is None)
        assert not missing, f"The walk can't fill {missing} of {name}: give it a value in tests/sentinel_world.py."
        found.append(Address(name=name, url=reverse(name, kwargs=values) + world.queries.get(name, "")))
    return found


def _patterns(resolver: URLResolver, *, space: str, outer: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for pattern in resolver.url_patterns:
        wanted = outer | set(pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _patterns(pattern, space=inner, outer=wanted)
        else:
            assert pattern.name, f"The address {pattern.pattern} has no name; the walk finds addresses by name."
            yield f"{space}{pattern.name}", wanted


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """The sentinel and everyone around them, once for all walks; undone at the end."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections, transaction

    from liaison.core.clock import current_time
    from tests.sentinel_world import build

    # All requests share one transaction, so the connection must not be closed between them.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(now=current_time())
        transaction.set_rollback(True)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def browser(world, *, who: str) -> Client:
    """The browser of someone who signed in just now, or of nobody."""
    from liaison.accounts.sessions import BEGAN, SEEN

    client = Client(raise_request_exception=False)
    if who in world.people:
        client.force_login(world.people[who], backend="liaison.accounts.backends.PasswordBackend")
        now, session = time.time(), client.session
        session[BEGAN] = session[SEEN] = now
        session["account_authentication_methods"] = [{"method": "password", "at": now}]
        session.save()
    return client


def shows_the_patient(answer) -> bool:
    """Whether anything of the sentinel is in the body or in a header."""
    from tests.sentinel_world import MARKS

    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = body.decode(errors="replace") + " ".join(str(value) for value in answer.headers.values())
    return any(mark in text for mark in MARKS)


class Walk:
    """One person at every address. Each request is undone, so that the next one finds the same world."""

    def __init__(self, world, *, who: str) -> None:
        self.world, self.who, self.client = world, who, browser(world, who=who)
        self.met: set[str] = set()
        self.unread: list[str] = []
        self.broken: list[str] = []

    def go(self) -> None:
        """Ask with GET; with an empty POST what answers nothing else; as htmx what sends a whole page elsewhere."""
        for address in addresses(self.world):
            status = self._ask("GET", address)
            if status == 405:
                self._ask("POST", address)
            elif status == 302:
                self._ask("HTMX", address)

    def _ask(self, method: str, address: Address) -> int:
        from django.db import transaction

        key, cookies = f"{method} {address.name}", self.client.cookies.copy()
        with transaction.atomic():
            last = self._last_entry()
            ask = self.client.post if method == "POST" else self.client.get
            answer = ask(address.url, headers={"HX-Request": "true"} if method == "HTMX" else None)
            if answer.status_code >= 500:
                self.broken.append(f"{key}: {answer.status_code}")
            elif shows_the_patient(answer):
                self.met.add(key)
                if not self._is_kept_since(last):
                    self.unread.append(key)
            transaction.set_rollback(True)
        self.client.cookies = cookies
        return answer.status_code

    def _last_entry(self) -> int:
        from liaison.core.models import AuditEntry

        return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def _is_kept_since(self, last: int) -> bool:
        """Whether the audit trail says that this person saw the sentinel just now."""
        from liaison.core.models import AuditEntry

        person = self.world.people.get(self.who)
        return (
            person is not None
            and AuditEntry.objects.filter(
                pk__gt=last, actor_user_id=person.pk, patient_ids__contains=[self.world.patient.pk]
            ).exists()
        )


@pytest.mark.parametrize("who", [*ROLES, *OTHERS])
def test_the_patient_is_met_where_the_matrix_says_and_every_look_is_kept(world, who: str) -> None:
    walk = Walk(world, who=who)
    walk.go()
    assert not walk.broken, "These addresses failed:\n" + "\n".join(walk.broken)
    assert not walk.unread, "The patient was shown and the audit trail says nothing of it:\n" + "\n".join(walk.unread)
    assert who not in NEVER or not walk.met, f"They must never meet a patient: {sorted(walk.met)}"
    matrix = read_matrix()
    if os.environ.get("LIAISON_WRITE_ACCESS_MATRIX"):
        for key, people in matrix.items():
            people.discard(who)
            if key in walk.met:
                people.add(who)
        for key in walk.met:
            matrix[key].add(who)
        MATRIX.write_text(written(matrix))
        return
    allowed = {key for key, people in matrix.items() if who in people}
    assert walk.met == allowed, (
        f"New: {sorted(walk.met - allowed)}. Gone: {sorted(allowed - walk.met)}. "
        "If this is meant, `make access-matrix` writes tests/access_matrix.txt anew."
    )


def test_the_walk_knows_every_role() -> None:
    from liaison.accounts.access import Role

    assert set(ROLES) == {str(role) for role in Role}


def test_the_matrix_is_laid_out_as_it_is_written() -> None:
    assert MATRIX.read_text() == written(read_matrix())


def read_matrix() -> dict[str, set[str]]:
    """Who stands at each "METHOD name" of the matrix."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in MATRIX.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            method, name, *people = line.split()
            found[f"{method} {name}"] |= set(people)
    return found


def written(matrix: dict[str, set[str]]) -> str:
    """The matrix as a page: one line an address, by name; the people in alphabetical order."""
    by_name = sorted((key.split(" ", 1)[::-1], people) for key, people in matrix.items() if people)
    return HEADER + "".join(f"{method:4} {name:28} {' '.join(sorted(who))}\n" for (name, method), who in by_name)
