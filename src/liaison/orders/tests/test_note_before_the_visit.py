"""A note that comes while a visit is booked here: whoever files it says whether that visit is still needed."""

import re
from datetime import datetime, timedelta

import pytest

from liaison.core.clock import current_time
from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.core.written_time import day_and_time
from liaison.orders import actions, events, queries
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.tests.clinic import DAY, NOW, Clinic
from liaison.orders.tests.test_screens import HTMX, at_desk
from liaison.orders.tests.test_undoing import last_step

pytestmark = pytest.mark.django_db
VISIT = NOW + 7 * DAY
OURS = 4
WORDS = "Mild stenosis"


def scheduled(clinic: Clinic, *, appointment_id: int | None = OURS) -> Referral:
    referral = clinic.sent()
    return actions.mark_scheduled(
        clinic.rosa, referral_id=referral.pk, visit_at=VISIT, appointment_id=appointment_id, now=NOW
    )


def note(clinic: Clinic, referral: Referral, **more: object) -> Referral:
    given = {"report": WORDS, "now": NOW + DAY} | more
    return actions.record_note(clinic.rosa, referral_id=referral.pk, **given)  # type: ignore[arg-type]  # several types


def test_nothing_is_guessed_of_a_visit_that_lies_ahead(clinic: Clinic) -> None:
    referral = scheduled(clinic)
    with pytest.raises(actions.VisitAhead) as refused:
        note(clinic, referral)
    assert list(refused.value.fields) == ["still_needed"]
    assert day_and_time(VISIT.astimezone(clinic.riverside.zone)) in refused.value.sentence
    assert Referral.objects.get().state == "scheduled"


def test_a_visit_that_is_still_needed_stays(clinic: Clinic, facts: list[Fact]) -> None:
    referral = note(clinic, scheduled(clinic), still_needed=True)
    assert (referral.state, referral.appointment_id, referral.visit_at) == ("note_received", OURS, VISIT)
    fact = facts[-1]
    assert isinstance(fact, events.ReferralNoteReceived)
    assert fact.not_needed is None
    assert last_step(referral).sentence.endswith("stays.")
    assert AuditEntry.objects.get(verb="orders.file_note").details["still_needed"] is True


@pytest.mark.parametrize(
    ("still_needed", "visit_at", "said"),
    [(True, VISIT, "stays."), (False, None, "is called off with them, and the patient knows.")],
)
def test_a_visit_that_was_arranged_with_them_is_asked_about_too(
    clinic: Clinic, facts: list[Fact], still_needed: bool, visit_at: datetime | None, said: str
) -> None:
    elsewhere = scheduled(clinic, appointment_id=None)
    with pytest.raises(actions.VisitAhead):
        note(clinic, elsewhere)
    asked = queries.referral_page(clinic.rosa, referral_id=elsewhere.pk, now=NOW)
    assert (asked.visit_ahead, asked.visit_here) == (True, False)
    when = day_and_time(VISIT.astimezone(clinic.riverside.zone))
    assert note(clinic, elsewhere, still_needed=still_needed).visit_at == visit_at
    assert last_step(elsewhere).sentence.endswith(f"arranged with them for {when} {said}")
    fact = facts[-1]
    assert isinstance(fact, events.ReferralNoteReceived)
    assert fact.not_needed is None


def test_the_form_says_of_theirs_that_only_a_person_calls_it_off(clinic: Clinic) -> None:
    referral, now = clinic.sent(), current_time()
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=now + 7 * DAY, now=now)
    form = at_desk(clinic.rosa).get(f"/referrals/{referral.pk}/note/", headers=HTMX).content.decode()
    assert "A visit is arranged with them:" in form
    assert "No: it is called off with them, and the patient knows" in form
    assert "cancel it and tell the patient" not in form


def test_one_that_has_begun_raises_no_question(clinic: Clinic) -> None:
    begun = scheduled(clinic)
    assert queries.referral_page(clinic.rosa, referral_id=begun.pk, now=NOW).visit_ahead
    assert note(clinic, begun, now=VISIT).appointment_id == OURS


def test_the_form_names_the_visit_and_has_no_answer_chosen(clinic: Clinic) -> None:
    referral, client, now = clinic.sent(), at_desk(clinic.rosa), current_time()
    address = f"/referrals/{referral.pk}/note/"
    assert "still needed" not in client.get(address, headers=HTMX).content.decode()
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=now + 7 * DAY, appointment_id=OURS, now=now)
    form = client.get(address, headers=HTMX).content.decode()
    assert "Is the visit still needed?" in form
    assert "A visit is booked here:" in form
    assert len(re.findall(r'type="radio"[^>]* name="still_needed"[^>]* required', form)) == 2
    assert "checked" not in form
    typed = {"version": Referral.objects.get().version, "report": WORDS}
    refused = client.post(address, typed, headers=HTMX)
    assert refused.status_code == 422
    assert re.search(r"l-field-error.*A visit lies ahead, on .*still needed", refused.content.decode(), re.DOTALL)
    assert WORDS in refused.content.decode()


def test_a_form_of_before_the_booking_says_that_it_was_booked_meanwhile(clinic: Clinic) -> None:
    referral, client, now = clinic.sent(), at_desk(clinic.rosa), current_time()
    old = Referral.objects.get().version
    actions.mark_scheduled(clinic.rosa, referral_id=referral.pk, visit_at=now + 7 * DAY, appointment_id=OURS, now=now)
    stale = client.post(f"/referrals/{referral.pk}/note/", {"version": old, "report": WORDS}, headers=HTMX)
    assert stale.status_code == 409
    assert "is arranged for" in stale.content.decode()


def test_the_same_note_sent_twice_is_filed_once_and_answered_twice_as_saved(clinic: Clinic) -> None:
    referral, client, now = clinic.sent(), at_desk(clinic.rosa), current_time()
    actions.mark_scheduled(
        clinic.rosa, referral_id=referral.pk, visit_at=now + timedelta(hours=30), appointment_id=OURS, now=now
    )
    address = f"/referrals/{referral.pk}/note/"
    typed = {"version": Referral.objects.get().version, "report": WORDS, "still_needed": "yes"}
    assert [client.post(address, typed, headers=HTMX).status_code for _ in range(2)] == [204, 204]
    assert ReferralStep.objects.filter(state="note_received").count() == 1
    assert AuditEntry.objects.filter(verb="orders.file_note", details__repeated=True).count() == 1
    other = client.post(address, typed | {"still_needed": "no"}, headers=HTMX)
    changed = client.post(address, typed | {"report": "Severe"}, headers=HTMX)
    assert (other.status_code, changed.status_code) == (409, 409)
    assert Referral.objects.get().report == WORDS


def test_an_old_form_of_somebody_else_is_no_repetition(clinic: Clinic) -> None:
    referral = scheduled(clinic)
    version = referral.version
    note(clinic, referral, still_needed=True)
    with pytest.raises(actions.ReferralChanged):
        actions.record_note(
            clinic.marta, referral_id=referral.pk, report=WORDS, now=NOW + DAY, still_needed=True,
            expected_version=version,
        )  # fmt: skip
