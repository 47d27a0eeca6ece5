"""The pages, through their addresses, as the people who use them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from liaison.accounts.models import User
from liaison.core.actor import Actor, system_actor
from liaison.core.models import AuditEntry
from liaison.patients import actions, jobs
from liaison.patients.actions import PatientDetails
from liaison.patients.models import BreakGlassGrant, MergeRecord, Patient
from liaison.patients.tests.cast import LIAISON, PASSWORD, Clinic, Registry

HTMX = {"HTTP_HX_REQUEST": "true"}


def browser(actor: Actor) -> Client:
    """A browser that this person has just signed in with."""
    client = Client()
    email = User.objects.get(pk=actor.user_id).email
    assert client.post("/account/login/", {"login": email, "password": PASSWORD}).status_code == 302
    return client


def words(answer: Any) -> str:
    return str(answer.content.decode())


def seen_by(actor: Actor) -> set[int]:
    entries = AuditEntry.objects.filter(actor_user_id=actor.user_id, outcome="seen")
    return {pk for ids in entries.values_list("patient_ids", flat=True) for pk in ids}


def test_the_search_lists_as_one_types_and_notes_who_was_seen(clinic: Clinic, walter: Patient) -> None:
    rosa = browser(clinic.rosa)
    page = rosa.get("/patients/")
    assert page.status_code == 200
    assert "Type what you remember" in words(page)
    hits = rosa.get("/patients/", {"q": "wlater"}, **HTMX)
    assert "Ng, Walter" in words(hits)
    assert "<html" not in words(hits)
    assert "RIV-0001" in words(rosa.get("/patients/", {"q": "walter ng"}))
    assert seen_by(clinic.rosa) == {walter.pk}


def test_pat_finds_nothing_and_is_told_what_to_do(clinic: Clinic, walter: Patient) -> None:
    answer = browser(clinic.pat).get("/patients/", {"q": "walter ng"})
    assert "Nobody here by that" in words(answer)
    assert "RIV-0001" not in words(answer)
    assert seen_by(clinic.pat) == set()


@pytest.mark.parametrize("path", ["edit/", "contacts/new/", "proxies/new/", "alerts/new/", "team/new/", "deceased/"])
def test_nobody_from_elsewhere_opens_a_page_of_a_patient(clinic: Clinic, walter: Patient, path: str) -> None:
    assert browser(clinic.pat).get(f"/patients/{walter.pk}/{path}").status_code == 404
    assert Client().get(f"/patients/{walter.pk}/{path}").status_code in {302, 404}


NEW = {
    "given": "June", "family": "Ng", "birth_on": "1975-06-01", "sex": "female",
    "phone": "207 555 0188", "may_text": "on", "email": "june@example.org", "mrn": "J-1",
}  # fmt: skip


def test_a_new_patient_is_registered(clinic: Clinic) -> None:
    rosa = browser(clinic.rosa)
    assert "Riverside" in words(rosa.get("/patients/new/"))
    answer = rosa.post("/patients/new/", {**NEW, "site": clinic.riverside.pk})
    june = Patient.objects.get()
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/patients/{june.pk}/")
    assert june.identifiers.get().system == "urn:liaison:site:RIV:mrn"
    assert sorted(june.contact_points.values_list("value_key", "may_text")) == [
        ("+12075550188", True),
        ("june@example.org", False),
    ]


def test_who_looks_alike_is_shown_before_anything_is_saved(clinic: Clinic, walter: Patient) -> None:
    rosa = browser(clinic.rosa)
    typed = {**NEW, "given": "Walther", "birth_on": "1948-02-03", "sex": "male", "site": clinic.riverside.pk}
    piece = rosa.post("/patients/new/alike/", typed, **HTMX)
    assert "Walter Ng" in words(piece)
    refused = rosa.post("/patients/new/", typed)
    assert refused.status_code == 422
    assert "Walter Ng" in words(refused)
    assert "similar name" in words(refused)
    assert Patient.objects.count() == 1
    looked = {**typed, "none_of_these": "on", "shown_alike": [walter.pk]}
    assert f'name="shown_alike" value="{walter.pk}"' in refused.content.decode()
    assert rosa.post("/patients/new/", {**typed, "none_of_these": "on"}).status_code == 422
    assert rosa.post("/patients/new/", looked).status_code == 302
    assert Patient.objects.count() == 2
    # The same form a second time: now there is one more who is alike, whom nobody has looked at.
    assert rosa.post("/patients/new/", looked).status_code == 422
    assert Patient.objects.count() == 2


def test_errors_stand_beside_their_fields_and_keep_what_was_typed(clinic: Clinic) -> None:
    rosa = browser(clinic.rosa)
    wrong = {**NEW, "birth_on": "2999-01-01", "site": clinic.riverside.pk}
    answer = rosa.post("/patients/new/", wrong)
    assert answer.status_code == 422
    assert "This date is in the future." in words(answer)
    assert 'value="207 555 0188"' in words(answer)
    answer = rosa.post("/patients/new/", {**NEW, "phone": "12", "site": clinic.riverside.pk})
    assert "area code" in words(answer)


def test_an_administrator_registers_nobody(clinic: Clinic) -> None:
    ada = browser(clinic.administrator)
    assert ada.get("/patients/", {"q": "walter ng"}).status_code == 403, "may see nobody: no answer about anybody"
    assert browser(clinic.privacy).get("/patients/", {"q": "walter ng"}, **HTMX).status_code == 403
    assert ada.get("/patients/new/").status_code == 403
    assert ada.post("/patients/new/alike/", NEW).status_code == 403
    assert ada.get("/patients/duplicates/").status_code == 403
    assert ada.get("/patients/break-glass/").status_code == 403
    assert ada.get("/patients/grants/").status_code == 403


EDIT = {"given": "Walter", "family": "Ng", "birth_on": "1948-02-03", "sex": "male", "version": "1"}


def test_a_correction_is_saved_and_a_stale_one_says_what_it_says_now(clinic: Clinic, walter: Patient) -> None:
    rosa = browser(clinic.rosa)
    url = f"/patients/{walter.pk}/edit/"
    assert "(207) 555-0123" in words(rosa.get(url))
    assert rosa.post(url, {**EDIT, "called_as": "Wally"}).status_code == 302
    assert rosa.post(url, {**EDIT, "called_as": "Wally"}).status_code == 302, "the same form, sent twice at once"
    stale = rosa.post(url, {**EDIT, "called_as": "Walt"})
    assert stale.status_code == 422
    assert "Someone changed this meanwhile" in words(stale)
    assert "It now says: Wally" in words(stale)
    assert 'name="version" value="2"' in words(stale)
    wrong = rosa.post(url, {**EDIT, "family": "", "given": "", "version": "2"})
    assert "Give a family name" in words(wrong)


def test_a_correction_that_does_not_say_what_it_corrects_is_stale(clinic: Clinic, walter: Patient) -> None:
    blind = {name: value for name, value in EDIT.items() if name != "version"} | {"called_as": "Wally"}
    answer = browser(clinic.rosa).post(f"/patients/{walter.pk}/edit/", blind)
    assert answer.status_code == 422
    assert "Someone changed this meanwhile" in words(answer)
    walter.refresh_from_db()
    assert walter.called_as == ""


def test_what_is_ended_is_looked_up_before_the_form_opens(clinic: Clinic, walter: Patient, register: Registry) -> None:
    rosa, june = browser(clinic.rosa), register("June", "Ng")
    alert = actions.raise_alert(actor=clinic.rosa, patient=walter, kind="safety", text="Falls", now=clinic.now)
    proxy = actions.add_proxy(
        actor=clinic.rosa,
        patient=walter,
        proxy=actions.ProxyDetails(
            name="June Ng",
            relationship="daughter",
            kind="consent",
            scope=frozenset({"schedule"}),
            evidence="Signed form",
            starts_on=date(2026, 1, 1),
            ends_on=date(2099, 1, 1),
        ),
        now=clinic.now,
    )
    for path in (f"alerts/{alert.pk}/end/", f"proxies/{proxy.pk}/end/"):
        assert rosa.get(f"/patients/{walter.pk}/{path}").status_code == 200
        assert rosa.get(f"/patients/{june.pk}/{path}").status_code == 404
        assert rosa.post(f"/patients/{june.pk}/{path}", {"reason": "Over"}).status_code == 404


def test_the_small_forms_around_a_patient(clinic: Clinic, walter: Patient) -> None:
    rosa = browser(clinic.rosa)
    base = f"/patients/{walter.pk}"
    posts = [
        ("contacts/new/", {"kind": "email", "use": "home", "value": "w@example.org", "may_email": "on"}),
        ("proxies/new/", {
            "name": "June Ng", "relationship": "daughter", "kind": "consent", "scope": ["schedule", "clinical"],
            "evidence": "Signed form", "starts_on": "2026-01-01", "ends_on": "2099-01-01",
        }),
        ("alerts/new/", {"kind": "safety", "text": "Falls"}),
        ("team/new/", {"person": f"p{clinic.dr_imani.pk}", "role": "primary_care"}),
        ("team/new/", {"person": f"u{clinic.marta.user_id}", "role": "coordinator"}),
        ("names/new/", {"kind": "former", "given": "Walter", "family": "Wu"}),
        ("identifiers/new/", {"kind": "ssn", "value": "123-45-6789", "system": "http://hl7.org/fhir/sid/us-ssn"}),
    ]  # fmt: skip
    for path, typed in posts:
        assert rosa.get(f"{base}/{path}").status_code == 200, path
        assert rosa.post(f"{base}/{path}", typed).status_code == 302, path
    page = words(rosa.get(f"{base}/edit/"))
    for word in ("w@example.org", "June Ng", "Falls", "Dr Imani", "Marta", "Walter Wu", "123-45-6789"):
        assert word in page
    for path, typed in [
        (f"proxies/{walter.proxies.get().pk}/end/", {"reason": "He took it back"}),
        (f"alerts/{walter.alerts.get().pk}/end/", {"reason": "Walks well"}),
        (f"team/{walter.care_team.first().pk}/end/", {}),
        (f"identifiers/{walter.identifiers.last().pk}/retire/", {}),
        ("deceased/", {"deceased_on": ""}),
    ]:  # fmt: skip
        assert rosa.post(f"{base}/{path}", typed).status_code == 302, path
    for path in (f"proxies/{walter.proxies.get().pk}/end/", f"alerts/{walter.alerts.get().pk}/end/"):
        assert rosa.get(f"{base}/{path}").status_code == 404, path
    assert words(rosa.get(f"{base}/deceased/")).count("recorded by mistake")
    assert rosa.post(f"{base}/deceased/", {"reason": "Wrong Walter"}).status_code == 302
    walter.refresh_from_db()
    assert not walter.is_deceased


def test_the_number_of_a_proxy_that_is_none_is_refused_beside_it(clinic: Clinic, walter: Patient) -> None:
    rosa, typed = browser(clinic.rosa), {
        "name": "June Ng", "relationship": "daughter", "kind": "consent", "scope": "schedule",
        "evidence": "Signed form", "starts_on": "2026-01-01", "ends_on": "2099-01-01", "phone": "ask June",
    }  # fmt: skip
    answer = rosa.post(f"/patients/{walter.pk}/proxies/new/", typed)
    assert answer.status_code == 422
    assert "area code" in words(answer).split('name="phone"')[1]
    assert 'value="ask June"' in words(answer)
    assert rosa.post(f"/patients/{walter.pk}/proxies/new/", {**typed, "phone": "207.555.0188"}).status_code == 302
    assert walter.proxies.get().phone == "(207) 555-0188"


def test_what_a_small_form_refuses_stands_beside_the_field(clinic: Clinic, walter: Patient) -> None:
    answer = browser(clinic.rosa).post(
        f"/patients/{walter.pk}/contacts/new/", {"kind": "phone", "use": "home", "value": "12"}
    )
    assert answer.status_code == 422
    assert "area code" in words(answer)
    elsewhere = browser(clinic.rosa).post(f"/patients/{walter.pk}/sites/new/", {"site": clinic.hillside.pk})
    assert elsewhere.status_code == 422


def test_a_line_goes_bad_good_and_away(clinic: Clinic, walter: Patient) -> None:
    rosa, point = browser(clinic.rosa), walter.contact_points.get()
    base = f"/patients/{walter.pk}/contacts/{point.pk}"

    def mark() -> str:
        return walter.contact_points.get(pk=point.pk).mark

    assert rosa.post(f"{base}/bad/").status_code == 409, "a press that does not say which number it saw"
    rosa.post(f"{base}/bad/", {"mark": mark()})
    assert "does not reach them" in words(rosa.get(f"/patients/{walter.pk}/edit/")).lower()
    rosa.post(f"{base}/good/", {"mark": mark()})
    assert rosa.get(f"{base}/").status_code == 200
    corrected = {"kind": "phone", "use": "mobile", "value": "207 555 0199", "may_call": "on"}
    assert rosa.post(f"{base}/", corrected).status_code == 422, "it would write over what somebody else corrected"
    assert rosa.post(f"{base}/", {**corrected, "mark": mark()}).status_code == 302
    rosa.post(f"{base}/retire/", {"mark": mark()})
    assert rosa.get(f"{base}/").status_code == 404
    point.refresh_from_db()
    assert (point.value_key, point.usable) == ("+12075550199", False)


@pytest.mark.parametrize("state", ["bad", "good", "retire"])
def test_a_button_drawn_for_another_number_does_nothing_to_the_corrected_one(
    clinic: Clinic, walter: Patient, state: str
) -> None:
    rosa, point = browser(clinic.rosa), walter.contact_points.get()
    page = rosa.get(f"/patients/{walter.pk}/edit/").content.decode()
    assert f'name="mark" value="{point.mark}"' in page
    base = f"/patients/{walter.pk}/contacts/{point.pk}"
    corrected = {"kind": "phone", "use": "mobile", "value": "207 555 0199", "may_call": "on", "mark": point.mark}
    assert rosa.post(f"{base}/", corrected).status_code == 302
    answer = rosa.post(f"{base}/{state}/", {"mark": point.mark})
    assert answer.status_code == 409
    assert "Someone changed this meanwhile" in words(answer)
    now = walter.contact_points.get()
    assert (now.value_key, now.usable, now.retired_at) == ("+12075550199", True, None)
    assert rosa.post(f"{base}/{state}/", {"mark": now.mark}).status_code == 302


def test_a_stale_number_says_what_it_says_now_and_is_saved_against_that(clinic: Clinic, walter: Patient) -> None:
    rosa, point = browser(clinic.rosa), walter.contact_points.get()
    url = f"/patients/{walter.pk}/contacts/{point.pk}/"
    assert f'name="mark" value="{point.mark}"' in words(rosa.get(url))
    typed = {"kind": "phone", "use": "mobile", "value": "207 555 0199", "may_call": "on", "mark": point.mark}
    assert browser(clinic.marta).post(url, {**typed, "use": "work", "may_text": "on"}).status_code == 302
    stale = rosa.post(url, typed)
    assert stale.status_code == 422
    for said in ("Someone changed this meanwhile", "It now says: Work", "It now says: yes"):
        assert said in words(stale)
    point.refresh_from_db()
    assert (point.use, point.may_text) == ("work", True)
    assert f'name="mark" value="{point.mark}"' in words(stale)
    assert rosa.post(url, {**typed, "mark": point.mark}).status_code == 302
    point.refresh_from_db()
    assert (point.use, point.may_text) == ("mobile", False)
    assert rosa.post(url, {**typed, "mark": "of before"}).status_code == 302, "it says what is kept"


def test_a_clerk_decides_on_duplicates_merges_and_undoes(clinic: Clinic, walter: Patient, register: Registry) -> None:
    twin = register("Walter", "Ng", birth_on=date(1948, 2, 3), mrn="RIV-0002")
    other = register("Walther", "Ng", birth_on=date(1948, 2, 3))
    for patient in (twin, other):
        jobs.look_for_duplicates(patient_id=patient.pk)
    clerk = browser(clinic.clerk)
    page = words(clerk.get("/patients/duplicates/"))
    assert page.count("identifiers disagree") >= 1
    candidate = other.pk
    from liaison.patients.models import DuplicateCandidate

    apart = DuplicateCandidate.objects.filter(second=candidate).first()
    assert apart is not None
    assert clerk.post(f"/patients/duplicates/{apart.pk}/apart/").status_code == 302
    url = f"/patients/merge/{walter.pk}/{twin.pk}/"
    assert "Identifiers of one system disagree" in words(clerk.get(url))
    typed = {"survivor": str(walter.pk), "reason": "Same man, two charts"}
    assert clerk.post(url, typed).status_code == 422
    assert clerk.post(url, {**typed, "conflict_checked": "on"}).status_code == 302
    record = MergeRecord.objects.get()
    assert clerk.get(url).status_code == 404
    assert "Same man, two charts" in words(clerk.get("/patients/duplicates/"))
    undo = f"/patients/merges/{record.pk}/undo/"
    assert clerk.get(undo).status_code == 200
    assert clerk.post(undo, {"reason": ""}).status_code == 422
    assert clerk.post(undo, {"reason": "Cousins"}).status_code == 302
    assert clerk.post(undo, {"reason": "Again"}).status_code == 422
    assert clerk.get(f"/patients/merge/{walter.pk}/{walter.pk}/").status_code == 404


def test_a_pair_with_a_disputed_identifier_is_shown_as_contradictory_with_the_reason(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    stranger = register("Olga", "Petrov", birth_on=date(1990, 1, 1), sex="female")
    system = system_actor("import")
    actions.note_disputed_identifier(actor=system, patient=stranger, other=walter, now=clinic.now)
    clerk = browser(clinic.clerk)
    page = words(clerk.get("/patients/duplicates/"))
    for said in ("contradictory", "identifiers disagree", "one identifier came for both"):
        assert said in page
    assert "identifiers disagree" in words(clerk.get(f"/patients/merge/{walter.pk}/{stranger.pk}/"))
    assert browser(clinic.pat).get("/patients/duplicates/").status_code == 403


def test_emergency_access_shows_nothing_before_it_is_open(clinic: Clinic, walter: Patient) -> None:
    pat = browser(clinic.pat)
    assert pat.get("/patients/break-glass/").status_code == 200
    nobody = pat.post("/patients/break-glass/", {"identifier": "RIV-9999"})
    assert nobody.status_code == 422
    found = pat.post("/patients/break-glass/", {"name": "walter ng", "birth_on": "02/03/1948"})
    page = words(found)
    assert "One patient of another site fits." in page
    assert "Walter" not in page
    assert "Riverside" not in page
    ticket = page.split('name="ticket" value="')[1].split('"')[0]
    short = {"ticket": ticket, "reason_code": "ETREAT", "reason": "x..........."}
    asked = pat.post("/patients/break-glass/", short)
    assert asked.status_code == 422
    assert "Say in words what happened" in words(asked).split('name="reason"')[1]
    assert "x..........." in words(asked)
    typed = {"ticket": ticket, "reason_code": "ETREAT", "reason": "Collapsed at our front desk"}
    assert pat.post("/patients/break-glass/", {**typed, "ticket": "forged"}).status_code == 404
    assert browser(clinic.imani).post("/patients/break-glass/", typed).status_code == 404
    answer = pat.post("/patients/break-glass/", typed)
    assert answer.status_code == 302
    assert BreakGlassGrant.objects.get().user_id == clinic.pat.user_id
    assert answer.headers["Location"].endswith(f"/patients/{walter.pk}/")
    assert pat.get(f"/patients/{walter.pk}/edit/").status_code == 200


def test_the_page_that_opened_a_chart_does_not_open_it_again(clinic: Clinic, walter: Patient) -> None:
    pat = browser(clinic.pat)
    page = words(pat.post("/patients/break-glass/", {"identifier": "RIV-0001"}))
    ticket = page.split('name="ticket" value="')[1].split('"')[0]
    typed = {"ticket": ticket, "reason_code": "ETREAT", "reason": "Collapsed at our front desk"}
    assert pat.post("/patients/break-glass/", typed).status_code == 302
    assert pat.post(f"/patients/grants/{BreakGlassGrant.objects.get().pk}/end/").status_code == 302
    again = pat.post("/patients/break-glass/", typed)
    assert again.status_code == 422
    assert "that access is over" in words(again)
    assert "Find the patient again</a>" in words(again)
    assert "Collapsed at our front desk" in words(again)
    assert "Walter" not in words(again)
    assert pat.get(f"/patients/{walter.pk}/edit/").status_code == 404


def test_emergency_access_reads_and_opens_no_form_that_would_outlast_it(clinic: Clinic, walter: Patient) -> None:
    alert = actions.raise_alert(actor=clinic.rosa, patient=walter, kind="safety", text="Falls", now=clinic.now)
    actions.break_the_glass(
        actor=clinic.pat, patient=walter, found_at=clinic.now, reason_code="ETREAT",
        reason="Collapsed at our front desk", now=clinic.now,
    )  # fmt: skip
    pat, point = browser(clinic.pat), walter.contact_points.first()
    assert point is not None
    page = words(pat.get(f"/patients/{walter.pk}/edit/"))
    assert "(207) 555-0123" in page
    assert "Under emergency access this is read only" in page
    assert f"/patients/{walter.pk}/deceased/" not in page
    assert "/new/" not in page
    assert 'type="submit"' not in page.partition('id="who"')[2].partition("</section>")[0]
    forms = {
        "edit": EDIT,
        "names/new": {"given": "Wally", "family": "Ng", "use": "nickname"},
        "identifiers/new": {"system": "urn:x", "value": "9", "kind": "mrn"},
        "sites/new": {"site": str(clinic.hillside.pk)},
        "deceased": {"deceased_on": ""},
        "contacts/new": {"kind": "phone", "use": "home", "value": "(207) 555-0199"},
        f"contacts/{point.pk}": {"kind": "phone", "use": "home", "value": "(207) 555-0199"},
        "proxies/new": {"name": "Pat"},
        "alerts/new": {"kind": "safety", "text": "x"},
        f"alerts/{alert.pk}/end": {"reason": "x"},
        "team/new": {"role": "pcp"},
    }
    for form, typed in forms.items():
        url = f"/patients/{walter.pk}/{form}/"
        assert pat.get(url).status_code == (200 if form == "edit" else 403), form
        assert pat.post(url, typed).status_code == 403, form
    walter.refresh_from_db()
    assert (walter.is_deceased, walter.version) == (False, 1)
    assert not walter.contact_points.filter(value__contains="0199").exists()


def test_of_two_of_one_name_the_page_asks_for_one_thing_more(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    register("Walter", "Ng", birth_on=walter.birth_on, phone="(207) 555-0177")
    pat, typed = browser(clinic.pat), {"name": "walter ng", "birth_on": "02/03/1948"}
    assert 'name="phone"' not in words(pat.get("/patients/break-glass/"))
    asked = pat.post("/patients/break-glass/", typed)
    assert asked.status_code == 422
    assert "Add the record number, or the phone number" in words(asked)
    assert "Nobody whom" not in words(asked)
    assert 'name="phone"' in words(asked)
    assert AuditEntry.objects.filter(refusal_code="patients.nobody_behind_glass").count() == 1
    found = pat.post("/patients/break-glass/", {**typed, "phone": "(207) 555-0177"})
    assert "One patient of another site fits." in words(found)


def test_a_grant_is_in_sight_given_back_and_reviewed(clinic: Clinic, walter: Patient) -> None:
    grant = actions.break_the_glass(
        actor=clinic.pat,
        patient=walter,
        found_at=clinic.now,
        reason_code="ETREAT",
        reason="Collapsed at our front desk",
        now=clinic.now,
    )
    pat, priya = browser(clinic.pat), browser(clinic.privacy)
    assert "Walter Ng" in words(pat.get("/patients/"))
    assert browser(clinic.rosa).post(f"/patients/grants/{grant.pk}/end/").status_code == 404
    assert "Walter Ng" in words(priya.get("/patients/grants/"))
    assert pat.post(f"/patients/grants/{grant.pk}/end/").status_code == 302
    assert "Collapsed" in words(priya.get(f"/patients/grants/{grant.pk}/review/"))
    url = f"/patients/grants/{grant.pk}/review/"
    assert priya.post(url, {"outcome": "unjustified", "note": ""}).status_code == 422
    assert priya.post(url, {"outcome": "justified", "note": "Emergency"}).status_code == 302
    assert priya.get(url).status_code == 404
    assert "Emergency" in words(priya.get("/patients/grants/?reviewed=1"))


def test_a_name_with_markup_is_shown_as_text(clinic: Clinic, register: Registry) -> None:
    evil = register("<script>alert(1)</script>", "Ng")
    actions.change_patient(
        actor=LIAISON, patient=evil, details=PatientDetails(given="<img src=x>", family="Ng"), now=clinic.now
    )
    page = words(browser(clinic.rosa).get("/patients/", {"q": "ng"}))
    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;" in page


def test_no_letter_that_turns_or_hides_what_stands_beside_it_gets_in(clinic: Clinic, walter: Patient) -> None:
    typed = {"kind": "safety", "text": "abc\u202edef\u2066ghi\u200bjkl\x07"}
    assert browser(clinic.rosa).post(f"/patients/{walter.pk}/alerts/new/", typed).status_code == 302
    assert walter.alerts.get().text == "abcdefghijkl"
