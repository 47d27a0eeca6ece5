"""Filing a document in a patient's chart, and taking out one that was filed by mistake."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from liaison.core.act import act
from liaison.core.actor import Actor
from liaison.core.keys import hold_key
from liaison.core.live import announce
from liaison.core.refusals import Conflict, NotFound, Refusal
from liaison.patients.models import Patient
from liaison.records import access
from liaison.records.actions import tables
from liaison.records.actions.tables import ResourceRow
from liaison.records.events import ChartChanged
from liaison.records.models import Resource, Source
from liaison.records.rules.documents import Filing, binary, document_reference
from liaison.records.rules.files import Sound
from liaison.records.rules.intake import receive
from liaison.records.rules.prepared import Prepared

OURS: Final = "liaison"
"""The system of what was filed here."""

FILED: Final = "filed"
ENTERED_IN_ERROR: Final = "entered-in-error"
_NAMES: Final = uuid.UUID("b3f0e5c4-64d8-4d49-9a3e-0c5f5c8c4c0e")


class SayWhatItIs(Refusal):
    """A document without a title is never found again."""

    code = "records.say_what_it_is"
    sentence = "Give it a title by which a colleague will find it."
    field = "title"


class DatedInTheFuture(Refusal):
    """The date on it has not come."""

    code = "records.dated_in_the_future"
    sentence = "The date of a document can't be in the future."
    field = "dated_on"


class AlreadyFiled(Conflict):
    """The same file is in this chart."""

    code = "records.already_filed"
    sentence = "This very file is in the chart already."

    def __init__(self, *, title: str = "") -> None:
        sentence = f"This very file is in the chart already, as “{title}”." if title else self.sentence
        super().__init__(sentence, fields={"file": sentence})


_SAID: Final = ("subject", "type", "author", "description", "content")
"""What of a DocumentReference the form says: the bytes (by their hash), whose, what, by whom, of which day."""


class FormUsed(Conflict):
    """The same form filed another document, or one for somebody else."""

    code = "records.form_used"
    sentence = "This form was used for another document already. Open it again and file this one once more."


class SayWhyTakenOut(Refusal):
    """A document is taken out without a reason."""

    code = "records.say_why_taken_out"
    sentence = "Say why it does not belong here: whoever read it must understand."
    field = "reason"


def file_document(
    actor: Actor, *, patient: Patient, file: Sound, filing: Filing, idempotency_key: str, now: datetime
) -> Resource:
    """File a checked file in a patient's chart, as a DocumentReference and a Binary; returns the former.

    The same key again returns the same document. Refuses Forbidden, NotFound, SayWhatItIs, DatedInTheFuture,
    AlreadyFiled (these bytes, in this chart), FormUsed.
    """
    with act(actor, access.FILE_DOCUMENT, patient=patient, now=now) as entry:
        hold_key(f"records:{idempotency_key}")
        fhir_id = str(uuid.uuid5(_NAMES, idempotency_key))
        subject, binary_id = f"Patient/{patient.pk}", str(uuid.uuid5(_NAMES, f"{idempotency_key}:bytes"))
        filing = Filing(
            kind=filing.kind, title=filing.title.strip(), dated_on=filing.dated_on, source=filing.source.strip()
        )
        reference = document_reference(
            file, fhir_id=fhir_id, binary_id=binary_id, patient=subject, filing=filing, filed_at=now
        )
        known = Resource.objects.filter(system=OURS, resource_type="DocumentReference", fhir_id=fhir_id).first()
        if known is not None:
            if any(known.body.get(said) != reference.get(said) for said in _SAID):
                raise FormUsed
            entry.about(known)
            entry.note(repeated=True)
            return known
        _check(patient, filing=filing, now=now)
        _refuse_twice(patient, reference)
        bodies = [binary(file, fhir_id=binary_id, patient=subject), reference]
        _, document_id = _keep(bodies, name=file.name, patient_id=patient.pk, actor=actor, now=now)
        document = Resource.objects.get(pk=document_id)
        entry.about(document)
        entry.note(kind=filing.kind, media_type=file.media_type, bytes=len(file.content))
        entry.publish(ChartChanged(patient_ids=(patient.pk,), at=now))
        announce(topic=f"patient:{patient.pk}", what="document")
    return document


def take_out_document(actor: Actor, *, resource_id: int, reason: str, now: datetime) -> None:
    """A document was filed here by mistake: it leaves the timeline, and its earlier version stays in its history.

    Only one that was filed in Liaison; what another system sent, that system must correct. Refuses Forbidden,
    NotFound, SayWhyTakenOut.
    """
    patients = Patient.objects.visible_to(actor, now=now)
    seen = Resource.objects.filter(
        pk=resource_id, system=OURS, resource_type="DocumentReference", patient__in=patients
    )  # fmt: skip
    document = seen.select_related("patient").first()
    if document is None or document.patient is None:
        raise NotFound
    with act(
        actor, access.TAKE_OUT_DOCUMENT, patient=document.patient, subject=document, reason=reason, now=now
    ) as entry:
        if not reason.strip():
            raise SayWhyTakenOut
        document = Resource.objects.select_for_update(of=("self",)).get(pk=resource_id)
        if document.status == ENTERED_IN_ERROR:
            entry.note(repeated=True)
            return
        tables.keep_earlier([document.pk], now=now)
        body = {**document.body, "status": ENTERED_IN_ERROR}
        source = _source([body], name="taken out", actor=actor, now=now)
        row = _row(_prepared(body), source=source, patient_id=document.patient_id, now=now)
        tables.replace_resources([(document.pk, row)])
        entry.about(Resource.objects.get(pk=document.pk))
        entry.publish(ChartChanged(patient_ids=(document.patient_id or 0,), at=now))
        announce(topic=f"patient:{document.patient_id}", what="document")


def _check(patient: Patient, *, filing: Filing, now: datetime) -> None:
    if not filing.title.strip():
        raise SayWhatItIs
    if filing.dated_on > patient.day_at(now):
        raise DatedInTheFuture


def _refuse_twice(patient: Patient, reference: dict[str, Any]) -> None:
    """The same bytes in the same chart are a slip, unless the first was taken out."""
    attachment = reference["content"][0]["attachment"]
    same = {"content": [{"attachment": {"hash": attachment["hash"], "size": attachment["size"]}}]}
    kept = Resource.objects.filter(patient=patient, system=OURS, kind="document", body__contains=same)
    found = kept.exclude(status=ENTERED_IN_ERROR).first()
    if found is not None:
        raise AlreadyFiled(title=found.title)


def _keep(
    bodies: Sequence[dict[str, Any]], *, name: str, patient_id: int, actor: Actor, now: datetime
) -> Sequence[int]:
    """Store resources of one patient from one filing; their ids in the same order."""
    source = _source(bodies, name=name, actor=actor, now=now)
    prepared = [_prepared(body) for body in bodies]
    ids = tables.new_ids(len(prepared))
    pairs = list(zip(ids, prepared, strict=True))
    tables.add_resources((pk, _row(one, source=source, patient_id=patient_id, now=now)) for pk, one in pairs)
    tables.add_facts((patient_id, pk, fact) for pk, one in pairs for fact in one.facts)
    return ids


def _source(bodies: Sequence[dict[str, Any]], *, name: str, actor: Actor, now: datetime) -> Source:
    stored = json.dumps([bodies, now.isoformat()], ensure_ascii=False).encode()
    return Source.objects.create(
        system=OURS,
        kind=FILED,
        name=name[:500],
        sha256=hashlib.sha256(stored).hexdigest(),
        received_at=now,
        received_by=actor.name[:200],
        counts={body["resourceType"]: {"new": 1} for body in bodies},
    )


def _prepared(body: dict[str, Any]) -> Prepared:
    return Prepared(receive(json.dumps(body, ensure_ascii=False).encode(), path="$"))


def _row(one: Prepared, *, source: Source, patient_id: int | None, now: datetime) -> ResourceRow:
    came = one.received
    return ResourceRow(
        OURS, came.resource_type, came.fhir_id, "", 1, came.body.decode(), one.digest, source.pk, now, patient_id,
        one.headline,
    )  # fmt: skip
