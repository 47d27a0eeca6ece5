"""What a form shows when the answer is no."""

import pytest
from django import forms

from liaison.core.answers import attempt, put_beside
from liaison.core.refusals import Conflict, Forbidden, NotFound, Refusal, StepUpNeeded


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
