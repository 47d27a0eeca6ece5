"""An administrator of one site: what they may do there, and whom and what they may not touch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from liaison.accounts import actions
from liaison.accounts.access import MANAGE_PEOPLE, Role
from liaison.accounts.models import Assignment, Site, Team, User
from liaison.accounts.queries import actor_of, people, people_met, person_for, reaches_person
from liaison.accounts.rules import meets, reaches
from liaison.accounts.tests.cast import LIAISON, NOW, acting, old_proof, person, sign_in, site, trail
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, StepUpNeeded

pytestmark = pytest.mark.django_db
SOON = NOW + timedelta(minutes=1)
PHONE = "617-555-0100"


@dataclass(frozen=True, kw_only=True)
class House:
    """Two sites; Ada administers all, Nora only Northgate. Rosa is at Riverside, Pat at Northgate, Tess at both."""

    riverside: Site
    northgate: Site
    ada: Actor
    nora: Actor
    rosa: User
    pat: User
    tess: User
    new: User
    ours: Team
    theirs: Team
    on_call: Team


@pytest.fixture
def house() -> House:
    riverside, northgate = site("Riverside"), site("Northgate")
    tess = person("Tess", Role.COORDINATOR, at=riverside)
    actions.give_role(actor=LIAISON, person=tess, role=Role.BILLING, site=northgate, now=NOW)
    return House(
        riverside=riverside,
        northgate=northgate,
        ada=acting(person("Ada", Role.ADMINISTRATOR)),
        nora=acting(person("Nora", Role.ADMINISTRATOR, at=northgate)),
        rosa=person("Rosa", Role.COORDINATOR, at=riverside),
        pat=person("Pat", Role.COORDINATOR, at=northgate),
        tess=tess,
        new=person("Newcomer"),
        ours=actions.add_team(actor=LIAISON, name="North desk", site=northgate, now=NOW),
        theirs=actions.add_team(actor=LIAISON, name="River desk", site=riverside, now=NOW),
        on_call=actions.add_team(actor=LIAISON, name="On call", site=None, now=NOW),
    )


def user_of(actor: Actor) -> User:
    return User.objects.get(pk=actor.user_id)


def rename(*, actor: Actor, person: User) -> object:
    return actions.rename_person(actor=actor, person=person, name="Someone", email=person.email, now=SOON)


def give(*, actor: Actor, person: User) -> object:
    northgate = Site.objects.get(name="Northgate")
    return actions.give_role(actor=actor, person=person, role=Role.SUPERVISOR, site=northgate, now=SOON)


def new_password(*, actor: Actor, person: User) -> object:
    return actions.give_password(actor=actor, person=person, now=SOON)


def reset(*, actor: Actor, person: User) -> object:
    return actions.reset_mfa(actor=actor, person=person, now=SOON)


def close(*, actor: Actor, person: User) -> object:
    return actions.deactivate_person(actor=actor, person=person, now=SOON)


WHOLE = {
    rename: "accounts.manage_people",
    give: "accounts.give_roles",
    new_password: "accounts.set_password_for",
    reset: "accounts.reset_mfa",
    close: "accounts.deactivate",
}
verbs = pytest.mark.parametrize(("do", "verb"), WHOLE.items(), ids=[do.__name__ for do in WHOLE])


@verbs
def test_nobody_acts_on_a_person_who_also_works_beyond_their_own_sites(
    house: House, do: Callable[..., object], verb: str
) -> None:
    before = dict(User.objects.values_list("pk", "password")), set(Assignment.objects.values_list("pk", "ends_at"))
    for beyond in (house.rosa, house.tess, user_of(house.ada)):
        with pytest.raises(actions.ReachesFurther):
            do(actor=house.nora, person=beyond)
    assert [entry.refusal_code for entry in trail(verb)[-3:]] == ["accounts.reaches_further"] * 3
    after = dict(User.objects.values_list("pk", "password")), set(Assignment.objects.values_list("pk", "ends_at"))
    assert after == before
    assert not User.objects.filter(name="Someone").exists()


@verbs
def test_people_of_ones_own_site_and_newcomers_are_reached(house: House, do: Callable[..., object], verb: str) -> None:
    for reached in (house.pat, house.new):
        do(actor=house.nora, person=reached)
    assert [entry.outcome for entry in trail(verb)[-2:]] == ["done", "done"]


@verbs
def test_who_administers_every_site_reaches_everybody(house: House, do: Callable[..., object], verb: str) -> None:
    for reached in (house.rosa, house.tess, house.pat, user_of(house.nora)):
        do(actor=house.ada, person=reached)
    assert [entry.outcome for entry in trail(verb)[-4:]] == ["done"] * 4


def test_roles_are_given_only_at_ones_own_site(house: House) -> None:
    for beyond in (house.riverside, None):
        with pytest.raises(Forbidden):
            actions.give_role(actor=house.nora, person=house.pat, role=Role.BILLING, site=beyond, now=SOON)
        actions.give_role(actor=house.ada, person=house.pat, role=Role.BILLING, site=beyond, now=SOON)


def test_roles_are_ended_at_ones_own_site_also_of_who_works_elsewhere(house: House) -> None:
    here, there = (house.tess.assignments.get(site=one) for one in (house.northgate, house.riverside))
    everywhere = Assignment.objects.get(user_id=house.ada.user_id)
    for beyond in (there, everywhere):
        with pytest.raises(Forbidden):
            actions.end_role(actor=house.nora, assignment=beyond, now=SOON)
    actions.end_role(actor=house.nora, assignment=here, now=SOON)
    assert list(Assignment.objects.current(now=SOON).filter(user=house.tess)) == [there]
    actions.end_role(actor=house.ada, assignment=there, now=SOON)


@pytest.mark.parametrize("what", ["give", "end", "close", "open"])
def test_roles_come_and_go_only_after_a_fresh_proof(house: House, what: str) -> None:
    stale = replace(house.ada, stepped_up_until=None)
    held = house.pat.assignments.get()
    with pytest.raises(StepUpNeeded):
        if what == "give":
            give(actor=stale, person=house.pat)
        elif what == "end":
            actions.end_role(actor=stale, assignment=held, now=SOON)
        elif what == "close":
            close(actor=stale, person=house.pat)
        else:
            actions.reactivate_person(actor=stale, person=house.pat, now=SOON)
    assert list(Assignment.objects.current(now=SOON).filter(user=house.pat)) == [held]


def test_who_has_left_counts_where_they_worked(house: House) -> None:
    for gone in (house.rosa, house.pat):
        actions.deactivate_person(actor=house.ada, person=gone, now=SOON)
    with pytest.raises(actions.ReachesFurther):
        actions.reactivate_person(actor=house.nora, person=house.rosa, now=SOON)
    assert actions.reactivate_person(actor=house.nora, person=house.pat, now=SOON).is_active
    assert actions.reactivate_person(actor=house.ada, person=house.rosa, now=SOON).is_active
    assert not reaches_person(house.nora, MANAGE_PEOPLE, person=house.rosa, now=SOON)


def test_a_role_that_is_only_to_begin_counts_already(house: House) -> None:
    actions.give_role(
        actor=LIAISON, person=house.pat, role=Role.BILLING, site=house.riverside, now=NOW + timedelta(days=1)
    )
    with pytest.raises(actions.ReachesFurther):
        new_password(actor=house.nora, person=house.pat)


def test_one_still_changes_ones_own_name(house: House) -> None:
    actions.give_role(actor=LIAISON, person=user_of(house.nora), role=Role.BILLING, site=house.riverside, now=NOW)
    rename(actor=house.nora, person=user_of(house.nora))
    assert user_of(house.nora).name == "Someone"


def test_teams_of_other_sites_are_neither_joined_nor_left(house: House) -> None:
    actions.set_teams(actor=LIAISON, person=house.tess, teams=[house.theirs], now=NOW)
    for wanted in ([house.ours], [house.theirs, house.on_call], []):
        with pytest.raises(Forbidden):
            actions.set_teams(actor=house.nora, person=house.tess, teams=wanted, now=SOON)
    assert set(house.tess.teams.all()) == {house.theirs}
    actions.set_teams(actor=house.nora, person=house.tess, teams=[house.theirs, house.ours], now=SOON)
    assert set(house.tess.teams.all()) == {house.theirs, house.ours}
    actions.set_teams(actor=house.ada, person=house.tess, teams=[house.on_call], now=SOON)
    assert set(house.tess.teams.all()) == {house.on_call}


def test_people_of_another_site_are_not_put_into_ones_teams(house: House) -> None:
    with pytest.raises(Forbidden):
        actions.set_teams(actor=house.nora, person=house.rosa, teams=[house.ours], now=SOON)
    assert not house.rosa.teams.exists()


def test_teams_are_added_at_ones_own_site_and_sites_by_who_manages_all(house: House) -> None:
    for beyond in (house.riverside, None):
        with pytest.raises(Forbidden):
            actions.add_team(actor=house.nora, name="Night", site=beyond, now=SOON)
    with pytest.raises(Forbidden):
        actions.add_site(actor=house.nora, code="west", name="West", time_zone="UTC", phone=PHONE, now=SOON)
    assert actions.add_team(actor=house.nora, name="Night", site=house.northgate, now=SOON).pk
    assert actions.add_team(actor=house.ada, name="Night", site=None, now=SOON).pk
    assert actions.add_site(actor=house.ada, code="west", name="West", time_zone="UTC", phone=PHONE, now=SOON).pk


def test_a_site_is_changed_by_who_manages_it(house: House) -> None:
    details = actions.SiteDetails(name="North ", address=" 1 Hill Rd", phone="617-555-0199")
    told: dict[str, Any] = {"details": details, "now": SOON}
    with pytest.raises(Forbidden):
        actions.change_site(actor=house.nora, site=house.riverside, **told)
    actions.change_site(actor=house.nora, site=house.northgate, **told)
    house.northgate.refresh_from_db()
    assert (house.northgate.name, house.northgate.address) == ("North", "1 Hill Rd")
    assert house.northgate.phone == house.northgate.number_to_call() == "(617) 555-0199"


def test_a_number_from_before_numbers_were_checked_stays_and_is_known_for_one_that_nobody_can_dial(
    house: House,
) -> None:
    assert house.northgate.can_be_dialled
    with writes_open():
        Site.objects.filter(pk=house.northgate.pk).update(phone="ask Ada")
    kept = Site.objects.get(pk=house.northgate.pk)
    assert not kept.can_be_dialled
    assert kept.number_to_call() == "ask Ada"


@pytest.mark.parametrize("phone", ["", "  ", "ask Ada", "555-0199"])
def test_a_site_without_a_telephone_number_is_refused(house: House, phone: str) -> None:
    with pytest.raises(actions.PhoneNeeded):
        actions.add_site(actor=house.ada, code="west", name="West", time_zone="UTC", phone=phone, now=SOON)
    with pytest.raises(actions.PhoneNeeded):
        details = actions.SiteDetails(name="North", address="", phone=phone)
        actions.change_site(actor=house.ada, site=house.northgate, details=details, now=SOON)


def test_where_a_site_has_none_patients_call_another_of_the_organization(house: House) -> None:
    with writes_open():
        Site.objects.filter(pk=house.northgate.pk).update(phone="")
    assert Site.objects.get(pk=house.northgate.pk).number_to_call() == house.riverside.phone
    with writes_open():
        Site.objects.update(phone="")
    assert Site.objects.get(pk=house.northgate.pk).number_to_call() == ""


def test_the_last_who_gives_roles_everywhere_keeps_it_though_sites_have_their_own(house: House) -> None:
    with pytest.raises(actions.LastAdministrator):
        actions.end_role(actor=LIAISON, assignment=Assignment.objects.get(user_id=house.ada.user_id), now=SOON)
    actions.end_role(actor=house.ada, assignment=Assignment.objects.get(user_id=house.nora.user_id), now=SOON)


def test_an_administrator_of_one_site_finds_its_people_and_newcomers(house: House) -> None:
    assert [row.name for row in people(house.nora, now=SOON)] == ["Newcomer", "Nora", "Pat", "Tess"]
    assert len(people(house.ada, now=SOON)) == 6
    with pytest.raises(NotFound):
        person_for(house.nora, user_id=house.rosa.pk, now=SOON)
    assert person_for(house.nora, user_id=house.tess.pk, now=SOON) == house.tess
    actions.deactivate_person(actor=house.ada, person=house.pat, now=SOON)
    actions.deactivate_person(actor=house.ada, person=house.rosa, now=SOON)
    assert set(people_met(house.nora, MANAGE_PEOPLE, now=SOON)) == {
        house.new,
        user_of(house.nora),
        house.pat,
        house.tess,
    }


def test_reach_and_meeting_are_about_sites() -> None:
    assert reaches(None, held=frozenset({None, 1}))
    assert reaches(frozenset({1, 2}), held=frozenset({1}))
    assert not reaches(frozenset({1}), held=frozenset({1, 2}))
    assert not reaches(frozenset({1}), held=frozenset({None}))
    assert reaches(frozenset({1}), held=frozenset())
    assert meets(None, held=frozenset({7}))
    assert meets(frozenset({1}), held=frozenset({1, 2}))
    assert meets(frozenset({1}), held=frozenset())
    assert not meets(frozenset({1}), held=frozenset({2, None}))


def test_the_pages_offer_what_the_administrator_of_one_site_may_do(client: Client, house: House) -> None:
    sign_in(client, user_of(house.nora))
    assert client.get(f"/people/{house.rosa.pk}/").status_code == 404
    pat = client.get(f"/people/{house.pat.pk}/").content.decode()
    assert "Every site" not in pat
    assert all(word in pat for word in ("Give this role", "Make one", "North desk"))
    assert "River desk" not in pat
    tess = client.get(f"/people/{house.tess.pk}/").content.decode()
    assert "also holds roles where you manage nobody" in tess
    assert tess.count("End it now") == 1
    assert "Make one" not in tess
    assert "Give this role" not in tess
    sites = client.get("/people/sites/").content.decode()
    assert "Add the site" not in sites
    assert "Add the team" in sites


def test_the_pages_refuse_what_is_sent_past_them(client: Client, house: House) -> None:
    sign_in(client, user_of(house.nora))
    actions.set_teams(actor=LIAISON, person=house.tess, teams=[house.theirs], now=NOW)
    client.post(f"/people/{house.tess.pk}/teams/", {"teams": [house.ours.pk]})
    assert set(house.tess.teams.all()) == {house.theirs, house.ours}
    assert client.post(f"/people/{house.tess.pk}/teams/", {"teams": [house.on_call.pk]}).status_code == 422
    assert client.post(f"/people/{house.tess.pk}/password/").status_code == 403
    there = house.tess.assignments.get(site=house.riverside)
    assert client.post(f"/people/{house.tess.pk}/roles/{there.pk}/end/").status_code == 403
    for typed in ({"role": "billing"}, {"role": "billing", "site": house.riverside.pk}):
        assert client.post(f"/people/{house.pat.pk}/roles/", typed).status_code == 422
    assert client.post("/people/sites/", {"what": "team", "name": "Night"}).status_code == 422
    assert Assignment.objects.current(now=NOW + timedelta(days=9999)).filter(user=house.tess).count() == 2


def test_giving_a_role_on_the_page_asks_first_who_is_at_the_keyboard(client: Client, house: House) -> None:
    sign_in(client, user_of(house.nora))
    old_proof(client)
    typed = {"role": "billing", "site": house.northgate.pk}
    asked = client.post(f"/people/{house.pat.pk}/roles/", typed)
    assert asked["Location"] == "/account/reauthenticate/?next=%2Faccount%2Fagain%2F"
    assert house.pat.assignments.count() == 1


# --- whose clock --------------------------------------------------------------------------------------------------


def test_each_reads_the_clock_of_their_first_site(house: House) -> None:
    with writes_open():
        Site.objects.filter(pk=house.northgate.pk).update(time_zone="America/Phoenix")
    zones = {each.name: str(actor_of(each, now=NOW).zone) for each in (house.rosa, house.pat, house.tess, house.new)}
    assert zones == {
        "Rosa": "America/New_York",
        "Pat": "America/Phoenix",
        "Tess": "America/New_York",
        "Newcomer": "America/New_York",
    }
    assert str(acting(person("Root", Role.ADMINISTRATOR)).zone) == "America/New_York"


def test_without_a_site_the_clock_is_utc() -> None:
    assert str(actor_of(person("First"), now=NOW).zone) == "UTC"


def test_the_trail_shows_the_clock_of_who_reads_it(house: House, client: Client) -> None:
    sign_in(client, person("Priya", Role.PRIVACY_OFFICER))
    page = client.get("/audit/").content.decode()
    assert 'datetime="' in page
    assert "UTC" not in page
    assert "EST" in page or "EDT" in page
