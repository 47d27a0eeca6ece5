"""Who may take records in, file documents, and rebuild what is read from them."""

from __future__ import annotations

from typing import Final

from liaison.accounts.access import CARE_ROLES, DESK_ROLES, Role
from liaison.core.verbs import verb

IMPORT: Final = verb(
    "records.import", "Take in a patient's records from files", roles={Role.RECORDS_CLERK, Role.ADMINISTRATOR}
)
REBUILD: Final = verb("records.rebuild", "Rebuild what is read from the records", roles={Role.ADMINISTRATOR})
READ_CHART: Final = verb(
    "records.read_chart", "Read a patient's records as received", roles=CARE_ROLES | {Role.RECORDS_CLERK}
)
FILE_DOCUMENT: Final = verb("records.file_document", "File a document in a patient's chart", roles=DESK_ROLES)
TAKE_OUT_DOCUMENT: Final = verb(
    "records.take_out_document",
    "Take a document out of a chart in which it was filed by mistake",
    roles={Role.RECORDS_CLERK, Role.SUPERVISOR},
    by_glass=False,
)
SEE_COVERAGE: Final = verb(
    "records.see_coverage",
    "See in the patient's band who pays for their care",
    roles=CARE_ROLES | {Role.FRONT_DESK, Role.BILLING},
)
