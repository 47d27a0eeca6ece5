"""What is offered is open: every place, for every role; and each place of the navigation has its own letter."""

from __future__ import annotations

import re

import pytest

from liaison.accounts.access import Role
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.places import all_places, places_for


@pytest.fixture
def riverside(db):
    """One site, so that nobody's page is empty."""
    del db
    from liaison.accounts.models import Site
    from liaison.core.postgres.guard import writes_open

    with writes_open():
        return Site.objects.create(name="Riverside", code="RIV", time_zone="America/New_York")


def _browser(role: Role, *, site):
    from liaison.core.postgres.guard import writes_open
    from liaison.desk.tests.browser import signed_in
    from liaison.loops.tests.cast import person

    with writes_open():
        actor = person(f"Somebody {role}", role, site)
    return actor, signed_in(actor)


@pytest.mark.parametrize("everywhere", [True, False], ids=["everywhere", "at-one-site"])
@pytest.mark.parametrize("role", list(Role))
def test_every_place_that_a_role_is_offered_answers(role, everywhere, riverside):
    actor, client = _browser(role, site=None if everywhere else riverside)
    offered = places_for(actor)
    answers = {str(place.label): client.get(place.url).status_code for place in offered}
    assert {label for label, status in answers.items() if status != 200} == set()
    assert "My account" in answers


@pytest.mark.parametrize("role", list(Role))
def test_what_stands_in_the_navigation_is_found_by_the_palette_and_told_by_the_sheet(role, riverside):
    actor, client = _browser(role, site=riverside)
    home = client.get("/account/").content.decode()
    goes = re.findall(r'<a href="([^"]+)"[^>]* data-go="(\w)"', home)
    assert goes == [(place.url, place.letter) for place in places_for(actor) if place.letter]
    for place in places_for(actor):
        shown = client.get("/palette/", {"q": str(place.label)}).content.decode()
        assert f'href="{place.url}"' in shown, place
    for _, letter in goes:
        assert f"<kbd>g</kbd> <kbd>{letter}</kbd>" in home


def test_no_two_places_have_one_letter():
    letters = [place.letter for place in all_places() if place.letter]
    assert len(letters) == len(set(letters))


def test_an_administrator_of_one_site_is_offered_no_text_of_the_whole_organization():
    def offered(role, site):
        return {place.name for place in places_for(Actor(user_id=1, assignments=frozenset({(role, site)})))}

    assert "inbox:templates" in offered("supervisor", EVERYWHERE)
    assert "inbox:templates" not in offered("supervisor", 1)
    assert "patients:duplicates" not in offered("coordinator", EVERYWHERE)
    assert "inbox:unmatched" in offered("records_clerk", EVERYWHERE)
