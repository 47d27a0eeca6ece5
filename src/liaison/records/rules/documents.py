"""A filed document as FHIR R4: a DocumentReference that says what it is and a Binary that holds the bytes."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from liaison.records.rules.files import Sound

LOINC: Final = "http://loinc.org"


class DocumentKind(StrEnum):
    """What a document is."""

    REFERRAL = "referral"
    REPORT = "report"
    DISCHARGE = "discharge"
    LABORATORY = "laboratory"
    IMAGING = "imaging"
    INSURANCE = "insurance"
    CONSENT = "consent"
    DIRECTIVE = "directive"
    LETTER = "letter"
    OTHER = "other"


KINDS: Final[dict[DocumentKind, tuple[str, str]]] = {
    DocumentKind.REFERRAL: ("Referral note", "57133-1"),
    DocumentKind.REPORT: ("Consultation note", "11488-4"),
    DocumentKind.DISCHARGE: ("Discharge summary", "18842-5"),
    DocumentKind.LABORATORY: ("Laboratory report", "11502-2"),
    DocumentKind.IMAGING: ("Imaging report", "18748-4"),
    DocumentKind.INSURANCE: ("Insurance card", "64290-0"),
    DocumentKind.CONSENT: ("Consent", "59284-0"),
    DocumentKind.DIRECTIVE: ("Advance directive", "42348-3"),
    DocumentKind.LETTER: ("Letter", ""),
    DocumentKind.OTHER: ("Document", ""),
}
"""The words and the LOINC code of each kind; no code where none fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """What is said of a document when it is filed. `dated_on` is the date on it; `source` who sent or wrote it."""

    kind: DocumentKind
    title: str
    dated_on: date
    source: str = ""


def binary(file: Sound, *, fhir_id: str, patient: str) -> dict[str, Any]:
    """The Binary resource with the bytes; `patient` is the reference that says whose it is."""
    return {
        "resourceType": "Binary",
        "id": fhir_id,
        "contentType": file.media_type,
        "securityContext": {"reference": patient},
        "data": base64.b64encode(file.content).decode("ascii"),
    }


def document_reference(
    file: Sound, *, fhir_id: str, binary_id: str, patient: str, filing: Filing, filed_at: datetime
) -> dict[str, Any]:
    """The DocumentReference. `hash` is the SHA-1 of the bytes, as FHIR R4 wants it: a checksum, not a proof."""
    words, code = KINDS[filing.kind]
    coding = {"coding": [{"system": LOINC, "code": code, "display": words}]} if code else {}
    sha1 = hashlib.sha1(file.content, usedforsecurity=False).digest()
    source = [{"display": filing.source}] if filing.source else []
    return {
        "resourceType": "DocumentReference",
        "id": fhir_id,
        "status": "current",
        "type": {**coding, "text": words},
        "subject": {"reference": patient},
        "date": filed_at.isoformat(timespec="seconds"),
        **({"author": source} if source else {}),
        "description": filing.title,
        "content": [
            {
                "attachment": {
                    "contentType": file.media_type,
                    "url": f"Binary/{binary_id}",
                    "size": len(file.content),
                    "hash": base64.b64encode(sha1).decode("ascii"),
                    "title": file.name,
                    "creation": filing.dated_on.isoformat(),
                }
            }
        ],
    }
