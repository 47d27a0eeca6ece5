"""A process that imports, for the test that kills it: `python import_process.py FILE…` (settings by environment)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

NOW = datetime(2021, 2, 20, 15, 0, tzinfo=UTC)


def main() -> None:
    """Import the files and say when each is done."""
    import django

    django.setup()
    from liaison.accounts.models import Site, Team
    from liaison.core.actor import system_actor
    from liaison.core.postgres.guard import writes_open
    from liaison.records.actions import import_files

    with writes_open():
        site, _ = Site.objects.get_or_create(code="riverside", defaults={"name": "Riverside"})
        Team.objects.get_or_create(name="Care coordination", site=site)
    print("ready", flush=True)
    summary = import_files(
        system_actor("import"),
        paths=[Path(name) for name in sys.argv[1:]],
        now=NOW,
        progress=lambda at: print(at.files_done, at.resources, flush=True),
    )
    print("done", summary.total.received, len(summary.rejects), flush=True)


if __name__ == "__main__":
    main()
