"""Asking: a draft, sending it, and sending it elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.refusals import Refusal, constraint_refusal
from liaison.core.twice import once
from liaison.core.written_time import full_day
from liaison.loops import actions as loops
from liaison.loops.ports import ROUTINE, URGENT, About, Owner, Promise
from liaison.loops.queries import site_of
from liaison.orders import access, rules
from liaison.orders.actions.moving import Move, clock_of, locked, moving, title_of, touching, write_step
from liaison.orders.actions.once import Form, first_answer, form_of
from liaison.orders.events import ReferralDrafted, ReferralSent
from liaison.orders.models import CoverageStatus, Referral, ReferralAttachment, Via
from liaison.orders.ports import ABOUT, REFERRAL, ReferralOrder, Target
from liaison.orders.queries import is_ours
from liaison.orders.rules import State

if TYPE_CHECKING:
    from liaison.patients.models import Patient


class DuplicateReferral(Refusal):
    """The same patient has an open referral to the same specialty."""

    code = "orders.duplicate"
    sentence = (
        "This patient already has an open referral to this specialty. Open that one, or say why a second is needed."
    )
    status = 409
    field = "duplicate_reason"


class NotReadyToSend(Refusal):
    """Coverage and authorization go along with a referral (DOMAIN 3.5)."""

    code = "orders.not_ready_to_send"
    sentence = "Say first whether the payer must agree, and whether it did: the other office will ask."
    field = "coverage_status"


class SameTarget(Refusal):
    """Re-routing asks somebody else."""

    code = "orders.same_target"
    sentence = "Choose someone other than who has it now."
    field = "target"


class NotInHouse(Refusal):
    """Who is asked is none of ours: somebody must have carried it to them."""

    code = "orders.not_in_house"
    sentence = "They are none of ours, so it can't go in house. Say how it leaves."
    field = "via"


constraint_refusal("referral_open_once_per_specialty", DuplicateReferral)


def draft_referral(
    actor: Actor,
    *,
    patient: Patient,
    order: ReferralOrder,
    owner: Owner,
    now: datetime,
    duplicate_reason: str = "",
    idempotency_key: str = "",
) -> Referral:
    """Write a referral down; nothing leaves yet, but its promise is open: `owner` is to send it.

    The same key with the same words again answers with the first. Refuses Forbidden, NotFound, ReferralWrittenAnew,
    and DuplicateReferral while the patient has an open one to the same specialty, unless `duplicate_reason` says why
    a second is needed.
    """
    form = form_of(idempotency_key, patient_id=patient.pk, order=order, owner=owner, duplicate_reason=duplicate_reason)
    with act(actor, access.REFER, patient=patient, reason=duplicate_reason, now=now) as entry:
        return first_answer(entry, form) or _draft(
            entry, actor, patient=patient, order=order, owner=owner, form=form, duplicate_reason=duplicate_reason,
            now=now,
        )  # fmt: skip


@once
def send_referral(
    actor: Actor, *, referral_id: int, via: str, now: datetime, expected_version: int | None = None
) -> Referral:
    """It went out, by `via` (a code of models.Via). Closes nothing: the target must confirm that they have it.

    Refuses NotReadyToSend, NotInHouse and the usual.
    """
    with moving(
        actor, access.SEND, referral_id=referral_id, to=State.SENT, sentence="Sent to {target}.", now=now,
        expected_version=expected_version,
    ) as move:  # fmt: skip
        _refuse_unready(move.referral)
        _refuse_in_house(via, target=move.referral.target)
        move.referral.sent_via = via
        move.referral.times_sent += 1
        move.publish(ReferralSent, rerouted=False)
    return move.referral


def refer_patient(
    actor: Actor,
    *,
    patient: Patient,
    order: ReferralOrder,
    owner: Owner,
    via: str,
    now: datetime,
    duplicate_reason: str = "",
    idempotency_key: str = "",
) -> Referral:
    """Draft and send in one. Refuses what either refuses, and then nothing is kept.

    The same key with the same words again answers with the first referral, which goes out no second time.
    """
    form = form_of(
        idempotency_key, patient_id=patient.pk, order=order, owner=owner, duplicate_reason=duplicate_reason, via=via
    )
    with act(actor, access.REFER, patient=patient, reason=duplicate_reason, now=now) as entry:
        known = first_answer(entry, form)
        if known is not None:
            return known
        referral = _draft(
            entry, actor, patient=patient, order=order, owner=owner, form=form, duplicate_reason=duplicate_reason,
            now=now,
        )  # fmt: skip
        return send_referral(actor, referral_id=referral.pk, via=via, now=now)


@once
def reroute_referral(
    actor: Actor,
    *,
    referral_id: int,
    target: Target,
    via: str,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Referral:
    """Send it to somebody else, after a decline or without an answer; the history keeps who was asked before.

    Refuses SameTarget, NotReadyToSend, NotInHouse and the usual.
    """
    with moving(
        actor, access.SEND, referral_id=referral_id, to=State.SENT, sentence="Re-routed to {target}.", now=now,
        reason=reason, expected_version=expected_version,
    ) as move:  # fmt: skip
        referral = move.referral
        if referral.target == target:
            raise SameTarget
        _refuse_unready(referral)
        _refuse_in_house(via, target=target)
        referral.target_practitioner_id = target.practitioner_id
        referral.target_organization_id = target.organization_id
        referral.sent_via, referral.visit_at, referral.appointment_id = via, None, None
        referral.times_sent += 1
        move.publish(ReferralSent, rerouted=True)
    return move.referral


def attach(
    actor: Actor, *, referral_id: int, title: str, now: datetime, about: About | None = None
) -> ReferralAttachment:
    """Add something that goes along. Refuses Forbidden, NotFound."""
    with touching(actor, access.SEND, referral_id=referral_id, now=now) as move:
        return ReferralAttachment.objects.create(
            referral=move.referral,
            title=title[:200],
            about_type=about.type if about else "",
            about_id=about.id if about else None,
        )


def refuse_duplicate(patient: Patient, *, specialty: str) -> None:
    """Refuse DuplicateReferral, naming the open one. Two at once: the unique constraint refuses the second."""
    known = Referral.objects.open().filter(patient=patient, specialty_id=specialty).order_by("-pk").first()
    if known is None:
        return
    raise DuplicateReferral(
        f"There is an open referral to this specialty already: {known.target_name}, "
        f"{rules.WORDS[State(known.state)].lower()} since {full_day(known.state_since.astimezone(known.site.zone))}. "
        "Open that one, or say why a second is needed."
    )


def _draft(
    entry: Entry,
    actor: Actor,
    *,
    patient: Patient,
    order: ReferralOrder,
    owner: Owner,
    form: Form,
    duplicate_reason: str,
    now: datetime,
) -> Referral:
    if not duplicate_reason.strip():
        refuse_duplicate(patient, specialty=order.specialty)
    referral = Referral.objects.create(
        patient=patient,
        site=site_of(patient),
        referrer_id=order.referrer_id,
        specialty_id=order.specialty,
        target_practitioner_id=order.target.practitioner_id,
        target_organization_id=order.target.organization_id,
        urgency=order.urgency,
        question=order.question.strip(),
        history=order.history.strip(),
        coverage_status=order.coverage_status,
        coverage_note=order.coverage_note.strip(),
        duplicate_reason=duplicate_reason.strip()[:300],
        state_since=now,
        drafted_at=now,
        drafted_by_id=actor.user_id,
        drafted_by_name=actor.name,
        idempotency_key=form.key,
        form_digest=form.digest if form.key else "",
    )
    for title in order.attachments:
        ReferralAttachment.objects.create(referral=referral, title=title[:200])
    entry.about(referral)
    referral = locked(referral.pk)
    _promise(referral, actor=actor, owner=owner, now=now)
    move = Move(entry=entry, referral=referral, now=now)
    write_step(move, actor=actor, sentence="Drafted.", reason=duplicate_reason)
    move.publish(ReferralDrafted)
    return referral


def _promise(referral: Referral, *, actor: Actor, owner: Owner, now: datetime) -> None:
    loop = loops.open_loop(
        actor.as_liaison(),
        patient=referral.patient,
        promise=Promise(
            kind=REFERRAL.code,
            title=title_of(referral),
            clocks=[clock for clock in (clock_of(referral, now=now),) if clock is not None],
            priority=URGENT if referral.urgency == URGENT else ROUTINE,
            about=About(type=ABOUT, id=referral.pk),
        ),
        owner=owner,
        site=referral.site,
        now=now,
    )
    referral.loop = loop
    referral.save()


def _refuse_unready(referral: Referral) -> None:
    if referral.coverage_status == CoverageStatus.UNKNOWN:
        raise NotReadyToSend


def _refuse_in_house(via: str, *, target: Target) -> None:
    if via == Via.IN_HOUSE and not is_ours(target):
        raise NotInHouse
