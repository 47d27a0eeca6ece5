"""Contact points, proxies, the care team and alerts."""

from datetime import date, timedelta

import pytest

from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden, NotFound
from liaison.patients import access, actions, queries
from liaison.patients.actions import ContactDetails, ProxyDetails
from liaison.patients.events import AlertsChanged, CareTeamChanged, ContactPointsChanged, ProxiesChanged
from liaison.patients.models import ContactPoint, Patient
from liaison.patients.rules import FULL_SCOPE, TEEN_SCOPE, Channel
from liaison.patients.tests.cast import LIAISON, Clinic, Registry
from liaison.patients.tests.facts import told

MOBILE = ContactDetails(kind="phone", use="mobile", value="207-555-0111", preferred=True, may_text=True)


def test_a_preferred_line_takes_that_from_the_other(clinic: Clinic, walter: Patient) -> None:
    with told(ContactPointsChanged) as facts:
        first = actions.add_contact_point(actor=clinic.rosa, patient=walter, contact=MOBILE, now=clinic.now)
        other = ContactDetails(kind="phone", value="207-555-0112", preferred=True)
        second = actions.add_contact_point(actor=clinic.rosa, patient=walter, contact=other, now=clinic.now)
    first.refresh_from_db()
    assert (first.preferred, second.preferred) == (False, True)
    assert [fact.contact_point_id for fact in facts] == [first.pk, second.pk]
    assert AuditEntry.objects.filter(verb=str(access.CHANGE_CONTACTS), patient_ids=[walter.pk]).count() == 2


def test_a_line_allows_only_what_its_kind_can(clinic: Clinic, walter: Patient) -> None:
    mail = ContactDetails(kind="email", value="W@Example.org", may_text=True, may_email=True)
    kept = actions.add_contact_point(actor=clinic.rosa, patient=walter, contact=mail, now=clinic.now)
    assert (kept.may_text, kept.may_email, kept.may_call, kept.value_key) == (False, True, False, "w@example.org")
    home = ContactDetails(kind="address", value="12 Elm St", city="Portland", state="ME", postal_code="04101")
    kept = actions.add_contact_point(actor=clinic.rosa, patient=walter, contact=home, now=clinic.now)
    assert kept.value_key == "12 elm st portland me 04101"


@pytest.mark.parametrize(
    ("contact", "field"),
    [
        (ContactDetails(kind="phone", value="12"), "value"),
        (ContactDetails(kind="email", value="walter"), "value"),
        (ContactDetails(kind="address", value=" "), "value"),
        (ContactDetails(kind="pigeon", value="coo"), "kind"),
        (ContactDetails(kind="phone", value="207-555-0111", use="moon"), "use"),
    ],
)
def test_what_cannot_be_reached_is_refused(
    clinic: Clinic, walter: Patient, contact: ContactDetails, field: str
) -> None:
    with pytest.raises(actions.ContactWrong) as refusal:
        actions.add_contact_point(actor=clinic.rosa, patient=walter, contact=contact, now=clinic.now)
    assert set(refusal.value.fields) == {field}


def test_a_bad_number_is_not_used_until_it_is_corrected(clinic: Clinic, walter: Patient) -> None:
    point = walter.contact_points.get()
    for _ in range(2):
        point = actions.mark_contact_bad(
            actor=clinic.rosa, patient=walter, contact_point_id=point.pk, reason="Wrong person", now=clinic.now
        )
    assert not point.usable
    same = ContactDetails(kind="phone", value="(207) 555-0123", note="daughter's")
    point = actions.change_contact_point(
        actor=clinic.rosa, patient=walter, contact_point_id=point.pk, contact=same, now=clinic.now
    )
    assert not point.usable
    point = actions.change_contact_point(
        actor=clinic.rosa, patient=walter, contact_point_id=point.pk, contact=MOBILE, now=clinic.now
    )
    assert (point.usable, point.bad_reason, point.preferred) == (True, "", True)
    actions.mark_contact_bad(
        actor=LIAISON, patient=walter, contact_point_id=point.pk, reason="No such number", now=clinic.now
    )
    point = actions.mark_contact_good(actor=clinic.rosa, patient=walter, contact_point_id=point.pk, now=clinic.now)
    assert point.usable


def test_a_line_that_is_given_up_keeps_its_row(clinic: Clinic, walter: Patient, register: Registry) -> None:
    point = walter.contact_points.get()
    actions.retire_contact_point(actor=clinic.rosa, patient=walter, contact_point_id=point.pk, now=clinic.now)
    assert ContactPoint.objects.get(pk=point.pk).retired_at == clinic.now
    with pytest.raises(NotFound):
        actions.retire_contact_point(actor=clinic.rosa, patient=walter, contact_point_id=point.pk, now=clinic.now)


CONSENT = ProxyDetails(
    name="June Ng",
    relationship="daughter",
    kind="consent",
    scope=FULL_SCOPE,
    evidence="Signed form of 3 November",
    starts_on=date(2026, 1, 1),
    ends_on=date(2099, 1, 1),
    phone="207 555 0188",
)


def changed(**columns: object) -> ProxyDetails:
    from dataclasses import replace

    return replace(CONSENT, **columns)


def test_june_speaks_for_walter_until_it_ends(clinic: Clinic, walter: Patient) -> None:
    with told(ProxiesChanged) as facts:
        proxy = actions.add_proxy(actor=clinic.rosa, patient=walter, proxy=CONSENT, now=clinic.now)
        assert [shown.name for shown in queries.band(clinic.rosa, patient=walter, now=clinic.now).proxies] == [
            "June Ng"
        ]
        actions.end_proxy(
            actor=clinic.rosa, patient=walter, proxy_id=proxy.pk, reason="He took it back", now=clinic.now
        )
    assert len(facts) == 2
    assert queries.band(clinic.rosa, patient=walter, now=clinic.now).proxies == []
    with pytest.raises(actions.ProxyOver):
        actions.end_proxy(actor=clinic.rosa, patient=walter, proxy_id=proxy.pk, reason="Again", now=clinic.now)
    with pytest.raises(NotFound):
        actions.end_proxy(actor=clinic.rosa, patient=walter, proxy_id=proxy.pk + 1, reason="x", now=clinic.now)


@pytest.mark.parametrize(("typed", "kept"), [("1-207-555-0188", "(207) 555-0188"), (" ", "")])
def test_the_number_of_a_proxy_is_kept_as_people_here_write_it(
    clinic: Clinic, walter: Patient, typed: str, kept: str
) -> None:
    proxy = actions.add_proxy(actor=clinic.rosa, patient=walter, proxy=changed(phone=typed), now=clinic.now)
    assert proxy.phone == kept


def test_ending_a_proxy_needs_a_reason(clinic: Clinic, walter: Patient) -> None:
    proxy = actions.add_proxy(actor=clinic.rosa, patient=walter, proxy=CONSENT, now=clinic.now)
    with pytest.raises(actions.ProxyWrong):
        actions.end_proxy(actor=clinic.rosa, patient=walter, proxy_id=proxy.pk, reason=" ", now=clinic.now)


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"name": " "}, "name"),
        ({"relationship": ""}, "relationship"),
        ({"evidence": ""}, "evidence"),
        ({"scope": frozenset()}, "scope"),
        ({"scope": frozenset({"everything"})}, "scope"),
        ({"kind": "friend"}, "kind"),
        ({"kind": "parent"}, "kind"),
        ({"kind": "executor"}, "kind"),
        ({"phone": "555-0188"}, "phone"),
        ({"phone": "ask June"}, "phone"),
        ({"ends_on": None}, "ends_on"),
        ({"ends_on": date(2025, 1, 1)}, "ends_on"),
    ],
)
def test_a_right_that_cannot_be_is_refused(
    clinic: Clinic, walter: Patient, columns: dict[str, object], field: str
) -> None:
    with pytest.raises(actions.ProxyWrong) as refusal:
        actions.add_proxy(actor=clinic.rosa, patient=walter, proxy=changed(**columns), now=clinic.now)
    assert set(refusal.value.fields) == {field}


def test_a_parent_of_a_teen_gets_less_and_only_until_eighteen(clinic: Clinic, register: Registry) -> None:
    today = clinic.now.date()
    teen = register("Mina", "Ng", birth_on=today.replace(year=today.year - 14, day=1))
    proxy = actions.add_proxy(
        actor=clinic.rosa, patient=teen, proxy=changed(kind="parent", ends_on=None), now=clinic.now
    )
    assert proxy.ends_on == today.replace(year=today.year + 4, day=1)
    (shown,) = queries.band(clinic.rosa, patient=teen, now=clinic.now).proxies
    assert (shown.scope, shown.limited) == (TEEN_SCOPE, True)
    court = actions.add_proxy(
        actor=clinic.rosa, patient=teen, proxy=changed(kind="guardian", ends_on=None), now=clinic.now
    )
    assert court.ends_on is None


def test_a_proxy_of_tomorrow_knows_nothing_today(clinic: Clinic, walter: Patient) -> None:
    tomorrow = clinic.now.date() + timedelta(days=1)
    actions.add_proxy(actor=clinic.rosa, patient=walter, proxy=changed(starts_on=tomorrow), now=clinic.now)
    (shown,) = queries.band(clinic.rosa, patient=walter, now=clinic.now).proxies
    assert shown.scope == frozenset()


def test_billing_does_not_say_who_speaks_for_whom(clinic: Clinic, walter: Patient) -> None:
    with pytest.raises(Forbidden):
        actions.add_proxy(actor=clinic.imani, patient=walter, proxy=CONSENT, now=clinic.now)


def test_the_care_team_holds_one_person_once_in_a_role(clinic: Clinic, walter: Patient) -> None:
    doctor = clinic.dr_imani.pk
    with told(CareTeamChanged) as facts:
        member = actions.add_care_team_member(
            actor=clinic.rosa, patient=walter, role="primary_care", practitioner_id=doctor, now=clinic.now
        )
    assert facts == [CareTeamChanged(patient_id=walter.pk, member_id=member.pk, at=clinic.now)]
    with pytest.raises(actions.AlreadyOnTheTeam):
        actions.add_care_team_member(
            actor=clinic.rosa, patient=walter, role="primary_care", practitioner_id=doctor, now=clinic.now
        )
    with pytest.raises(actions.NotOnTheTeam):
        actions.add_care_team_member(actor=clinic.rosa, patient=walter, role="primary_care", now=clinic.now)
    with pytest.raises(actions.NotOnTheTeam):
        actions.add_care_team_member(
            actor=clinic.rosa, patient=walter, role="butler", practitioner_id=doctor, now=clinic.now
        )
    with pytest.raises(NotFound):
        actions.end_care_team_member(actor=clinic.rosa, patient=walter, member_id=member.pk + 1, now=clinic.now)


def test_an_alert_is_seen_until_it_ends_with_a_reason(clinic: Clinic, walter: Patient) -> None:
    with told(AlertsChanged) as facts:
        alert = actions.raise_alert(
            actor=clinic.rosa, patient=walter, kind="safety", text=" Falls:  bring a chair ", now=clinic.now
        )
    assert len(facts) == 1
    (shown,) = queries.band(clinic.rosa, patient=walter, now=clinic.now).alerts
    assert (shown.text, shown.raised_by) == ("Falls: bring a chair", "Rosa")
    with pytest.raises(actions.AlertWrong):
        actions.end_alert(actor=clinic.rosa, patient=walter, alert_id=alert.pk, reason=" ", now=clinic.now)
    actions.end_alert(actor=clinic.rosa, patient=walter, alert_id=alert.pk, reason="Walks well", now=clinic.now)
    assert queries.band(clinic.rosa, patient=walter, now=clinic.now).alerts == []
    with pytest.raises(NotFound):
        actions.end_alert(actor=clinic.rosa, patient=walter, alert_id=alert.pk, reason="Again", now=clinic.now)


@pytest.mark.parametrize(("kind", "text"), [("safety", " "), ("safety", "x" * 301), ("gossip", "Hm")])
def test_an_alert_says_something_short(clinic: Clinic, walter: Patient, kind: str, text: str) -> None:
    with pytest.raises(actions.AlertWrong):
        actions.raise_alert(actor=clinic.rosa, patient=walter, kind=kind, text=text, now=clinic.now)


def test_the_band_tells_who_they_are_and_how_to_reach_them(
    clinic: Clinic, register: Registry, django_assert_max_num_queries: object
) -> None:
    lan = register(
        "Lan", "Tran", birth_on=date(1960, 5, 5), mrn="RIV-9", phone="207 555 0190",
        spoken_language="vi", written_language="vi", interpreter_needed=True, called_as="Lan",
    )  # fmt: skip
    mail = ContactDetails(kind="email", value="lan@example.org", may_email=True, confidential=True)
    actions.add_contact_point(actor=clinic.rosa, patient=lan, contact=mail, now=clinic.now)
    actions.add_contact_point(
        actor=clinic.rosa,
        patient=lan,
        contact=ContactDetails(kind="address", value="1 Pine St", city="Bath", state="ME", postal_code="04530"),
        now=clinic.now,
    )
    actions.add_care_team_member(
        actor=clinic.rosa, patient=lan, role="primary_care", practitioner_id=clinic.dr_imani.pk, now=clinic.now
    )
    with django_assert_max_num_queries(9):  # type: ignore[operator]  # the stubs don't know it
        band = queries.band(clinic.rosa, patient=lan, now=clinic.now)
    assert (band.language, band.interpreter_needed, band.do_not_text) == ("Vietnamese", True, True)
    assert (band.identifiers[0].value, band.home_site, band.confidential_only) == ("RIV-9", "Riverside", True)
    assert (band.ways[0].channel, band.ways[0].value) == (Channel.EMAIL, "lan@example.org")
    assert [contact.shown for contact in band.contacts] == [
        "1 Pine St, Bath, ME 04530",
        "lan@example.org",
        "(207) 555-0190",
    ]
    assert [(member.name, member.where) for member in band.care_team] == [("Dr Imani", "Riverside")]


def test_the_band_of_someone_unknown_is_short(clinic: Clinic, register: Registry) -> None:
    band = queries.band(clinic.rosa, patient=register("", "Unknown"), now=clinic.now)
    assert (band.age, band.language, band.ways, band.do_not_text, band.goes_by) == (None, "", [], False, "Unknown")
