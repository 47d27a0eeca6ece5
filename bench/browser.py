"""The pages over HTTP as a signed-in person sees them: a real web server, a kept connection, one request at a time."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from liaison.console.lifeline import end_with_parent
from liaison.console.up import serve_pages


class Browser:
    """One signed-in person's connection to the web server."""

    def __init__(self, port: int, *, user_id: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookie = _sign_in(user_id)

    def get(self, path: str, **headers: str) -> bytes:
        """The body of a page; anything but 200 is an error."""
        self._connection.request("GET", path, headers={"Cookie": self.cookie, **headers})
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} answered {response.status}: {body[:300]!r}")
        return body


@contextmanager
def web_server() -> Iterator[int]:
    """The pages' server as `liaison up` starts it, on a free port."""
    from liaison.console.static import collect

    collect()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = serve_pages(host="127.0.0.1", port=port, workers=1)
    server = subprocess.Popen(command, env=os.environ, preexec_fn=end_with_parent())  # noqa: PLW1509, S603 - see there
    try:
        _wait_ready(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The web server did not get ready.")


def _sign_in(user_id: int) -> str:
    from django.conf import settings
    from django.test import Client

    from liaison.accounts.models import User

    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend=settings.AUTHENTICATION_BACKENDS[-1])
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
