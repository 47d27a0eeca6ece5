"""The shape of what is typed about people, passwords and the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import available_timezones

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import (
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from liaison.accounts import trail
from liaison.accounts.access import GIVE_ROLES, MANAGE_PEOPLE, MANAGE_SITES, ONLY_EVERYWHERE, ROLE_LABELS, Role
from liaison.accounts.actions import SiteDetails
from liaison.accounts.client import client_address
from liaison.accounts.models import Site, Team, User
from liaison.accounts.queries import AuditFilter, Meant, actor_for, sites_within, teams_within, verbs_in_use
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.clock import current_time
from liaison.core.near_dates import refuse_far_off
from liaison.core.numbers import id_in
from liaison.core.telephones import TelephoneField
from liaison.core.verbs import Verb


class PersonForm(forms.Form):
    """Someone's name and address."""

    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(label=_("E-mail address"), help_text=_("They sign in with it."))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def clean_email(self) -> str:
        """As it is kept: one address, however it was typed."""
        return str(self.cleaned_data["email"]).lower()


class RoleForm(forms.Form):
    """A role at a site, or everywhere."""

    role = forms.ChoiceField(label=_("Role"))
    site = forms.ModelChoiceField(
        label=_("Where"), queryset=Site.objects.none(), required=False, empty_label=_("Every site")
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_sites(self.fields["site"], actor=actor, verb=GIVE_ROLES)
        offered = (
            Role if actor.may_at(GIVE_ROLES, site_id=EVERYWHERE) else [r for r in Role if r not in ONLY_EVERYWHERE]
        )
        self.fields["role"].choices = [(role.value, ROLE_LABELS[role]) for role in offered]  # type: ignore[attr-defined]  # the form declares such a field


class TeamsForm(forms.Form):
    """The teams that someone is in."""

    teams = forms.ModelMultipleChoiceField(
        label=_("Teams"),
        queryset=Team.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    version = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)

    def __init__(self, *args: Any, actor: Actor, held: Iterable[Team], **kwargs: Any) -> None:
        seen = list(held)
        kwargs["initial"] = {"teams": seen, "version": self.version_of(seen)}
        super().__init__(*args, **kwargs)
        self.fields["teams"].queryset = teams_within(actor, MANAGE_PEOPLE)  # type: ignore[attr-defined]  # the form declares such a field

    @staticmethod
    def version_of(held: Iterable[Team]) -> str:
        """The teams that were seen when the form was opened, by their ids."""
        return " ".join(str(team.pk) for team in sorted(held, key=lambda team: team.pk))

    def seen_ids(self) -> set[int]:
        """The ids of the teams that the sender saw."""
        return {pk for pk in map(id_in, self.cleaned_data["version"].split()) if pk is not None}


class SiteDetailsForm(forms.Form):
    """What a site says of itself to patients."""

    name = forms.CharField(label=_("Name"), max_length=120)
    address = forms.CharField(label=_("Address"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    phone = TelephoneField(label=_("Telephone"), help_text=_("Messages tell patients to call it."))


class ChangedSiteForm(SiteDetailsForm):
    """A site as it is to be from now on."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def details(self) -> SiteDetails:
        """What was typed."""
        typed = self.cleaned_data
        return SiteDetails(name=typed["name"], address=typed["address"], phone=typed["phone"])


class SiteForm(SiteDetailsForm):
    """A new place of the organization."""

    code = forms.SlugField(label=_("Code"), max_length=20, help_text=_("Short and for good, as in river-north."))
    time_zone = forms.CharField(label=_("Time zone"), initial="America/New_York", max_length=64)

    def clean_time_zone(self) -> str:
        """An IANA name, because daylight saving depends on the place."""
        name = str(self.cleaned_data["time_zone"])
        if name not in available_timezones():
            raise ValidationError(_("This is no time zone. They read like America/New_York."))
        return name


class TeamForm(forms.Form):
    """A team of a site."""

    name = forms.CharField(label=_("Name"), max_length=120)
    site = forms.ModelChoiceField(
        label=_("Site"), queryset=Site.objects.none(), required=False, empty_label=_("Every site")
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_sites(self.fields["site"], actor=actor, verb=MANAGE_SITES)


def _offer_sites(field: Any, *, actor: Actor, verb: Verb) -> None:
    """Offer the sites where this actor holds `verb`; every site only to who holds it everywhere."""
    field.queryset = sites_within(actor, verb)
    if not actor.may_at(verb, site_id=EVERYWHERE):
        field.required, field.empty_label = True, None


class AuditSearchForm(forms.Form):
    """What a privacy officer looks for. Days are days of the given time zone, both inclusive."""

    patient = forms.CharField(
        label=_("Patient"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Name or record number")}),
    )
    chosen = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)
    person = forms.ModelChoiceField(
        label=_("Who"), queryset=User.objects.none(), required=False, empty_label=_("Anyone")
    )
    kind = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=[
            ("", _("Everything")),
            ("reads", _("What was seen")),
            ("changes", _("What was done")),
            ("refused", _("What was refused")),
        ],
    )
    verb = forms.ChoiceField(label=_("Action"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=[refuse_far_off]
    )
    until = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}), validators=[refuse_far_off]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = User.objects.order_by("name", "pk")  # type: ignore[attr-defined]  # the form declares such a field
        self.fields["verb"].choices = [("", _("Any action")), *_grouped(verbs_in_use())]  # type: ignore[attr-defined]  # the form declares such a field

    def clean(self) -> dict[str, Any]:
        """The end may not stand before the beginning."""
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the first day."))
        return cleaned

    def wanted(self, *, zone: tzinfo, meant: Meant | None) -> AuditFilter:
        """The filter, with days turned into instants of `zone`; `meant` is the patient, if one was named."""
        typed = self.cleaned_data
        since, until = typed.get("since"), typed.get("until")
        person: User | None = typed.get("person")
        return AuditFilter(
            patient_id=meant.patient_id if meant else None,
            earlier_ids=meant.earlier_ids if meant else (),
            user_id=person.pk if person else None,
            verb=typed.get("verb") or "",
            kind=typed.get("kind") or "",
            since=datetime.combine(since, time(), tzinfo=zone) if since else None,
            until=datetime.combine(until + timedelta(days=1), time(), tzinfo=zone) if until else None,
        )


_AREAS = {
    "core": _("The trail itself, and looking"),
    "accounts": _("People and sign-in"),
    "patients": _("Patients"),
    "directory": _("Directory"),
    "loops": _("Desk and loops"),
    "records": _("Chart and documents"),
    "inbox": _("Messages and calls"),
    "orders": _("Referrals"),
    "equipment": _("Equipment"),
    "coverage": _("Coverage"),
    "scheduling": _("Visits and the calendar"),
    "pathways": _("Follow-up and protocols"),
}


def _grouped(verbs: Iterable[tuple[str, str]]) -> list[tuple[Any, list[tuple[str, str]]]]:
    """The verbs under headings that say what they are about."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for code, label in verbs:
        groups.setdefault(code.partition(".")[0], []).append((code, label))
    return [(_AREAS.get(area, area.capitalize()), of_area) for area, of_area in groups.items()]


def _refused_factor(user: User | None, *, step: str) -> None:
    request = context.request
    address = client_address(request)
    if request.user.is_authenticated:
        actor = actor_for(request.user, session=request.session, now=current_time())
        trail.confirmed(actor, method=step, passed=False, address=address)
    else:
        trail.refused_sign_in(
            email=user.email if user else "", code="accounts.wrong_factor", address=address, step=step
        )


def _confirmed_factor(user: User, *, step: str) -> None:
    request = context.request
    actor = actor_for(user, session=request.session, now=current_time())
    trail.confirmed(actor, method=step, passed=True, address=client_address(request))


class SignInCodeForm(AuthenticateForm):  # type: ignore[misc,unused-ignore]  # the library has no types
    """The second factor at sign-in; a wrong code is audited."""

    def clean_code(self) -> str:
        """The code of the app, or a recovery code."""
        try:
            return str(super().clean_code())
        except ValidationError:
            _refused_factor(self.user, step="code")
            raise


class ConfirmCodeForm(ReauthenticateForm):  # type: ignore[misc,unused-ignore]  # the library has no types
    """The second factor asked for again; both answers are audited."""

    def clean_code(self) -> str:
        """The code of the app, or a recovery code."""
        try:
            code = str(super().clean_code())
        except ValidationError:
            _refused_factor(self.user, step="code")
            raise
        _confirmed_factor(self.user, step="code")
        return code


class SignInKeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc,unused-ignore]  # the library has no types
    """A security key at sign-in, after the password."""

    def clean_credential(self) -> Any:
        """The answer of the key to our challenge."""
        try:
            return super().clean_credential()
        except ValidationError:
            _refused_factor(self.user, step="passkey")
            raise


class PasskeyForm(LoginWebAuthnForm):  # type: ignore[misc,unused-ignore]  # the library has no types
    """A passkey instead of a password."""

    def clean_credential(self) -> Any:
        """The answer of the key to our challenge."""
        try:
            return super().clean_credential()
        except ValidationError:
            _refused_factor(None, step="passkey")
            raise


class ConfirmKeyForm(ReauthenticateWebAuthnForm):  # type: ignore[misc,unused-ignore]  # the library has no types
    """A security key asked for again."""

    def clean_credential(self) -> Any:
        """The answer of the key to our challenge."""
        try:
            credential = super().clean_credential()
        except ValidationError:
            _refused_factor(self.user, step="passkey")
            raise
        _confirmed_factor(self.user, step="passkey")
        return credential
