"""Changing a loop over HTTP: the form on GET, one thing on POST, errors where they happened, Pat nowhere."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.test import Client

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment
from liaison.core.actor import Actor
from liaison.core.clock import current_time
from liaison.core.postgres.guard import writes_open
from liaison.loops import actions, jobs
from liaison.loops.models import HandOver, Loop, Notice
from liaison.loops.ports import Owner
from liaison.loops.tests.cast import NEW_YORK, NOW, SYSTEM, Cast, patient

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
DAY = timedelta(days=1)


def at_desk(actor: Actor) -> Client:
    client = Client()
    user = get_user_model().objects.get(pk=actor.user_id)
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return client


def fresh(cast: Cast, **more: object) -> Loop:
    now = current_time()
    return cast.loop(now=now, due_at=now + 2 * DAY, **more)


def test_taking_answers_in_place_with_an_undo(cast: Cast) -> None:
    loop = fresh(cast, owner=Owner(team_id=cast.team.pk))
    rosa = at_desk(cast.rosa)
    answer = rosa.post(f"/loops/{loop.pk}/take/", {"version": "1"}, headers=HTMX)
    assert answer.status_code == 204
    assert f"/loops/{loop.pk}/undo/" in answer["HX-Trigger"]
    assert f"loop:{loop.pk}" in answer["HX-Trigger"]
    late = at_desk(cast.tom).post(f"/loops/{loop.pk}/take/", {"version": "1"}, headers=HTMX)
    assert late.status_code == 409
    assert "Rosa Delgado was here first" in late.content.decode()
    undone = rosa.post(f"/loops/{loop.pk}/undo/")
    assert undone.status_code == 302
    assert Loop.objects.get().owner_team_id == cast.team.pk


def test_a_plain_browser_comes_back_to_where_it_was(cast: Cast) -> None:
    loop = fresh(cast)
    rosa = at_desk(cast.rosa)
    assert rosa.post(f"/loops/{loop.pk}/take/", {"next": "/?tab=teams"}).status_code == 409, "of no version"
    typed = {"next": "/?tab=teams", "version": loop.version}
    assert rosa.post(f"/loops/{loop.pk}/take/", typed)["Location"] == "/?tab=teams"
    loop.refresh_from_db()
    for wanted in ("https://evil.example/", "//evil.example", "-1"):
        elsewhere = rosa.post(f"/loops/{loop.pk}/take/", {"next": wanted, "version": loop.version})
        assert elsewhere["Location"] == f"/loops/{loop.pk}/", wanted
        loop.refresh_from_db()


@pytest.mark.parametrize("form", ["assign", "snooze", "step", "priority", "evidence", "give-up"])
def test_each_small_form_is_a_page_and_a_fragment_and_says_what_is_missing(cast: Cast, form: str) -> None:
    loop = fresh(cast)
    rosa, path = at_desk(cast.rosa), f"/loops/{loop.pk}/{form}/"
    assert "<html" in rosa.get(path).content.decode()
    fragment = rosa.get(path, headers=HTMX).content.decode()
    assert "<html" not in fragment
    assert "Walter Ng" in fragment
    wrong = rosa.post(path, {"version": "1", "owner": "", "until": "soon", "kind": "x", "priority": "x"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "-error" in wrong.content.decode()
    assert at_desk(cast.pat).get(path).status_code == 404


def test_the_small_forms_do_what_they_say(cast: Cast) -> None:
    loop = fresh(cast)
    rosa = at_desk(cast.rosa)

    def post(form: str, **typed: str) -> Loop:
        typed["version"] = str(Loop.objects.get(pk=loop.pk).version)
        answer = rosa.post(f"/loops/{loop.pk}/{form}/", typed, headers=HTMX)
        assert answer.status_code == 204, answer.content.decode()
        return Loop.objects.get(pk=loop.pk)

    soon = (current_time() + DAY).astimezone(NEW_YORK)
    assert post("assign", owner=f"user:{cast.tom.user_id}").owner_user_id == cast.tom.user_id
    snoozed = post("snooze", until=f"{soon:%Y-%m-%dT%H:%M}", reason="at work")
    assert snoozed.snoozed_until is not None
    assert f"{snoozed.snoozed_until.astimezone(NEW_YORK):%H:%M}" == f"{soon:%H:%M}"
    assert post("wake").snoozed_until is None
    assert post("step", step="Ring June", due_at=f"{soon:%Y-%m-%dT%H:%M}").next_step == "Ring June"
    assert post("step-done").next_step == "Ask the pharmacy"
    assert post("priority", priority="urgent", reason="asked twice").priority == "urgent"
    assert post("acknowledge").next_escalation_at is None
    assert post("evidence", kind="asked", note="Ann").evidence_kinds == ["asked"]
    assert post("evidence", kind="answered", note="Ann").missing_evidence == ()
    assert post("close").state == "closed"


def test_giving_up_and_closing_by_evidence_end_a_loop(cast: Cast) -> None:
    given_up, task = fresh(cast), fresh(cast, kind="task")
    rosa = at_desk(cast.rosa)
    rosa.post(f"/loops/{given_up.pk}/give-up/", {"version": "1", "reason": "moved away"})
    closed = rosa.post(f"/loops/{task.pk}/evidence/", {"version": "1", "kind": "done", "note": "x"}, headers=HTMX)
    assert "the promise is kept" in closed["HX-Trigger"]
    assert set(Loop.objects.values_list("state", flat=True)) == {"given_up", "closed"}


def test_marta_hands_rosas_desk_over_and_takes_it_back(cast: Cast) -> None:
    fresh(cast)
    marta = at_desk(cast.marta)
    page = marta.get(f"/hand-over/?from={cast.rosa.user_id}").content.decode()
    assert "Rosa Delgado (1)" in page
    rosa, tom = (f'value="user:{actor.user_id}"' for actor in (cast.rosa, cast.tom))
    assert tom in page
    assert rosa not in page, "nobody covers for themselves"
    nobody_yet = marta.get("/hand-over/").content.decode()
    assert '<option value="" selected>Choose…</option>' in nobody_yet, "who is away is said, never guessed"
    assert "checked" not in nobody_yet
    assert rosa in nobody_yet
    assert "Tom Baker (0) · Care coordinator, Riverside" in page
    unsaid = marta.post("/hand-over/", {"to": [f"user:{cast.tom.user_id}"], "reason": "ill"})
    assert (unsaid.status_code, "id_from_user-error" in unsaid.content.decode()) == (422, True)
    other = marta.get(f"/hand-over/?from_user={cast.tom.user_id}", headers=HTMX).content.decode()
    assert rosa in other
    assert tom not in other
    nobody = marta.post("/hand-over/", {"from_user": str(cast.rosa.user_id), "reason": "ill"})
    assert nobody.status_code == 422
    back = (current_time() + 7 * DAY).date()
    typed = {"from_user": str(cast.rosa.user_id), "to": [f"user:{cast.tom.user_id}"], "reason": "ill"}
    typed |= {"until_on": back.isoformat(), "idempotency_key": "hand-over:1"}
    for _ in range(2):
        answer = marta.post("/hand-over/", typed)
        assert answer.status_code == 302
        said = [str(one) for one in get_messages(answer.wsgi_request)]
        assert said[-1] == "1 loop handed over."
    again = marta.post("/hand-over/", {**typed, "idempotency_key": "hand-over:2"})
    assert again.status_code == 422
    assert "desk is with Tom Baker until" in again.content.decode()
    made = HandOver.objects.get()
    assert made.until_at is not None
    assert made.until_at.astimezone(NEW_YORK).isoformat().startswith(f"{back}T00:00:00")
    assert Loop.objects.get().owner_user_id == cast.tom.user_id
    assert "Rosa Delgado is away" in marta.get("/hand-over/").content.decode()
    assert marta.get(f"/hand-over/?from={'9' * 5_000}").status_code == 200
    marta.post(f"/hand-over/{made.pk}/end/")
    assert Loop.objects.get().owner_user_id == cast.rosa.user_id
    assert at_desk(cast.rosa).get("/hand-over/").status_code == 403


def test_what_no_cover_can_see_stays_and_is_listed_by_name(cast: Cast) -> None:
    fresh(cast)
    with writes_open():
        Assignment.objects.create(
            user_id=cast.rosa.user_id, role=Role.COORDINATOR, site=cast.hillside, starts_at=NOW - DAY
        )
        hal = patient("Hal", "Hill", cast.hillside)
    fresh(cast, patient=hal, actor=SYSTEM)
    typed = {"from_user": str(cast.rosa.user_id), "to": [f"user:{cast.tom.user_id}"], "reason": "ill"}
    answer = at_desk(cast.chief).post("/hand-over/", {**typed, "idempotency_key": "hand-over:1"})
    (said,) = [str(one) for one in get_messages(answer.wsgi_request)]
    assert said.startswith("1 loop handed over. 1 stays with Rosa Delgado, as nobody who covers can see the patient")
    assert answer["Location"] == f"/?tab=all&owner=user:{cast.rosa.user_id}"
    listed = at_desk(cast.chief).get(answer["Location"]).content.decode()
    assert "Hal Hill" in listed
    assert "Walter Ng" not in listed


def test_what_a_hand_over_refuses_stands_beside_its_field(cast: Cast) -> None:
    fresh(cast)
    marta = at_desk(cast.marta)
    typed = {"from_user": str(cast.rosa.user_id), "to": [f"user:{cast.rosa.user_id}"], "reason": "ill"}
    typed |= {"idempotency_key": "hand-over:1"}
    answer = marta.post("/hand-over/", typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "other than the colleague who is away" in page
    assert "Hand over" in page, "the form is still there"


def test_what_a_snooze_refuses_stands_beside_its_field_and_keeps_what_was_typed(cast: Cast) -> None:
    loop = fresh(cast)
    late = (current_time() + 9 * DAY).astimezone(NEW_YORK)
    typed = {"version": "1", "until": f"{late:%Y-%m-%dT%H:%M}", "reason": "on holiday"}
    answer = at_desk(cast.rosa).post(f"/loops/{loop.pk}/snooze/", typed, headers=HTMX)
    assert answer.status_code == 422
    assert "id_until-error" in answer.content.decode()
    assert "on holiday" in answer.content.decode()


def test_the_jobs_climb_and_return_and_may_run_twice(cast: Cast) -> None:
    now = current_time()
    loop = cast.loop(now=now - 3 * DAY, due_at=now - DAY / 24)
    for _ in range(2):
        jobs.escalate()
    assert Notice.objects.filter(loop=loop, level=2, user_id=cast.rosa.user_id).count() == 1
    actions.hand_over(
        cast.marta, from_user_id=cast.rosa.user_id or 0, to=[Owner(user_id=cast.tom.user_id)], reason="ill",
        until=now - DAY, now=now - 2 * DAY,
    )  # fmt: skip
    for _ in range(2):
        jobs.return_desks()
    loop.refresh_from_db()
    assert loop.owner_user_id == cast.rosa.user_id


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_time_far_off_is_refused_beside_its_field(cast: Cast, year: str) -> None:
    loop = fresh(cast)
    rosa, at = at_desk(cast.rosa), f"{year}-12-31T23:59"
    for form, typed in (("step", {"step": "Ring", "due_at": at}), ("snooze", {"until": at, "reason": "later"})):
        answer = rosa.post(f"/loops/{loop.pk}/{form}/", typed)
        assert answer.status_code == 422
        assert "Choose a year from 1900 to 2199" in answer.content.decode()
    away = {"from_user": cast.rosa.user_id, "to": f"user:{cast.tom.user_id}", "reason": "x", "until_on": at[:10]}
    assert at_desk(cast.marta).post("/hand-over/", away).status_code == 422
