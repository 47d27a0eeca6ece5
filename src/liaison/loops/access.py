"""The verbs of the ledger and the roles that carry them."""

from __future__ import annotations

from typing import Final

from liaison.accounts.access import CARE_ROLES, DESK_ROLES, Role
from liaison.core.verbs import verb

SEE: Final = verb("loops.see", "See the desk and the story of a loop", roles=DESK_ROLES)
OPEN: Final = verb("loops.open", "Open a loop", roles=DESK_ROLES)
TAKE: Final = verb("loops.take", "Take a loop", roles=DESK_ROLES, by_glass=False)
"""Who took it under emergency access would keep a promise to somebody whom they can't see any more."""

ASSIGN: Final = verb("loops.assign", "Give a loop to someone else", roles=DESK_ROLES)
SNOOZE: Final = verb("loops.snooze", "Put a loop aside until later, never past its due time", roles=DESK_ROLES)
STEP: Final = verb("loops.step", "Say what the next step is, by when, and how pressing", roles=DESK_ROLES)
EVIDENCE: Final = verb("loops.evidence", "Record evidence that a promise was kept", roles=DESK_ROLES)
CLINICAL_EVIDENCE: Final = verb(
    "loops.clinical_evidence",
    "Record clinical evidence: medicines reconciled, something understood, a report reviewed",
    roles=CARE_ROLES,
)
READ_CLINICAL: Final = verb(
    "loops.read_clinical",
    "Read what clinical evidence says, in a loop and its story",
    roles=CARE_ROLES | {Role.RECORDS_CLERK},
)
VOID_EVIDENCE: Final = verb(
    "loops.void_evidence", "Take back evidence that rested on a mistake, with the reason", roles=DESK_ROLES
)
CLOSE: Final = verb("loops.close", "Close a loop whose evidence is in", roles=DESK_ROLES)
GIVE_UP: Final = verb(
    "loops.give_up",
    "Give up a loop, with the reason",
    roles={Role.COORDINATOR, Role.CLINICIAN, Role.SUPERVISOR},
    by_glass=False,
)
UNDO: Final = verb("loops.undo", "Take back one's own last change within ten seconds", roles=DESK_ROLES)
ACKNOWLEDGE: Final = verb("loops.acknowledge", "Stop a loop's escalation: someone is on it", roles=DESK_ROLES)
BOARD: Final = verb("loops.board", "See the team's load", roles={Role.SUPERVISOR})
HAND_OVER: Final = verb("loops.hand_over", "Hand a colleague's desk over", roles={Role.SUPERVISOR})
COME_BACK: Final = verb("loops.come_back", "Be back early: end the hand-over of one's own desk", roles=DESK_ROLES)
HOLIDAYS: Final = verb(
    "loops.holidays", "Say on which days the organization or a payer is closed", roles={Role.ADMINISTRATOR}
)
SEE_UNOWNED: Final = verb(
    "loops.see_unowned",
    "See where promises wait because nobody could own them",
    roles={Role.SUPERVISOR, Role.ADMINISTRATOR},
)
ESCALATE: Final = verb("loops.escalate", "Move loops up the escalation ladder", roles=())
REPOINT: Final = verb("loops.repoint", "Move loops to the patient that survives a merge", roles=())
