"""What a message to a patient would say, and where it would go, before anything is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from liaison.core.templatetags.liaison import phone
from liaison.inbox.queries.reach import reach_of
from liaison.inbox.queries.templates import wording_for
from liaison.inbox.rules.channels import Address, Category, Channel, Why, choose_address
from liaison.inbox.rules.rendering import (
    USUAL_NUMBER,
    Missing,
    Rendered,
    Value,
    about_patient,
    language_of,
    render,
)
from liaison.inbox.wording import Wording
from liaison.patients.models import Patient


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A text filled for one patient, and the address it would go to or why there is none."""

    address: Address | Why
    category: Category
    wording: Wording
    text: Rendered | Missing


def letter_for(
    patient: Patient,
    *,
    template: str,
    context: Mapping[str, Value],
    now: datetime,
    channel: Channel = Channel.EMAIL,
    language: str = "",
) -> Letter | None:
    """The letter under a template's code, in `language` if given, else the reader's; None for an unknown code.

    A proxy who receives it is greeted by name, in their language, and told about whom it is. A `phone` of the context
    that is blank says that there is none, and is put in words; without one in it the text lacks it.
    """
    usual_language = patient.written_language or patient.spoken_language
    wording = wording_for(template, language_of(language or usual_language))
    if wording is None:
        return None
    kind = Category(wording.category)
    address = address_for(patient, channel=channel, category=kind, now=now)
    proxy = address.proxy if isinstance(address, Address) else ""
    if isinstance(address, Address) and address.language and not language:
        wording = wording_for(template, language_of(address.language)) or wording
    values = {**usual_fields(patient), **context, **({"called_as": proxy} if proxy else {})}
    unsaid = USUAL_NUMBER[wording.language] if "phone" in context else ""
    values["phone"] = phone(str(values["phone"] or "")) or unsaid
    text = render(
        subject=wording.subject, body=wording.body, required=wording.required, context=values, language=wording.language
    )
    if proxy and isinstance(text, Rendered):
        body = about_patient(text.body, name=patient.goes_by, language=wording.language)
        text = Rendered(subject=text.subject, body=body)
    return Letter(address=address, category=kind, wording=wording, text=text)


def address_for(patient: Patient, *, channel: Channel, category: Category, now: datetime) -> Address | Why:
    """Where a message of this channel and category may go, by what is known of the patient now."""
    on = patient.day_at(now)
    return choose_address(reach_of(patient, on=on), channel=channel, category=category, on=on)


def usual_fields(patient: Patient) -> dict[str, Value]:
    """What every text may say without being told: how they are called, the organization, the site and its phone."""
    site = patient.home_site()
    return {
        "called_as": patient.goes_by,
        "org": settings.LIAISON_ORGANIZATION,
        "site": site.name if site else "",
        "address": site.address if site else "",
        "phone": site.number_to_call() if site else "",
    }
