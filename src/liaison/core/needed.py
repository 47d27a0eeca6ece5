"""Fields of a form that are needed in some cases alone: their label says when, and never "(optional)"."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms

F = TypeVar("F", bound=forms.Field)


def needed(field: F, when: Any) -> F:
    """Say beside the label of this field when it is needed ("for soon and urgent"); otherwise it may stay empty."""
    field.needed_when = when  # type: ignore[attr-defined]  # the label's own
    return field


def when_needed(field: forms.Field) -> str:
    """When this field is needed, in words; empty for a field that always or never is."""
    return str(getattr(field, "needed_when", ""))
