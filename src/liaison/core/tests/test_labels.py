"""What stands beside the label of a field that may stay empty, or may not."""

from __future__ import annotations

import pytest
from django import forms
from django.template import Context, Template

from liaison.core.needed import needed


class _Form(forms.Form):
    name = forms.CharField()
    note = forms.CharField(required=False)
    reason = needed(forms.CharField(required=False), "for <urgent>")


@pytest.mark.parametrize(
    ("tag", "said", "unsaid"),
    [
        ("{% field form.name %}", 'for="id_name">Name</label>', "l-optional"),
        ("{% field form.note %}", "(optional)", "needed"),
        ("{% field form.note asked=True %}", 'aria-required="true"', "l-optional"),
        ("{% field form.reason %}", "(needed for &lt;urgent&gt;)", "(optional)"),
        ("{% field form.reason asked=True %}", 'aria-required="true"', "l-optional"),
    ],
)
def test_a_label_says_whether_a_field_is_needed(tag: str, said: str, unsaid: str) -> None:
    shown = Template("{% load liaison %}" + tag).render(Context({"form": _Form()}))
    assert said in shown
    assert unsaid not in shown
