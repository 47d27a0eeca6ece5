"""What a resource says, as narrow rows for protocols and reports: a pure function of the received JSON.

Kinds of fact and what their columns hold:

| kind | code | starts_at – ends_at | value |
|---|---|---|---|
| encounter | class (IMP, AMB, EMER, OBSENC) | period | text: discharge disposition |
| encounter_type, encounter_reason | type, reason | period | |
| condition | code | onset (else recorded) – abatement | text: verification |
| observation | code, and one row for each component's code | effective | number and unit, or the coded or plain text |
| procedure, immunization, medication, allergy, plan, report, document, device, goal, referral | code | when | |
| death | | deceasedDateTime | |

`status` is the resource's own (for conditions and allergies the clinical one). What was entered in error or
refuted gives no fact at all (DOMAIN 4.1). One coding gives one row, so a diagnosis coded twice can be found
by either code; `first` marks the row to count by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from liaison.records.rules.dates import NO_SPAN, NoEnd, Span, When, lenient, span, why_no_end
from liaison.records.rules.shapes import Code, Json, codes, first_words, items, obj, objects, status_code, text

LONGEST_TEXT = 400

READERS_VERSION = 2
"""Of all readers, facts and headlines: whoever changes what one of them gives adds one, and the worker reads every
kept resource again (`records.jobs`)."""


class FactRow(NamedTuple):
    """One fact; see the table above. `starts_at` may be unknown; codes without a system have an empty one."""

    kind: str
    status: str
    code_system: str
    code: str
    starts_at: datetime | None
    ends_at: datetime | None
    value_number: Decimal | None
    value_text: str
    unit: str
    first: bool


class Value(NamedTuple):
    """A measured or coded value."""

    number: Decimal | None = None
    said: str = ""
    unit: str = ""


NO_VALUE = Value()
NO_CODE = (Code("", "", ""),)


def facts_of(resource: Json) -> tuple[FactRow, ...]:
    """The facts of one resource, in a fixed order; empty for types that protocols don't read."""
    read = _READERS.get(str(resource.get("resourceType")))
    if read is None or _withdrawn(resource):
        return ()
    return tuple(read(resource))


def _withdrawn(resource: Json) -> bool:
    verified = status_code(resource.get("verificationStatus"))
    return resource.get("status") == "entered-in-error" or verified in {"entered-in-error", "refuted"}


def _rows(
    kind: str, concept: object, *, status: str = "", when: Span = NO_SPAN, value: Value = NO_VALUE
) -> Iterator[FactRow]:
    for index, code in enumerate(codes(concept) or NO_CODE):
        yield FactRow(
            kind, status[:40], code.system, code.code,
            when.start.at if when.start else None, when.end.at if when.end else None,
            value.number, value.said[:LONGEST_TEXT], value.unit[:60], index == 0,
        )  # fmt: skip


def _at(*values: object) -> Span:
    """A moment: the first of these that is a date."""
    for value in values:
        when = lenient(value)
        if when is not None:
            return Span(when, None)
    return NO_SPAN


def when_of(resource: Json, name: str) -> Span:
    """A FHIR choice of time: `effectiveDateTime`, `effectivePeriod`, `effectiveInstant`."""
    for ending in ("DateTime", "Instant", "Date"):
        if (moment := _at(resource.get(name + ending))) != NO_SPAN:
            return moment
    return span(resource.get(name + "Period"))


def _patient(resource: Json) -> Iterator[FactRow]:
    died = _at(resource.get("deceasedDateTime"))
    if died.start or resource.get("deceasedBoolean") is True:
        yield from _rows("death", None, when=died)


def _encounter(resource: Json) -> Iterator[FactRow]:
    status, when = text(resource.get("status")), span(resource.get("period"))
    if status == "finished" and why_no_end(resource.get("period")) is NoEnd.BEFORE_START:
        when = NO_SPAN  # one of the two is wrong, and nobody knows which: it says nothing of another stay either
    left = status_code(obj(resource.get("hospitalization")).get("dischargeDisposition"))
    yield from _rows("encounter", resource.get("class"), status=status, when=when, value=Value(said=left))
    for kind in items(resource.get("type")):
        yield from _rows("encounter_type", kind, status=status, when=when)
    for reason in items(resource.get("reasonCode")):
        yield from _rows("encounter_reason", reason, status=status, when=when)


STAY_CLASSES = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC"})
"""Classes of a hospital stay (HL7 v3 ActEncounterCode): inpatient, acute or not, and observation.

The same as transitional care follows (a protocol of `pathways`, whose tests hold the two together)."""


def why_stay_has_no_end(resource: Json) -> NoEnd | None:
    """Why nobody could say when this finished hospital stay ended; None for one that says so and anything else."""
    stay = resource.get("resourceType") == "Encounter" and resource.get("status") == "finished"
    if not stay or text(obj(resource.get("class")).get("code")) not in STAY_CLASSES:
        return None
    return why_no_end(resource.get("period"))


def _condition(resource: Json) -> Iterator[FactRow]:
    began = when_of(resource, "onset")
    start = began.start or _at(resource.get("recordedDate")).start
    ended = when_of(resource, "abatement")
    when = Span(start, ended.start or ended.end)
    verified = status_code(resource.get("verificationStatus"))
    status = status_code(resource.get("clinicalStatus"))
    yield from _rows("condition", resource.get("code"), status=status, when=when, value=Value(said=verified))


def _allergy(resource: Json) -> Iterator[FactRow]:
    when = when_of(resource, "onset")
    when = when if when.start else _at(resource.get("recordedDate"))
    status = status_code(resource.get("clinicalStatus"))
    value = Value(said=text(resource.get("criticality")))
    yield from _rows("allergy", resource.get("code"), status=status, when=when, value=value)


def value_of(holder: Json) -> Value:
    """The value of an Observation or of one of its components."""
    quantity = obj(holder.get("valueQuantity"))
    if quantity:
        unit = text(quantity.get("code")) or text(quantity.get("unit"))
        return Value(_decimal(quantity.get("value")), text(quantity.get("comparator")), unit)
    if (whole := _decimal(holder.get("valueInteger"))) is not None:
        return Value(whole)
    concept = holder.get("valueCodeableConcept")
    if concept is not None:
        found = codes(concept)
        return Value(said=found[0].code if found else first_words(concept))
    if isinstance(holder.get("valueBoolean"), bool):
        return Value(said="true" if holder["valueBoolean"] else "false")
    return Value(said=text(holder.get("valueString")) or text(holder.get("valueDateTime")))


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _observation(resource: Json) -> Iterator[FactRow]:
    status, when = text(resource.get("status")), when_of(resource, "effective")
    when = when if when.start else _at(resource.get("issued"))
    yield from _rows("observation", resource.get("code"), status=status, when=when, value=value_of(resource))
    for part in objects(resource.get("component")):
        yield from _rows("observation", part.get("code"), status=status, when=when, value=value_of(part))


def _procedure(resource: Json) -> Iterator[FactRow]:
    status = text(resource.get("status"))
    yield from _rows("procedure", resource.get("code"), status=status, when=when_of(resource, "performed"))


def _immunization(resource: Json) -> Iterator[FactRow]:
    status = text(resource.get("status"))
    when = when_of(resource, "occurrence")
    yield from _rows("immunization", resource.get("vaccineCode"), status=status, when=when)


def _medication(resource: Json) -> Iterator[FactRow]:
    status = text(resource.get("status"))
    when = _at(resource.get("authoredOn"), resource.get("whenHandedOver"), resource.get("dateAsserted"))
    when = when if when.start else when_of(resource, "effective")
    value = Value(said=text(resource.get("intent")))
    yield from _rows("medication", medicine_of(resource), status=status, when=when, value=value)


def medicine_of(resource: Json) -> object:
    """The medicine as a concept: given directly, or that of the contained Medication it points at."""
    concept = resource.get("medicationCodeableConcept")
    if concept is not None:
        return concept
    reference = obj(resource.get("medicationReference"))
    target = text(reference.get("reference"))
    for held in objects(resource.get("contained")):
        if target == f"#{held.get('id')}":
            return held.get("code")
    return {"text": text(reference.get("display"))}


def _report(resource: Json) -> Iterator[FactRow]:
    when = when_of(resource, "effective")
    when = when if when.start else _at(resource.get("issued"))
    yield from _rows("report", resource.get("code"), status=text(resource.get("status")), when=when)


def _document(resource: Json) -> Iterator[FactRow]:
    yield from _rows(
        "document", resource.get("type"), status=text(resource.get("status")), when=_at(resource.get("date"))
    )


def _plan(resource: Json) -> Iterator[FactRow]:
    status, when = text(resource.get("status")), span(resource.get("period"))
    when = when if when.start else _at(resource.get("created"))
    for category in items(resource.get("category")) or [None]:
        yield from _rows("plan", category, status=status, when=when)


def _goal(resource: Json) -> Iterator[FactRow]:
    when = _at(resource.get("startDate"))
    yield from _rows("goal", resource.get("description"), status=text(resource.get("lifecycleStatus")), when=when)


def _device(resource: Json) -> Iterator[FactRow]:
    when = Span(lenient(resource.get("manufactureDate")), lenient(resource.get("expirationDate"), latest=True))
    yield from _rows("device", resource.get("type"), status=text(resource.get("status")), when=when)


def _referral(resource: Json) -> Iterator[FactRow]:
    when = _at(resource.get("authoredOn"))
    when = when if when.start else when_of(resource, "occurrence")
    value = Value(said=text(resource.get("intent")))
    yield from _rows("referral", resource.get("code"), status=text(resource.get("status")), when=when, value=value)


_READERS: dict[str, Callable[[Json], Iterator[FactRow]]] = {
    "AllergyIntolerance": _allergy,
    "CarePlan": _plan,
    "Condition": _condition,
    "Device": _device,
    "DiagnosticReport": _report,
    "DocumentReference": _document,
    "Encounter": _encounter,
    "Goal": _goal,
    "Immunization": _immunization,
    "MedicationDispense": _medication,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "Observation": _observation,
    "Patient": _patient,
    "Procedure": _procedure,
    "ServiceRequest": _referral,
}

__all__ = ["FactRow", "Value", "When", "facts_of", "medicine_of", "value_of", "when_of"]
