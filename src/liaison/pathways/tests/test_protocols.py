"""Reading a protocol in the app, and turning it off and on."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, User
from liaison.core.actor import Actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.pathways import actions, queries
from liaison.pathways.models import Enrolment, Protocol, ProtocolPause
from liaison.pathways.rules.criteria import (
    Age,
    Alive,
    All,
    Anchor,
    AnchorValue,
    AnyOf,
    Bound,
    DaysSinceAnchor,
    HasFact,
    IsSex,
    Not,
    Range,
    Window,
)
from liaison.pathways.rules.protocol import packaged_protocols, read_protocol
from liaison.pathways.rules.words import anchor_words, node_words
from liaison.pathways.tests.cast import LIAISON, NOW, Ward, stay, walter
from liaison.records.rules.facts import STAY_CLASSES

CODE = "transitional-care"
ADDRESS = f"/protocols/{CODE}/"


def person(name, role, site):
    with writes_open():
        user = User.objects.create(email=f"{name.lower()}@clinic.example", name=name, password="!")
        Assignment.objects.create(user=user, role=role, site=site, starts_at=NOW - timedelta(days=400))
    return Actor(user_id=user.pk, name=name, assignments=frozenset({(str(role), site.pk if site else None)}))


def signed_in(client, actor):
    client.force_login(User.objects.get(pk=actor.user_id))
    return client


@pytest.fixture
def chief(ward: Ward):
    """Marta supervises everywhere, and the protocols are installed."""
    actions.install_protocols(LIAISON, now=NOW)
    return person("Marta", Role.SUPERVISOR, None)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Alive(), "the patient is alive"),
        (Not(Alive()), "not: the patient is alive"),
        (IsSex("female"), "the patient's sex is female"),
        (Age(Range(at_least=Decimal(18), below=Decimal(65))), "the patient's age in years is at least 18 and below 65"),
        (Age(Range()), "the patient's age in years is known"),
        (DaysSinceAnchor(at_most=29), "0 to 29 days have passed since it ended"),
        (AnchorValue(("snf", "rehab")), "it ended with snf or rehab"),
        (AnchorValue(()), "it ended with nothing"),
        (All(()), "always"),
        (AnyOf(()), "never"),
        (All((Alive(),)), "the patient is alive"),
        (AnyOf((Alive(), IsSex("male"))), "(the patient is alive) or (the patient's sex is male)"),
        (HasFact(kind="encounter"), "there is a stay or visit"),
        (
            HasFact(
                kind="observation", codes=("4548-4",), systems=("loinc",), statuses=("final", "amended"),
                values=("high",), number=Range(at_least=Decimal("9.50")), at_least=2, latest=True,
                when=Window(start=Bound(of="ends_at"), end=Bound(of="now", days=-3)),
            ),
            (
                "there is at least 2 times as the latest a result coded 4548-4 in loinc that is final or amended "
                "saying high of at least 9.5 that began from its end until 3 days before now"
            ),
        ),
        (
            HasFact(kind="some_kind", when=Window(column="ends_at", start=Bound(of="starts_at", days=2))),
            "there is a some kind that ended from 2 days after its beginning",
        ),
        (HasFact(kind="death", when=Window()), "there is a record of death that began at a known time"),
    ],
)  # fmt: skip
def test_a_question_of_the_criteria_in_words(node, words):
    assert node_words(node) == words


def test_what_a_protocol_hangs_on_in_words():
    anchor = Anchor(kind="encounter", codes=("IMP", "ACUTE"), statuses=("finished",))
    assert anchor_words(anchor) == "a stay or visit (hospital stay, acute stay), finished, that has ended"
    assert anchor_words(Anchor(kind="surgery", codes=())) == "a surgery that has ended"


def test_the_page_says_what_it_opens_by_when_and_by_what_source(ward, chief, client):
    ward.take_in(walter(), stay())
    signed_in(client, chief)
    listed = client.get("/protocols/").content.decode()
    assert ADDRESS in listed
    assert "1 open" in listed
    page = client.get(ADDRESS).content.decode()
    for words in (
        "Transitional care after a hospital stay",
        "CPT 99495 and 99496, Medicare transitional care management",
        "2026.1",
        "Call …: first call after the hospital stay",
        "within 2 business days",
        "within 14 days",
        "7 days if complex",
        "Medicines reconciled",
        "the patient has died",
        "1 follow-up is open",
    ):
        assert words in page, words


def test_a_coordinator_reads_it_and_turns_nothing_off(ward, chief, client):
    signed_in(client, ward.rosa)
    assert "Turn it off" not in client.get(ADDRESS).content.decode()
    assert client.post(f"{ADDRESS}off/", {"reason": "Too many"}).status_code == 403
    assert not ProtocolPause.objects.exists()


def test_the_front_desk_does_not_read_protocols(ward, chief, client):
    kofi = person("Kofi", Role.FRONT_DESK, ward.riverside)
    signed_in(client, kofi)
    assert client.get("/protocols/").status_code == 403
    assert client.get(ADDRESS).status_code == 403
    with pytest.raises(Forbidden):
        queries.protocols(kofi)


def test_off_opens_nothing_new_and_on_again_opens_what_still_fits(ward, chief):
    actions.turn_off(chief, code=CODE, reason="The billing office asks us to wait", now=NOW)
    ward.take_in(walter(), stay())
    assert not Enrolment.objects.exists()
    entry = AuditEntry.objects.get(verb="pathways.switch")
    del entry.details["asked"], entry.details["left"]
    assert (entry.reason, entry.details) == (
        "The billing office asks us to wait",
        {"code": CODE, "on": False, "site_id": None},
    )
    ended = actions.turn_on(chief, code=CODE, now=NOW + timedelta(hours=1))
    assert (ended.ended_by_name, ended.reason) == ("Marta", "The billing office asks us to wait")
    actions.evaluate(LIAISON, now=NOW + timedelta(hours=2))
    assert Enrolment.objects.count() == 1


def test_what_runs_goes_on_while_it_is_off_and_is_still_taken_back(ward, chief):
    ward.take_in(walter(), stay())
    actions.turn_off(chief, code=CODE, reason="wait", now=NOW)
    assert ward.enrolment.loop.state == "open"
    ward.take_in(stay(status="entered-in-error"))
    assert ward.enrolment.loop.state == "given_up"


def test_turning_off_and_on_is_refused_in_words(ward, chief):
    with pytest.raises(actions.SayWhyOff) as refused:
        actions.turn_off(chief, code=CODE, reason="  ", now=NOW)
    assert set(refused.value.fields) == {"reason"}
    with pytest.raises(NotFound):
        actions.turn_off(chief, code="unknown", reason="x", now=NOW)
    with pytest.raises(actions.NotOff):
        actions.turn_on(chief, code=CODE, now=NOW)
    actions.turn_off(chief, code=CODE, reason="x", now=NOW)
    with pytest.raises(actions.AlreadyOff):
        actions.turn_off(chief, code=CODE, reason="y", now=NOW)
    colleague = person("Ada", Role.SUPERVISOR, None)
    with pytest.raises(actions.AlreadyOff):
        actions.turn_off(colleague, code=CODE, reason="x", now=NOW)
    with pytest.raises(NotFound):
        queries.get_protocol(chief, code="unknown")


def test_off_and_on_pressed_twice_are_answered_as_the_first_time(ward, chief):
    off = [actions.turn_off(chief, code=CODE, reason="wait", now=NOW) for _press in range(2)]
    assert off[0] == off[1] == ProtocolPause.objects.get()
    on = [actions.turn_on(chief, code=CODE, now=NOW) for _press in range(2)]
    assert on[0] == on[1] == off[0]
    with pytest.raises(actions.NotOff):
        actions.turn_on(person("Ada", Role.SUPERVISOR, None), code=CODE, now=NOW)


def test_it_is_the_whole_organizations(ward, chief):
    of_riverside = person("Noor", Role.SUPERVISOR, ward.riverside)
    with pytest.raises(Forbidden):
        actions.turn_off(of_riverside, code=CODE, reason="x", now=NOW)
    with pytest.raises(Forbidden):
        actions.turn_on(of_riverside, code=CODE, now=NOW)
    assert queries.get_protocol(of_riverside, code=CODE).is_on


def test_marta_turns_it_off_and_on_from_its_page(chief, client):
    signed_in(client, chief)
    asked = client.post(f"{ADDRESS}off/", {"reason": ""})
    assert asked.status_code == 422
    assert 'aria-invalid="true"' in asked.content.decode()
    assert client.post(f"{ADDRESS}off/", {"reason": "We wait"})["Location"] == ADDRESS
    off = client.get(ADDRESS).content.decode()
    assert "We wait" in off
    assert "Turn it on" in off
    assert client.post(f"{ADDRESS}on/")["Location"] == ADDRESS
    on = client.get(ADDRESS).content.decode()
    assert "on again" in on
    assert "Turn it off" in on


def test_before_any_records_the_list_says_what_next(ward, client):
    signed_in(client, ward.rosa)
    assert "No protocols yet" in client.get("/protocols/").content.decode()


def test_a_privacy_officer_neither_reads_nor_switches(ward, chief, client):
    signed_in(client, person("Priya", Role.PRIVACY_OFFICER, None))
    assert client.get(ADDRESS).status_code == 403
    assert client.post(f"{ADDRESS}on/").status_code == 403


def test_the_content_of_each_packaged_version_stays_what_it_was():
    contents = {
        (data["code"], data["version"]): sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
        for data in packaged_protocols()
    }
    assert contents == {("transitional-care", "2026.1"): "4ef32e292a200bb1"}, "give changed content a new version"


def test_a_content_that_changed_under_the_same_version_is_refused(chief):
    actions.refuse_changed_protocols()
    with writes_open():
        installed = Protocol.objects.get()
        installed.definition["title"] = "Another title"
        installed.save()
    for refused in (actions.refuse_changed_protocols, lambda: actions.evaluate(LIAISON, now=NOW)):
        with pytest.raises(actions.ProtocolChanged, match="of this release is not what"):
            refused()


def test_an_earlier_version_may_have_had_any_content(chief):
    with writes_open():
        Protocol.objects.update(version="2025.9", definition={"title": "As it was"})
    actions.refuse_changed_protocols()
    assert [one.version for one in actions.install_protocols(LIAISON, now=NOW)] == ["2026.1"]


def test_what_an_import_calls_a_hospital_stay_is_what_transitional_care_follows():
    care = next(one for one in map(read_protocol, packaged_protocols()) if one.code == "transitional-care")
    assert set(care.criteria.anchor.codes) == STAY_CLASSES
    assert care.criteria.anchor.statuses == ("finished",)
