"""Reads of patients. The actor comes first; what they can't see is not there (NotFound, 404).

Every function that gives a patient's data notes it for the read audit.
"""

from liaison.patients.queries.band import (
    AlertShown,
    Band,
    CareTeamShown,
    ContactShown,
    IdentifierShown,
    ProxyShown,
    band,
    shown_contact,
)
from liaison.patients.queries.duplicates import (
    Comparison,
    DuplicateRow,
    compare_patients,
    count_duplicates,
    duplicates,
    get_candidate,
    get_merge,
    standing_merges,
)
from liaison.patients.queries.grants import GrantRow, my_live_grants, own_grant, review_queue
from liaison.patients.queries.likeness import AlikePair, LookAlike, likeness_of, look_alikes, pairs_for
from liaison.patients.queries.people import (
    alert_of,
    contact_point_of,
    get_patient,
    places_of,
    proxy_of,
    refuse_unseen,
    sites_of,
)
from liaison.patients.queries.search import PatientHit, SeveralFit, find_behind_glass, found_behind_glass, search

__all__ = [
    "AlertShown",
    "AlikePair",
    "Band",
    "CareTeamShown",
    "Comparison",
    "ContactShown",
    "DuplicateRow",
    "GrantRow",
    "IdentifierShown",
    "LookAlike",
    "PatientHit",
    "ProxyShown",
    "SeveralFit",
    "alert_of",
    "band",
    "compare_patients",
    "contact_point_of",
    "count_duplicates",
    "duplicates",
    "find_behind_glass",
    "found_behind_glass",
    "get_candidate",
    "get_merge",
    "get_patient",
    "likeness_of",
    "look_alikes",
    "my_live_grants",
    "own_grant",
    "pairs_for",
    "places_of",
    "proxy_of",
    "refuse_unseen",
    "review_queue",
    "search",
    "shown_contact",
    "sites_of",
    "standing_merges",
]
