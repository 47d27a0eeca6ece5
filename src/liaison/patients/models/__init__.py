"""What is kept of a patient. Split by what it is about; import everything from here."""

from liaison.patients.models.access_grants import (
    GRANT_LENGTH,
    BreakGlassGrant,
    BreakGlassOutcome,
    BreakGlassReason,
)
from liaison.patients.models.care import Alert, AlertKind, CareRole, CareTeamMember, Proxy, ProxyKind
from liaison.patients.models.contact import ContactKind, ContactPoint, ContactUse
from liaison.patients.models.duplicates import DuplicateCandidate, DuplicateDecision, MergeMove, MergeRecord
from liaison.patients.models.person import (
    Identifier,
    IdentifierKind,
    Name,
    NameKind,
    Patient,
    PatientSite,
    Sex,
)

__all__ = [
    "GRANT_LENGTH",
    "Alert",
    "AlertKind",
    "BreakGlassGrant",
    "BreakGlassOutcome",
    "BreakGlassReason",
    "CareRole",
    "CareTeamMember",
    "ContactKind",
    "ContactPoint",
    "ContactUse",
    "DuplicateCandidate",
    "DuplicateDecision",
    "Identifier",
    "IdentifierKind",
    "MergeMove",
    "MergeRecord",
    "Name",
    "NameKind",
    "Patient",
    "PatientSite",
    "Proxy",
    "ProxyKind",
    "Sex",
]
