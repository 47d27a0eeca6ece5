"""One throw-away PostgreSQL for a whole test run, one cloned database for each worker.

The first process (the only one, or the controller of pytest-xdist) starts the server and stops it at the end;
workers find it by DATABASE_URL. Migrations run once, into a template; a worker's database is a copy of that.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from liaison.console.postgres import Cluster

FOLDER = "LIAISON_TEST_FOLDER"
TEMPLATE = "liaison_template"

os.environ["DJANGO_SETTINGS_MODULE"] = "liaison.config.settings"
os.environ["LIAISON_MODE"] = "test"
os.environ["LIAISON_SCHEMA"] = "liaison"
for name in ("LIAISON_AS_OF", "SMTP_URL", "LIAISON_PUBLIC_URL"):
    os.environ.pop(name, None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the server of this run before Django reads its settings."""
    if config.option.help:
        return
    if not hasattr(config, "workerinput"):
        _start_server(config)
    import django

    django.setup()


def _start_server(config: pytest.Config) -> None:
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"liaison-test-{os.getpid()}-"))
    folder.chmod(0o755)  # the server may run under another account
    cluster = Cluster(folder / "postgres", throw_away=True).start()
    cluster.create_database(TEMPLATE)
    config.add_cleanup(lambda: _end(cluster, folder))
    os.environ[FOLDER] = str(folder)
    os.environ["DATABASE_URL"] = cluster.url
    os.environ["LIAISON_DATA"] = str(folder / "data")
    (folder / "data" / "static").mkdir(parents=True)


def _end(cluster: Cluster, folder: Path) -> None:
    cluster.destroy()
    shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers() -> None:
    """Remove folders of test runs that were killed (their servers ended with them)."""
    for folder in Path(tempfile.gettempdir()).glob("liaison-test-*-*"):
        pid = folder.name.split("-")[2]
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:  # type: ignore[no-untyped-def]
    """Give this worker its own copy of the migrated template."""
    from django.db import connection

    folder = Path(os.environ[FOLDER])
    cluster = Cluster(folder / "postgres", throw_away=True)
    database = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with django_db_blocker.unblock(), (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "template.ready").exists():
            _migrate_template()
            (folder / "template.ready").touch()
        cluster.create_database(database, template=TEMPLATE)
    connection.settings_dict["NAME"] = database
    yield
    with django_db_blocker.unblock():
        _disconnect()


def _migrate_template() -> None:
    from django.core.management import call_command
    from django.db import connection

    from liaison.core.postgres.prepare import prepare_database

    connection.settings_dict["NAME"] = TEMPLATE
    prepare_database(connection.settings_dict)
    call_command("migrate", verbosity=0, interactive=False)
    _disconnect()


def _disconnect() -> None:
    from django.db import connection

    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
