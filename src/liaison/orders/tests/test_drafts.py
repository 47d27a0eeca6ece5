"""A draft is changed as long as it has not left, and discarded with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.models import Loop
from liaison.loops.ports import About
from liaison.orders import actions, queries, rules
from liaison.orders.models import Referral, ReferralAttachment
from liaison.orders.ports import Target
from liaison.orders.tests.clinic import NOW, Clinic, ends
from liaison.orders.tests.test_screens import asked, at_desk

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=20)


def loop_of(referral: Referral) -> Loop:
    return Loop.objects.get(pk=referral.loop_id)


def said(referral: Referral) -> list[str]:
    return list(referral.steps.order_by("id").values_list("sentence", flat=True))


def test_the_words_of_a_draft_are_changed_and_its_history_says_which_without_saying_what(clinic: Clinic) -> None:
    draft = clinic.draft(attachments=("ECG", "Letter"))
    order = clinic.order(question="Is it the valve?", coverage_note="A-7", attachments=("ECG", "Echo"))
    changed = actions.change_draft(
        clinic.rosa, referral_id=draft.pk, order=order, now=LATER, expected_version=draft.version
    )
    assert (changed.question, changed.coverage_note, changed.version) == ("Is it the valve?", "A-7", draft.version + 1)
    assert list(changed.attachments.order_by("id").values_list("title", flat=True)) == ["ECG", "Echo"]
    assert said(changed) == ["Drafted.", "Changed the draft: the question, the payer's word, what goes along."]
    assert AuditEntry.objects.filter(verb="orders.refer", outcome="done", patient_ids=[clinic.walter.pk]).count() == 2
    assert loop_of(changed).title == "Referral to cardiology: Heart Center"
    assert queries.undoable_step(clinic.rosa, referral=changed, now=NOW) is None


def test_nothing_changed_says_nothing(clinic: Clinic) -> None:
    draft = clinic.draft()
    actions.change_draft(
        clinic.rosa, referral_id=draft.pk, order=clinic.order(question=" New murmur: does he need an echo? "), now=LATER
    )
    assert said(draft) == ["Drafted."]


def test_its_promise_is_called_by_what_is_asked_now_and_keeps_its_deadline(clinic: Clinic) -> None:
    draft = clinic.draft()
    order = clinic.order(specialty="dermatology", target=Target(organization_id=clinic.skin_clinic.pk))
    changed = actions.change_draft(clinic.imani, referral_id=draft.pk, order=order, now=LATER)
    loop = loop_of(changed)
    assert loop.title == "Referral to dermatology: Skin Clinic"
    assert "dermatology" in loop.next_step
    assert loop.due_at == ends(5)
    assert loop.priority == "routine"


def test_a_draft_that_becomes_urgent_hurries_from_now_on(clinic: Clinic) -> None:
    draft = clinic.draft()
    changed = actions.change_draft(clinic.imani, referral_id=draft.pk, order=clinic.order(urgency="urgent"), now=LATER)
    loop = loop_of(changed)
    assert (loop.due_at, loop.priority) == (LATER + timedelta(hours=4), "urgent")
    again = actions.change_draft(clinic.imani, referral_id=draft.pk, order=clinic.order(), now=LATER)
    assert (loop_of(again).due_at, loop_of(again).priority) == (ends(5), "routine")


def test_what_left_is_not_changed_and_the_way_out_is_said(clinic: Clinic) -> None:
    sent = clinic.sent()
    with pytest.raises(actions.NoDraft, match="Re-route it"):
        actions.change_draft(clinic.imani, referral_id=sent.pk, order=clinic.order(), now=LATER)
    answer = at_desk(clinic.imani).get(f"/referrals/drafts/{sent.pk}/")
    assert answer.status_code == 409
    assert "stays as it was sent" in answer.content.decode()


def test_another_specialty_of_which_there_is_an_open_referral_needs_a_reason(clinic: Clinic) -> None:
    clinic.sent()
    draft = clinic.draft(specialty="dermatology", target=Target(organization_id=clinic.skin_clinic.pk))
    with pytest.raises(actions.DuplicateReferral):
        actions.change_draft(clinic.imani, referral_id=draft.pk, order=clinic.order(), now=LATER)
    changed = actions.change_draft(
        clinic.imani, referral_id=draft.pk, order=clinic.order(), now=LATER, duplicate_reason="Second opinion"
    )
    assert changed.duplicate_reason == "Second opinion"


def test_what_goes_along_from_the_chart_stays(clinic: Clinic) -> None:
    draft = clinic.draft(attachments=("ECG",))
    actions.attach(clinic.imani, referral_id=draft.pk, title="Echo of May", about=About(type="x", id=1), now=NOW)
    actions.change_draft(clinic.imani, referral_id=draft.pk, order=clinic.order(), now=LATER)
    assert list(ReferralAttachment.objects.values_list("title", flat=True)) == ["Echo of May"]


def test_what_differs_is_named_by_field_alone(clinic: Clinic) -> None:
    draft = clinic.draft()
    assert rules.what_differs(queries.order_of(draft), clinic.order(referrer_id=0)) == {"referrer_id": "who refers"}


def test_only_who_refers_patients_here_changes_a_draft(clinic: Clinic) -> None:
    draft = clinic.draft()
    with pytest.raises(NotFound):
        queries.draft_to_change(clinic.pat, draft_id=draft.pk, now=NOW)
    with pytest.raises(Forbidden):
        queries.draft_to_change(clinic.fred, draft_id=draft.pk, now=NOW)
    with pytest.raises(Forbidden):
        actions.change_draft(clinic.fred, referral_id=draft.pk, order=clinic.order(), now=LATER)
    where = f"/referrals/drafts/{draft.pk}/"
    assert where in at_desk(clinic.rosa).get(f"/referrals/{draft.pk}/").content.decode()
    assert where not in at_desk(clinic.fred).get(f"/referrals/{draft.pk}/").content.decode()


def form(clinic: Clinic, draft: Referral, **changes: str) -> dict[str, str]:
    return {**asked(clinic), "version": str(draft.version), **changes}


def test_rosa_changes_a_draft_on_its_page_and_sends_it(clinic: Clinic) -> None:
    draft = clinic.draft(coverage_status="unknown", attachments=("ECG",))
    client, where = at_desk(clinic.rosa), f"/referrals/drafts/{draft.pk}/"
    page = client.get(where).content.decode()
    assert "New murmur: does he need an echo?" in page
    assert f'value="organization:{clinic.heart_center.pk}" selected' in page
    assert "Who follows it" not in page
    answer = client.post(where, form(clinic, draft, question="", coverage_status="approved"))
    assert answer.status_code == 422
    assert f'name="version" value="{draft.version}"' in answer.content.decode()
    answer = client.post(where, form(clinic, draft, coverage_status="approved"))
    assert answer["Location"] == f"/referrals/{draft.pk}/"
    shown = client.get(answer["Location"]).content.decode()
    assert "The draft is changed." in shown
    assert "Changed the draft: the question, the payer&#x27;s word, what goes along." in shown
    version = Referral.objects.get().version
    client.post(f"/referrals/{draft.pk}/send/", {"version": version, "via": "fax"})
    assert Referral.objects.get().state == "sent"


def test_who_comes_second_is_told_beside_each_field_what_it_says_now(clinic: Clinic) -> None:
    draft = clinic.draft()
    order = clinic.order(question="Is it the valve?", history="Two lines\nof it")
    actions.change_draft(clinic.imani, referral_id=draft.pk, order=order, now=LATER)
    client, where = at_desk(clinic.rosa), f"/referrals/drafts/{draft.pk}/"
    stale = client.post(where, form(clinic, draft, question="Echo?", history="Two lines\r\nof it", attachments=""))
    page = stale.content.decode()
    assert stale.status_code == 409
    assert "Dr Imani Okoye was here first" in page
    assert "It now says: Is it the valve?" in page
    assert page.count("It now says") == 1
    assert "Echo?" in page
    same = form(clinic, draft, question="Is it the valve?", history="Two lines\r\nof it", attachments="")
    assert client.post(where, same).status_code == 302, "it says what is kept"
    now_kept = Referral.objects.get()
    assert f'name="version" value="{now_kept.version}"' in page
    assert client.post(where, form(clinic, now_kept, question="Echo?")).status_code == 302
    assert Referral.objects.get().question == "Echo?"


def test_the_page_asks_why_a_second_one_is_needed(clinic: Clinic) -> None:
    clinic.sent()
    draft = clinic.draft(specialty="dermatology", target=Target(organization_id=clinic.skin_clinic.pk))
    client, where = at_desk(clinic.imani), f"/referrals/drafts/{draft.pk}/"
    refused = client.post(where, form(clinic, draft))
    assert refused.status_code == 422
    assert "Why a second referral" in refused.content.decode()
    assert client.post(where, form(clinic, draft, duplicate_reason="Second opinion")).status_code == 302


def test_whom_a_draft_asks_stays_offered_when_the_directory_offers_them_no_longer(clinic: Clinic) -> None:
    draft = clinic.draft(target=Target(practitioner_id=clinic.adler.pk))
    with writes_open():
        clinic.adler.retire(now=NOW)
        clinic.adler.save()
        clinic.dr_imani.retire(now=NOW)
        clinic.dr_imani.save()
    page = at_desk(clinic.rosa).get(f"/referrals/drafts/{draft.pk}/").content.decode()
    assert f'value="practitioner:{clinic.adler.pk}" selected' in page
    assert f'value="{clinic.dr_imani.pk}" selected' in page
    other = at_desk(clinic.rosa).post(f"/referrals/drafts/{draft.pk}/", form(clinic, draft, specialty="dermatology"))
    assert other.status_code == 422
    assert f'value="practitioner:{clinic.adler.pk}"' not in other.content.decode()


def test_a_draft_is_discarded_with_its_reason_and_its_promise_ends(clinic: Clinic) -> None:
    draft = clinic.draft()
    client = at_desk(clinic.rosa)
    assert "Discard the draft" in client.get(f"/referrals/{draft.pk}/").content.decode()
    typed = {"version": str(draft.version), "reason": "He goes to the valve clinic"}
    client.post(f"/referrals/{draft.pk}/cancel/", typed)
    ended = Referral.objects.get()
    assert (ended.state, said(ended)[-1]) == ("cancelled", "Draft discarded.")
    assert loop_of(ended).state != "open"
