"""Roles, and the verbs of this package: who may do what to accounts and with the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from liaison.accounts.rules import Role
from liaison.core.verbs import verb

__all__ = [
    "CARE_ROLES",
    "DEACTIVATE",
    "DESK_ROLES",
    "EVERYBODY",
    "EXPORT_AUDIT",
    "GIVE_ROLES",
    "MANAGE_PEOPLE",
    "MANAGE_SITES",
    "ONLY_EVERYWHERE",
    "OWN_PASSWORD",
    "OWN_SESSIONS",
    "RESET_MFA",
    "ROLE_LABELS",
    "SEARCH_AUDIT",
    "SET_PASSWORD_FOR",
    "Role",
]

ROLE_LABELS: Final[Mapping[Role, str | Promise]] = MappingProxyType(
    {
        Role.COORDINATOR: _("Care coordinator"),
        Role.CLINICIAN: _("Clinician"),
        Role.FRONT_DESK: _("Front desk"),
        Role.BILLING: _("Billing"),
        Role.RECORDS_CLERK: _("Records clerk"),
        Role.SUPERVISOR: _("Supervisor"),
        Role.PRIVACY_OFFICER: _("Privacy officer"),
        Role.ADMINISTRATOR: _("Administrator"),
    }
)

CARE_ROLES: Final = frozenset({Role.COORDINATOR, Role.CLINICIAN, Role.SUPERVISOR})
"""Roles that work with the whole chart of a patient."""

DESK_ROLES: Final = CARE_ROLES | {Role.FRONT_DESK, Role.BILLING, Role.RECORDS_CLERK}
"""Roles that meet patients at all; a privacy officer and an administrator do so only through their own screens."""

EVERYBODY: Final = frozenset(Role)

ONLY_EVERYWHERE: Final = frozenset({Role.PRIVACY_OFFICER})
"""Roles that are given for every site or not at all: the audit trail is of the whole organization."""

MANAGE_PEOPLE: Final = verb(
    "accounts.manage_people",
    "Add people, say who they are and in which teams",
    roles={Role.ADMINISTRATOR},
)
GIVE_ROLES: Final = verb("accounts.give_roles", "Give and end roles", roles={Role.ADMINISTRATOR}, step_up=True)
DEACTIVATE: Final = verb(
    "accounts.deactivate", "Close a person's account, or open it again", roles={Role.ADMINISTRATOR}, step_up=True
)
RESET_MFA: Final = verb(
    "accounts.reset_mfa",
    "Remove a person's second factors",
    roles={Role.ADMINISTRATOR},
    step_up=True,
)
SET_PASSWORD_FOR: Final = verb(
    "accounts.set_password_for",
    "Give a person a new password",
    roles={Role.ADMINISTRATOR},
    step_up=True,
)
MANAGE_SITES: Final = verb("accounts.manage_sites", "Add sites and teams", roles={Role.ADMINISTRATOR})
OWN_PASSWORD: Final = verb("accounts.own_password", "Change one's own password", roles=EVERYBODY)
OWN_SESSIONS: Final = verb("accounts.own_sessions", "End one's own sessions", roles=EVERYBODY)
SEARCH_AUDIT: Final = verb("accounts.search_audit", "Search the audit trail", roles={Role.PRIVACY_OFFICER})
EXPORT_AUDIT: Final = verb(
    "accounts.export_audit",
    "Export from the audit trail",
    roles={Role.PRIVACY_OFFICER},
    step_up=True,
)
