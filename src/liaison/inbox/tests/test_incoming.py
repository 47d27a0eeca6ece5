"""Mail that comes: bounces end deliveries, answers join the thread, the rest waits for a person; nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest

from liaison.accounts.access import Role
from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import actions, queries
from liaison.inbox.actions import Came
from liaison.inbox.models import Message, Preference, UnmatchedMail
from liaison.inbox.ports import CallDetails, Delivered, HowItWent, Sent
from liaison.inbox.queries.incoming import MOST_MAIL
from liaison.inbox.rules.incoming import Bounce, read_mail
from liaison.inbox.rules.markup import text_of_html
from liaison.inbox.tests.cast import NOW, Cast, person
from liaison.inbox.tests.test_screens import a_message, ended, signed_in
from liaison.loops.actions import find_owners
from liaison.loops.models import Evidence, Loop
from liaison.patients.models import PatientSite
from liaison.records.models import Resource

MTA = system_actor("mail")
PDF = b"%PDF-1.7\n%%EOF\n"


def mail(text: str = "Thank you, I will come.", *, html: str = "", **headers: str) -> EmailMessage:
    """A mail from Walter."""
    made = EmailMessage()
    given = {"From": "Walter Ng <walter@example.org>", "To": "care@riverside.example", "Subject": "Re: Please call"}
    for name, value in (given | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        made[name] = value
    made.set_content(html or text, subtype="html" if html else "plain")
    return made


def answer(message: Message, text: str = "Thank you, I will come.", **headers: str) -> EmailMessage:
    """Walter's answer to a message of ours."""
    return mail(text, **({"In-Reply-To": message.message_id, "Message-ID": "<a1@example.org>"} | headers))


def notice(message_id: str, *, action: str = "failed", status: str = "5.1.1", returned: str = "rfc822") -> bytes:
    """A delivery status notification, as a mail server writes it."""
    original = f"Message-ID: {message_id}\r\nSubject: Please call us\r\n\r\nDear Walter\r\n"
    kind = "message/rfc822" if returned == "rfc822" else "text/rfc822-headers"
    return (
        "From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nSubject: Undelivered Mail\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nYour mail came back.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; walter@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--B\r\nContent-Type: {kind}\r\n\r\n{original}\r\n--B--\r\n"
    ).encode()


def receive(raw: bytes | EmailMessage) -> Came:
    """The mail server hands a mail over."""
    content = raw if isinstance(raw, bytes) else raw.as_bytes()
    return actions.receive_mail(MTA, delivered=queries.checked_mail(content), now=NOW)


def sent(cast: Cast, *, key: str = "k") -> Message:
    """A message to Walter that his server took."""
    return ended(a_message(cast, key=key), Sent(reply="250 ok"))


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_notice_says_why_and_about_what() -> None:
    read = read_mail(notice("<ours@x>"))
    assert read.bounce == Bounce(action="failed", status="5.1.1", reason="550 5.1.1 no such user")
    assert (read.about, read.bounce.bad_address) == (("<ours@x>",), True)
    assert read.bounce.says == "5.1.1 550 5.1.1 no such user"
    assert read_mail(notice("<ours@x>", returned="headers")).about == ("<ours@x>",)
    assert not Bounce(action="failed", status="5.7.1").bad_address
    assert Bounce(action="failed").says == "The mail came back without a reason."


def test_an_old_notice_without_fields_is_one_when_a_machine_returns_our_mail() -> None:
    old = mail("It came back.", From="MAILER-DAEMON@mx.example", Subject="Returned mail")
    original = EmailMessage()
    original["Message-ID"] = "<ours@x>"
    original.set_content("Dear Walter")
    old.add_attachment(original)
    read = read_mail(old.as_bytes())
    assert (read.bounce, read.about) == (Bounce(action="failed", reason="Returned mail"), ("<ours@x>",))
    forwarded = mail("Look")
    forwarded.add_attachment(original)
    assert read_mail(forwarded.as_bytes()).bounce is None


def test_a_notice_without_fields_inside_still_counts_as_failed() -> None:
    head = b'Content-Type: multipart/report; boundary="B"\r\n\r\n--B\r\n'
    bare = head + b"Content-Type: message/delivery-status\r\n\r\n\r\n--B--"
    assert read_mail(bare).bounce == Bounce(action="failed")
    flat = b"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ=="
    assert read_mail(flat).bounce == Bounce(action="failed")


def test_ids_come_from_the_answer_first_then_the_latest_of_the_thread() -> None:
    read = read_mail(mail(**{"In-Reply-To": "<b@x>", "References": "<a@x> <b@x> <c@x>"}).as_bytes())
    assert read.about == ("<b@x>", "<c@x>", "<a@x>")


def test_markup_becomes_words_and_scripts_vanish() -> None:
    page = "<head><title>t</title></head><p>Good <b>day</b></p><script>alert(1)</script><div>&lt;bye&gt;</div></script>"
    assert text_of_html(page) == "Good day\n<bye>"
    assert read_mail(mail(html=page).as_bytes()).text == "Good day\n<bye>"


def test_what_is_quoted_is_not_said_anew() -> None:
    text = "STOP\n\nOn Mon, Mar 2, 2026 at 10:00 Riverside wrote:\n> Please call us\n"
    assert read_mail(mail(text).as_bytes()).new_words == "STOP"
    assert read_mail(mail("All of it\nis new").as_bytes()).new_words == "All of it\nis new"


@pytest.mark.parametrize(
    ("headers", "automatic"),
    [
        ({"Auto-Submitted": "auto-replied"}, True),
        ({"Auto-Submitted": "no"}, False),
        ({"Precedence": "bulk"}, True),
        ({"X-Autoreply": "yes"}, True),
        ({}, False),
    ],
)
def test_a_machine_is_known_by_its_headers(headers: dict[str, str], automatic: bool) -> None:
    assert read_mail(mail(**headers).as_bytes()).automatic is automatic


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00\x01 no mail at all",
        b"From: \xe9\xe9 <\r\nSubject: =?utf-9?q?x?=\r\nMessage-ID: <<<\r\n\r\n\x00",
        b"Content-Type: text/plain; charset=klingon\r\n\r\nQapla'",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        b"From: a@b\r\nContent-Disposition: attachment; filename*=utf-8''%ff\r\n\r\nx",
    ],
)
def test_whatever_comes_is_read_as_far_as_it_goes(raw: bytes) -> None:
    read = read_mail(raw)
    assert "\x00" not in read.text + read.subject + read.sender
    assert read.bounce is None


def parts_in_parts(depth: int) -> bytes:
    """A mail of one word in `depth` envelopes."""
    head = "".join(
        f'Content-Type: multipart/mixed; boundary="b{one}"\n\n--b{one}\n' for one in range(depth)
    )  # fmt: skip
    return f"From: Walter <walter@example.org>\n{head}Content-Type: text/plain\n\nhi".encode()


BROKEN = {
    "idna": b"From: a@b\nContent-Type: text/plain; charset=idna\n\nhi..\xff",
    "punycode": b"From: a@b\nContent-Type: text/plain; charset=punycode\n\n\xff-hi..\xff",
    "undefined": b"From: a@b\nContent-Type: text/plain; charset=undefined\n\nhi",
    "hex": b"From: a@b\nContent-Type: text/plain; charset=hex\n\nhi",
    "NUL": b'From: a@b\nContent-Type: text/plain; charset="\x00"\n\nhi',
    "NUL, encoded": b"From: a@b\nContent-Type: text/plain; charset*=a'b'%00utf\n\nhi",
    "charset of a charset": b"From: a@b\nContent-Type: text/plain; charset*=%00'b'utf\n\nhi",
    "surrogates": b"From: a@b\nContent-Type: text/plain; charset=utf-7\n\n+2AA-hi",
    "brackets in From": b"From: " + b"(" * 3_000 + b"\n\nhi",
    "brackets in Content-Type": b"From: a@b\nContent-Type: " + b"(" * 3_000 + b"\n\nhi",
    "brackets in Content-Disposition": b"From: a@b\nContent-Disposition: " + b"(" * 3_000 + b"\n\nhi",
    "name of a file": b"From: a@b\nContent-Disposition: attachment; filename*=idna'x'%ff..%ff\n\nhi",
    "pieces of a name": b"From: a@b\nContent-Disposition: attachment; filename*0*=;filename*x=1; filename*0=a\n\nhi",
    "2,000 multiparts": parts_in_parts(2_000),
    "900 mails in mails": b"From: a@b\n" + b"Content-Type: message/rfc822\n\n" * 900 + b"hi",
    "10,000 parts": b'Content-Type: multipart/mixed; boundary="b"\n' + b"\n--b\n" * 10_000,
    "a long sender": b"From: " + b"a" * 300 + b"@example.org\n\nhi",
    "many senders": b"From: " + b"a@b, " * 80_000 + b"\n\nhi",
    "a long id": b"Message-ID: <" + b"a." * 2_000 + b">\nReferences: " + b"<a@b> " * 20_000 + b"\n\nhi",
    "a bad encoded word": b"Subject: =?utf-8?b?a?= =?klingon?q?x?=\n\nhi",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_mail_that_can_not_be_read_waits_for_a_person(cast: Cast, what: str) -> None:
    assert receive(BROKEN[what]) is Came.UNMATCHED
    row = UnmatchedMail.objects.get()
    assert bytes(row.raw) == BROKEN[what]
    message = actions.match_mail(
        cast.marta, mail_id=row.pk, delivered=queries.checked_mail(bytes(row.raw)), patient=cast.walter, now=NOW
    )
    assert message.state == "received"


def test_of_a_mail_that_can_not_be_read_the_beginning_is_shown() -> None:
    read = read_mail(BROKEN["2,000 multiparts"])
    assert read.text.startswith("From: Walter <walter@example.org>")
    assert (read.sender, read.about, read.files, read.bounce) == ("", (), (), None)
    assert read_mail(parts_in_parts(20)).text == "hi"


@pytest.mark.parametrize(
    ("subject", "read"),
    [
        ("Größe ж", "Größe ж"),
        ("=?utf-8?q?=C3=A9?=\n =?utf-8?q?=C3=B6?= x", "éö x"),
        ("ж =?iso-8859-1?q?=E9?=", "ж é"),
        ("=?utf-8?b?a?=", "=?utf-8?b?a?="),
        ("=?undefined?q?a=C3=A9?=", "aé"),
    ],
)
def test_the_words_of_a_header_are_read(subject: str, read: str) -> None:
    assert read_mail(f"Subject: {subject}\n\nhi".encode()).subject == read


def test_no_encoded_word_becomes_an_address() -> None:
    made = read_mail(b"From: =?utf-8?q?walter=40example=2Eorg=2C?= <mallory@example.net>\n\nhi")
    assert made.sender == "mallory@example.net"


def test_a_file_keeps_the_name_it_came_under() -> None:
    names = ("filename*=utf-8''%C3%A9.pdf", 'filename="=?utf-8?q?=C3=A9=2Epdf?="', "filename*=idna'x'%ff", "x=1")
    made = (f"Content-Disposition: attachment; {name}\n\nhi".encode() for name in names)
    assert [read_mail(one).files[0].name for one in made] == ["é.pdf", "é.pdf", "file", ""]


# --- bounces --------------------------------------------------------------------------------------------------------


def test_a_bounce_ends_the_message_as_failed_and_opens_the_loop(cast: Cast) -> None:
    message = sent(cast)
    assert receive(notice(message.message_id)) is Came.BOUNCE
    message.refresh_from_db()
    assert (message.state, message.failure_kind, message.last_reply) == (
        "failed", "permanent", "5.1.1 550 5.1.1 no such user",
    )  # fmt: skip
    assert message.delivery_attempts.get().bad_address
    loop = Loop.objects.get(kind="failed-message")
    assert "bounced" in loop.title
    assert receive(notice(message.message_id)) is Came.KNOWN
    assert Loop.objects.count() == 1
    entry = AuditEntry.objects.filter(verb="inbox.receive", outcome="done").earliest("pk")
    assert entry.patient_ids == [cast.walter.pk]


def test_two_bounces_mark_the_address(cast: Cast) -> None:
    for key in ("1", "2"):
        receive(notice(sent(cast, key=key).message_id))
    cast.mail.refresh_from_db()
    assert cast.mail.bad_since == NOW


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed"])
def test_a_notice_that_is_no_failure_changes_nothing(cast: Cast, action: str) -> None:
    message = sent(cast)
    assert receive(notice(message.message_id, action=action)) is Came.NOTICE
    message.refresh_from_db()
    assert message.state == "sent"


def test_a_bounce_of_what_a_person_knows_to_have_arrived_goes_before_a_person(cast: Cast) -> None:
    message = sent(cast)
    actions.confirm_arrived(cast.rosa, message_id=message.pk, now=NOW)
    assert receive(notice(message.message_id)) is Came.UNMATCHED
    assert "ended already" in UnmatchedMail.objects.get().why
    assert receive(notice("<nobody@x>")) is Came.UNMATCHED


# --- answers --------------------------------------------------------------------------------------------------------


def test_an_answer_joins_the_thread_and_the_team_owes_an_answer(cast: Cast) -> None:
    message = sent(cast)
    assert receive(answer(message)) is Came.ANSWER
    came = Message.objects.get(direction="in")
    assert (came.patient, came.state, came.body) == (cast.walter, "received", "Thank you, I will come.")
    assert (came.subject, came.to_address, came.message_id) == (
        "Re: Please call",
        "walter@example.org",
        "<a1@example.org>",
    )
    loop = Loop.objects.get(kind="answer")
    assert (loop.owner_team, loop.about_id, loop.state) == (cast.team, came.pk, "open")
    assert "come" not in loop.title
    assert receive(answer(message)) is Came.KNOWN
    assert Message.objects.filter(direction="in").count() == 1
    told = queries.timeline(cast.rosa, patient=cast.walter, kinds=("message",), now=NOW)
    assert "from the patient: received" in " ".join(one.detail for one in told)
    box = queries.message_page(cast.rosa, box=queries.Box.IN, now=NOW)
    assert [row.id for row in box.rows] == [came.pk]


def test_a_written_answer_keeps_the_promise(cast: Cast) -> None:
    receive(answer(sent(cast)))
    loop = Loop.objects.get(kind="answer")
    ended(a_message(cast, key="answer", loop=loop), Sent(reply="250 ok"))
    loop.refresh_from_db()
    assert (loop.state, Evidence.objects.get(loop=loop).kind) == ("closed", "answered")


def test_a_call_keeps_it_too(cast: Cast) -> None:
    receive(answer(sent(cast)))
    loop = Loop.objects.get(kind="answer")
    actions.log_call(
        cast.rosa,
        patient=cast.walter,
        loop=loop,
        went=HowItWent(outcome="reached", said="Told him.", details=CallDetails(settled=True)),
        idempotency_key="c",
        now=NOW,
    )
    loop.refresh_from_db()
    assert loop.state == "closed"


def test_a_bare_stop_holds_at_once_and_needs_no_answer(cast: Cast) -> None:
    message = sent(cast)
    receive(answer(message, "STOP\n\n> please call"))
    assert Preference.objects.get().standing == "stopped"
    assert not Loop.objects.filter(kind="answer").exists()
    assert a_message(cast, key="next").suppressed_reason == "opted_out"
    receive(answer(message, "START", Message_ID="<a2@example.org>"))
    assert a_message(cast, key="later").state == "queued"
    receive(answer(message, "stop all", Message_ID="<a3@example.org>"))
    assert Preference.objects.filter(standing="stopped", channel="email").values("category").distinct().count() == 5


def test_a_vacation_note_is_kept_but_nobody_answers_a_machine(cast: Cast) -> None:
    receive(answer(sent(cast), "STOP bothering, I am away.", Auto_Submitted="auto-replied"))
    assert "[A machine wrote this.]" in Message.objects.get(direction="in").body
    assert not Loop.objects.filter(kind="answer").exists()


def test_an_answer_from_another_address_says_so(cast: Cast) -> None:
    receive(answer(sent(cast), From="june@example.org", Subject=""))
    came = Message.objects.get(direction="in")
    assert "[It came from another address than the one we wrote to.]" in came.body
    assert came.subject == "(no subject)"


def test_from_another_address_a_stop_holds_for_this_kind_and_a_person_looks(cast: Cast) -> None:
    message = sent(cast)
    receive(answer(message, "stop all", From="mallory@example.net"))
    stopped = Preference.objects.get()
    assert (stopped.standing, stopped.category, stopped.source) == (
        "stopped", message.category, "by e-mail from another address",
    )  # fmt: skip
    assert Loop.objects.filter(kind="answer").count() == 1


def test_from_another_address_nobody_starts_again_what_the_patient_stopped(cast: Cast) -> None:
    message = sent(cast)
    receive(answer(message, "STOP"))
    receive(answer(message, "START", From="mallory@example.net", Message_ID="<m@example.net>"))
    assert Preference.objects.get().standing == "stopped"
    assert a_message(cast, key="next").suppressed_reason == "opted_out"
    assert Loop.objects.filter(kind="answer").count() == 1


@pytest.mark.parametrize(
    ("sender", "source"),
    [
        ("Walter <WALTER@example.org>", "By e-mail from the patient"),
        ("mallory@example.net", "By e-mail from another address"),
    ],
)
def test_a_file_in_the_chart_says_whether_it_came_from_where_we_wrote_to(cast: Cast, sender: str, source: str) -> None:
    reply = answer(sent(cast), From=sender)
    reply.add_attachment(PDF, maintype="application", subtype="pdf", filename="letter.pdf")
    receive(reply)
    assert source in str(Resource.objects.get(kind="document").body)


def test_a_message_id_that_somebody_used_before_is_no_obstacle(cast: Cast) -> None:
    message = sent(cast)
    receive(answer(message))
    assert receive(answer(message, "Another thing")) is Came.ANSWER
    assert Message.objects.filter(direction="in").count() == 2


def test_files_are_kept_in_the_chart_when_they_are_sound_and_named_when_not(cast: Cast) -> None:
    reply = answer(sent(cast), "")
    reply.add_attachment(PDF, maintype="application", subtype="pdf", filename="letter.pdf")
    reply.add_attachment(b"PK\x03\x04", maintype="application", subtype="octet-stream", filename="a.docx")
    receive(reply)
    body = Message.objects.get(direction="in").body
    assert "(no words)" in body
    assert "[letter.pdf came with it and is in the chart.]" in body
    assert "[A file was not kept. a.docx: This is a Word, Excel or ZIP file." in body
    assert Resource.objects.get(kind="document").patient == cast.walter
    again = answer(sent(cast, key="2"), "Once more")
    again.add_attachment(PDF, maintype="application", subtype="pdf", filename="letter.pdf")
    assert receive(again) is Came.ANSWER
    assert Resource.objects.filter(kind="document").count() == 1


def test_more_files_than_are_kept_are_named(cast: Cast) -> None:
    reply = answer(sent(cast))
    for number in range(21):
        reply.add_attachment(b"%d" % number, maintype="text", subtype="x", filename=f"{number}.txt")
    checked = queries.checked_mail(reply.as_bytes())
    assert (len(checked.sound), len(checked.refused)) == (20, 1)


def test_an_answer_that_nobody_can_own_is_owed_as_soon_as_somebody_can(cast: Cast) -> None:
    message = sent(cast)
    with writes_open():
        cast.walter.sites.all().delete()
    assert receive(answer(message)) is Came.ANSWER
    assert not Loop.objects.filter(kind="answer").exists()
    assert find_owners(MTA, now=NOW) == 1
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.site, is_home=True)
    assert find_owners(MTA, now=NOW) == 0
    loop = Loop.objects.get(kind="answer")
    assert (loop.owner_team_id, loop.due_at) == (cast.team.pk, NOW + timedelta(days=1))
    assert loop.about_id == Message.objects.get(direction="in").pk


# --- what matches nothing -------------------------------------------------------------------------------------------


def test_what_matches_nothing_waits_once(cast: Cast) -> None:
    strange = mail("Is this the clinic?")
    assert [receive(strange), receive(strange)] == [Came.UNMATCHED, Came.KNOWN]
    (row,) = queries.unmatched_mail(cast.marta)
    assert (row.sender, row.text, row.why) == (
        "walter@example.org", "Is this the clinic?", "It answers no message of ours",
    )  # fmt: skip
    assert queries.count_unmatched(cast.marta) == 1
    assert queries.count_unmatched(cast.rosa) is None
    for do in (lambda: queries.unmatched_mail(cast.rosa), lambda: queries.unmatched_bytes(cast.rosa, mail_id=row.id)):
        with pytest.raises(Forbidden):
            do()
    with pytest.raises(NotFound):
        queries.unmatched_bytes(cast.marta, mail_id=0)


def test_of_a_mail_that_is_too_large_the_beginning_waits(cast: Cast) -> None:
    message = sent(cast)
    raw = answer(message).as_bytes() + b"x" * MOST_MAIL
    assert receive(raw) is Came.UNMATCHED
    row = UnmatchedMail.objects.get()
    assert len(bytes(row.raw)) == 64 << 10
    assert "too large" in row.why


def test_only_liaison_takes_mail_in(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        actions.receive_mail(cast.marta, delivered=queries.checked_mail(b"x"), now=NOW)


def unmatched(cast: Cast) -> tuple[int, Delivered]:
    """A mail that waits, with a file."""
    strange = mail("It is me, Walter.")
    strange.add_attachment(PDF, maintype="application", subtype="pdf", filename="card.pdf")
    receive(strange)
    row = UnmatchedMail.objects.get()
    return row.pk, queries.checked_mail(bytes(row.raw))


def test_marta_says_whose_it_is_and_it_joins_the_thread(cast: Cast) -> None:
    mail_id, delivered = unmatched(cast)
    message = actions.match_mail(cast.marta, mail_id=mail_id, delivered=delivered, patient=cast.walter, now=NOW)
    assert (message.patient, message.loop, message.state) == (cast.walter, None, "received")
    assert Loop.objects.get(kind="answer").patient == cast.walter
    assert Resource.objects.get(kind="document").title == "card.pdf"
    row = UnmatchedMail.objects.get()
    assert (row.became, row.settled_by_name) == (message, "Marta")
    assert str(row) == f"unmatched mail {row.pk}"
    with pytest.raises(actions.MailSettled):
        actions.put_away(cast.marta, mail_id=mail_id, reason="Spam", now=NOW)


def test_a_mail_is_put_away_with_a_reason(cast: Cast) -> None:
    mail_id, _ = unmatched(cast)
    with pytest.raises(actions.SayWhyNotOurs):
        actions.put_away(cast.marta, mail_id=mail_id, reason=" ", now=NOW)
    actions.put_away(cast.marta, mail_id=mail_id, reason="Spam", now=NOW)
    assert queries.unmatched_mail(cast.marta) == ()
    assert UnmatchedMail.objects.get().settled_reason == "Spam"
    with pytest.raises(NotFound):
        actions.put_away(cast.marta, mail_id=0, reason="Spam", now=NOW)


def test_who_supervises_or_keeps_records_at_one_site_neither_reads_nor_sorts_the_mail_of_all(cast: Cast) -> None:
    mail_id, delivered = unmatched(cast)
    for number, role in enumerate((Role.SUPERVISOR, Role.RECORDS_CLERK)):
        with writes_open():
            user, sue = person(f"Sue{number}", role=role, site=cast.site)
        assert queries.count_unmatched(sue) is None
        for do in (
            lambda sue=sue: queries.unmatched_mail(sue),
            lambda sue=sue: queries.unmatched_bytes(sue, mail_id=mail_id),
            lambda sue=sue: actions.put_away(sue, mail_id=mail_id, reason="Spam", now=NOW),
            lambda sue=sue: actions.match_mail(
                sue, mail_id=mail_id, delivered=delivered, patient=cast.walter, now=NOW
            ),
        ):  # fmt: skip
            with pytest.raises(Forbidden):
                do()
        browser = signed_in(user)
        assert "Unmatched mail" not in browser.get("/messages/").content.decode()
        assert browser.get("/messages/unmatched/").status_code == 403
        assert browser.post(f"/messages/unmatched/{mail_id}/put-away/", {"reason": "Spam"}).status_code == 403
        assert browser.post(f"/messages/unmatched/{mail_id}/match/", {"who": "Ng"}).status_code == 403
    with writes_open():
        _, carla = person("Carla", role=Role.RECORDS_CLERK, site=None)
    assert len(queries.unmatched_mail(carla)) == 1
    assert UnmatchedMail.objects.get().settled_at is None


# --- screens --------------------------------------------------------------------------------------------------------


def test_the_list_on_the_screen(cast: Cast) -> None:
    with writes_open():
        paula, _ = person("Paula", role=Role.SUPERVISOR, site=None)
    browser, (mail_id, _) = signed_in(paula), unmatched(cast)
    assert "Unmatched mail" in browser.get("/messages/").content.decode()
    assert "It is me, Walter." in browser.get("/messages/unmatched/").content.decode()
    look = AuditEntry.objects.get(verb="inbox.sort_mail", outcome="seen")
    assert (look.actor_name, look.details) == ("Paula", {"mails": [mail_id]})
    url = f"/messages/unmatched/{mail_id}"
    assert browser.post(f"{url}/match/", {"who": ""}).status_code == 422
    assert "Nobody fits" in browser.post(f"{url}/match/", {"who": "Quillfeather"}).content.decode()
    with writes_open():
        cast.walter.refresh_search([])
        cast.walter.save()
    twin = cast.patient(given="Walter", family="Ng")
    with writes_open():
        twin.refresh_search([])
        twin.save()
    assert "Several patients fit" in browser.post(f"{url}/match/", {"who": "Walter Ng"}).content.decode()
    assert browser.post(f"{url}/put-away/", {"reason": ""}).status_code == 422
    answered = browser.post(f"{url}/match/", {"who": "Walter Ng 1950-05-05"})
    message = Message.objects.get(direction="in")
    assert answered["Location"] == f"/messages/{message.pk}/"
    page = browser.get(f"/messages/{message.pk}/").content.decode()
    for words in ("From", "walter@example.org", "Answer", f"loop={Loop.objects.get(kind='answer').pk}"):
        assert words in page
    assert "Every mail found its thread" in browser.get("/messages/unmatched/").content.decode()
    receive(mail("Buy now"))
    spam = UnmatchedMail.objects.get(settled_at=None)
    assert browser.post(f"/messages/unmatched/{spam.pk}/put-away/", {"reason": "Spam"}).status_code == 302
    assert signed_in(cast.rosa_user).get("/messages/unmatched/").status_code == 403
    assert spam.received_at < current_time()


def test_the_command_takes_a_mail_in(cast: Cast) -> None:
    from liaison.console.mail import take_in

    assert take_in(answer(sent(cast)).as_bytes()) == "answer"
