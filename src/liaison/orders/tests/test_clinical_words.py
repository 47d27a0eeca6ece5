"""What a referral asks and what came back is read by those with the chart, on every page alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liaison.orders import actions, queries
from liaison.orders.models import Referral
from liaison.orders.tests.clinic import NOW, Clinic
from liaison.orders.tests.test_screens import HTMX, at_desk

pytestmark = pytest.mark.django_db
CLINICAL = ("murmur", "stenosis", "echo in spring", "ECG", "since May", "told him of the valve", "a second look")


def answered(clinic: Clinic) -> Referral:
    """A referral that went all the way, with something clinical in every place."""
    referral = clinic.draft(
        question="New murmur?", history="Tired since May", attachments=("ECG",), duplicate_reason="a second look"
    )
    rosa = clinic.rosa
    actions.send_referral(rosa, referral_id=referral.pk, via="fax", now=NOW)
    actions.accept_referral(rosa, referral_id=referral.pk, note="Ring Ann to book", now=NOW)
    actions.mark_scheduled(rosa, referral_id=referral.pk, visit_at=NOW + timedelta(hours=1), now=NOW)
    actions.mark_seen(rosa, referral_id=referral.pk, seen_at=NOW, now=NOW)
    actions.record_note(rosa, referral_id=referral.pk, report="Mild stenosis", now=NOW)
    actions.tell_patient(rosa, referral_id=referral.pk, how="Rosa told him of the valve", now=NOW)
    return actions.review_note(clinic.imani, referral_id=referral.pk, review="echo in spring", knows=True, now=NOW)


def pages(clinic: Clinic, referral: Referral) -> list[tuple[str, dict[str, str]]]:
    """Every address that shows something of it, whole and as a fragment."""
    page, loop = f"/referrals/{referral.pk}/", f"/loops/{referral.loop_id}/"
    patient = f"/patients/{clinic.walter.pk}/"
    addresses = [page, loop, f"{loop}?as=row", f"{loop}?as=page", patient, f"{patient}timeline/", "/referrals/", "/"]
    return [(address, headers) for address in addresses for headers in ({}, HTMX)]


def test_the_front_desk_reads_none_of_it_anywhere(clinic: Clinic) -> None:
    referral = answered(clinic)
    desk = at_desk(clinic.fred)
    for address, headers in pages(clinic, referral):
        shown = desk.get(address, headers=headers, follow=True)
        assert shown.status_code == 200, address
        assert [word for word in CLINICAL if word in shown.content.decode()] == [], address


def test_those_with_the_chart_read_it_where_it_belongs(clinic: Clinic) -> None:
    referral = answered(clinic)
    rosa = at_desk(clinic.rosa)
    page = rosa.get(f"/referrals/{referral.pk}/").content.decode()
    assert [word for word in CLINICAL if word not in page] == []
    panel = rosa.get(f"/loops/{referral.loop_id}/", headers=HTMX).content.decode()
    assert "Mild stenosis" in panel
    told = rosa.get(f"/patients/{clinic.walter.pk}/timeline/", headers=HTMX).content.decode()
    assert "echo in spring" in told


def test_the_front_desk_still_reads_what_it_works_with(clinic: Clinic) -> None:
    referral = answered(clinic)
    page = queries.referral_page(clinic.fred, referral_id=referral.pk, now=NOW)
    assert not page.reads_chart
    assert page.target == "Heart Center"
    assert "Ring Ann to book" in {step.reason for step in page.steps}
    shown = at_desk(clinic.fred).get(f"/referrals/{referral.pk}/").content.decode()
    assert "shown to those who read the chart" in shown
    declined = clinic.sent(specialty="dermatology", question="A mole")
    actions.decline_referral(clinic.rosa, referral_id=declined.pk, reason="Full until June", now=NOW)
    page = queries.referral_page(clinic.fred, referral_id=declined.pk, now=NOW)
    assert page.state_reason == "Full until June"
