"""The Django app that holds the ledger of loops."""

from django.apps import AppConfig

from liaison.loops.ports import CALL_BACK, TASK, register_kind


class LoopsConfig(AppConfig):
    """Registers the kinds this package owns itself; reactions and jobs are found by core."""

    name = "liaison.loops"
    label = "loops"
    verbose_name = "Loops"

    def ready(self) -> None:
        """Register the kinds of loop that need no package of their own."""
        register_kind(TASK)
        register_kind(CALL_BACK)
