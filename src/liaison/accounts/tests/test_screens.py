"""The administrator's pages, the privacy officer's search, and confirming who one is."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from liaison.accounts import actions
from liaison.accounts.access import Role
from liaison.accounts.forms import AuditSearchForm
from liaison.accounts.models import Site, Team, User
from liaison.accounts.queries import AuditFilter, actor_of, export_audit, own_account, people, search_audit
from liaison.accounts.queries.audit import PAGE
from liaison.accounts.sessions import STASH
from liaison.accounts.tests.cast import LIAISON, NOW, PASSWORD, acting, old_proof, person, sign_in, site, trail
from liaison.accounts.views.audit import _lines
from liaison.core.audit import record, seal_entries
from liaison.core.clock import current_time
from liaison.core.cursors import BadCursor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden
from liaison.core.tests.test_act import _tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def riverside() -> Site:
    """Where Rosa works."""
    return site()


@pytest.fixture
def rosa(riverside: Site) -> User:
    """A coordinator."""
    return person("Rosa Diaz", Role.COORDINATOR, at=riverside)


@pytest.fixture
def ada(client: Client) -> User:
    """An administrator, signed in."""
    made = person("Ada Obi", Role.ADMINISTRATOR)
    sign_in(client, made)
    return made


@pytest.fixture
def vera(client: Client) -> User:
    """The privacy officer, signed in."""
    made = person("Vera Lind", Role.PRIVACY_OFFICER)
    sign_in(client, made)
    return made


def test_the_own_account_says_what_one_holds_and_how_one_proves_it(client: Client, rosa: User, ada: User) -> None:
    team = actions.add_team(actor=acting(ada), name="Transitions", site=Site.objects.get(), now=NOW)
    actions.set_teams(actor=acting(ada), person=rosa, teams=[team], now=NOW)
    mine = Client()
    sign_in(mine, rosa)
    with writes_open():
        for kind, what in (("totp", {"secret": "x"}), ("recovery_codes", {}), ("webauthn", {"name": "Laptop"})):
            Authenticator.objects.create(user=rosa, type=kind, data=what)
    account = own_account(actor_of(rosa, now=NOW), now=NOW)
    assert [str(held) for held in account.assignments] == [str(held) for held in rosa.assignments.all()]
    assert (account.teams, account.has_totp, account.passkeys, account.has_recovery_codes) == ((team,), True, 1, True)
    shown = mine.get("/account/").content.decode()
    for words in (str(rosa.assignments.get()), "Transitions", "Recovery codes", "Manage"):
        assert words in shown
    assert "Set up" not in shown


@pytest.mark.parametrize(
    "path", ["/people/", "/people/new/", "/people/1/", "/people/sites/", "/audit/", "/audit/export/"]
)
def test_a_coordinator_may_not_open_these(client: Client, rosa: User, path: str) -> None:
    sign_in(client, rosa)
    assert client.get(path).status_code == 403


def test_the_list_shows_people_with_roles_and_narrows(client: Client, ada: User, rosa: User) -> None:
    page = client.get("/people/").content.decode()
    assert "Care coordinator, Riverside" in page
    assert "Ada Obi" in page
    narrowed = client.get("/people/?q=diaz", headers={"HX-Request": "true"}).content.decode()
    assert "Rosa Diaz" in narrowed
    assert "Ada Obi" not in narrowed
    assert "<html" not in narrowed
    assert "Nobody of that name" in client.get("/people/?q=zzz").content.decode()
    assert "No closed accounts" in client.get("/people/?closed=1").content.decode()


def test_adding_a_person_leads_to_their_page(client: Client, ada: User) -> None:
    answer = client.post("/people/new/", {"name": "Marta Ruiz", "email": "Marta@riverside.example"})
    marta = User.objects.get(email="marta@riverside.example")
    assert answer["Location"] == f"/people/{marta.pk}/"
    assert "No role: this person can sign in and see nothing." in client.get(answer["Location"]).content.decode()
    again = client.post("/people/new/", {"name": "Marta Two", "email": "marta@riverside.example"})
    assert again.status_code == 422
    assert "Someone already signs in with this address." in again.content.decode()
    assert 'value="Marta Two"' in again.content.decode()
    assert client.post("/people/new/", {"name": "", "email": "x"}).status_code == 422


def test_roles_and_teams_are_given_and_taken_on_the_page(
    client: Client, ada: User, rosa: User, riverside: Site
) -> None:
    page = f"/people/{rosa.pk}/"
    client.post(f"{page}roles/", {"role": "supervisor", "site": riverside.pk})
    assert "Supervisor" in client.get(page).content.decode()
    twice = client.post(f"{page}roles/", {"role": "supervisor", "site": riverside.pk})
    assert (twice.status_code, "holds this role there already" in twice.content.decode()) == (422, True)
    assert client.post(f"{page}roles/", {"role": "queen"}).status_code == 422
    held = rosa.assignments.get(role="supervisor")
    client.post(f"{page}roles/{held.pk}/end/")
    assert client.post(f"{page}roles/{held.pk}/end/").status_code == 404
    team = actions.add_team(actor=LIAISON, name="Transitions", site=riverside, now=NOW)
    client.post(f"{page}teams/", {"teams": [team.pk]})
    assert [str(one) for one in rosa.teams.all()] == ["Transitions"]
    assert client.post(f"{page}teams/", {"teams": [999]}).status_code == 422


def test_a_name_is_changed_and_a_taken_address_refused(client: Client, ada: User, rosa: User) -> None:
    client.post(f"/people/{rosa.pk}/", {"name": "Rosa Diaz-Ng", "email": rosa.email, "version": "1"})
    assert User.objects.get(pk=rosa.pk).name == "Rosa Diaz-Ng"
    taken = client.post(f"/people/{rosa.pk}/", {"name": "Rosa", "email": ada.email, "version": "2"})
    assert taken.status_code == 422
    assert 'value="Rosa"' in taken.content.decode()
    assert client.get("/people/999999/").status_code == 404


def test_who_saves_a_person_second_is_told_what_it_says_now_and_may_save_against_that(
    client: Client, ada: User, rosa: User, riverside: Site
) -> None:
    page, mine = f"/people/{rosa.pk}/", {"name": "Rosa Ng", "email": rosa.email, "version": "1"}
    assert 'name="version" value="1"' in client.get(page).content.decode()
    actions.rename_person(actor=acting(ada), person=rosa, name="Rosa Diaz", email=rosa.email, now=NOW)
    stale = client.post(page, mine)
    shown = stale.content.decode()
    assert stale.status_code == 409
    for words in ("It now says: Rosa Diaz", 'value="Rosa Ng"', 'name="version" value="2"'):
        assert words in shown
    assert client.post(page, {**mine, "version": "2"}).status_code == 302
    assert User.objects.get(pk=rosa.pk).name == "Rosa Ng"

    first = actions.add_team(actor=LIAISON, name="Transitions", site=riverside, now=NOW)
    second = actions.add_team(actor=LIAISON, name="Referrals", site=riverside, now=NOW)
    actions.set_teams(actor=acting(ada), person=rosa, teams=[second], now=NOW)
    stale = client.post(f"{page}teams/", {"teams": [first.pk], "version": ""})
    shown = stale.content.decode()
    assert (stale.status_code, "It now says: Referrals" in shown) == (409, True)
    assert f'name="version" value="{second.pk}"' in shown
    assert [team.name for team in rosa.teams.all()] == ["Referrals"]
    assert client.post(f"{page}teams/", {"teams": [first.pk], "version": f"{second.pk}"}).status_code == 302
    assert [team.name for team in rosa.teams.all()] == ["Transitions"]


def test_who_saves_a_site_second_is_told_what_it_says_now(client: Client, ada: User, riverside: Site) -> None:
    where = f"/people/sites/{riverside.pk}/"
    mine = {"name": "Riverside", "address": "2 Hill Rd", "phone": "617-555-0101", "version": "1"}
    details = actions.SiteDetails(name="Riverside", address="1 Hill Rd", phone="617-555-0102")
    actions.change_site(actor=acting(ada), site=riverside, details=details, now=NOW)
    stale = client.post(where, mine)
    shown = stale.content.decode()
    assert stale.status_code == 409
    for words in ("It now says: 1 Hill Rd", "It now says: (617) 555-0102", "2 Hill Rd", 'name="version" value="2"'):
        assert words in shown
    assert client.post(where, {**mine, "version": "2"}).status_code == 302
    assert Site.objects.get(pk=riverside.pk).address == "2 Hill Rd"


def test_a_form_that_is_sent_twice_at_once_is_saved_once_and_answered_twice(
    client: Client, ada: User, rosa: User, riverside: Site
) -> None:
    team = actions.add_team(actor=LIAISON, name="Transitions", site=riverside, now=NOW)
    person, site = f"/people/{rosa.pk}/", f"/people/sites/{riverside.pk}/"
    for where, sent in (
        (person, {"name": "Rosa Ng", "email": "Rosa.Ng@Riverside.example", "version": "1"}),
        (f"{person}teams/", {"teams": [team.pk], "version": ""}),
        (site, {"name": "Riverside", "address": "1 Hill Rd\r\nDurham", "phone": "617 555 0102", "version": "1"}),
    ):
        first = client.post(where, sent)
        changes = AuditEntry.objects.filter(outcome="done").exclude(verb="core.see").count()
        second = client.post(where, sent)
        assert (first.status_code, second.status_code) == (302, 302), where
        assert AuditEntry.objects.filter(outcome="done").exclude(verb="core.see").count() == changes
        assert second["Location"] == first["Location"]
    rosa.refresh_from_db()
    riverside.refresh_from_db()
    assert (rosa.version, rosa.email, riverside.version) == (2, "rosa.ng@riverside.example", 2)


def test_sites_and_teams_are_added(client: Client, ada: User) -> None:
    new = {
        "what": "site",
        "code": "north",
        "name": "Northgate",
        "time_zone": "America/Chicago",
        "phone": "312-555-0100",
    }
    assert client.post("/people/sites/", new)["Location"] == "/people/sites/"
    assert client.post("/people/sites/", new).status_code == 422
    assert client.post("/people/sites/", {**new, "code": "n2", "phone": ""}).status_code == 422
    assert "with its area code" in client.post("/people/sites/", {**new, "phone": "0"}).content.decode()
    assert "no time zone" in client.post("/people/sites/", {**new, "time_zone": "Mars"}).content.decode()
    north = Site.objects.get(code="north")
    client.post("/people/sites/", {"what": "team", "name": "Referrals", "site": north.pk})
    client.post("/people/sites/", {"what": "team", "name": "On call"})
    page = client.get("/people/sites/").content.decode()
    assert all(word in page for word in ("Northgate", "America/Chicago", "Referrals", "On call"))


def test_what_patients_read_of_a_site_is_changed(client: Client, ada: User, riverside: Site) -> None:
    with writes_open():
        Site.objects.filter(pk=riverside.pk).update(phone="")
    assert "No telephone number" in client.get("/people/sites/").content.decode()
    with writes_open():
        Site.objects.filter(pk=riverside.pk).update(phone="ask at the desk")
    assert "Nobody can dial this number" in client.get("/people/sites/").content.decode()
    where = f"/people/sites/{riverside.pk}/"
    assert "Riverside" in client.get(where).content.decode()
    assert "with its area code" in client.post(where, {"name": "Riverside", "phone": "later"}).content.decode()
    assert "with its area code" in client.post(where, {"name": "Riverside", "phone": "555-0101"}).content.decode()
    assert (
        client.post(where, {"name": "Riverside", "phone": "617-555-0101", "version": "1"})["Location"]
        == "/people/sites/"
    )
    assert Site.objects.get(pk=riverside.pk).phone == "(617) 555-0101"
    assert "(617) 555-0101" in client.get("/people/sites/").content.decode()
    assert client.get("/people/sites/999999/").status_code == 404


def test_who_manages_no_site_changes_none(client: Client, rosa: User, riverside: Site) -> None:
    sign_in(client, rosa)
    assert client.get(f"/people/sites/{riverside.pk}/").status_code == 403


def test_closing_and_opening_an_account_on_the_page(client: Client, ada: User, rosa: User) -> None:
    client.post(f"/people/{rosa.pk}/close/")
    assert "This account is closed" in client.get(f"/people/{rosa.pk}/").content.decode()
    assert "Rosa Diaz" in client.get("/people/?closed=1").content.decode()
    client.post(f"/people/{rosa.pk}/open/")
    assert User.objects.get(pk=rosa.pk).is_active
    refused = client.post(f"/people/{ada.pk}/close/")
    assert (refused.status_code, "Ask another administrator" in refused.content.decode()) == (422, True)


def test_a_first_password_is_shown_once(client: Client, ada: User, rosa: User) -> None:
    shown = client.post(f"/people/{rosa.pk}/password/")
    found = re.search(r"l-first-password[^>]*>([^<]+)<", shown.content.decode())
    assert found is not None
    assert User.objects.get(pk=rosa.pk).check_password(found[1])
    assert "no-store" in shown["Cache-Control"]
    assert client.post(f"/people/{rosa.pk}/factors/reset/").status_code == 302


def test_a_sensitive_verb_asks_who_one_is_and_goes_on_with_what_was_typed(
    client: Client, ada: User, rosa: User
) -> None:
    old_proof(client)
    asked = client.post(f"/people/{rosa.pk}/password/", {"note": "she called <me>"})
    assert asked["Location"] == "/account/reauthenticate/?next=%2Faccount%2Fagain%2F"
    page = client.get(asked["Location"]).content.decode()
    assert "Confirm that it is you" in page
    wrong = client.post("/account/reauthenticate/", {"password": "wrong", "next": "/account/again/"})
    assert wrong.status_code == 200
    assert trail("accounts.confirm")[0].outcome == "refused"
    right = client.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/account/again/"})
    assert right["Location"] == "/account/again/"
    again = client.get("/account/again/").content.decode()
    assert f'action="/people/{rosa.pk}/password/"' in again
    assert 'value="she called &lt;me&gt;"' in again
    assert client.get("/account/again/")["Location"] == "/"
    assert client.post(f"/people/{rosa.pk}/password/", {"note": "x"}).status_code == 200
    assert [entry.outcome for entry in trail("accounts.set_password_for")] == ["refused", "done"]


@pytest.mark.parametrize("why", ["six minutes passed", "somebody else typed it"])
def test_what_was_typed_before_confirming_is_forgotten(client: Client, ada: User, rosa: User, why: str) -> None:
    old_proof(client)
    page = f"http://testserver/people/{rosa.pk}/"
    client.post(f"/people/{rosa.pk}/close/", headers={"Referer": page})
    session = client.session
    if why == "six minutes passed":
        session[STASH] |= {"at": session[STASH]["at"] - 360}
    else:
        session[STASH] |= {"user": rosa.pk}
    session.save()
    client.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/account/again/"})
    told = client.get("/account/again/", follow=True)
    assert told.redirect_chain == [(f"/people/{rosa.pk}/", 302)]
    assert "That was too long ago, and was not done." in told.content.decode()
    assert client.get("/account/again/")["Location"] == "/"
    assert User.objects.get(pk=rosa.pk).is_active


def test_a_piece_of_a_page_that_needs_proof_sends_the_whole_page(client: Client, ada: User, rosa: User) -> None:
    old_proof(client)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/people/{rosa.pk}/"}
    answer = client.post(f"/people/{rosa.pk}/factors/reset/", headers=headers)
    assert (answer.status_code, answer["HX-Redirect"]) == (
        204,
        "/account/reauthenticate/?next=%2Faccount%2Fagain%2F",
    )
    long = client.post(f"/people/{rosa.pk}/factors/reset/", {"x": "y" * 70_000}, headers=headers)
    assert long["HX-Redirect"] == f"/account/reauthenticate/?next=%2Fpeople%2F{rosa.pk}%2F"


def _entries(count: int, **columns: Any) -> None:
    actor = acting(User.objects.get(name="Rosa Diaz"))
    for _ in range(count):
        record(actor, "core.see", outcome="seen", **columns)


def test_the_officer_finds_what_was_done_with_a_patient(client: Client, vera: User, rosa: User) -> None:
    _entries(2, patient_ids=[12, 13])
    _entries(1, patient_ids=[14])
    page = client.get("/audit/?patient=12").content.decode()
    assert page.count('<td class="l-nowrap">') == 2
    looked = trail("accounts.search_audit")[-1]
    assert (looked.patient_ids, looked.outcome, looked.details) == (
        [12],
        "seen",
        {"patient_id": 12, "shown": 2},
    )
    assert (
        client.get(f"/audit/?person={rosa.pk}&kind=reads&verb=core.see").content.decode().count("Rosa Diaz</bdi></div>")
        == 3
    )
    assert "Nothing of that kind" in client.get("/audit/?patient=99").content.decode()
    assert "This is before the first day." in client.get("/audit/?since=2026-02-02&until=2026-02-01").content.decode()
    assert "No patient of that name or number" in client.get("/audit/?patient=Walter").content.decode()
    unknown = client.get("/audit/?patient=12").content.decode()
    assert "Patient number 12, whom you may not know by name" in unknown
    assert ">number 12</a> <" in unknown
    assert "and 1 more" in unknown
    assert "number 13" not in unknown
    assert "number 13" in client.get("/audit/").content.decode()


def test_actions_are_named_in_words_under_headings_and_refusals_by_what_they_say(client: Client, vera: User) -> None:
    record(LIAISON, "accounts.give_roles", outcome="refused", refusal_code="accounts.not_oneself")
    record(LIAISON, "core.attempt", outcome="refused", refusal_code="gone.since", details={
        "view": "loops:step_done", "of": {"loop_id": "7", "patient_id": "3"}, "shown": [1, 2], "nothing": None,
    })  # fmt: skip
    page = client.get("/audit/").content.decode()
    assert '<option value="accounts.give_roles">Give and end roles</option>' in page
    assert '<optgroup label="People and sign-in">' in page
    assert "(accounts.give_roles)" not in page
    rows = page[page.index("<tbody") :]
    assert "accounts.give_roles" not in rows
    assert actions.NotOneself.sentence.replace("'", "&#x27;") in rows
    assert "gone.since" in rows
    assert all(part in rows for part in ("screen: Loops, step done", "with loop 7", "entries shown: 1, 2"))
    assert "nothing" not in rows[: rows.index("</tbody")]
    assert "with patient" not in rows
    assert AuditSearchForm({"verb": "accounts.give_roles"}).is_valid()


def test_one_entry_is_opened_with_all_its_patients(client: Client, vera: User, rosa: User) -> None:
    _entries(1, patient_ids=list(range(101, 133)))
    page = client.get("/audit/").content.decode()
    assert "number 132" not in page
    entry_id = AuditEntry.objects.get(patient_ids__contains=[101]).pk
    assert f'href="?entry={entry_id}">and 27 more</a>' in page
    alone = client.get(f"/audit/?entry={entry_id}").content.decode()
    assert "number 132" in alone
    assert alone.count('<td class="l-nowrap">') == 1
    assert trail("accounts.search_audit")[-1].details == {"entry_id": entry_id, "shown": 1}


def test_details_name_people_sites_and_teams_and_no_internal_words(client: Client, vera: User, rosa: User) -> None:
    with writes_open():
        site = Site.objects.create(code="north", name="Riverside North", time_zone="UTC")
        team = Team.objects.create(name="Care desk")
    about = {
        "from_user_id": rosa.pk, "site_id": site.pk, "team_ids": [team.pk], "opening_id": 7, "removed": True,
        "sent": False, "view": "desk:column", "sha256": "0123456789abcdef", "repeated": True, "was": 10**6,
    }  # fmt: skip
    record(LIAISON, "loops.hand_over", subject_type="loops.handover", subject_id=1, details=about)
    more = {"site_id": 10**6, "team_ids": [10**6], "view": "somewhere"}
    record(LIAISON, "core.see", subject_type="accounts.user", subject_id=rosa.pk, details=more)
    record(LIAISON, "core.see", subject_type="accounts.user", subject_id=10**6)
    record(LIAISON, "core.see", subject_type="gone.thing", subject_id=3)
    page = client.get("/audit/").content.decode()
    rows = page[page.index("<tbody") :]
    for words in (
        "from: Rosa Diaz", "site: Riverside North", "teams: Care desk", "opening: no. 7", "removed: yes", "sent: no",
        "screen: the board, one person’s column", "fingerprint: 0123456789ab ", "sent twice, done once",
        "hand-over no. 1", "before: no. 1000000", "site: no. 1000000", "teams: no. 1000000", "screen: somewhere",
        '<td class="l-quiet">Rosa Diaz</td>', "person no. 1000000", "thing no. 3",
    ):  # fmt: skip
        assert words in rows, words


def test_the_trail_is_searched_between_instants(rosa: User) -> None:
    vera = acting(person("Vera Lind", Role.PRIVACY_OFFICER))
    now = current_time()
    _entries(1, patient_ids=[5])
    assert search_audit(vera, wanted=AuditFilter(patient_id=5, since=now - timedelta(minutes=1)), now=NOW).rows
    assert not search_audit(vera, wanted=AuditFilter(patient_id=5, since=now + timedelta(minutes=1)), now=NOW).rows
    assert search_audit(vera, wanted=AuditFilter(patient_id=5, until=now + timedelta(minutes=1)), now=NOW).rows
    assert not search_audit(vera, wanted=AuditFilter(patient_id=5, until=now - timedelta(minutes=1)), now=NOW).rows


def test_pages_of_the_trail_neither_skip_nor_repeat(rosa: User) -> None:
    _entries(PAGE * 2 + 3, patient_ids=[7])
    vera = acting(person("Vera Lind", Role.PRIVACY_OFFICER))
    found, cursor, pages = [], "", 0
    while True:
        page = search_audit(
            vera, wanted=AuditFilter(patient_id=7, kind="reads", verb="core.see"), cursor=cursor, now=NOW
        )
        found += [row.entry_id for row in page.rows]
        cursor, pages = page.next_cursor, pages + 1
        if not cursor:
            break
    assert pages == 3
    assert found == sorted(AuditEntry.objects.filter(verb="core.see").values_list("pk", flat=True), reverse=True)
    with pytest.raises(BadCursor):
        search_audit(vera, wanted=AuditFilter(), cursor="made~up", now=NOW)


def test_further_entries_come_as_rows_alone(client: Client, vera: User, rosa: User) -> None:
    _entries(PAGE + 1, patient_ids=[7])
    first = client.get("/audit/?patient=7").content.decode()
    older = re.search(r'hx-get="(\?[^"]+)"', first)
    assert older is not None
    rest = client.get(f"/audit/{older[1].replace('&amp;', '&')}", headers={"HX-Request": "true"}).content.decode()
    assert rest.count("<tr>") == 1
    assert "<form" not in rest


def test_an_export_asks_who_one_is_and_stands_in_the_trail(client: Client, vera: User, rosa: User) -> None:
    _entries(3, patient_ids=[12], reason="=cmd|' /C calc'!A1")
    old_proof(client)
    asked = client.get("/audit/export/?patient=12")
    assert asked["Location"].startswith("/account/reauthenticate/?next=%2Faudit%2Fexport%2F%3Fpatient%3D12")
    for elsewhere in ("-1", "//evil.example/", "https://testserver.evil.example/"):
        sent = client.post("/account/reauthenticate/", {"password": PASSWORD, "next": elsewhere})
        assert sent["Location"] == "/", elsewhere
    back = client.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/audit/export/?patient=12"})
    assert back["Location"] == "/audit/export/?patient=12"
    answer = client.get(back["Location"])
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]  # the stubs don't know it
    exported = [row for row in rows if row["verb"] == "core.see"]
    assert len(exported) == 3
    assert exported[0]["reason"].startswith("'=cmd")
    assert answer["Content-Type"] == "text/csv"
    done = trail("accounts.export_audit")[-1]
    assert (done.outcome, done.patient_ids, done.details) == ("done", [12], {"patient_id": 12})
    assert client.get("/audit/export/?patient=x").status_code == 422
    assert client.get("/audit/export/?since=x").status_code == 422


def test_an_export_that_leaves_entries_out_says_so_in_its_last_line_and_on_the_page_before(
    client: Client, vera: User, rosa: User
) -> None:
    _entries(PAGE + 1, patient_ids=[12])
    reader, wanted = acting(vera), AuditFilter(patient_id=12)
    whole = list(_lines(export_audit(reader, wanted=wanted, most=PAGE + 1), most=PAGE + 1))
    assert (len(whole), "NOT ALL" in whole[-1]) == (PAGE + 2, False)
    cut = list(_lines(export_audit(reader, wanted=wanted, most=PAGE), most=PAGE))
    assert len(cut) == PAGE + 2
    assert cut[-1].startswith("NOT ALL: only the newest 50 entries that match are in this file.")
    assert "holds the newest 100,000 entries" in client.get("/audit/?patient=12").content.decode()
    assert "holds the newest" not in client.get("/audit/?patient=13").content.decode()


def test_the_state_of_the_chain_stands_above_the_search(client: Client, vera: User) -> None:
    assert "Not verified yet" in client.get("/audit/").content.decode()
    seal_entries()
    actions.verify_audit_chain(actor=LIAISON)
    assert "Unbroken" in client.get("/audit/").content.decode()
    _tamper("UPDATE core_auditentry SET recorded_at = recorded_at - interval '70 seconds' WHERE seal_id IS NULL")
    page = client.get("/audit/").content.decode()
    assert ("Not being sealed" in page, "Unbroken" in page) == (True, False)
    record(LIAISON, "core.verify_audit", details={"problem": "An entry under seal 1 was changed."})
    assert "An entry under seal 1 was changed." in client.get("/audit/").content.decode()


def test_lists_are_not_for_everyone(rosa: User) -> None:
    with pytest.raises(Forbidden):
        people(acting(rosa), now=NOW)
    with pytest.raises(Forbidden):
        search_audit(acting(rosa), wanted=AuditFilter(), now=NOW)
