"""Pat broke the glass: what Walter's chart offers them is the work of the hour, and nothing that would outlast it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.desk.tests.browser import HTMX, text_of
from liaison.desk.tests.test_home import loop_of_rosa
from liaison.patients.models import BreakGlassGrant


@pytest.fixture
def broken(cast):
    now = current_time()
    with writes_open():
        return BreakGlassGrant.objects.create(
            patient=cast.walter, user_id=cast.pat.user_id, reason_code="ETREAT", reason="Collapsed at our front desk",
            starts_at=now, expires_at=now + timedelta(hours=4), review_due_at=now + timedelta(days=3),
        )  # fmt: skip


def test_the_chart_offers_a_call_and_a_note_but_no_correction(cast, at_desk, broken):
    page = text_of(at_desk(cast.pat).get(f"/patients/{cast.walter.pk}/"))
    assert "You broke the glass" in page
    for offered in ("/calls/new/?patient=", "/messages/new/?patient="):
        assert offered in page
    for kept in (f"/patients/{cast.walter.pk}/edit/", f"/patients/{cast.walter.pk}/reach/"):
        assert kept not in page
        assert kept in text_of(at_desk(cast.rosa).get(f"/patients/{cast.walter.pk}/"))


def test_how_to_reach_them_is_neither_offered_nor_opened(cast, at_desk, broken):
    pat, kept = at_desk(cast.pat), f"/patients/{cast.walter.pk}/reach/"
    assert kept not in text_of(pat.get(f"/calls/new/?patient={cast.walter.pk}"))
    assert pat.get(kept).status_code == 403
    assert pat.post(kept, {}).status_code == 403
    entry = AuditEntry.objects.filter(outcome="refused").latest("id")
    assert (entry.verb, entry.outcome, entry.patient_ids) == ("inbox.note_preference", "refused", [cast.walter.pk])


def test_a_loop_is_read_and_moved_on_but_neither_taken_nor_given_up(cast, at_desk, broken):
    made = loop_of_rosa(cast)
    pat, was = at_desk(cast.pat), made.owner_user_id
    page = text_of(pat.get(f"/loops/{made.pk}/"))
    assert f"/loops/{made.pk}/evidence/" in page
    for kept in (f"/loops/{made.pk}/take/", f"/loops/{made.pk}/give-up/"):
        assert kept not in page
        assert kept in text_of(at_desk(cast.rosa).get(f"/loops/{made.pk}/")) or kept.endswith("take/")
        assert pat.post(kept, {"version": made.version, "reason": "No use"}, headers=HTMX).status_code == 403
    assert pat.get(f"/loops/{made.pk}/give-up/", headers=HTMX).status_code == 403
    made.refresh_from_db()
    assert (made.owner_user_id, made.state) == (was, "open")
