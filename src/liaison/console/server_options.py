"""How PostgreSQL's own programs are run: with which settings, in which surroundings, and why one failed."""

import os
import re
from typing import Final

# Statements and row values stay out of the log: they are patients' data.
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}

# Only for data that nobody will miss: a power cut may destroy the whole cluster.
FAST: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "autovacuum_naptime": "1h",
}


def server_options(*, durable: bool, port: int) -> list[str]:
    """The options of `postgres` that make it ours; without `durable` it trades safety for speed."""
    settings = SETTINGS | ({} if durable else FAST) | {"port": str(port)}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def environment() -> dict[str, str]:
    """Nothing of the caller's PG… variables or locale reaches the server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def last_line(text: str) -> str:
    """The line that says why, else the last: the programs of PostgreSQL tidy up aloud after what went wrong."""
    lines = [line for line in text.splitlines() if line.strip()]
    why = [line for line in lines if re.search(r"error:|FATAL|PANIC|could not", line)]
    return (why or lines or ["no message"])[0 if why else -1]
