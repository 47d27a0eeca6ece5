"""The only writes to sites, teams, people, roles and passwords."""

from liaison.accounts.actions.people import (
    add_person,
    add_site,
    add_team,
    refuse_further,
    rename_person,
    set_teams,
)
from liaison.accounts.actions.proofs import (
    end_session,
    give_password,
    reset_mfa,
    set_password,
)
from liaison.accounts.actions.refusals import (
    AccountClosed,
    AdministratorExists,
    EmailTaken,
    HasOpenWork,
    HeldEverywhere,
    LastAdministrator,
    NotOneself,
    ReachesFurther,
    RoleAlreadyHeld,
    SiteCodeTaken,
    TeamNameTaken,
)
from liaison.accounts.actions.roles import (
    appoint_administrator,
    appoint_first_administrator,
    deactivate_person,
    end_role,
    give_role,
    reactivate_person,
)
from liaison.accounts.actions.trail import (
    NothingToAccept,
    accept_restored_trail,
    begin_audit_export,
    verify_audit_chain,
)

__all__ = [
    "AccountClosed",
    "AdministratorExists",
    "EmailTaken",
    "HasOpenWork",
    "HeldEverywhere",
    "LastAdministrator",
    "NotOneself",
    "NothingToAccept",
    "ReachesFurther",
    "RoleAlreadyHeld",
    "SiteCodeTaken",
    "TeamNameTaken",
    "accept_restored_trail",
    "add_person",
    "add_site",
    "add_team",
    "appoint_administrator",
    "appoint_first_administrator",
    "begin_audit_export",
    "deactivate_person",
    "end_role",
    "end_session",
    "give_password",
    "give_role",
    "reactivate_person",
    "refuse_further",
    "rename_person",
    "reset_mfa",
    "set_password",
    "set_teams",
    "verify_audit_chain",
]
