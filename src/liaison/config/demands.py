"""What settings have to be before Liaison starts: everything that is wrong is told at once, in one sentence."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address

from liaison.gateways.email.address import Security, read_server

SHORTEST_SECRET = 32


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
    demo_secret: str
    demo_organization: str
    demo_mail_from: str


def wrong_anywhere(given: Given) -> Iterator[str]:
    """What no mode can work with: addresses that would make every mail fail."""
    if not _is_address(parseaddr(given.mail_from)[1]):
        yield 'LIAISON_MAIL_FROM must look like "Care team <care@example.org>"'
    if given.mail_reply_to and not _is_address(given.mail_reply_to):
        yield "LIAISON_MAIL_REPLY_TO must be one plain address such as care@example.org"
    if given.smtp_url:
        try:
            read_server(given.smtp_url)
        except ValueError as error:
            yield str(error).rstrip(".")


def wrong_in_production(given: Given) -> Iterator[str]:
    """What real patients must not meet: secrets, names and addresses of the demonstration, mail in the open."""
    for name, value in (("LIAISON_SECRET_KEY", given.secret_key), ("LIAISON_AUDIT_KEY", given.audit_key)):
        if len(value) < SHORTEST_SECRET or value == given.demo_secret:
            yield f"{name} needs a secret of your own of at least {SHORTEST_SECRET} characters"
    if any(len(old) < SHORTEST_SECRET or old == given.demo_secret for old in given.secret_key_fallbacks):
        yield f"LIAISON_SECRET_KEY_FALLBACKS: each needs {SHORTEST_SECRET} characters or more, none the demonstration's"
    if given.organization.strip() in {"", given.demo_organization}:
        yield "LIAISON_ORGANIZATION needs your own name, patients read it"
    if parseaddr(given.mail_from)[1] == parseaddr(given.demo_mail_from)[1]:
        yield "LIAISON_MAIL_FROM needs your own address, patients see it"
    if given.clock_offset:
        yield "the training clock (LIAISON_AS_OF) is refused"
    if _in_the_open(given.smtp_url):
        yield "SMTP_URL sends mail without TLS to another machine: use smtps:// or smtp+starttls://"


def sentence(problems: Iterable[str], *, mode: str) -> str:
    """One sentence that lists every problem, or an empty text if there is none."""
    listed = "; ".join(problems)
    return f"In {mode} mode this has to be mended: {listed}." if listed else ""


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


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
