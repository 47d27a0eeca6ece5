"""The field of a form for a telephone number."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from liaison.core.numbers import reaches_from_anywhere, written_number

LONGEST_NUMBER: Final = 40


class TelephoneField(forms.CharField):
    """A telephone number with its area code, cleaned to how people here write it: "(617) 555-0123".

    `kept` is what stands there already: saving something else beside it does not ask to mend it.
    """

    kept = ""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            **{"max_length": LONGEST_NUMBER, "widget": forms.TextInput(attrs={"inputmode": "tel"}), **given}
        )

    def clean(self, value: Any) -> str:
        """The number as it is written. Raises ValidationError for what can't be dialled."""
        typed = str(super().clean(value))
        if typed and not reaches_from_anywhere(typed) and typed != self.kept.strip():
            raise ValidationError(_("Give a number with its area code, such as (617) 555-0123."))
        return written_number(typed)
