"""The Django app of scheduling."""

from django.apps import AppConfig

from liaison.loops.ports import register_kind
from liaison.scheduling.kinds import (
    CANT_COME,
    CANT_COME_AND_WROTE,
    HOLD_LAPSED,
    MISSED_VISIT,
    NEW_TIME,
    NO_TIME,
    NOT_READY,
    SERIES_HELD_UP,
    SERIES_VISIT,
    WAITING,
)


class SchedulingConfig(AppConfig):
    """Reactions, verbs and jobs are found by core; constraints are named as refusals here."""

    name = "liaison.scheduling"
    label = "scheduling"
    verbose_name = "Scheduling"

    def ready(self) -> None:
        """Say which refusals the database's constraints stand for, and make our kinds of loop known."""
        from liaison.accounts.ports import register_own_page
        from liaison.core.logs import keep_out_of_logs
        from liaison.core.patient_pages import register_patient_pages
        from liaison.core.places import register_places
        from liaison.core.refusals import constraint_refusal
        from liaison.inbox.ports import register_invitation_finder, register_told_anyway
        from liaison.scheduling.actions.refusals import AlreadyOffered, NotFree
        from liaison.scheduling.places import OWN_FEED, PLACES
        from liaison.scheduling.ports import VisitPromise, register_readiness_check, register_visit_promise
        from liaison.scheduling.queries.answers import invited_by
        from liaison.scheduling.queries.displaced import tells_of_it
        from liaison.scheduling.queries.readiness_checks import OURS

        register_places(*PLACES)
        register_invitation_finder(invited_by)
        register_told_anyway(tells_of_it)
        register_patient_pages("/offer/")
        for beginning in ("/offer/", "/feed/"):
            keep_out_of_logs(beginning)
        register_own_page(OWN_FEED)
        register_kind(MISSED_VISIT)
        register_kind(CANT_COME)
        register_kind(CANT_COME_AND_WROTE)
        register_kind(WAITING)
        register_kind(HOLD_LAPSED)
        register_kind(NEW_TIME)
        register_kind(NO_TIME)
        register_kind(NOT_READY)
        register_kind(SERIES_VISIT)
        register_kind(SERIES_HELD_UP)
        register_visit_promise(VisitPromise(kind=MISSED_VISIT.code, evidence="answered", why_not=lambda _modality: ""))
        for check in OURS:
            register_readiness_check(check)
        constraint_refusal("scheduling_one_visit_at_a_time", NotFree)
        constraint_refusal("scheduling_one_offer_at_a_time", AlreadyOffered)
