"""The clocks and states of transitional care, as DOMAIN 2.1 has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from liaison.pathways.rules.criteria import BadCriteria
from liaison.pathways.rules.protocol import Complexity, due_at, packaged_protocols, read_protocol, reconcile_by
from liaison.pathways.rules.reasons import in_words
from liaison.pathways.rules.transition import (
    FollowUp,
    Stage,
    VisitStanding,
    billable_code,
    period_ends_on,
    stage_of,
    tried_words,
    visit_standing,
    why_no_such_visit,
    why_not_the_visit,
)

ZONE = ZoneInfo("America/New_York")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


(TCM,) = [read_protocol(data) for data in packaged_protocols() if data["code"] == "transitional-care"]


@pytest.mark.parametrize(
    ("discharged", "contact", "seven", "fourteen", "period"),
    [
        ("2026-02-13", "2026-02-18", "2026-02-20", "2026-02-27", "2026-03-14"),
        ("2026-07-02", "2026-07-07", "2026-07-09", "2026-07-16", "2026-07-31"),
        ("2026-11-25", "2026-11-30", "2026-12-02", "2026-12-09", "2026-12-24"),
        ("2026-12-24", "2026-12-29", "2026-12-31", "2027-01-07", "2027-01-22"),
    ],
)
def test_the_clocks_are_due_on_the_verified_days(discharged, contact, seven, fourteen, period):
    on = date.fromisoformat(discharged)

    def due(rule, complexity):
        at = due_at(TCM.clock(rule), anchor_on=on, complexity=complexity, zone=ZONE).astimezone(ZONE)
        assert (at.hour, at.minute, at.second) == (23, 59, 59)
        return at.date().isoformat()

    assert due("tcm.contact", Complexity.HIGH) == due("tcm.contact", Complexity.MODERATE) == contact
    assert due("tcm.visit", Complexity.HIGH) == seven
    assert due("tcm.visit", Complexity.MODERATE) == fourteen
    assert period_ends_on(on).isoformat() == period


def test_the_medicines_are_reconciled_by_the_visit_and_within_thirty_days():
    on, otherwise = date(2026, 2, 13), datetime(2026, 2, 28, tzinfo=UTC)

    def by(visit):
        return reconcile_by(anchor_on=on, visit_on=visit, otherwise=otherwise, zone=ZONE)

    assert by(None) == otherwise
    assert by(date(2026, 2, 18)).astimezone(ZONE).date() == date(2026, 2, 18)
    assert by(date(2026, 5, 1)).astimezone(ZONE).date() == date(2026, 3, 15)


DUE = datetime(2026, 2, 19, 4, 59, 59, tzinfo=UTC)
EARLY, LATE = DUE - timedelta(days=1), DUE + timedelta(days=1)


@pytest.mark.parametrize(
    ("known", "now", "stage"),
    [
        ({}, EARLY, Stage.CONTACT_DUE),
        ({}, LATE, Stage.CONTACT_MISSED),
        ({"contacted_at": EARLY}, LATE, Stage.CONTACTED),
        ({"contacted_at": LATE}, LATE, Stage.CONTACT_MISSED),
        ({"attempts": 1}, EARLY, Stage.CONTACT_DUE),
        ({"attempts": 2}, LATE, Stage.ATTEMPTS_DOCUMENTED),
        ({"attempts": 2, "contacted_at": EARLY}, LATE, Stage.CONTACTED),
        ({"visit_booked_at": LATE}, EARLY, Stage.VISIT_SCHEDULED),
        ({"visit_seen_at": LATE, "visit_booked_at": LATE}, LATE, Stage.VISIT_DONE),
        ({"given_up": True}, LATE, Stage.NOT_MET),
        ({"closed": True}, LATE, Stage.COMPLETE),
        ({"voided": True, "given_up": True}, LATE, Stage.VOIDED),
    ],
)
def test_the_stage_is_the_furthest_reached(known, now, stage):
    assert stage_of(FollowUp(discharged_on=date(2026, 2, 13), contact_due_at=DUE, **known), now=now) is stage


@pytest.mark.parametrize(
    ("day", "standing"),
    [
        (13, None),
        (14, VisitStanding.IN_7),
        (20, VisitStanding.IN_7),
        (21, VisitStanding.IN_14),
        (27, VisitStanding.IN_14),
        (28, VisitStanding.LATE),
    ],
)
def test_the_day_of_discharge_is_day_zero_and_its_visit_does_not_count(day, standing):
    seen = datetime(2026, 2, day, 15, tzinfo=UTC)
    assert visit_standing(seen, discharged_on=date(2026, 2, 13), zone=ZONE) is standing


@pytest.mark.parametrize(
    ("complexity", "standing", "kept", "reconciled", "code"),
    [
        (Complexity.HIGH, VisitStanding.IN_7, True, True, "99496"),
        (Complexity.HIGH, VisitStanding.IN_14, True, True, "99495"),
        (Complexity.MODERATE, VisitStanding.IN_7, True, True, "99495"),
        (Complexity.MODERATE, VisitStanding.LATE, True, True, ""),
        (Complexity.MODERATE, None, True, True, ""),
        (Complexity.MODERATE, VisitStanding.IN_7, False, True, ""),
        (Complexity.MODERATE, VisitStanding.IN_7, True, False, ""),
    ],
)
def test_the_record_supports_a_code_only_when_every_part_is_there(complexity, standing, kept, reconciled, code):
    assert billable_code(complexity=complexity, standing=standing, contact_kept=kept, reconciled=reconciled) == code


TRIED_ONCE = FollowUp(discharged_on=date(2026, 2, 13), contact_due_at=local("2026-02-18 23:59"), attempts=1)
SO_FAR = "1 of 2 attempts made; another, an hour later or more, counts as contact until Wed, Feb 18."


@pytest.mark.parametrize(
    ("now", "next_at", "words"),
    [
        (
            "02-16 10:05",
            None,
            SO_FAR,
        ),
        (
            "02-16 10:05",
            "02-16 15:00",
            f"{SO_FAR} Next try Mon, Feb 16, 15:00.",
        ),
        (
            "02-16 16:00",
            "02-16 15:00",
            f"{SO_FAR} The next try was due Mon, Feb 16, 15:00.",
        ),
        (
            "02-19 09:00",
            "02-20 23:59",
            "1 of 2 attempts made by Wed, Feb 18, too few to count as contact; keep trying. Next try Fri, Feb 20.",
        ),
    ],
)
def test_one_attempt_says_what_it_counts_for_and_when_the_next_is(now, next_at, words):
    given = local(f"2026-{next_at}") if next_at else None
    assert tried_words(TRIED_ONCE, next_at=given, now=local(f"2026-{now}"), zone=ZONE) == words


def test_two_attempts_count_as_contact_and_the_trying_goes_on():
    known = replace(TRIED_ONCE, attempts=3)
    said = tried_words(known, next_at=local("2026-02-17 23:59"), now=local("2026-02-16 16:00"), zone=ZONE)
    assert said == "2 of 2 attempts made by Wed, Feb 18, which counts as contact; keep trying. Next try Tue, Feb 17."


@pytest.mark.parametrize(
    "more", [{"contacted_at": local("2026-02-16 11:00")}, {"closed": True}, {"given_up": True}, {"voided": True}]
)
def test_nothing_is_said_of_attempts_once_nobody_tries_any_more(more):
    now = local("2026-02-16 16:00")
    assert tried_words(replace(TRIED_ONCE, **more), next_at=None, now=now, zone=ZONE) == ""


def test_a_protocol_that_lacks_something_is_refused():
    with pytest.raises(BadCriteria, match="protocol: 'opens'"):
        read_protocol({"code": "x"})
    broken = {
        **packaged_protocols()[0],
        "opens": {
            "kind": "k",
            "title": "t",
            "clocks": [{"rule": "r", "step": "s", "evidence": "e", "allow": {"weeks": 1}}],
        },
    }
    with pytest.raises(BadCriteria, match="allow"):
        read_protocol(broken)
    with pytest.raises(LookupError):
        TCM.clock("tcm.nothing")


def test_reasons_are_said_in_words():
    assert in_words("too_old").startswith("ended more than 30 days ago")
    assert in_words("on_holiday") == "on holiday"


@pytest.mark.parametrize(
    ("modality", "at", "why"),
    [
        ("in_person", datetime(2026, 2, 18, 15, tzinfo=UTC), None),
        ("video", datetime(2026, 2, 18, 15, tzinfo=UTC), None),
        ("phone", datetime(2026, 2, 18, 15, tzinfo=UTC), "by_phone"),
        ("in_person", datetime(2026, 2, 13, 22, tzinfo=UTC), "too_early"),
    ],
)
def test_the_visit_is_face_to_face_and_after_the_day_of_the_discharge(modality, at, why):
    found = why_not_the_visit(modality=modality, start_at=at, discharged_on=date(2026, 2, 13), zone=ZONE)
    assert found == why


def test_a_call_says_before_it_is_booked_that_it_does_not_count():
    assert "by phone does not count" in why_no_such_visit("phone")
    assert (why_no_such_visit("in_person"), why_no_such_visit("video")) == ("", "")
