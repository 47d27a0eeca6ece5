"""Nobody stands in the directory twice: a form that is sent again, and what looks like an entry that stands there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.tests.cast import LIAISON, person, sign_in, site
from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden
from liaison.directory import actions, queries, rules
from liaison.directory.actions import OrganizationDetails, PractitionerDetails, Sent
from liaison.directory.models import Organization, Practitioner
from liaison.directory.rules import Sketch

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
IMANI = PractitionerDetails(name="Dr Imani", specialty="cardiology", phone="617-555-0142")
HEART = OrganizationDetails(name="Heart House", specialties=["cardiology"], phone="617-555-0150")


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("Dr. José Núñez, MD", "nunez jose", True),
        ("O'Brien Clinic", "OBrien clinic", True),
        ("Dr", "dr.", True),
        ("Dr Imani", "Dr Imani Okoye", False),
    ],
)
def test_a_name_is_compared_by_its_words_without_titles(name: str, other: str, same: bool) -> None:
    assert (rules.name_words(name) == rules.name_words(other)) is same


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (Sketch(name="Imani"), True),
        (Sketch(name="Imani", specialties=frozenset({"cardiology", "surgery"}), phone="1"), True),
        (Sketch(name="Imani", specialties=frozenset({"surgery"})), False),
        (Sketch(name="Imani", phone="2"), False),
        (Sketch(name="Okafor", specialties=frozenset({"cardiology"}), phone="1"), False),
        (Sketch(name="Someone else", npi="1234567893"), True),
        (Sketch(name="Imani", npi="1245319599"), False),
    ],
)
def test_two_entries_are_alike_where_nothing_says_otherwise(other: Sketch, alike: bool) -> None:
    imani = Sketch(name="Dr Imani", npi="1234567893", specialties=frozenset({"cardiology"}), phone="1")
    assert rules.looks_like(imani, other) is alike


@pytest.mark.django_db
def test_a_form_sent_again_adds_nothing_and_other_words_are_refused() -> None:
    sent = Sent(key="form:1:a")
    imani = actions.add_practitioner(actor=LIAISON, details=IMANI, sent=sent, now=NOW)
    assert actions.add_practitioner(actor=LIAISON, details=IMANI, sent=sent, now=NOW) == imani
    heart = actions.add_organization(actor=LIAISON, details=HEART, sent=sent, now=NOW)
    assert actions.add_organization(actor=LIAISON, details=HEART, sent=sent, now=NOW) == heart
    for again in (
        lambda: actions.add_practitioner(actor=LIAISON, details=PractitionerDetails(name="X"), sent=sent, now=NOW),
        lambda: actions.add_organization(actor=LIAISON, details=OrganizationDetails(name="X"), sent=sent, now=NOW),
    ):
        with pytest.raises(actions.AddedAlready):
            again()
    assert (Practitioner.objects.count(), Organization.objects.count()) == (1, 1)
    noted = AuditEntry.objects.filter(verb="directory.change", outcome="done").order_by("pk")
    assert [bool(entry.details.get("repeated")) for entry in noted] == [False, True, False, True]


@pytest.mark.django_db
def test_what_looks_like_an_entry_is_seen_before_it_is_added() -> None:
    imani = actions.add_practitioner(actor=LIAISON, details=IMANI, now=NOW)
    heart = actions.add_organization(actor=LIAISON, details=HEART, now=NOW)
    actions.retire_entry(actor=LIAISON, entry=heart, reason="moved", expected_version=1, now=NOW)
    asked: list[tuple[int, Callable[[Sent], Any]]] = [
        (imani.pk, lambda sent: actions.add_practitioner(actor=LIAISON, details=IMANI, sent=sent, now=NOW)),
        (heart.pk, lambda sent: actions.add_organization(actor=LIAISON, details=HEART, sent=sent, now=NOW)),
    ]
    for pk, add in asked:
        with pytest.raises(actions.LooksLikeAnEntry):
            add(Sent(key="form:1:b", looked_at=frozenset({pk + 1})))
        assert add(Sent(key="form:1:b", looked_at=frozenset({pk}))).pk != pk
    other = PractitionerDetails(name="Dr Imani", specialty="dermatology")
    assert actions.add_practitioner(actor=LIAISON, details=other, sent=Sent(key="form:1:c"), now=NOW).version == 1


@pytest.mark.django_db
def test_a_feed_adds_what_it_brings() -> None:
    made = {actions.add_practitioner(actor=LIAISON, details=IMANI, now=NOW).pk for _ in range(2)}
    assert len(made) == 2


@pytest.mark.django_db
def test_who_may_not_look_is_told_of_nothing_alike() -> None:
    from liaison.core.actor import ANONYMOUS

    for look in (queries.alike_practitioners, queries.alike_organizations):
        with pytest.raises(Forbidden):
            look(ANONYMOUS, sketch=IMANI.sketch)


@pytest.fixture
def rosa(client: Client, db: None) -> Client:
    """Rosa's browser."""
    sign_in(client, person("Rosa", Role.COORDINATOR, at=site()))
    return client


def page(answer: Any) -> str:
    return str(answer.content.decode())


def fresh(client: Client, address: str) -> str:
    return page(client.get(address)).split('name="key" value="')[1].split('"')[0]


@pytest.mark.django_db
def test_the_page_shows_what_looks_alike_and_adds_it_anyway_when_told(rosa: Client) -> None:
    there = site("Northgate")
    actions.add_practitioner(actor=LIAISON, details=IMANI, now=NOW)
    elsewhere = PractitionerDetails(name="Imani, MD", site_id=there.pk, npi="1234567893")
    actions.add_practitioner(actor=LIAISON, details=elsewhere, now=NOW)
    mine, theirs = Practitioner.objects.order_by("pk")
    address = "/directory/clinicians/new/"
    typed = {"name": "Dr Imani", "phone": "(617) 555-0142", "languages": "Swahili", "key": fresh(rosa, address)}
    assert "add_anyway" not in page(rosa.get(address))
    shown = rosa.post(address, typed)
    assert shown.status_code == 422
    for words in ("This looks like 2 entries", "Use Dr Imani</a>", "Cardiology", 'value="Swahili"', "Add anyway"):
        assert words in page(shown)
    assert f'href="/directory/clinicians/{mine.pk}/"' in page(shown)
    assert f'href="/directory/clinicians/{theirs.pk}/"' not in page(shown)
    assert "NPI 1234567893" in page(shown)
    anyway = {**typed, "add_anyway": "on", "shown_alike": [mine.pk, theirs.pk, "x"]}
    assert rosa.post(address, anyway).status_code == 302
    assert rosa.post(address, anyway).status_code == 302
    assert Practitioner.objects.count() == 3
    other = rosa.post(address, {**anyway, "languages": "French"})
    assert (other.status_code, "This form was sent already" in page(other)) == (422, True)
    assert rosa.post(address, {**anyway, "key": ""}).status_code == 422


@pytest.mark.django_db
def test_the_page_of_places_shows_what_looks_alike(rosa: Client) -> None:
    heart = actions.add_organization(actor=LIAISON, details=HEART, now=NOW)
    actions.retire_entry(actor=LIAISON, entry=heart, reason="moved", expected_version=1, now=NOW)
    address = "/directory/places/new/"
    typed = {"name": "heart house", "kind": "clinic", "key": fresh(rosa, address)}
    shown = page(rosa.post(address, typed))
    for words in ("This looks like an entry", "Use Heart House", "Clinic · Cardiology", "offered no longer"):
        assert words in shown
    assert rosa.post(address, {**typed, "add_anyway": "on", "shown_alike": heart.pk}).status_code == 302
