"""Changes that actions refuse before they begin: the trail names who tried what with whom."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from tests import sentinel_world


@pytest.mark.django_db
def test_what_is_refused_on_the_pages_before_any_act_stands_in_the_trail_with_its_patient() -> None:
    world = sentinel_world.build(now=current_time())
    rosa = Client()
    rosa.force_login(world.people["coordinator"], backend=settings.AUTHENTICATION_BACKENDS[-1])
    tomorrow = reverse("scheduling:attend", args=[world.arguments["appointment_id"], "arrived"])
    long_ago = {"step": "Ring Zyxwulf", "due_at": "2020-01-06T09:00", "version": 1, "waiting_on": ""}
    before = AuditEntry.objects.latest("id").pk
    assert rosa.post(tomorrow, {"version": 1}).status_code in {409, 422}
    assert rosa.post(f"/loops/{world.arguments['loop_id']}/step/", long_ago).status_code == 422
    refused = AuditEntry.objects.filter(pk__gt=before, outcome=AuditEntry.Outcome.REFUSED).order_by("id")
    assert [(entry.verb, entry.refusal_code) for entry in refused] == [
        ("core.attempt", "scheduling.cannot_change"),
        ("loops.step", "loops.due_in_the_past"),
    ]
    assert {tuple(entry.patient_ids) for entry in refused} == {(world.patient.pk,)}
    assert not any("Zyxwulf" in str(entry.details) for entry in refused)
