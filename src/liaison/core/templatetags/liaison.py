"""Icons, times, faces and form fields, the same on every page."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Select
from django.template.context import Context
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from liaison.core.asking import actor_of
from liaison.core.languages import language_name
from liaison.core.needed import when_needed
from liaison.core.numbers import phone_number, written_number
from liaison.core.spoken_time import Spoken, age_in_words, due_in_words, exactly, moment_in_words

register = template.Library()

_MARKS = {
    "late": "alert-triangle",
    "clinical": "heartbeat",
    "today": "clock",
    "later": "circle",
    "snoozed": "clock-pause",
    "waiting": "hourglass",
    "done": "circle-check",
}


@register.simple_tag
def icon(name: str, *, label: str = "", size: str = "") -> SafeString:
    """An icon of the sprite. Without `label` it is decoration and silent; with one it is read out."""
    return _drawn(name, str(label), size)


@lru_cache(maxsize=1024)
def _drawn(name: str, label: str, size: str) -> SafeString:
    shape = format_html('<use href="{}#{}"></use>', static("dist/icons.svg"), name)
    wide = " l-icon--l" if size == "l" else ""
    if label:
        return format_html(
            '<svg class="l-icon{}" role="img" aria-label="{}"><title>{}</title>{}</svg>', wide, label, label, shape
        )
    return format_html('<svg class="l-icon{}" aria-hidden="true">{}</svg>', wide, shape)


@register.simple_tag(takes_context=True)
def by_site(context: Context, topic: str) -> str:
    """The names of a topic that is told site by site, for `data-live`: everywhere, and each site of who looks."""
    sites = sorted({site for _, site in actor_of(context["request"]).assignments if site is not None})
    return " ".join((topic, *(f"{topic}:{site}" for site in sites)))


@register.simple_tag(takes_context=True)
def due(context: Context, at: datetime | None, *, zone: str = "", tone: str = "") -> SafeString:
    """A due time: relative, with its tone as colour and words, exact on hover and for screen readers."""
    if at is None:
        return SafeString("")
    now, where = _now(context), _zone(context, zone)
    spoken = due_in_words(at, now=now, zone=where) if now else _only_exact(at, zone=where)
    return _time(at, spoken=spoken, classes=f"l-when l-when--{tone or spoken.tone}")


@register.simple_tag(takes_context=True)
def moment(context: Context, at: datetime | None, *, zone: str = "") -> SafeString:
    """When something happened: short, exact on hover and for screen readers."""
    if at is None:
        return SafeString("")
    now, where = _now(context), _zone(context, zone)
    spoken = moment_in_words(at, now=now, zone=where) if now else _only_exact(at, zone=where)
    return _time(at, spoken=spoken, classes="l-moment")


@register.simple_tag(takes_context=True)
def age(context: Context, birth_on: date | None, *, deceased_on: date | None = None) -> str:
    """The age today, or at death."""
    now = _now(context)
    on = deceased_on or (now.astimezone(_zone(context, "")).date() if now else None)
    return age_in_words(birth_on, on=on) if birth_on and on else ""


@register.simple_tag
def mark(tone: str) -> SafeString:
    """The shape that goes with a tone, so that colour is never alone."""
    drawn = icon(_MARKS.get(tone, "circle"))
    return format_html('<span class="l-mark l-mark--{}">{}</span>', tone, drawn)


@register.simple_tag
def face(name: str, *, team: bool = False, me: bool = False) -> SafeString:
    """A small round face with initials (a square one for a team); the name on hover and for screen readers."""
    words = [word for word in name.replace(",", " ").split() if word[0].isalnum() and word not in {"Dr", "Dr."}]
    initials = "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper() or "?"
    kind = (" l-face--team" if team else "") + (" l-face--me" if me else "")
    return format_html(
        '<span class="l-face{}" role="img" title="{}" aria-label="{}">{}</span>', kind, name, name, initials
    )


@register.filter
def phone(number: str) -> str:
    """A number as it is written here: "(207) 555-0123"; from elsewhere with its country; what is none as it is."""
    return written_number(number)


@register.filter
def dial(number: str) -> str:
    """The same for a `tel:` link: "+12075550123"."""
    parsed = phone_number(number)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if parsed is not None else number


@register.simple_tag(takes_context=True)
def block_again(context: Context, name: str) -> SafeString:
    """What another block of the page says: the heading of a page that only has a title."""
    block = context.render_context[BLOCK_CONTEXT_KEY].get_block(name)
    return SafeString(block.render(context)) if block is not None else SafeString("")


@register.inclusion_tag("liaison/_field.html")
def field(
    bound: BoundField, *, label: str = "", placeholder: str = "", autofocus: bool = False, asked: bool = False
) -> dict[str, Any]:
    """One form field: label, control, help and errors, tied together.

    `asked` is for what a form can do without, and what is needed once it is shown: a reason for going on all the same.
    """
    widget = bound.field.widget
    described = [f"{bound.id_for_label}-help"] if bound.help_text else []
    described += [f"{bound.id_for_label}-error"] if bound.errors else []
    attrs: dict[str, Any] = {"class": _control_class(bound), "aria-describedby": " ".join(described) or None}
    attrs |= {"aria-invalid": "true"} if bound.errors else {}
    attrs |= {"placeholder": placeholder} if placeholder else {}
    attrs |= {"data-autofocus": True} if autofocus else {}
    attrs |= {"aria-required": "true"} if asked else {}
    return {
        "bound": bound,
        "label": label or bound.label,
        "control": bound.as_widget(attrs={key: value for key, value in attrs.items() if value is not None}),
        "is_check": isinstance(widget, CheckboxInput),
        "is_group": isinstance(widget, RadioSelect | CheckboxSelectMultiple),
        "optional": not bound.field.required and not asked,
        "when_needed": "" if asked else when_needed(bound.field),
    }


@register.inclusion_tag("liaison/_form_errors.html")
def form_errors(form: Any) -> dict[str, Any]:
    """What is wrong with a form as a whole."""
    return {"errors": form.non_field_errors()}


@register.filter
def bounded(count: int, most: int = 999) -> str:
    """A count that never needs more room: "999+"."""
    return f"{most}+" if count > most else str(count)


@register.filter
def language_label(tag: str) -> str:
    """The English name of a language tag ("es": Spanish); the tag itself when nobody knows it."""
    return language_name(tag)


@register.filter
def joined(parts: Any, glue: str = " · ") -> str:
    """The parts that are there, joined."""
    return glue.join(str(part) for part in parts if part)


def _control_class(bound: BoundField) -> str:
    widget = bound.field.widget
    given = widget.attrs.get("class", "")
    if isinstance(widget, CheckboxInput | RadioSelect | CheckboxSelectMultiple):
        kind = "form-check-input"
    else:
        kind = "form-select" if isinstance(widget, Select) else "form-control"
    return f"{given} {kind} is-invalid".strip() if bound.errors else f"{given} {kind}".strip()


def _time(at: datetime, *, spoken: Spoken, classes: str) -> SafeString:
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}<span class="l-sr"> ({})</span></time>',
        classes,
        at.isoformat(),
        spoken.exact,
        spoken.text,
        spoken.exact,
    )


def _only_exact(at: datetime, *, zone: ZoneInfo) -> Spoken:
    exact = exactly(at, zone=zone)
    return Spoken(text=exact, exact=exact, tone="later")


def _now(context: Context) -> datetime | None:
    shell = context.get("shell") or {}
    return context.get("now") or shell.get("now")


def _zone(context: Context, name: str) -> ZoneInfo:
    chosen = name or context.get("time_zone")
    return ZoneInfo(str(chosen or timezone.get_current_timezone_name()))
