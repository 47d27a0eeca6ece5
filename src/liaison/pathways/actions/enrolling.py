"""Finding whom a protocol fits, opening their loops, and taking back those whose reason is gone."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import F

from liaison.core.act import act, apart
from liaison.core.actor import Actor
from liaison.core.calendars import FEDERAL
from liaison.core.refusals import Forbidden, Refusal
from liaison.core.written_time import near_day
from liaison.loops.actions import drop_waiting, give_up_loop, keep_failed, open_loop, reckon_loop
from liaison.loops.models import WaitingPromise
from liaison.loops.ports import About, ClockToStart, PromiseToKeep
from liaison.loops.queries import NobodyToOwn, owner_for, site_of
from liaison.pathways.access import EVALUATE
from liaison.pathways.actions.reckoning import moved_ends, reckon_anew
from liaison.pathways.events import Enrolled, EnrolmentVoided
from liaison.pathways.kinds import CONTACT
from liaison.pathways.models import Enrolment, ProtocolPause
from liaison.pathways.models import Protocol as StoredProtocol
from liaison.pathways.queries.candidates import Candidate, anchors_that_pass, failures, judged_anchors, to_open
from liaison.pathways.rules.protocol import Complexity, Protocol, due_at, packaged_protocols, read_protocol
from liaison.pathways.rules.reasons import ANOTHERS, GONE, LONG_PAST, TOO_OLD, VOIDS, in_words
from liaison.patients.models import Patient

_log = logging.getLogger(__name__)
_FAILED: Final = "failed"
_RECKONED: Final = "reckoned"
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
    """What an evaluation did: loops opened, follow-ups taken back (by reason) or counted anew from a corrected end,
    patients without anyone to own it, and stays of which none could be done, whatever the error."""

    opened: int = 0
    reckoned: int = 0
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
    patient only the one that ended last. A follow-up that runs is taken back when its reason is gone (`reasons`), and
    counted anew when the end of its stay was corrected (`reckoning`).
    A protocol that is turned off opens nothing. A stay that can't be opened or taken back, whatever the error, stops no
    other: it is told to who administers, and tried again the next time. Nothing is written, and no audit entry made,
    when nothing changes. Refuses: Forbidden, ProtocolChanged.
    """
    paused = set(ProtocolPause.objects.filter(ended_at=None).values_list("code", flat=True))
    opened, without_owner, failed, changed = 0, 0, 0, Counter[str]()
    for stored in install_protocols(actor, now=now):
        protocol = read_protocol(stored.definition)
        passing = anchors_that_pass(protocol.criteria, now=now, patient_ids=patient_ids)
        _drop_kept(actor, protocol, passing, now=now, patient_ids=patient_ids)
        moved = moved_ends(stored.code, protocol.criteria, now=now, patient_ids=patient_ids)
        changed += _take_back(actor, stored, protocol, passing, moved=moved, now=now, patient_ids=patient_ids)
        changed += _reckon(actor, protocol, moved, now=now)
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
    failed, reckoned = failed + changed.pop(_FAILED, 0), changed.pop(_RECKONED, 0)
    return EvaluationSummary(
        opened=opened, reckoned=reckoned, voided=dict(changed), without_owner=without_owner, failed=failed
    )


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


def _promise(
    protocol: Protocol,
    candidate: Candidate,
    *,
    patient: Patient,
    complexity: Complexity = Complexity.MODERATE,
    now: datetime,
) -> PromiseToKeep:
    """What is promised after this stay, with its deadlines; on the days of UTC where the site's time zone is none."""
    try:
        ended_on = candidate.ended_on
    except (ZoneInfoNotFoundError, ValueError):
        candidate = replace(candidate, time_zone="UTC")
        ended_on = candidate.ended_on
    return PromiseToKeep(
        kind=protocol.opens.kind,
        title=protocol.opens.title.format(day=near_day(ended_on, year=now.year)),
        clocks=tuple(first_clocks(protocol, patient=patient, anchor=candidate, complexity=complexity)),
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
    kept, fits = WaitingPromise.objects.waiting(), {candidate.stay for candidate in passing}
    of_stays = kept.filter(kind=protocol.opens.kind, about_type=_STAY)
    if patient_ids is not None:
        of_stays = of_stays.filter(patient_id__in=patient_ids)
    found = of_stays.values_list("pk", "about_id", "patient_id")
    gone = [pk for pk, stay_id, patient_id in found if (stay_id, patient_id) not in fits]
    drop_waiting(actor, waiting=kept.filter(pk__in=gone), reason="The stay was taken back or is over", now=now)


def _log_failed(error: Exception, *, protocol: str, stay_id: int) -> None:
    why = error.code if isinstance(error, Refusal) else type(error).__name__
    _log.error("pathways.stay_failed", extra={"protocol": protocol, "stay_id": stay_id, "error": why})


def _once_key(protocol: Protocol, candidate: Candidate) -> str:
    """Under what the loop of this stay is opened once; anew when it was voided and came back, or is another's."""
    known = Enrolment.objects.filter(protocol__code=protocol.code, anchor_id=candidate.resource_id)
    times = sum(known.values_list("times_opened", flat=True))
    return f"{protocol.code}:{candidate.resource_id}" + (f"#{times + 1}" if times else "")


def _take_back(
    actor: Actor,
    stored: StoredProtocol,
    protocol: Protocol,
    passing: Sequence[Candidate],
    *,
    moved: Sequence[Enrolment],
    now: datetime,
    patient_ids: Sequence[int] | None,
) -> Counter[str]:
    standing = Enrolment.objects.filter(protocol__code=stored.code, voided_at=None).select_related("loop", "patient")
    if patient_ids is not None:
        standing = standing.filter(patient_id__in=patient_ids)
    fits = {candidate.stay for candidate in passing}
    running = [one for one in standing.filter(loop__state="open") if one.stay not in fits]
    why = failures(protocol.criteria, now=now, patient_ids=[one.patient_id for one in running]) if running else {}
    reasons = {one: why.get(one.stay, GONE) for one in running}
    reasons |= {one: LONG_PAST for one in moved if reasons.get(one) == TOO_OLD and _was_over(protocol, one)}
    corrected = standing.exclude(anchor__patient=F("patient")).select_related("anchor__patient")
    reasons |= {one: ANOTHERS for one in corrected if _is_anothers(one)}
    voided = Counter[str]()
    for enrolment, reason in reasons.items():
        if reason in VOIDS:
            done = _done(partial(_void, actor, enrolment, reason=reason, now=now), enrolment)
            voided[_FAILED if done is None else reason] += 1
    return voided


def _is_anothers(enrolment: Enrolment) -> bool:
    """Whether the stay is another patient's by now; who was merged into them is no other."""
    theirs = enrolment.anchor.patient
    return theirs is not None and theirs.survivor != enrolment.patient.survivor


def _was_over(protocol: Protocol, enrolment: Enrolment) -> bool:
    """Whether the stay, by its corrected end, was too long past already when its follow-up was opened."""
    then = failures(protocol.criteria, now=enrolment.loop.opened_at, patient_ids=[enrolment.patient_id])
    return then.get(enrolment.stay) == TOO_OLD


def _reckon(actor: Actor, protocol: Protocol, moved: Sequence[Enrolment], *, now: datetime) -> Counter[str]:
    """Count those anew whose stay ended at another time than they count from; `_FAILED` where that could not be."""
    reckoned = Counter[str]()
    patient_ids = [one.patient_id for one in moved]
    judged = judged_anchors(protocol.criteria, now=now, patient_ids=patient_ids) if moved else ()
    stays = {one.stay: one for one in judged if protocol.criteria.reason(one.failed) in {None, TOO_OLD}}
    for enrolment in moved:
        stay = stays.get(enrolment.stay)
        if stay is None:
            continue
        done = _done(partial(reckon_anew, actor, enrolment_id=enrolment.pk, stay=stay, now=now), enrolment)
        reckoned[_RECKONED] += done is True
        reckoned[_FAILED] += done is None
    return reckoned


def _done(change: Callable[[], bool], enrolment: Enrolment) -> bool | None:
    """What the change of this follow-up says; None where it failed, whatever the error: it is in the log."""
    try:
        with apart():
            return change()
    except Forbidden:
        raise
    except Exception as error:  # noqa: BLE001 - as above: the others must not wait for it
        _log_failed(error, protocol=enrolment.protocol.code, stay_id=enrolment.anchor_id)
        return None


def _void(actor: Actor, enrolment: Enrolment, *, reason: str, now: datetime) -> bool:
    """Take a follow-up back: its loop is given up, or its story says so where it had ended."""
    words = in_words(reason)
    with act(actor, EVALUATE, patient=enrolment.patient, subject=enrolment, reason=words, now=now) as entry:
        enrolment.void(reason=words, now=now)
        enrolment.save(update_fields=["voided_at", "voided_reason"])
        if enrolment.loop.state == "open":
            give_up_loop(actor, loop_id=enrolment.loop_id, reason=f"Voided: {words}.", now=now)
        else:
            reckon_loop(actor, loop_id=enrolment.loop_id, sentence=f"Voided: {words}.", now=now)
        entry.publish(
            EnrolmentVoided(
                enrolment_id=enrolment.pk, patient_id=enrolment.patient_id, loop_id=enrolment.loop_id, at=now
            )
        )
    return True


def _open(actor: Actor, stored: StoredProtocol, protocol: Protocol, candidate: Candidate, *, now: datetime) -> bool:
    """Whether a loop was opened: not when another evaluation did it meanwhile."""
    patient = Patient.objects.get(pk=candidate.patient_id)
    owner = owner_for(patient, site=site_of(patient), now=now)
    if owner is None:
        raise NobodyToOwn
    with act(actor, EVALUATE, patient=patient, now=now) as entry:
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)  # one evaluation of them at a time
        theirs = Enrolment.objects.select_for_update().filter(
            protocol__code=stored.code, anchor_id=candidate.resource_id, patient=patient
        )
        before = theirs.order_by(F("voided_at").desc(nulls_first=True)).first()
        if before is not None and before.voided_at is None:
            return False
        complexity = Complexity(before.complexity) if before is not None else Complexity.MODERATE
        loop = open_loop(
            actor,
            patient=patient,
            promise=_promise(protocol, candidate, patient=patient, complexity=complexity, now=now),
            owner=owner,
            now=now,
        )
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
            enrolment.time_zone = candidate.time_zone
            enrolment.revive(loop_id=loop.pk)
        enrolment.save()
        entry.about(enrolment)
        entry.publish(Enrolled(enrolment_id=enrolment.pk, patient_id=patient.pk, loop_id=loop.pk, at=now))
    return True


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
