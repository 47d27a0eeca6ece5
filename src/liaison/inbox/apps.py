"""The Django app that holds every conversation with patients."""

from django.apps import AppConfig

from liaison.inbox.kinds import ANSWER, FAILED_MESSAGE, TEACH_BACK
from liaison.loops.ports import register_kind, register_waiting


class InboxConfig(AppConfig):
    """Registers the kinds of loop that conversations open."""

    name = "liaison.inbox"
    label = "inbox"
    verbose_name = "Inbox"

    def ready(self) -> None:
        """Make the kinds and what waits for an owner known to the ledger, and offer our places."""
        from liaison.core.places import register_places
        from liaison.inbox.actions.waiting import waiting_messages
        from liaison.inbox.places import PLACES

        register_places(*PLACES)
        register_kind(ANSWER)
        register_kind(FAILED_MESSAGE)
        register_kind(TEACH_BACK)
        register_waiting("inbox.messages", waiting_messages)
