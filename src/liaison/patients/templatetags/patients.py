"""How this package's values are said in words."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from liaison.patients.forms import SCOPE_LABELS
from liaison.patients.rules import Reason, Scope

register = template.Library()

_REASONS = {
    "same_identifier": _("same identifier"),
    "identifiers_disagree": _("identifiers disagree"),
    "same_name": _("same name"),
    "similar_name": _("similar name"),
    "slightly_similar_name": _("slightly similar name"),
    "different_name": _("different name"),
    "same_birth_date": _("same birth date"),
    "similar_birth_date": _("birth date with a slip"),
    "different_birth_date": _("different birth date"),
    "same_phone": _("same phone"),
    "same_email": _("same e-mail"),
    "same_address": _("same address"),
    "different_sex": _("different sex"),
}


@register.simple_tag
def reasons(found: Iterable[Reason]) -> SafeString:
    """What speaks for and against two registrations being one person, with the points."""
    return format_html_join(
        " · ", "{} {}", ((_REASONS.get(reason.code, reason.code), f"{reason.points:+d}") for reason in found)
    )


@register.simple_tag
def scopes(held: Iterable[Scope]) -> str:
    """What a proxy may know and do."""
    return ", ".join(str(SCOPE_LABELS[scope]) for scope in Scope if scope in set(held))
