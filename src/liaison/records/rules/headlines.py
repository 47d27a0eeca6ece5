"""One line about a resource for the timeline: when, what kind, a title, a little detail. A pure function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from liaison.records.rules.dates import Span, lenient, span
from liaison.records.rules.facts import medicine_of, when_of
from liaison.records.rules.shapes import Json, first_words, items, obj, objects, status_code, text, words
from liaison.records.rules.units import unit_in_words

LONGEST_TITLE = 200
LONGEST_DETAIL = 300

KINDS = {
    "AllergyIntolerance": "condition",
    "Appointment": "booking",
    "CarePlan": "plan",
    "Communication": "message",
    "Condition": "condition",
    "Device": "other",
    "DiagnosticReport": "result",
    "DocumentReference": "document",
    "Encounter": "visit",
    "Goal": "plan",
    "ImagingStudy": "result",
    "Immunization": "immunization",
    "MedicationAdministration": "medication",
    "MedicationDispense": "medication",
    "MedicationRequest": "medication",
    "MedicationStatement": "medication",
    "Observation": "result",
    "Procedure": "procedure",
    "QuestionnaireResponse": "document",
    "ServiceRequest": "referral",
    "Media": "document",
}
"""The timeline's kind for each type; types that are not here (claims, provenance …) are not on the timeline."""

CLASSES = {
    "AMB": "Outpatient visit",
    "EMER": "Emergency visit",
    "HH": "Home health visit",
    "IMP": "Hospital stay",
    "ACUTE": "Hospital stay",
    "NONAC": "Hospital stay",
    "OBSENC": "Hospital observation",
    "PRENC": "Pre-admission",
    "SS": "Short stay",
    "VR": "Virtual visit",
}


class Headline(NamedTuple):
    """`kind` is empty for what the timeline does not show. `at` is None when the resource says no time."""

    kind: str
    at: datetime | None
    date_only: bool
    title: str
    detail: str
    status: str


def headline_of(resource: Json) -> Headline:
    """The line about one resource; a resource of an odd shape gets its type as title."""
    resource_type = str(resource.get("resourceType"))
    title, detail = _TELLERS.get(resource_type, _plain)(resource)
    when = _when(resource).start
    return Headline(
        kind=KINDS.get(resource_type, ""),
        at=when.at if when else None,
        date_only=bool(when and when.date_only),
        title=(title or resource_type)[:LONGEST_TITLE],
        detail=detail[:LONGEST_DETAIL],
        status=_status(resource)[:40],
    )


_CHOICES = ("effective", "performed", "occurrence", "onset")
_PLAIN_TIMES = (
    "authoredOn", "started", "recordedDate", "date", "issued", "sent", "authored", "created", "whenHandedOver",
    "startDate", "dateAsserted", "start", "manufactureDate",
)  # fmt: skip


def _when(resource: Json) -> Span:
    if resource.get("resourceType") == "DocumentReference":  # the document's own date, not that of its filing
        written = (lenient(obj(part.get("attachment")).get("creation")) for part in objects(resource.get("content")))
        when = next((one for one in written if one), None)
        if when:
            return Span(when, None)
    found = span(resource.get("period"))
    if found.start:
        return found
    for name in _CHOICES:
        found = when_of(resource, name)
        if found.start:
            return found
    for name in _PLAIN_TIMES:
        when = lenient(resource.get(name))
        if when:
            return Span(when, None)
    return Span(None, None)


def _status(resource: Json) -> str:
    return (
        text(resource.get("status"))
        or status_code(resource.get("clinicalStatus"))
        or text(resource.get("lifecycleStatus"))
    )


def number(value: object) -> str:
    """A number as a person reads it: at most four significant decimals, never an exponent."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return ""
    exact = Decimal(str(value))
    short = exact if abs(exact) >= 10_000 else round(exact, 2 if abs(exact) >= 1 else 4)
    said = f"{short:f}"
    digits = len(said.split(".")[1]) if "." in said else 0
    original = max(0, -int(exact.as_tuple().exponent))
    return said if digits <= original else f"{exact:f}"


def value_in_words(holder: Json) -> str:
    """The value of an observation or component: `6.8 %`, `Never smoked`, `positive`."""
    quantity = obj(holder.get("valueQuantity"))
    if quantity:
        unit = unit_in_words(text(quantity.get("unit")) or text(quantity.get("code")))
        return f"{text(quantity.get('comparator'))}{number(quantity.get('value'))} {unit}".strip()
    for name in ("valueCodeableConcept", "dataAbsentReason"):
        if said := words(holder.get(name)):
            return said
    if isinstance(holder.get("valueBoolean"), bool):
        return "yes" if holder["valueBoolean"] else "no"
    return text(holder.get("valueString")) or number(holder.get("valueInteger")) or text(holder.get("valueDateTime"))


def _named(field: str, *details: str) -> Callable[[Json], tuple[str, str]]:
    """A teller: the concept in `field`, and whatever words the `details` fields hold."""

    def tell(resource: Json) -> tuple[str, str]:
        said = (_said(resource.get(name)) for name in details)
        return first_words(resource.get(field)), " · ".join(part for part in said if part)

    return tell


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return first_words(value)


def _plain(resource: Json) -> tuple[str, str]:
    concepts = (resource.get(name) for name in ("code", "type", "category"))
    return first_words(*(concept for concept in concepts if not isinstance(concept, str))), ""


def _encounter(resource: Json) -> tuple[str, str]:
    setting = CLASSES.get(text(obj(resource.get("class")).get("code")), "Visit")
    title = first_words(resource.get("type"), resource.get("serviceType")) or setting
    left = words(obj(resource.get("hospitalization")).get("dischargeDisposition"))
    details = (setting if title != setting else "", first_words(resource.get("reasonCode")), left)
    return title, " · ".join(part for part in details if part)


def _observation(resource: Json) -> tuple[str, str]:
    parts = [
        f"{words(part.get('code'))}: {value_in_words(part)}"
        for part in objects(resource.get("component"))
        if value_in_words(part)
    ]
    own = value_in_words(resource)
    return words(resource.get("code")), " · ".join(part for part in (own, *parts) if part)


def _report(resource: Json) -> tuple[str, str]:
    names = [text(part.get("display")) for part in objects(resource.get("result"))]
    detail = text(resource.get("conclusion")) or ", ".join(name for name in names if name)
    return words(resource.get("code")), detail


def _medication(resource: Json) -> tuple[str, str]:
    doses = (text(dose.get("text")) for dose in objects(resource.get("dosageInstruction")))
    return words(medicine_of(resource)), " · ".join(dose for dose in doses if dose)


def _goal(resource: Json) -> tuple[str, str]:
    return words(resource.get("description")), words(resource.get("achievementStatus"))


def _plan(resource: Json) -> tuple[str, str]:
    steps = (words(obj(step.get("detail")).get("code")) for step in objects(resource.get("activity")))
    title = text(resource.get("title")) or first_words(resource.get("category"))
    return title, ", ".join(step for step in steps if step)


def _document(resource: Json) -> tuple[str, str]:
    title = text(resource.get("description")) or first_words(resource.get("type"), resource.get("category"))
    held = (text(obj(part.get("attachment")).get("title")) for part in objects(resource.get("content")))
    wrote = (text(obj(one).get("display")) for one in items(resource.get("author")))
    what = first_words(resource.get("type")) if resource.get("description") else ""
    return title, " · ".join(part for part in (what, *wrote, *held) if part)


def _imaging(resource: Json) -> tuple[str, str]:
    series = list(objects(resource.get("series")))
    title = text(resource.get("description")) or first_words(resource.get("procedureCode"))
    parts = (f"{words(one.get('modality'))} {words(one.get('bodySite'))}".strip() for one in series)
    said = ", ".join(dict.fromkeys(part for part in parts if part))
    return title or said or "Imaging", said if title else ""


def _message(resource: Json) -> tuple[str, str]:
    said = (text(part.get("contentString")) for part in objects(resource.get("payload")))
    title = first_words(resource.get("topic"), items(resource.get("category"))) or "Message"
    return title, " ".join(part for part in said if part)


_TELLERS: dict[str, Callable[[Json], tuple[str, str]]] = {
    "AllergyIntolerance": _named("code", "criticality"),
    "Appointment": _named("serviceType", "description"),
    "CarePlan": _plan,
    "Communication": _message,
    "Condition": _named("code"),
    "Device": _named("type"),
    "DiagnosticReport": _report,
    "DocumentReference": _document,
    "Encounter": _encounter,
    "Goal": _goal,
    "ImagingStudy": _imaging,
    "Immunization": _named("vaccineCode"),
    "MedicationAdministration": _medication,
    "MedicationDispense": _medication,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "Observation": _observation,
    "Procedure": _named("code", "reasonCode"),
    "ServiceRequest": _named("code", "reasonCode"),
}
