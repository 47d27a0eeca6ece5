"""The verbs of the inbox and the roles that carry them."""

from typing import Final

from liaison.accounts.access import CARE_ROLES, DESK_ROLES, Role
from liaison.core.verbs import verb

READ: Final = verb("inbox.read", "Read messages and calls", roles=DESK_ROLES)
SEND: Final = verb("inbox.send", "Write to a patient", roles=DESK_ROLES)
CANCEL: Final = verb("inbox.cancel", "Keep a waiting message from being sent", roles=DESK_ROLES)
SETTLE: Final = verb("inbox.settle", "Say whether a message arrived", roles=DESK_ROLES)
LOG_CALL: Final = verb("inbox.log_call", "Log a call", roles=CARE_ROLES | {Role.FRONT_DESK, Role.BILLING})
NOTE_PREFERENCE: Final = verb(
    "inbox.note_preference", "Note how a patient wants, or does not want, to be reached", roles=DESK_ROLES
)
REPOINT: Final = verb("inbox.repoint", "Move conversations to the patient that survives a merge", roles=())
DELIVER: Final = verb("inbox.deliver", "Deliver what waits to be sent", roles=())
