"""What is done to people and roles: the change, the entry, the refusals."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator

from liaison.accounts import actions, ports
from liaison.accounts.access import Role
from liaison.accounts.forms import RoleForm
from liaison.accounts.models import Assignment, Session, Team, User
from liaison.accounts.queries import (
    AuditFilter,
    actor_of,
    colleagues,
    export_audit,
    open_demo_accounts,
    person_for,
    search_audit,
    sites_of,
    whom_is_meant,
)
from liaison.accounts.sessions import SessionStore
from liaison.accounts.tests.cast import LIAISON, NOW, PASSWORD, acting, person, site, trail
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.audit import seal_entries
from liaison.core.models import AuditEntry, AuditSeal
from liaison.core.postgres.guard import UnguardedWrite, writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale, StepUpNeeded
from liaison.core.tests.test_act import _tamper

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Actor:
    """Someone who gives roles."""
    return acting(person("Ada", Role.ADMINISTRATOR))


@pytest.fixture
def held() -> Iterator[dict[int, int]]:
    """Open work by user id, as another package would count it."""
    work: dict[int, int] = {}
    ports.register_open_work(
        "test.open", lambda user_id: ports.HeldWork(label="open loops", count=work.get(user_id, 0))
    )
    yield work
    ports.register_open_work("test.open", lambda user_id: ports.HeldWork(label="", count=0))


def test_an_administrator_adds_a_person_in_lower_case_and_the_trail_says_so(boss: Actor) -> None:
    rosa = actions.add_person(actor=boss, email=" Rosa@Riverside.example ", name="Rosa", now=NOW)
    assert (rosa.email, rosa.is_active, rosa.has_usable_password()) == ("rosa@riverside.example", True, False)
    entry = trail("accounts.manage_people")[-1]
    assert (entry.outcome, entry.subject_type, entry.subject_id) == ("done", "accounts.user", rosa.pk)


def test_one_address_signs_in_one_person(boss: Actor) -> None:
    person("Rosa")
    with pytest.raises(actions.EmailTaken) as refused:
        actions.add_person(actor=boss, email="ROSA@riverside.example", name="Other Rosa", now=NOW)
    assert "email" in refused.value.fields
    assert trail("accounts.manage_people")[-1].outcome == "refused"


def test_a_coordinator_gives_no_roles() -> None:
    rosa = person("Rosa", Role.COORDINATOR)
    with pytest.raises(Forbidden):
        actions.give_role(actor=acting(rosa), person=rosa, role=Role.ADMINISTRATOR, site=None, now=NOW)
    assert trail("accounts.give_roles")[-1].refusal_code == "core.forbidden"


def test_a_role_counts_at_its_site_and_nowhere_else(boss: Actor) -> None:
    here, there = site("Riverside"), site("Northgate")
    rosa, pat = person("Rosa", Role.COORDINATOR, at=here), person("Pat", Role.COORDINATOR, at=there)
    assert actor_of(rosa, now=NOW).assignments == {("coordinator", here.pk)}
    assert list(sites_of(actor_of(pat, now=NOW))) == [there]
    assert list(colleagues(boss, now=NOW, role=Role.COORDINATOR, site_id=here.pk)) == [rosa]
    assert list(User.objects.holding(Role.COORDINATOR, now=NOW, site_id=there.pk)) == [pat]
    assert list(User.objects.holding(Role.COORDINATOR, now=NOW)) == [pat, rosa]


def test_a_role_is_held_from_its_start_up_to_but_not_including_its_end(boss: Actor) -> None:
    rosa = person("Rosa")
    given = actions.give_role(
        actor=boss, person=rosa, role=Role.BILLING, site=None, now=NOW, ends_at=NOW + timedelta(days=1)
    )
    assert actor_of(rosa, now=NOW).roles == {"billing"}
    assert actor_of(rosa, now=NOW - timedelta(seconds=1)).roles == set()
    assert actor_of(rosa, now=NOW + timedelta(days=1)).roles == set()
    assert str(given) == "Billing, every site"


def test_the_same_role_is_not_given_twice_but_again_after_it_ended(boss: Actor) -> None:
    here = site()
    rosa = person("Rosa", Role.COORDINATOR, at=here)
    with pytest.raises(actions.RoleAlreadyHeld):
        actions.give_role(actor=boss, person=rosa, role=Role.COORDINATOR, site=here, now=NOW)
    later = NOW + timedelta(minutes=5)
    actions.end_role(actor=boss, assignment=rosa.assignments.get(), now=later)
    assert actor_of(rosa, now=later).roles == set()
    actions.give_role(actor=boss, person=rosa, role=Role.COORDINATOR, site=here, now=later)
    assert str(rosa.assignments.last()) == "Care coordinator, Riverside"


def test_a_role_that_is_ended_twice_at_once_is_answered_as_ended(boss: Actor) -> None:
    held = person("Rosa", Role.COORDINATOR, at=site()).assignments.get()
    ended = [actions.end_role(actor=boss, assignment=held, now=NOW + timedelta(seconds=at)) for at in (0, 1)]
    assert [each.ends_at for each in ended] == [NOW, NOW]


def test_somebody_always_remains_who_can_give_roles(boss: Actor) -> None:
    alone = Assignment.objects.get(user_id=boss.user_id)
    with pytest.raises(actions.LastAdministrator):
        actions.end_role(actor=boss, assignment=alone, now=NOW)
    person("Bea", Role.ADMINISTRATOR)
    actions.end_role(actor=boss, assignment=alone, now=NOW + timedelta(minutes=1))


def test_nobody_leaves_open_work_behind(boss: Actor, held: dict[int, int]) -> None:
    rosa = person("Rosa", Role.COORDINATOR)
    held[rosa.pk] = 12
    with pytest.raises(actions.HasOpenWork, match="Rosa still holds 12 open loops"):
        actions.deactivate_person(actor=boss, person=rosa, now=NOW)
    held.clear()
    actions.deactivate_person(actor=boss, person=rosa, now=NOW + timedelta(minutes=1))
    rosa.refresh_from_db()
    assert not rosa.is_active
    assert not Assignment.objects.current(now=NOW + timedelta(minutes=1)).filter(user=rosa).exists()
    assert actor_of(rosa, now=NOW) is ANONYMOUS
    assert [entry.outcome for entry in trail("accounts.deactivate")] == ["refused", "done"]


def test_a_closed_account_opens_again_without_roles(boss: Actor) -> None:
    rosa = person("Rosa", Role.COORDINATOR)
    actions.deactivate_person(actor=boss, person=rosa, now=NOW + timedelta(minutes=1))
    with pytest.raises(actions.AccountClosed):
        actions.give_role(actor=boss, person=rosa, role=Role.BILLING, site=None, now=NOW)
    with pytest.raises(actions.AccountClosed):
        actions.give_password(actor=boss, person=rosa, now=NOW)
    actions.reactivate_person(actor=boss, person=rosa, now=NOW + timedelta(minutes=2))
    assert actor_of(rosa, now=NOW + timedelta(minutes=2)).roles == set()


def test_an_administrator_does_nothing_drastic_to_their_own_account(boss: Actor) -> None:
    ada = User.objects.get(pk=boss.user_id)
    person("Bea", Role.ADMINISTRATOR)
    for drastic in (actions.deactivate_person, actions.reset_mfa, actions.give_password):
        with pytest.raises(actions.NotOneself):
            drastic(actor=boss, person=ada, now=NOW)


def test_resetting_second_factors_asks_who_is_at_the_keyboard_and_ends_sessions(boss: Actor) -> None:
    rosa = person("Rosa", Role.COORDINATOR)
    Authenticator.objects.create(user=rosa, type="totp", data={"secret": "x"})
    Session.objects.create(session_key="k", session_data="", expire_date=NOW, user=rosa)
    with pytest.raises(StepUpNeeded):
        actions.reset_mfa(actor=actor_of(User.objects.get(pk=boss.user_id), now=NOW), person=rosa, now=NOW)
    assert actions.reset_mfa(actor=boss, person=rosa, now=NOW) == 1
    assert not Authenticator.objects.exists()
    assert not Session.objects.exists()


def test_a_first_password_works_once_told_and_must_be_changed(boss: Actor) -> None:
    rosa = person("Rosa", Role.COORDINATOR)
    told = actions.give_password(actor=boss, person=rosa, now=NOW)
    rosa.refresh_from_db()
    assert rosa.check_password(told)
    assert rosa.must_change_password
    assert told not in str(AuditEntry.objects.values_list("details", flat=True))
    actions.set_password(actor=acting(rosa), person=rosa, password="my own long secret", now=NOW)
    assert not rosa.must_change_password


def test_nobody_changes_the_password_of_someone_else() -> None:
    rosa, pat = person("Rosa", Role.COORDINATOR), person("Pat", Role.COORDINATOR)
    with pytest.raises(Forbidden):
        actions.set_password(actor=acting(pat), person=rosa, password="taken over by Pat", now=NOW)
    rosa.refresh_from_db()
    assert rosa.check_password(PASSWORD)


def test_a_password_is_never_written_outside_an_action() -> None:
    rosa = person("Rosa")
    rosa.set_password("some other secret")
    with pytest.raises(UnguardedWrite):
        rosa.save()


def test_checking_a_password_never_writes_a_newer_hash() -> None:
    rosa = person("Rosa")
    rosa.password = "pbkdf2_sha1$1$salt$ms2Dpc2MBmjCHgKkqDmbRxXD3SU="
    assert rosa.check_password("wrong") is False
    assert rosa.password.startswith("pbkdf2_sha1")


def test_teams_are_what_was_said_last(boss: Actor) -> None:
    here = site()
    first = actions.add_team(actor=boss, name="Transitions", site=here, now=NOW)
    second = actions.add_team(actor=boss, name="Referrals", site=here, now=NOW)
    everywhere = actions.add_team(actor=boss, name="On call", site=None, now=NOW)
    rosa = person("Rosa", Role.COORDINATOR, at=here)
    actions.set_teams(actor=boss, person=rosa, teams=[first, everywhere], now=NOW)
    actions.set_teams(actor=boss, person=rosa, teams=[first, second], now=NOW)
    assert actor_of(rosa, now=NOW).team_ids == {first.pk, second.pk}
    assert str(rosa.memberships.first()) == "Rosa in Transitions"
    with pytest.raises(actions.TeamNameTaken):
        actions.add_team(actor=boss, name="On call", site=None, now=NOW)
    assert Team.objects.count() == 3


def test_nothing_is_saved_over_what_somebody_else_said_meanwhile(boss: Actor) -> None:
    here = site()
    team = actions.add_team(actor=boss, name="Transitions", site=here, now=NOW)
    rosa = person("Rosa", Role.COORDINATOR, at=here)
    details = actions.SiteDetails(name="North", address="", phone="617-555-0100")
    held = rosa.assignments.get()
    actions.end_role(actor=boss, assignment=held, now=NOW)
    for late in (
        lambda: actions.rename_person(actor=boss, person=rosa, name="R", email=rosa.email, expected_version=2, now=NOW),
        lambda: actions.set_teams(actor=boss, person=rosa, teams=[], expected_ids=[team.pk], now=NOW),
        lambda: actions.change_site(actor=boss, site=here, details=details, expected_version=2, now=NOW),
        lambda: actions.end_role(actor=acting(person("Bea", Role.ADMINISTRATOR)), assignment=held, now=NOW),
    ):
        with pytest.raises(Stale):
            late()
    assert actions.change_site(actor=boss, site=here, details=details, expected_version=1, now=NOW).version == 2


def test_a_site_code_is_used_once(boss: Actor) -> None:
    site("Riverside")
    with pytest.raises(actions.SiteCodeTaken):
        actions.add_site(actor=boss, code="riverside", name="Other", time_zone="UTC", phone="617-555-0100", now=NOW)


def test_one_ends_ones_own_sessions_and_nobody_elses() -> None:
    rosa, pat = person("Rosa", Role.COORDINATOR), person("Pat", Role.COORDINATOR)
    mine = Session.objects.create(session_key="rosas", session_data="", expire_date=NOW, user=rosa)
    with pytest.raises(NotFound):
        actions.end_session(actor=acting(pat), handle=mine.handle, now=NOW)
    actions.end_session(actor=acting(rosa), handle=mine.handle, now=NOW)
    assert not Session.objects.exists()


def test_renaming_is_refused_when_the_address_is_taken(boss: Actor) -> None:
    rosa, pat = person("Rosa"), person("Pat")
    actions.rename_person(actor=boss, person=rosa, name="Rosa Diaz", email="rd@riverside.example", now=NOW)
    assert User.objects.get_by_natural_key("RD@riverside.example").name == "Rosa Diaz"
    with pytest.raises(actions.EmailTaken):
        actions.rename_person(actor=boss, person=rosa, name="Rosa", email=pat.email, now=NOW)


def test_managing_someone_needs_the_verb_and_someone_who_exists(boss: Actor) -> None:
    with pytest.raises(NotFound):
        person_for(boss, user_id=999_999, now=NOW)
    with pytest.raises(Forbidden):
        person_for(acting(person("Rosa", Role.COORDINATOR)), user_id=1, now=NOW)


def test_verifying_the_trail_is_kept_where_the_audit_page_shows_it() -> None:
    person("Rosa")
    assert actions.verify_audit_chain(actor=LIAISON).problem == ""
    assert trail("core.verify_audit")[0].details["problem"] == ""


def test_ended_sessions_are_swept() -> None:
    from liaison.accounts.jobs import remove_ended_sessions, verify_audit_trail

    SessionStore().create()
    Session.objects.create(session_key="old", session_data="", expire_date=NOW - timedelta(days=900))
    remove_ended_sessions()
    assert not Session.objects.filter(session_key="old").exists()
    verify_audit_trail()
    assert trail("core.verify_audit")


def test_someone_without_a_role_still_changes_their_password() -> None:
    rosa = person("Rosa")
    actions.set_password(actor=acting(rosa), person=rosa, password="my own long secret", now=NOW)
    entry = trail("accounts.own_password")[0]
    assert (entry.actor_user_id, entry.actor_name) == (rosa.pk, "Liaison, for Rosa")
    with pytest.raises(Forbidden):
        actions.set_password(actor=ANONYMOUS, person=rosa, password="my own long secret", now=NOW)


def test_an_export_without_a_patient_concerns_none() -> None:
    vera = acting(person("Vera", Role.PRIVACY_OFFICER))
    actions.begin_audit_export(actor=vera, looked_for={"verb": "core.see"}, patient_id=None, now=NOW)
    entry = trail("accounts.export_audit")[0]
    assert (entry.patient_ids, entry.details) == ([], {"verb": "core.see"})


def test_a_role_is_given_only_where_one_manages_people_and_never_to_oneself(boss: Actor) -> None:
    here, there = site("Riverside"), site("Northgate")
    adam = person("Adam", Role.ADMINISTRATOR, at=there)
    rosa = person("Rosa")
    for beyond in (here, None):
        with pytest.raises(Forbidden):
            actions.give_role(actor=acting(adam), person=rosa, role=Role.BILLING, site=beyond, now=NOW)
    assert actions.give_role(actor=acting(adam), person=rosa, role=Role.BILLING, site=there, now=NOW).pk
    with pytest.raises(actions.NotOneself):
        actions.give_role(actor=acting(adam), person=adam, role=Role.CLINICIAN, site=there, now=NOW)


def test_a_privacy_officer_is_one_for_every_site_or_none(boss: Actor) -> None:
    here = site("Riverside")
    adam, rosa = person("Adam", Role.ADMINISTRATOR, at=here), person("Rosa")
    for who in (boss, acting(adam)):
        with pytest.raises(actions.HeldEverywhere):
            actions.give_role(actor=who, person=rosa, role=Role.PRIVACY_OFFICER, site=here, now=NOW)
    assert str(Role.PRIVACY_OFFICER) not in dict(RoleForm(actor=acting(adam)).fields["role"].choices)  # type: ignore[attr-defined]  # the form declares such a field
    assert str(Role.PRIVACY_OFFICER) in dict(RoleForm(actor=boss).fields["role"].choices)  # type: ignore[attr-defined]  # the form declares such a field
    assert actions.give_role(actor=boss, person=rosa, role=Role.PRIVACY_OFFICER, site=None, now=NOW).site_id is None


def test_who_looked_after_privacy_at_one_site_reads_nothing_of_the_trail() -> None:
    here, vera = site("Riverside"), person("Vera")
    with writes_open():
        Assignment.objects.create(user=vera, role=Role.PRIVACY_OFFICER, site=here, starts_at=NOW)
    for look in (
        lambda: search_audit(acting(vera), wanted=AuditFilter(), now=NOW),
        lambda: list(export_audit(acting(vera), wanted=AuditFilter())),
        lambda: whom_is_meant(acting(vera), text="1", now=NOW),
        lambda: actions.begin_audit_export(actor=acting(vera), looked_for={}, patient_id=None, now=NOW),
    ):
        with pytest.raises(Forbidden):
            look()


def test_the_demonstrations_accounts_open_nothing_in_production(settings: object) -> None:
    from liaison.accounts.backends import PasswordBackend

    rosa = person("Rosa")
    with writes_open():
        User.objects.filter(pk=rosa.pk).update(is_demo=True)
    settings.PRODUCTION = True  # type: ignore[attr-defined]  # the fixtures have no types
    assert PasswordBackend()._authenticate_by_email(rosa.email, PASSWORD) is None
    assert actor_of(rosa, now=NOW).user_id == rosa.pk
    rosa.refresh_from_db()
    assert actor_of(rosa, now=NOW) is ANONYMOUS
    assert open_demo_accounts() == (1, rosa.email)
    settings.PRODUCTION = False  # type: ignore[attr-defined]  # the fixtures have no types
    assert PasswordBackend()._authenticate_by_email(rosa.email, PASSWORD) == rosa
    assert actor_of(rosa, now=NOW).user_id == rosa.pk


def _restore_an_older_trail() -> int:
    """Cut the newest seal off, as a restored backup would; returns its number."""
    person("Rosa")
    seal_entries()
    person("Pat")
    seal_entries()
    lost = AuditSeal.objects.latest("id").pk
    _tamper(f"DELETE FROM core_auditentry WHERE seal_id = {lost}")
    _tamper(f"DELETE FROM core_auditseal WHERE id = {lost}")
    return lost


def test_a_restored_trail_is_accepted_once_with_a_reason_that_stands_in_it() -> None:
    lost = _restore_an_older_trail()
    assert "was recorded outside" in actions.verify_audit_chain(actor=LIAISON).problem
    assert "was recorded outside" in trail("core.verify_audit")[0].details["problem"]
    proof = actions.accept_restored_trail(actor=LIAISON, reason="The disk failed")
    assert (proof.problem, proof.compared) == ("", 1)
    entry = trail("core.accept_restore")[0]
    assert (entry.reason, entry.details["missing_seal"]) == ("The disk failed", lost)
    assert entry.seal_id is not None
    with pytest.raises(actions.NothingToAccept, match="nothing to accept"):
        actions.accept_restored_trail(actor=LIAISON, reason="Again")


def test_a_trail_that_is_broken_inside_is_never_accepted() -> None:
    _restore_an_older_trail()
    _tamper("UPDATE core_auditentry SET reason = 'x'")
    with pytest.raises(actions.NothingToAccept, match="was changed"):
        actions.accept_restored_trail(actor=LIAISON, reason="The disk failed")
    assert not trail("core.accept_restore")
