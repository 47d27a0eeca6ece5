"""How this package's values are said in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from liaison.patients.forms import SCOPE_LABELS
from liaison.patients.rules import Reason, Scope

register = template.Library()

MOST_SHOWN: Final = 16
"""Characters of a record number that a list shows whole."""

_REASONS = {
    "same_identifier": _("same identifier"),
    "identifiers_disagree": _("identifiers disagree"),
    "disputed_identifier": _("one identifier came for both"),
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
    """What speaks for and against two registrations being one person; the points on hover."""
    return format_html_join(
        " · ",
        '<span title="{}">{}</span>',
        ((_("%+d points") % reason.points, _REASONS.get(reason.code, reason.code)) for reason in found),
    )


@register.simple_tag
def record_number(value: str) -> SafeString:
    """A record number with its label; of a long one the end, with all of it on hover."""
    if len(value) <= MOST_SHOWN:
        return format_html('<span class="l-nowrap">{} <span class="l-mono">{}</span></span>', _("No."), value)
    return format_html(
        '<span class="l-nowrap" title="{}">{} <span class="l-mono">…{}</span></span>', value, _("No."), value[-8:]
    )


@register.simple_tag
def scopes(held: Iterable[Scope]) -> str:
    """What a proxy may know and do."""
    return ", ".join(str(SCOPE_LABELS[scope]) for scope in Scope if scope in set(held))
