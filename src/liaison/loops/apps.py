"""The Django app that holds the ledger of loops."""

from __future__ import annotations

from datetime import datetime

from django.apps import AppConfig
from django.utils.translation import ngettext

from liaison.accounts.ports import HeldWork, Leaving, register_lost_work, register_open_work
from liaison.loops.ports import CALL_BACK, TASK, register_kind


class LoopsConfig(AppConfig):
    """Registers the kinds this package owns itself, and counts the work that a leaving colleague holds."""

    name = "liaison.loops"
    label = "loops"
    verbose_name = "Loops"

    def ready(self) -> None:
        """Register the kinds of loop that need no package of their own, the counter of open loops, our places."""
        from liaison.core.places import register_places
        from liaison.core.shell import register_banners
        from liaison.loops.places import PLACES
        from liaison.loops.queries.unowned import unowned_banners

        register_places(*PLACES)
        register_kind(TASK)
        register_kind(CALL_BACK)
        register_open_work("loops.open", _held_by)
        register_lost_work("loops.mine", _lost_by)
        register_lost_work("loops.teams", _left_in_teams)
        register_banners(unowned_banners)


def _held_by(user_id: int) -> HeldWork:
    from liaison.loops.queries import open_count

    count = open_count(user_id=user_id)
    label = ngettext("open loop", "open loops", count)
    return HeldWork(label=label, count=count, hand_over_url=f"/hand-over/?from={user_id}")


def _lost_by(leaving: Leaving, now: datetime) -> HeldWork:
    from liaison.loops.queries import lost_without

    count = lost_without(leaving.user_id, assignment_ids=leaving.assignment_ids, now=now).count()
    label = ngettext(
        "open loop of a patient whom they would not see any more",
        "open loops of patients whom they would not see any more",
        count,
    )
    return HeldWork(label=label, count=count, hand_over_url=f"/hand-over/?from={leaving.user_id}")


def _left_in_teams(leaving: Leaving, now: datetime) -> HeldWork:
    from liaison.loops.queries import left_in_teams

    count = left_in_teams(
        leaving.user_id, team_ids=leaving.team_ids, assignment_ids=leaving.assignment_ids, now=now
    ).count()
    label = ngettext(
        "open loop of a team in which nobody else works", "open loops of a team in which nobody else works", count
    )
    return HeldWork(label=label, count=count)
