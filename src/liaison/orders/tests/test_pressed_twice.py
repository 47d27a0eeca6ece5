"""Every move of a referral, sent twice at once: the second is answered as the first was, and nothing moves again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.orders import actions
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.tests.clinic import NEW_YORK, NOW, Clinic
from liaison.orders.tests.test_screens import HTMX, at_desk

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def received(clinic: Clinic) -> Referral:
    return actions.confirm_received(clinic.rosa, referral_id=clinic.sent().pk, now=NOW)


def accepted(clinic: Clinic) -> Referral:
    return actions.accept_referral(clinic.rosa, referral_id=received(clinic).pk, now=NOW)


def arranged(clinic: Clinic) -> Referral:
    return actions.mark_scheduled(clinic.rosa, referral_id=accepted(clinic).pk, visit_at=NOW + HOUR, now=NOW)


def declined(clinic: Clinic) -> Referral:
    return actions.decline_referral(clinic.rosa, referral_id=clinic.sent().pk, reason="Full", now=NOW)


def seen(clinic: Clinic) -> Referral:
    return actions.mark_seen(clinic.rosa, referral_id=arranged(clinic).pk, seen_at=NOW + HOUR, now=NOW + 2 * HOUR)


def noted(clinic: Clinic) -> Referral:
    return actions.record_note(clinic.rosa, referral_id=seen(clinic).pk, report="Mild.", now=NOW + 3 * HOUR)


def told(clinic: Clinic) -> Referral:
    return actions.tell_patient(clinic.rosa, referral_id=noted(clinic).pk, how="By phone", now=NOW + 4 * HOUR)


def cancelling(clinic: Clinic) -> Referral:
    return actions.cancel_referral(clinic.rosa, referral_id=clinic.sent().pk, reason="Not wanted", now=NOW)


MOVES: dict[str, tuple[str, Callable[[Clinic], Referral], dict[str, str]]] = {
    "send": ("send", lambda clinic: clinic.draft(), {"via": "fax"}),
    "received": ("received", lambda clinic: clinic.sent(), {"note": "They called"}),
    "accepted": ("accepted", received, {}),
    "scheduled": ("scheduled", accepted, {"visit_at": "ahead"}),
    "seen": ("seen", arranged, {"seen_at": "behind", "seen_earlier": "on"}),
    "note": ("note", seen, {"report": "Mild."}),
    "reviewed": ("review", noted, {"review": "Nothing more"}),
    "reviewed, with which it closes": ("review", told, {"review": "Nothing more", "knows": "yes"}),
    "reviewed, of which they know nothing": ("review", told, {"review": "Stress test", "knows": "no"}),
    "told": ("tell", noted, {"how": "By phone"}),
    "missed": ("missed", arranged, {}),
    "visit cancelled": ("visit-cancelled", arranged, {}),
    "rerouted": ("reroute", declined, {"target": "adler", "via": "phone", "reason": ""}),
    "declined": ("declined", lambda clinic: clinic.sent(), {"reason": "Full"}),
    "cancelled": ("cancel", lambda clinic: clinic.sent(), {"reason": "Not wanted"}),
    "discarded": ("cancel", lambda clinic: clinic.draft(), {"reason": "Not wanted"}),
    "cancelled at theirs": ("confirm-cancelled", cancelling, {}),
}


def typed(clinic: Clinic, referral: Referral, fields: dict[str, str]) -> dict[str, str]:
    here = current_time().astimezone(NEW_YORK)
    known = {
        "ahead": f"{here + 24 * HOUR:%Y-%m-%dT10:00}",
        "behind": f"{here - HOUR:%Y-%m-%dT%H:%M}",
        "adler": f"practitioner:{clinic.adler.pk}",
    }
    return {"version": str(referral.version), **{name: known.get(value, value) for name, value in fields.items()}}


def counted(referral: Referral) -> tuple[Any, ...]:
    row = Referral.objects.get(pk=referral.pk)
    return row.version, row.state, row.times_sent, ReferralStep.objects.filter(referral=row).count()


@pytest.mark.parametrize("case", MOVES)
def test_a_second_press_is_answered_as_the_first_and_moves_nothing(clinic: Clinic, case: str) -> None:
    move, stood, fields = MOVES[case]
    referral = stood(clinic)
    who = at_desk(clinic.imani if move in {"review", "send"} else clinic.rosa)
    form, address = typed(clinic, referral, fields), f"/referrals/{referral.pk}/{move}/"
    first = who.post(address, form, headers=HTMX)
    assert first.status_code == 204, first.content.decode()
    after = counted(referral)
    again = who.post(address, form, headers=HTMX)
    assert (again.status_code, again.headers["HX-Trigger"]) == (204, first.headers["HX-Trigger"])
    assert counted(referral) == after
    assert AuditEntry.objects.filter(outcome="done", details__repeated=True, subject_id=referral.pk).count() == 1


@pytest.mark.parametrize("case", [case for case in MOVES if "reviewed" not in case])
def test_a_colleague_who_presses_the_same_is_told_who_was_first(clinic: Clinic, case: str) -> None:
    move, stood, fields = MOVES[case]
    referral = stood(clinic)
    form, address = typed(clinic, referral, fields), f"/referrals/{referral.pk}/{move}/"
    assert at_desk(clinic.rosa).post(address, form, headers=HTMX).status_code == 204
    late = at_desk(clinic.marta).post(address, form, headers=HTMX)
    assert (late.status_code, "Rosa Delgado was here first" in late.content.decode()) == (409, True)


def test_other_words_are_no_second_press(clinic: Clinic) -> None:
    referral = clinic.sent()
    rosa, address = at_desk(clinic.rosa), f"/referrals/{referral.pk}/declined/"
    form = {"version": str(referral.version), "reason": "Full"}
    assert rosa.post(address, form, headers=HTMX).status_code == 204
    assert rosa.post(address, {**form, "reason": "No contract"}, headers=HTMX).status_code == 409
