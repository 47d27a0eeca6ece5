"""The file behind a document: held inside it, or in a Binary of its own."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from liaison.core.actor import Actor
from liaison.core.audit import seen
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients.models import Patient
from liaison.records.access import READ_CHART, TAKE_OUT_DOCUMENT
from liaison.records.models import Resource
from liaison.records.rules.files import SHOWN_IN_PLACE, NotSound, clean_name, media_type_of
from liaison.records.rules.shapes import Json, obj, objects, text


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """What a document says of the file it holds; `size` in bytes, 0 when it does not say."""

    name: str
    media_type: str
    size: int

    @property
    def in_place(self) -> bool:
        """Whether a browser shows it by itself; by what is said of it, the bytes decide when it is fetched."""
        return self.media_type in SHOWN_IN_PLACE

    @property
    def is_picture(self) -> bool:
        """Whether it can stand in a page as a picture."""
        return self.in_place and self.media_type.startswith("image/")


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFile:
    """A file as it is handed out: `media_type` is what the bytes are, never what somebody said they were."""

    name: str
    media_type: str
    content: bytes

    @property
    def in_place(self) -> bool:
        """Whether a browser may show it; everything else is a download."""
        return self.media_type in SHOWN_IN_PLACE


def document_file(actor: Actor, *, resource_id: int, now: datetime) -> DocumentFile:
    """The bytes of a document in the chart of a patient. Refuses NotFound (also when nothing is held), Forbidden."""
    if not actor.may(READ_CHART):
        raise Forbidden
    patients = Patient.objects.visible_to(actor, READ_CHART, now=now)
    document = Resource.objects.filter(pk=resource_id, patient__in=patients, resource_type="DocumentReference").first()
    if document is None or document.patient_id is None:
        raise NotFound
    attachment = _attachment(document.body)
    content = _content(attachment, system=document.system, patient_id=document.patient_id)
    seen(document.patient_id)
    try:
        media_type = media_type_of(content)
    except NotSound:
        return DocumentFile(name="document.bin", media_type="application/octet-stream", content=content)
    name = clean_name(text(attachment.get("title")) or document.title, media_type=media_type)
    return DocumentFile(name=name, media_type=media_type, content=content)


def held_file(body: Any) -> HeldFile | None:
    """What a DocumentReference says of its file; None for other resources, and when it is kept elsewhere."""
    if obj(body).get("resourceType") != "DocumentReference":
        return None
    attachment = _attachment(obj(body))
    url = text(attachment.get("url"))
    if not attachment.get("data") and not url.startswith("Binary/"):
        return None
    size = attachment.get("size")
    media_type = text(attachment.get("contentType")).partition(";")[0].strip().lower()
    return HeldFile(
        name=text(attachment.get("title")) or media_type, media_type=media_type, size=size if type(size) is int else 0
    )


def may_take_out(actor: Actor, *, patient: Patient, system: str, status: str, now: datetime) -> bool:
    """Whether this person may take a document with this status out of this chart; only ours can be."""
    ours = system == "liaison" and status != "entered-in-error"
    return ours and patient.reachable_by(actor, TAKE_OUT_DOCUMENT, now=now)


def _attachment(body: Json) -> Json:
    """The first attachment."""
    return next((obj(part.get("attachment")) for part in objects(body.get("content"))), {})


def _content(attachment: Json, *, system: str, patient_id: int) -> bytes:
    data = text(attachment.get("data"))
    if not data:
        kind, _, key = text(attachment.get("url")).partition("/")
        # Only this patient's own, whatever a document claims: a Binary of nobody has no chart to be read from.
        binaries = Resource.objects.filter(system=system, resource_type="Binary", fhir_id=key)
        held = binaries.filter(patient_id=patient_id).first() if kind == "Binary" else None
        data = text(obj(held.body).get("data")) if held else ""
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise NotFound from None
    if not content:
        raise NotFound
    return content
