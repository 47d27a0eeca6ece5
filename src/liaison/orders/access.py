"""The verbs of orders and the roles that carry them."""

from __future__ import annotations

from typing import Final

from liaison.accounts.access import CARE_ROLES, DESK_ROLES, Role
from liaison.core.verbs import verb

SEE: Final = verb("orders.see", "See referrals", roles=DESK_ROLES)
REFER: Final = verb("orders.refer", "Refer a patient", roles=CARE_ROLES)
SEND: Final = verb("orders.send", "Send or re-route a referral", roles=CARE_ROLES)
FOLLOW: Final = verb(
    "orders.follow", "Record what the other side did with a referral", roles=CARE_ROLES | {Role.FRONT_DESK}
)
FILE_NOTE: Final = verb(
    "orders.file_note", "Record that the specialist's note came", roles=CARE_ROLES | {Role.RECORDS_CLERK}
)
REVIEW: Final = verb("orders.review", "Review a specialist's note", roles={Role.CLINICIAN})
TELL: Final = verb("orders.tell", "Tell the patient what was found", roles=CARE_ROLES)
CLOSE: Final = verb("orders.close", "Close a referral whose evidence is in", roles=CARE_ROLES | {Role.RECORDS_CLERK})
TAKE_BACK: Final = verb(
    "orders.take_back",
    "Take back the latest move of a referral, if it told nobody outside",
    roles=CARE_ROLES | {Role.FRONT_DESK, Role.RECORDS_CLERK},
)
CANCEL: Final = verb("orders.cancel", "Cancel a referral", roles=CARE_ROLES, by_glass=False)
REPOINT: Final = verb("orders.repoint", "Move referrals to the patient that survives a merge", roles=())
