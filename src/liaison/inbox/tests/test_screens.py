"""The screens, through their addresses."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.inbox import actions
from liaison.inbox.jobs import deliver
from liaison.inbox.models import Call, Message
from liaison.inbox.ports import HowItWent, MessageToSend, PermanentFailure, Unknown
from liaison.inbox.tests.cast import NOW, Cast, Postman, written
from liaison.loops.actions import open_loop
from liaison.loops.models import Evidence, Loop
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.patients.models import ContactPoint

PASSWORD = "a-long-enough-secret"


def signed_in(user: object) -> Client:
    """A browser in which this person signed in."""
    with writes_open():
        user.set_password(PASSWORD)  # type: ignore[attr-defined]  # the fixtures have no types
        user.save()  # type: ignore[attr-defined]  # the fixtures have no types
    client = Client()
    answer = client.post("/account/login/", {"login": user.email, "password": PASSWORD})  # type: ignore[attr-defined]  # the fixtures have no types
    assert answer.status_code == 302
    return client


@pytest.fixture
def rosa(cast: Cast) -> Client:
    """Rosa's browser."""
    return signed_in(cast.rosa_user)


@pytest.fixture
def pat(cast: Cast) -> Client:
    """Pat's browser, at another site."""
    return signed_in(cast.pat_user)


def a_loop(cast: Cast, *, kind: str = "call_back") -> Loop:
    """A promise to call Walter."""
    now = current_time()
    return open_loop(
        cast.rosa,
        patient=cast.walter,
        promise=Promise(
            kind=kind,
            title="Call Walter back",
            clocks=[
                ClockToStart(
                    rule_id="call-back",
                    rule_version="1",
                    step="Call Walter",
                    anchor_event="test:1",
                    anchor_at=now,
                    due_at=now + timedelta(hours=4),
                )
            ],
        ),
        owner=Owner(user_id=cast.rosa_user.pk),
        now=now,
    )


def a_message(cast: Cast, *, key: str = "k", **more: object) -> Message:
    """A message to Walter."""
    values: dict[str, object] = {
        "patient": cast.walter, "template": "please-call", "context": {}, "idempotency_key": key, "now": NOW,
    }  # fmt: skip
    return written(cast, **(values | more))  # type: ignore[arg-type]  # keywords of several types


def ended(message: Message, result: object) -> Message:
    """The message after one attempt that ended so."""
    postman = Postman(results=[result])  # type: ignore[list-item]  # the test holds more kinds than the type says
    deliver(message.pk, clock=lambda: NOW, transport=lambda channel: postman)
    message.refresh_from_db()
    return message


def typed(page: bytes, **more: str) -> dict[str, str]:
    """What the call's form holds, with these fields filled in."""
    text = page.decode()

    def value(name: str) -> str:
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"|value="([^"]*)"[^>]*name="{name}"', text)
        return next(one for one in found.groups() if one is not None) if found else ""

    base = {name: value(name) for name in ("idempotency_key", "started_at")}
    base |= {f"teach-{name}": value(f"teach-{name}") for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    return base | {"whom": "patient", "direction": "out", "outcome": "no_answer"} | more


# --- calls --------------------------------------------------------------------------------------------------------


def test_the_call_page_shows_who_what_and_what_to_ask(cast: Cast, rosa: Client) -> None:
    loop = a_loop(cast)
    page = rosa.get(f"/calls/new/?patient={cast.walter.pk}&loop={loop.pk}").content.decode()
    for words in (
        "Walter Ng",
        "(617) 555-0177",
        "Call Walter",
        "What is in the way",
        "Nobody has called yet",
        'href="tel:',
    ):
        assert words in page
    entry = AuditEntry.objects.filter(outcome="seen").latest("pk")
    assert entry.patient_ids == [cast.walter.pk]


def test_a_call_is_logged_with_everything_and_ends_at_the_loop(cast: Cast, rosa: Client) -> None:
    loop = a_loop(cast)
    june = cast.proxy(cast.walter, phone="617-555-0199")
    url = f"/calls/new/?patient={cast.walter.pk}&loop={loop.pk}"
    form = typed(rosa.get(url).content, outcome="reached", said="All is well.", clinical="on", minutes="6")
    form["settled"] = "yes"
    form |= {
        "whom": f"proxy:{june.pk}",
        "number": f"point:{cast.phone.pk}:{cast.phone.value_key}",
        "script_done": "who",
    }
    form |= {"teach-0-topic": "Salt", "teach-0-patient_words": "None", "teach-0-understood": "yes"}
    answer = rosa.post(url, form)
    assert (answer.status_code, answer["Location"]) == (302, reverse("desk:loop", args=[loop.pk]))
    call = Call.objects.get()
    assert (call.outcome, call.with_whom, call.with_name) == ("reached", "proxy", "June Ng (daughter)")
    assert (call.said, call.clinical, call.minutes, call.script_done) == ("All is well.", True, 6, ["who"])
    assert "617" in call.number
    assert call.teach_backs.get().topic == "Salt"
    assert Evidence.objects.get().kind == "spoke_with_patient"
    rosa.post(url, form)
    assert Call.objects.count() == 1


def test_a_number_that_was_corrected_during_the_call_is_not_the_one_that_was_dialled(cast: Cast, rosa: Client) -> None:
    url = f"/calls/new/?patient={cast.walter.pk}"
    form = typed(rosa.get(url).content, outcome="wrong_number", said="")
    form["number"] = f"point:{cast.phone.pk}:{cast.phone.value_key}"
    with writes_open():
        ContactPoint.objects.filter(pk=cast.phone.pk).update(value="207-555-0188", value_key="+12075550188")
    refused = rosa.post(url, form)
    assert refused.status_code == 422
    assert "This number was changed while you were calling." in refused.content.decode()
    assert not Call.objects.exists()
    assert ContactPoint.objects.get(pk=cast.phone.pk).bad_since is None
    assert rosa.post(url, form | {"number": ""}).status_code == 302
    assert ContactPoint.objects.get(pk=cast.phone.pk).bad_since is None


def test_who_else_was_reached_is_asked_beside_the_field_and_said_to_be_no_contact(cast: Cast, rosa: Client) -> None:
    cast.proxy(cast.walter, scope=["schedule"])
    url = f"/calls/new/?patient={cast.walter.pk}"
    page = rosa.get(url)
    assert "June Ng (daughter), not about health" in page.content.decode()
    form = typed(page.content, outcome="reached", said="Not home.", whom="other")
    refused = rosa.post(url, form)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["with_name"])
    answer = rosa.post(url, form | {"with_name": "Mrs Hill, next door"}, follow=True)
    assert "it counts as an attempt" in answer.content.decode()
    assert Call.objects.get().with_name == "Mrs Hill, next door"


def test_a_message_left_where_none_may_be_left_is_told_in_a_sentence(cast: Cast, rosa: Client) -> None:
    with writes_open():
        ContactPoint.objects.filter(pk=cast.phone.pk).update(may_leave_message=False)
    url = f"/calls/new/?patient={cast.walter.pk}"
    blank = rosa.get(url)
    assert "No messages may be left on" in blank.content.decode()
    form = typed(blank.content, outcome="left_message", said="", number=f"point:{cast.phone.pk}:{cast.phone.value_key}")
    refused = rosa.post(url, form)
    assert refused.status_code == 422
    assert "No messages may be left on this number." in refused.content.decode()
    assert rosa.post(url, form | {"said": "Only our name, by mistake."}).status_code == 302
    with writes_open():
        ContactPoint.objects.filter(pk=cast.phone.pk).update(may_leave_message=True)
    assert "No messages may be left on" not in rosa.get(url).content.decode()


def must_say(page: Any) -> bool:
    """Whether the field for what was said is marked as needed: its attributes and its label agree."""
    text = page.content.decode()
    field = text[text.index('<textarea name="said"') :].split(">", 1)[0]
    label = text[text.index("data-words-optional") :].split(">", 1)[0]
    assert ("aria-required" in field) == (" required" in field) == ("hidden" in label)
    return "aria-required" in field


def test_what_was_said_is_marked_as_needed_after_a_talk_and_after_a_message_that_may_not_be_left(
    cast: Cast, rosa: Client
) -> None:
    url, number = f"/calls/new/?patient={cast.walter.pk}", f"point:{cast.phone.pk}:{cast.phone.value_key}"
    assert not must_say(rosa.get(url))
    assert must_say(rosa.post(url, {"outcome": "reached"}))
    with writes_open():
        ContactPoint.objects.filter(pk=cast.phone.pk).update(may_leave_message=True)
    assert not must_say(rosa.post(url, {"outcome": "left_message", "number": number}))
    with writes_open():
        ContactPoint.objects.filter(pk=cast.phone.pk).update(may_leave_message=False)
    assert must_say(rosa.post(url, {"outcome": "left_message", "number": number}))
    assert not must_say(rosa.post(url, {"outcome": "no_answer", "number": number}))


def test_from_a_patient_without_a_loop_it_ends_at_the_patient(cast: Cast, rosa: Client) -> None:
    url = f"/calls/new/?patient={cast.walter.pk}"
    answer = rosa.post(url, typed(rosa.get(url).content))
    assert answer["Location"] == reverse("desk:patient", args=[cast.walter.pk])
    assert Call.objects.get().loop is None


def test_errors_stand_beside_their_fields_and_keep_what_was_typed(cast: Cast, rosa: Client) -> None:
    url = f"/calls/new/?patient={cast.walter.pk}"
    blank = typed(rosa.get(url).content, outcome="", said="typed already")
    page = rosa.post(url, blank | {"teach-0-topic": "Salt", "teach-1-understood": "no", "started_at": "yesterday"})
    text = page.content.decode()
    assert page.status_code == 422
    for words in (
        "Say how the call ended.",
        "typed already",
        "Say whether they understood.",
        "Name what was explained.",
    ):
        assert words in text
    assert "Give a date and a time" in text
    refused = rosa.post(url, blank | {"outcome": "reached", "said": ""})
    assert refused.status_code == 422
    assert "Write down in a line what was said" in refused.content.decode()
    late = rosa.post(url, blank | {"outcome": "busy", "next_attempt_at": "2001-01-01T10:00"})
    assert "must be later than now" in late.content.decode()
    assert not Call.objects.exists()


def test_a_key_that_stands_for_another_call_is_refused_on_the_page(cast: Cast, rosa: Client) -> None:
    key = f"form:{cast.rosa_user.pk}:taken"
    actions.log_call(cast.rosa, patient=cast.patient(), went=HowItWent(outcome="busy"), idempotency_key=key, now=NOW)
    url = f"/calls/new/?patient={cast.walter.pk}"
    page = rosa.post(url, typed(rosa.get(url).content, idempotency_key="taken"))
    assert page.status_code == 409
    assert "Open it again" in page.content.decode()


def test_the_next_try_is_proposed_in_office_hours_unless_someone_was_reached(cast: Cast, rosa: Client) -> None:
    url = f"/calls/next-try/?patient={cast.walter.pk}"
    proposed = rosa.get(f"{url}&outcome=no_answer").content.decode()
    assert re.search(r'value="\d{4}-\d\d-\d\dT(09|1[0-6]|17:00)', proposed)
    for outcome in ("reached", "nonsense"):
        assert "next_attempt_at" not in rosa.get(f"{url}&outcome={outcome}").content.decode()


def test_where_a_talk_may_settle_what_is_promised_it_is_asked_and_not_yet_proposes_the_next_try(
    cast: Cast, rosa: Client
) -> None:
    loop = a_loop(cast)
    url = f"/calls/next-try/?patient={cast.walter.pk}&loop={loop.pk}"
    asked = rosa.get(f"{url}&outcome=reached").content.decode()
    assert "Spoke with the patient or their proxy" in asked
    assert "next_attempt_at" not in asked
    assert "next_attempt_at" not in rosa.get(f"{url}&outcome=reached&settled=yes").content.decode()
    assert "next_attempt_at" in rosa.get(f"{url}&outcome=reached&settled=no").content.decode()
    assert 'name="settled"' not in rosa.get(f"{url}&outcome=busy&settled=no").content.decode()


def test_whether_it_is_settled_is_asked_beside_the_field_and_not_yet_keeps_it_open(cast: Cast, rosa: Client) -> None:
    loop = a_loop(cast)
    url = f"/calls/new/?patient={cast.walter.pk}&loop={loop.pk}"
    form = typed(rosa.get(url).content, outcome="reached", said="A bill only.")
    refused = rosa.post(url, form)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["settled"])
    assert "A bill only." in refused.content.decode()
    assert not Call.objects.exists()
    friday = (current_time() + timedelta(days=3)).strftime("%Y-%m-%dT15:00")
    assert rosa.post(url, form | {"settled": "no", "next_attempt_at": friday}).status_code == 302
    loop.refresh_from_db()
    assert (loop.state, loop.evidence_kinds) == ("open", ["attempt"])
    assert loop.clocks.filter(anchor_event=f"call:{Call.objects.get().pk}").exists()


@pytest.mark.parametrize("query", ["", "?patient=999999", "?loop=999999", "?patient=x"])
def test_a_call_to_nobody_is_not_there(rosa: Client, query: str) -> None:
    assert rosa.get(f"/calls/new/{query}").status_code == 404


def test_pat_elsewhere_sees_nothing_of_walter(cast: Cast, pat: Client) -> None:
    loop, message = a_loop(cast), a_message(cast)
    for url in (
        f"/calls/new/?patient={cast.walter.pk}", f"/calls/new/?loop={loop.pk}", f"/messages/{message.pk}/",
        f"/messages/new/?patient={cast.walter.pk}", f"/messages/new/?loop={loop.pk}",
    ):  # fmt: skip
        assert pat.get(url).status_code == 404
    assert "Walter" not in pat.get("/messages/").content.decode()
    for what in ("cancel", "arrived", "not-arrived", "again"):
        assert pat.post(f"/messages/{message.pk}/{what}/").status_code == 404
    message.refresh_from_db()
    assert message.state == "queued"


def test_a_loop_of_another_patient_is_not_there(cast: Cast, rosa: Client) -> None:
    loop, other = a_loop(cast), cast.patient()
    assert rosa.get(f"/calls/new/?patient={other.pk}&loop={loop.pk}").status_code == 404


# --- messages -----------------------------------------------------------------------------------------------------


def test_what_did_not_arrive_stands_first(cast: Cast, rosa: Client) -> None:
    failed = ended(a_message(cast, key="1"), PermanentFailure(reply="550 gone"))
    newer = a_message(cast, key="2", now=NOW + timedelta(hours=1))
    page = rosa.get("/messages/").content.decode()
    assert page.index(f"message-{failed.pk}") < page.index("Newest first") < page.index(f"message-{newer.pk}")
    assert page.count(f'id="message-{failed.pk}"') == 1
    assert "refused for good" in page


@pytest.mark.parametrize(
    ("box", "shown"),
    [("waiting", {"w"}), ("look", {"f"}), ("not_sent", {"n"}), ("in", set()), ("nonsense", {"w", "f", "n"})],
)
def test_the_list_narrows(cast: Cast, rosa: Client, box: str, shown: set[str]) -> None:
    rows = {
        "w": a_message(cast, key="w"),
        "f": ended(a_message(cast, key="f"), PermanentFailure(reply="550")),
        "n": a_message(cast, key="n", patient=cast.patient()),
    }
    page = rosa.get(f"/messages/?box={box}").content.decode()
    assert {key for key, row in rows.items() if f'id="message-{row.pk}"' in page} == shown


def test_the_list_goes_on_where_the_page_before_ended(cast: Cast, rosa: Client) -> None:
    made = [a_message(cast, key=str(n), now=NOW + timedelta(minutes=n // 2)).pk for n in range(60)]
    first = rosa.get("/messages/").content.decode()
    older = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert older is not None
    second = rosa.get("/messages/" + older.group(1).replace("&amp;", "&")).content.decode()
    ids = [[int(pk) for pk in re.findall(r'id="message-(\d+)"', page)] for page in (first, second)]
    assert ids[0] + ids[1] == sorted(made, reverse=True)
    assert rosa.get("/messages/?after=rubbish~7").status_code == 200
    assert rosa.get("/messages/?after=2026-01-01T00:00~7").status_code == 200
    assert rosa.get(f"/messages/?after=2026-01-01T00:00%2B00:00~{'9' * 5_000}").status_code == 200
    assert f'id="message-{made[0]}"' in rosa.get(f"/messages/?patient={cast.walter.pk}").content.decode() + second


def test_an_unknown_message_is_settled_by_a_person(cast: Cast, rosa: Client) -> None:
    message = ended(a_message(cast), Unknown(reply="lost"))
    page = rosa.get(f"/messages/{message.pk}/").content.decode()
    assert "never sent again by itself" in page
    assert rosa.post(f"/messages/{message.pk}/not-arrived/").status_code == 302
    message.refresh_from_db()
    assert (message.state, message.failure_kind) == ("failed", "lost")
    assert rosa.post(f"/messages/{message.pk}/arrived/").status_code == 409
    rosa.post(f"/messages/{message.pk}/again/", {"key": "once"})
    rosa.post(f"/messages/{message.pk}/again/", {"key": "once"})
    assert Message.objects.filter(idempotency_key=f"form:{cast.rosa_user.pk}:once").count() == 1


def test_an_unknown_message_may_have_arrived(cast: Cast, rosa: Client) -> None:
    message = ended(a_message(cast), Unknown(reply="lost"))
    rosa.post(f"/messages/{message.pk}/arrived/")
    message.refresh_from_db()
    assert message.state == "delivered"


def test_a_waiting_message_is_kept_back(cast: Cast, rosa: Client) -> None:
    message = a_message(cast)
    panel = rosa.get(f"/messages/{message.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in panel
    assert "Don&#x27;t send it" in panel or "Don't send it" in panel
    assert rosa.post(f"/messages/{message.pk}/cancel/").status_code == 302
    assert rosa.post(f"/messages/{message.pk}/cancel/").status_code == 409


def test_a_message_is_written_previewed_and_sent_once(cast: Cast, rosa: Client) -> None:
    loop = a_loop(cast)
    url = f"/messages/new/?patient={cast.walter.pk}&loop={loop.pk}"
    page = rosa.get(url).content.decode()
    key = re.search(r'name="idempotency_key" value="([^"]*)"', page)
    assert key is not None
    form = {"template": "note", "language": "es", "text": "Traiga su lista.", "idempotency_key": key.group(1)}
    seen = rosa.post(f"/messages/preview/?patient={cast.walter.pk}", form).content.decode()
    assert "Hola, Walter:" in seen
    assert "Traiga su lista." in seen
    assert "walter@example.org" in seen
    assert "Hola, Walter:" in rosa.post(url, {**form, "preview": "1"}).content.decode()
    assert not Message.objects.exists()
    for _ in range(2):
        answer = rosa.post(url, form)
    message = Message.objects.get()
    assert answer["Location"] == f"/messages/{message.pk}/"
    assert (message.language, message.loop_id, message.queued_by_name) == ("es", loop.pk, "Rosa")


def test_a_text_too_hard_to_read_is_warned_about(cast: Cast, rosa: Client) -> None:
    hard = "Notwithstanding administrative considerations, interdisciplinary evaluation necessitates documentation."
    form = {"template": "note", "language": "en", "text": hard, "idempotency_key": "x"}
    assert "Hard to read" in rosa.post(f"/messages/preview/?patient={cast.walter.pk}", form).content.decode()
    form["language"] = "es"
    assert "Fernández-Huerta" in rosa.post(f"/messages/preview/?patient={cast.walter.pk}", form).content.decode()


def test_an_empty_note_and_an_unknown_template_are_told_beside_their_fields(cast: Cast, rosa: Client) -> None:
    url = f"/messages/new/?patient={cast.walter.pk}"
    blank = rosa.post(url, {"template": "note", "text": " ", "idempotency_key": "x"})
    assert blank.status_code == 422
    assert "Write what you want to say." in blank.content.decode()
    assert rosa.post(url, {"template": "valentine", "idempotency_key": "x"}).status_code == 422


def test_what_may_not_be_sent_is_said_before_it_is_written(cast: Cast, rosa: Client) -> None:
    cast.change(cast.mail, may_email=False)
    page = rosa.get(f"/messages/new/?patient={cast.walter.pk}").content.decode()
    assert "They have not agreed to e-mail at this address." in page


def test_a_site_without_a_phone_number_is_told(cast: Cast, rosa: Client) -> None:
    cast.change(cast.site, phone="")
    url = f"/messages/new/?patient={cast.walter.pk}"
    assert "The text lacks" in rosa.get(url).content.decode()
    refused = rosa.post(url, {"template": "note", "text": "Hello.", "idempotency_key": "x"})
    assert refused.status_code == 422
    assert "This message needs: phone." in refused.content.decode()
    actions.queue_message(
        system_actor("x"),
        patient=cast.patient(),
        message=MessageToSend(template="please-call", context={"phone": "1"}),
        now=NOW,
        idempotency_key=f"form:{cast.rosa_user.pk}:y",
    )
    assert rosa.post(url, {"template": "note", "text": "Hi.", "idempotency_key": "y"}).status_code in (409, 422)


# --- the demonstration's mailbox ----------------------------------------------------------------------------------

ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:7@riverside\r\nSUMMARY:Appointment\r\n"
    "DTSTART:20260309T130000Z\r\nDTEND:20260309T133000Z\r\nSEQUENCE:2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def kept(folder: Path, message: Message, *, ics: str = "") -> str:
    """The mail as the demonstration's server keeps it; gives its name."""
    from email.headerregistry import Address

    from liaison.gateways.email.mime import build
    from liaison.inbox.actions.delivery import _envelope
    from liaison.inbox.ports import AttachmentContent

    files = (AttachmentContent(name="visit.ics", media_type="text/calendar; method=REQUEST", content=ics.encode()),)
    envelope = _envelope(message)
    import dataclasses

    envelope = dataclasses.replace(envelope, attachments=files if ics else ())
    mail = build(envelope, sender=Address("Care team", "care", "x.example"), reply_to="", at=NOW)
    name = f"{message.pk:020d}-0123abcd"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.eml").write_bytes(b"X-Envelope-To: " + message.to_address.encode() + b"\r\n" + mail.as_bytes())
    return name


def test_the_mailbox_shows_what_patients_received(
    cast: Cast, rosa: Client, pat: Client, settings, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]  # the fixtures have no types
    settings.LIAISON_DATA = tmp_path
    assert "No mail has left yet" in rosa.get("/demo/mailbox/").content.decode()
    name = kept(tmp_path / "demo-mailbox", a_message(cast), ics=ICS)
    broken = kept(tmp_path / "demo-mailbox", a_message(cast, key="2"), ics="BEGIN:VCALENDAR\r\nEND:VEVENT\r\n")
    empty = kept(tmp_path / "demo-mailbox", a_message(cast, key="3"), ics="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    kept(
        tmp_path / "demo-mailbox",
        Message(pk=10**12, message_id="<stranger@x>", to_address="a@b.c", body="x", language="en"),
    )
    page = rosa.get("/demo/mailbox/").content.decode()
    assert page.count("data-row") == 3
    assert "walter@example.org" in page
    fragment = rosa.get("/demo/mailbox/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    mail = rosa.get(f"/demo/mailbox/{name}/").content.decode()
    for words in ("Please call", "Appointment", "2026-03-09 13:00 UTC", "REQUEST", "SEQUENCE 2", "visit.ics"):
        assert words in mail
    for other in (broken, empty):
        assert "SEQUENCE" not in rosa.get(f"/demo/mailbox/{other}/").content.decode()
    assert "walter@example.org" not in pat.get("/demo/mailbox/").content.decode()
    assert pat.get(f"/demo/mailbox/{name}/").status_code == 404
    assert rosa.get("/demo/mailbox/..%2f..%2fsecret/").status_code == 404
    settings.LIAISON_MODE = "production"
    assert rosa.get("/demo/mailbox/").status_code == 404


# --- the timeline -------------------------------------------------------------------------------------------------


def test_the_timeline_tells_messages_and_calls(cast: Cast) -> None:
    from liaison.core.actor import Actor
    from liaison.core.refusals import Forbidden, NotFound
    from liaison.inbox.queries import timeline, timeline_years

    a_message(cast)
    actions.log_call(
        cast.rosa,
        patient=cast.walter,
        went=HowItWent(outcome="reached", said="Well."),
        idempotency_key="c",
        now=NOW + timedelta(hours=1),
    )
    told = timeline(cast.rosa, patient=cast.walter, now=NOW)
    assert [(one.kind, one.title) for one in told] == [
        ("call", "Call with the patient: reached"),
        ("message", "Please call Riverside Health (demonstration)"),
    ]
    assert told[0].detail == "Well. (Rosa)"
    assert timeline(cast.rosa, patient=cast.walter, kinds={"result"}, now=NOW) == ()
    assert [
        one.kind for one in timeline(cast.rosa, patient=cast.walter, before=NOW + timedelta(minutes=1), now=NOW)
    ] == ["message"]
    assert len(timeline(cast.rosa, patient=cast.walter, limit=1, now=NOW)) == 1
    assert timeline_years(cast.rosa, patient=cast.walter, before=NOW + timedelta(days=1), now=NOW) == {NOW.year}
    assert timeline_years(cast.rosa, patient=cast.walter, before=NOW, now=NOW) == set()
    for tells in (partial(timeline, now=NOW), partial(timeline_years, before=NOW, now=NOW)):
        with pytest.raises(NotFound):
            tells(cast.pat, patient=cast.walter)
        with pytest.raises(Forbidden):
            tells(Actor(user_id=1), patient=cast.walter)
