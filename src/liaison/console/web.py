"""What the web and events servers load in each of their own worker processes.

The servers fork workers; a worker whose server is killed must end with it, or it would keep answering on the port.
"""

from typing import Any

from liaison.console.lifeline import end_with_parent


def pages() -> Any:
    """The WSGI application of the pages."""
    end_with_parent()()
    from liaison.config.wsgi import application

    return application


def events() -> Any:
    """The ASGI application of live events."""
    end_with_parent()()
    from liaison.config.asgi import events as application

    return application
