"""What `liaison rebuild` works out again, and what it tells."""

from datetime import time
from io import StringIO

import pytest
from rich.console import Console

from liaison.accounts.models import Site
from liaison.console.importing import run_import
from liaison.console.rebuilding import run_rebuild
from liaison.core.postgres.guard import writes_open
from liaison.records.models import Fact
from liaison.records.tests.cast import bundle, observation, walter, write
from liaison.scheduling.models import FreeDay, Resource, ResourceKind, WorkingHours

pytestmark = pytest.mark.django_db


def test_facts_and_free_time_come_back_and_a_second_run_changes_nothing(tmp_path):
    console = Console(file=StringIO(), width=200)
    with writes_open():
        site = Site.objects.create(code="riverside", name="Riverside", time_zone="America/New_York")
        room = Resource.objects.create(name="Room 1", kind=ResourceKind.ROOM, site=site)
        WorkingHours.objects.create(resource=room, site=site, weekday=0, opens=time(9), closes=time(17))
    run_import([write(tmp_path / "a.json", bundle(walter(), observation()))], console=console)
    with writes_open():
        Fact.objects.all().delete()
        FreeDay.objects.all().delete()
    first = run_rebuild(console=console)
    assert (first.charts.resources, first.charts.facts) == (2, 1)
    assert Fact.objects.count() == 1
    assert FreeDay.objects.filter(resource=room).count() == first.days > 0
    assert f"2 resources read again, 1 facts. Free time: {first.days} days were missing or wrong." in (
        console.file.getvalue()
    )
    assert run_rebuild(console=console).days == 0
