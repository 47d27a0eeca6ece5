"""Who asks: the actor that the middleware put on the request, or the one behind a session at another door."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Protocol

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from liaison.core.act import Reachable, refuse_unless
from liaison.core.actor import ANONYMOUS, Actor
from liaison.core.refusals import Forbidden
from liaison.core.verbs import Verb

FORM_KEY: Final = "form:"
"""How the idempotency keys of forms begin; none that Liaison writes for itself does."""

LONGEST_FORM_KEY: Final = 80


class SessionReader(Protocol):
    """Says who signed in with a session key."""

    def __call__(self, session_key: str, /, *, now: datetime) -> Actor:
        """The person in this session at `now`, or nobody."""
        ...


_session_readers: list[SessionReader] = []


def register_session_reader(reader: SessionReader) -> None:
    """Let the package of sign-in say who is in a session (called in `AppConfig.ready`); the last one counts."""
    _session_readers[:] = [reader]


def actor_of_session(session_key: str, *, now: datetime) -> Actor:
    """Who signed in with this session key, for doors that are not Django views; nobody when nobody can tell."""
    return _session_readers[0](session_key, now=now) if _session_readers else ANONYMOUS


def actor_of(request: HttpRequest) -> Actor:
    """The person in this session, or nobody (`ActorMiddleware` sets it on every request)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]  # put there by a middleware
    return actor


def page_here(wanted: str) -> str:
    """`wanted` if it is an address of a page here, written from the root ("/loops/5/?tab=mine"); else "".

    Where to go back to is anybody's text: "//evil.example" is another server to a browser, and so is it with a
    backslash or with a tab between the slashes; "-1" is an address beside the page that one looks at.
    """
    from_the_root = wanted.startswith("/") and wanted.isprintable()
    return wanted if from_the_root and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else ""


def refuse_form_unless(request: HttpRequest, verb: Verb, *, patient: Reachable, now: datetime) -> None:
    """Open a form, and take it in, only for who may use `verb` on a patient whom they see.

    What was sent is refused as the act itself would refuse it, with an entry under its verb; a look at the form is
    kept as a look. Refuses: Forbidden, NotFound.
    """
    actor = actor_of(request)
    if request.method == "POST":
        refuse_unless(actor, verb, patient=patient, now=now)
    elif not patient.reachable_by(actor, verb, now=now):
        raise Forbidden


def form_key(request: HttpRequest, posted: str) -> str:
    """The idempotency key of a form that came in: the sender's own, at most `LONGEST_FORM_KEY` characters.

    What a browser posts is anybody's text. Without the person in it somebody could take the key of a colleague's
    form, or one that Liaison writes for itself, and so keep from happening what that key stands for.
    """
    start = f"{FORM_KEY}{actor_of(request).user_id}:"
    printable = "".join(letter for letter in posted if letter.isprintable())
    return f"{start}{printable}"[:LONGEST_FORM_KEY]
