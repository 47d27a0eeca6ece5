"""The shape of what people type about times, visits and what can be booked."""

from liaison.scheduling.forms.arranging import ClosureForm, HoursForm, HoursFormSet, ResourceForm, VisitTypeForm
from liaison.scheduling.forms.fields import Choices, reason_choices
from liaison.scheduling.forms.times import (
    ANYWHERE,
    NOTHING,
    UNSAID,
    BookForm,
    ChosenTime,
    TimesForm,
    read_offer,
    read_promise,
    written_offer,
    written_promise,
)
from liaison.scheduling.forms.visits import BarrierForm, CalendarForm, CancelForm, PlaceForm
from liaison.scheduling.forms.waiting import LeaveForm, OpenTimeForm, WaitForm

__all__ = [
    "ANYWHERE",
    "NOTHING",
    "UNSAID",
    "BarrierForm",
    "BookForm",
    "CalendarForm",
    "CancelForm",
    "Choices",
    "ChosenTime",
    "ClosureForm",
    "HoursForm",
    "HoursFormSet",
    "LeaveForm",
    "OpenTimeForm",
    "PlaceForm",
    "ResourceForm",
    "TimesForm",
    "VisitTypeForm",
    "WaitForm",
    "read_offer",
    "read_promise",
    "reason_choices",
    "written_offer",
    "written_promise",
]
