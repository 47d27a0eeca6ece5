"""The clocks and states of transitional care, as DOMAIN 2.1 has them."""

from __future__ import annotations

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
    visit_standing,
)

ZONE = ZoneInfo("America/New_York")
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
