"""The registry of places, and the frame that reads it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import RequestFactory

from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.places import Place, address, all_places, frame_address, places_for, register_places
from liaison.core.shell import shell, steady_banners

NOW = datetime(2021, 2, 20, 15, 30, tzinfo=UTC)
ROSA = Actor(user_id=1, name="Rosa", assignments=frozenset({("coordinator", 1)}))
VERA = Actor(user_id=2, name="Vera", assignments=frozenset({("privacy_officer", None)}))


def _nav(actor, path):
    request = RequestFactory().get(path)
    request.actor = actor
    return shell(request)["shell"]["nav"]


@pytest.mark.django_db
def test_the_navigation_marks_the_place_that_one_is_at():
    assert [item.label for item in _nav(ROSA, "/patients/7/") if item.active] == ["Patients"]
    assert [item.label for item in _nav(ROSA, "/") if item.active] == ["Desk"]
    assert [item.label for item in _nav(VERA, "/patients/grants/") if item.active] == ["Emergency access"]
    assert not [item for item in _nav(ROSA, "/account/") if item.active]


def test_nobody_is_offered_anything_before_signing_in():
    assert places_for(ANONYMOUS) == []
    assert _nav(ANONYMOUS, "/") == []


def test_a_place_belongs_to_one_kind_of_installation(settings):
    settings.LIAISON_MODE = "production"
    assert "inbox:demo_mailbox" not in {place.name for place in places_for(ROSA)}
    settings.LIAISON_MODE = "demo"
    assert "inbox:demo_mailbox" in {place.name for place in places_for(ROSA)}


def test_a_letter_is_given_once():
    before = list(all_places())
    with pytest.raises(ValueError, match="another place"):
        register_places(Place(label="Dunes", name="dunes:all", icon="x", rank=1, letter="d"))
    with pytest.raises(ValueError, match="the letter"):
        register_places(Place(label="Dunes", name="dunes:all", icon="x", rank=1, letter="?"))
    register_places(*before)
    assert list(all_places()) == before


def test_what_an_installation_lacks_has_no_address():
    assert address("dunes:all") == ""
    assert frame_address("dunes") == ""
    assert Place(label="Dunes", name="dunes:all", icon="x", rank=1, query="tab=1").url == ""
    assert Place(label="Mine", name="desk:home", icon="x", rank=1, query="tab=mine").url == "/?tab=mine"
    assert frame_address("presence") == "/presence/"


@pytest.mark.parametrize(
    ("seconds", "shifted"),
    [
        (-2_100 * 86_400, "2,100 days back"),
        (86_400, "1 day ahead"),
        (-7_200, "2 hours back"),
        (60, "less than an hour ahead"),
    ],
)
def test_the_training_clock_says_the_readers_own_time_and_how_far_it_is_shifted(settings, seconds, shifted):
    settings.LIAISON_CLOCK_OFFSET = seconds
    settings.LIAISON_MODE = "production"
    (banner,) = steady_banners(now=NOW, zone=ZoneInfo("America/New_York"))
    assert banner.text == f"Training clock: it is Saturday, February 20, 2021, 10:30 EST here, {shifted}."
