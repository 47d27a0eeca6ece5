"""The demonstration's mail server as a process: it keeps mail as files and ends when it is told to."""

import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def mailbox(tmp_path):
    """A running mail server: its process and its port."""
    port = free_port()
    command = [sys.executable, "-m", "liaison.console.mailbox", "--port", str(port), "--folder", str(tmp_path / "mail")]
    process = subprocess.Popen(command, env=os.environ)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.02)
    yield process, port
    process.kill()
    process.wait()


def test_a_mail_is_kept_as_a_file_and_the_server_ends_well_when_told(mailbox, tmp_path):
    process, port = mailbox
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail("desk@clinic.example", ["walter@home.example"], "Subject: Your visit\r\n\r\nSee you.\r\n")
    (kept,) = (tmp_path / "mail").glob("*.eml")
    assert kept.read_text().startswith("X-Envelope-To: walter@home.example")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
