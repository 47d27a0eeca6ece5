"""Django's own commands: `python -m liaison.console.manage COMMAND` (makemigrations, shell …).

Without DATABASE_URL they talk to the embedded server of LIAISON_DATA, if it runs.
"""

import os
import sys

from liaison.console.settings import embedded_folder

UNREACHABLE = "postgresql://127.0.0.1:9/none"


def main() -> None:
    """Run one of Django's management commands against the database that is configured."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaison.config.settings")
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = _embedded_url() or UNREACHABLE
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _embedded_url() -> str | None:
    folder = embedded_folder()
    if not folder.exists():
        return None
    from liaison.console.postgres import Cluster

    cluster = Cluster(folder)
    return cluster.url if cluster.running() else None


if __name__ == "__main__":
    main()
