"""Why appointments are cancelled: the codes of FHIR R4 `appointment-cancellation-reason` (DOMAIN 1.1)."""

from collections.abc import Mapping
from enum import StrEnum


class CancelReason(StrEnum):
    """The code as it stands in FHIR."""

    PATIENT = "pat"
    PATIENT_BY_REMINDER = "pat-crs"
    PATIENT_BY_PORTAL = "pat-cpp"
    DECEASED = "pat-dec"
    FEELING_BETTER = "pat-fb"
    NO_TRANSPORT = "pat-lt"
    MEMBER_TERMINATED = "pat-mt"
    MOVED_AWAY = "pat-mv"
    PREGNANT = "pat-preg"
    FROM_WAITLIST = "pat-swl"
    UNABLE_TO_PAY = "pat-ucp"
    PROVIDER = "prov"
    PROVIDER_PERSONAL = "prov-pers"
    PROVIDER_DISCHARGED = "prov-dch"
    PROVIDER_EDUCATION = "prov-edu"
    PROVIDER_HOSPITAL = "prov-hosp"
    PROVIDER_LABS = "prov-labs"
    PROVIDER_MRI = "prov-mri"
    PROVIDER_ONCOLOGY = "prov-onc"
    EQUIPMENT = "maint"
    PREPARATION_INCOMPLETE = "meds-inc"
    OTHER = "other"
    OTHER_CMS = "oth-cms"
    OTHER_ERROR = "oth-err"
    OTHER_FINANCIAL = "oth-fin"
    OTHER_IV = "oth-iv"
    NO_INTERPRETER = "oth-int"
    OTHER_MU = "oth-mu"
    ROOM = "oth-room"
    OTHER_OERR = "oth-oerr"
    OTHER_SWIE = "oth-swie"
    WEATHER = "oth-weath"


REASONS: Mapping[CancelReason, str] = {
    CancelReason.PATIENT: "The patient cancelled",
    CancelReason.FEELING_BETTER: "The patient feels better",
    CancelReason.NO_TRANSPORT: "The patient has no ride",
    CancelReason.MOVED_AWAY: "The patient moved away",
    CancelReason.UNABLE_TO_PAY: "The patient is worried about the cost",
    CancelReason.DECEASED: "The patient died",
    CancelReason.FROM_WAITLIST: "The patient took an earlier time",
    CancelReason.PREPARATION_INCOMPLETE: "The preparation was not done",
    CancelReason.PROVIDER: "The clinician cancelled",
    CancelReason.PROVIDER_PERSONAL: "The clinician is away",
    CancelReason.PROVIDER_HOSPITAL: "The clinician is needed at the hospital",
    CancelReason.NO_INTERPRETER: "No interpreter",
    CancelReason.EQUIPMENT: "Equipment is down",
    CancelReason.ROOM: "The room cannot be used",
    CancelReason.WEATHER: "Weather",
    CancelReason.OTHER_FINANCIAL: "Coverage or authorization is missing",
    CancelReason.OTHER_ERROR: "Booked by mistake",
    CancelReason.OTHER: "Another reason",
}
"""The reasons that a person picks from, in the order of the list, as a person would say them."""


def reason_in_words(code: str) -> str:
    """The words for a code; the code itself where nobody picks it by hand."""
    return next((words for reason, words in REASONS.items() if reason.value == code), code)
