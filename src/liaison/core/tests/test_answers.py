"""What a form shows when the answer is no."""

from datetime import date, time
from typing import Any

import pytest
from django import forms
from django.http import QueryDict

from liaison.core.answers import attempt, put_beside, says_what_is_kept, tell_against
from liaison.core.refusals import Conflict, Forbidden, NotFound, Refusal, StepUpNeeded
from liaison.core.telephones import TelephoneField


class Form(forms.Form):
    """A form with two fields."""

    name = forms.CharField()
    on = forms.CharField()


def typed() -> Form:
    form = Form({"name": "Walter", "on": "today"})
    assert form.is_valid()
    return form


def test_each_sentence_stands_beside_its_field_and_those_of_no_field_above_the_form() -> None:
    form = typed()
    assert put_beside(form, Refusal(fields={"name": "Too short.", "due_on": "Too late.", "site": "Closed."}))
    assert form.errors == {"name": ["Too short."], "__all__": ["Too late.", "Closed."]}


def test_a_form_may_know_a_field_of_the_action_by_another_name() -> None:
    form = typed()
    assert put_beside(form, Refusal(fields={"due_on": "Too late."}), names={"due_on": "on", "site": "place"})
    assert form.errors == {"on": ["Too late."]}
    assert not put_beside(form, Refusal(fields={"site": "Closed."}), names={"due_on": "on", "site": "place"})
    assert form.errors == {"on": ["Too late."], "__all__": ["Closed."]}


def test_a_refusal_without_fields_stands_above_the_form() -> None:
    form = typed()
    assert not put_beside(form, Conflict("Someone was first."))
    assert form.errors == {"__all__": ["Someone was first."]}


def test_what_was_attempted_is_given_back_and_a_refusal_is_told_in_the_form() -> None:
    def refuse() -> str:
        raise Refusal(fields={"name": "Too short."})

    form = typed()
    assert attempt(form, lambda: "done") == "done"
    assert not form.errors
    assert attempt(form, refuse) is None
    assert form.errors == {"name": ["Too short."]}


@pytest.mark.parametrize("kind", [Forbidden, NotFound, StepUpNeeded])
def test_what_no_other_input_would_mend_is_not_told_in_the_form(kind: type[Refusal]) -> None:
    def refuse() -> None:
        raise kind

    form = typed()
    with pytest.raises(kind):
        attempt(form, refuse)
    assert not form.errors


class Kept(forms.Form):
    """A form of something that has versions."""

    name = forms.CharField()
    days = forms.TypedMultipleChoiceField(coerce=int, choices=[(0, "Monday"), (1, "Tuesday")])
    at = forms.TimeField()
    on = forms.DateField()
    agreed = forms.BooleanField(required=False)
    kind = forms.ChoiceField(choices=[("a", "Apple"), ("b", "Pear")])
    same = forms.CharField()
    key = forms.CharField(widget=forms.HiddenInput)
    version = forms.IntegerField(widget=forms.HiddenInput)


class Reached(forms.Form):
    """A form that writes what was typed as it is kept."""

    phone = TelephoneField()
    address = forms.EmailField()
    note = forms.CharField(required=False, widget=forms.Textarea)
    kind = forms.ChoiceField(choices=[("a", "Apple")], required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def clean_address(self) -> str:
        """In small letters."""
        return str(self.cleaned_data["address"]).lower()


REACHED = {
    "phone": "(617) 555-0101", "address": "walter@example.org", "note": "One\nTwo", "kind": "a", "version": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "kept", "same"),
    [
        ({}, {}, True),
        ({"phone": "617 555 0101", "address": "Walter@Example.org", "note": "One\r\nTwo"}, {}, True),
        ({"phone": "617 555 0102"}, {}, False),
        ({"phone": "555"}, {}, False),
        ({"note": ""}, {}, False),
        ({}, {"note": None}, False),
        ({}, {"kind": "gone"}, False),
    ],
)
def test_a_form_that_says_what_is_kept_by_now_was_sent_twice(
    typed: dict[str, Any], kept: dict[str, Any], same: bool
) -> None:
    data = QueryDict(mutable=True)
    data.update({name: str(value) for name, value in (REACHED | {"version": 1} | typed).items()})
    assert says_what_is_kept(Reached(data, initial=REACHED | kept)) is same


def test_after_a_stale_save_each_field_says_what_it_says_now_and_the_next_is_against_that() -> None:
    sent = {"name": "W", "days": ["1"], "at": "10:00", "on": "2026-03-02", "agreed": "on", "kind": "b", "same": "s"}
    kept = {
        "name": "Walter", "days": [0, 1], "at": time(9, 30), "on": date(2026, 3, 9), "agreed": False, "kind": "a",
        "same": "s", "key": "other", "version": 7,
    }  # fmt: skip
    data = QueryDict(mutable=True)
    for name, value in (sent | {"key": "k", "version": "6"}).items():
        data.setlist(name, value if isinstance(value, list) else [value])
    form = Kept(data, initial=kept)
    tell_against(form, version=7)
    assert form.errors == {
        "name": ["It now says: Walter"],
        "days": ["It now says: Monday, Tuesday"],
        "at": ["It now says: 09:30"],
        "on": ["It now says: Mar 9, 2026"],
        "agreed": ["It now says: no"],
        "kind": ["It now says: Apple"],
    }
    assert form["version"].value() == "7"
    assert form["name"].value() == "W"
    assert form["days"].value() == ["1"]
