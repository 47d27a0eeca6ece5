"""How a patient is reached, as the rules want to see it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from liaison.inbox.models import Preference
from liaison.inbox.rules.channels import Category, Channel, ProxyPoint, Reach, Standing
from liaison.patients.models import ContactPoint, Patient, PatientSite, Proxy
from liaison.patients.ports import Line
from liaison.patients.queries.band import line_of

RECEIVES = {
    Category.APPOINTMENT: frozenset({"schedule", "messages"}),
    Category.CLINICAL: frozenset({"clinical"}),
    Category.BILLING: frozenset({"billing"}),
}
"""Which scopes of a proxy (`patients.rules.Scope`) cover which category of message; surveys and marketing: none."""


def reach_of(patient: Patient, *, on: date) -> Reach:
    """All that decides where a message to this patient may go. Reads nothing that the caller does not hold already."""
    points = ContactPoint.objects.filter(patient=patient, retired_at=None).order_by("pk")
    proxies = Proxy.objects.filter(patient=patient).order_by("pk")
    said = Preference.objects.filter(patient=patient).order_by("pk")
    return Reach(
        deceased=patient.is_deceased,
        age=_age(patient.birth_on, on=on),
        lines=tuple(_line(point) for point in points),
        proxies=tuple(one for proxy in proxies for one in _proxy_points(proxy)),
        standings=tuple((Channel(row.channel), Category(row.category), Standing(row.standing)) for row in said),
    )


def zones_of(patient: Patient) -> tuple[ZoneInfo, ...]:
    """The time zones that the patient may be in: those of their sites, the home site's first."""
    links = PatientSite.objects.select_related("site").filter(patient=patient).order_by("-is_home", "pk")
    return tuple(dict.fromkeys(link.site.zone for link in links))


def _line(row: ContactPoint) -> Line:
    """A contact point as it is written to: a mail address with the letters that they gave us."""
    return replace(line_of(row), value=row.value_key if row.kind == "phone" else row.value.strip())


def _proxy_points(proxy: Proxy) -> list[ProxyPoint]:
    values = {"email": proxy.email, "phone": proxy.phone}
    return [
        ProxyPoint(
            name=proxy.name,
            kind=kind,
            value=value,
            starts_on=proxy.starts_on,
            ends_on=proxy.ends_on,
            receives=frozenset(category for category, scopes in RECEIVES.items() if scopes & set(proxy.scope)),
            language=proxy.language,
        )
        for kind, value in values.items()
        if value
    ]


def _age(birth_on: date | None, *, on: date) -> int | None:
    if birth_on is None:
        return None
    return on.year - birth_on.year - ((on.month, on.day) < (birth_on.month, birth_on.day))
