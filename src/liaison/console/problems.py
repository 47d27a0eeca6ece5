"""Expected failures of the command line: one sentence, an exit status, no traceback."""

import click


class Problem(click.ClickException):
    """Something a person at the terminal can mend; the message says what happened and what to do."""
