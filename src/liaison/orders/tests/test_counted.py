"""What the directory asks before it offers somebody no longer: how many open referrals ask them."""

from __future__ import annotations

from liaison.directory.ports import open_referrals
from liaison.orders import actions
from liaison.orders.ports import Target
from liaison.orders.tests.clinic import NOW, Clinic


def test_open_referrals_are_counted_by_whom_they_ask(clinic: Clinic) -> None:
    clinic.sent()
    skin = clinic.draft(specialty="dermatology", target=Target(organization_id=clinic.skin_clinic.pk))
    assert open_referrals(organization_id=clinic.heart_center.pk) == 1
    assert open_referrals(practitioner_id=clinic.adler.pk) == 0
    assert open_referrals(practitioner_id=clinic.dr_imani.pk) == 0
    assert open_referrals(organization_id=clinic.skin_clinic.pk) == 1
    actions.cancel_referral(clinic.imani, referral_id=skin.pk, reason="asked twice", now=NOW)
    assert open_referrals(organization_id=clinic.skin_clinic.pk) == 0
