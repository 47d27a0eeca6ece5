"""Visit types, resources, working hours and closures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, Stale, refusal_for_constraint
from liaison.directory.models import Practitioner
from liaison.scheduling import actions
from liaison.scheduling.actions import Impossible
from liaison.scheduling.forms import HoursFormSet
from liaison.scheduling.models import Closure, Resource, VisitType
from liaison.scheduling.ports import Span
from liaison.scheduling.tests.clinic import NOW, Clinic, local

MORNING = Span(local("2026-03-03 08:00"), local("2026-03-03 12:00"))
DRAFT = actions.VisitTypeDraft(
    code="follow_up",
    name="Longer follow-up",
    duration_minutes=45,
    needs=(actions.NeedDraft(role="clinician", ability="physician"),),
)


def test_an_edited_visit_type_is_a_new_version_and_bookings_keep_theirs(clinic: Clinic) -> None:
    booked = clinic.book("2026-03-03 10:00")
    made = actions.define_visit_type(actor=clinic.adam, draft=DRAFT, expected_version=1, now=NOW)
    booked.refresh_from_db()
    assert (made.version, booked.visit_type.version) == (2, 1)
    assert list(VisitType.objects.filter(code="follow_up", is_current=True)) == [made]
    assert AuditEntry.objects.filter(verb="scheduling.arrange").latest("pk").details == {
        "code": "follow_up",
        "site_id": None,
        "version": 2,
    }


def test_a_new_visit_type_takes_no_code_that_stands(clinic: Clinic) -> None:
    with pytest.raises(actions.CodeTaken):
        actions.add_visit_type(actor=clinic.adam, draft=DRAFT, now=NOW)
    made = actions.add_visit_type(actor=clinic.adam, draft=replace(DRAFT, code="nurse_visit"), now=NOW)
    assert (made.version, made.needs.count()) == (1, len(DRAFT.needs))
    with pytest.raises(Forbidden):
        actions.add_visit_type(actor=clinic.marta, draft=replace(DRAFT, code="third"), now=NOW)


def test_a_stale_edit_of_a_visit_type_is_refused(clinic: Clinic) -> None:
    with pytest.raises(Stale):
        actions.define_visit_type(actor=clinic.adam, draft=DRAFT, expected_version=7, now=NOW)
    with pytest.raises(Stale):
        actions.define_visit_type(actor=clinic.adam, draft=replace(DRAFT, code="new"), expected_version=1, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"name": " "},
        {"duration_minutes": 0},
        {"step_minutes": 7},
        {"needs": ()},
        {"needs": DRAFT.needs * 2},
        {"needs": (actions.NeedDraft(role="clinician", ability="physician", quantity=0),)},
    ],
)
def test_a_visit_type_that_makes_no_sense_is_refused(clinic: Clinic, change: dict[str, Any]) -> None:
    with pytest.raises(Impossible):
        actions.define_visit_type(actor=clinic.adam, draft=replace(DRAFT, **change), now=NOW)


def test_rosa_does_not_arrange(clinic: Clinic) -> None:
    with pytest.raises(Forbidden):
        actions.define_visit_type(actor=clinic.rosa, draft=DRAFT, now=NOW)


def test_a_resource_changes_its_name_and_abilities(clinic: Clinic) -> None:
    draft = actions.ResourceDraft(
        kind="room", name="Room 1b", site=clinic.site, abilities=("exam_room", "ultrasound", "exam_room")
    )
    changed = actions.change_resource(actor=clinic.marta, resource=clinic.room, draft=draft, now=NOW)
    assert (changed.name, changed.abilities) == ("Room 1b", ["exam_room", "ultrasound"])


def test_a_resource_retires_and_returns(clinic: Clinic) -> None:
    assert actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW).retired_at == NOW
    again = actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW + timedelta(seconds=1))
    assert again.retired_at == NOW, "it went once"
    for _press in ("first", "second"):
        assert actions.return_resource(actor=clinic.marta, resource=clinic.room, now=NOW).retired_at is None
    told = AuditEntry.objects.filter(verb="scheduling.arrange", subject_id=clinic.room.pk).order_by("pk")
    assert [entry.details.get("repeated", False) for entry in told][-4:] == [False, True, False, True]


@pytest.mark.parametrize("change", [{"kind": "ghost"}, {"name": ""}, {"kind": "room"}])
def test_a_resource_that_makes_no_sense_is_refused(clinic: Clinic, change: dict[str, Any]) -> None:
    draft = actions.ResourceDraft(
        kind="person", name="Dr Imani", site=clinic.site, practitioner=clinic.imani.practitioner
    )
    with pytest.raises(Impossible):
        actions.change_resource(actor=clinic.marta, resource=clinic.imani, draft=replace(draft, **change), now=NOW)


def test_new_hours_take_the_place_of_the_old(clinic: Clinic) -> None:
    tuesday = actions.HoursDraft(site=clinic.site, weekday=1, opens=time(8), closes=time(12))
    actions.set_hours(actor=clinic.marta, resource=clinic.imani, hours=[tuesday], now=NOW)
    assert [(h.weekday, h.opens) for h in clinic.imani.hours.all()] == [(1, time(8))]


@pytest.mark.parametrize("change", [{"weekday": 7}, {"valid_from": date(2026, 4, 1), "valid_to": date(2026, 4, 1)}])
def test_hours_that_make_no_sense_are_refused(clinic: Clinic, change: dict[str, Any]) -> None:
    hours = actions.HoursDraft(site=clinic.site, weekday=1, opens=time(8), closes=time(12))
    with pytest.raises(Impossible):
        actions.set_hours(actor=clinic.marta, resource=clinic.imani, hours=[replace(hours, **change)], now=NOW)


def test_a_closure_needs_a_reason(clinic: Clinic) -> None:
    during = Span(local("2026-03-03 08:00"), local("2026-03-03 12:00"))
    with pytest.raises(Impossible):
        actions.close_time(actor=clinic.marta, of=clinic.room, during=during, reason=" ", now=NOW)


def test_visit_types_are_the_whole_organizations(clinic: Clinic) -> None:
    with pytest.raises(Forbidden):
        actions.define_visit_type(actor=clinic.marta, draft=DRAFT, now=NOW)
    assert VisitType.objects.get(code="follow_up").version == 1


def test_each_site_arranges_its_own_resources(clinic: Clinic) -> None:
    room, noor = clinic.room, clinic.noor
    here = actions.ResourceDraft(kind="room", name="Room 9", site=clinic.site)
    there = replace(here, site=clinic.other_site)
    attempts: list[Callable[[], object]] = [
        lambda: actions.add_resource(actor=noor, draft=here, now=NOW),
        lambda: actions.change_resource(actor=noor, resource=room, draft=there, now=NOW),
        lambda: actions.change_resource(actor=clinic.marta, resource=room, draft=there, now=NOW),
        lambda: actions.retire_resource(actor=noor, resource=room, now=NOW),
        lambda: actions.return_resource(actor=noor, resource=room, now=NOW),
        lambda: actions.close_time(actor=noor, of=room, during=MORNING, reason="Paint", now=NOW),
        lambda: actions.close_time(actor=noor, of=clinic.site, during=MORNING, reason="Flood", now=NOW),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()
    room.refresh_from_db()
    assert (room.name, room.site_id, room.retired_at) == ("Room 1", clinic.site.pk, None)
    assert not Closure.objects.exists()
    made = actions.add_resource(actor=noor, draft=there, now=NOW)
    assert actions.retire_resource(actor=noor, resource=made, now=NOW).retired_at == NOW


def test_a_closure_is_opened_again_by_those_who_arrange_its_site(clinic: Clinic) -> None:
    for of in (clinic.room, clinic.site):
        closure = actions.close_time(actor=clinic.marta, of=of, during=MORNING, reason="Paint", now=NOW)
        with pytest.raises(Forbidden):
            actions.open_time(actor=clinic.noor, closure=closure, now=NOW)
        actions.open_time(actor=clinic.marta, closure=closure, now=NOW)
    assert not Closure.objects.exists()


def test_who_works_at_two_sites_has_each_sites_hours_from_that_site(clinic: Clinic) -> None:
    north = actions.HoursDraft(site=clinic.site, weekday=0, opens=time(9), closes=time(12))
    west = actions.HoursDraft(site=clinic.other_site, weekday=1, opens=time(9), closes=time(12))
    actions.set_hours(actor=clinic.adam, resource=clinic.imani, hours=[north, west], now=NOW)
    later = replace(north, opens=time(10))
    with pytest.raises(actions.OtherSite):
        actions.set_hours(actor=clinic.noor, resource=clinic.imani, hours=[later, west], now=NOW)
    with pytest.raises(actions.OtherSite):
        actions.set_hours(actor=clinic.marta, resource=clinic.imani, hours=[later], now=NOW)
    actions.set_hours(actor=clinic.marta, resource=clinic.imani, hours=[later, west], now=NOW)
    actions.set_hours(actor=clinic.noor, resource=clinic.imani, hours=[later], now=NOW)
    assert [(row.site_id, row.opens) for row in clinic.imani.hours.all()] == [(clinic.site.pk, time(10))]


def test_two_rooms_of_one_site_have_two_names(clinic: Clinic) -> None:
    draft = actions.ResourceDraft(kind="room", name=f" {clinic.room.name.upper()} ", site=clinic.site)
    with pytest.raises(actions.NameTaken) as refusal:
        actions.add_resource(actor=clinic.marta, draft=draft, now=NOW)
    assert set(refusal.value.fields) == {"name"}
    with pytest.raises(actions.NameTaken):
        actions.add_resource(actor=clinic.marta, draft=replace(draft, kind="device"), now=NOW)
    with pytest.raises(actions.NameTaken):
        actions.change_resource(actor=clinic.marta, resource=clinic.other_room, draft=draft, now=NOW)
    assert actions.add_resource(actor=clinic.adam, draft=replace(draft, site=clinic.other_site), now=NOW).pk
    assert actions.add_resource(actor=clinic.marta, draft=replace(draft, kind="person"), now=NOW).pk


def test_the_name_of_a_room_that_is_out_of_service_may_be_given_and_is_not_taken_back(clinic: Clinic) -> None:
    actions.retire_resource(actor=clinic.marta, resource=clinic.room, now=NOW)
    draft = actions.ResourceDraft(kind="room", name=clinic.room.name, site=clinic.site)
    actions.add_resource(actor=clinic.marta, draft=draft, now=NOW)
    with pytest.raises(actions.NameTaken):
        actions.return_resource(actor=clinic.marta, resource=Resource.objects.get(pk=clinic.room.pk), now=NOW)


def test_a_clinician_is_bookable_once(clinic: Clinic) -> None:
    imani = Practitioner.objects.get(pk=clinic.imani.practitioner_id)
    again = actions.ResourceDraft(kind="person", name="Dr Imani", site=clinic.site, practitioner=imani)
    with pytest.raises(Impossible) as refusal:
        actions.add_resource(actor=clinic.marta, draft=again, now=NOW)
    assert "already" in refusal.value.fields["practitioner"]
    with pytest.raises(Impossible):
        actions.change_resource(actor=clinic.marta, resource=clinic.okafor, draft=again, now=NOW)
    kept = actions.change_resource(actor=clinic.marta, resource=clinic.imani, draft=replace(again, name="I."), now=NOW)
    assert kept.name == "I."


def test_two_who_make_a_clinician_bookable_at_once_are_told_the_same(clinic: Clinic) -> None:
    with pytest.raises(IntegrityError) as twice, transaction.atomic(), writes_open():
        Resource.objects.create(
            kind="person", name="Again", site=clinic.site, practitioner_id=clinic.imani.practitioner_id
        )
    refusal = refusal_for_constraint(twice.value.__cause__.diag.constraint_name)
    assert isinstance(refusal, Impossible)
    assert set(refusal.fields) == {"practitioner"}


def test_what_a_colleague_changed_is_not_written_over_unseen(clinic: Clinic) -> None:
    room = Resource.objects.get(pk=clinic.room.pk)
    draft = actions.ResourceDraft(kind="room", name="Room One", site=clinic.site, abilities=("exam_room",))
    changed = actions.change_resource(
        actor=clinic.marta, resource=room, draft=draft, expected_version=room.version, now=NOW
    )
    assert changed.version == room.version + 1
    with pytest.raises(Stale):
        actions.change_resource(actor=clinic.marta, resource=room, draft=draft, expected_version=room.version, now=NOW)
    with pytest.raises(Stale):
        actions.set_hours(actor=clinic.marta, resource=room, hours=[], expected_version=room.version, now=NOW)
    actions.set_hours(actor=clinic.marta, resource=room, hours=[], expected_version=changed.version, now=NOW)
    assert Resource.objects.get(pk=room.pk).version == changed.version + 1


def test_a_form_of_hours_that_claims_endless_lines_is_refused() -> None:
    endless = HoursFormSet({"form-TOTAL_FORMS": "1000000000", "form-INITIAL_FORMS": "0"})
    assert len(endless.forms) == 60
    assert not endless.is_valid()
