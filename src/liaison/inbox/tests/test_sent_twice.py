"""A form that is sent again: the same words change nothing, other words are not lost, no year is out of reach."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django import forms

from liaison.inbox import actions
from liaison.inbox.forms.at_site import AtSite
from liaison.inbox.models import Call, Note
from liaison.inbox.ports import HowItWent
from liaison.inbox.tests.cast import NOW, Cast


def test_a_call_that_is_sent_again_with_other_words_is_refused_and_not_dropped(cast: Cast) -> None:
    form = {"patient": cast.walter, "idempotency_key": "1", "now": NOW}
    well = HowItWent(outcome="reached", said="He is well.")
    first = actions.log_call(cast.rosa, went=replace(well, said="He is well. "), **form)
    assert actions.log_call(cast.rosa, went=well, **form).pk == first.pk
    for changed in (replace(well, said="He fell."), replace(well, outcome="busy")):
        with pytest.raises(actions.KeyReused):
            actions.log_call(cast.rosa, went=changed, **form)
    assert Call.objects.get().said == "He is well."


def test_a_note_that_is_sent_again_with_other_words_is_refused_and_not_dropped(cast: Cast) -> None:
    form = {"patient": cast.walter, "idempotency_key": "1", "now": NOW}
    first = actions.write_note(cast.rosa, text="Call after five.", **form)
    assert actions.write_note(cast.rosa, text=" Call after five.", **form).pk == first.pk
    with pytest.raises(actions.KeyReused):
        actions.write_note(cast.rosa, text="Call before nine.", **form)
    more = {"note_id": first.pk, "idempotency_key": "2", "now": NOW}
    assert actions.add_to_note(cast.rosa, text="On Fridays.", **more) == actions.add_to_note(
        cast.rosa, text="On Fridays.", **more
    )
    with pytest.raises(actions.KeyReused):
        actions.add_to_note(cast.rosa, text="On Mondays.", **more)
    assert Note.objects.count() == 2


@pytest.mark.parametrize("typed", ["9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_time_in_a_year_that_nobody_means_is_refused(typed: str) -> None:
    with pytest.raises(forms.ValidationError, match="1900"):
        AtSite().clean(typed)
