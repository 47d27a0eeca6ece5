"""What the front desk may say of a call, and what it is not told of clinical loops."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.test import Client

from liaison.accounts.models import User
from liaison.core.actor import Actor
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden
from liaison.inbox import actions, queries
from liaison.inbox.models import Call
from liaison.inbox.tests.cast import NOW, Cast
from liaison.loops.actions import open_loop
from liaison.loops.models import Loop
from liaison.loops.ports import ClockToStart, Owner


def browser(actor: Actor) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=actor.user_id), backend=configured.AUTHENTICATION_BACKENDS[-1])
    return client


def to_explain(cast: Cast) -> Loop:
    """A loop whose very title names what Walter takes."""
    now = current_time()
    return open_loop(
        cast.rosa, kind="teach-back", patient=cast.walter, title="Explain to Walter again: warfarin",
        owner=Owner(user_id=cast.rosa_user.pk),
        clocks=[ClockToStart(rule_id="teach-back", rule_version="1", step="Nurse: explain warfarin",
                             evidence="understood", anchor_event="test:1", anchor_at=now,
                             due_at=now + timedelta(hours=4))],
        now=now,
    )  # fmt: skip


def test_that_they_talked_about_how_the_patient_is_only_care_says_and_the_refusal_is_audited(cast: Cast) -> None:
    values = {"patient": cast.walter, "outcome": "reached", "said": "Well.", "idempotency_key": "1", "now": NOW}
    with pytest.raises(actions.TalkIsForCare, match="without that tick") as refused:
        actions.log_call(cast.fred, clinical=True, **values)  # type: ignore[arg-type]
    assert isinstance(refused.value, Forbidden)
    assert not Call.objects.exists()
    entry = AuditEntry.objects.get(verb="inbox.log_call")
    assert (entry.outcome, entry.refusal_code) == ("refused", "inbox.talk_is_for_care")
    assert not actions.log_call(cast.fred, **values).clinical  # type: ignore[arg-type]


def test_the_tick_is_offered_to_care_alone_and_a_forged_one_counts_for_nothing(cast: Cast) -> None:
    address = f"/calls/new/?patient={cast.walter.pk}"
    assert 'name="clinical"' in browser(cast.rosa).get(address).content.decode()
    fred = browser(cast.fred)
    assert 'name="clinical"' not in fred.get(address).content.decode()
    form = {
        "outcome": "reached", "whom": "patient", "direction": "out", "said": "Well.", "clinical": "on",
        "started_at": current_time().strftime("%Y-%m-%dT00:00"), "idempotency_key": "k",
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
    assert queries.get_note(cast.rosa, note_id=note.pk).loop_title == "Explain to Walter again: warfarin"
    assert queries.get_note(cast.fred, note_id=note.pk).loop_title == "Teach-back"
