"""Expected failures of the command line: one sentence, an exit status, no traceback."""

import click


class Problem(click.ClickException):
    """Something a person at the terminal can mend; the message says what happened and what to do."""


def one_line(error: Exception) -> str:
    """The first line of an error's text, without its closing full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
