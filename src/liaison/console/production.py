"""What production refuses to run on: a database that holds the demonstration's people."""

from liaison.console.problems import Problem


def refuse_demonstration() -> None:
    """Refuse (Problem) a production database with open accounts of invented people: everybody knows their password.

    They can't sign in (`accounts`), but the patients beside them are invented too, and must not be taken for real.
    """
    from django.conf import settings

    from liaison.accounts.queries import open_demo_accounts

    if not settings.PRODUCTION:
        return
    count, example = open_demo_accounts()
    if count:
        raise Problem(
            f"This database holds the demonstration: {count} open accounts of invented people, such as {example}. "
            "Production needs a database of its own: set another DATABASE_URL, or another LIAISON_SCHEMA."
        )
