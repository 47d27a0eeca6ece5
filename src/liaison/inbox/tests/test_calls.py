"""Logging calls, and what follows from them."""

from dataclasses import fields
from datetime import timedelta

import pytest

from liaison.core.actor import Actor, system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import NotFound
from liaison.inbox import actions, queries
from liaison.inbox.models import Call, Preference
from liaison.inbox.models.calls import StruckWhy
from liaison.inbox.ports import CallDetails, HowItWent, MessageToSend, TeachBackItem, Understood
from liaison.inbox.tests.cast import NOW, Cast
from liaison.loops.actions import find_owners, give_up_loop, open_loop
from liaison.loops.models import Evidence, Loop, WaitingPromise
from liaison.loops.ports import ClockToStart, LoopKind, Owner, Promise, register_kind
from liaison.patients.models import PatientSite


def call_back(cast: Cast, *, kind: str = "call_back") -> Loop:
    """A loop that promises Walter a call."""
    return open_loop(
        cast.rosa,
        patient=cast.walter,
        promise=Promise(
            kind=kind,
            title="Call Walter back",
            clocks=[
                ClockToStart(
                    rule_id="call-back",
                    rule_version="1",
                    step="Call Walter",
                    anchor_event="test:1",
                    anchor_at=NOW,
                    due_at=NOW + timedelta(hours=4),
                )
            ],
        ),
        owner=Owner(user_id=cast.rosa_user.pk),
        now=NOW,
    )


def log(cast: Cast, *, key: str = "call:1", **more: object) -> Call:
    """Rosa logs a call with Walter, about what is promised if anything is."""
    values: dict[str, object] = {
        "patient": cast.walter, "outcome": "no_answer", "idempotency_key": key, "now": NOW,
        "details": CallDetails(settled=True),
    }  # fmt: skip
    values |= more
    went = {one.name: values.pop(one.name) for one in fields(HowItWent) if one.name in values}
    return actions.log_call(cast.rosa, went=HowItWent(**went), **values)  # type: ignore[arg-type]  # keywords of several types


def test_a_call_is_written_down_audited_and_told(cast: Cast) -> None:
    details = CallDetails(
        started_at=NOW - timedelta(minutes=9), minutes=7, number="617-555-0177", script_done=("symptoms", "red_flags")
    )
    call = log(cast, outcome="reached", said=" Feels better. ", clinical=True, details=details)
    assert (call.said, call.clinical, call.minutes, call.by_name) == ("Feels better.", True, 7, "Rosa")
    assert call.script_done == ["symptoms", "red_flags"]
    entry = AuditEntry.objects.get(verb="inbox.log_call")
    assert (entry.subject_id, entry.patient_ids) == (call.pk, [cast.walter.pk])
    assert "better" not in str(entry.details)


def test_the_fact_says_whether_contact_was_made(cast: Cast) -> None:
    from liaison.core.facts import reacts_to
    from liaison.inbox.events import CallLogged

    told: list[CallLogged] = []

    @reacts_to(CallLogged)
    def listen(fact: CallLogged, *, actor: Actor) -> None:
        told.append(fact)

    june = CallDetails(with_name="June Ng", proxy_id=cast.proxy(cast.walter).pk)
    call = log(cast, outcome="reached", said="Well.", clinical=True, with_whom="proxy", details=june)
    log(cast, key="2")
    neighbour = CallDetails(with_name="Mrs Hill, next door")
    log(cast, key="3", outcome="reached", said="Wrong day.", with_whom="other", clinical=True, details=neighbour)
    assert [(fact.with_whom, fact.clinical) for fact in told] == [("proxy", True), ("patient", False), ("other", True)]
    assert (told[0].call_id, told[0].patient_id, told[0].logged_at) == (call.pk, cast.walter.pk, NOW)


def test_the_same_form_sent_twice_is_one_call(cast: Cast) -> None:
    first, second = log(cast), log(cast)
    assert first.pk == second.pk
    assert Call.objects.count() == 1
    with pytest.raises(actions.KeyReused):
        log(cast, patient=cast.patient())


def test_what_was_typed_over_a_logged_call_is_not_dropped(cast: Cast) -> None:
    talk = {"outcome": "reached", "said": "We spoke.", "details": CallDetails(started_at=NOW, minutes=3)}
    warfarin = TeachBackItem(topic="Warfarin", patient_words="When I like", understood=Understood.NO)
    call = log(cast, **talk)
    assert log(cast, **talk).pk == call.pk
    others = (
        {"clinical": True}, {"teach_backs": [warfarin]}, {"details": CallDetails(started_at=NOW, minutes=9)},
        {"details": CallDetails(started_at=NOW - timedelta(hours=1), minutes=3)}, {"loop": call_back(cast)},
    )  # fmt: skip
    for other in others:
        with pytest.raises(actions.KeyReused):
            log(cast, **talk | other)
    assert (Call.objects.count(), call.teach_backs.count()) == (1, 0)


def test_an_unanswered_call_counts_as_an_attempt_and_sets_the_next_step(cast: Cast) -> None:
    loop = call_back(cast)
    call = log(cast, loop=loop, outcome="left_message", next_attempt_at=NOW + timedelta(hours=3))
    evidence = Evidence.objects.get()
    assert (evidence.kind, evidence.about_type, evidence.about_id) == ("attempt", "inbox.call", call.pk)
    assert evidence.note == "Left a message."
    loop.refresh_from_db()
    assert (loop.state, loop.next_step) == ("open", "Call Walter again")
    assert loop.due_at == NOW + timedelta(hours=3)


def test_talking_to_walter_is_the_evidence_of_a_call_back(cast: Cast) -> None:
    loop = call_back(cast)
    log(cast, loop=loop, outcome="reached", said="All is well.")
    assert Evidence.objects.get().kind == "spoke_with_patient"


def test_a_talk_about_something_else_keeps_the_promise_open_with_the_next_try(cast: Cast) -> None:
    loop = call_back(cast)
    friday = NOW + timedelta(days=3)
    with pytest.raises(actions.SayWhetherSettled) as refused:
        log(cast, loop=loop, outcome="reached", said="Asked about a bill only.", details=CallDetails())
    assert refused.value.field == "settled"
    assert not Call.objects.exists()
    details = CallDetails(settled=False)
    call = log(cast, loop=loop, outcome="reached", said="Asked about a bill.", details=details, next_attempt_at=friday)
    loop = Loop.objects.get(pk=loop.pk)
    assert (call.settled, loop.state, loop.evidence_kinds) == (False, "open", ["attempt"])
    assert loop.clocks.get(anchor_event=f"call:{call.pk}").due_at == friday
    again = log(cast, loop=loop, outcome="reached", said="Asked about a bill.", details=details)
    assert again.pk == call.pk
    with pytest.raises(actions.KeyReused):
        log(cast, loop=loop, outcome="reached", said="Asked about a bill.")
    assert log(cast, key="2", loop=loop, outcome="reached", said="Told him now.").settled
    assert Loop.objects.get(pk=loop.pk).state == "closed"


def test_a_kind_that_knows_no_attempts_takes_no_evidence_from_a_talk_about_something_else(cast: Cast) -> None:
    kind = LoopKind(code="test_told", label="To tell", required_evidence=("told_patient",))
    register_kind(kind)
    loop = call_back(cast, kind="test_told")
    log(cast, loop=loop, outcome="reached", said="About a bill.", details=CallDetails(settled=False))
    assert Loop.objects.get(pk=loop.pk).evidence_kinds == []


def test_whom_else_we_reached_settles_nothing_and_nobody_is_asked(cast: Cast) -> None:
    loop = call_back(cast)
    details = CallDetails(with_name="Mrs Hill")
    call = log(cast, loop=loop, outcome="reached", said="Not home.", with_whom="other", details=details)
    assert (call.settled, Loop.objects.get(pk=loop.pk).evidence_kinds) == (None, ["attempt"])


def test_talking_to_walter_closes_the_loop_of_a_message_that_failed(cast: Cast) -> None:
    loop = call_back(cast, kind="failed-message")
    log(cast, loop=loop, outcome="busy")
    log(cast, key="2", loop=loop, outcome="reached", said="Told him by phone.")
    loop.refresh_from_db()
    assert loop.state == "closed"
    assert [row.kind for row in Evidence.objects.order_by("pk")] == ["attempt", "reached_another_way"]


def test_talking_to_a_neighbour_is_only_an_attempt(cast: Cast) -> None:
    loop = call_back(cast)
    log(
        cast,
        loop=loop,
        outcome="reached",
        said="Not home.",
        with_whom="other",
        details=CallDetails(with_name="A neighbour"),
    )
    assert Evidence.objects.get().kind == "attempt"


def test_a_kind_of_loop_that_knows_no_attempts_gets_none(cast: Cast) -> None:
    loop = call_back(cast, kind="task")
    log(cast, loop=loop)
    log(cast, key="2", loop=loop, outcome="reached", said="Hello.")
    assert not Evidence.objects.exists()


def test_a_call_for_an_ended_loop_is_kept_and_changes_nothing_else(cast: Cast) -> None:
    loop = call_back(cast)
    give_up_loop(cast.rosa, loop_id=loop.pk, reason="Moved away", now=NOW)
    assert log(cast, loop=loop).loop_id == loop.pk
    assert not Evidence.objects.exists()


def test_a_wrong_number_is_marked_as_such(cast: Cast) -> None:
    log(cast, outcome="wrong_number", details=CallDetails(point_id=cast.phone.pk))
    cast.phone.refresh_from_db()
    assert (cast.phone.bad_since, cast.phone.bad_reason) == (NOW, "Wrong number")
    log(cast, key="2", outcome="wrong_number", details=CallDetails(point_id=cast.phone.pk), now=NOW + timedelta(days=1))
    cast.phone.refresh_from_db()
    assert cast.phone.bad_since == NOW
    log(cast, key="3", outcome="wrong_number")


def test_what_walter_twice_did_not_understand_goes_to_a_nurse_once(cast: Cast) -> None:
    def taught(key: str, understood: Understood, topic: str = "Weighing every morning") -> None:
        item = TeachBackItem(topic=topic, patient_words="…", understood=understood)
        log(cast, key=key, outcome="reached", said="Talked.", teach_backs=[item])

    taught("1", Understood.PARTLY)
    assert not Loop.objects.exists()
    taught("2", Understood.YES)
    assert not Loop.objects.exists()
    taught("3", Understood.NO, "weighing every morning")
    loop = Loop.objects.get()
    assert (loop.kind, loop.owner_team_id) == ("teach-back", cast.team.pk)
    assert loop.title == "Explain to Walter again: weighing every morning"
    taught("4", Understood.NO)
    assert Loop.objects.count() == 1


def test_a_nurse_explains_to_a_patient_without_a_site_once_they_have_one(cast: Cast) -> None:
    with writes_open():
        cast.walter.sites.all().delete()
    items = [TeachBackItem(topic="Salt", patient_words="", understood=Understood.NO)] * 2
    liaison = system_actor("import")
    went = HowItWent(outcome="reached", said="x", teach_backs=items)
    calls = [
        actions.log_call(liaison, patient=cast.walter, went=went, idempotency_key=key, now=NOW) for key in ("1", "2")
    ]
    assert not Loop.objects.exists()
    assert WaitingPromise.objects.waiting().get().title == "Explain to Walter again: Salt"
    actions.strike_call(liaison, call_id=calls[0].pk, why=StruckWhy.TWICE, now=NOW)
    assert WaitingPromise.objects.waiting().exists(), "the other call still says so"
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.site)
    find_owners(liaison, now=NOW)
    assert Loop.objects.get().owner_team_id == cast.team.pk


def test_a_nurse_who_is_not_found_yet_explains_nothing_that_was_never_said(cast: Cast) -> None:
    with writes_open():
        cast.walter.sites.all().delete()
    items = [TeachBackItem(topic="Salt", patient_words="", understood=Understood.NO)] * 2
    liaison = system_actor("import")
    call = actions.log_call(
        liaison,
        patient=cast.walter,
        went=HowItWent(outcome="reached", said="x", teach_backs=items),
        idempotency_key="1",
        now=NOW,
    )
    actions.strike_call(liaison, call_id=call.pk, why=StruckWhy.TWICE, now=NOW)
    assert WaitingPromise.objects.get().ended_why.endswith("was entered by mistake: taken back.")
    assert not Loop.objects.exists()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"outcome": "reached", "said": "  "}, "said"),
        ({"details": CallDetails(started_at=NOW + timedelta(minutes=2))}, "started_at"),
        ({"next_attempt_at": NOW}, "next_attempt_at"),
        ({"outcome": "reached", "said": "Not home.", "with_whom": "other"}, "with_name"),
        ({"outcome": "reached", "said": "Well.", "with_whom": "proxy", "clinical": True}, "clinical"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(cast: Cast, more: dict[str, object], field: str) -> None:
    from liaison.core.refusals import Refusal

    with pytest.raises(Refusal) as refused:
        log(cast, **more)
    assert list(refused.value.fields) == [field]
    assert not Call.objects.exists()


def test_pat_elsewhere_and_a_loop_of_another_patient_are_refused(cast: Cast) -> None:
    with pytest.raises(NotFound):
        actions.log_call(cast.pat, patient=cast.walter, went=HowItWent(outcome="busy"), idempotency_key="x", now=NOW)
    with pytest.raises(NotFound):
        log(cast, patient=cast.patient(), loop=call_back(cast))


def test_stop_all_stops_every_category_of_a_channel_at_once(cast: Cast) -> None:
    noted = actions.note_opt_out(cast.rosa, patient=cast.walter, channel="email", evidence="said so", now=NOW)
    assert {row.category for row in noted} == {"appointment", "clinical", "billing", "survey", "marketing"}
    entry = AuditEntry.objects.get(verb="inbox.note_preference")
    assert entry.details["standing"] == "stopped"
    message = actions.queue_message(
        cast.rosa,
        patient=cast.walter,
        message=MessageToSend(template="please-call", context={}),
        idempotency_key="x",
        now=NOW,
    )
    assert message.suppressed_reason == "opted_out"
    actions.note_opt_in(cast.rosa, patient=cast.walter, channel="email", category="clinical", now=NOW)
    assert Preference.objects.count() == 6
    again = actions.send_again(cast.rosa, message_id=message.pk, idempotency_key="y", now=NOW)
    assert again.state == "queued"


def test_a_second_attempt_within_the_hour_says_that_it_counts_as_the_first(cast: Cast) -> None:
    loop = call_back(cast)
    first = log(cast, loop=loop)
    again = log(cast, key="2", loop=loop, outcome="busy", now=NOW + timedelta(minutes=40))
    third = log(cast, key="3", loop=loop, now=NOW + timedelta(minutes=61))
    reached = log(cast, key="4", loop=loop, outcome="reached", said="Well.", now=NOW + timedelta(minutes=70))
    assert [queries.counted_with(call) for call in (first, again, third, reached)] == [None, NOW, None, None]
    notes = list(Evidence.objects.filter(kind="attempt").order_by("pk").values_list("note", flat=True))
    at = f"{NOW.astimezone(loop.site.zone):%H:%M}"
    assert notes == ["No answer.", f"Busy. Counts as the same attempt as {at}: try again later.", "No answer."]


def test_a_talk_with_a_proxy_who_may_not_hear_it_is_no_contact(cast: Cast) -> None:
    june = cast.proxy(cast.walter, scope=["schedule"])
    details = CallDetails(with_name="June Ng", proxy_id=june.pk)
    talk: dict[str, object] = {"outcome": "reached", "said": "Tuesdays.", "with_whom": "proxy", "details": details}
    with pytest.raises(actions.NotForThem, match="may not hear"):
        log(cast, clinical=True, **talk)
    assert not log(cast, **talk).clinical
    with pytest.raises(actions.NotForThem):
        log(cast, key="2", clinical=True, **(talk | {"details": CallDetails(proxy_id=june.pk + 1)}))


def test_nobody_else_needs_a_name_where_nobody_was_reached(cast: Cast) -> None:
    assert log(cast, with_whom="other").with_name == ""
