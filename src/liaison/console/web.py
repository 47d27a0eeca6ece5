"""What the web and events servers load in each of their own worker processes.

The servers fork workers; a worker whose server is killed must end with it, or it would keep answering on the port.
"""

import tempfile
from typing import Any, Final

from liaison.console.lifeline import end_with_parent
from liaison.console.settings import data_folder
from liaison.core.serving import name_connections

THREADS: Final = 8


def pages() -> Any:
    """The RSGI application of the pages."""
    end_with_parent()()
    name_connections("web")
    from liaison.config.wsgi import application  # first: it loads Django, which the others need  # isort: split
    from liaison.console.front import Front
    from liaison.core.middleware import most_taken

    folder = data_folder() / "tmp"
    tempfile.tempdir = str(folder)  # uploads lie there too until they are kept
    return Front(application, threads=THREADS, most=most_taken(), folder=folder)  # type: ignore[arg-type]  # iterable


def events() -> Any:
    """The ASGI application of live events."""
    end_with_parent()()
    name_connections("events")
    from liaison.config.asgi import events as application

    return application
