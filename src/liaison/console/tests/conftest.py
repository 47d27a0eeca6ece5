"""A server and databases for the console's own tests, apart from the one that holds the test database."""

import os
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

from liaison.console.postgres import Cluster
from liaison.console.settings import Database


@pytest.fixture(scope="session")
def shared_cluster():
    """The throw-away server of this test run."""
    return Cluster(Path(os.environ["LIAISON_TEST_FOLDER"]) / "postgres", throw_away=True)


@pytest.fixture(scope="module")
def open_folder():
    """An empty folder that every account may enter; pytest closes its own whenever another run begins."""
    with tempfile.TemporaryDirectory(prefix="liaison-console-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def place(shared_cluster):
    """A new, empty database on that server."""
    name = f"place_{uuid4().hex}"
    shared_cluster.create_database(name)
    yield Database(url=shared_cluster.url_of(name), embedded=True)
    with shared_cluster.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def ready(shared_cluster, place, django_db_setup):
    """A database with Liaison's tables and nothing in them."""
    with shared_cluster.connect() as connection:
        name = f"{place.url.rpartition('/')[2]}_ready"
        connection.execute(f"CREATE DATABASE {name} TEMPLATE liaison_template")
        yield Database(url=shared_cluster.url_of(name), embedded=True)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
