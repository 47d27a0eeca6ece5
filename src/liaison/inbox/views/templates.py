"""The texts that go to patients, to be changed by a supervisor."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from liaison.core.answers import done, put_beside, says_what_is_kept, tell_against
from liaison.core.asking import actor_of
from liaison.core.clock import current_time
from liaison.core.refusals import Forbidden, NotFound, Refusal, Stale
from liaison.inbox import actions
from liaison.inbox.forms import TemplateForm
from liaison.inbox.queries import shown, template_sheet
from liaison.inbox.queries import templates as all_templates


@require_GET
def templates(request: HttpRequest) -> HttpResponse:
    """Every text."""
    context = {"rows": all_templates(actor_of(request)), "now": current_time()}
    return render(request, "inbox/templates.html", context)


@require_http_methods(["GET", "POST"])
def template(request: HttpRequest, code: str) -> HttpResponse:
    """One text in English and Spanish, with what a patient would read beside it."""
    actor, now = actor_of(request), current_time()
    sheet = template_sheet(actor, code=code)
    form, status = TemplateForm(request.POST or None, sheet=sheet), 422
    if request.method == "POST" and form.is_valid() and "preview" not in request.POST:
        try:
            actions.edit_template(
                actor, code=code, texts=form.texts, expected_version=form.cleaned_data["version"], now=now
            )
        except (Forbidden, NotFound):
            raise
        except Stale as refusal:
            sheet = template_sheet(actor, code=code)
            form = TemplateForm(request.POST, sheet=sheet)
            if says_what_is_kept(form):
                return _saved(request)
            tell_against(form, version=sheet.version)
            form.add_error(None, refusal.sentence)
            status = refusal.status
        except Refusal as refusal:
            put_beside(form, refusal)
        else:
            return _saved(request)
    texts = form.texts if form.is_bound and form.is_valid() else sheet.texts
    context = {
        "sheet": sheet,
        "form": form,
        "previews": [shown(texts[language], language=language) for language in texts],
        "now": now,
    }
    return render(request, "inbox/template.html", context, status=status if form.errors else 200)


def _saved(request: HttpRequest) -> HttpResponse:
    said = _("Saved. New messages use it; what was written before keeps its words.")
    return done(request, said=said, to=reverse("inbox:templates"), go=True)


@require_POST
def template_restore(request: HttpRequest, code: str) -> HttpResponse:
    """The text as it came with Liaison."""
    actions.restore_template(actor_of(request), code=code, now=current_time())
    return done(request, said=_("As it came."), to=reverse("inbox:template", args=[code]), go=True)
