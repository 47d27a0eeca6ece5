"""Changing a text that goes to patients: a new version in every language, or the text as it came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from liaison.core.act import act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.keys import hold_key
from liaison.core.refusals import NotFound, Refusal, Stale
from liaison.inbox import access
from liaison.inbox.models import Template
from liaison.inbox.queries.templates import allowed_in, wording_for
from liaison.inbox.rules.channels import Channel
from liaison.inbox.rules.editing import Text, problems_of
from liaison.inbox.wording import LANGUAGES, catalogue

EDITED_FROM: Final = 1_001
"""Versions from here on are an organization's own; those below come with Liaison."""


class TextWrong(Refusal):
    """A text can't go to patients like this; `fields` name the language and the part, as in "es_body"."""

    code = "inbox.text_wrong"
    sentence = "This text can't go to patients yet. Correct what is marked and save again."


def edit_template(actor: Actor, *, code: str, texts: Mapping[str, Text], expected_version: int, now: datetime) -> int:
    """Put new texts in force, in every language at once; returns their version.

    What waits or was sent keeps its words. Every site uses them, so it wants a role held everywhere. Refuses
    Forbidden, NotFound, Stale (`expected_version` is no longer in force), TextWrong.
    """
    with act(actor, access.EDIT_TEMPLATES, site_id=EVERYWHERE, now=now) as entry:
        hold_key(f"template:{code}")
        _refuse_wrong(code, texts)
        if max(_version(code, language) for language in LANGUAGES) != expected_version:
            raise Stale
        last = Template.objects.filter(code=code, edited_at__isnull=False).order_by("-version").first()
        version = last.version + 1 if last else EDITED_FROM
        for language in LANGUAGES:
            row = Template.objects.create(
                code=code,
                version=version,
                channel=Channel.EMAIL,
                language=language,
                category=catalogue()[code, language].category,
                subject=texts[language].subject.strip(),
                body=texts[language].body.replace("\r\n", "\n").strip() + "\n",
                required_fields=sorted(catalogue()[code, language].required),
                approved_at=now,
                edited_at=now,
                edited_by_id=actor.user_id,
                edited_by_name=actor.name,
            )
        entry.about(row)
        entry.note(template=code, version=version)
    return version


def restore_template(actor: Actor, *, code: str, now: datetime) -> None:
    """Put the text as it came in force again; the edited ones stay to be read. Refuses Forbidden, NotFound."""
    with act(actor, access.EDIT_TEMPLATES, site_id=EVERYWHERE, now=now) as entry:
        if (code, "en") not in catalogue():
            raise NotFound
        hold_key(f"template:{code}")
        Template.objects.filter(code=code, edited_at__isnull=False, retired_at=None).update(retired_at=now)
        entry.note(template=code, version="as it came")


def _refuse_wrong(code: str, texts: Mapping[str, Text]) -> None:
    original = catalogue().get((code, "en"))
    if original is None or set(texts) != set(LANGUAGES):
        raise NotFound
    required = original.required | ({"text"} if original.free_text else frozenset())
    wrong = {
        f"{language}_{part}": sentence
        for language in LANGUAGES
        for part, sentence in problems_of(texts[language], required=required, allowed=allowed_in(code)).items()
    }
    if wrong:
        raise TextWrong(fields=wrong)


def _version(code: str, language: str) -> int:
    wording = wording_for(code, language)
    return wording.version if wording else 0
