"""The Django app of protocols."""

from __future__ import annotations

from django.apps import AppConfig

from liaison.loops.ports import register_kind, register_waiting
from liaison.pathways.kinds import MISSED_AFTER_STAY, POST_DISCHARGE, VISIT


class PathwaysConfig(AppConfig):
    """Pathways: registers the kind of loop that follows a hospital stay."""

    name = "liaison.pathways"
    label = "pathways"

    def ready(self) -> None:
        """Register with the packages below."""
        from liaison.core.places import register_places
        from liaison.inbox.ports import register_proofs
        from liaison.pathways.actions.following import contact_without
        from liaison.pathways.places import PLACES
        from liaison.pathways.queries import waiting_follow_ups
        from liaison.pathways.rules.transition import why_no_such_visit
        from liaison.scheduling.ports import VisitPromise, register_visit_promise

        register_places(*PLACES)
        register_proofs("pathways.contact", contact_without)
        register_waiting("pathways.follow_ups", waiting_follow_ups)
        register_visit_promise(VisitPromise(kind=POST_DISCHARGE.code, evidence=VISIT, why_not=why_no_such_visit))
        register_kind(POST_DISCHARGE)
        register_kind(MISSED_AFTER_STAY)
