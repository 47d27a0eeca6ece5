"""Every button and small form of a loop, sent twice at once: the second is answered as the first was."""

from datetime import timedelta

import pytest
from django.test import Client

from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.loops import actions
from liaison.loops.models import Loop, LoopEvent
from liaison.loops.ports import NextStep, Owner
from liaison.loops.tests.cast import NEW_YORK, Cast, clock
from liaison.loops.tests.test_screens import DAY, HTMX, at_desk, fresh

pytestmark = pytest.mark.django_db


def local(after: timedelta) -> str:
    return f"{(current_time() + after).astimezone(NEW_YORK):%Y-%m-%dT%H:%M}"


def of_the_team(cast: Cast) -> Loop:
    return fresh(cast, owner=Owner(team_id=cast.team.pk))


def asleep(cast: Cast) -> Loop:
    loop, now = fresh(cast), current_time()
    return actions.snooze_loop(cast.rosa, loop_id=loop.pk, until=now + DAY / 2, reason="They call back", now=now)


def with_a_step(cast: Cast) -> Loop:
    loop, now = fresh(cast), current_time()
    return actions.set_next_step(
        cast.rosa, loop_id=loop.pk, step=NextStep(words="Call Walter", due_at=now + DAY), now=now
    )


def to_prove(cast: Cast) -> Loop:
    now = current_time()
    return cast.loop(kind="task", now=now, clocks=[clock(due_at=now + DAY, evidence="done")])


def proven(cast: Cast) -> Loop:
    loop = fresh(cast)
    actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="asked", now=current_time())
    return actions.add_evidence(cast.rosa, loop_id=loop.pk, kind="answered", now=current_time())


CASES = {
    "take": (of_the_team, {}),
    "wake": (asleep, {}),
    "step-done": (with_a_step, {}),
    "acknowledge": (fresh, {}),
    "close": (proven, {}),
    "assign": (fresh, {"owner": "team", "reason": ""}),
    "snooze": (fresh, {"until": "tonight", "reason": "They call back"}),
    "step": (fresh, {"step": "Call Walter", "due_at": "tomorrow"}),
    "priority": (fresh, {"priority": "urgent", "reason": "He is worse"}),
    "evidence": (to_prove, {"kind": "done", "note": "Brought"}),
    "give-up": (fresh, {"reason": "He moved away"}),
}


def typed(cast: Cast, loop: Loop, fields: dict[str, str]) -> dict[str, str]:
    known = {"team": f"team:{cast.team.pk}", "tonight": local(DAY / 2), "tomorrow": local(DAY)}
    return {"version": str(loop.version), **{name: known.get(value, value) for name, value in fields.items()}}


@pytest.mark.parametrize("press", CASES)
@pytest.mark.parametrize("headers", [HTMX, {}], ids=["in place", "without scripts"])
def test_a_second_press_is_answered_as_the_first_and_changes_nothing(
    cast: Cast, press: str, headers: dict[str, str]
) -> None:
    made, fields = CASES[press]
    loop = made(cast)
    rosa, form = at_desk(cast.rosa), typed(cast, loop, fields)
    first = rosa.post(f"/loops/{loop.pk}/{press}/", form, headers=headers)
    loop.refresh_from_db()
    lines = LoopEvent.objects.filter(loop=loop).count()
    again = rosa.post(f"/loops/{loop.pk}/{press}/", form, headers=headers)
    assert (first.status_code, again.status_code) == ((204, 204) if headers else (302, 302))
    assert again.headers.get("HX-Trigger") == first.headers.get("HX-Trigger")
    assert again.headers.get("Location") == first.headers.get("Location")
    assert (Loop.objects.get().version, LoopEvent.objects.filter(loop=loop).count()) == (loop.version, lines)
    told = AuditEntry.objects.filter(subject_id=loop.pk, subject_type="loops.loop").exclude(outcome="seen")
    assert told.latest("pk").details["repeated"] is True


@pytest.mark.parametrize("press", [name for name in CASES if name not in {"wake", "acknowledge"}])
def test_a_colleague_who_presses_the_same_is_told_who_was_first(cast: Cast, press: str) -> None:
    made, fields = CASES[press]
    loop = made(cast)
    form = typed(cast, loop, fields)
    assert at_desk(cast.rosa).post(f"/loops/{loop.pk}/{press}/", form, headers=HTMX).status_code == 204
    late = at_desk(cast.tom).post(f"/loops/{loop.pk}/{press}/", form, headers=HTMX)
    assert late.status_code == 409
    assert "Rosa Delgado was here first" in late.content.decode()


def test_other_words_and_a_loop_that_went_on_are_no_second_press(cast: Cast) -> None:
    loop = of_the_team(cast)
    rosa, address = at_desk(cast.rosa), f"/loops/{loop.pk}/priority/"
    form = {"version": "1", "priority": "urgent", "reason": "He is worse"}
    assert rosa.post(address, form, headers=HTMX).status_code == 204
    assert rosa.post(address, {**form, "priority": "clinical"}, headers=HTMX).status_code == 409
    assert at_desk(cast.tom).post(f"/loops/{loop.pk}/take/", {"version": "2"}, headers=HTMX).status_code == 204
    late = rosa.post(address, form, headers=HTMX)
    assert (late.status_code, "Tom Baker was here first" in late.content.decode()) == (409, True)


def test_undo_pressed_twice_takes_one_change_back(cast: Cast) -> None:
    loop = of_the_team(cast)
    rosa = at_desk(cast.rosa)
    rosa.post(f"/loops/{loop.pk}/priority/", {"version": "1", "priority": "urgent", "reason": "Worse"}, headers=HTMX)
    rosa.post(f"/loops/{loop.pk}/take/", {"version": "2"}, headers=HTMX)
    assert [rosa.post(f"/loops/{loop.pk}/undo/", headers=HTMX).status_code for _press in range(2)] == [204, 204]
    loop.refresh_from_db()
    assert (loop.owner_team_id, loop.priority) == (cast.team.pk, "urgent")


def test_nobody_who_sees_nothing_learns_of_a_press(cast: Cast) -> None:
    loop = of_the_team(cast)
    at_desk(cast.rosa).post(f"/loops/{loop.pk}/take/", {"version": "1"})
    pat: Client = at_desk(cast.pat)
    assert pat.post(f"/loops/{loop.pk}/take/", {"version": "1"}).status_code == 404
