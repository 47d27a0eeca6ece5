"""Verbs on patients, and who may. Which patients, is decided by `Patient.objects.visible_to`."""

from typing import Final

from liaison.accounts.access import CARE_ROLES, DESK_ROLES, EVERYBODY, Role
from liaison.core.verbs import verb

SEE: Final = verb("patients.see", "See patients", roles=DESK_ROLES)
REGISTER: Final = verb(
    "patients.register",
    "Register a patient",
    roles=CARE_ROLES | {Role.FRONT_DESK, Role.RECORDS_CLERK},
)
CHANGE: Final = verb(
    "patients.change",
    "Correct who a patient is",
    roles=CARE_ROLES | {Role.FRONT_DESK, Role.RECORDS_CLERK},
    by_glass=False,
)
CHANGE_CONTACTS: Final = verb(
    "patients.change_contacts", "Change how to reach a patient", roles=DESK_ROLES, by_glass=False
)
CHANGE_PROXIES: Final = verb(
    "patients.change_proxies",
    "Say who may speak for a patient",
    roles={Role.COORDINATOR, Role.SUPERVISOR, Role.FRONT_DESK, Role.RECORDS_CLERK},
    by_glass=False,
)
CHANGE_CARE_TEAM: Final = verb(
    "patients.change_care_team", "Change who looks after a patient", roles=CARE_ROLES, by_glass=False
)
ADD_SITE: Final = verb(
    "patients.add_site",
    "Make someone a patient of a further site",
    roles=CARE_ROLES | {Role.FRONT_DESK, Role.RECORDS_CLERK},
    by_glass=False,
)
CHANGE_ALERTS: Final = verb(
    "patients.change_alerts",
    "Raise and end alerts",
    roles=CARE_ROLES | {Role.FRONT_DESK},
    by_glass=False,
)
MARK_DECEASED: Final = verb(
    "patients.mark_deceased",
    "Record that a patient died",
    roles=CARE_ROLES | {Role.RECORDS_CLERK},
    by_glass=False,
)
MERGE: Final = verb(
    "patients.merge",
    "Decide on duplicates, merge patients and undo a merge",
    roles={Role.RECORDS_CLERK, Role.SUPERVISOR},
    by_glass=False,
)
BREAK_GLASS: Final = verb(
    "patients.break_glass",
    "Open the chart of a patient of another site in an emergency",
    roles=CARE_ROLES,
    step_up=True,
)
END_GRANT: Final = verb("patients.end_grant", "Give back an emergency access early", roles=EVERYBODY)
REVIEW_GRANTS: Final = verb(
    "patients.review_grants",
    "Review emergency access to charts",
    roles={Role.PRIVACY_OFFICER},
    by_glass=False,
)
