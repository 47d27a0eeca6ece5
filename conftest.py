"""One throw-away PostgreSQL for a whole test run, one cloned database for each worker.

The first process (the only one, or the controller of pytest-xdist) starts the server and stops it at the end;
workers find it by DATABASE_URL. Migrations run once, into a template; a worker's database is a copy of that.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from coverage import Coverage
from hypothesis import settings as property_settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from liaison.console.postgres import Cluster
from tools.coverage_gates import NARROWS, Run, forget_run, is_whole, keep_run

FOLDER = "LIAISON_TEST_FOLDER"
TEMPLATE = "liaison_template"
ROOT = Path(__file__).parent
BEGAN = pytest.StashKey[float]()

os.environ["DJANGO_SETTINGS_MODULE"] = "liaison.config.settings"
os.environ["LIAISON_MODE"] = "test"
os.environ["LIAISON_SCHEMA"] = "liaison"
for name in ("LIAISON_AS_OF", "SMTP_URL", "LIAISON_PUBLIC_URL"):
    os.environ.pop(name, None)
# How long one drawn example takes says more about the machine than about the code. In CI, Hypothesis has its own.
property_settings.register_profile("here", deadline=None, print_blob=True)
if not os.environ.get("CI"):
    property_settings.load_profile("here")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the server of this run before Django reads its settings."""
    if config.option.help:
        return
    if not hasattr(config, "workerinput"):
        _start_server(config)
        if config.getoption("cov_source") and not config.getoption("no_cov"):
            forget_run()
            config.stash[BEGAN] = time.time()
    import django

    django.setup()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep beside what was measured whether it proves anything: part of the tests, or some that fail, don't."""
    config = session.config
    if BEGAN not in config.stash:
        return
    options = {name: config.getoption(name, default=None) for name in NARROWS}
    everywhere = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    whole = is_whole(everywhere=everywhere, options=options)
    keep_run(Run(began=config.stash[BEGAN], whole=whole, passed=exitstatus == 0))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left with it at the end; the rest stays as Django's plugin has
    put it: what empties the tables comes last, as it takes away what the migrations wrote."""
    items.sort(key=_how_early)


def _how_early(item: pytest.Item) -> int:
    if item.get_closest_marker("first"):
        return 0
    return 1 if item.get_closest_marker("journey") else 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> "Neighbours":
    """Give a worker whole modules, in their order."""
    return Neighbours(config, log)


class Neighbours(LoadScopeScheduling):
    """A worker gets tests of one module that follow each other: what a module sets up is set up once.

    A module whose tests stand in two places, because some of them empty the tables, is two pieces of work.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._piece_of: dict[str, str] = {}
        self._last = ""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid not in self._piece_of:
            module = nodeid.partition("::")[0]
            if module != self._last.partition(" ")[0]:
                self._last = f"{module} from {len(self._piece_of)}"
            self._piece_of[nodeid] = self._last
        return self._piece_of[nodeid]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure coverage by the plain examples alone: what a property test draws must not decide a gate."""
    measuring = Coverage.current() if item.get_closest_marker("hypothesis") else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


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
def django_db_setup(django_db_blocker) -> Iterator[None]:  # type: ignore[no-untyped-def]  # the fixtures have no types
    """Give this worker its own copy of the migrated template."""
    from django.db import connection

    folder = Path(os.environ[FOLDER])
    cluster = Cluster(folder / "postgres", throw_away=True)
    database = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with django_db_blocker.unblock(), (folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "template.ready").exists():
            _make_template(cluster)
            (folder / "template.ready").touch()
        cluster.create_database(database, template=TEMPLATE)
    connection.settings_dict["NAME"] = database
    yield
    with django_db_blocker.unblock():
        _disconnect()


@pytest.fixture(autouse=True)
def _heads_of_this_test(settings, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]  # the fixtures have no types
    """Each test has its own audit trail, so each has its own record of the trail's heads."""
    settings.LIAISON_AUDIT_HEADS = tmp_path_factory.getbasetemp() / "heads" / uuid4().hex


def _make_template(cluster: Cluster) -> None:
    """Migrate the template, or take it from the last run that had the same migrations."""
    kept = ROOT / ".cache" / f"migrated-{_migrations()}.dump"
    url = cluster.url_of(TEMPLATE)
    if kept.exists():
        _run(cluster, "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", str(kept))
        return
    _migrate_template()
    kept.parent.mkdir(exist_ok=True)
    for old in kept.parent.glob("migrated-*.dump"):
        old.unlink(missing_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}")
    _run(cluster, "pg_dump", "--format=custom", f"--file={unfinished}", f"--dbname={url}")
    unfinished.replace(kept)


def _migrations() -> str:
    """What the migrated database depends on: our migrations and the versions of everybody else's."""
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for path in sorted((ROOT / "src").glob("liaison/*/migrations/*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _run(cluster: Cluster, program: str, *arguments: str) -> None:
    done = subprocess.run([cluster.programs / program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr[-2000:]}")


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
