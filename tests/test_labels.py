"""No label calls a reason optional that is refused when it is missing: every form of every package, walked."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django import forms
from django.apps import apps

import liaison
from liaison.core.needed import when_needed

SOURCE: Final = Path(liaison.__file__).parent

MAY_BE_EMPTY: Final = {
    "AssignForm.reason": "giving a loop to somebody explains itself",
    "MaybeReasonForm.reason": "why a visit was missed or cancelled may not be known",
    "RerouteForm.reason": "the decline that led to it has said why",
    "PlaceForm.reason": "a choice that always has a value, and has a label of its own",
    "BookForm.reason": "the form makes it required where a visit moves, and takes it away elsewhere",
}
ASKED: Final = {"duplicate_reason", "override_reason"}
"""Shown only when something stands against what was asked, and needed then: the template says so."""


def every_form() -> Iterator[type[forms.BaseForm]]:
    for app in apps.get_app_configs():
        if app.name.startswith("liaison.") and (
            (Path(app.path) / "forms.py").exists() or (Path(app.path) / "forms").exists()
        ):
            importlib.import_module(f"{app.name}.forms")
    waiting = [forms.Form]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("liaison."):
            yield kind


def reasons() -> dict[str, forms.Field]:
    return {
        f"{kind.__name__}.{name}": field
        for kind in every_form()
        for name, field in kind.base_fields.items()
        if re.search(r"reason|\bwhy\b", f"{name} {field.label}", re.IGNORECASE)
    }


def test_there_are_forms_to_walk() -> None:
    found = reasons()
    assert len(found) > 20
    assert set(MAY_BE_EMPTY) <= set(found)


def test_a_reason_is_needed_or_its_label_says_when() -> None:
    unclear = {
        which
        for which, field in reasons().items()
        if not field.required
        and not when_needed(field)
        and which not in MAY_BE_EMPTY
        and which.partition(".")[2] not in ASKED
    }
    assert unclear == set(), "Make it required, say when it is needed (core.needed), or say here why it may be empty."


@pytest.mark.parametrize("name", sorted(ASKED))
def test_a_reason_that_is_shown_when_it_is_asked_for_is_called_needed(name: str) -> None:
    shown = [
        tag
        for page in SOURCE.rglob("*.html")
        for tag in re.findall(rf"{{% field \S+\.{name}\b[^%]*%}}", page.read_text())
    ]
    assert shown
    assert all("asked=True" in tag for tag in shown)
