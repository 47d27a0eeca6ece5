"""The verbs of the inbox and the roles that carry them."""

from typing import Final

from liaison.accounts.access import CARE_ROLES, DESK_ROLES, Role
from liaison.core.verbs import verb

READ: Final = verb("inbox.read", "Read messages and calls", roles=DESK_ROLES)
SEND: Final = verb("inbox.send", "Write to a patient", roles=DESK_ROLES)
CANCEL: Final = verb("inbox.cancel", "Keep a waiting message from being sent", roles=DESK_ROLES)
SETTLE: Final = verb("inbox.settle", "Say whether a message arrived", roles=DESK_ROLES)
LOG_CALL: Final = verb("inbox.log_call", "Log a call", roles=CARE_ROLES | {Role.FRONT_DESK, Role.BILLING})
STRIKE_CALL: Final = verb(
    "inbox.strike_call", "Strike out one's own call that was entered by mistake", roles=LOG_CALL.roles
)
STRIKE_ANY_CALL: Final = verb(
    "inbox.strike_any_call", "Strike out a call that a colleague entered by mistake", roles={Role.SUPERVISOR}
)
WRITE_NOTE: Final = verb("inbox.write_note", "Write a note about a patient, or add to one", roles=DESK_ROLES)
READ_CLINICAL_NOTE: Final = verb(
    "inbox.read_clinical_note", "Read notes that were marked clinical", roles=CARE_ROLES | {Role.RECORDS_CLERK}
)
STRIKE_NOTE: Final = verb("inbox.strike_note", "Strike out one's own note, with the reason", roles=DESK_ROLES)
STRIKE_ANY_NOTE: Final = verb(
    "inbox.strike_any_note",
    "Strike out what a colleague noted, with the reason",
    roles={Role.SUPERVISOR, Role.RECORDS_CLERK},
)
NOTE_PREFERENCE: Final = verb(
    "inbox.note_preference",
    "Note how a patient wants, or does not want, to be reached",
    roles=DESK_ROLES,
    by_glass=False,
)
REPOINT: Final = verb("inbox.repoint", "Move conversations to the patient that survives a merge", roles=())
DELIVER: Final = verb("inbox.deliver", "Deliver what waits to be sent", roles=())
RECEIVE: Final = verb("inbox.receive", "Take in what came by mail", roles=())
SORT_MAIL: Final = verb(
    "inbox.sort_mail",
    "Read mail that matched no message, and say whose it is",
    roles={Role.SUPERVISOR, Role.RECORDS_CLERK},
)
"""Whose such a mail is, and so of which site, nobody knows yet: the role must be held everywhere."""

EDIT_TEMPLATES: Final = verb("inbox.edit_templates", "Change the texts that go to patients", roles={Role.SUPERVISOR})
"""The texts are those of every site: the role must be held everywhere."""
