"""Between the server and the pages: each request is read whole before a thread is given to it.

The server would hand a WSGI application a body that is read while it comes, in one of its few threads: ten senders of
a byte a second would hold all of them. Here the event loop reads, for as many senders as there are connections; a
thread works only on what is complete, and what comes too slowly is ended with a 408. The server itself ends heads
that take longer than 30 s.

It speaks RSGI to the server (the interface of granian's own: what a request says, and a protocol to read and answer
it) and WSGI (PEP 3333) to the pages.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from io import BytesIO
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile, mkstemp
from typing import IO, Any, Final

from granian.rsgi import HTTPProtocol, Scope  # type: ignore[attr-defined]  # documented, not exported

PATIENCE_SECONDS: Final = 30.0
"""How long a body may take, and one second more for each SLOWEST bytes of it that have come."""
SLOWEST: Final = 16 << 10
IN_MEMORY: Final = 1 << 20
GATHERED: Final = 4 << 20
"""An answer of so many bytes at most is handed to the server in one piece; a longer one in a file."""
ANSWERS: Final = "liaison-answer-"
UPLOAD: Final = ".upload"
"""What Django calls a file that is being uploaded."""
OPENED_SECONDS: Final = 60.0
"""The server opens such a file within a moment, and goes on reading what is taken off the disk after this."""
TOO_SLOW: Final = (
    "This came too slowly, and nothing was changed. Please send it again.\n"
    "Llegó demasiado despacio y nada cambió. Envíelo otra vez, por favor.\n"
)
_PLAIN: Final = [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"), ("connection", "close")]
_ALWAYS: Final = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}
_SEPARATORS: Final = {"HTTP_COOKIE": "; "}

_Application = Callable[[dict[str, Any], Callable[..., None]], Iterable[bytes]]


class CutOff(Exception):
    """Whoever sent the request went away before it was complete."""


class Front:
    """An RSGI application: reads each request, then has one of `threads` answer it with the WSGI `application`.

    A body is read up to `most` bytes; one that says it is longer, or not how long, is left unread for the pages to
    refuse. `patience` is in seconds. What is too long for memory lies in `folder`, which is made if it is not there,
    for this account alone: an export is patients' data.
    """

    def __init__(
        self, application: _Application, *, threads: int, most: int, folder: Path, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="page")
        self._most = most
        self._patience = patience
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        _sweep(folder)

    async def __call__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        environ = _environ(scope)
        coming = _length(environ)
        if not 0 < coming <= self._most:
            await self._hand_on(environ | {"wsgi.input": BytesIO()}, protocol)
            return
        with SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self._folder)) as body:
            try:
                await self._read(protocol, body, coming=coming)
            except TimeoutError:
                protocol.response_str(408, _PLAIN, TOO_SLOW)
                return
            except CutOff:
                protocol.response_empty(400, _PLAIN)
                return
            body.seek(0)
            await self._hand_on(environ | {"wsgi.input": body}, protocol)

    async def _read(self, protocol: HTTPProtocol, body: IO[bytes], *, coming: int) -> None:
        """Read `coming` bytes into `body`. Raises TimeoutError if they come too slowly, CutOff if they end early."""
        received, began = 0, asyncio.get_running_loop().time()
        async with asyncio.timeout(self._patience) as limit:
            async for part in protocol:
                body.write(part)
                received += len(part)
                limit.reschedule(began + self._patience + received / SLOWEST)
        if received < coming:
            raise CutOff

    async def _hand_on(self, environ: dict[str, Any], protocol: HTTPProtocol) -> None:
        loop = asyncio.get_running_loop()
        answer = _Answer(protocol, loop, folder=self._folder)
        await loop.run_in_executor(self._pool, answer.give, self._application, environ)


class _Answer:
    """The answer to one request, given from a thread."""

    def __init__(self, protocol: HTTPProtocol, loop: asyncio.AbstractEventLoop, *, folder: Path) -> None:
        self._protocol = protocol
        self._folder = folder
        self._loop = loop
        self._status = 500
        self._headers: list[tuple[str, str]] = []

    def give(self, application: _Application, environ: dict[str, Any]) -> None:
        """Have the application answer, and send what it says."""
        parts = application(environ, self._start)
        try:
            self._send(iter(parts))
        finally:
            if close := getattr(parts, "close", None):
                close()

    def _start(self, status: str, headers: list[tuple[str, str]], _failed: object = None) -> None:
        self._status, self._headers = int(status.split(" ", maxsplit=1)[0]), headers

    def _send(self, parts: Iterator[bytes]) -> None:
        """Send a short answer from memory, a long one from a file once it is whole.

        The server reads a file as fast as it is fetched: a slow reader holds neither a thread nor memory. One that
        breaks off while it is made is an error (500), and never passes for the whole.
        """
        gathered, size = [], 0
        for part in parts:
            gathered.append(part)
            size += len(part)
            if size > GATHERED:
                self._send_file(chain(gathered, parts))
                return
        self._protocol.response_bytes(self._status, self._headers, b"".join(gathered))

    def _send_file(self, parts: Iterable[bytes]) -> None:
        handle, name = mkstemp(prefix=ANSWERS, dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
                size = file.tell()
        except BaseException:
            Path(name).unlink()
            raise
        others = [(header, value) for header, value in self._headers if header.lower() != "content-length"]
        self._protocol.response_file(self._status, [*others, ("content-length", str(size))], name)
        self._loop.call_soon_threadsafe(
            self._loop.call_later, OPENED_SECONDS, partial(Path(name).unlink, missing_ok=True)
        )


def _sweep(folder: Path) -> None:
    """Take away the answers and uploads of processes that were killed before they could."""
    for left in (*folder.glob(f"{ANSWERS}*"), *folder.glob(f"*{UPLOAD}*")):
        with suppress(OSError):  # somebody else's, or another process was quicker
            if time.time() - left.stat().st_mtime > 10 * OPENED_SECONDS:
                left.unlink()


def _length(environ: dict[str, Any]) -> int:
    """How many bytes the body says it has; 0 when it does not say or says nonsense."""
    said = environ.get("CONTENT_LENGTH", "")
    return int(said) if said.isascii() and said.isdecimal() else 0


def _environ(scope: Scope) -> dict[str, Any]:
    """What PEP 3333 asks for, without the body."""
    name, _, port = scope.server.rpartition(":")
    environ = _ALWAYS | {
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
    }
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority
    for header, value in scope.headers.items():
        _put(environ, header, value)
    return environ


def _put(environ: dict[str, Any], header: str, value: str) -> None:
    """Add a header; one with an underscore is left out, since it would pass for the one with a hyphen."""
    if "_" in header:
        return
    key = header.upper().replace("-", "_")
    key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
    before = environ.get(key)
    again = before is not None and key != "HTTP_HOST"
    environ[key] = f"{before}{_SEPARATORS.get(key, ',')}{value}" if again else value
