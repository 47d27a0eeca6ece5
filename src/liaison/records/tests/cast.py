"""The cast, and files to take in."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from liaison.accounts.access import Role
from liaison.accounts.models import Assignment, Site, User
from liaison.core.actor import Actor
from liaison.core.postgres.guard import writes_open
from liaison.records.actions import ImportSummary, import_files

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Rosa coordinates at Riverside, Pat at Hillside; Carla is the records clerk of Riverside."""

    riverside: Site
    hillside: Site
    rosa: Actor
    pat: Actor
    carla: Actor

    def take_in(self, *paths: Path, **more: Any) -> ImportSummary:
        """Carla takes files in."""
        return import_files(self.carla, paths=paths, now=more.pop("now", NOW), site=self.riverside, **more)


def gather() -> Cast:
    """Put everyone at their desks."""
    with writes_open():
        riverside = Site.objects.create(code="riverside", name="Riverside", time_zone="America/New_York")
        hillside = Site.objects.create(code="hillside", name="Hillside", time_zone="America/Phoenix")
        return Cast(
            riverside=riverside,
            hillside=hillside,
            rosa=_person("Rosa Delgado", Role.COORDINATOR, riverside),
            pat=_person("Pat Lind", Role.COORDINATOR, hillside),
            carla=_person("Carla Voss", Role.RECORDS_CLERK, riverside),
        )


def _person(name: str, role: Role, site: Site) -> Actor:
    user = User.objects.create(email=f"{name.split(maxsplit=1)[0].lower()}@clinic.example", name=name, password="!")
    Assignment.objects.create(user=user, role=role, site=site, starts_at=NOW - timedelta(days=400))
    return Actor(user_id=user.pk, name=name, assignments=frozenset({(str(role), site.pk)}))


def write(path: Path, content: Any, *, gz: bool = False) -> Path:
    """A file of JSON (or of the given text or bytes)."""
    data = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content))
    raw = data if isinstance(data, bytes) else data.encode()
    path.write_bytes(gzip.compress(raw) if gz else raw)
    return path


def bundle(*resources: dict[str, Any], kind: str = "transaction", urls: tuple[str, ...] = ()) -> dict[str, Any]:
    """A bundle of these resources; `urls` are their fullUrls, else labels: `urn:uuid:` and the id."""
    entries = []
    for index, resource in enumerate(resources):
        url = urls[index] if index < len(urls) else f"urn:uuid:{resource.get('id', index)}"
        entries.append({"fullUrl": url, "resource": resource})
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def walter(**more: Any) -> dict[str, Any]:
    """Walter Ng as a Patient resource."""
    return {
        "resourceType": "Patient",
        "id": "walter",
        "identifier": [{"system": "urn:mrn", "value": "W1"}],
        "name": [{"use": "official", "family": "Ng", "given": ["Walter"]}],
        "gender": "male",
        "birthDate": "1941-07-09",
        **more,
    }


def observation(**more: Any) -> dict[str, Any]:
    """A haemoglobin A1c of Walter's."""
    return {
        "resourceType": "Observation",
        "id": "a1c",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}]},
        "subject": {"reference": "Patient/walter"},
        "effectiveDateTime": "2026-02-20T09:30:00-05:00",
        "valueQuantity": {"value": 6.80, "unit": "%", "code": "%"},
        **more,
    }
