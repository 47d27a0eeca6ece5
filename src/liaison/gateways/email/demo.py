"""The demonstration's mail server: it keeps what patients receive as files and sends nothing anywhere."""

import asyncio
import logging
import os
import re
import secrets
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

BIGGEST_MAIL = 25 * 1024 * 1024
_UNSAFE = re.compile(r"[^A-Za-z0-9@.+_-]")


class DemoMailbox:
    """An aiosmtpd handler: each mail becomes `<folder>/<nanoseconds>-<random>.eml`, whole or not at all.

    The file is on the disk before the server says 250, as the sender may then forget the mail. The envelope's
    recipients stand in an `X-Envelope-To` line at the top.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one mail (called by aiosmtpd)."""
        content = envelope.original_content or b""
        to = ", ".join(_UNSAFE.sub("?", address) for address in envelope.rcpt_tos)
        await asyncio.to_thread(self._keep, f"X-Envelope-To: {to}\r\n".encode() + content)
        return "250 2.0.0 Kept in the demonstration mailbox"

    def _keep(self, content: bytes) -> None:
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        part = self.folder / f"{name}.part"
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self.folder / f"{name}.eml")


def demo_server(*, folder: Path, host: str = "127.0.0.1", port: int) -> Controller:
    """A server to `start()` and `stop()`; it runs in a thread of its own and listens on loopback unless told."""
    # aiosmtpd tells its log every line of a conversation, addresses included: not ours to keep.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    return Controller(DemoMailbox(folder), hostname=host, port=port, data_size_limit=BIGGEST_MAIL)
