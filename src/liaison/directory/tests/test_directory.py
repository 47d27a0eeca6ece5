"""Clinicians and places: added, corrected, found, offered to a referral."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from liaison.accounts.access import Role
from liaison.core.actor import Actor, system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.directory import actions, queries, rules
from liaison.directory.actions import OrganizationDetails, PractitionerDetails
from liaison.directory.forms import OrganizationForm

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
LIAISON = system_actor("tests")
ROSA = Actor(user_id=1, name="Rosa", assignments=frozenset({(Role.COORDINATOR, 1)}))
BILL = Actor(user_id=2, name="Bill", assignments=frozenset({(Role.BILLING, 1)}))
ADAM = Actor(user_id=4, name="Adam", assignments=frozenset({(Role.ADMINISTRATOR, None)}))
PRIYA = Actor(user_id=3, name="Priya", assignments=frozenset({(Role.PRIVACY_OFFICER, None)}))


@pytest.mark.parametrize(
    ("npi", "valid"),
    [("1234567893", True), ("1234567890", False), ("123456789", False), ("12345678９3", False), ("", False)],
)
def test_an_npi_has_a_check_digit(npi: str, valid: bool) -> None:
    assert rules.npi_is_valid(npi) is valid


@pytest.mark.django_db
def test_a_clinician_is_added_corrected_and_retired() -> None:
    made = actions.add_practitioner(
        actor=ROSA, details=PractitionerDetails(name=" Dr Imani ", specialty="cardiology", npi="1234567893"), now=NOW
    )
    assert (made.name, made.specialty_id, made.where) == ("Dr Imani", "cardiology", "")
    changed = actions.change_practitioner(
        actor=ROSA,
        practitioner_id=made.pk,
        details=PractitionerDetails(name="Dr A. Imani"),
        expected_version=1,
        now=NOW,
    )
    assert changed.version == 2
    with pytest.raises(Stale):
        actions.change_practitioner(
            actor=ROSA, practitioner_id=made.pk, details=PractitionerDetails(name="X"), expected_version=1, now=NOW
        )
    assert [row.name for row in queries.practitioners(BILL, text="imani")] == ["Dr A. Imani"]
    actions.retire_entry(actor=ADAM, entry=made, reason=" left us ", expected_version=2, now=NOW)
    assert queries.practitioners(BILL) == []
    assert [row.retired_at for row in queries.retired_practitioners(BILL, text="imani")] == [NOW]
    again = actions.offer_again(actor=ADAM, entry=made, expected_version=3, now=NOW)
    assert (again.version, queries.retired_practitioners(BILL)) == (4, [])
    assert [row.name for row in queries.practitioners(BILL)] == ["Dr A. Imani"]
    told = AuditEntry.objects.filter(verb="directory.change", outcome="done").order_by("pk")
    assert [entry.reason for entry in told] == ["", "", "left us", ""]
    asked, left = told[3].details.pop("asked"), told[3].details.pop("left")
    assert told[3].details == {"site_id": None, "offered": "again"}
    assert (len(asked), left) == (32, again.version), "for a second press"


@pytest.mark.django_db
def test_numbers_are_kept_as_people_here_write_them_and_received_ones_that_are_none_as_they_came() -> None:
    place = OrganizationDetails(name="Heart House", phone="617.555.0142", fax="ask them")
    heart = actions.add_organization(actor=ROSA, details=place, now=NOW)
    assert (heart.phone, heart.fax) == ("(617) 555-0142", "ask them")
    typed = {"name": "Heart Home", "kind": "clinic", "phone": "555-0142", "fax": "ask them", "version": 1}
    form = OrganizationForm(typed, row=heart)
    assert set(form.errors) == {"phone"}
    assert "area code" in str(form.errors["phone"])
    form = OrganizationForm({**typed, "phone": "1-617-555-0143"}, row=heart)
    assert form.is_valid()
    assert (form.details().phone, form.details().fax) == ("(617) 555-0143", "ask them")


@pytest.mark.django_db
def test_a_place_offers_its_specialties_to_referrals_after_our_own() -> None:
    from liaison.accounts.models import Site

    with writes_open():
        site = Site.objects.create(code="RIV", name="Riverside")
    heart = actions.add_organization(
        actor=ROSA, details=OrganizationDetails(name="Heart House", specialties=["cardiology"]), now=NOW
    )
    actions.add_practitioner(
        actor=LIAISON, details=PractitionerDetails(name="Dr Zed", specialty="cardiology", site_id=site.pk), now=NOW
    )
    actions.add_practitioner(
        actor=ROSA,
        details=PractitionerDetails(name="Dr Away", specialty="cardiology", organization_id=heart.pk),
        now=NOW,
    )
    targets = queries.referral_targets(ROSA, specialty="cardiology")
    assert [(target.name, target.ours) for target in targets] == [
        ("Dr Zed", True),
        ("Dr Away", False),
        ("Heart House", False),
    ]
    actions.change_organization(
        actor=ROSA,
        organization_id=heart.pk,
        details=OrganizationDetails(name="Heart House"),
        expected_version=1,
        now=NOW,
    )
    with pytest.raises(Stale):
        actions.change_organization(
            actor=ROSA, organization_id=heart.pk, details=OrganizationDetails(name="H"), expected_version=1, now=NOW
        )
    assert [target.name for target in queries.referral_targets(ROSA, specialty="cardiology")] == ["Dr Zed", "Dr Away"]
    assert str(heart) == "Heart House"
    actions.retire_entry(actor=ADAM, entry=heart, reason="moved", expected_version=2, now=NOW)
    assert queries.organizations(ROSA, text="heart") == []
    assert queries.retired_organizations(ROSA, text="heart") == [heart]
    actions.offer_again(actor=ADAM, entry=heart, expected_version=3, now=NOW)
    assert queries.organizations(ROSA, text="heart") == [heart]
    assert len(queries.specialties(ROSA)) > 20


@pytest.mark.django_db
def test_nothing_goes_without_a_reason_or_by_an_old_page_or_twice() -> None:
    heart = actions.add_organization(actor=ROSA, details=OrganizationDetails(name="Heart House"), now=NOW)
    named: dict[str, Any] = {"actor": ADAM, "entry": heart, "now": NOW}
    with pytest.raises(actions.EntryWrong) as refusal:
        actions.retire_entry(reason=" ", expected_version=1, **named)
    assert set(refusal.value.fields) == {"reason"}
    with pytest.raises(Stale):
        actions.retire_entry(reason="moved", expected_version=2, **named)
    with pytest.raises(Stale):
        actions.offer_again(expected_version=1, **named)
    assert actions.retire_entry(reason="moved", expected_version=1, **named).retired_at == NOW
    with pytest.raises(Stale):
        actions.retire_entry(reason="moved", expected_version=2, **named)
    with pytest.raises(Stale):
        actions.offer_again(expected_version=1, **named)
    assert actions.offer_again(expected_version=2, **named).retired_at is None


@pytest.mark.django_db
def test_what_belongs_to_no_site_is_taken_out_and_back_by_who_has_the_verb_everywhere() -> None:
    heart = actions.add_organization(actor=ROSA, details=OrganizationDetails(name="Heart House"), now=NOW)
    away = actions.add_practitioner(actor=ROSA, details=PractitionerDetails(name="Dr Away"), now=NOW)
    old: dict[str, Any] = {"actor": ROSA, "expected_version": 1, "now": NOW}
    for refused in (
        lambda: actions.retire_entry(entry=heart, reason="moved", **old),
        lambda: actions.offer_again(entry=heart, **old),
        lambda: actions.retire_entry(entry=away, reason="moved", **old),
        lambda: actions.offer_again(entry=away, **old),
    ):
        with pytest.raises(Forbidden):
            refused()
    assert (queries.organizations(ROSA), queries.practitioners(ROSA)) == ([heart], [away])


@pytest.mark.django_db
def test_what_cannot_be_is_refused_beside_its_field() -> None:
    for details, field in [
        (PractitionerDetails(name=" "), "name"),
        (PractitionerDetails(name="Dr", npi="1234567890"), "npi"),
        (PractitionerDetails(name="Dr", site_id=1, organization_id=1), "organization"),
    ]:
        with pytest.raises(actions.EntryWrong) as refusal:
            actions.add_practitioner(actor=ROSA, details=details, now=NOW)
        assert set(refusal.value.fields) == {field}
    with pytest.raises(actions.EntryWrong):
        actions.add_organization(actor=ROSA, details=OrganizationDetails(name="X", kind="moon"), now=NOW)


@pytest.mark.django_db
def test_who_may_look_and_who_may_change() -> None:
    with pytest.raises(Forbidden):
        actions.add_practitioner(actor=BILL, details=PractitionerDetails(name="Dr"), now=NOW)
    with pytest.raises(Forbidden):
        queries.practitioners(PRIYA)
    for missing in (
        lambda: queries.get_practitioner(ROSA, practitioner_id=9),
        lambda: queries.get_organization(ROSA, organization_id=9),
    ):
        with pytest.raises(NotFound):
            missing()
    assert queries.practitioner_of(9) is None


@pytest.fixture
def rosa(db: None) -> Client:
    """Rosa's browser."""
    from liaison.accounts.models import Assignment, Site, User

    with writes_open():
        site = Site.objects.create(code="RIV", name="Riverside")
        user = User.objects.create(email="rosa@example.org", name="Rosa", password=make_password("a long secret"))
        Assignment.objects.create(
            user=user, role=Role.COORDINATOR, site=site, starts_at=datetime(2020, 1, 1, tzinfo=UTC)
        )
    client = Client()
    client.post("/account/login/", {"login": "rosa@example.org", "password": "a long secret"})
    return client


@pytest.fixture
def adam(rosa: Client) -> Client:
    """Adam's browser: he administers all sites."""
    from liaison.accounts.models import Assignment, User

    with writes_open():
        user = User.objects.create(email="adam@example.org", name="Adam", password=make_password("a long secret"))
        Assignment.objects.create(user=user, role=Role.ADMINISTRATOR, starts_at=datetime(2020, 1, 1, tzinfo=UTC))
    client = Client()
    client.post("/account/login/", {"login": "adam@example.org", "password": "a long secret"})
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def added(client: Client, address: str, typed: dict[str, Any], *, key: str = "") -> Any:
    """What a fresh form answers, or with `key` that form sent again."""
    if not key:
        key = text(client.get(address)).split('name="key" value="')[1].split('"')[0]
    return client.post(address, {**typed, "key": key})


def test_the_pages_of_the_directory(rosa: Client) -> None:
    assert "No clinicians yet" in text(rosa.get("/directory/"))
    assert rosa.get("/directory/clinicians/new/").status_code == 200
    assert added(
        rosa, "/directory/places/new/", {"name": "Heart House", "kind": "clinic", "specialties": ["cardiology"]}
    )
    place = queries.organizations(LIAISON)[0]
    typed = {"name": "Dr Away", "specialty": "cardiology", "organization": place.pk, "takes_referrals": "on"}
    assert added(rosa, "/directory/clinicians/new/", typed).status_code == 302
    wrong = added(rosa, "/directory/clinicians/new/", {**typed, "npi": "1234567890"})
    assert wrong.status_code == 422
    assert "check its ten digits" in text(wrong)
    row = queries.practitioners(LIAISON)[0]
    assert "Heart House" in text(rosa.get("/directory/", {"q": "cardio"}, HTTP_HX_REQUEST="true"))
    entry = f"/directory/clinicians/{row.pk}/"
    assert 'value="Dr Away"' in text(rosa.get(entry))
    assert rosa.post(entry, {**typed, "version": "1"}).status_code == 302
    twice = rosa.post(entry, {**typed, "version": "1"})
    assert (twice.status_code, queries.practitioners(LIAISON)[0].version) == (302, 2), "it says what is kept"
    mine = {**typed, "name": "Dr Afar", "version": "1"}
    stale = rosa.post(entry, mine)
    assert stale.status_code == 409
    for words in ("changed this meanwhile", "It now says: Dr Away", 'value="Dr Afar"', 'name="version" value="2"'):
        assert words in text(stale)
    assert rosa.post(entry, {**mine, "version": "2"}).status_code == 302
    place_entry = f"/directory/places/{place.pk}/"
    assert "Heart House" in text(rosa.get(place_entry))
    assert rosa.post(place_entry, {"name": "Heart", "kind": "clinic", "version": "1"}).status_code == 302
    stale = text(rosa.post(place_entry, {"name": "House", "kind": "hospital", "version": "1"}))
    assert ("It now says: Heart" in stale, 'value="House"' in stale) == (True, True)
    assert rosa.get("/directory/clinicians/999/").status_code == 404


def test_who_corrects_an_entry_second_is_told_what_it_says_now_and_may_save_against_that(rosa: Client) -> None:
    typed = {"name": "Heart House", "kind": "clinic", "specialties": ["cardiology"], "phone": "617-555-0142"}
    added(rosa, "/directory/places/new/", typed)
    entry = f"/directory/places/{queries.organizations(LIAISON)[0].pk}/"
    assert rosa.post(entry, {**typed, "version": "1", "phone": "617-555-0143"}).status_code == 302
    answer = rosa.post(entry, {**typed, "version": "1", "specialties": []})
    page = text(answer)
    assert answer.status_code == 409
    assert "It now says: (617) 555-0143" in page
    assert "It now says: Cardiology" in page
    assert page.count("It now says") == 2
    assert 'name="version" value="2"' in page
    assert rosa.post(entry, {**typed, "version": "2"}).status_code == 302
    assert queries.organizations(LIAISON)[0].phone == "(617) 555-0142"


def test_a_place_is_offered_no_longer_after_a_question_and_offered_again(rosa: Client, adam: Client) -> None:
    added(rosa, "/directory/places/new/", {"name": "Heart House", "kind": "clinic"})
    entry = f"/directory/places/{queries.organizations(LIAISON)[0].pk}/"
    assert "Offer no longer" not in text(rosa.get(entry))
    assert rosa.get(f"{entry}retire/").status_code == 403
    assert rosa.post(f"{entry}retire/", {"reason": "moved", "version": "1"}).status_code == 403
    assert f'href="{entry}retire/"' in text(adam.get(entry))
    asked = text(adam.get(f"{entry}retire/"))
    assert ("No open referral asks Heart House." in asked, 'name="version" value="1"' in asked) == (True, True)
    assert adam.post(f"{entry}retire/").status_code == 422
    assert adam.post(f"{entry}retire/", {"reason": " ", "version": "1"}).status_code == 422
    stale = adam.post(f"{entry}retire/", {"reason": "moved away", "version": "7"})
    assert (stale.status_code, "changed this meanwhile" in text(stale)) == (409, True)
    assert ('name="version" value="1"' in text(stale), "moved away" in text(stale)) == (True, True)
    for _press in ("first", "second"):
        gone = adam.post(f"{entry}retire/", {"reason": "moved away", "version": "1"})
        assert (gone.status_code, gone.headers["Location"]) == (302, entry)
        assert "No longer offered" in text(adam.get(entry))
    late = adam.post(f"{entry}retire/", {"reason": "closed down", "version": "1"})
    assert (late.status_code, "changed this meanwhile" in text(late)) == (409, True)
    assert "No places yet" in text(rosa.get("/directory/?places=1"))
    assert "Not offered since" in text(rosa.get("/directory/?places=1&gone=1"))
    assert adam.get(f"{entry}retire/").headers["Location"] == entry
    hers = text(rosa.get(entry))
    assert ("Not offered since" in hers, "Offer again" in hers) == (True, False)
    assert "Offer again" in text(adam.get(entry))
    assert rosa.post(f"{entry}offer/", {"version": "2"}).status_code == 403
    assert adam.post(f"{entry}offer/").status_code == 409
    assert [adam.post(f"{entry}offer/", {"version": "2"}).status_code for _press in range(2)] == [302, 302]
    assert "Heart House" in text(rosa.get("/directory/?places=1"))


def test_a_clinician_of_ours_is_taken_out_and_back_by_who_corrects_them(rosa: Client) -> None:
    from liaison.accounts.models import Site

    added(rosa, "/directory/clinicians/new/", {"name": "Dr Imani", "site": Site.objects.get().pk})
    entry = f"/directory/clinicians/{queries.practitioners(LIAISON)[0].pk}/"
    assert rosa.post(f"{entry}retire/", {"reason": "left us", "version": "1"}).status_code == 302
    assert "Everything is offered" not in text(rosa.get("/directory/?gone=1"))
    assert rosa.post(f"{entry}offer/", {"version": "2"}).status_code == 302
    assert "Everything is offered" in text(rosa.get("/directory/?gone=1"))
