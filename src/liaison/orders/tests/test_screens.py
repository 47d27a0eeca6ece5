"""Referring, following and listing referrals, through their addresses."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from liaison.core.actor import Actor
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Practitioner
from liaison.loops import actions as loop_actions
from liaison.loops.ports import Owner
from liaison.orders import actions, queries
from liaison.orders.models import Referral
from liaison.orders.ports import Target
from liaison.orders.tests.clinic import NOW, Clinic
from liaison.patients.models import BreakGlassGrant

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def at_desk(actor: Actor) -> Client:
    client = Client()
    user = get_user_model().objects.get(pk=actor.user_id)
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


def asked(clinic: Clinic, **changes: str) -> dict[str, str]:
    return {
        "specialty": "cardiology",
        "target": f"organization:{clinic.heart_center.pk}",
        "urgency": "routine",
        "question": "New murmur?",
        "coverage_status": "not_needed",
        "referrer": str(clinic.dr_imani.pk),
        "owner": f"user:{clinic.rosa.user_id}",
        "via": "fax",
        "attachments": "ECG\n\nLetter",
        "idempotency_key": "referral:1",
        **changes,
    }


def test_dr_imani_refers_walter_and_lands_on_the_referrals_page(clinic: Clinic) -> None:
    client = at_desk(clinic.imani)
    form = client.get(f"/patients/{clinic.walter.pk}/refer/")
    assert form.status_code == 200
    assert "Choose a specialty first" in form.content.decode()
    fields = client.get(f"/patients/{clinic.walter.pk}/refer/targets/?specialty=cardiology", headers=HTMX)
    assert "Heart Center" in fields.content.decode()
    assert "Skin Clinic" not in fields.content.decode()
    sent = client.post(f"/patients/{clinic.walter.pk}/refer/", asked(clinic), follow=True)
    page = sent.content.decode()
    referral = Referral.objects.get()
    assert sent.redirect_chain[-1][0] == f"/referrals/{referral.pk}/"
    assert "Confirm that Heart Center has Walter Ng" in page
    assert list(referral.attachments.values_list("title", flat=True)) == ["ECG", "Letter"]
    assert AuditEntry.objects.filter(verb="core.see", patient_ids=[clinic.walter.pk]).exists()


def test_what_goes_to_one_of_ours_is_not_faxed(clinic: Clinic) -> None:
    client = at_desk(clinic.imani)
    address = f"/patients/{clinic.walter.pk}/refer/targets/?as=via&target="
    fax, house = '<option value="fax" selected>', '<option value="in_house" selected>'
    assert fax in client.get(f"/patients/{clinic.walter.pk}/refer/").content.decode()
    assert fax in client.get(f"{address}organization:{clinic.heart_center.pk}").content.decode()
    assert fax in client.get(f"{address}practitioner:{clinic.adler.pk}").content.decode()
    ours = clinic.dr_imani
    assert house in client.get(f"{address}practitioner:{ours.pk}").content.decode()


def test_nothing_goes_in_house_to_who_is_none_of_ours(clinic: Clinic) -> None:
    client = at_desk(clinic.rosa)
    words = "none of ours, so it can&#x27;t go in house"
    first = client.post(f"/patients/{clinic.walter.pk}/refer/", asked(clinic, via="in_house"))
    assert (first.status_code, words in first.content.decode()) == (422, True)
    assert not Referral.objects.exists(), "and nothing is kept"
    referral = clinic.sent()
    actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="Full", now=NOW)
    typed = {"target": f"practitioner:{clinic.adler.pk}", "version": Referral.objects.get().version}
    again = client.post(f"/referrals/{referral.pk}/reroute/", {**typed, "via": "in_house"})
    assert (again.status_code, words in again.content.decode()) == (422, True)
    assert 'id="id_via-error"' in again.content.decode()
    assert client.post(f"/referrals/{referral.pk}/reroute/", {**typed, "via": "fax"}).status_code == 302


def test_what_is_missing_is_said_beside_its_field_and_what_was_typed_stays(clinic: Clinic) -> None:
    client = at_desk(clinic.imani)
    answer = client.post(f"/patients/{clinic.walter.pk}/refer/", asked(clinic, question="", history="Long story"))
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "id_question-error" in page
    assert "Long story" in page
    unready = client.post(f"/patients/{clinic.walter.pk}/refer/", asked(clinic, coverage_status="unknown"))
    assert unready.status_code == 422
    assert "whether the payer must agree" in unready.content.decode()
    assert not Referral.objects.exists()


def test_the_form_says_before_the_press_what_is_needed_for_sending(clinic: Clinic) -> None:
    page = at_desk(clinic.imani).get(f"/patients/{clinic.walter.pk}/refer/").content.decode()
    assert "Needed before it is recorded as sent" in page
    assert "id_coverage_status-help" in page


def test_telling_the_patient_leads_only_after_the_review(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=NOW, now=NOW)
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild stenosis", now=NOW)
    leads, tell = "btn btn-primary", f'href="/referrals/{referral.pk}/tell/"'
    page = at_desk(clinic.rosa).get(f"/referrals/{referral.pk}/").content.decode()
    assert tell in page
    assert f'{leads}" {tell}' not in page
    assert (
        f'{leads}" href="/referrals/{referral.pk}/review/"'
        in at_desk(clinic.imani).get(f"/referrals/{referral.pk}/").content.decode()
    )
    actions.review_note(clinic.imani, referral_id=referral.pk, review="Echo in spring", now=NOW)
    page = at_desk(clinic.rosa).get(f"/referrals/{referral.pk}/").content.decode()
    assert f'{leads}" {tell}' in page


def test_a_draft_may_be_saved_before_the_coverage_is_known(clinic: Clinic) -> None:
    client = at_desk(clinic.imani)
    client.post(f"/patients/{clinic.walter.pk}/refer/", asked(clinic, coverage_status="unknown", draft="1"))
    assert Referral.objects.get().state == "draft"


def test_a_second_referral_asks_for_the_reason_and_then_goes_out(clinic: Clinic) -> None:
    clinic.sent()
    client = at_desk(clinic.imani)
    refused = client.post(f"/patients/{clinic.walter.pk}/refer/", asked(clinic))
    assert refused.status_code == 422
    assert "There is an open referral to this specialty already: Heart Center" in refused.content.decode()
    client.post(f"/patients/{clinic.walter.pk}/refer/", asked(clinic, duplicate_reason="Second opinion"))
    assert Referral.objects.count() == 2


def test_rosa_moves_it_on_from_its_page(clinic: Clinic) -> None:
    referral = clinic.sent()
    client = at_desk(clinic.rosa)
    page = client.get(f"/referrals/{referral.pk}/").content.decode()
    assert "They declined" in page
    assert "Reviewed" in page
    form = client.get(f"/referrals/{referral.pk}/declined/", headers=HTMX)
    assert "<html" not in form.content.decode()
    version = str(Referral.objects.get().version)
    empty = client.post(f"/referrals/{referral.pk}/declined/", {"version": version, "reason": " "}, headers=HTMX)
    assert empty.status_code == 422
    done = client.post(f"/referrals/{referral.pk}/declined/", {"version": version, "reason": "Full"}, headers=HTMX)
    assert done.status_code == 204
    assert f"referral:{referral.pk}" in done["HX-Trigger"]
    stale = client.post(f"/referrals/{referral.pk}/received/", {"version": version}, headers=HTMX)
    assert stale.status_code == 409
    assert "Rosa Delgado was here first" in stale.content.decode()
    rerouted = client.post(
        f"/referrals/{referral.pk}/reroute/",
        {"version": str(Referral.objects.get().version), "target": f"practitioner:{clinic.adler.pk}", "via": "phone"},
    )
    assert rerouted.status_code == 302
    assert Referral.objects.get().target_name == "Dr Adler"


def test_the_heading_follows_a_reroute_without_a_reload(clinic: Clinic) -> None:
    referral = clinic.sent()
    client = at_desk(clinic.rosa)
    whole = client.get(f"/referrals/{referral.pk}/").content.decode()
    assert '<span id="referral-heading">Cardiology: Heart Center</span>' in whole
    actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="Full", now=NOW)
    adler = Target(practitioner_id=clinic.adler.pk)
    actions.reroute_referral(clinic.rosa, referral_id=referral.pk, target=adler, via="fax", now=NOW)
    piece = client.get(f"/referrals/{referral.pk}/", headers=HTMX).content.decode()
    assert '<span id="referral-heading" hx-swap-oob="true">Cardiology: Dr Adler</span>' in piece


def test_where_nobody_else_can_be_asked_the_form_says_what_to_do(clinic: Clinic) -> None:
    skin = clinic.sent(specialty="dermatology", target=Target(organization_id=clinic.skin_clinic.pk))
    client = at_desk(clinic.rosa)
    words = "Nobody else of this specialty is in the directory"
    assert words in client.get(f"/referrals/{skin.pk}/reroute/", headers=HTMX).content.decode()
    heart = clinic.sent()
    assert words not in client.get(f"/referrals/{heart.pk}/reroute/", headers=HTMX).content.decode()


def test_what_never_happened_is_skipped_and_not_ticked(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.accept_referral(clinic.rosa, referral_id=referral.pk, now=NOW)
    actions.mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=NOW, now=NOW)
    page = queries.referral_page(clinic.rosa, referral_id=referral.pk, now=NOW)
    assert [stop.status for stop in page.track] == [
        "done", "skipped", "done", "skipped", "here", "ahead", "ahead", "ahead",
    ]  # fmt: skip
    assert all((stop.at is None) == (stop.status in {"skipped", "ahead"}) for stop in page.track)
    shown = at_desk(clinic.rosa).get(f"/referrals/{referral.pk}/").content.decode()
    assert shown.count("skipped</span>") == 2


def test_a_visit_is_booked_here_with_ours_and_noted_with_theirs(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.accept_referral(clinic.rosa, referral_id=referral.pk, now=NOW)
    client = at_desk(clinic.rosa)
    outside = client.get(f"/referrals/{referral.pk}/").content.decode()
    assert "Note their visit" in outside
    assert "Book it here" not in outside
    assert "Note their visit" in client.get(f"/referrals/{referral.pk}/scheduled/", headers=HTMX).content.decode()
    with writes_open():
        Practitioner.objects.filter(pk=clinic.adler.pk).update(site=clinic.riverside)
    adler = Target(practitioner_id=clinic.adler.pk)
    actions.reroute_referral(clinic.rosa, referral_id=referral.pk, target=adler, via="in_house", now=NOW)
    actions.accept_referral(clinic.rosa, referral_id=referral.pk, now=NOW)
    ours = client.get(f"/referrals/{referral.pk}/").content.decode()
    assert "Book it here" in ours
    assert "A visit is arranged" in ours


def test_times_are_those_of_the_sites_clock(clinic: Clinic) -> None:
    referral = clinic.sent()
    client = at_desk(clinic.rosa)
    future = current_time() + timedelta(days=3)
    typed = {"visit_at": f"{future:%Y-%m-%d}T14:30"}
    blind = client.post(f"/referrals/{referral.pk}/scheduled/", typed)
    assert blind.status_code == 409, "it does not say what it was decided against"
    client.post(f"/referrals/{referral.pk}/scheduled/", {**typed, "version": Referral.objects.get().version})
    past = current_time() - timedelta(days=400)
    early = {"visit_at": f"{past:%Y-%m-%d}T14:30", "version": Referral.objects.get().version}
    too_early = client.post(f"/referrals/{referral.pk}/scheduled/", early)
    assert too_early.status_code == 422
    assert re.search(r'id="id_visit_at-error">.*The referral was sent', too_early.content.decode())
    found = Referral.objects.get()
    assert found.visit_at is not None
    assert f"{found.visit_at.astimezone(clinic.riverside.zone):%H:%M}" == "14:30"
    early = client.post(
        f"/referrals/{referral.pk}/seen/", {"seen_at": f"{future:%Y-%m-%d}T14:30", "version": found.version}
    )
    assert early.status_code == 422
    assert "lies in the past" in early.content.decode()
    assert client.get(f"/referrals/{referral.pk}/nonsense/").status_code == 404


def test_pat_sees_none_of_it(clinic: Clinic) -> None:
    referral = clinic.sent()
    client = at_desk(clinic.pat)
    for path in (
        f"/referrals/{referral.pk}/",
        f"/referrals/{referral.pk}/declined/",
        f"/patients/{clinic.walter.pk}/refer/",
        f"/patients/{clinic.walter.pk}/refer/targets/",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "Walter" not in answer.content.decode()
    assert "Walter" not in client.get("/referrals/").content.decode()


def test_the_worklist_shows_each_state_and_what_is_late(clinic: Clinic) -> None:
    referral = clinic.sent()
    client = at_desk(clinic.rosa)
    page = client.get("/referrals/").content.decode()
    assert "Walter Ng" in page
    assert "Heart Center" in page
    assert "Walter Ng" in client.get("/referrals/?state=late").content.decode(), "the clock of 2026 has passed"
    assert "No referrals here" in client.get("/referrals/?state=accepted").content.decode()
    assert "Walter Ng" in client.get("/referrals/?specialty=cardiology").content.decode()
    assert "Walter Ng" not in client.get("/referrals/?specialty=dermatology").content.decode()
    assert client.get("/referrals/?after=x").status_code == 404
    assert client.get("/referrals/?after=2026-01-01T00:00:00~1").status_code == 404
    for after in ("0001-01-01T00:00:00+00:00~1", f"2026-01-01T00:00:00+00:00~{2**63}"):
        assert client.get("/referrals/", {"after": after}).status_code == 404
    actions.cancel_referral(clinic.rosa, referral_id=referral.pk, reason="x", now=NOW)
    actions.confirm_cancelled(clinic.rosa, referral_id=referral.pk, now=NOW)
    assert "No referrals here" in client.get("/referrals/").content.decode()


def test_the_worklist_counts_every_state_and_what_is_late_in_one_question(clinic: Clinic) -> None:
    clinic.sent()
    clinic.draft(duplicate_reason="another knee")
    clinic.draft(duplicate_reason="a third")
    late = NOW + timedelta(days=400)
    assert queries.worklist(clinic.rosa, now=NOW).counts == (
        ("", "Open", 3), ("late", "Late", 0), ("draft", "Draft", 2), ("sent", "Sent", 1),
    )  # fmt: skip
    with CaptureQueriesContext(connection) as asked_for:
        assert queries.worklist(clinic.rosa, now=late).counts[1] == ("late", "Late", 3)
    assert len([one for one in asked_for.captured_queries if "COUNT(" in one["sql"]]) == 1


def test_pages_of_a_worklist_follow_each_other(clinic: Clinic) -> None:
    for number in range(5):
        clinic.draft(duplicate_reason=f"number {number}")
    urgent = Referral.objects.order_by("pk")[3]
    assert urgent.loop_id is not None
    loop_actions.raise_priority(clinic.rosa, loop_id=urgent.loop_id, priority="urgent", reason="worse", now=NOW)
    found: list[int] = []
    after = ""
    while True:
        page = queries.worklist(clinic.rosa, now=NOW, limit=2, after=after)
        found += [row.id for row in page.rows]
        after = page.next_after
        if not after:
            break
    routine = Referral.objects.exclude(pk=urgent.pk).order_by("pk").values_list("pk", flat=True)
    assert found == [urgent.pk, *routine]
    words = [row.rank.words for row in queries.worklist(clinic.rosa, now=NOW).rows if row.rank]
    assert words == ["urgent (counts as due 2 days earlier), then due later", *["due later"] * 4]
    chief = Actor(user_id=1, name="Chief", assignments=frozenset({("supervisor", None)}))
    assert len(queries.worklist(chief, now=NOW).rows) == 5


def test_the_steps_of_a_patients_referrals_stand_in_the_timeline(clinic: Clinic) -> None:
    clinic.sent()
    entries = queries.timeline(clinic.rosa, patient=clinic.walter, now=NOW)
    assert [entry.title for entry in entries] == [
        "Referral to cardiology: Sent to Heart Center.", "Referral to cardiology: Drafted.",
    ]  # fmt: skip
    assert queries.timeline(clinic.rosa, patient=clinic.walter, kinds=["visit"], now=NOW) == ()
    assert queries.timeline(clinic.rosa, patient=clinic.walter, before=NOW, now=NOW) == ()
    assert queries.timeline_years(clinic.rosa, patient=clinic.walter, before=NOW + timedelta(days=1), now=NOW) == {
        NOW.year
    }
    assert queries.timeline_years(clinic.rosa, patient=clinic.walter, before=NOW, now=NOW) == set()


def test_who_follows_a_referral_unless_someone_else_is_chosen(clinic: Clinic) -> None:
    from liaison.patients.models import CareTeamMember

    def owner(actor: Actor) -> Owner:
        return queries.default_owner(actor, patient=clinic.walter, now=NOW)

    assert owner(clinic.rosa) == Owner(user_id=clinic.rosa.user_id)
    assert owner(clinic.imani) == Owner(team_id=clinic.team.pk)
    with writes_open():
        CareTeamMember.objects.create(
            patient=clinic.walter, user_id=clinic.marta.user_id, role="coordinator", starts_on=NOW.date()
        )
    assert owner(clinic.imani) == Owner(user_id=clinic.marta.user_id)
    assert queries.target_from_value("practitioner:x") is None
    assert queries.target_from_value("ship:3") is None


def test_dr_imani_finds_the_note_that_only_she_may_review_on_her_desk(clinic: Clinic) -> None:
    referral = clinic.sent()
    assert f"/referrals/{referral.pk}/" not in at_desk(clinic.imani).get("/").content.decode(), "Heart Center is to act"
    actions.record_note(clinic.rosa, referral_id=referral.pk, report="Mild stenosis.", now=current_time())
    hers = at_desk(clinic.imani)
    desk = hers.get("/").content.decode()
    assert "Dr Imani Okoye reviews Heart Center&#x27;s note" in desk
    assert f'data-managed="/referrals/{referral.pk}/"' in desk
    assert "Dr Imani Okoye reviews" in at_desk(clinic.rosa).get("/").content.decode(), "Rosa keeps the promise"
    actions.review_note(clinic.imani, referral_id=referral.pk, review="Echo in a year.", now=current_time())
    assert "Walter Ng" not in hers.get("/").content.decode()


def test_nobody_is_led_to_believe_that_liaison_faxes(clinic: Clinic) -> None:
    client, words = at_desk(clinic.imani), "Liaison does not fax or call yet: send it yourself, then record it here."
    form = client.get(f"/patients/{clinic.walter.pk}/refer/").content.decode()
    assert "Record as sent" in form
    assert words in form
    draft = clinic.draft()
    assert "Record as sent" in client.get(f"/referrals/{draft.pk}/").content.decode()
    assert words in client.get(f"/referrals/{draft.pk}/send/", headers=HTMX).content.decode()


def test_a_referral_is_printed_as_a_letter_by_those_who_read_the_chart(clinic: Clinic) -> None:
    referral = clinic.sent(history="Murmur since January.")
    letter = at_desk(clinic.rosa).get(f"/referrals/{referral.pk}/?as=letter").content.decode()
    for words in (
        "Heart Center",
        "Walter Ng",
        "February 1, 1950",
        "does he need an echo",
        "Murmur since",
        "Please send",
    ):
        assert words in letter
    without = at_desk(clinic.fred).get(f"/referrals/{referral.pk}/?as=letter").content.decode()
    assert "does he need an echo" not in without
    assert "Please send your note" not in without
    assert "A letter to print" in at_desk(clinic.rosa).get(f"/referrals/{referral.pk}/").content.decode()
    assert at_desk(clinic.pat).get(f"/referrals/{referral.pk}/?as=letter").status_code == 404


@pytest.mark.parametrize("sent", ["cardio\x00", "no-such-thing", "x" * 5000])
def test_a_specialty_that_is_none_is_said_beside_its_field(clinic: Clinic, sent: str) -> None:
    client, draft = at_desk(clinic.imani), clinic.draft(specialty="dermatology")
    for address in (f"/patients/{clinic.walter.pk}/refer/", f"/referrals/drafts/{draft.pk}/"):
        answer = client.post(address, asked(clinic, specialty=sent))
        assert answer.status_code == 422
        assert "id_specialty-error" in answer.content.decode()
    assert client.get(f"/patients/{clinic.walter.pk}/refer/targets/", {"specialty": sent}).status_code in {200, 400}
    assert Referral.objects.count() == 1


def test_emergency_access_follows_a_referral_and_never_ends_it(clinic: Clinic) -> None:
    referral, now = clinic.sent(), current_time()
    with writes_open():
        BreakGlassGrant.objects.create(
            patient=clinic.walter, user_id=clinic.pat.user_id, reason_code="ETREAT", reason="Collapsed here",
            starts_at=now, expires_at=now + timedelta(hours=4), review_due_at=now + timedelta(days=3),
        )  # fmt: skip
    pat, address = at_desk(clinic.pat), f"/referrals/{referral.pk}"
    page = pat.get(f"{address}/").content.decode()
    assert f"{address}/received/" in page
    assert f"{address}/cancel/" not in page
    assert pat.get(f"{address}/received/").status_code == 200
    assert pat.get(f"{address}/cancel/").status_code == 403
    version = str(Referral.objects.get().version)
    assert pat.post(f"{address}/cancel/", {"version": version, "reason": "No use"}).status_code == 403
    assert AuditEntry.objects.filter(verb="orders.cancel", outcome="refused").exists()
    assert Referral.objects.get().state == "sent"


def test_seen_before_the_referral_was_sent_is_refused_beside_the_field(clinic: Clinic) -> None:
    referral, client = clinic.sent(), at_desk(clinic.rosa)
    typed = {"seen_at": "2020-01-02T09:00", "version": Referral.objects.get().version}
    refused = client.post(f"/referrals/{referral.pk}/seen/", typed)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["seen_at"])


def test_what_a_yes_does_to_a_visit_that_is_booked_here_is_said_where_it_is_asked(clinic: Clinic) -> None:
    referral, client = clinic.sent(), at_desk(clinic.rosa)
    now = current_time()
    visit = now + timedelta(days=7)
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=visit, appointment_id=3, now=now)
    zone = referral.site.zone
    typed = {"seen_at": now.astimezone(zone).strftime("%Y-%m-%dT%H:%M"), "version": Referral.objects.get().version}
    refused = client.post(f"/referrals/{referral.pk}/seen/", typed)
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "The visit booked here is cancelled then, and the patient is told." in page


def test_seen_before_the_arranged_visit_is_asked_once_more(clinic: Clinic) -> None:
    referral, client = clinic.sent(), at_desk(clinic.rosa)
    now = current_time()
    zone = referral.site.zone
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=now + timedelta(days=7), now=now)
    address = f"/referrals/{referral.pk}/seen/"
    plain = client.get(address).content.decode()
    assert "before the visit that is arranged" not in plain
    typed = {"seen_at": now.astimezone(zone).strftime("%Y-%m-%dT%H:%M"), "version": Referral.objects.get().version}
    refused = client.post(address, typed)
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Was the patient seen earlier?" in page
    assert "is cancelled then" not in page, "the visit is theirs, not ours to cancel"
    assert re.search(r'<input type="checkbox" name="seen_earlier"[^>]*>', page)
    referral.refresh_from_db()
    assert referral.state == "scheduled"
    again = client.post(address, {"seen_at": "", "seen_earlier": "on"}).content.decode()
    assert re.search(r'<input type="checkbox" name="seen_earlier"[^>]*checked', again), "what was ticked stays"
    client.post(address, typed | {"seen_earlier": "on"})
    referral.refresh_from_db()
    assert referral.state == "seen"
