"""The Django app of the people who sign in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Sites, teams, people, roles, sign-in and the search of the audit trail."""

    name = "liaison.accounts"
    label = "accounts"
    verbose_name = "People and roles"

    def ready(self) -> None:
        """Say who is in a session, for doors that are not Django views."""
        from liaison.accounts.queries import actor_for_session
        from liaison.core.asking import register_session_reader

        register_session_reader(actor_for_session)
