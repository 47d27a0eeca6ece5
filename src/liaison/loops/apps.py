"""The Django app that holds the ledger of loops."""

from django.apps import AppConfig

from liaison.accounts.ports import HeldWork, register_open_work
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
        register_banners(unowned_banners)


def _held_by(user_id: int) -> HeldWork:
    from liaison.loops.queries import open_count

    return HeldWork(label="open loops", count=open_count(user_id=user_id), hand_over_url=f"/hand-over/?from={user_id}")
