"""Why there is no time, and what would help."""

from __future__ import annotations

from datetime import date, time

from liaison.accounts.access import Role
from liaison.core.actor import Actor, system_actor
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Resource, VisitType
from liaison.scheduling.ports import Span
from liaison.scheduling.queries import Change, Explanation, TimesWanted
from liaison.scheduling.tests.clinic import NOW, Clinic, local

LIAISON = system_actor("tests")


def explain(clinic: Clinic, **changes: object) -> Explanation:
    wanted = {"visit_type_id": clinic.follow_up.pk, "site_id": clinic.site.pk, "patient_id": clinic.walter.pk}
    everywhere = Actor(
        user_id=clinic.rosa.user_id, name=clinic.rosa.name, assignments=frozenset({(str(Role.COORDINATOR), None)})
    )
    return queries.explain(everywhere, wanted=TimesWanted(**(wanted | changes)), now=NOW)  # type: ignore[arg-type]  # keywords of several types


def helps(explained: Explanation) -> list[tuple[str, str]]:
    return [(one.change.value, f"{one.start_at:%d %H:%M}") for one in explained.relaxed]


def works(clinic: Clinic, resource: Resource, *lines: tuple[int, int, int]) -> None:
    hours = [
        actions.HoursDraft(site=clinic.site, weekday=day, opens=time(opens), closes=time(closes))
        for day, opens, closes in lines
    ]
    actions.set_hours(actor=LIAISON, resource=resource, hours=hours, now=NOW)


def test_the_smallest_change_of_each_wish_is_offered_the_cheapest_first(clinic: Clinic) -> None:
    for resource in (clinic.imani, clinic.okafor):
        works(clinic, resource, (1, 15, 17))
    explained = explain(clinic, to_at=time(15), weekdays=frozenset({0, 1}), not_after=date(2026, 3, 6))
    assert helps(explained) == [("later_in_day", "03 15:00"), ("all_wishes", "03 15:00")]
    assert explained.relaxed[0].wanted.to_at == time(15, 30)
    assert explained.relaxed[0].who == ("Dr Imani",)
    early = explain(clinic, from_at=time(17), weekdays=frozenset({0, 1}))
    assert helps(early)[0] == ("earlier_in_day", "03 16:00")
    assert early.relaxed[0].wanted.from_at == time(16)


def test_other_days_a_later_date_another_person_and_an_earlier_day(clinic: Clinic) -> None:
    works(clinic, clinic.imani, (2, 9, 10))
    away = Span(local("2026-03-02 00:00"), local("2026-03-18 00:00"))
    actions.close_time(actor=LIAISON, of=clinic.imani, during=away, reason="Leave", now=NOW)
    explained = explain(
        clinic,
        with_id=clinic.imani.pk,
        weekdays=frozenset({1}),
        not_before=date(2026, 3, 3),
        not_after=date(2026, 3, 12),
    )
    assert helps(explained) == [("anybody", "03 09:00"), ("all_wishes", "02 09:00")]
    by_then = explain(clinic, with_id=clinic.imani.pk, not_after=date(2026, 3, 12))
    assert helps(by_then) == [
        ("later_date", "18 09:00"),
        ("anybody", "02 09:00"),
        ("all_wishes", "02 09:00"),
    ]
    assert by_then.relaxed[0].wanted.not_after == date(2026, 3, 19)
    mondays = explain(clinic, with_id=clinic.imani.pk, weekdays=frozenset({0}))
    assert helps(mondays)[0] == ("other_days", "18 09:00")


def test_a_first_day_beyond_what_may_be_booked(clinic: Clinic) -> None:
    explained = explain(clinic, not_before=date(2027, 1, 4))
    assert explained.counted == ()
    assert helps(explained) == [("earlier_date", "02 09:00"), ("all_wishes", "02 09:00")]


def test_what_each_condition_leaves_is_counted(clinic: Clinic) -> None:
    works(clinic, clinic.imani, (1, 9, 10))
    works(clinic, clinic.okafor)
    explained = explain(clinic, from_at=time(9, 15), not_after=date(2026, 3, 10))
    clinician, room = explained.counted
    weeks = 13
    assert (clinician.role, clinician.starts, clinician.pool) == ("clinician", 2 * weeks, 1)
    assert room.starts > clinician.starts == explained.together
    assert (explained.suiting, explained.possible) == (2, 2)
    clinic.book("2026-03-03 09:15", seats=clinic.seats())
    assert explain(clinic, from_at=time(9, 15), not_after=date(2026, 3, 3)).possible == 0


def test_where_nothing_is_free_at_all_only_other_people_help(clinic: Clinic) -> None:
    works(clinic, clinic.imani, (1, 9, 12))
    works(clinic, clinic.okafor, (1, 9, 10))
    leave = Span(local("2026-03-01 00:00"), local("2026-12-01 00:00"))
    actions.close_time(actor=LIAISON, of=clinic.imani, during=leave, reason="Leave", now=NOW)
    explained = explain(clinic, with_id=clinic.imani.pk, to_at=time(23, 50))
    assert (explained.counted[0].starts, explained.together) == (0, 0)
    assert helps(explained) == [("anybody", "03 09:00"), ("all_wishes", "03 09:00")]
    actions.close_time(actor=LIAISON, of=clinic.site, during=leave, reason="Flood", now=NOW)
    assert helps(explain(clinic, to_at=time(23, 50), from_at=time(1))) == []


def test_another_site_is_named_when_it_has_a_time(clinic: Clinic) -> None:
    for resource in (clinic.okafor, clinic.other_room):
        hours = [actions.HoursDraft(site=clinic.other_site, weekday=1, opens=time(9), closes=time(10))]
        actions.set_hours(actor=LIAISON, resource=resource, hours=hours, now=NOW)
    works(clinic, clinic.imani)
    explained = explain(clinic)
    assert explained.counted == ()
    assert helps(explained) == [("other_site", "03 09:00")]
    assert explained.relaxed[0].site_name == "Riverside West"
    assert explained.relaxed[0].change is Change.OTHER_SITE
    assert explain(clinic, also_at=(clinic.other_site.pk,)).relaxed == ()
    wanted = TimesWanted(visit_type_id=clinic.follow_up.pk, site_id=clinic.site.pk)
    assert queries.explain(clinic.rosa, wanted=wanted, now=NOW).relaxed == (), "Rosa gives no time there"


def test_odd_minutes_are_not_counted_but_helped_all_the_same(clinic: Clinic) -> None:
    closed = Span(local("2026-03-02 00:00"), local("2026-03-03 09:58"))
    actions.close_time(actor=LIAISON, of=clinic.site, during=closed, reason="Flood", now=NOW)
    explained = explain(clinic, visit_type_id=odd(clinic).pk, weekdays=frozenset({0}), not_after=date(2026, 3, 3))
    assert explained.counted == ()
    assert helps(explained) == [("other_days", "03 10:00"), ("later_date", "09 09:15"), ("all_wishes", "03 10:00")]


def odd(clinic: Clinic) -> VisitType:
    needs = (actions.NeedDraft(role="clinician", ability="physician"),)
    draft = actions.VisitTypeDraft(code="odd", name="Odd", duration_minutes=30, before_minutes=2, needs=needs)
    return actions.define_visit_type(actor=LIAISON, draft=draft, now=NOW)
