"""Decisions about patients, as pure functions on values. No Django, no database."""

from liaison.core.languages import COMMON_LANGUAGES, is_language_tag, language_name
from liaison.patients.rules.ages import age_on, turns_on
from liaison.patients.rules.asking import Asked, read_query
from liaison.patients.rules.keys import address_key, email_key, identifier_key, phone_key, shown_phone
from liaison.patients.rules.likeness import (
    SHOW_FROM,
    Likeness,
    Reason,
    Registration,
    compare,
    disputed,
)
from liaison.patients.rules.names import fold, name_words, search_text, slip_keys
from liaison.patients.rules.proxies import (
    FULL_SCOPE,
    TEEN_SCOPE,
    Scope,
    Tier,
    allowed_scope,
    latest_end_on,
    tier_on,
)
from liaison.patients.rules.ranking import rank_name
from liaison.patients.rules.reaching import Channel, Line, Way, keeps_to_confidential, ways_to_reach
from liaison.patients.rules.reasons import says_why

__all__ = [
    "COMMON_LANGUAGES",
    "FULL_SCOPE",
    "SHOW_FROM",
    "TEEN_SCOPE",
    "Asked",
    "Channel",
    "Likeness",
    "Line",
    "Reason",
    "Registration",
    "Scope",
    "Tier",
    "Way",
    "address_key",
    "age_on",
    "allowed_scope",
    "compare",
    "disputed",
    "email_key",
    "fold",
    "identifier_key",
    "is_language_tag",
    "keeps_to_confidential",
    "language_name",
    "latest_end_on",
    "name_words",
    "phone_key",
    "rank_name",
    "read_query",
    "says_why",
    "search_text",
    "shown_phone",
    "slip_keys",
    "tier_on",
    "turns_on",
    "ways_to_reach",
]
