"""The ports of a run: refused when another program has them, kept for us while everything is set up."""

import errno
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from liaison.console.problems import Problem

PORT_SECONDS: Final = 12.0
"""How long the processes of a run that was killed may take to leave."""


@contextmanager
def kept_ports(host: str, ports: Sequence[int], *, patience: float = PORT_SECONDS) -> Iterator[None]:
    """Keep `ports` of `host` for the servers that we start; refuses with a Problem those that are taken.

    The servers share their port with processes of their own (SO_REUSEPORT), so the system would let the servers
    of a second Liaison in too, and each would answer every other request. A socket that is bound but never listens
    keeps others from finding the port free, and takes no connection away. Where the system has no SO_REUSEPORT the
    ports are only looked at.
    """
    wait_for_ports(host, ports, patience=patience)
    with ExitStack() as stack:
        if hasattr(socket, "SO_REUSEPORT"):
            for port in ports:
                stack.enter_context(_kept(host, port))
        yield


def wait_for_ports(host: str, ports: Sequence[int], *, patience: float = PORT_SECONDS) -> None:
    """Return when all are free; a Problem that names the first taken one when `patience` (seconds) is over."""
    deadline = time.monotonic() + patience
    while taken := [port for port in ports if not is_free(host, port)]:
        if time.monotonic() > deadline:
            raise _taken(host, taken[0])
        time.sleep(0.2)


def is_free(host: str, port: int) -> bool:
    """Whether we may listen there; whoever has the other loopback's port would answer people who type localhost."""
    return _may_bind(host, port) and (host != "127.0.0.1" or _may_bind("::1", port))


def free_port(wanted: int) -> int | None:
    """The wanted TCP port of 127.0.0.1 if nobody listens there, else None; 0 stands for any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return None
        port: int = probe.getsockname()[1]
        return port


def _kept(host: str, port: int) -> socket.socket:
    keeper = socket.socket(_family(host))
    try:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        keeper.bind((host, port))
    except OSError as error:  # between looking and binding somebody was quicker
        keeper.close()
        raise _taken(host, port) from error
    return keeper


def _may_bind(host: str, port: int) -> bool:
    try:
        with socket.socket(_family(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return host == "::1" and error.errno != errno.EADDRINUSE  # a machine without IPv6 has nobody there
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _taken(host: str, port: int) -> Problem:
    return Problem(
        f"Port {port} of {host} is in use by another program. Stop that one, or choose other ports with --port."
    )
