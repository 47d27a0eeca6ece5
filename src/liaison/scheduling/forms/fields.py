"""What several forms of scheduling ask in the same way: days, times, reasons, what there is to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site
from liaison.scheduling.models import Resource, VisitType
from liaison.scheduling.ports import REASONS_IN_ORDER

WEEKDAYS = [_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")]

BIGGEST_ID = 2**63
"""No row has a number as large as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What there is to choose from; `promises` as (value, words), with a word on them."""

    visit_types: Sequence[VisitType]
    sites: Sequence[Site]
    people: Sequence[Resource]
    seen_last_id: int | None = None
    promises: Sequence[tuple[str, str]] = ()
    promises_told: str = ""


class DateInput(forms.DateInput):
    """The browser's own date field."""

    input_type = "date"


class TimeInput(forms.TimeInput):
    """The browser's own time field."""

    input_type = "time"


def reason_choices() -> list[tuple[str, str]]:
    """The reasons that a person picks from."""
    return [(reason.value, words) for reason, words in REASONS_IN_ORDER]
