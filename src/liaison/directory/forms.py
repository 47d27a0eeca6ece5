"""The shape of what is typed about clinicians and places."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site, User
from liaison.directory.actions import OrganizationDetails, PractitionerDetails
from liaison.directory.models import Organization, OrganizationKind, Practitioner, Specialty

_CHOSEN: Final = ("site", "organization", "user", "specialty")


class PractitionerForm(forms.Form):
    """A clinician, of ours or of another place."""

    name = forms.CharField(label=_("Name"), max_length=160)
    specialty = forms.ModelChoiceField(label=_("Specialty"), queryset=Specialty.objects.all(), required=False)
    site = forms.ModelChoiceField(label=_("At our site"), queryset=Site.objects.all(), required=False)
    organization = forms.ModelChoiceField(
        label=_("Or at another place"), queryset=Organization.objects.all(), required=False
    )
    user = forms.ModelChoiceField(
        label=_("Signs in as"),
        queryset=User.objects.all(),
        required=False,
        help_text=_("They see the patients on whose care team they are."),
    )
    npi = forms.CharField(label=_("NPI"), max_length=10, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    fax = forms.CharField(label=_("Fax"), max_length=40, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    languages = forms.CharField(label=_("Speaks"), max_length=120, required=False)
    takes_referrals = forms.BooleanField(label=_("Takes referrals"), required=False, initial=True)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, row: Practitioner | None = None, **kwargs: Any) -> None:
        if row is not None:
            columns = [name if name not in _CHOSEN else f"{name}_id" for name in self.base_fields]
            kwargs["initial"] = {column.removesuffix("_id"): getattr(row, column) for column in columns}
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["organization"].queryset = Organization.objects.active()
        free = User.objects.active().filter(practitioner__isnull=True)
        fields["user"].queryset = free | User.objects.filter(practitioner=row) if row is not None else free

    def details(self) -> PractitionerDetails:
        """What was typed."""
        typed = {name: value for name, value in self.cleaned_data.items() if name not in {*_CHOSEN, "version"}}
        chosen = self.cleaned_data
        return PractitionerDetails(
            **typed,
            specialty=chosen["specialty"].code if chosen["specialty"] else "",
            site_id=chosen["site"].pk if chosen["site"] else None,
            organization_id=chosen["organization"].pk if chosen["organization"] else None,
            user_id=chosen["user"].pk if chosen["user"] else None,
        )


class OrganizationForm(forms.Form):
    """A place outside our own sites."""

    name = forms.CharField(label=_("Name"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), choices=OrganizationKind.choices)
    specialties = forms.ModelMultipleChoiceField(
        label=_("Specialties"),
        queryset=Specialty.objects.all(),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text=_("A referral to one of these is offered this place."),
    )
    npi = forms.CharField(label=_("NPI"), max_length=10, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    fax = forms.CharField(label=_("Fax"), max_length=40, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    address = forms.CharField(label=_("Address"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    takes_referrals = forms.BooleanField(label=_("Takes referrals"), required=False, initial=True)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, row: Organization | None = None, **kwargs: Any) -> None:
        if row is not None:
            kwargs["initial"] = {name: getattr(row, name) for name in self.base_fields if name != "specialties"}
            kwargs["initial"]["specialties"] = list(row.specialties.all())
        super().__init__(*args, **kwargs)

    def details(self) -> OrganizationDetails:
        """What was typed."""
        typed = {name: value for name, value in self.cleaned_data.items() if name not in {"version", "specialties"}}
        codes = [specialty.code for specialty in self.cleaned_data["specialties"]]
        return OrganizationDetails(**typed, specialties=codes)
