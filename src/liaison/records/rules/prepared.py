"""Everything that is read from one resource when it is stored."""

from __future__ import annotations

import hashlib
import uuid
from functools import cached_property

import msgspec

from liaison.records.rules.facts import FactRow, facts_of
from liaison.records.rules.headlines import Headline, headline_of
from liaison.records.rules.intake import Received
from liaison.records.rules.references import identifiers_of, patient_references, references_in


class Prepared:
    """A received resource, and what it says; each part is read when it is first asked for, and then kept.

    So the reading of one resource happens while the database stores the one before.
    """

    def __init__(self, received: Received) -> None:
        self.received = received
        self.key = (received.resource_type, received.fhir_id)

    @property
    def is_patient(self) -> bool:
        """Whether this is a Patient."""
        return self.received.resource_type == "Patient"

    @cached_property
    def digest(self) -> uuid.UUID:
        """The first half of the SHA-256 of the JSON without white space."""
        return digest_of(self.received.body)

    @cached_property
    def headline(self) -> Headline:
        """Its line on the timeline."""
        return headline_of(self.received.value)

    @cached_property
    def facts(self) -> tuple[FactRow, ...]:
        """What protocols read."""
        return facts_of(self.received.value)

    @cached_property
    def patient_references(self) -> tuple[str, ...]:
        """The references that may name its patient, the likeliest first."""
        return tuple(patient_references(self.received.value))

    @cached_property
    def references(self) -> frozenset[str]:
        """Every reference it holds."""
        return frozenset(references_in(self.received.body)).union(self.patient_references)

    @cached_property
    def identifiers(self) -> tuple[tuple[str, str], ...]:
        """The (system, value) pairs by which others may point at it."""
        return tuple(identifiers_of(self.received.value))


def digest_of(body: bytes) -> uuid.UUID:
    """The first half of the SHA-256 of the JSON without white space."""
    return uuid.UUID(bytes=hashlib.sha256(msgspec.json.format(body, indent=-1)).digest()[:16])
