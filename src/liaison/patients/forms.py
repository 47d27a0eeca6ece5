"""The shape of what is typed about patients. Rules are the actions' own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Model
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site, User
from liaison.core.answers import now_says
from liaison.core.languages import shortest_tag
from liaison.core.needed import needed
from liaison.core.telephones import TelephoneField
from liaison.directory.models import Practitioner
from liaison.patients.actions import ContactDetails, IdentifierDetails, NameDetails, PatientDetails, ProxyDetails
from liaison.patients.models import (
    AlertKind,
    BreakGlassOutcome,
    BreakGlassReason,
    CareRole,
    ContactKind,
    ContactPoint,
    ContactUse,
    IdentifierKind,
    NameKind,
    Patient,
    ProxyKind,
    Sex,
)
from liaison.patients.rules import COMMON_LANGUAGES, Registration, Scope, email_key, phone_key

SCOPE_LABELS = {
    Scope.SCHEDULE: _("Visits and schedule"),
    Scope.IMMUNIZATIONS: _("Immunizations"),
    Scope.BILLING: _("Billing"),
    Scope.CLINICAL: _("Results and health records"),
    Scope.MESSAGES: _("Messages in the patient's place"),
    Scope.DECISIONS: _("Decisions in the patient's place"),
}


def _day(label: Any, *, required: bool = False, help_text: Any = "") -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    formats = ["%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y"]
    return forms.DateField(label=label, required=required, widget=widget, input_formats=formats, help_text=help_text)


def _text(label: Any, *, longest: int, required: bool = False, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, max_length=longest, required=required, help_text=help_text)


def languages(*kept: str) -> Sequence[tuple[str, str]]:
    """The languages to choose from, by name; one that is not in the list but already kept stays."""
    listed = sorted(COMMON_LANGUAGES.items(), key=lambda item: item[1])
    others = [(tag, tag) for tag in dict.fromkeys(map(shortest_tag, kept)) if tag and tag not in COMMON_LANGUAGES]
    return [("", str(_("Not known"))), ("en", "English"), ("es", "Spanish"),
            *(item for item in listed if item[0] not in {"en", "es"}), *others]  # fmt: skip


def _tell_changes(form: forms.Form, row: Model, *, typed: Mapping[str, Any], **against: object) -> None:
    """Say beside each field what `row` says now; `against` are the hidden fields with which it is saved again."""
    for name, value in typed.items():
        there = getattr(row, name)
        if there != value:
            form.add_error(name, now_says(_in_words(row, name)))
    fresh = cast(QueryDict, form.data).copy()
    for name, of_now in against.items():
        fresh[name] = str(of_now)
    form.data = fresh


def _in_words(row: Model, name: str) -> Any:
    value, words = getattr(row, name), getattr(row, f"get_{name}_display", None)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return words() if words else value


class DetailsForm(forms.Form):
    """Who someone is."""

    given = _text(_("Given names"), longest=200)
    family = _text(_("Family name"), longest=200)
    called_as = _text(_("Likes to be called"), longest=200)
    pronouns = _text(_("Pronouns"), longest=40)
    birth_on = _day(_("Birth date"))
    sex = forms.ChoiceField(label=_("Sex"), choices=Sex.choices, initial=Sex.UNKNOWN)
    spoken_language = forms.ChoiceField(label=_("Speaks"), required=False)
    written_language = forms.ChoiceField(label=_("Reads"), required=False)
    interpreter_needed = forms.BooleanField(label=_("Needs an interpreter"), required=False)
    mobility_needs = _text(_("Mobility and access"), longest=200, help_text=_("A wheelchair, stairs, hearing, sight."))
    best_time = _text(_("Best time to reach them"), longest=120)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, patient: Patient | None = None, **kwargs: Any) -> None:
        kept: dict[str, str] = {}
        if patient is not None:
            names = [name for name in DetailsForm.base_fields if name != "version"]
            kwargs["initial"] = {name: getattr(patient, name) for name in [*names, "version"]}
            kept = {name: shortest_tag(getattr(patient, name)) for name in ("spoken_language", "written_language")}
            kwargs["initial"] |= kept
        super().__init__(*args, **kwargs)
        for name in ("spoken_language", "written_language"):
            self.fields[name].choices = languages(*kept.values())  # type: ignore[attr-defined]  # the form declares such a field

    def details(self) -> PatientDetails:
        """What was typed."""
        typed = {name: value for name, value in self.cleaned_data.items() if name in PatientDetails.__slots__}
        return PatientDetails(**typed)

    def tell_changes(self, now: Patient) -> None:
        """After a stale save: say beside each field what it says now, and let the next save be against that."""
        _tell_changes(self, now, typed=self.details_typed(), version=now.version)

    def details_typed(self) -> dict[str, Any]:
        """The columns and what was typed for them, before errors were added."""
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class NewPatientForm(DetailsForm):
    """Someone who is about to be registered, with the number we write on the folder and one phone."""

    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none(), empty_label=None)
    mrn = _text(_("Medical record number"), longest=60, help_text=_("If they have one here already."))
    phone = _text(_("Phone"), longest=40)
    may_text = forms.BooleanField(label=_("May be texted"), required=False)
    may_leave_message = forms.BooleanField(label=_("Messages may be left"), required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    none_of_these = forms.BooleanField(label=_("I looked: this is someone else"), required=False)

    def __init__(self, *args: Any, sites: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites  # type: ignore[attr-defined]  # the form declares such a field

    def contacts(self) -> list[ContactDetails]:
        """The phone and the e-mail address, the first of each preferred."""
        typed = self.cleaned_data
        points = []
        if typed["phone"]:
            points.append(
                ContactDetails(
                    kind="phone",
                    value=typed["phone"],
                    use="mobile" if typed["may_text"] else "home",
                    preferred=True,
                    may_text=typed["may_text"],
                    may_leave_message=typed["may_leave_message"],
                )
            )
        if typed["email"]:
            points.append(ContactDetails(kind="email", value=typed["email"], preferred=True, may_email=True))
        return points

    def identifiers(self, *, site: Site) -> list[IdentifierDetails]:
        """The record number, in the site's own system."""
        value = self.cleaned_data["mrn"]
        return [IdentifierDetails(system=f"urn:liaison:site:{site.code}:mrn", value=value, kind="mrn")] if value else []

    def registration(self) -> Registration:
        """What is compared with who is registered already; works while the form is still being filled in."""
        typed = getattr(self, "cleaned_data", {})
        birth_on: date | None = typed.get("birth_on")
        phone, mail = phone_key(typed.get("phone") or ""), email_key(typed.get("email") or "")
        return Registration(
            names=((typed.get("given") or "", typed.get("family") or ""),),
            birth_on=birth_on,
            sex=typed.get("sex") or "unknown",
            phones=frozenset({phone} if phone else ()),
            emails=frozenset({mail} if mail else ()),
        )


class ContactForm(forms.Form):
    """One way to reach someone."""

    kind = forms.ChoiceField(label=_("Kind"), choices=ContactKind.choices)
    use = forms.ChoiceField(label=_("Where"), choices=ContactUse.choices)
    value = _text(_("Number, address or street"), longest=300, required=True)
    city = _text(_("City"), longest=80)
    state = _text(_("State"), longest=40)
    postal_code = _text(_("Postal code"), longest=20)
    preferred = forms.BooleanField(label=_("Preferred"), required=False)
    may_call = forms.BooleanField(label=_("May be called"), required=False, initial=True)
    may_leave_message = forms.BooleanField(label=_("Messages may be left"), required=False)
    may_text = forms.BooleanField(label=_("May be texted"), required=False)
    may_email = forms.BooleanField(
        label=_("May be e-mailed"),
        required=False,
        help_text=_("They know that e-mail is not encrypted."),
    )
    confidential = forms.BooleanField(
        label=_("Confidential: reach them only here"),
        required=False,
        help_text=_("Closes every other way that is not confidential."),
    )
    note = _text(_("Note"), longest=200)
    mark = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, point: ContactPoint | None = None, **kwargs: Any) -> None:
        if point is not None:
            kwargs["initial"] = {name: getattr(point, name) for name in ContactForm.base_fields}
        super().__init__(*args, **kwargs)
        self._country = point.country if point else ""

    def details(self) -> ContactDetails:
        """What was typed, in the country that it was in."""
        return ContactDetails(**self._typed(), country=self._country)

    def tell_changes(self, now: ContactPoint) -> None:
        """After a stale save: say beside each field what it says now, and let the next save be against that."""
        _tell_changes(self, now, typed=self._typed(), mark=now.mark)

    def _typed(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "mark"}


class ProxyForm(forms.Form):
    """Someone who may speak for a patient."""

    name = _text(_("Name"), longest=160, required=True)
    relationship = _text(_("Who they are to the patient"), longest=60, required=True)
    kind = forms.ChoiceField(label=_("By what right"), choices=ProxyKind.choices)
    scope = forms.MultipleChoiceField(
        label=_("What they may know and do"),
        choices=[(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("For a patient of 12 to 17 a parent sees schedule, immunizations and billing only."),
    )
    evidence = _text(
        _("What you saw"), longest=200, required=True, help_text=_("A signed form, a court order, a birth certificate.")
    )
    starts_on = _day(_("From"), required=True)
    ends_on = needed(
        _day(_("Until"), help_text=_("The first day without. A parent's right ends at 18 by itself.")),
        _("for a consent"),
    )
    phone = TelephoneField(label=_("Phone"), required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    language = forms.ChoiceField(label=_("Speaks"), required=False, choices=languages)

    def details(self) -> ProxyDetails:
        """What was typed."""
        typed = {**self.cleaned_data, "scope": frozenset(self.cleaned_data["scope"])}
        return ProxyDetails(**typed)


class CareTeamForm(forms.Form):
    """Someone who looks after a patient: a clinician of the directory, or a colleague."""

    person = forms.ChoiceField(label=_("Person"))
    role = forms.ChoiceField(label=_("As"), choices=CareRole.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clinicians = Practitioner.objects.active().select_related("specialty")
        colleagues = User.objects.active().filter(practitioner__isnull=True)
        self.fields["person"].choices = [  # type: ignore[attr-defined]  # the form declares such a field
            (_("Clinicians"), [(f"p{row.pk}", _with_specialty(row)) for row in clinicians]),
            (_("Colleagues"), [(f"u{row.pk}", row.name) for row in colleagues]),
        ]

    def chosen(self) -> tuple[int | None, int | None]:
        """(practitioner id, user id), one of them None."""
        person: str = self.cleaned_data["person"]
        return (int(person[1:]), None) if person.startswith("p") else (None, int(person[1:]))


def _with_specialty(row: Practitioner) -> str:
    return f"{row.name} ({row.specialty.name})" if row.specialty else row.name


class AlertForm(forms.Form):
    """What whoever opens the chart must see first."""

    kind = forms.ChoiceField(label=_("About"), choices=AlertKind.choices)
    text = _text(_("What colleagues must know"), longest=300, required=True)


class NameForm(forms.Form):
    """Another name."""

    kind = forms.ChoiceField(label=_("Kind"), choices=NameKind.choices)
    given = _text(_("Given names"), longest=200)
    family = _text(_("Family name"), longest=200)

    def details(self) -> NameDetails:
        """What was typed."""
        return NameDetails(**self.cleaned_data)


class IdentifierForm(forms.Form):
    """What another system calls a patient."""

    kind = forms.ChoiceField(label=_("Kind"), choices=IdentifierKind.choices)
    value = _text(_("Number"), longest=120, required=True)
    system = _text(
        _("Whose number"),
        longest=200,
        required=True,
        help_text=_("The system's address, such as urn:oid:2.16.840.1.113883.4.1"),
    )

    def details(self) -> IdentifierDetails:
        """What was typed."""
        return IdentifierDetails(**self.cleaned_data)


class SiteForm(forms.Form):
    """A further site at which someone is a patient."""

    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none())

    def __init__(self, *args: Any, sites: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = sites  # type: ignore[attr-defined]  # the form declares such a field


class DeceasedForm(forms.Form):
    """When someone died."""

    deceased_on = _day(_("Died on"), help_text=_("Leave empty when the date is not known."))


class MergeForm(forms.Form):
    """Which of two registrations goes on, and why."""

    survivor = forms.ChoiceField(label=_("Which one goes on"), widget=forms.RadioSelect)
    reason = _text(_("Why they are one person"), longest=300, required=True)
    conflict_checked = forms.BooleanField(
        label=_("I checked the identifiers that disagree with the patient"), required=False
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], conflict: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["survivor"].choices = choices  # type: ignore[attr-defined]  # the form declares such a field
        if not conflict:
            del self.fields["conflict_checked"]


class ReasonForm(forms.Form):
    """Why."""

    reason = _text(_("Why"), longest=300, required=True)


class FindForm(forms.Form):
    """What one must know of a patient to ask for their chart in an emergency."""

    identifier = _text(_("Identifier"), longest=120, help_text=_("A record, insurance or license number, whole."))
    name = _text(_("Or the whole name"), longest=200)
    birth_on = _day(_("with the birth date"))
    phone = _text(_("Phone"), longest=40, help_text=_("One that they gave us; it decides between several."))


class GlassForm(forms.Form):
    """Why the chart is needed now."""

    reason_code = forms.ChoiceField(label=_("Reason"), choices=BreakGlassReason.choices, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("What happened"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A privacy officer reads this within three business days."),
    )
    ticket = forms.CharField(widget=forms.HiddenInput)


class ReviewForm(forms.Form):
    """What a privacy officer found."""

    outcome = forms.ChoiceField(label=_("Finding"), choices=BreakGlassOutcome.choices)
    note = needed(_text(_("Note"), longest=1000), _("where it was not simply justified"))
