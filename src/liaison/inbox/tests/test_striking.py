"""Calls that were entered by mistake (struck through, what they counted for is taken back), or entered late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from liaison.accounts.access import Role
from liaison.core.actor import Actor
from liaison.core.facts import reacts_to
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import actions, queries
from liaison.inbox.events import CallStruck
from liaison.inbox.models import Call
from liaison.inbox.models.calls import StruckWhy
from liaison.inbox.ports import CallDetails, HowItWent, TeachBackItem, Understood
from liaison.inbox.tests.cast import NOW, Cast, person
from liaison.inbox.tests.test_calls import call_back, log
from liaison.inbox.tests.test_screens import signed_in
from liaison.loops.models import Clock, Evidence, Loop, LoopEvent
from liaison.patients.models import ContactPoint

LATER = NOW + timedelta(hours=2)
DAY = timedelta(days=1)


def strike(cast: Cast, call: Call, why: StruckWhy = StruckWhy.WRONG_PATIENT, **more: object) -> Call:
    """Rosa strikes a call out."""
    values: dict[str, object] = {"call_id": call.pk, "why": why, "now": LATER}
    return actions.strike_call(cast.rosa, **(values | more))  # type: ignore[arg-type]  # keywords of several types


def test_a_struck_call_keeps_its_words_and_says_who_when_and_why(cast: Cast) -> None:
    told: list[CallStruck] = []

    @reacts_to(CallStruck)
    def listen(fact: CallStruck, *, actor: Actor) -> None:
        told.append(fact)

    call = strike(cast, log(cast, outcome="reached", said="Feels well."), words=" Meant for his brother ")
    assert (call.said, call.is_struck, call.struck_at, call.struck_by_name) == ("Feels well.", True, LATER, "Rosa")
    assert call.struck_reason == "Wrong patient: Meant for his brother"
    page = queries.get_call(cast.rosa, call_id=call.pk, now=NOW)
    assert (page.call.said, page.call.struck_by, page.may_strike) == ("Feels well.", "Rosa", False)
    (line,) = queries.timeline(cast.rosa, patient=cast.walter, kinds=["call"], now=NOW)
    assert (line.struck_at, line.detail) == (LATER, "Struck out by Rosa: Wrong patient: Meant for his brother")
    assert line.url == reverse("inbox:call_shown", args=[call.pk])
    entry = AuditEntry.objects.get(verb="inbox.strike_call")
    assert (entry.subject_id, entry.patient_ids, entry.details["why"]) == (call.pk, [cast.walter.pk], "wrong_patient")
    assert "brother" not in str(entry.details)
    assert told == [CallStruck(at=LATER, call_id=call.pk, patient_id=cast.walter.pk, loop_id=None, why="wrong_patient")]


def test_the_promise_that_it_closed_opens_again(cast: Cast) -> None:
    loop = call_back(cast)
    call = log(cast, loop=loop, outcome="reached", said="All is well.")
    assert Loop.objects.get(pk=loop.pk).state == "closed"
    strike(cast, call)
    again = Loop.objects.get(pk=loop.pk)
    assert (again.state, again.evidence_kinds, again.next_step) == ("open", [], "Call Walter")
    line = LoopEvent.objects.filter(loop=loop).order_by("-pk")[0]
    assert line.sentence == "The call of Mon, Mar 2, 10:00 was entered by mistake: taken back. Open again."
    assert (line.reason, line.by_name) == ("Wrong patient", "Rosa")


def test_the_promise_stays_kept_when_another_call_proves_it(cast: Cast) -> None:
    loop = call_back(cast)
    first = log(cast, loop=loop, outcome="reached", said="All is well.")
    log(cast, key="2", loop=loop, outcome="no_answer")
    second = log(cast, key="3", loop=loop, outcome="reached", said="Still well.", now=NOW + timedelta(minutes=30))
    strike(cast, first)
    kept = Loop.objects.get(pk=loop.pk)
    assert (kept.state, kept.evidence_kinds) == ("closed", ["spoke_with_patient"])
    proof = Evidence.objects.get(loop=loop, withdrawn_at=None)
    assert (proof.about_id, proof.note) == (second.pk, "Reached. Still well.")
    line = LoopEvent.objects.filter(loop=loop).order_by("-pk")[0]
    assert line.sentence == (
        "The call of Mon, Mar 2, 10:00 was entered by mistake: taken back. Something else proves it still."
    )
    strike(cast, second, now=LATER + DAY)
    assert Loop.objects.get(pk=loop.pk).state == "open"


def test_an_attempt_and_the_next_try_that_it_set_are_taken_back(cast: Cast) -> None:
    loop = call_back(cast)
    call = log(cast, loop=loop, next_attempt_at=NOW + timedelta(hours=3))
    assert Loop.objects.get(pk=loop.pk).next_step == "Call Walter again"
    strike(cast, call, StruckWhy.TWICE)
    assert Loop.objects.get(pk=loop.pk).next_step == "Call Walter"
    assert Evidence.objects.get().withdrawn_at == LATER
    assert queries.call_sheet(cast.rosa, patient_id=None, loop_id=loop.pk, now=LATER).attempts == 0
    assert queries.counted_with(log(cast, key="2", now=NOW + timedelta(minutes=5))) is None
    assert queries.call_sheet(cast.rosa, patient_id=cast.walter.pk, loop_id=None, now=LATER).attempts == 1


def test_the_same_click_twice_changes_nothing_and_a_late_one_is_told_who_was_first(cast: Cast) -> None:
    call = log(cast)
    strike(cast, call)
    assert strike(cast, call, now=LATER + DAY).struck_at == LATER
    assert AuditEntry.objects.filter(verb="inbox.strike_call", details__repeated=True).count() == 1
    with pytest.raises(actions.CallStruckBefore, match=r"Rosa struck this call out meanwhile: Wrong patient\."):
        strike(cast, call, StruckWhy.TWICE)
    with pytest.raises(actions.CallStruckBefore):
        actions.strike_call(cast.marta, call_id=call.pk, why=StruckWhy.WRONG_PATIENT, now=LATER)


def test_something_else_needs_words(cast: Cast) -> None:
    call = log(cast)
    with pytest.raises(actions.SayWhatWasWrong):
        strike(cast, call, StruckWhy.OTHER, words="  ")
    assert strike(cast, call, StruckWhy.OTHER, words="A test call").struck_reason == "A test call"
    assert strike(cast, call, StruckWhy.OTHER, words=" A test call ").struck_reason == "A test call"
    with pytest.raises(actions.CallStruckBefore, match="A test call"):
        strike(cast, call, StruckWhy.OTHER, words="Something else again")


def test_ones_own_or_a_supervisors_to_strike(cast: Cast) -> None:
    with writes_open():
        _, tom = person("Tom", role=Role.COORDINATOR, site=cast.site)
    call, freds = (
        log(cast),
        actions.log_call(
            cast.fred, patient=cast.walter, went=HowItWent(outcome="busy"), idempotency_key="fred", now=NOW
        ),
    )
    for other in (tom, cast.fred):
        assert not queries.get_call(other, call_id=call.pk, now=NOW).may_strike
        with pytest.raises(actions.NotYourCall):
            actions.strike_call(other, call_id=call.pk, why=StruckWhy.TWICE, now=LATER)
    with pytest.raises(NotFound):
        actions.strike_call(cast.pat, call_id=call.pk, why=StruckWhy.TWICE, now=LATER)
    with pytest.raises(NotFound):
        queries.get_call(cast.rosa, call_id=0, now=NOW)
    with pytest.raises(Forbidden):
        queries.get_call(Actor(name="Nora", user_id=99), call_id=call.pk, now=NOW)
    assert actions.strike_call(cast.fred, call_id=freds.pk, why=StruckWhy.TWICE, now=LATER).struck_by_name == "Fred"
    assert actions.strike_call(cast.marta, call_id=call.pk, why=StruckWhy.TWICE, now=LATER).struck_by_name == "Marta"


def test_a_number_that_it_marked_as_wrong_may_be_called_again(cast: Cast) -> None:
    call = log(cast, outcome="wrong_number", details=CallDetails(point_id=cast.phone.pk))
    assert ContactPoint.objects.get(pk=cast.phone.pk).bad_since == NOW
    earlier = cast.point(cast.walter, kind="phone", value="617-555-0133", bad_since=NOW - DAY, bad_reason="Fax")
    strike(cast, call, StruckWhy.WRONG_PERSON)
    assert ContactPoint.objects.get(pk=cast.phone.pk).bad_since is None
    assert ContactPoint.objects.get(pk=earlier.pk).bad_since == NOW - DAY


def teach(cast: Cast, key: str) -> Call:
    item = TeachBackItem(topic="Water pills", patient_words="At night?", understood=Understood.PARTLY)
    return log(cast, key=key, outcome="reached", said="Explained the pills.", teach_backs=[item])


def test_a_nurse_explains_no_more_what_only_that_call_did_not_show(cast: Cast) -> None:
    first, _, third = (teach(cast, key) for key in ("1", "2", "3"))
    loop = Loop.objects.get(kind="teach-back")
    strike(cast, first, StruckWhy.TWICE)
    assert Loop.objects.get(pk=loop.pk).state == "open"  # two others still say so
    strike(cast, third, StruckWhy.TWICE)
    given_up = Loop.objects.get(pk=loop.pk)
    assert given_up.state == "given_up"
    assert given_up.given_up_reason == "The call of Mon, Mar 2, 10:00 was entered by mistake: taken back."


def test_a_patient_of_no_site_has_utc_in_the_story(cast: Cast) -> None:
    call = log(cast)
    with writes_open():
        cast.walter.sites.all().delete()
    struck = actions.strike_call(actor=cast.marta, call_id=call.pk, why=StruckWhy.TWICE, now=LATER)
    assert struck.is_struck
    assert queries.get_call(cast.marta, call_id=call.pk, now=NOW).zone == ""


def test_the_database_keeps_the_words_of_a_call(cast: Cast) -> None:
    rows = Call.objects.filter(pk=log(cast).pk)
    with pytest.raises(DatabaseError, match="struck out, never changed"), writes_open(), transaction.atomic():
        rows.update(said="Something else")
    with pytest.raises(DatabaseError, match="struck out, never changed"), writes_open(), transaction.atomic():
        rows.delete()
    with pytest.raises(IntegrityError, match="call_struck_with_a_reason"), writes_open(), transaction.atomic():
        rows.update(struck_at=LATER, struck_by_name="Rosa", struck_why="other")
    strike(cast, rows.get())
    with pytest.raises(DatabaseError, match="struck out, never changed"), writes_open(), transaction.atomic():
        rows.update(struck_at=None, struck_by=None, struck_by_name="", struck_why="", struck_words="")


# --- the page -------------------------------------------------------------------------------------------------


@pytest.fixture
def rosa(cast: Cast) -> Client:
    """Rosa's browser."""
    return signed_in(cast.rosa_user)


def test_the_page_of_a_call_strikes_it_out(cast: Cast, rosa: Client) -> None:
    loop = call_back(cast)
    details = CallDetails(number="617-555-0177", minutes=3, settled=True)
    call = log(cast, loop=loop, outcome="reached", said="All is well.", details=details)
    page = rosa.get(reverse("inbox:call_shown", args=[call.pk])).content.decode()
    assert "All is well." in page
    assert "Call Walter back" in page
    assert "Entered by mistake" in page
    where = reverse("inbox:call_strike", args=[call.pk])
    assert rosa.post(where, {}).status_code == 422
    refused = rosa.post(where, {"why": "other"})
    assert refused.status_code == 422
    assert actions.SayWhatWasWrong.sentence in refused.content.decode()
    done = rosa.post(where, {"why": "wrong_patient", "words": "Meant for June"}, HTTP_HX_REQUEST="true")
    assert done.headers["HX-Redirect"] == reverse("inbox:call_shown", args=[call.pk])
    struck = rosa.get(reverse("inbox:call_shown", args=[call.pk])).content.decode()
    assert "Struck out by Rosa" in struck
    assert "<s>All is well.</s>" in struck
    assert "inbox:call_strike" not in struck
    late = rosa.post(where, {"why": "twice"})
    assert late.status_code == 409
    assert "Rosa struck this call out meanwhile" in late.content.decode()
    assert "<s>Reached</s>" in rosa.get(reverse("inbox:call"), {"patient": cast.walter.pk}).content.decode()


def test_a_call_without_a_loop_is_struck_out_as_well(cast: Cast, rosa: Client) -> None:
    call = log(cast)
    done = rosa.post(reverse("inbox:call_strike", args=[call.pk]), {"why": "twice"}, follow=True)
    assert "Logged twice" in done.content.decode()
    assert Clock.objects.count() == 0


def test_the_front_desk_sees_that_there_was_a_clinical_call_and_not_what_was_said(cast: Cast) -> None:
    call = log(cast, outcome="reached", said="Short of breath.", clinical=True)
    page = queries.get_call(cast.fred, call_id=call.pk, now=NOW)
    assert (page.call.said, page.clinical) == ("", True)


@pytest.mark.parametrize(
    ("ago", "entered"),
    [
        (timedelta(days=9), f"entered {NOW:%b} {NOW.day}"),
        (timedelta(hours=1), ""),
        (timedelta(minutes=1), ""),
    ],
)
def test_a_call_entered_on_a_later_day_says_so_where_it_is_read(cast: Cast, ago: timedelta, entered: str) -> None:
    log(cast, details=CallDetails(started_at=NOW - ago))
    (line,) = queries.timeline(cast.rosa, patient=cast.walter, kinds=["call"], now=NOW)
    assert line.detail == (f"(Rosa, {entered})" if entered else "(Rosa)")
    page = signed_in(cast.rosa_user).get(f"{reverse('inbox:call')}?patient={cast.walter.pk}").content.decode()
    assert ("entered " in page.partition("Tried before")[2].partition("</section>")[0]) is bool(entered)
    assert entered in page
