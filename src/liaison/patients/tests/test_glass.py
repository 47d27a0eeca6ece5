"""Breaking the glass, and the review of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from liaison.accounts.access import Role
from liaison.core.audit import collecting_seen, seen
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, StepUpNeeded
from liaison.patients import access, actions, queries
from liaison.patients.actions import ContactDetails
from liaison.patients.events import GlassBroken, GrantReviewed
from liaison.patients.models import BreakGlassGrant, Patient
from liaison.patients.queries.grants import glass_banners
from liaison.patients.tests.cast import LIAISON, Clinic, Registry, person
from liaison.patients.tests.facts import told

WHY = "Collapsed at our front desk, no relatives"


def broken(clinic: Clinic, walter: Patient) -> BreakGlassGrant:
    return actions.break_the_glass(
        actor=clinic.pat, patient=walter, found_at=clinic.now, reason_code="ETREAT", reason=WHY, now=clinic.now
    )


def test_a_grant_lasts_four_hours_and_waits_for_a_review(clinic: Clinic, walter: Patient) -> None:
    with told(GlassBroken) as facts:
        grant = broken(clinic, walter)
    assert grant.expires_at - grant.starts_at == timedelta(hours=4)
    assert facts == [GlassBroken(patient_id=walter.pk, grant_id=grant.pk, user_id=clinic.pat.user_id, at=clinic.now)]
    entry = AuditEntry.objects.get(verb=str(access.BREAK_GLASS))
    assert (entry.patient_ids, entry.reason, entry.details) == ([walter.pk], WHY, {"reason_code": "ETREAT"})
    (row,) = queries.review_queue(clinic.privacy, now=clinic.now)
    assert (row.who, row.patient_name, row.is_live, row.is_late) == ("Pat", "Walter Ng", True, False)
    assert [mine.patient_id for mine in queries.my_live_grants(clinic.pat, now=clinic.now)] == [walter.pk]
    band = queries.band(clinic.pat, patient=walter, now=clinic.now)
    assert band.glass_until == grant.expires_at


def test_the_review_is_due_at_the_end_of_the_third_business_day(clinic: Clinic, walter: Patient) -> None:
    friday = datetime(2026, 11, 20, 22, tzinfo=UTC)
    pat = replace(clinic.pat, stepped_up_until=friday + timedelta(minutes=5))
    grant = actions.break_the_glass(
        actor=pat, patient=walter, found_at=friday, reason_code="BTG", reason=WHY, now=friday
    )
    assert grant.review_due_at == datetime(2026, 11, 26, 4, 59, 59, tzinfo=UTC)


def test_a_patient_without_a_site_is_reviewed_by_the_clock_of_the_request(clinic: Clinic, walter: Patient) -> None:
    with writes_open():
        walter.sites.all().delete()
    assert broken(clinic, walter).review_due_at > clinic.now
    with pytest.raises(ValueError, match="aware"):
        actions.glass._review_due(walter, now=clinic.now.replace(tzinfo=None))  # type: ignore[attr-defined]  # private, asked for on purpose


def test_it_needs_a_fresh_proof_of_identity(clinic: Clinic, walter: Patient) -> None:
    tired = replace(clinic.pat, stepped_up_until=None)
    with pytest.raises(StepUpNeeded):
        actions.break_the_glass(
            actor=tired, patient=walter, found_at=clinic.now, reason_code="ETREAT", reason=WHY, now=clinic.now
        )
    assert AuditEntry.objects.get(outcome="refused").refusal_code == "core.step_up"


@pytest.mark.parametrize(
    ("code", "reason"), [("ETREAT", "urgent"), ("ETREAT", " " * 40), ("ETREAT", "." * 40), ("CURIOUS", WHY)]
)
def test_it_needs_a_reason_that_can_be_reviewed(clinic: Clinic, walter: Patient, code: str, reason: str) -> None:
    with pytest.raises(actions.ReasonNeeded):
        actions.break_the_glass(
            actor=clinic.pat, patient=walter, found_at=clinic.now, reason_code=code, reason=reason, now=clinic.now
        )
    assert not walter.reachable_by(clinic.pat, now=clinic.now)


def test_it_is_not_for_those_who_see_the_patient_and_not_for_machines(clinic: Clinic, walter: Patient) -> None:
    with pytest.raises(actions.GlassNotNeeded):
        actions.break_the_glass(
            actor=clinic.rosa, patient=walter, found_at=clinic.now, reason_code="BTG", reason=WHY, now=clinic.now
        )
    with pytest.raises(Forbidden):
        actions.break_the_glass(
            actor=LIAISON, patient=walter, found_at=clinic.now, reason_code="BTG", reason=WHY, now=clinic.now
        )
    with pytest.raises(Forbidden):
        actions.break_the_glass(
            actor=clinic.privacy, patient=walter, found_at=clinic.now, reason_code="BTG", reason=WHY, now=clinic.now
        )


def test_it_can_be_given_back_early_by_its_owner_only(clinic: Clinic, walter: Patient) -> None:
    grant = broken(clinic, walter)
    later = clinic.now + timedelta(minutes=5)
    with pytest.raises(Forbidden):
        actions.end_grant(actor=clinic.rosa, grant=grant, now=later)
    actions.end_grant(actor=clinic.pat, grant=grant, now=later)
    actions.end_grant(actor=clinic.pat, grant=grant, now=later + timedelta(hours=5))
    grant.refresh_from_db()
    assert grant.expires_at == later
    assert queries.my_live_grants(clinic.pat, now=later) == []
    assert queries.my_live_grants(LIAISON, now=later) == []
    assert len(queries.review_queue(clinic.privacy, now=later)) == 1


def test_one_finding_opens_a_chart_once(clinic: Clinic, walter: Patient) -> None:
    def ask(*, found_at: datetime, now: datetime) -> BreakGlassGrant:
        return actions.break_the_glass(
            actor=clinic.pat, patient=walter, found_at=found_at, reason_code="ETREAT", reason=WHY, now=now
        )

    opened, given_back = clinic.now + timedelta(seconds=30), clinic.now + timedelta(seconds=60)
    grant = ask(found_at=clinic.now, now=opened)
    actions.end_grant(actor=clinic.pat, grant=grant, now=given_back)
    later = given_back + timedelta(seconds=60)
    for found_at in (clinic.now, opened):
        with pytest.raises(actions.FindingUsed):
            ask(found_at=found_at, now=later)
    refused = AuditEntry.objects.filter(outcome="refused", verb=str(access.BREAK_GLASS))
    assert [entry.refusal_code for entry in refused] == ["patients.finding_used"] * 2
    assert ask(found_at=given_back, now=later).starts_at == later


def test_a_privacy_officer_says_what_they_found_once(clinic: Clinic, walter: Patient) -> None:
    grant = broken(clinic, walter)
    with told(GrantReviewed) as facts:
        actions.review_break_glass(
            actor=clinic.privacy, grant_id=grant.pk, outcome="justified", note="", now=clinic.now
        )
    assert len(facts) == 1
    assert queries.review_queue(clinic.privacy, now=clinic.now) == []
    (row,) = queries.review_queue(clinic.privacy, now=clinic.now, reviewed=True)
    assert (row.outcome, row.reviewed_by) == ("justified", "Priya")
    with pytest.raises(actions.AlreadyReviewed):
        actions.review_break_glass(
            actor=clinic.privacy, grant_id=grant.pk, outcome="justified", note="", now=clinic.now
        )


@pytest.mark.parametrize(("outcome", "note"), [("unjustified", " "), ("fine", "ok")])
def test_a_review_says_what_follows(clinic: Clinic, walter: Patient, outcome: str, note: str) -> None:
    grant = broken(clinic, walter)
    with pytest.raises(actions.ReasonNeeded):
        actions.review_break_glass(actor=clinic.privacy, grant_id=grant.pk, outcome=outcome, note=note, now=clinic.now)


def test_others_review_nothing_and_nobody_reviews_themselves(clinic: Clinic, walter: Patient) -> None:
    grant = broken(clinic, walter)
    with pytest.raises(Forbidden):
        queries.review_queue(clinic.rosa, now=clinic.now)
    with pytest.raises(Forbidden):
        actions.review_break_glass(actor=clinic.rosa, grant_id=grant.pk, outcome="justified", note="", now=clinic.now)
    with pytest.raises(NotFound):
        actions.review_break_glass(
            actor=clinic.privacy, grant_id=grant.pk + 1, outcome="justified", note="", now=clinic.now
        )
    officer_too = replace(clinic.privacy, user_id=clinic.pat.user_id)
    with pytest.raises(actions.OwnGrant):
        actions.review_break_glass(actor=officer_too, grant_id=grant.pk, outcome="justified", note="", now=clinic.now)


def test_a_privacy_officer_of_one_site_meets_only_the_access_to_its_patients(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    with writes_open():
        noor = person("Noor", (Role.PRIVACY_OFFICER, clinic.hillside))
    grant = broken(clinic, walter)
    for looked in (
        queries.review_queue(noor, now=clinic.now),
        queries.review_queue(noor, now=clinic.now, reviewed=True),
    ):
        assert looked == []
    with pytest.raises(NotFound):
        actions.review_break_glass(actor=noor, grant_id=grant.pk, outcome="justified", note="", now=clinic.now)
    with pytest.raises(Forbidden):
        queries.review_queue(clinic.rosa, now=clinic.now)
    olga = register("Olga", "Petrova", site=clinic.hillside)
    own = actions.break_the_glass(
        actor=replace(clinic.rosa, stepped_up_until=clinic.pat.stepped_up_until),
        patient=olga,
        found_at=clinic.now,
        reason_code="ETREAT",
        reason=WHY,
        now=clinic.now,
    )
    assert [row.grant_id for row in queries.review_queue(noor, now=clinic.now)] == [own.pk]
    actions.review_break_glass(actor=noor, grant_id=own.pk, outcome="justified", note="", now=clinic.now)


def test_ones_own_emergency_access_opens_no_review_of_it(clinic: Clinic, walter: Patient) -> None:
    broken(clinic, walter)
    (site_id,) = clinic.pat.site_ids or ()
    both = replace(clinic.pat, assignments=clinic.pat.assignments | {(str(Role.PRIVACY_OFFICER), site_id)})
    assert queries.review_queue(both, now=clinic.now) == []


def test_a_hidden_patient_is_found_only_by_what_one_must_know(clinic: Clinic, walter: Patient) -> None:
    birth_on = walter.birth_on
    find = partial(queries.find_behind_glass, now=clinic.now)
    assert find(clinic.pat, identifier="riv 0001") == walter
    assert find(clinic.pat, name="ng walter", birth_on=birth_on) == walter
    assert find(clinic.pat, name="walter", birth_on=birth_on) is None
    assert find(clinic.pat, name="walter ng") is None
    assert find(clinic.pat, name="walter nguyen", birth_on=birth_on) is None
    assert find(clinic.pat, identifier="RIV-0002") is None
    assert find(clinic.rosa, identifier="RIV-0001") is None


def test_of_two_who_fit_one_is_found_by_one_thing_more(clinic: Clinic, walter: Patient, register: Registry) -> None:
    other = register("Walter", "Ng", birth_on=walter.birth_on, mrn="RIV-0077", phone="(207) 555-0177")
    find, known = partial(queries.find_behind_glass, now=clinic.now), {"name": "walter ng", "birth_on": walter.birth_on}
    with pytest.raises(queries.SeveralFit) as refusal:
        find(clinic.pat, **known)
    assert not any(sign.isdigit() for sign in refusal.value.sentence)
    assert find(clinic.pat, **known, phone="207 555 0177") == other
    assert find(clinic.pat, **known, phone="(207) 555-0123") == walter
    assert find(clinic.pat, **known, identifier="RIV-0077") == other
    assert find(clinic.pat, **known, phone="207 555 0199") is None
    assert find(clinic.pat, **known, phone="none") is None
    assert find(clinic.pat, phone="207 555 0177") is None


def test_who_is_in_sight_does_not_stand_in_the_way(clinic: Clinic, walter: Patient, register: Registry) -> None:
    register("Walter", "Ng", birth_on=walter.birth_on, site=clinic.hillside)
    assert queries.find_behind_glass(clinic.pat, name="walter ng", birth_on=walter.birth_on, now=clinic.now) == walter


def test_what_would_outlast_the_grant_is_not_opened_by_it(clinic: Clinic, walter: Patient) -> None:
    broken(clinic, walter)
    assert walter.reachable_by(clinic.pat, access.SEE, now=clinic.now)
    with pytest.raises(Forbidden):
        actions.mark_deceased(actor=clinic.pat, patient=walter, on=None, now=clinic.now)
    with pytest.raises(Forbidden):
        actions.add_contact_point(
            actor=clinic.pat, patient=walter, contact=ContactDetails(kind="phone", value="617-555-0188"), now=clinic.now
        )
    with pytest.raises(Forbidden):
        actions.add_care_team_member(
            actor=clinic.pat, patient=walter, role="other", user_id=clinic.pat.user_id, now=clinic.now
        )
    (site_id,) = clinic.pat.site_ids or ()
    with pytest.raises(Forbidden):
        actions.add_site(actor=clinic.pat, patient=walter, site_id=site_id, now=clinic.now)


def test_the_notice_counts_the_time_of_the_patient_on_the_page(
    clinic: Clinic, walter: Patient, register: Registry
) -> None:
    june = register("June", "Ng")
    broken(clinic, walter)
    later = clinic.now + timedelta(hours=1)
    pat = replace(clinic.pat, stepped_up_until=later + timedelta(minutes=5))
    actions.break_the_glass(actor=pat, patient=june, found_at=later, reason_code="ETREAT", reason=WHY, now=later)

    def notice() -> str:
        (banner,) = glass_banners(clinic.pat, now=later)
        return banner.text

    assert "3 h 00 min" in notice(), "elsewhere what ends first"
    with collecting_seen():
        seen(june.pk)
        assert "4 h 00 min" in notice()
        seen(walter.pk)
        assert "3 h 00 min" in notice(), "of two on one page what ends first"
