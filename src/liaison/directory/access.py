"""Verbs on the directory, and who may. Reading it is for everybody who has signed in."""

from typing import Final

from liaison.accounts.access import DESK_ROLES, Role
from liaison.core.verbs import verb

SEE: Final = verb("directory.see", "Look people and places up", roles=DESK_ROLES | {Role.ADMINISTRATOR})
CHANGE: Final = verb(
    "directory.change",
    "Add and correct clinicians and organizations",
    roles={Role.ADMINISTRATOR, Role.COORDINATOR, Role.SUPERVISOR},
)
LINK: Final = verb(
    "directory.link",
    "Say which clinician signs in as whom; it opens the charts of the clinician's patients",
    roles={Role.ADMINISTRATOR},
    step_up=True,
)
