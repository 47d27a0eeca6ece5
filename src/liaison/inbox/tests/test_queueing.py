"""Writing to Walter: into the queue, out of it, and never twice under one key."""

from datetime import date, time, timedelta

import pytest

from liaison.accounts.access import Role
from liaison.accounts.models import Site
from liaison.core.actor import Actor
from liaison.core.models import AuditEntry
from liaison.core.refusals import Forbidden, NotFound
from liaison.inbox import actions
from liaison.inbox.models import Message, Template
from liaison.inbox.ports import AttachmentContent, MessageToSend
from liaison.inbox.tests.cast import NOW, Cast, written

VISIT = {"date": date(2026, 3, 9), "time": time(9, 30)}


def confirm(cast: Cast, *, key: str = "appointment:1", **more: object) -> Message:
    """Rosa confirms Walter's appointment."""
    values: dict[str, object] = {
        "patient": cast.walter, "template": "appointment-confirmation", "context": VISIT, "idempotency_key": key,
        "now": NOW,
    }  # fmt: skip
    return written(cast, **(values | more))  # type: ignore[arg-type]  # keywords of several types


def test_a_message_waits_in_the_patients_language_and_is_audited(cast: Cast) -> None:
    cast.change(cast.walter, written_language="es-MX", called_as="Wally")
    message = confirm(cast)
    assert (message.state, message.to_address, message.language) == ("queued", "walter@example.org", "es")
    assert message.subject == "Su cita con Riverside Health (demonstration): lunes, 9 de marzo de 2026"
    assert "Hola, Wally:" in message.body
    assert "Riverside Main\n1 Main St" in message.body
    assert message.contact_point_id == cast.mail.pk
    assert message.queued_by_name == "Rosa"
    entry = AuditEntry.objects.get(verb="inbox.send")
    assert (entry.patient_ids, entry.subject_id, entry.outcome) == ([cast.walter.pk], message.pk, "done")
    assert "Walter" not in str(entry.details)


def test_a_job_exists_exactly_when_the_message_does(cast: Cast) -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    message = confirm(cast, send_at=NOW + timedelta(hours=1))
    job = ProcrastinateJob.objects.get(task_name="inbox.send_message")
    assert job.args == {"message_id": message.pk}
    assert job.scheduled_at == NOW + timedelta(hours=1)


def test_the_same_key_again_returns_the_same_message(cast: Cast) -> None:
    first = confirm(cast)
    second = confirm(cast, context={"date": date(2027, 1, 1), "time": time(1)})
    assert second.pk == first.pk
    assert Message.objects.count() == 1


def test_a_key_of_another_patient_is_refused(cast: Cast) -> None:
    confirm(cast)
    other = cast.patient()
    with pytest.raises(actions.KeyReused):
        confirm(cast, patient=other)


def test_a_blank_required_field_is_refused_and_nothing_is_kept(cast: Cast) -> None:
    with pytest.raises(actions.FieldsMissing) as refused:
        confirm(cast, context={"date": date(2026, 3, 9)})
    assert list(refused.value.fields) == ["time"]
    assert not Message.objects.exists()
    assert AuditEntry.objects.get().outcome == "refused"


def test_an_unknown_template_and_a_channel_without_a_gateway_are_refused(cast: Cast) -> None:
    with pytest.raises(actions.NoSuchTemplate):
        confirm(cast, template="valentine")
    with pytest.raises(actions.ChannelNotConnected):
        confirm(cast, channel="text")


def test_pat_at_another_site_and_a_privacy_officer_may_not_write_to_walter(cast: Cast) -> None:
    with pytest.raises(NotFound):
        actions.queue_message(
            cast.pat,
            patient=cast.walter,
            message=MessageToSend(template="please-call", context={}),
            idempotency_key="x",
            now=NOW,
        )
    officer = Actor(user_id=99, name="Olga", assignments=frozenset({(str(Role.PRIVACY_OFFICER), None)}))
    with pytest.raises(Forbidden):
        actions.queue_message(
            officer,
            patient=cast.walter,
            message=MessageToSend(template="please-call", context={}),
            idempotency_key="x",
            now=NOW,
        )


@pytest.mark.parametrize(
    ("columns", "reason"), [({"may_email": False}, "do_not_contact"), ({"bad_since": NOW}, "bad_address")]
)
def test_a_message_that_may_not_go_is_kept_with_the_reason(cast: Cast, columns: dict[str, object], reason: str) -> None:
    cast.change(cast.mail, **columns)
    message = confirm(cast)
    assert (message.state, message.suppressed_reason, message.to_address) == ("suppressed", reason, "")
    assert message.has_ended


def test_nothing_goes_to_the_dead(cast: Cast) -> None:
    cast.change(cast.walter, is_deceased=True)
    assert confirm(cast).suppressed_reason == "deceased"


def test_june_gets_walters_message_in_her_language_and_is_told_about_whom(cast: Cast) -> None:
    cast.change(cast.mail, retired_at=NOW, preferred=False)
    cast.proxy(cast.walter, language="es")
    message = confirm(cast)
    assert (message.to_address, message.to_proxy, message.language) == ("june@example.org", "June Ng", "es")
    assert message.body.startswith("Hola, June Ng:\n\nEste mensaje es sobre Walter.\n\nUsted tiene")


def test_the_text_is_recorded_as_it_was_used(cast: Cast) -> None:
    confirm(cast)
    confirm(cast, key="appointment:2")
    template = Template.objects.get()
    assert (template.code, template.version, template.language) == ("appointment-confirmation", 1, "en")
    assert "time" in template.required_fields


def test_files_go_along(cast: Cast) -> None:
    message = confirm(
        cast,
        attachments=[AttachmentContent(name="visit.ics", media_type="text/calendar; method=REQUEST", content=b"x")],
    )
    assert bytes(message.attachments.get().content) == b"x"


def test_waiting_messages_are_cancelled_by_the_start_of_their_key(cast: Cast) -> None:
    kept = confirm(cast, key="appointment:11:reminder")
    one = confirm(cast, key="appointment:1:reminder:a")
    two = confirm(cast, key="appointment:1:reminder:b")
    assert actions.cancel_queued(cast.rosa, prefix="appointment:1:", now=NOW) == 2
    assert actions.cancel_queued(cast.rosa, prefix="appointment:1:", now=NOW) == 0
    assert actions.cancel_queued(cast.rosa, prefix="", now=NOW) == 0
    states = {message.pk: (message.state, message.suppressed_reason) for message in Message.objects.all()}
    assert states == {kept.pk: ("queued", ""), one.pk: ("suppressed", "cancelled"), two.pk: ("suppressed", "cancelled")}
    assert actions.cancel_queued(cast.rosa, ids=[kept.pk], now=NOW) == 1


def test_what_is_being_sent_is_not_cancelled(cast: Cast) -> None:
    message = confirm(cast)
    actions.claim_message(Actor(kind="system", name="post"), message_id=message.pk, now=NOW)
    assert actions.cancel_queued(cast.rosa, ids=[message.pk], now=NOW) == 0


@pytest.mark.parametrize(
    ("language", "says"), [("en", "call us at our usual number."), ("es", "llame al número de siempre.")]
)
def test_while_the_organization_has_no_number_the_words_still_make_sense(cast: Cast, language: str, says: str) -> None:
    cast.change(cast.site, phone="")
    cast.change(cast.walter, written_language=language)
    body = confirm(cast, context=VISIT | {"phone": ""}).body
    assert says in body
    assert "Riverside Health" not in body.split(says)[0].rpartition("\n")[2], "no name stands for a number"
    hill = Site.objects.get(code="hill")
    with pytest.raises(actions.FieldsMissing):
        confirm(cast, key="by hand")
    cast.change(hill, phone="617-555-0111")
    assert "(617) 555-0111." in confirm(cast, key="2").body


def test_a_telephone_number_is_written_as_people_write_it(cast: Cast) -> None:
    cast.change(cast.site, phone="+15185550100")
    message = confirm(cast, template="please-call", context={})
    assert "(518) 555-0100" in message.body
    assert "+1518" not in message.body
    given = confirm(cast, template="please-call", context={"phone": "Riverside Health"}, key="given")
    assert "Riverside Health" in given.body
