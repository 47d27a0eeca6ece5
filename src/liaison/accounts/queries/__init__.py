"""Reads: who someone is in this session, who works here, and what the audit trail says."""

from liaison.accounts.queries.actors import actor_for, actor_for_session, actor_of, seconds_left, unfinished
from liaison.accounts.queries.audit import (
    AuditFilter,
    AuditPage,
    AuditRow,
    ChainState,
    chain_state,
    export_audit,
    search_audit,
    verbs_in_use,
)
from liaison.accounts.queries.audited import Meant, whom_is_meant
from liaison.accounts.queries.people import (
    DEMO_PASSWORD,
    DemoSignIn,
    OwnSession,
    PersonRow,
    colleagues,
    demo_sign_ins,
    people,
    person_for,
    sessions_of,
    sites_of,
    teams_of,
)
from liaison.accounts.queries.reach import (
    meets_person,
    people_met,
    reaches_person,
    sites_within,
    teams_within,
)

__all__ = [
    "DEMO_PASSWORD",
    "AuditFilter",
    "AuditPage",
    "AuditRow",
    "ChainState",
    "DemoSignIn",
    "Meant",
    "OwnSession",
    "PersonRow",
    "actor_for",
    "actor_for_session",
    "actor_of",
    "chain_state",
    "colleagues",
    "demo_sign_ins",
    "export_audit",
    "meets_person",
    "people",
    "people_met",
    "person_for",
    "reaches_person",
    "search_audit",
    "seconds_left",
    "sessions_of",
    "sites_of",
    "sites_within",
    "teams_of",
    "teams_within",
    "unfinished",
    "verbs_in_use",
    "whom_is_meant",
]
