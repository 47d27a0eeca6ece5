"""Finding whom a protocol fits, opening their loops, and taking back those whose reason is gone."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from liaison.core.act import act, apart
from liaison.core.actor import Actor
from liaison.core.calendars import FEDERAL
from liaison.core.refusals import Forbidden, Refusal
from liaison.core.written_time import near_day
from liaison.loops.actions import drop_waiting, give_up_loop, keep_failed, open_loop
from liaison.loops.models import Loop, WaitingPromise
from liaison.loops.ports import About, ClockToStart, Owner, Promise, PromiseToKeep
from liaison.loops.queries import NobodyToOwn, owner_for, site_of
from liaison.pathways.access import EVALUATE
from liaison.pathways.events import Enrolled, EnrolmentVoided
from liaison.pathways.kinds import CONTACT
from liaison.pathways.models import Enrolment, ProtocolPause
from liaison.pathways.models import Protocol as StoredProtocol
from liaison.pathways.queries.candidates import Candidate, anchors_that_pass, failures, to_open
from liaison.pathways.rules.protocol import Complexity, Protocol, due_at, packaged_protocols, read_protocol
from liaison.pathways.rules.reasons import VOIDS, in_words
from liaison.patients.models import Patient

_log = logging.getLogger(__name__)
_FAILED: Final = "failed"
_STAY: Final = "records.resource"


class ProtocolChanged(Refusal):
    """What people were enrolled under would no longer be what it was."""

    code: ClassVar[str] = "pathways.protocol_changed"
    sentence = "A protocol's content changed under the same version. Give it a new version."

    def __init__(self, protocol: str) -> None:
        super().__init__(
            f"The protocol {protocol} of this release is not what was installed under that version. A version never "
            "changes: give the changed protocol a new version, or put the earlier content back."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSummary:
    """What an evaluation did: loops opened, follow-ups taken back (by reason), patients without anyone to own it, and
    stays of which neither could be done, whatever the error."""

    opened: int = 0
    voided: Mapping[str, int] = field(default_factory=dict)
    without_owner: int = 0
    failed: int = 0


def install_protocols(actor: Actor, *, now: datetime) -> list[StoredProtocol]:
    """Put the packaged protocols into the table where they are missing; the current version of each, in order.

    A newer packaged version retires the one before; what runs under that goes on (DOMAIN 3.2). Refuses:
    ProtocolChanged.
    """
    refuse_changed_protocols()
    current = {one.code: one for one in StoredProtocol.objects.filter(retired_at=None)}
    installed = []
    for data in packaged_protocols():
        protocol = read_protocol(data)
        known = current.get(protocol.code)
        if known is None or known.version != protocol.version:
            with act(actor, EVALUATE, now=now) as entry:
                if known is not None:
                    known.retire(now=now)
                    known.save(update_fields=["retired_at"])
                known, _ = StoredProtocol.objects.get_or_create(
                    code=protocol.code,
                    version=protocol.version,
                    defaults={"title": protocol.title, "definition": data, "installed_at": now},
                )
                entry.about(known)
        installed.append(known)
    return installed


def refuse_changed_protocols() -> None:
    """Refuse (ProtocolChanged) a packaged protocol with another content than was installed under its version."""
    packaged = {(data["code"], data["version"]): data for data in packaged_protocols()}
    for stored in StoredProtocol.objects.filter(code__in=[code for code, _version in packaged]):
        if packaged.get((stored.code, stored.version), stored.definition) != stored.definition:
            raise ProtocolChanged(str(stored))


def evaluate(actor: Actor, *, now: datetime, patient_ids: Sequence[int] | None = None) -> EvaluationSummary:
    """Evaluate every protocol for these patients or (None) for everybody; run it as often as you like.

    Each anchor that passes opens one loop, ever, under the protocol's code; of several that passed for one
    patient only the one that ended last. A follow-up that runs is taken back when its reason is gone (`reasons`).
    A protocol that is turned off opens nothing. A stay that can't be opened or taken back, whatever the error, stops no
    other: it is told to who administers, and tried again the next time. Nothing is written, and no audit entry made,
    when nothing changes. Refuses: Forbidden, ProtocolChanged.
    """
    paused = set(ProtocolPause.objects.filter(ended_at=None).values_list("code", flat=True))
    opened, without_owner, failed, voided = 0, 0, 0, Counter[str]()
    for stored in install_protocols(actor, now=now):
        protocol = read_protocol(stored.definition)
        passing = anchors_that_pass(protocol.criteria, now=now, patient_ids=patient_ids)
        _drop_kept(actor, protocol, passing, now=now, patient_ids=patient_ids)
        voided += _take_back(actor, stored, protocol, passing, now=now, patient_ids=patient_ids)
        for candidate in () if stored.code in paused else to_open(stored.code, passing=passing):
            try:
                with apart():
                    opened += _open(actor, stored, protocol, candidate, now=now)
            except NobodyToOwn:  # told on every page of who can mend it: `queries.waiting_follow_ups`
                without_owner += 1
            except Forbidden:
                raise
            except Exception as error:  # noqa: BLE001 - bad data, a refusal, a bug: the others must not wait for it
                failed += 1
                _keep_failed(actor, error, stored=stored, protocol=protocol, candidate=candidate, now=now)
    failed += voided.pop(_FAILED, 0)
    return EvaluationSummary(opened=opened, voided=dict(voided), without_owner=without_owner, failed=failed)


def _keep_failed(
    actor: Actor, error: Exception, *, stored: StoredProtocol, protocol: Protocol, candidate: Candidate, now: datetime
) -> None:
    """Say that a stay could not be followed: ids in the log, and a promise that waits to be opened.

    Where that fails too, it is said in the log alone; the stay is tried again with the next evaluation.
    """
    _log_failed(error, protocol=stored.code, stay_id=candidate.resource_id)
    try:
        with apart():
            patient = Patient.objects.get(pk=candidate.patient_id)
            promise = _promise(protocol, candidate, patient=patient, now=now)
            keep_failed(actor, promise=promise, patient=patient, site=patient.home_site(), error=error, now=now)
    except Forbidden:
        raise
    except Exception as worse:  # noqa: BLE001 - as above: the others must not wait for it
        _log_failed(worse, protocol=stored.code, stay_id=candidate.resource_id)


def _promise(protocol: Protocol, candidate: Candidate, *, patient: Patient, now: datetime) -> PromiseToKeep:
    """What is promised after this stay, with its deadlines; on the days of UTC where the site's time zone is none."""
    try:
        ended_on = candidate.ended_on
    except (ZoneInfoNotFoundError, ValueError):
        candidate = replace(candidate, time_zone="UTC")
        ended_on = candidate.ended_on
    return PromiseToKeep(
        kind=protocol.opens.kind,
        title=protocol.opens.title.format(day=near_day(ended_on, year=now.year)),
        clocks=tuple(first_clocks(protocol, patient=patient, anchor=candidate, complexity=Complexity.MODERATE)),
        about=About(type=_STAY, id=candidate.resource_id),
        once_key=_once_key(protocol, candidate),
        priority=protocol.opens.priority,
    )


def _drop_kept(
    actor: Actor,
    protocol: Protocol,
    passing: Sequence[Candidate],
    *,
    now: datetime,
    patient_ids: Sequence[int] | None,
) -> None:
    """End what waits to be opened for stays that were taken back meanwhile, so that nobody opens it after all."""
    kept = WaitingPromise.objects.waiting().filter(kind=protocol.opens.kind, about_type=_STAY)
    kept = kept.exclude(about_id__in=[candidate.resource_id for candidate in passing])
    if patient_ids is not None:
        kept = kept.filter(patient_id__in=patient_ids)
    drop_waiting(actor, waiting=kept, reason="The stay was taken back or is over", now=now)


def _log_failed(error: Exception, *, protocol: str, stay_id: int) -> None:
    why = error.code if isinstance(error, Refusal) else type(error).__name__
    _log.error("pathways.stay_failed", extra={"protocol": protocol, "stay_id": stay_id, "error": why})


def _once_key(protocol: Protocol, candidate: Candidate) -> str:
    """Under what the loop of this stay is opened once; anew when it was voided and came back."""
    known = Enrolment.objects.filter(protocol__code=protocol.code, anchor_id=candidate.resource_id)
    times = known.values_list("times_opened", flat=True).first() or 0
    return f"{protocol.code}:{candidate.resource_id}" + (f"#{times + 1}" if times else "")


def _take_back(
    actor: Actor,
    stored: StoredProtocol,
    protocol: Protocol,
    passing: Sequence[Candidate],
    *,
    now: datetime,
    patient_ids: Sequence[int] | None,
) -> Counter[str]:
    running = Enrolment.objects.filter(protocol__code=stored.code, voided_at=None, loop__state="open")
    running = running.exclude(anchor_id__in=[candidate.resource_id for candidate in passing])
    if patient_ids is not None:
        running = running.filter(patient_id__in=patient_ids)
    enrolments = list(running.select_related("loop", "patient"))
    voided = Counter[str]()
    if not enrolments:
        return voided
    why = failures(protocol.criteria, now=now, patient_ids=[one.patient_id for one in enrolments])
    for enrolment in enrolments:
        reason = why.get(enrolment.anchor_id, "gone")
        if reason not in VOIDS:
            continue
        try:
            with apart():
                _void(actor, enrolment, reason=reason, now=now)
        except Forbidden:
            raise
        except Exception as error:  # noqa: BLE001 - as above: the others must not wait for it
            _log_failed(error, protocol=stored.code, stay_id=enrolment.anchor_id)
            reason = _FAILED
        voided[reason] += 1
    return voided


def _void(actor: Actor, enrolment: Enrolment, *, reason: str, now: datetime) -> None:
    words = in_words(reason)
    with act(actor, EVALUATE, patient=enrolment.patient, subject=enrolment, reason=words, now=now) as entry:
        enrolment.void(reason=words, now=now)
        enrolment.save(update_fields=["voided_at", "voided_reason"])
        give_up_loop(actor, loop_id=enrolment.loop_id, reason=f"Voided: {words}.", now=now)
        entry.publish(
            EnrolmentVoided(
                enrolment_id=enrolment.pk, patient_id=enrolment.patient_id, loop_id=enrolment.loop_id, at=now
            )
        )


def _open(actor: Actor, stored: StoredProtocol, protocol: Protocol, candidate: Candidate, *, now: datetime) -> bool:
    """Whether a loop was opened: not when another evaluation did it meanwhile."""
    patient = Patient.objects.get(pk=candidate.patient_id)
    owner = owner_for(patient, site=site_of(patient), now=now)
    if owner is None:
        raise NobodyToOwn
    with act(actor, EVALUATE, patient=patient, now=now) as entry:
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)  # one evaluation of them at a time
        before = (
            Enrolment.objects.select_for_update()
            .filter(protocol__code=stored.code, anchor_id=candidate.resource_id)
            .first()
        )
        if before is not None and before.voided_at is None:
            return False
        loop = _open_loop(actor, protocol, candidate, patient=patient, owner=owner, now=now)
        waited = WaitingPromise.objects.waiting().filter(once_key=_once_key(protocol, candidate))
        drop_waiting(actor, waiting=waited, reason="It is followed now", now=now)
        if before is None:
            enrolment = Enrolment(
                patient=patient,
                protocol=stored,
                anchor_id=candidate.resource_id,
                anchor_at=candidate.ends_at,
                anchor_on=candidate.ended_on,
                time_zone=candidate.time_zone,
                loop=loop,
                enrolled_at=now,
            )
        else:
            enrolment = before
            enrolment.anchor_at, enrolment.anchor_on = candidate.ends_at, candidate.ended_on
            enrolment.revive(loop_id=loop.pk)
        enrolment.save()
        entry.about(enrolment)
        entry.publish(Enrolled(enrolment_id=enrolment.pk, patient_id=patient.pk, loop_id=loop.pk, at=now))
    return True


def _open_loop(
    actor: Actor,
    protocol: Protocol,
    candidate: Candidate,
    *,
    patient: Patient,
    owner: Owner,
    now: datetime,
) -> Loop:
    return open_loop(
        actor,
        patient=patient,
        promise=Promise(
            kind=protocol.opens.kind,
            title=protocol.opens.title.format(day=near_day(candidate.ended_on, year=now.year)),
            clocks=first_clocks(protocol, patient=patient, anchor=candidate, complexity=Complexity.MODERATE),
            priority=protocol.opens.priority,
            about=About(type=_STAY, id=candidate.resource_id),
            once_key=_once_key(protocol, candidate),
        ),
        owner=owner,
        now=now,
    )


def first_clocks(
    protocol: Protocol, *, patient: Patient, anchor: Candidate, complexity: Complexity
) -> list[ClockToStart]:
    """The clocks that a protocol starts for an anchor."""
    zone = ZoneInfo(anchor.time_zone)
    return [
        ClockToStart(
            rule_id=plan.rule,
            rule_version=protocol.version,
            step=plan.step.format(name=patient.display_name),
            anchor_event=f"encounter:{anchor.resource_id}",
            anchor_at=anchor.ends_at,
            due_at=due_at(plan, anchor_on=anchor.ended_on, complexity=complexity, zone=zone),
            calendar=plan.allowance(complexity).days_off(FEDERAL),
            source=protocol.source,
            evidence=plan.evidence,
            is_call=plan.evidence == CONTACT,
        )
        for plan in protocol.opens.clocks
    ]
