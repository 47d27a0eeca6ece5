"""What a visit is for: the one promise that waits for such a visit stands there by itself, else one says it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.test import Client

from liaison.accounts.models import Site
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Organization, Specialty
from liaison.loops.actions import add_evidence, open_loop
from liaison.loops.models import Loop
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.orders.actions import refer_patient
from liaison.orders.models import Referral
from liaison.orders.ports import ReferralOrder, Target
from liaison.scheduling import actions, queries
from liaison.scheduling.forms import NOTHING, read_promise, written_promise
from liaison.scheduling.models import Appointment, VisitType
from liaison.scheduling.rules import AwaitedVisit, VisitMeant, fits, needs_specialist
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.test_screens import HTMX, OFFERS, browser, clock, page, sent

CHOSEN = re.compile(r'<option value="([^"]*)" selected>([^<]*)</option>')
AFTER = local("2026-03-03 11:00")


@pytest.fixture(autouse=True)
def _monday(settings: object) -> None:
    clock(settings, NOW)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


def follow_up(clinic: Clinic, title: str = "After the stay") -> Loop:
    """A promise that waits for a visit face to face, as after a hospital stay."""
    due = ClockToStart(
        rule_id="x", rule_version="1", step=title, anchor_event="e", anchor_at=NOW, due_at=AFTER, evidence="visit"
    )
    return open_loop(
        clinic.rosa.as_liaison(),
        patient=clinic.walter,
        promise=Promise(kind="post-discharge", title=title, clocks=[due]),
        owner=Owner(user_id=clinic.rosa.user_id),
        now=NOW,
    )


def kind(code: str, *, modality: str = "in_person", abilities: Sequence[str] = ("physician",)) -> VisitType:
    from liaison.core.actor import system_actor

    return actions.define_visit_type(
        actor=system_actor("tests"),
        draft=actions.VisitTypeDraft(
            code=code, name=code.title(), duration_minutes=15, modality=modality,
            needs=tuple(actions.NeedDraft(role=ability, ability=ability) for ability in abilities),
        ),
        now=NOW,
    )  # fmt: skip


def said(shown: str) -> tuple[str, str]:
    """Value and words of what the visit is for."""
    select = shown[shown.index('name="serves"') :]
    return CHOSEN.findall(select[: select.index("</select>")])[0]


def awaited(clinic: Clinic, *, places: Sequence[Site] | None = None) -> list[int]:
    found = queries.awaiting(clinic.rosa, patient=clinic.walter, places=places or [clinic.site], now=NOW)
    return [one.loop_id for one in found]


# --- the rule ------------------------------------------------------------------------------------------------


def meant(**more: object) -> VisitMeant:
    given: dict[str, object] = {"code": "office", "abilities": frozenset(), "is_specialists": False, "site_id": 1}
    return VisitMeant(**(given | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("visit", "promise", "is_it"),
    [
        (meant(), AwaitedVisit(kind="post-discharge"), True),
        (meant(is_specialists=True), AwaitedVisit(kind="post-discharge"), False),
        (meant(code="post-discharge", is_specialists=True), AwaitedVisit(kind="post-discharge"), True),
        (meant(), AwaitedVisit(kind="missed-visit", visit_code="office"), True),
        (meant(), AwaitedVisit(kind="missed-visit", visit_code="lab"), False),
        (meant(person_id=7), AwaitedVisit(kind="referral", specialty="cardiology", people=frozenset({7}),
                                          sites=frozenset({1})), True),
        (meant(abilities=frozenset({"cardiology"})), AwaitedVisit(kind="referral", specialty="cardiology",
                                                                 sites=frozenset({1})), True),
        (meant(), AwaitedVisit(kind="referral", specialty="cardiology", sites=frozenset({1})), False),
        (meant(person_id=7), AwaitedVisit(kind="referral", specialty="cardiology", people=frozenset({7}),
                                          sites=frozenset({2})), False),
    ],
)  # fmt: skip
def test_a_visit_is_what_a_promise_waits_for_by_kind_place_and_person(
    visit: VisitMeant, promise: AwaitedVisit, is_it: bool
) -> None:
    assert fits(visit, promise) is is_it


def test_a_visit_that_needs_a_specialty_is_a_specialists() -> None:
    assert needs_specialist({"cardiology", "room"}, specialties={"cardiology"})
    assert not needs_specialist({"physician"}, specialties={"cardiology"})


def test_what_a_visit_is_for_goes_through_the_form_and_back() -> None:
    for both in ((3, None), (None, 4), (3, 4)):
        assert read_promise(written_promise(*both)) == both
    assert (written_promise(None, None), read_promise(NOTHING), read_promise("")) == (NOTHING, None, None)


# --- what waits ----------------------------------------------------------------------------------------------


def test_a_follow_up_waits_until_its_visit_is_booked_or_took_place(clinic: Clinic) -> None:
    loop = follow_up(clinic)
    assert awaited(clinic) == [loop.pk]
    visit = clinic.book("2026-03-03 10:00", loop_id=loop.pk)
    assert awaited(clinic) == []
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(modality="phone")
    assert awaited(clinic) == [loop.pk]
    add_evidence(clinic.rosa, loop_id=loop.pk, kind="visit", now=NOW)
    assert awaited(clinic) == []


def test_a_missed_visit_waits_for_another_of_its_kind(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00")
    actions.record_missed(actor=clinic.rosa, appointment=visit, now=AFTER)
    waiting = queries.awaiting(clinic.rosa, patient=clinic.walter, places=[clinic.site], now=AFTER)
    assert [one.awaited for one in waiting] == [AwaitedVisit(kind="missed-visit", visit_code="follow_up")]


def test_a_referral_waits_where_its_specialist_works_until_it_has_a_visit(clinic: Clinic, referral: Referral) -> None:
    assert awaited(clinic) == [referral.loop_id]
    assert awaited(clinic, places=[clinic.other_site]) == []
    clinic.book("2026-03-04 10:00", referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    assert awaited(clinic) == []


def test_a_visit_that_was_booked_besides_leaves_the_referral_waiting_only_while_none_is_its(
    clinic: Clinic, referral: Referral
) -> None:
    clinic.book("2026-03-04 10:00", referral_id=referral.pk, seats=clinic.seats(who=clinic.okafor))
    with writes_open():
        Referral.objects.filter(pk=referral.pk).update(state="accepted")
    assert awaited(clinic) == []


def test_a_referral_to_an_office_outside_is_not_booked_here(clinic: Clinic) -> None:
    with writes_open():
        outside = Organization.objects.create(name="Lakeside Heart", kind="clinic")
    order = ReferralOrder(
        referrer_id=clinic.imani.practitioner_id or 0, specialty="cardiology",
        target=Target(organization_id=outside.pk), urgency="routine", question="Palpitations?",
        coverage_status="not_needed",
    )  # fmt: skip
    owner = Owner(user_id=clinic.rosa.user_id)
    refer_patient(clinic.rosa.as_liaison(), patient=clinic.walter, order=order, owner=owner, via="phone", now=NOW)
    assert awaited(clinic) == []


def test_nothing_counts_against_a_promise_of_nobody_or_of_no_known_kind(clinic: Clinic) -> None:
    def why(loop_id: int | None, visit_type: VisitType | None) -> str:
        return queries.why_it_would_not_count(patient=clinic.walter, loop_id=loop_id, visit_type=visit_type)

    phone, loop = kind("call", modality="phone"), follow_up(clinic)
    assert "by phone does not count" in why(loop.pk, phone)
    assert [why(None, phone), why(loop.pk, None), why(loop.pk, clinic.follow_up)] == ["", "", ""]
    assert queries.promise_called(clinic.rosa, patient=clinic.ruth, loop_id=loop.pk, now=NOW) == ""


# --- the page ------------------------------------------------------------------------------------------------


def test_the_one_promise_that_fits_is_chosen_and_the_visit_is_booked_for_it(rosa: Client, clinic: Clinic) -> None:
    loop = follow_up(clinic)
    shown = page(rosa.get("/book/", {"patient": clinic.walter.pk}))
    assert said(shown) == (str(loop.pk), "After the stay")
    assert "The only promise that waits for such a visit." in shown
    rosa.post("/book/", sent(clinic, OFFERS.findall(shown)[0], serves=loop.pk))
    assert Appointment.objects.get().loop_id == loop.pk


def test_without_any_promise_that_is_said_and_nothing_is_asked(rosa: Client, clinic: Clinic) -> None:
    shown = page(rosa.get("/book/", {"patient": clinic.walter.pk}))
    assert "Nothing that they were promised waits for a visit." in shown
    assert 'name="serves"' not in shown


def test_of_several_that_fit_one_must_be_chosen_and_what_was_typed_stays(rosa: Client, clinic: Clinic) -> None:
    follow_up(clinic)
    second = follow_up(clinic, title="After another stay")
    shown = page(rosa.get("/book/", {"patient": clinic.walter.pk}))
    assert said(shown) == ("", "Choose what it is for")
    assert "2 promises wait for such a visit." in shown
    offer = OFFERS.findall(shown)[0]
    refused = rosa.post("/book/", sent(clinic, offer, serves="", note="bring the list"))
    assert refused.status_code == 422
    assert "Say what this visit is for, or that it is for nothing in particular." in page(refused)
    assert "bring the list" in page(refused)
    missing = rosa.post("/book/", sent(clinic, "", serves=second.pk))
    assert (missing.status_code, said(page(missing))[0]) == (422, str(second.pk))
    rosa.post("/book/", sent(clinic, offer, serves=NOTHING))
    assert Appointment.objects.get().loop_id is None


def test_what_nobody_offered_is_refused(rosa: Client, clinic: Clinic) -> None:
    follow_up(clinic)
    offer = OFFERS.findall(page(rosa.get("/book/", {"patient": clinic.walter.pk})))[0]
    assert rosa.post("/book/", sent(clinic, offer, serves="anything")).status_code == 422
    assert rosa.post("/book/", sent(clinic, offer, serves="987654")).status_code == 404
    assert not Appointment.objects.exists()


def test_what_stands_there_by_itself_follows_the_kind_of_visit_and_what_was_said_stays(
    rosa: Client, clinic: Clinic
) -> None:
    loop, phone = follow_up(clinic), kind("call", modality="phone")
    asked = {"patient": clinic.walter.pk, "visit_type": phone.pk, "site": clinic.site.pk}
    by_itself = {"serves": loop.pk, "serves_first": loop.pk, "serves_shown": loop.pk}
    shown = page(rosa.get("/book/", asked | by_itself, **HTMX))
    assert said(shown) == (NOTHING, "Nothing in particular")
    assert "One promise waits for a visit, of another kind than this." in shown
    shown = page(rosa.get("/book/", asked | {"loop": loop.pk}))
    assert said(shown)[0] == str(loop.pk)
    assert "A visit by phone does not count as the visit after the hospital stay" in shown
    shown = page(rosa.get("/book/", asked | {"serves": NOTHING, "serves_first": "", "serves_shown": NOTHING}, **HTMX))
    assert said(shown)[0] == NOTHING
    assert "does not count" not in shown


def test_a_promise_that_waits_for_no_visit_is_kept_when_a_link_names_it(rosa: Client, clinic: Clinic) -> None:
    due = ClockToStart(rule_id="x", rule_version="1", step="s", anchor_event="e", anchor_at=NOW, due_at=AFTER)
    task = open_loop(
        clinic.rosa,
        patient=clinic.walter,
        promise=Promise(kind="task", title="See him soon", clocks=[due]),
        owner=Owner(user_id=clinic.rosa.user_id),
        now=NOW,
    )
    shown = page(rosa.get("/book/", {"patient": clinic.walter.pk, "loop": task.pk}))
    assert said(shown) == (str(task.pk), "See him soon")


def test_a_referral_is_chosen_by_itself_with_its_specialist_and_by_hand_brings_kind_and_place(
    rosa: Client, clinic: Clinic, referral: Referral
) -> None:
    with writes_open():
        Specialty.objects.get_or_create(code="cardiology", defaults={"name": "Cardiology"})
    value = f"{referral.loop_id}-{referral.pk}"
    asked = {"patient": clinic.walter.pk, "visit_type": clinic.follow_up.pk, "site": clinic.site.pk}
    shown = page(rosa.get("/book/", asked))
    assert said(shown)[0] == NOTHING
    shown = page(rosa.get("/book/", asked | {"with_id": clinic.okafor.pk}))
    assert said(shown)[0] == value
    by_hand = {"serves": value, "serves_first": NOTHING, "serves_shown": NOTHING}
    shown = page(rosa.get("/book/", asked | by_hand, **HTMX))
    assert f'<option value="{clinic.okafor.pk}" selected' in shown
    back = {"serves": NOTHING, "serves_first": "", "serves_shown": value}
    shown = page(rosa.get("/book/", asked | back | {"visit_type": "0"}, **HTMX))
    assert f'<option value="{clinic.follow_up.pk}" selected' in shown


def test_a_referral_that_a_link_names_alone_is_called_by_whom_it_asks(
    rosa: Client, clinic: Clinic, referral: Referral
) -> None:
    with writes_open():
        Referral.objects.filter(pk=referral.pk).update(state="seen")
    shown = page(rosa.get("/book/", {"patient": clinic.walter.pk, "referral": referral.pk}))
    assert said(shown) == (f"-{referral.pk}", "Referral: Dr Okafor")


def test_moving_a_visit_asks_nothing_of_the_kind(rosa: Client, clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00", loop_id=follow_up(clinic).pk)
    assert 'name="serves"' not in page(rosa.get(f"/appointments/{visit.pk}/move/"))


def test_a_call_is_not_offered_as_the_visit_that_was_promised(clinic: Clinic) -> None:
    visit, loop = clinic.book("2026-03-03 10:00"), follow_up(clinic)
    found = queries.may_serve_loop(clinic.rosa, patient=clinic.walter, loop_id=loop.pk, now=NOW)
    assert [one.appointment_id for one in found] == [visit.pk]
    with writes_open():
        Appointment.objects.filter(pk=visit.pk).update(modality="phone")
    later = NOW + timedelta(minutes=1)
    assert not queries.may_serve_loop(clinic.rosa, patient=clinic.walter, loop_id=loop.pk, now=later)
