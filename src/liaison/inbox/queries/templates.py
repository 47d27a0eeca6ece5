"""The texts as they are in force: as they came with Liaison, or as a supervisor changed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Final

from django.conf import settings
from django.db.models import QuerySet

from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import access
from liaison.inbox.models import Template
from liaison.inbox.rules.editing import USUAL, Text
from liaison.inbox.rules.readability import Grade, grade
from liaison.inbox.rules.rendering import FIELD, Rendered, Value, render
from liaison.inbox.wording import LANGUAGES, Wording, catalogue

SAMPLE: Final[Mapping[str, Value]] = {
    "called_as": "Walter", "site": "Main Street", "address": "1 Main Street", "phone": "(617) 555-0100",
    "date": date(2026, 3, 2), "time": time(14, 30), "old_date": date(2026, 2, 27), "old_time": time(9),
    "visits": tuple(datetime(2026, 3, day, 14, 30, tzinfo=UTC) for day in (2, 5, 9)),
    "text": "…", "link": "https://example.org/a",
}  # fmt: skip
"""What a preview fills in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRow:
    """One line of the list; `edited_by` is empty for a text as it came."""

    code: str
    label: str
    category: str
    edited_by: str
    edited_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A text filled with a sample, and how hard it is to read."""

    language: str
    subject: str
    body: str
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSheet:
    """One template in every language; `version` is what an edit is made against."""

    code: str
    label: str
    version: int
    texts: Mapping[str, Text]
    original: Mapping[str, Text]
    required: frozenset[str]
    allowed: frozenset[str]
    edited: Sequence[TemplateRow]
    is_edited: bool

    @property
    def fields(self) -> Sequence[str]:
        """The fields that may be named, those that must be first."""
        return sorted(self.allowed, key=lambda name: (name not in self.required, name))


def wording_for(code: str, language: str) -> Wording | None:
    """The text in force under a code in one of our languages; None for an unknown code."""
    original = catalogue().get((code, language))
    if original is None:
        return None
    row = _edited(code).filter(language=language, retired_at=None).order_by("-version").first()
    return replace(original, version=row.version, subject=row.subject, body=row.body) if row else original


def templates(actor: Actor) -> Sequence[TemplateRow]:
    """Every template, by name. Refuses Forbidden."""
    if not actor.may_at(access.EDIT_TEMPLATES, site_id=EVERYWHERE):
        raise Forbidden
    originals = [one for (_code, language), one in catalogue().items() if language == "en"]
    rows = (_row(one, _edited(one.code).filter(retired_at=None).order_by("-version").first()) for one in originals)
    return tuple(sorted(rows, key=lambda row: row.label))


def template_sheet(actor: Actor, *, code: str) -> TemplateSheet:
    """One template. Refuses Forbidden, NotFound."""
    if not actor.may_at(access.EDIT_TEMPLATES, site_id=EVERYWHERE):
        raise Forbidden
    original = catalogue().get((code, "en"))
    if original is None:
        raise NotFound
    in_force = {language: wording for language in LANGUAGES if (wording := wording_for(code, language))}
    history = _edited(code).filter(language="en").order_by("-version")
    return TemplateSheet(
        code=code,
        label=original.label,
        version=max(wording.version for wording in in_force.values()),
        texts={language: Text(subject=one.subject, body=one.body) for language, one in in_force.items()},
        original={
            language: Text(subject=one.subject, body=one.body)
            for (owner, language), one in catalogue().items()
            if owner == code
        },
        required=original.required | ({"text"} if original.free_text else frozenset()),
        allowed=allowed_in(code),
        edited=tuple(_row(original, row) for row in history[:20]),
        is_edited=history.filter(retired_at=None).exists(),
    )


def allowed_in(code: str) -> frozenset[str]:
    """The fields that somebody fills in this template: the usual ones and those of the text as it came."""
    texts = (one for (owner, _language), one in catalogue().items() if owner == code)
    return USUAL.union(*(FIELD.findall(f"{one.subject}\n{one.body}") for one in texts))


def shown(text: Text, *, language: str) -> Shown:
    """A text as a patient would read it, with sample values."""
    values = {**SAMPLE, "org": settings.LIAISON_ORGANIZATION}
    filled = render(subject=text.subject, body=text.body, required=frozenset(), context=values, language=language)
    done = filled if isinstance(filled, Rendered) else Rendered(subject=text.subject, body=text.body)
    hard = grade(done.body, language=language, leave_out=frozenset({str(values["called_as"])}))
    return Shown(language=language, subject=done.subject, body=done.body, grade=hard)


def _edited(code: str) -> QuerySet[Template]:
    return Template.objects.filter(code=code, edited_at__isnull=False)


def _row(original: Wording, row: Template | None) -> TemplateRow:
    return TemplateRow(
        code=original.code, label=original.label, category=original.category,
        edited_by=row.edited_by_name if row else "", edited_at=row.edited_at if row else None,
    )  # fmt: skip
