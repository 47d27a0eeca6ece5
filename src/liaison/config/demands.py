"""What settings have to be before Liaison starts: everything that is wrong is told at once, in one sentence."""

import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from liaison.gateways.email.address import Security, read_server

SHORTEST_SECRET = 32
FEWEST_CHARACTERS = 10
"""Different characters of a secret: one that was made by chance has more, 32 hexadecimal digits nearly always."""
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
_CENTURY = 100 * 366 * 24 * 60 * 60
_YEAR = 366 * 24 * 60 * 60
RANGES: Mapping[str, tuple[int, int]] = {
    "LIAISON_CLOCK_OFFSET": (-_CENTURY, _CENTURY),
    "LIAISON_PORT": (1, 65_533),
    "LIAISON_DOCUMENT_MB": (1, 1_000),
    "LIAISON_IDLE_SECONDS": (1, _YEAR),
    "LIAISON_ABSOLUTE_SECONDS": (1, _YEAR),
    "LIAISON_STEP_UP_SECONDS": (1, _YEAR),
    "LIAISON_TRUSTED_PROXIES": (0, 100),
    "LIAISON_LOCKOUT_FAILURES": (1, 10_000),
    "LIAISON_DEMO_PATIENTS": (1, 100_000),
}
"""The least and the most of each number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The settings that a demand is made of, as they are after the defaults; `demo_*` are the demonstration's own."""

    secret_key: str
    secret_key_fallbacks: tuple[str, ...] = ()
    audit_key: str
    clock_offset: int = 0
    organization: str
    mail_from: str
    mail_reply_to: str = ""
    smtp_url: str
    database_url: str = ""
    schema: str = "liaison"
    public_url: str = ""
    events_url: str = "/events"
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    log_level: str = "INFO"
    document_scanner: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    demo_secret: str
    demo_organization: str
    demo_mail_from: str


def wrong_anywhere(given: Given) -> Iterator[str]:
    """What no mode can work with: addresses that would make every mail fail, numbers and names that can't be."""
    yield from _wrong_mail(given)
    for name, value in given.numbers.items():
        least, most = RANGES[name]
        if not least <= value <= most:
            yield f"{name} must be a number from {least} to {most}"
    if given.log_level not in LEVELS:
        yield "LIAISON_LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL"
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", given.schema):
        yield "LIAISON_SCHEMA must be a plain name of small letters, digits and _"
    if given.database_url and not given.database_url.startswith(("postgres://", "postgresql://")):
        yield "DATABASE_URL must begin with postgresql://"
    if given.document_scanner and not _is_there(given.document_scanner):
        yield "LIAISON_DOCUMENT_SCANNER must name something that can be imported, such as clinic.scanning.scan"


def wrong_outside_production(given: Given) -> Iterator[str]:
    """What was set to nothing over the demonstration's own."""
    named = {
        "LIAISON_SECRET_KEY": given.secret_key,
        "LIAISON_AUDIT_KEY": given.audit_key,
        "LIAISON_ORGANIZATION": given.organization,
    }
    for name, value in named.items():
        if not value.strip():
            yield f"{name} must not be empty: leave it out, or give it a value"


def _is_there(dotted: str) -> bool:
    module, _dot, name = dotted.rpartition(".")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def _wrong_mail(given: Given) -> Iterator[str]:
    if not _is_address(parseaddr(given.mail_from)[1]) or not given.mail_from.isprintable():
        yield 'LIAISON_MAIL_FROM must look like "Care team <care@example.org>"'
    if given.mail_reply_to and not _is_address(given.mail_reply_to):
        yield "LIAISON_MAIL_REPLY_TO must be one plain address such as care@example.org"
    if given.smtp_url:
        try:
            read_server(given.smtp_url)
        except ValueError as error:
            yield str(error).rstrip(".")


def _is_no_secret(value: str, *, given: Given) -> bool:
    """Too short, too uniform or made of the demonstration's; blanks around it make it neither longer nor another."""
    secret = value.strip()
    return (
        len(secret) < SHORTEST_SECRET
        or len(set(secret)) < FEWEST_CHARACTERS
        or given.demo_secret.casefold() in secret.casefold()
    )


def wrong_in_production(given: Given) -> Iterator[str]:
    """What real patients must not meet: secrets, names and addresses of the demonstration, mail in the open."""
    for name, value in (("LIAISON_SECRET_KEY", given.secret_key), ("LIAISON_AUDIT_KEY", given.audit_key)):
        if _is_no_secret(value, given=given):
            yield f"{name} needs a secret of your own of at least {SHORTEST_SECRET} characters, made by chance"
    if given.secret_key.strip() == given.audit_key.strip() not in {"", given.demo_secret}:
        yield "LIAISON_AUDIT_KEY must be another one than LIAISON_SECRET_KEY"
    if any(_is_no_secret(old, given=given) for old in given.secret_key_fallbacks):
        yield f"LIAISON_SECRET_KEY_FALLBACKS: each needs {SHORTEST_SECRET} characters or more made by chance"
    if given.organization.strip() in {"", given.demo_organization}:
        yield "LIAISON_ORGANIZATION needs your own name, patients read it"
    if parseaddr(given.mail_from)[1] == parseaddr(given.demo_mail_from)[1]:
        yield "LIAISON_MAIL_FROM needs your own address, patients see it"
    yield from _wrong_addresses(given)
    if given.clock_offset:
        yield "the training clock (LIAISON_AS_OF) is refused"
    if _in_the_open(given.smtp_url):
        yield "SMTP_URL sends mail without TLS to another machine: use smtps:// or smtp+starttls://"
    if _is_readable_on_the_way(given.database_url):
        yield "DATABASE_URL goes to another machine without TLS: add ?sslmode=verify-full, or require at the least"


def _wrong_addresses(given: Given) -> Iterator[str]:
    if not _is_safe_origin(given.public_url) or not given.public_url.startswith("https://"):
        yield "LIAISON_PUBLIC_URL needs the address that people type, such as https://liaison.elm.example"
    if not _is_safe_for_events(given.events_url):
        yield "LIAISON_EVENTS_URL must be a path such as /events, or an https address"
    if "*" in given.hosts:
        yield "LIAISON_ALLOWED_HOSTS must name the hosts, * lets any in"
    if not all(_is_safe_origin(origin) for origin in given.origins):
        yield "LIAISON_TRUSTED_ORIGINS must be https addresses without *"


def sentence(problems: Iterable[str], *, mode: str) -> str:
    """One sentence that lists every problem, or an empty text if there is none."""
    listed = "; ".join(problems)
    return f"In {mode} mode this has to be mended: {listed}." if listed else ""


def _is_safe_origin(address: str) -> bool:
    """An https address of one host; plain http only for a machine that speaks to itself."""
    parts = urlsplit(address)
    if not parts.hostname or "*" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))


def _is_address(value: str) -> bool:
    try:
        return bool(Address(addr_spec=value).domain)
    except (MessageError, ValueError, IndexError):
        return False


def _in_the_open(smtp_url: str) -> bool:
    """Whether mail would travel readable to a machine that is not this one."""
    try:
        server = read_server(smtp_url)
    except ValueError:
        return False
    return server.security is Security.NONE and not _is_here(server.host)


def _is_readable_on_the_way(database_url: str) -> bool:
    """Whether patients' data would travel readable to a database on a machine that is not this one.

    Every host counts: of several, in the address or in its parameters, and by number. A folder is a socket of this
    machine. Without `sslmode`, or with "prefer", PostgreSQL's client goes on without TLS when the server wants none.
    """
    if not database_url:
        return False
    try:
        given = conninfo_to_dict(database_url)
    except ProgrammingError:
        return True
    hosts = f"{given.get('host') or ''},{given.get('hostaddr') or ''}".split(",")
    if all(not host or host.startswith("/") or _is_here(host) for host in hosts):
        return False
    return given.get("sslmode") not in _ENCRYPTED


def _is_safe_for_events(address: str) -> bool:
    """A path of Liaison's own address, or a place where the browser's cookie travels encrypted."""
    if address.startswith("/") and not address.startswith("//"):
        return True
    parts = urlsplit(address.replace("{host}", "host.example"))
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or ""))
    )


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
