"""Who may run protocols and say how complex a follow-up is."""

from __future__ import annotations

from typing import Final

from liaison.accounts.access import CARE_ROLES, Role
from liaison.core.verbs import verb

EVALUATE: Final = verb(
    "pathways.evaluate", "See which patients a protocol fits", roles={Role.ADMINISTRATOR, Role.SUPERVISOR}
)
READ: Final = verb("pathways.read", "Read the protocols that open loops", roles=CARE_ROLES | {Role.ADMINISTRATOR})
SWITCH: Final = verb(
    "pathways.switch",
    "Turn a protocol off and on for the organization",
    roles={Role.SUPERVISOR, Role.ADMINISTRATOR},
)
RECORD_VISIT: Final = verb(
    "pathways.record_visit",
    "Say that the visit after a hospital stay took place elsewhere",
    roles={Role.COORDINATOR, Role.CLINICIAN, Role.SUPERVISOR},
    by_glass=False,
)
RECONCILE: Final = verb(
    "pathways.reconcile",
    "Say on which day the medicines were reconciled after a hospital stay",
    roles=CARE_ROLES,
)
STRIKE_PROOF: Final = verb(
    "pathways.strike_proof",
    "Strike out what was recorded after a hospital stay by mistake, with the reason",
    roles=RECORD_VISIT.roles,
    by_glass=False,
)
SET_COMPLEXITY: Final = verb(
    "pathways.set_complexity",
    "Say how complex a follow-up after a hospital stay is",
    roles={Role.COORDINATOR, Role.CLINICIAN, Role.SUPERVISOR},
)
