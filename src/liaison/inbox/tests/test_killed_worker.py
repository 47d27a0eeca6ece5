"""A worker process is killed with SIGKILL at every moment of a sending; nothing is sent twice, nothing is lost."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection

from liaison.core.actor import system_actor
from liaison.inbox import actions
from liaison.inbox.jobs import deliver
from liaison.inbox.models import Message
from liaison.inbox.ports import Channel, MessageToSend, Transport, transport_for
from liaison.inbox.rules.timing import ABANDONED_AFTER
from liaison.inbox.tests.cast import NOW, Cast, everybody
from liaison.loops.models import Loop

WORKER = """
import sys
import django
django.setup()
from liaison.core.clock import current_time
from liaison.inbox.jobs import deliver
deliver(int(sys.argv[1]), clock=current_time)
print("settled", flush=True)
"""
POST = system_actor("post office")


@dataclass
class Server:
    """A mail server that stands still at a chosen line until it is let go, and counts the mails it took."""

    stop_at: str
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    taken: int = 0

    def start(self) -> str:
        """Listen; gives the address."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"smtp://127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        try:
            self._hold(line)
        except OSError:
            return  # the worker was killed in the middle

    def _hold(self, line: socket.socket) -> None:
        with line, line.makefile("rwb") as file:
            file.write(b"220 ready\r\n")
            file.flush()
            in_mail = False
            for raw in file:
                word = "." if raw == b".\r\n" else "" if in_mail else raw[:4].decode().strip().upper()
                if not word:
                    continue
                if word == ".":
                    self.taken += 1  # from here on the mail is the server's
                if word == self.stop_at:
                    self.reached.set()
                    self.go_on.wait(60)
                in_mail = word == "DATA"
                file.write(b"354 go\r\n" if in_mail else b"250 ok\r\n")
                file.flush()


@pytest.fixture
def cast_for_all(transactional_db: None) -> Cast:
    """The cast, committed, so that another process sees it."""
    return everybody()


def killed_while_sending(message: Message, *, server: Server, url: str) -> None:
    """Start a worker on this message and kill it when the server stands still."""
    environment = {**os.environ, "SMTP_URL": url, "DATABASE_URL": database_url(), "LIAISON_MODE": "test"}
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(message.pk)], env=environment)
    try:
        assert server.reached.wait(120), "The worker never came to this line."
        time.sleep(0.2)  # it is waiting for our answer now
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        server.go_on.set()


def database_url() -> str:
    """The address of this test's own database."""
    parts = {name: quote(str(value), safe="") for name, value in connection.settings_dict.items()}
    return f"postgres://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


def transport_to(url: str) -> Transport | None:
    """The real e-mail transport, to this server."""
    from django.test import override_settings

    with override_settings(SMTP_URL=url):
        return transport_for(Channel.EMAIL)


@pytest.mark.parametrize(
    ("line", "ends_as", "taken"),
    [("EHLO", "sent", 1), ("RCPT", "sent", 1), ("DATA", "sent", 1), (".", "unknown", 1)],
)
@pytest.mark.django_db(transaction=True)
def test_sigkill_at_any_line_sends_nothing_twice_and_loses_nothing(
    cast_for_all: Cast, line: str, ends_as: str, taken: int
) -> None:
    cast = cast_for_all
    message = actions.queue_message(
        cast.rosa,
        patient=cast.walter,
        message=MessageToSend(template="please-call", context={}),
        idempotency_key=line,
        now=NOW,
    )
    server = Server(stop_at=line)
    url = server.start()
    killed_while_sending(message, server=server, url=url)
    message.refresh_from_db()
    assert message.state == "sending"
    assert (message.handed_over_at is not None) == (line == ".")

    server.stop_at = "nowhere"
    now = message.claimed_at + ABANDONED_AFTER + timedelta(seconds=1)
    for hour in range(1, 60):  # two and a half days of sweeps
        actions.recover_abandoned(POST, now=now)
        at = now + timedelta(hours=hour)
        deliver(message.pk, clock=lambda at=at: at, transport=lambda channel: transport_to(url))  # type: ignore[misc]  # a stand-in for what the test needs of it
    message.refresh_from_db()
    server.listener.close()
    assert message.state == ends_as
    assert server.taken == taken
    assert Loop.objects.filter(kind="failed-message").count() == (1 if ends_as == "unknown" else 0)
