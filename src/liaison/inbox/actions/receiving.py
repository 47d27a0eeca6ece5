"""What came by mail: a bounce ends a delivery, an answer joins the thread, anything else waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from liaison.core.act import Entry, act
from liaison.core.actor import EVERYWHERE, Actor
from liaison.core.keys import hold_key
from liaison.core.live import announce
from liaison.core.refusals import Conflict, NotFound, Refusal
from liaison.inbox import access
from liaison.inbox.actions.delivery import report_bounce
from liaison.inbox.actions.failures import next_business_day
from liaison.inbox.actions.messages import announce_message
from liaison.inbox.actions.preferences import note_opt_in, note_opt_out
from liaison.inbox.events import InvitationAnswered, MessageReceived
from liaison.inbox.kinds import ANSWER
from liaison.inbox.models import Message, UnmatchedMail
from liaison.inbox.models.messages import Direction, MessageState
from liaison.inbox.ports import Delivered, invitation_to
from liaison.inbox.rules.channels import Category, Channel
from liaison.inbox.rules.incoming import LONGEST_TEXT, Incoming
from liaison.inbox.rules.invitation_answers import CalendarAnswer, Said, from_whom, in_words, says_more
from liaison.inbox.rules.replies import Reply, meaning
from liaison.loops.actions import open_or_wait
from liaison.loops.ports import About, ClockToStart, PromiseToKeep
from liaison.loops.queries import owner_for
from liaison.patients.models import Patient
from liaison.records.actions import AlreadyFiled, file_document
from liaison.records.ports import DocumentKind, Filing


class Came(StrEnum):
    """What a mail turned out to be."""

    BOUNCE = "bounce"
    NOTICE = "notice"
    ANSWER = "answer"
    UNMATCHED = "unmatched"
    KNOWN = "known"


class SayWhyNotOurs(Refusal):
    """A mail is put away without a reason."""

    code = "inbox.say_why_not_ours"
    sentence = "Say why nobody needs to answer it: spam, a wrong address, answered by phone."
    field = "reason"


class MailSettled(Conflict):
    """Somebody decided meanwhile."""

    code = "inbox.mail_settled"
    sentence = "A colleague took care of this mail meanwhile."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matched:
    """What a mail is about: our message, and what it answers to an invitation that this message carried."""

    message: Message | None = None
    answers: tuple[CalendarAnswer, ...] = ()


NOT_FOUND: Final = "It answers no message of ours"
TOO_LARGE: Final = "It is too large; only its beginning was kept"
FROM_PATIENT: Final = "By e-mail from the patient"
FROM_ANOTHER: Final = "By e-mail from another address"
A_DAY: Final = timedelta(days=1)
ENDED: Final = "It says that a message came back which had ended already"


def receive_mail(actor: Actor, *, delivered: Delivered, now: datetime) -> Came:
    """Take one mail in; the same bytes again change nothing. Nothing is ever dropped.

    A bounce ends the delivery as failed and opens the loop of a failed message; a notice of delay changes nothing.
    An answer becomes a message in the patient's thread, its files documents in the chart, and opens a loop to answer
    it, unless a machine wrote it or it is a plain "stop", which holds at once. An answer to an invitation, from whom we
    invited, goes to the package that invited them; it needs nobody's answer unless they wrote something beside it,
    and who says that they can't come and writes more is called and answered in one promise, by who invited them.
    Refuses Forbidden.
    """
    with act(actor, access.RECEIVE, now=now) as entry:
        hold_key(f"mail:{delivered.digest}")
        entry.note(digest=delivered.digest)
        if _is_known(delivered):
            entry.note(came=Came.KNOWN)
            return Came.KNOWN
        came = _take(actor, entry, delivered, matched=_match(delivered), now=now)
        entry.note(came=came)
    return came


def match_mail(actor: Actor, *, mail_id: int, delivered: Delivered, patient: Patient, now: datetime) -> Message:
    """A person says whose an unmatched mail is: it joins the thread as if it had come matched.

    Refuses Forbidden, NotFound, MailSettled.
    """
    with act(actor, access.SORT_MAIL, patient=patient, site_id=EVERYWHERE, now=now) as entry:
        row = _waiting(mail_id)
        message = _answer(actor.as_liaison(), entry, delivered, matched=_Matched(), patient=patient, now=now)
        row.became = message
        row.settle(by_id=actor.user_id, by_name=actor.name, reason="", now=now)
        row.save()
        announce(topic="messages", what="mail")
    return message


def put_away(actor: Actor, *, mail_id: int, reason: str, now: datetime) -> None:
    """Nobody needs to answer this mail. Refuses Forbidden, NotFound, SayWhyNotOurs, MailSettled."""
    with act(actor, access.SORT_MAIL, site_id=EVERYWHERE, reason=reason, now=now) as entry:
        row = _waiting(mail_id)
        if not reason.strip():
            raise SayWhyNotOurs
        row.settle(by_id=actor.user_id, by_name=actor.name, reason=reason.strip()[:300], now=now)
        row.save()
        entry.about(row)
        announce(topic="messages", what="mail")


def _waiting(mail_id: int) -> UnmatchedMail:
    row = UnmatchedMail.objects.select_for_update(of=("self",)).filter(pk=mail_id).first()
    if row is None:
        raise NotFound
    if row.settled_at is not None:
        raise MailSettled
    return row


def _is_known(delivered: Delivered) -> bool:
    key = f"mail:{delivered.digest}"
    return (
        UnmatchedMail.objects.filter(digest=delivered.digest).exists()
        or Message.objects.filter(idempotency_key=key).exists()
    )


def _about(mail: Incoming) -> Message | None:
    """Our message that this is about: the first of its ids that we know."""
    ours = Message.objects.filter(message_id__in=mail.about, direction=Direction.OUT).select_related("patient", "loop")
    by_id = {message.message_id: message for message in ours}
    return next((by_id[one] for one in mail.about if one in by_id), None)


def _match(delivered: Delivered) -> _Matched:
    """The invitation that is answered by whom it went to, else the message that the mail names.

    Calendars answer without naming the mail (Google's among them), so the event's UID finds it.
    """
    if delivered.too_large:
        return _Matched()
    sender = delivered.mail.sender
    answers = from_whom(delivered.answers, sender=sender)
    message_id = invitation_to(sender, uid=answers[0].uid) if answers else None
    if message_id is None:
        return _Matched(message=_about(delivered.mail))
    message = Message.objects.select_related("patient", "loop").get(pk=message_id)
    return _Matched(message=message, answers=answers)


def _take(actor: Actor, entry: Entry, delivered: Delivered, *, matched: _Matched, now: datetime) -> Came:
    bounce, about = delivered.mail.bounce, matched.message
    if about is None:
        return _keep(delivered, why=TOO_LARGE if delivered.too_large else NOT_FOUND, now=now)
    entry.concerns(about.patient_id)
    entry.about(about)
    if bounce is None:
        _answer(actor, entry, delivered, matched=matched, patient=about.patient, now=now)
        return Came.ANSWER
    if bounce.action != "failed":
        return Came.NOTICE
    if about.state not in (MessageState.SENT, MessageState.UNKNOWN):
        if about.state == MessageState.FAILED:
            return Came.KNOWN
        return _keep(delivered, why=ENDED, now=now)
    report_bounce(actor, message_id=about.pk, reply=bounce.says, bad_address=bounce.bad_address, now=now)
    return Came.BOUNCE


def _keep(delivered: Delivered, *, why: str, now: datetime) -> Came:
    mail = delivered.mail
    UnmatchedMail.objects.create(
        digest=delivered.digest, received_at=now, sender=mail.sender, subject=mail.subject,
        text=mail.text[:LONGEST_TEXT], why=why, raw=delivered.raw,
    )  # fmt: skip
    announce(topic="messages", what="mail")
    return Came.UNMATCHED


def _answer(
    actor: Actor, entry: Entry, delivered: Delivered, *, matched: _Matched, patient: Patient, now: datetime
) -> Message:
    mail, about = delivered.mail, matched.message
    patient = patient.survivor
    taken = Message.objects.filter(message_id=mail.message_id).exists()
    message = Message.objects.create(
        patient=patient,
        loop=about.loop if about else None,
        channel=Channel.EMAIL,
        category=about.category if about else Category.CLINICAL,
        direction=Direction.IN,
        language=about.language if about else patient.written_language or "en",
        to_address=mail.sender,
        subject=mail.subject or "(no subject)",
        body=_body(delivered, matched=matched),
        idempotency_key=f"mail:{delivered.digest}",
        message_id=mail.message_id if mail.message_id and not taken else f"<{delivered.digest[:40]}@received>",
        queued_at=now,
        queued_by_name=mail.sender or "by mail",
        send_at=now,
        state=MessageState.RECEIVED,
        ended_at=now,
    )
    entry.about(message)
    entry.concerns(patient.pk)
    entry.publish(MessageReceived(at=now, message_id=message.pk, patient_id=patient.pk, loop_id=message.loop_id))
    _file(actor, delivered, message=message, about=about, now=now)
    heeded = _heeded(actor, mail, message=message, about=about, now=now)
    wants_answer = not heeded and _wants_an_answer(mail, answers=matched.answers)
    is_called = any(one.said is Said.DECLINED for one in matched.answers)
    if wants_answer and not is_called:
        ask_for_an_answer(actor, message=message, now=now)
    if matched.answers:
        entry.publish(
            InvitationAnswered(
                at=now,
                message_id=message.pk,
                patient_id=patient.pk,
                loop_id=message.loop_id,
                answers=matched.answers,
                wants_answer=wants_answer and is_called,
            )
        )
    announce_message(message)
    return message


def _wants_an_answer(mail: Incoming, *, answers: tuple[CalendarAnswer, ...]) -> bool:
    """Whether a person must write back: not to a machine, nor to a calendar's answer that says nothing else."""
    return says_more(mail.new_words, answers=answers) if answers else not mail.automatic


def _body(delivered: Delivered, *, matched: _Matched) -> str:
    """The words as they came, and in brackets what a reader must know of them."""
    mail, about = delivered.mail, matched.message
    unapplied = delivered.answers and not matched.answers
    remarks = [
        *in_words(matched.answers, beside=mail.text),
        *(
            ["An answer to an invitation came with it, but not from whom we invited: it counts for nothing."]
            if unapplied
            else []
        ),
        *(["It came from another address than the one we wrote to."] if _from_another(mail, about=about) else []),
        *(["A machine wrote this."] if mail.automatic and not matched.answers else []),
        *(f"{file.name} came with it and is in the chart." for file in delivered.sound),
        *(f"A file was not kept. {why}" for why in delivered.refused),
    ]
    return "\n\n".join([mail.text or "(no words)", *(f"[{remark}]" for remark in remarks)])


def _from_another(mail: Incoming, *, about: Message | None) -> bool:
    """Whether somebody else answers than whom we wrote to: who saw the mail knows its id, and needs no more."""
    return about is not None and mail.sender != about.to_address.lower()


def _file(actor: Actor, delivered: Delivered, *, message: Message, about: Message | None, now: datetime) -> None:
    on = message.patient.day_at(now)
    source = FROM_ANOTHER if _from_another(delivered.mail, about=about) else FROM_PATIENT
    for number, file in enumerate(delivered.sound):
        filing = Filing(kind=DocumentKind.OTHER, title=file.name, dated_on=on, source=source)
        key = f"mail:{delivered.digest}:{number}"
        try:
            file_document(
                actor.as_liaison(), patient=message.patient, file=file, filing=filing, idempotency_key=key, now=now
            )
        except AlreadyFiled:
            continue  # they sent the same file before: it is in the chart


def _heeded(actor: Actor, mail: Incoming, *, message: Message, about: Message | None, now: datetime) -> bool:
    """Do what a bare "stop" or "start" asks for, at once (47 CFR 64.1200(a)(10)); whether that was all.

    From another address only a "stop" is heeded, for this kind of mail alone, and a person looks at it all the same:
    whoever knows a message's id can write so.
    """
    said = meaning(mail.new_words) if about is not None and not mail.automatic else Reply.OTHER
    other = _from_another(mail, about=about)
    evidence = f"message {message.pk}"
    if said in (Reply.STOP, Reply.STOP_ALL):
        category = message.category if said is Reply.STOP or other else ""
        source = "by e-mail from another address" if other else "by e-mail"
        note_opt_out(
            actor, patient=message.patient, channel=Channel.EMAIL, category=category, source=source,
            evidence=evidence, now=now,
        )  # fmt: skip
        return not other
    if said is Reply.START and not other:
        note_opt_in(
            actor, patient=message.patient, channel=Channel.EMAIL, category=message.category, source="by e-mail",
            evidence=evidence, now=now,
        )  # fmt: skip
        return True
    return False


def ask_for_an_answer(actor: Actor, *, message: Message, now: datetime) -> None:
    """Inside an act: the site's team promises to answer by the next business day; its title says nothing of it."""
    patient = message.patient
    site = patient.home_site()
    clock = ClockToStart(
        rule_id="answer",
        rule_version="1",
        source="organization",
        step=f"Read and answer {patient.goes_by}'s e-mail",
        anchor_event=f"message:{message.pk}",
        anchor_at=now,
        due_at=next_business_day(site, now=now) if site else now + A_DAY,
        evidence="answered",
    )
    promise = PromiseToKeep(
        kind=ANSWER.code,
        title=f"Answer {patient.goes_by}'s e-mail",
        about=About(type="inbox.message", id=message.pk),
        once_key=f"answer:{message.pk}",
        clocks=(clock,),
    )
    owner = owner_for(patient, site=site, now=now) if site else None
    open_or_wait(actor, promise=promise, patient=patient, site=site, owner=owner, now=now)
