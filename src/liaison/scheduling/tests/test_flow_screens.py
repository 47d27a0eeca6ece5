"""The board of the flow and the buttons of a visit's day, through their addresses."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from liaison.accounts.access import Role
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.loops.models import Loop
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment
from liaison.scheduling.ports import CancelReason, LateAnswer, Stage
from liaison.scheduling.tests.clinic import NOW, Clinic, local, patient_of, person
from liaison.scheduling.tests.test_screens import HTMX, browser, clock, page

START = "2026-03-03 10:00"
TEN = local(START)
LATE = TEN + timedelta(minutes=20)


@pytest.fixture
def booked(clinic: Clinic, settings: Any) -> Appointment:
    clock(settings, TEN)
    return clinic.book(START)


@pytest.fixture
def rosa(clinic: Clinic) -> Client:
    return browser(clinic.rosa)


def column(shown: str, stage: Stage) -> str:
    """What stands in one column of the board."""
    return shown.split(f'id="flow-{stage}"')[1].split("</section>", maxsplit=1)[0]


def press(client: Client, visit: Appointment, step: str, **typed: object) -> Any:
    version = Appointment.objects.get(pk=visit.pk).version
    return client.post(f"/appointments/{visit.pk}/{step}/", {"version": version, "from": "flow"} | typed, **HTMX)


def test_one_press_after_the_other_moves_the_card_over_the_board(rosa: Client, booked: Appointment) -> None:
    for step, stage in (
        ("arrived", Stage.ARRIVED),
        ("checked-in", Stage.CHECKED_IN),
        ("roomed", Stage.ROOMED),
        ("with-clinician", Stage.SEEN),
        ("left", Stage.LEFT),
    ):
        assert f"/appointments/{booked.pk}/{step}/" in page(rosa.get("/flow/"))
        answer = press(rosa, booked, step)
        assert answer.status_code == 204
        assert f"/appointments/{booked.pk}/not-{step}/" in answer["HX-Trigger"]
        assert "Walter Ng" in column(page(rosa.get("/flow/")), stage)
    shown = page(rosa.get("/flow/"))
    assert "median wait 0 min, 1 seen" in shown
    assert "Room 1" in column(shown, Stage.LEFT)


def test_the_board_asks_again_in_pieces_and_goes_back_to_itself_without_scripts(
    rosa: Client, booked: Appointment
) -> None:
    piece = page(rosa.get("/flow/", **HTMX))
    assert piece.lstrip().startswith('<div id="flow"')
    answer = rosa.post(f"/appointments/{booked.pk}/arrived/", {"version": 1, "from": "flow"})
    assert (answer.status_code, answer["Location"]) == (302, "/flow/")


def test_undo_takes_the_last_step_back_and_an_old_form_is_refused_in_words(rosa: Client, booked: Appointment) -> None:
    press(rosa, booked, "arrived")
    stale = rosa.post(f"/appointments/{booked.pk}/checked-in/", {"version": 1}, **HTMX)
    assert stale.status_code == 409
    assert "Someone changed this meanwhile" in page(stale)
    assert rosa.post(f"/appointments/{booked.pk}/checked-in/", {"version": "x"}, **HTMX).status_code == 409
    assert rosa.post(f"/appointments/{booked.pk}/not-arrived/", **HTMX).status_code == 204
    assert Appointment.objects.get().state == "booked"


def test_a_room_is_chosen_where_the_booked_one_is_taken_or_there_is_none(
    rosa: Client, clinic: Clinic, booked: Appointment
) -> None:
    actions.check_in(actor=clinic.rosa, appointment=booked, now=TEN)
    other = clinic.book("2026-03-03 10:45", patient=clinic.ruth)
    actions.check_in(actor=clinic.rosa, appointment=other, now=TEN)
    actions.take_to_room(actor=clinic.rosa, appointment=other, room=clinic.room, now=TEN)
    assert "Choose a room" in column(page(rosa.get("/flow/")), Stage.CHECKED_IN)
    own = page(rosa.get(f"/appointments/{booked.pk}/"))
    assert "(somebody is in it)" in own
    assert press(rosa, booked, "roomed", room=clinic.other_room.pk).status_code == 204
    assert "In Room 2" in page(rosa.get(f"/appointments/{booked.pk}/"))
    with writes_open():
        booked.reservations.filter(role="room").delete()
        Appointment.objects.filter(pk=booked.pk).update(room=None, roomed_at=None)
    refused = press(rosa, booked, "roomed")
    assert refused.status_code == 409
    assert "Open it and choose one" in page(refused)


def test_by_video_nobody_goes_to_a_room(rosa: Client, clinic: Clinic, booked: Appointment) -> None:
    with writes_open():
        Appointment.objects.update(modality="video")
    actions.check_in(actor=clinic.rosa, appointment=booked, now=TEN)
    shown = column(page(rosa.get("/flow/")), Stage.CHECKED_IN)
    assert "with-clinician/" in shown
    assert "remote" in shown
    assert "roomed/" not in page(rosa.get(f"/appointments/{booked.pk}/"))


def test_who_waits_longest_stands_first_and_the_filter_shows_one_clinician(
    rosa: Client, clinic: Clinic, booked: Appointment, settings: Any
) -> None:
    with writes_open():
        anna = patient_of(clinic.site, given="Anna", family="Bo")
    seats = clinic.seats(who=clinic.okafor, room=clinic.other_room)
    other = clinic.book(START, patient=anna, key="anna", seats=seats)
    actions.arrive(actor=clinic.rosa, appointment=booked, now=TEN - timedelta(minutes=5))
    actions.arrive(actor=clinic.rosa, appointment=other, now=TEN - timedelta(minutes=9))
    shown = column(page(rosa.get("/flow/")), Stage.ARRIVED)
    assert shown.index("Anna Bo") < shown.index("Walter Ng")
    assert re.search(r"9 min.*5 min", shown, re.DOTALL)
    only = page(rosa.get("/flow/", {"clinician": clinic.imani.pk}))
    assert "Walter Ng" in only
    assert "Anna Bo" not in only
    assert "No visits of this clinician today" in page(rosa.get("/flow/", {"clinician": clinic.imani.pk + 99}))


def test_whom_one_may_not_see_has_no_name_and_no_button(clinic: Clinic, rosa: Client, booked: Appointment) -> None:
    with writes_open():
        stranger = patient_of(clinic.other_site, given="Zoe", family="Hidden")
        row = Appointment.objects.get()
        row.pk, row.patient, row.idempotency_key, row.ical_uid = None, stranger, "hidden", "hidden"
        row.save()
    shown = page(rosa.get("/flow/"))
    assert "Somebody whom you can’t see" in shown
    assert "Hidden" not in shown
    assert f"/appointments/{row.pk}/" not in shown


def test_pat_sees_the_boards_of_their_own_site_alone(clinic: Clinic, booked: Appointment) -> None:
    pat = browser(clinic.pat)
    assert "Walter" not in page(pat.get("/flow/"))
    assert pat.get("/flow/", {"site": clinic.site.pk}).status_code == 404
    with writes_open():
        nora = person("Nora", Role.PRIVACY_OFFICER, None)
    assert browser(nora).get("/flow/").status_code == 403
    with pytest.raises(NotFound):
        queries.flow_board(clinic.pat, site_id=clinic.site.pk, now=TEN)
    with pytest.raises(Forbidden):
        queries.flow_board(nora, site_id=clinic.site.pk, now=TEN)


def test_the_front_desk_has_no_button_for_the_clinicians_step(clinic: Clinic, booked: Appointment) -> None:
    with writes_open():
        fred = person("Fred", Role.FRONT_DESK, clinic.site)
    visit = actions.check_in(actor=clinic.rosa, appointment=booked, now=TEN)
    actions.take_to_room(actor=clinic.rosa, appointment=visit, room=clinic.room, now=TEN)
    desk = browser(fred)
    assert "with-clinician/" not in column(page(desk.get("/flow/")), Stage.ROOMED)
    assert "/with-clinician/" not in page(desk.get(f"/appointments/{booked.pk}/"))
    assert press(desk, booked, "with-clinician").status_code == 403


def test_the_question_about_a_late_patient_is_answered_on_the_board(
    rosa: Client, booked: Appointment, settings: Any
) -> None:
    own = f"/appointments/{booked.pk}/"
    assert "late/see_now" not in page(rosa.get("/flow/"))
    clock(settings, LATE)
    shown = page(rosa.get("/flow/"))
    assert "20 min late" in shown
    assert "1 late: decide" in shown
    assert "20 minutes late" in page(rosa.get(own))
    answer = press(rosa, booked, "late/fit_in")
    assert f"{own}late/asked/" in answer["HX-Trigger"]
    shown = page(rosa.get("/flow/"))
    assert "Fit in later" in shown
    assert "late: decide" not in shown
    assert "Late: fit in later</strong>, <bdi>Rosa" in page(rosa.get(own))
    assert rosa.post(f"{own}late/asked/", **HTMX).status_code == 204
    assert press(rosa, booked, "late/see_now").status_code == 204
    assert press(rosa, booked, "late/shrug").status_code == 404
    assert press(rosa, booked, "late/reschedule")["HX-Redirect"] == f"{own}move/"
    assert Appointment.objects.get().late_answer == "reschedule"


def test_who_is_fitted_in_later_stands_last(rosa: Client, clinic: Clinic, booked: Appointment, settings: Any) -> None:
    with writes_open():
        anna = patient_of(clinic.site, given="Anna", family="Bo")
    other = clinic.book(
        "2026-03-03 10:05", patient=anna, key="anna", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room)
    )
    clock(settings, LATE + timedelta(minutes=5))
    actions.answer_lateness(actor=clinic.rosa, appointment=booked, answer=LateAnswer.FIT_IN, now=LATE)
    shown = column(page(rosa.get("/flow/")), Stage.EXPECTED)
    assert shown.index("Anna Bo") < shown.index("Walter Ng")
    assert other.pk != booked.pk


def test_what_came_in_the_way_is_asked_and_kept(rosa: Client, booked: Appointment, settings: Any) -> None:
    own = f"/appointments/{booked.pk}/"
    clock(settings, LATE)
    assert "Call today and offer another time" in press(rosa, booked, "missed")["HX-Trigger"]
    shown = page(rosa.get("/flow/"))
    assert "Did not come today" in shown
    assert "Call today" in shown
    assert "In their words" in page(rosa.get(f"{own}barrier/"))
    with writes_open():
        billie = person("Billie", Role.BILLING, booked.site)
    assert browser(billie).get(f"{own}barrier/").status_code == 403
    assert rosa.post(f"{own}barrier/", {"barrier": "dragons"}, **HTMX).status_code == 422
    typed = {"barrier": "transport", "note": "the bus", "then": "book"}
    went = rosa.post(f"{own}barrier/", typed, **HTMX)["HX-Redirect"]
    loop = Loop.objects.get(kind="missed-visit")
    assert went.startswith(f"/book/?patient={booked.patient_id}&")
    assert f"loop={loop.pk}" in went
    assert rosa.get(went).status_code == 200
    kept = page(rosa.get(own))
    assert "No ride" in kept
    assert "the bus" in kept
    assert "No ride" in page(rosa.get("/flow/"))
    assert rosa.post(f"{own}barrier/", {"barrier": "forgot"}).status_code == 302
    loop.refresh_from_db()
    assert loop.state == "closed"


def test_visits_of_earlier_days_that_nobody_ended_are_listed(rosa: Client, booked: Appointment, settings: Any) -> None:
    clock(settings, TEN + timedelta(days=1))
    shown = page(rosa.get("/flow/"))
    assert "Earlier days: what became of them?" in shown
    assert "Walter Ng" in shown
    assert "No visits at Riverside North today" in shown
    own = page(rosa.get(f"/appointments/{booked.pk}/"))
    assert f"/appointments/{booked.pk}/seen/" in own
    assert f"/appointments/{booked.pk}/arrived/" not in own


@pytest.mark.parametrize(("hours", "late"), [(23, True), (25, False)])
def test_a_late_cancellation_says_so_where_the_visit_is_shown(
    rosa: Client, clinic: Clinic, booked: Appointment, hours: int, late: bool
) -> None:
    at: datetime = TEN - timedelta(hours=hours)
    actions.cancel_appointment(actor=clinic.rosa, appointment=booked, reason=CancelReason.PATIENT, now=at)
    assert ("Late cancellation" in page(rosa.get(f"/appointments/{booked.pk}/"))) is late
    entries = queries.timeline(clinic.rosa, patient=clinic.walter, now=NOW)
    assert any("Late cancellation" in entry.detail for entry in entries) is late
    assert not Appointment(cancelled_at=None).was_cancelled_late


def test_looking_at_the_board_is_kept_in_the_trail(rosa: Client, clinic: Clinic, booked: Appointment) -> None:
    rosa.get("/flow/")
    assert AuditEntry.objects.filter(verb="core.see", patient_ids=[clinic.walter.pk]).exists()
    assert booked.booked_at == NOW
