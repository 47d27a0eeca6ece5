"""`liaison mail`: taking in mail that a mail server hands over, one message at a time on standard input."""

from __future__ import annotations

import sys

import click

from liaison.console.problems import Problem
from liaison.console.settings import loaded

TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h: the mail server keeps the mail and tries again."""


MOST = 25 << 20
"""Bytes that are read; of a larger mail the beginning is kept."""


@click.group()
def mail() -> None:
    """Mail that comes to the organization."""


@mail.command()
def receive() -> None:
    """Take in one mail on standard input, as a mail server's pipe gives it.

    A bounce ends its message as failed, an answer joins the patient's thread, anything else waits in "Unmatched
    mail". Ends with status 75 when the mail could not be taken in: the mail server must keep it and try again. So it
    does when nothing comes at all, as from a pipe that broke.
    """
    try:
        raw = sys.stdin.buffer.read(MOST + 1)
        if not raw.strip():
            raise Problem("Nothing came on standard input, so no mail was taken in. Pipe one mail into this command.")
        with loaded():
            click.echo(take_in(raw))
    except Problem as problem:
        click.echo(problem.format_message(), err=True)
        sys.exit(TRY_AGAIN)
    except Exception as error:  # noqa: BLE001 - whatever it is, the mail must stay with the mail server
        click.echo(f"Not taken in ({type(error).__name__}): keep the mail and try again.", err=True)
        sys.exit(TRY_AGAIN)


def take_in(raw: bytes) -> str:
    """Take one mail in; what it turned out to be, in a word."""
    from liaison.core.actor import system_actor
    from liaison.core.clock import current_time
    from liaison.inbox.actions import receive_mail
    from liaison.inbox.queries import checked_mail

    came = receive_mail(system_actor("mail"), delivered=checked_mail(raw), now=current_time())
    return str(came)
