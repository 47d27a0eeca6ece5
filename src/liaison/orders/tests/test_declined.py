"""What happens when a referral is declined."""

from datetime import timedelta

import pytest

from liaison.core.facts import Fact
from liaison.core.models import AuditEntry
from liaison.loops.models import Clock, LoopEvent
from liaison.orders import actions, events
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.ports import Target
from liaison.orders.tests.clinic import NOW, Clinic, ends

pytestmark = pytest.mark.django_db


def test_when_a_referral_is_declined_somebody_must_reroute_it_within_a_business_day(
    clinic: Clinic, facts: list[Fact]
) -> None:
    referral = clinic.sent()

    actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="No new patients until May", now=NOW)

    referral.refresh_from_db()
    assert (referral.state, referral.state_reason) == ("declined", "No new patients until May")

    loop = referral.loop
    assert loop is not None
    assert loop.state == "open", "declined closes nothing"
    assert loop.next_step == "Re-route Walter Ng's referral: Heart Center declined"
    assert loop.due_at == ends(5)
    assert loop.owner_user_id == clinic.rosa.user_id
    assert LoopEvent.objects.filter(loop=loop).latest("id").sentence == "Heart Center declined."
    assert Clock.objects.get(loop=loop, rule_id="referral.acknowledge").satisfied_at == NOW

    step = ReferralStep.objects.filter(referral=referral).latest("id")
    assert (step.sentence, step.reason, step.by_name) == (
        "Heart Center declined.", "No new patients until May", "Rosa Delgado",
    )  # fmt: skip
    assert isinstance(facts[-1], events.ReferralDeclined)
    assert AuditEntry.objects.get(verb="orders.follow").reason == "No new patients until May"


def test_an_urgent_one_is_rerouted_as_fast_as_it_was_to_be_sent(clinic: Clinic) -> None:
    referral = clinic.sent(urgency="urgent")
    actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="Full", now=NOW)
    referral.refresh_from_db()
    assert referral.loop is not None
    assert referral.loop.due_at == NOW + timedelta(hours=4)


def test_a_decline_without_a_reason_is_refused_and_changes_nothing(clinic: Clinic) -> None:
    referral = clinic.sent()
    with pytest.raises(actions.ReferralReasonNeeded) as refused:
        actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="  ", now=NOW)
    assert set(refused.value.fields) == {"reason"}
    assert Referral.objects.get().state == "sent"


def test_a_declined_referral_goes_to_somebody_else_and_its_clocks_start_again(
    clinic: Clinic, facts: list[Fact]
) -> None:
    referral = clinic.sent()
    actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="Full", now=NOW)
    with pytest.raises(actions.SameTarget):
        actions.reroute_referral(clinic.rosa, referral_id=referral.pk, target=referral.target, via="fax", now=NOW)

    actions.reroute_referral(
        clinic.rosa, referral_id=referral.pk, target=Target(practitioner_id=clinic.adler.pk), via="phone", now=NOW
    )

    referral.refresh_from_db()
    assert (referral.state, referral.target_name, referral.times_sent) == ("sent", "Dr Adler", 2)
    assert referral.loop is not None
    assert referral.loop.next_step == "Confirm that Dr Adler has Walter Ng's referral"
    assert referral.loop.title == "Referral to cardiology: Dr Adler", "named after whoever has it now"
    assert referral.loop.due_at == ends(6)
    asked = list(ReferralStep.objects.filter(referral=referral).values_list("state", "target_name"))
    assert asked == [
        ("draft", "Heart Center"), ("sent", "Heart Center"), ("declined", "Heart Center"), ("sent", "Dr Adler"),
    ]  # fmt: skip
    assert facts[-1] == events.ReferralSent(
        at=NOW, referral_id=referral.pk, patient_id=clinic.walter.pk, loop_id=referral.loop.pk, rerouted=True
    )


def test_or_it_is_cancelled_with_a_reason_and_its_promise_given_up(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="Full", now=NOW)
    actions.cancel_referral(clinic.rosa, referral_id=referral.pk, reason="Walter sees no one else", now=NOW)
    referral.refresh_from_db()
    assert referral.state == "cancelled"
    assert referral.loop is not None
    assert referral.loop.given_up_reason == "Referral cancelled: Walter sees no one else"


def test_who_was_seen_can_not_be_declined_any_more(clinic: Clinic) -> None:
    referral = clinic.sent()
    actions.mark_seen(clinic.rosa, referral_id=referral.pk, seen_at=NOW, now=NOW)
    with pytest.raises(actions.NotNow, match='is "seen, note pending" and can\'t become "declined"'):
        actions.decline_referral(clinic.rosa, referral_id=referral.pk, reason="Full", now=NOW)
