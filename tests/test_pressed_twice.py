"""Every action that is refused as changed meanwhile answers its second press: by `once`, or in a way named here."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from liaison.core.twice import once

SOURCE = Path(__file__).resolve().parents[1] / "src" / "liaison"
PACKAGES = sorted(path.parent.name for path in SOURCE.glob("*/actions*") if path.name in {"actions", "actions.py"})
BY_STATE = "a visit that says so already is answered as it stands, whoever presses"
BY_KEY = "its form brings a key"
BY_FORM = "its view compares what was typed with what is kept (`says_what_is_kept`)"
WITHIN = "a person presses the one that is `…_by_hand`, which has it"
OTHERWISE = {
    "accounts.change_site": BY_FORM,
    "accounts.rename_person": BY_FORM,
    "directory.change_organization": BY_FORM,
    "directory.change_practitioner": BY_FORM,
    "inbox.edit_template": BY_FORM,
    "loops.add_evidence": WITHIN,
    "loops.close_loop": WITHIN,
    "loops.give_up_loop": WITHIN,
    "orders.change_draft": BY_FORM,
    "patients.change_patient": BY_FORM,
    "scheduling.answer_lateness": BY_STATE,
    "scheduling.arrive": BY_STATE,
    "scheduling.cancel_appointment": BY_STATE,
    "scheduling.cancel_series": BY_KEY,
    "scheduling.change_resource": BY_FORM,
    "scheduling.change_wait": BY_FORM,
    "scheduling.check_in": BY_STATE,
    "scheduling.define_visit_type": BY_FORM,
    "scheduling.give_up_hold": BY_STATE,
    "scheduling.leave": BY_STATE,
    "scheduling.meet_clinician": BY_STATE,
    "scheduling.move_appointment": BY_KEY,
    "scheduling.record_missed": BY_STATE,
    "scheduling.record_seen": BY_STATE,
    "scheduling.serve_loop": BY_STATE,
    "scheduling.serve_no_more": BY_STATE,
    "scheduling.set_hours": BY_FORM,
    "scheduling.take_hold": BY_STATE,
    "scheduling.take_to_room": BY_STATE,
    "scheduling.undo_arrival": BY_STATE,
    "scheduling.undo_check_in": BY_STATE,
    "scheduling.undo_lateness_answer": BY_STATE,
    "scheduling.undo_leaving": BY_STATE,
    "scheduling.undo_meeting": BY_STATE,
    "scheduling.undo_room": BY_STATE,
}


def expecting(package: str) -> dict[str, object]:
    """The actions of a package that may be refused because what they change is of another version."""
    actions = import_module(f"liaison.{package}.actions")
    named = {name: getattr(actions, name) for name in actions.__all__}
    return {
        f"{package}.{name}": each
        for name, each in named.items()
        if inspect.isfunction(each) and "expected_version" in inspect.signature(each).parameters
    }


ALL = {name: each for package in PACKAGES for name, each in expecting(package).items()}


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_second_press_of_it_is_answered(name: str) -> None:
    assert (name in OTHERWISE) is not hasattr(ALL[name], "__wrapped__"), "put @once on it, or say here what answers"


def test_what_is_named_here_is_there() -> None:
    assert OTHERWISE.keys() <= ALL.keys()
    assert hasattr(once(expecting), "__wrapped__") is True
