"""Who says which clinician signs in as whom: it opens the charts of whoever the clinician looks after."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.actions import ReachesFurther
from liaison.accounts.models import Site, User
from liaison.accounts.tests.cast import LIAISON, NOW, PASSWORD, acting, old_proof, person, sign_in, site, trail
from liaison.core.refusals import Forbidden, StepUpNeeded
from liaison.directory import actions
from liaison.directory.actions import PractitionerDetails
from liaison.directory.models import Practitioner

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """Two sites; Ada administers the second, where Mallory works. Dr Imani is of the first, Dr Hana of neither."""

    riverside: Site
    northgate: Site
    ada: User
    adam: User
    rosa: User
    mallory: User
    imani: Practitioner
    hana: Practitioner


@pytest.fixture
def two() -> Two:
    riverside, northgate = site(), site("Northgate")
    return Two(
        riverside=riverside,
        northgate=northgate,
        ada=person("Ada", Role.ADMINISTRATOR, at=northgate),
        adam=person("Adam", Role.ADMINISTRATOR),
        rosa=person("Rosa", Role.COORDINATOR, at=riverside),
        mallory=person("Mallory", Role.CLINICIAN, at=northgate),
        imani=added("Dr Imani", site_id=riverside.pk),
        hana=added("Dr Hana"),
    )


def added(name: str, *, site_id: int | None = None, user_id: int | None = None) -> Practitioner:
    details = PractitionerDetails(name=name, site_id=site_id, user_id=user_id)
    return actions.add_practitioner(actor=LIAISON, details=details, now=NOW)


def change(
    who: User, row: Practitioner, *, user: User | None = None, site_id: int | None = None, fresh: bool = True
) -> Practitioner:
    row.refresh_from_db()
    actor = acting(who) if fresh else replace(acting(who), stepped_up_until=None)
    details = PractitionerDetails(name=row.name, user_id=user.pk if user else None, site_id=site_id)
    return actions.change_practitioner(
        actor=actor, practitioner_id=row.pk, details=details, expected_version=row.version, now=NOW
    )


def test_an_administrator_of_another_site_makes_nobody_a_clinician_of_ours(two: Two) -> None:
    for site_id in (two.riverside.pk, two.northgate.pk, None):
        with pytest.raises(Forbidden):
            change(two.ada, two.imani, user=two.mallory, site_id=site_id)
    two.imani.refresh_from_db()
    assert (two.imani.user_id, two.imani.site_id) == (None, two.riverside.pk)
    with pytest.raises(Forbidden):
        actions.retire_entry(actor=acting(two.ada), entry=two.imani, reason="left", expected_version=1, now=NOW)
    with pytest.raises(Forbidden):
        details = PractitionerDetails(name="Dr New", site_id=two.riverside.pk)
        actions.add_practitioner(actor=acting(two.ada), details=details, now=NOW)


def test_nobody_of_one_site_links_or_takes_in_a_clinician_of_no_site(two: Two) -> None:
    assert change(two.ada, two.hana).version == 2
    with pytest.raises(Forbidden):
        change(two.ada, two.hana, user=two.mallory)
    with pytest.raises(Forbidden):
        change(two.ada, two.hana, user=two.mallory, site_id=two.northgate.pk)
    with pytest.raises(Forbidden):
        change(two.ada, two.hana, site_id=two.northgate.pk)
    assert change(two.adam, two.hana, user=two.mallory, site_id=two.northgate.pk).user_id == two.mallory.pk


def test_one_moves_a_clinician_only_between_sites_where_one_corrects_both(two: Two) -> None:
    with pytest.raises(Forbidden):
        change(two.rosa, two.imani, site_id=two.northgate.pk)
    assert change(two.adam, two.imani, site_id=two.northgate.pk).site_id == two.northgate.pk
    assert change(two.ada, two.imani).site_id is None


def test_both_the_old_and_the_new_person_must_be_within_reach(two: Two) -> None:
    both = person("Bea", Role.CLINICIAN, at=two.northgate)
    added_role = person("Cleo", Role.CLINICIAN)
    own = added("Dr Own", site_id=two.northgate.pk)
    with pytest.raises(ReachesFurther):
        change(two.ada, own, user=added_role, site_id=two.northgate.pk)
    assert change(two.ada, own, user=both, site_id=two.northgate.pk).user_id == both.pk
    far = added("Dr Far", site_id=two.northgate.pk, user_id=added_role.pk)
    with pytest.raises(ReachesFurther):
        change(two.ada, far, site_id=two.northgate.pk)
    assert change(two.ada, far, user=added_role, site_id=two.northgate.pk).version == 2


def test_linking_needs_a_fresh_proof_and_correcting_does_not(two: Two) -> None:
    with pytest.raises(StepUpNeeded):
        change(two.adam, two.imani, user=two.mallory, site_id=two.riverside.pk, fresh=False)
    assert change(two.adam, two.imani, site_id=two.riverside.pk, fresh=False).user_id is None
    assert change(two.adam, two.imani, user=two.mallory, site_id=two.riverside.pk).user_id == two.mallory.pk
    said = trail("directory.link")
    assert [entry.outcome for entry in said] == ["refused", "done"]
    assert said[-1].details == {"site_id": two.riverside.pk, "user_id": two.mallory.pk, "was": None}


def test_who_may_not_link_says_nobody_and_takes_nobody_away(two: Two) -> None:
    with pytest.raises(Forbidden):
        change(two.rosa, two.imani, user=two.rosa, site_id=two.riverside.pk)
    linked = change(two.adam, two.imani, user=two.mallory, site_id=two.riverside.pk)
    with pytest.raises(Forbidden):
        change(two.rosa, linked, site_id=two.riverside.pk)
    assert change(two.rosa, linked, user=two.mallory, site_id=two.riverside.pk).user_id == two.mallory.pk


def test_a_new_clinician_who_signs_in_is_added_once_however_often_the_form_is_sent(two: Two, client: Client) -> None:
    sign_in(client, two.adam)
    new = "/directory/clinicians/new/"
    key = client.get(new).content.decode().split('name="key" value="')[1].split('"')[0]
    typed = {"name": "Dr Mallory", "user": two.mallory.pk, "site": two.riverside.pk, "key": key}
    assert client.post(new, typed).status_code == 302
    assert client.post(new, typed).status_code == 302
    assert Practitioner.objects.filter(user=two.mallory).count() == 1
    other = client.post(new, {**typed, "key": "another form"})
    assert (other.status_code, Practitioner.objects.filter(name="Dr Mallory").count()) == (422, 1)


def test_the_page_offers_only_what_can_be_done(two: Two, client: Client) -> None:
    sign_in(client, two.ada)
    listed = client.get("/directory/").content.decode()
    assert f"/directory/clinicians/{two.hana.pk}/" in listed
    assert f"/directory/clinicians/{two.imani.pk}/" not in listed
    assert client.get(f"/directory/clinicians/{two.imani.pk}/").status_code == 403
    attack = {"name": "Dr Imani", "user": two.mallory.pk, "site": two.northgate.pk, "version": 1}
    assert client.post(f"/directory/clinicians/{two.imani.pk}/", attack).status_code == 403
    assert client.post(f"/directory/clinicians/{two.imani.pk}/retire/").status_code == 403
    elsewhere = client.get(f"/directory/clinicians/{two.hana.pk}/").content.decode()
    assert 'name="user"' not in elsewhere
    assert "Northgate" not in elsewhere
    new = client.get("/directory/clinicians/new/").content.decode()
    assert "Mallory" in new
    assert "Northgate" in new
    assert "Riverside" not in new
    assert "Rosa" not in new


def test_a_coordinator_corrects_an_entry_and_leaves_who_signs_in_as_it_is(two: Two, client: Client) -> None:
    linked = change(two.adam, two.imani, user=two.mallory, site_id=two.riverside.pk)
    sign_in(client, two.rosa)
    assert 'name="user"' not in client.get(f"/directory/clinicians/{linked.pk}/").content.decode()
    typed = {"name": "Dr I.", "user": two.rosa.pk, "site": two.riverside.pk, "version": linked.version}
    assert client.post(f"/directory/clinicians/{linked.pk}/", typed).status_code == 302
    assert client.post("/directory/clinicians/new/", {"name": "Dr N.", "key": "a"}).status_code == 302
    linked.refresh_from_db()
    assert (linked.name, linked.user_id) == ("Dr I.", two.mallory.pk)


def test_the_administrator_is_asked_who_they_are_before_linking(two: Two, client: Client) -> None:
    sign_in(client, two.adam)
    old_proof(client)
    at = f"/directory/clinicians/{two.imani.pk}/"
    typed = {"name": "Dr Imani", "user": two.mallory.pk, "site": two.riverside.pk, "version": 1}
    asked = client.post(at, typed)
    assert asked["Location"] == "/account/reauthenticate/?next=%2Faccount%2Fagain%2F"
    client.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/account/again/"})
    assert client.post(at, typed).status_code == 302
    two.imani.refresh_from_db()
    assert two.imani.user_id == two.mallory.pk
