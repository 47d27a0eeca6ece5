"""What a view answers after something was done, in place for htmx and by a redirect otherwise, or was refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from datetime import date, time
from types import MappingProxyType
from typing import Any, Final, TypeVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _

from liaison.core.refusals import Forbidden, NotFound, Refusal, StepUpNeeded
from liaison.core.written_time import clock_time, full_day

T = TypeVar("T")
_AS_THEY_ARE: Final[Mapping[str, str]] = MappingProxyType({})


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a piece of the page (and not for a whole one after pressing Back)."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.history_restore_request


def found_again(request: HttpRequest, answer: HttpResponse, *, query: str) -> HttpResponse:
    """The answer to a search, whose address from now on is the page with this query: Reload and Back show it again.

    Only what a page fetched for itself needs it; the query says what was searched for, and nothing that was written.
    """
    if request.method == "GET" and wants_fragment(request):
        answer.headers["HX-Replace-Url"] = f"{request.path}?{query}"
    return answer


def done(
    request: HttpRequest,
    *,
    said: str,
    to: str,
    undo_url: str = "",
    topics: Iterable[str] = (),
    go: bool = False,
) -> HttpResponse:
    """Say that something was done.

    With htmx: 204, and a trigger that shows ``said`` in the undo bar and fetches again every piece of the page
    that listens to one of ``topics`` ("loop:5"); with ``go`` the browser then opens ``to``. Without htmx: a redirect
    to ``to`` that shows ``said``. ``undo_url`` is POSTed when the person presses Undo within ten seconds.
    """
    if not wants_fragment(request):
        messages.success(request, said, extra_tags=undo_url)
        return HttpResponseRedirect(to)
    if go:
        messages.success(request, said, extra_tags=undo_url)
        return HttpResponse(status=204, headers={"HX-Redirect": to})
    told = {"liaison:done": {"said": said, "undo": undo_url, "topics": list(topics)}}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps(told)})


def put_beside(form: forms.Form, refusal: Refusal, *, names: Mapping[str, str] = _AS_THEY_ARE) -> bool:
    """Put each sentence of a refusal beside the field that caused it; True when one of them stands beside a field.

    A sentence about something that is no field of this form, and a refusal without `fields`, stand above the form.
    `names` says under which name this form has a field of the action ("on" for "due_on"). The form must be bound.
    """
    placed = False
    for name, sentence in (refusal.fields or {"": refusal.sentence}).items():
        field = name if name in form.fields else names.get(name, "")
        form.add_error(field if field in form.fields else None, sentence)
        placed = placed or field in form.fields
    return placed


def attempt(form: forms.Form, do: Callable[[], T]) -> T | None:
    """Do it, or put the refusal beside the fields that caused it; None, and errors in the form, when it was refused.

    What no other input would mend goes on as it is: Forbidden, NotFound, StepUpNeeded.
    """
    try:
        return do()
    except (Forbidden, NotFound, StepUpNeeded):
        raise
    except Refusal as refusal:
        put_beside(form, refusal)
        return None


def tell_now(form: forms.BaseForm) -> None:
    """After a stale save: say beside each field that differs what it says now, which is the field's initial value.

    The form is bound to what was typed, and made of what is kept now. A field without an initial value asks for
    something to do and says nothing of what is kept. Only with these words before them may a person save against the
    new version.
    """
    for name in _differing(form):
        kept = form.get_initial_for_field(form.fields[name], name)
        if kept is not None:
            form.add_error(name, now_says(_in_words(form.fields[name], kept)))


def says_what_is_kept(form: forms.BaseForm) -> bool:
    """After a stale save: whether what was typed is what is kept by now, so that there is nothing left to save.

    The form is bound to what was typed, and made of what is kept now. So it is when one form was sent twice at once:
    the first was saved, and the second is answered as the first. Who typed just what a colleague had saved has their
    way too.
    """
    return form.is_valid() and not _differing(form)


def tell_against(form: forms.BaseForm, *, version: int | str) -> None:
    """`tell_now`, and what is typed is saved next against `version`: whoever presses again has read the words."""
    form.full_clean()
    tell_now(form)
    typed = QueryDict(mutable=True)
    typed.update(form.data)
    typed[form.add_prefix("version")] = str(version)
    form.data = typed


def _differing(form: forms.BaseForm) -> list[str]:
    """The fields that people see in which something else was typed than is kept."""
    form.is_valid()  # reads it, unless it was read before
    seen = [name for name in form.changed_data if not form.fields[name].widget.is_hidden]
    return [name for name in seen if not _same_lines(form, name) and not _same_meaning(form, name)]


def _same_lines(form: forms.BaseForm, name: str) -> bool:
    """Whether a text differs in nothing but how browsers end its lines."""
    kept, typed = form.get_initial_for_field(form.fields[name], name), form[name].data
    return isinstance(kept, str) and isinstance(typed, str) and kept.splitlines() == typed.splitlines()


def _same_meaning(form: forms.BaseForm, name: str) -> bool:
    """Whether the form reads what is kept as it reads what was typed: a number is one number however it is written."""
    field = form.fields[name]
    other = copy(form)
    try:
        kept = field.clean(form.get_initial_for_field(field, name))
        other.cleaned_data = {**form.cleaned_data, name: kept}
        meant = getattr(other, f"clean_{name}", lambda: kept)()
    except forms.ValidationError:
        return False
    return name in form.cleaned_data and bool(meant == form.cleaned_data[name])


def now_says(words: object) -> str:
    """What a field says now, beside what was typed."""
    return _("It now says: %(value)s") % {"value": words or _("nothing")}


def _in_words(field: forms.Field, kept: Any) -> str:
    if isinstance(kept, bool):
        return _("yes") if kept else _("no")
    if isinstance(kept, list | tuple | set | frozenset):
        return ", ".join(_in_words(field, one) for one in kept)
    if isinstance(field, forms.ChoiceField):
        kept = getattr(kept, "pk", kept)
        return next((str(words) for value, words in field.choices if str(value) == str(kept)), str(kept))  # type: ignore[union-attr,misc]  # no groups of choices
    if isinstance(kept, time):
        return clock_time(kept)
    return full_day(kept) if isinstance(kept, date) else str(kept)
