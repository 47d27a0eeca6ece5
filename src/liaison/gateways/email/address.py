"""Reading `SMTP_URL`: which server, how it is secured, and who we are to it."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit


class Security(StrEnum):
    """How the connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


_SCHEMES = {
    "smtp": (Security.NONE, 25),
    "smtp+starttls": (Security.STARTTLS, 587),
    "submission": (Security.STARTTLS, 587),
    "smtps": (Security.TLS, 465),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server. `user` is empty when it asks for no sign-in; times are seconds."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = ""
    connect_seconds: float = 10.0
    answer_seconds: float = 30.0
    accept_seconds: float = 120.0


def read_server(url: str) -> Server:
    """Read `smtp://`, `smtp+starttls://` (or `smtp://…?tls=starttls`) or `smtps://[user:password@]host[:port]`.

    Raises ValueError, without repeating the password, when it is none of these.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        msg = "SMTP_URL must look like smtps://user:password@mail.example.org:465 (or smtp+starttls, smtp)."
        raise ValueError(msg)
    security, usual_port = _SCHEMES[parts.scheme]
    if security is Security.NONE and parse_qs(parts.query).get("tls") == ["starttls"]:
        security, usual_port = Security.STARTTLS, 587
    return Server(
        host=parts.hostname,
        port=parts.port or usual_port,
        security=security,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
