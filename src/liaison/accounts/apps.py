"""The Django app of the people who sign in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Sites, teams, people, roles, sign-in and the search of the audit trail."""

    name = "liaison.accounts"
    label = "accounts"
    verbose_name = "People and roles"

    def ready(self) -> None:
        """Say who is in a session, for doors that are not Django views, and offer our places."""
        from liaison.accounts.places import FRAME, PLACES
        from liaison.accounts.queries import actor_for_session
        from liaison.core.asking import register_session_reader
        from liaison.core.places import register_frame, register_places

        register_session_reader(actor_for_session)
        register_places(*PLACES)
        register_frame(**FRAME)
