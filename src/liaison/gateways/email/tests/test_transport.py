"""Mail goes out over real sockets, and each way a server can misbehave ends in the right result."""

import email
import email.policy
import ipaddress
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from liaison.gateways.email.address import Security, Server, read_server
from liaison.gateways.email.demo import demo_server
from liaison.gateways.email.tests.servers import Mailroom, Rude, free_port, mail_server, rude_server
from liaison.gateways.email.transport import SmtpTransport, smtp_from_settings
from liaison.inbox.ports import AttachmentContent, Envelope, PermanentFailure, Result, Sent, TemporaryFailure, Unknown

INVITATION = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n"
    b"SUMMARY:Visit \xc3\xa1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def letter(**changes: object) -> Envelope:
    """A mail to Walter."""
    values: dict[str, object] = {
        "message_id": "<42@liaison.example.org>",
        "to": "walter@example.org",
        "subject": "Su cita, señor Ng",
        "text": "Hola Walter:\n\n.Una línea que empieza con un punto.\nGracias.\n",
        "html": "<p>Hola Walter</p>",
        "language": "es",
        "attachments": (),
    }
    return Envelope(**(values | changes))  # type: ignore[arg-type]  # keywords of several types


def transport(port: int, **changes: object) -> SmtpTransport:
    """A transport with short times to a server on loopback."""
    values: dict[str, object] = {
        "host": "127.0.0.1", "port": port, "security": Security.NONE,
        "connect_seconds": 2.0, "answer_seconds": 2.0, "accept_seconds": 2.0,
    }  # fmt: skip
    return SmtpTransport(
        server=Server(**(values | changes)),  # type: ignore[arg-type]  # keywords of several types
        sender=Address(display_name="Care team", addr_spec="care-team@example.org"),
        reply_to="desk@example.org",
        clock=lambda: datetime(2026, 3, 2, 15, tzinfo=UTC),
    )


def send(port: int, envelope: Envelope | None = None, **changes: object) -> tuple[Result, int]:
    """The result, and how often the point of no return was passed."""
    passed: list[int] = []
    result = transport(port, **changes).send(envelope or letter(), point_of_no_return=lambda: passed.append(1))
    return result, len(passed)


def test_a_mail_arrives_whole_with_its_headers() -> None:
    room = Mailroom()
    with mail_server(room) as port:
        result, passed = send(port)
    assert result == Sent(reply="250 2.0.0 Queued as 42")
    assert passed == 1
    mail = email.message_from_bytes(room.mails[0], policy=email.policy.default)
    assert room.recipients == ["walter@example.org"]
    assert mail["Message-ID"] == "<42@liaison.example.org>"
    assert mail["From"] == "Care team <care-team@example.org>"
    assert mail["Reply-To"] == "desk@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "Su cita, señor Ng"
    assert mail["Content-Language"] == "es"
    assert mail["Date"].datetime == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == letter().text
    assert "Hola Walter" in html.get_content()


def test_an_invitation_comes_as_an_alternative_and_as_a_file() -> None:
    room = Mailroom()
    attachments = (
        AttachmentContent(
            name="visit.ics", media_type="text/calendar; method=REQUEST; charset=utf-8", content=INVITATION
        ),
        AttachmentContent(name="map.pdf", media_type="application/pdf", content=b"%PDF"),
    )
    with mail_server(room) as port:
        send(port, letter(attachments=attachments))
    mail = email.message_from_bytes(room.mails[0], policy=email.policy.default)
    assert mail.get_content_type() == "multipart/mixed"
    body, as_file, pdf = mail.iter_parts()
    calendar = list(body.iter_parts())[2]
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_payload(decode=True) == INVITATION
    assert (as_file.get_filename(), as_file.get_content_type()) == ("visit.ics", "application/ics")
    assert as_file.get_payload(decode=True) == INVITATION
    assert pdf.get_payload(decode=True) == b"%PDF"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("550 5.1.1 No such person", PermanentFailure(reply="recipient: 550 5.1.1 No such person", bad_address=True)),
        ("550 5.7.1 Not welcome", PermanentFailure(reply="recipient: 550 5.7.1 Not welcome", bad_address=False)),
        ("450 4.2.1 Later", TemporaryFailure(reply="recipient: 450 4.2.1 Later")),
    ],
)
def test_a_refused_recipient_is_told_apart_from_a_refusal_of_us(answer: str, expected: Result) -> None:
    with mail_server(Mailroom(recipient=answer)) as port:
        assert send(port) == (expected, 0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("554 5.6.0 Content refused", PermanentFailure(reply="end of mail: 554 5.6.0 Content refused")),
        ("451 4.3.0 Disk full", TemporaryFailure(reply="end of mail: 451 4.3.0 Disk full")),
    ],
)
def test_a_refusal_after_the_dot_is_certain(answer: str, expected: Result) -> None:
    with mail_server(Mailroom(end=answer)) as port:
        assert send(port) == (expected, 1)


@pytest.mark.parametrize("line", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_line_lost_before_the_dot_may_be_tried_again(line: str) -> None:
    with rude_server(Rude(hang_up_at=line)) as port:
        result, passed = send(port)
    assert isinstance(result, TemporaryFailure)
    assert passed == 0


def test_a_line_lost_after_the_dot_leaves_the_result_unknown() -> None:
    rude = Rude(hang_up_at=".")
    with rude_server(rude) as port:
        result, passed = send(port)
    assert isinstance(result, Unknown)
    assert passed == 1
    assert rude.seen[-1] == b".\r\n"


@pytest.mark.parametrize("answer", [b"\xff\xfe\x00\r\n", b"OK\r\n", b"999 what\r\n", b"354 go on\r\n", b"\r\n"])
def test_what_cannot_be_understood_after_the_dot_leaves_the_result_unknown(answer: bytes) -> None:
    with rude_server(Rude(hang_up_at="never", answers={".": answer})) as port:
        result, passed = send(port)
    assert isinstance(result, Unknown)
    assert passed == 1


def test_each_answer_of_success_after_the_dot_is_success() -> None:
    with rude_server(Rude(hang_up_at="never", answers={".": b"251 2.0.0 Forwarded\r\n"})) as port:
        assert send(port) == (Sent(reply="251 2.0.0 Forwarded"), 1)


def test_silence_after_the_dot_leaves_the_result_unknown() -> None:
    with rude_server(Rude(hang_up_at="never", answers={".": b""})) as port:
        result, _ = send(port, accept_seconds=0.2)
    assert isinstance(result, Unknown)


def test_a_refused_sender_is_ours_to_mend_and_is_tried_again() -> None:
    with rude_server(Rude(hang_up_at="never", answers={"MAIL": b"550 5.7.1 Not you\r\n"})) as port:
        assert send(port) == (TemporaryFailure(reply="sender: 550 5.7.1 Not you"), 0)


def test_nobody_listening_is_temporary() -> None:
    result, passed = send(free_port())
    assert isinstance(result, TemporaryFailure)
    assert passed == 0


def test_when_the_mark_cannot_be_made_the_dot_is_never_sent() -> None:
    rude = Rude(hang_up_at="never")

    class Fenced(Exception):
        """Somebody else has this message now."""

    def fenced() -> None:
        raise Fenced

    with rude_server(rude) as port, pytest.raises(Fenced):
        transport(port).send(letter(), point_of_no_return=fenced)
    assert b".\r\n" not in rude.seen
    assert any(line.startswith(b"..Una") for line in rude.seen)


@pytest.mark.parametrize("address", ["no address at all", "", "a@b@c", "walter@", "walter@example.org\r\nBcc: x@y.z"])
def test_what_is_no_address_fails_for_good_without_a_connection(address: str) -> None:
    result, _ = send(free_port(), letter(to=address))
    assert isinstance(result, PermanentFailure)
    assert result.bad_address


def test_an_address_in_another_script_goes_out_where_the_server_can() -> None:
    room = Mailroom()
    with mail_server(room) as port:
        result, _ = send(port, letter(to="вальтер@example.org"))
    assert isinstance(result, Sent)
    assert room.recipients == ["вальтер@example.org"]


def test_a_domain_in_another_script_goes_out_in_its_ascii_form() -> None:
    room = Mailroom()
    with mail_server(room) as port:
        result, _ = send(port, letter(to="walter@bücher.example"))
    assert isinstance(result, Sent)
    assert room.recipients == ["walter@xn--bcher-kva.example"]


def test_an_address_in_another_script_fails_where_the_server_cannot() -> None:
    with rude_server(Rude(hang_up_at="never")) as port:
        result, _ = send(port, letter(to="вальтер@example.org"))
    assert isinstance(result, PermanentFailure)
    assert not result.bad_address


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_we_sign_in_where_the_server_asks() -> None:
    room = Mailroom()
    tried: list[bytes] = []

    def check(server: object, session: object, envelope: object, mechanism: str, data: object) -> AuthResult:
        tried.append(data.password)  # type: ignore[attr-defined]  # the stubs don't know it
        return AuthResult(success=data.password == b"s3cret/")  # type: ignore[attr-defined]  # the stubs don't know it

    with mail_server(room, authenticator=check, auth_required=True, auth_require_tls=False) as port:
        good, _ = send(port, user="liaison", password="s3cret/")
        bad, _ = send(port, user="liaison", password="wrong")
    assert isinstance(good, Sent)
    assert isinstance(bad, TemporaryFailure)
    assert "wrong" not in bad.reply
    assert b"s3cret/" in tried


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.filterwarnings("ignore")  # the abandoned handshake leaves an open socket in the server's thread
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_mail_goes_over_tls_only_to_a_server_whose_certificate_is_trusted(
    security: Security, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Mailroom()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    options = (
        {"ssl_context": context} if security is Security.TLS else {"tls_context": context, "require_starttls": True}
    )
    with mail_server(room, **options) as port:
        refused, passed = send(port, security=security)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        taken, _ = send(port, security=security)
    assert isinstance(refused, TemporaryFailure)
    assert passed == 0
    assert isinstance(taken, Sent)
    assert len(room.mails) == 1


def test_starttls_is_not_given_up_when_the_server_has_none() -> None:
    with mail_server(Mailroom()) as port:
        result, _ = send(port, security=Security.STARTTLS)
    assert isinstance(result, TemporaryFailure)


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("smtp://mail.example.org", Security.NONE, 25),
        ("smtp://mail.example.org:2525", Security.NONE, 2525),
        ("smtp://mail.example.org?tls=starttls", Security.STARTTLS, 587),
        ("smtp+starttls://u:p%2F@mail.example.org", Security.STARTTLS, 587),
        ("submission://mail.example.org", Security.STARTTLS, 587),
        ("smtps://mail.example.org", Security.TLS, 465),
    ],
)
def test_the_url_says_server_and_security(url: str, security: Security, port: int) -> None:
    server = read_server(url)
    assert (server.host, server.security, server.port) == ("mail.example.org", security, port)
    assert server.password == ("p/" if "p%2F" in url else "")


@pytest.mark.parametrize("url", ["", "mail.example.org", "http://mail.example.org", "smtp://"])
def test_a_wrong_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValueError, match="SMTP_URL must look like"):
        read_server(url)


def test_the_settings_name_the_server_and_the_sender(settings) -> None:  # type: ignore[no-untyped-def]  # the fixtures have no types
    settings.SMTP_URL = "smtps://mail.example.org"
    settings.LIAISON_MAIL_FROM = "Riverside Health <desk@riverside.example>"
    found = smtp_from_settings()
    assert found is not None
    assert (found.server.host, str(found.sender)) == ("mail.example.org", "Riverside Health <desk@riverside.example>")
    settings.SMTP_URL = ""
    assert smtp_from_settings() is None


def test_the_demonstration_server_keeps_each_mail_as_a_file(tmp_path: Path) -> None:
    server = demo_server(folder=tmp_path / "demo-mailbox", port=free_port())
    server.start()
    try:
        first, _ = send(server.port)
        second, _ = send(server.port, letter(subject="Zweite"))
    finally:
        server.stop()
    assert isinstance(first, Sent)
    assert isinstance(second, Sent)
    kept = sorted((tmp_path / "demo-mailbox").iterdir())
    mails = [email.message_from_bytes(one.read_bytes(), policy=email.policy.default) for one in kept]
    assert [mail["Subject"] for mail in mails] == ["Su cita, señor Ng", "Zweite"]
    assert mails[0]["X-Envelope-To"] == "walter@example.org"
