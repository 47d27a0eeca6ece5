"""What the front desk may say of a call, and what it is not told of clinical loops."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden
from liaison.inbox import actions, queries
from liaison.inbox.models import Call
from liaison.inbox.ports import CallDetails, HowItWent, TeachBackItem, Understood
from liaison.inbox.tests.cast import NOW, Cast, person
from liaison.loops.actions import open_loop
from liaison.loops.models import Evidence, Loop
from liaison.loops.ports import ClockToStart, Owner, Promise


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.user_id), backend=configured.AUTHENTICATION_BACKENDS[-1])
    return client


def a_call_back(cast: Cast) -> Loop:
    """A promise to call Walter; what kept it everybody reads."""
    now = current_time()
    return open_loop(
        cast.rosa,
        patient=cast.walter,
        promise=Promise(
            kind="call_back",
            title="Call Walter back",
            clocks=[
                ClockToStart(
                    rule_id="call-back",
                    rule_version="1",
                    step="Call Walter",
                    anchor_event="test:2",
                    anchor_at=now,
                    due_at=now + timedelta(hours=4),
                )
            ],
        ),
        owner=Owner(user_id=cast.rosa_user.pk),
        now=now,
    )


def to_explain(cast: Cast) -> Loop:
    """A loop whose very title names what Walter takes."""
    now = current_time()
    return open_loop(
        cast.rosa,
        patient=cast.walter,
        promise=Promise(
            kind="teach-back",
            title="Explain to Walter again: warfarin",
            clocks=[
                ClockToStart(
                    rule_id="teach-back",
                    rule_version="1",
                    step="Nurse: explain warfarin",
                    evidence="understood",
                    anchor_event="test:1",
                    anchor_at=now,
                    due_at=now + timedelta(hours=4),
                )
            ],
        ),
        owner=Owner(user_id=cast.rosa_user.pk),
        now=now,
    )


def test_that_they_talked_about_how_the_patient_is_only_care_says_and_the_refusal_is_audited(cast: Cast) -> None:
    went = HowItWent(outcome="reached", said="Well.")
    clinical = replace(went, clinical=True)
    with pytest.raises(actions.TalkIsForCare, match="without that tick") as refused:
        actions.log_call(cast.fred, patient=cast.walter, went=clinical, idempotency_key="1", now=NOW)
    assert isinstance(refused.value, Forbidden)
    assert not Call.objects.exists()
    entry = AuditEntry.objects.get(verb="inbox.log_call")
    assert (entry.outcome, entry.refusal_code) == ("refused", "inbox.talk_is_for_care")
    assert not actions.log_call(cast.fred, patient=cast.walter, went=went, idempotency_key="1", now=NOW).clinical


def test_the_tick_is_offered_to_care_alone_and_a_forged_one_counts_for_nothing(cast: Cast) -> None:
    address = f"/calls/new/?patient={cast.walter.pk}"
    assert 'name="clinical"' in browser(cast.rosa).get(address).content.decode()
    fred = browser(cast.fred)
    assert 'name="clinical"' not in fred.get(address).content.decode()
    form = {
        "outcome": "reached", "whom": "patient", "direction": "out", "said": "Well.", "clinical": "on",
        "started_at": cast.walter.day_at(current_time()).strftime("%Y-%m-%dT00:00"), "idempotency_key": "k",
        "teach-TOTAL_FORMS": "0", "teach-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert fred.post(address, form).status_code == 302
    assert not Call.objects.get().clinical


@pytest.mark.parametrize("page", ["calls", "messages", "notes"])
def test_a_clinical_topic_is_named_to_care_and_not_to_the_front_desk(cast: Cast, page: str) -> None:
    loop = to_explain(cast)
    address = f"/{page}/new/?patient={cast.walter.pk}&loop={loop.pk}"
    assert "warfarin" in browser(cast.rosa).get(address).content.decode()
    told = browser(cast.fred).get(address).content.decode()
    assert "warfarin" not in told
    assert "Teach-back" in told


def test_a_note_says_to_which_kind_of_loop_it_belongs(cast: Cast) -> None:
    note = actions.write_note(
        cast.fred, patient=cast.walter, text="June drives him.", loop=to_explain(cast), happened_at=NOW,
        idempotency_key="n", now=NOW,
    )  # fmt: skip
    assert queries.get_note(cast.rosa, note_id=note.pk, now=NOW).loop_title == "Explain to Walter again: warfarin"
    assert queries.get_note(cast.fred, note_id=note.pk, now=NOW).loop_title == "Teach-back"


def a_clinical_call(cast: Cast, *, loop: Loop | None = None) -> Call:
    """Rosa talks with Walter about how he is."""
    item = TeachBackItem(topic="Hydromorphone", patient_words="Two at night", understood=Understood.YES)
    return actions.log_call(
        cast.rosa,
        patient=cast.walter,
        loop=loop,
        went=HowItWent(
            outcome="reached",
            said="He wants to end it all.",
            clinical=True,
            teach_backs=[item],
            details=CallDetails(settled=True),
        ),
        idempotency_key="clinical",
        now=NOW,
    )


def test_the_words_of_a_clinical_call_are_read_by_care_and_not_at_the_front_desk(cast: Cast) -> None:
    call_back = a_call_back(cast)
    call = a_clinical_call(cast, loop=call_back)
    with writes_open():
        _, bill = person("Bill", role=Role.BILLING, site=cast.site)
        _, carla = person("Carla", role=Role.RECORDS_CLERK, site=cast.site)
    for actor, reads in ((cast.rosa, True), (cast.marta, True), (carla, True), (cast.fred, False), (bill, False)):
        told = queries.timeline(actor, patient=cast.walter, kinds=("call",), now=NOW)
        assert ("end it all" in told[0].detail, told[0].detail.endswith("(Rosa)")) == (reads, True)
        shown = queries.get_call(actor, call_id=call.pk, now=NOW).call
        assert ("end it all" in shown.said, shown.outcome) == (reads, "reached")
    for actor in (cast.fred, bill):
        for address in (f"/patients/{cast.walter.pk}/", f"/calls/new/?patient={cast.walter.pk}"):
            page = browser(actor).get(address).content.decode()
            assert "end it all" not in page
            assert "Hydromorphone" not in page
    assert "end it all" in browser(cast.rosa).get(f"/calls/new/?patient={cast.walter.pk}").content.decode()


def test_evidence_that_everybody_reads_does_not_say_what_a_clinical_call_says(cast: Cast) -> None:
    call_back = a_call_back(cast)
    a_clinical_call(cast, loop=call_back)
    assert Evidence.objects.get(loop=call_back).note == "Reached. What was said stands with the call."


def test_who_wrote_a_clinical_call_reads_it_when_their_role_changed(cast: Cast) -> None:
    a_clinical_call(cast)
    now_at_the_desk = replace(cast.rosa, assignments=cast.fred.assignments)
    (entry,) = queries.timeline(now_at_the_desk, patient=cast.walter, kinds=("call",), now=NOW)
    assert "end it all" in entry.detail


def test_a_call_about_times_is_read_by_everybody(cast: Cast) -> None:
    actions.log_call(
        cast.rosa,
        patient=cast.walter,
        went=HowItWent(outcome="reached", said="Tuesdays."),
        idempotency_key="k",
        now=NOW,
    )
    (entry,) = queries.timeline(cast.fred, patient=cast.walter, kinds=("call",), now=NOW)
    assert "Tuesdays." in entry.detail
