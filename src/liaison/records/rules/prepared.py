"""Everything that is read from one resource before it is stored: a pure function, so that it can run ahead."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

import msgspec

from liaison.records.rules.facts import FactRow, facts_of
from liaison.records.rules.headlines import Headline, headline_of
from liaison.records.rules.intake import Received
from liaison.records.rules.references import identifiers_of, patient_references, references_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A received resource, and what it says.

    `digest` is the first half of the SHA-256 of the JSON without white space; `patient_references` name the
    patient, the likeliest first; `references` are all of them.
    """

    received: Received
    digest: uuid.UUID
    headline: Headline
    facts: tuple[FactRow, ...]
    patient_references: tuple[str, ...]
    references: frozenset[str]
    identifiers: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, str]:
        """Type and id."""
        return self.received.resource_type, self.received.fhir_id

    @property
    def is_patient(self) -> bool:
        """Whether this is a Patient."""
        return self.received.resource_type == "Patient"


def prepare(received: Received) -> Prepared:
    """Read everything that will be stored about this resource."""
    value = received.value
    named = tuple(patient_references(value))
    return Prepared(
        received=received,
        digest=digest_of(received.body),
        headline=headline_of(value),
        facts=facts_of(value),
        patient_references=named,
        references=frozenset(references_in(received.body)).union(named),
        identifiers=tuple(identifiers_of(value)),
    )


def digest_of(body: bytes) -> uuid.UUID:
    """The first half of the SHA-256 of the JSON without white space."""
    return uuid.UUID(bytes=hashlib.sha256(msgspec.json.format(body, indent=-1)).digest()[:16])
