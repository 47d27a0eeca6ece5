"""An installation is opened once; whoever administers it then adds the others."""

import pytest

from liaison.accounts import actions
from liaison.accounts.access import Role
from liaison.accounts.models import User
from liaison.accounts.tests.cast import LIAISON, NOW, PASSWORD, acting, person, site, trail
from liaison.core.refusals import Forbidden

pytestmark = pytest.mark.django_db
ADA = {"email": "Ada@elm.example", "name": "Ada Bell", "password": PASSWORD, "now": NOW}


def test_the_first_administrator_may_give_roles_everywhere_and_the_trail_names_liaison():
    ada = actions.appoint_first_administrator(actor=LIAISON, **ADA)
    assert ada.email == "ada@elm.example"
    assert ada.check_password(PASSWORD)
    assert [(held.role, held.site_id) for held in ada.assignments.all()] == [(Role.ADMINISTRATOR, None)]
    entries = trail("accounts.manage_people")
    assert {(entry.outcome, entry.actor_name) for entry in entries} == {("done", LIAISON.name)}
    assert {entry.subject_id for entry in entries if entry.subject_type == "accounts.user"} == {ada.pk}


def test_a_second_first_administrator_is_refused_and_nothing_of_it_stays():
    actions.appoint_first_administrator(actor=LIAISON, **ADA)
    with pytest.raises(actions.AdministratorExists):
        actions.appoint_first_administrator(actor=LIAISON, **(ADA | {"email": "eve@elm.example"}))
    assert list(User.objects.values_list("email", flat=True)) == ["ada@elm.example"]
    assert trail("accounts.manage_people")[-1].refusal_code == "accounts.administrator_exists"


def test_a_further_administrator_can_be_appointed_when_that_is_meant():
    actions.appoint_first_administrator(actor=LIAISON, **ADA)
    ben = actions.appoint_administrator(actor=LIAISON, **(ADA | {"email": "ben@elm.example"}))
    assert set(User.objects.holding(Role.ADMINISTRATOR, now=NOW)) == {ben, User.objects.get(email="ada@elm.example")}


def test_an_administrator_of_one_site_appoints_nobody_for_every_site():
    riverside = site()
    local = acting(person("Ada", Role.ADMINISTRATOR, at=riverside))
    with pytest.raises(Forbidden):
        actions.appoint_administrator(actor=local, **(ADA | {"email": "eve@elm.example"}))
    assert not User.objects.filter(email="eve@elm.example").exists()
