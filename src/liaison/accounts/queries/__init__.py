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

__all__ = [
    "DEMO_PASSWORD",
    "AuditFilter",
    "AuditPage",
    "AuditRow",
    "ChainState",
    "DemoSignIn",
    "OwnSession",
    "PersonRow",
    "actor_for",
    "actor_for_session",
    "actor_of",
    "chain_state",
    "colleagues",
    "demo_sign_ins",
    "export_audit",
    "people",
    "person_for",
    "search_audit",
    "seconds_left",
    "sessions_of",
    "sites_of",
    "teams_of",
    "unfinished",
    "verbs_in_use",
]
