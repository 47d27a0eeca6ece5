"""The shape of what is typed about clinicians and places."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from liaison.accounts.models import Site, User
from liaison.accounts.queries import people_met, sites_within
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.numbers import id_in
from liaison.core.telephones import TelephoneField
from liaison.directory.access import CHANGE, LINK
from liaison.directory.actions import OrganizationDetails, PractitionerDetails, Sent
from liaison.directory.models import Organization, OrganizationKind, Practitioner, Specialty

_CHOSEN: Final = ("site", "organization", "user", "specialty")
_OF_THE_FORM: Final = frozenset({"version", "key", "add_anyway"})
"""What a form holds that is no column of an entry."""


class EntryForm(forms.Form):
    """What the forms of clinicians and of places share: against which version they are saved, or as what new entry."""

    field_order = ("name",)

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    key = forms.CharField(widget=forms.HiddenInput, max_length=100)
    add_anyway = forms.BooleanField(label=_("Add anyway: this is another one"), required=False)

    def __init__(self, *args: Any, row: Practitioner | Organization | None, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {})
        if row is None:
            kwargs["initial"]["key"] = f"entry:{uuid4()}"
        super().__init__(*args, **kwargs)
        for name in ("key", "add_anyway") if row is not None else ("version",):
            del self.fields[name]
        for name in ("phone", "fax"):
            # Numbers that were received stay as they came: who corrects a name need not find the right number.
            field: Any = self.fields[name]
            field.kept = getattr(row, name, "")

    def sent(self, *, key: str, shown: Iterable[str]) -> Sent:
        """As what this form adds an entry; `shown` are the ids of those that stood beside "Add anyway"."""
        looked_at = [id_in(one) for one in shown] if self.cleaned_data["add_anyway"] else []
        return Sent(key=key, looked_at=frozenset(one for one in looked_at if one is not None))


class PractitionerForm(EntryForm):
    """A clinician, of ours or of another place: what this actor may say of them."""

    name = forms.CharField(label=_("Name"), max_length=160)
    specialty = forms.ModelChoiceField(label=_("Specialty"), queryset=Specialty.objects.all(), required=False)
    site = forms.ModelChoiceField(label=_("At our site"), queryset=Site.objects.none(), required=False)
    organization = forms.ModelChoiceField(
        label=_("Or at another place"), queryset=Organization.objects.all(), required=False
    )
    user = forms.ModelChoiceField(
        label=_("Signs in as"),
        queryset=User.objects.none(),
        required=False,
        help_text=_("They see the patients on whose care team they are."),
    )
    npi = forms.CharField(label=_("NPI"), max_length=10, required=False)
    phone = TelephoneField(label=_("Phone"), required=False)
    fax = TelephoneField(label=_("Fax"), required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    languages = forms.CharField(label=_("Speaks"), max_length=120, required=False)
    takes_referrals = forms.BooleanField(label=_("Takes referrals"), required=False, initial=True)

    def __init__(
        self, *args: Any, actor: Actor, now: datetime, row: Practitioner | None = None, sent_as: str = "", **kwargs: Any
    ) -> None:
        """`sent_as` is the key of a new entry's form: who was chosen in it stays to be chosen when it comes again."""
        if row is not None:
            said = [name for name in self.base_fields if name not in _OF_THE_FORM] + ["version"]
            columns = [name if name not in _CHOSEN else f"{name}_id" for name in said]
            kwargs["initial"] = {column.removesuffix("_id"): getattr(row, column) for column in columns}
        super().__init__(*args, row=row, **kwargs)
        self._row = row
        fields: dict[str, Any] = self.fields
        fields["organization"].queryset = Organization.objects.active()
        fields["site"].queryset = _sites_for(actor, row)
        may_link = actor.may(LINK) if row is None else actor.may_at(LINK, site_id=row.site_id)
        if may_link:
            free = Q(is_active=True, practitioner__isnull=True, pk__in=people_met(actor, LINK, now=now))
            theirs = Q(practitioner=row) if row is not None else Q(practitioner__form_key=sent_as)
            fields["user"].queryset = User.objects.filter(free | theirs if row is not None or sent_as else free)
        else:
            del fields["user"]

    def details(self) -> PractitionerDetails:
        """What was typed."""
        typed = {name: value for name, value in self.cleaned_data.items() if name not in _OF_THE_FORM.union(_CHOSEN)}
        chosen = self.cleaned_data
        return PractitionerDetails(
            **typed,
            specialty=chosen["specialty"].code if chosen["specialty"] else "",
            site_id=chosen["site"].pk if chosen["site"] else None,
            organization_id=chosen["organization"].pk if chosen["organization"] else None,
            user_id=self._user_id(),
        )

    def _user_id(self) -> int | None:
        """Who signs in as them: what was chosen, and what stands there already where it can't be chosen."""
        if "user" not in self.fields:
            return self._row.user_id if self._row is not None else None
        person: User | None = self.cleaned_data["user"]
        return person.pk if person is not None else None


def _sites_for(actor: Actor, row: Practitioner | None) -> QuerySet[Site]:
    """Where this actor may put the clinician; one of no site goes into one only by who corrects everywhere."""
    if row is not None and row.site_id is None and not actor.may_at(CHANGE, site_id=EVERYWHERE):
        return Site.objects.none()
    return sites_within(actor, CHANGE)


class OrganizationForm(EntryForm):
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
    phone = TelephoneField(label=_("Phone"), required=False)
    fax = TelephoneField(label=_("Fax"), required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    address = forms.CharField(label=_("Address"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    takes_referrals = forms.BooleanField(label=_("Takes referrals"), required=False, initial=True)

    def __init__(self, *args: Any, row: Organization | None = None, **kwargs: Any) -> None:
        if row is not None:
            kwargs["initial"] = {
                name: getattr(row, name)
                for name in self.base_fields
                if name == "version" or name not in _OF_THE_FORM | {"specialties"}
            }
            kwargs["initial"]["specialties"] = list(row.specialties.all())
        super().__init__(*args, row=row, **kwargs)

    def details(self) -> OrganizationDetails:
        """What was typed."""
        typed = {name: value for name, value in self.cleaned_data.items() if name not in _OF_THE_FORM | {"specialties"}}
        codes = [specialty.code for specialty in self.cleaned_data["specialties"]]
        return OrganizationDetails(**typed, specialties=codes)


class RetireForm(forms.Form):
    """Why a clinician or a place is offered no longer."""

    reason = forms.CharField(label=_("Why"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    version = forms.IntegerField(widget=forms.HiddenInput)


class OfferAgainForm(forms.Form):
    """The entry as it was when somebody pressed."""

    version = forms.IntegerField(widget=forms.HiddenInput)
