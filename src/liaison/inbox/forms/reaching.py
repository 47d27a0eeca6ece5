"""The shape of how a patient wants to be reached: a small form for each way, one for the person, one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.core.languages import COMMON_LANGUAGES
from liaison.inbox.actions import PersonWish, PointWish
from liaison.inbox.ports import Category, Channel, Standing
from liaison.inbox.queries import PointNow
from liaison.patients.actions import ContactDetails
from liaison.patients.models import ContactUse

CHANNEL_HEADS = {
    Channel.EMAIL: _("E-mail"),
    Channel.TEXT: _("Text"),
    Channel.PHONE: _("Call"),
    Channel.LETTER: _("Letter"),
}
CATEGORY_WORDS = {
    Category.APPOINTMENT: _("Appointments"),
    Category.CLINICAL: _("Health"),
    Category.BILLING: _("Bills"),
    Category.SURVEY: _("Surveys"),
    Category.MARKETING: _("Offers and news"),
}
PLACES = [(channel, category) for category in CATEGORY_WORDS for channel in CHANNEL_HEADS]
_NO_LINE = ("may_call", "may_leave_message", "may_text", "may_email")
_NOT_FOR = {"phone": ("may_email",), "email": ("may_call", "may_leave_message", "may_text")}


class PointForm(forms.Form):
    """What is allowed on one way to reach a patient; only what its kind can allow is asked."""

    preferred = forms.BooleanField(label=_("Preferred"), required=False)
    may_call = forms.BooleanField(label=_("Calls"), required=False)
    may_leave_message = forms.BooleanField(label=_("Messages may be left"), required=False)
    may_text = forms.BooleanField(label=_("Texts"), required=False)
    may_email = forms.BooleanField(label=_("E-mail (they know it is not encrypted)"), required=False)
    confidential = forms.BooleanField(label=_("Confidential: only here"), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)
    gone = forms.BooleanField(label=_("No longer theirs"), required=False)

    def __init__(self, data: Any = None, *, point: PointNow) -> None:
        details = point.details
        initial = {name: getattr(details, name) for name in PointForm.base_fields if name != "gone"}
        super().__init__(data, initial=initial, prefix=f"p{point.id}")
        self.point = point
        for name in _NOT_FOR.get(details.kind, _NO_LINE):
            del self.fields[name]

    @property
    def wish(self) -> PointWish:
        """What was ticked."""
        typed = {name: value for name, value in self.cleaned_data.items() if name != "gone"}
        return PointWish(id=self.point.id, details=replace(self.point.details, **typed), gone=self.cleaned_data["gone"])


class NewPointForm(forms.Form):
    """A further number or e-mail address; left blank there is none."""

    kind = forms.ChoiceField(label=_("Another way"), choices=[("phone", _("Phone")), ("email", _("E-mail"))])
    use = forms.ChoiceField(label=_("Where"), choices=ContactUse.choices, initial="mobile")
    value = forms.CharField(label=_("Number or e-mail address"), required=False, max_length=254)
    may_use = forms.BooleanField(label=_("They may be texted, or e-mailed, there"), required=False)

    @property
    def wish(self) -> ContactDetails | None:
        """What was typed, None for nothing."""
        typed = self.cleaned_data
        if not typed["value"].strip():
            return None
        phone = typed["kind"] == "phone"
        return ContactDetails(
            kind=typed["kind"], use=typed["use"], value=typed["value"], may_call=phone,
            may_text=phone and typed["may_use"], may_email=not phone and typed["may_use"],
        )  # fmt: skip


class PersonForm(forms.Form):
    """Languages, an interpreter, what they need to come, and when to reach them."""

    spoken_language = forms.ChoiceField(label=_("Speaks"), required=False)
    written_language = forms.ChoiceField(label=_("Reads"), required=False)
    interpreter_needed = forms.BooleanField(label=_("Needs an interpreter"), required=False)
    best_time = forms.CharField(label=_("Best time to reach them"), required=False, max_length=120)
    mobility_needs = forms.CharField(label=_("Mobility and access"), required=False, max_length=200)

    def __init__(self, data: Any = None, *, person: PersonWish) -> None:
        super().__init__(data, initial=asdict(person))
        for name in ("spoken_language", "written_language"):
            self.fields[name].choices = _languages(getattr(person, name))  # type: ignore[attr-defined]  # the form declares such a field

    @property
    def wish(self) -> PersonWish:
        """What was typed."""
        return PersonWish(**self.cleaned_data)


class StandingsForm(forms.Form):
    """What they want by which channel, and how they said so."""

    source = forms.ChoiceField(
        label=_("How they told you"),
        choices=[("by phone", _("By phone")), ("in person", _("In person")), ("in writing", _("In writing"))],
    )

    def __init__(self, *given: Any, standings: Mapping[tuple[Channel, Category], Standing], **more: Any) -> None:
        super().__init__(*given, **more)
        self.standings = standings
        for channel, category in PLACES:
            now = standings.get((channel, category))
            silent = [] if now else [("", "—")]
            self.fields[f"{channel}_{category}"] = forms.ChoiceField(
                label=f"{CATEGORY_WORDS[category]}, {CHANNEL_HEADS[channel]}",
                required=False,
                initial=now or "",
                widget=forms.Select(attrs={"class": "form-select form-select-sm"}),
                choices=[*silent, (Standing.ALLOWED.value, _("Yes")), (Standing.STOPPED.value, _("No"))],
            )

    @property
    def wish(self) -> tuple[tuple[Channel, Category, Standing], ...]:
        """What differs from what they said before."""
        said = ((place, self.cleaned_data[f"{place[0]}_{place[1]}"]) for place in PLACES)
        return tuple((*place, Standing(word)) for place, word in said if word and word != self.standings.get(place))

    @property
    def table(self) -> list[tuple[Any, list[tuple[Any, Any]]]]:
        """A row for each category: its words, and each channel's field with the channel's words."""
        return [
            (
                CATEGORY_WORDS[category],
                [(self[f"{channel}_{category}"], head) for channel, head in CHANNEL_HEADS.items()],
            )
            for category in Category
        ]


def _languages(kept: str) -> list[tuple[str, str]]:
    """The languages to choose from, by name, English and Spanish first; one that is kept already stays."""
    listed = sorted(COMMON_LANGUAGES.items(), key=lambda item: (item[0] not in {"en", "es"}, item[1]))
    return [("", str(_("Not known"))), *listed, *([(kept, kept)] if kept and kept not in COMMON_LANGUAGES else [])]
