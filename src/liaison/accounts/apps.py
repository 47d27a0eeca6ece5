"""The Django app of the people who sign in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Sites, teams, people, roles, sign-in and the search of the audit trail."""

    name = "liaison.accounts"
    label = "accounts"
    verbose_name = "People and roles"
