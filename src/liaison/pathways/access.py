"""Who may run protocols and say how complex a follow-up is."""

from __future__ import annotations

from typing import Final

from liaison.accounts.access import Role
from liaison.core.verbs import verb

EVALUATE: Final = verb(
    "pathways.evaluate", "See which patients a protocol fits", roles={Role.ADMINISTRATOR, Role.SUPERVISOR}
)
SET_COMPLEXITY: Final = verb(
    "pathways.set_complexity",
    "Say how complex a follow-up after a hospital stay is",
    roles={Role.COORDINATOR, Role.CLINICIAN, Role.SUPERVISOR},
)
