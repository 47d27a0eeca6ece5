"""The one shape of every move of a referral: fetch, authorise, lock, check, move, run the state's clock, tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from liaison.core.act import Entry, act
from liaison.core.actor import Actor
from liaison.core.live import announce
from liaison.core.refusals import NotFound, Refusal, Stale
from liaison.core.verbs import Verb
from liaison.core.written_time import clock_time, day_and_time
from liaison.loops import actions as loops
from liaison.loops.ports import ClockToStart
from liaison.loops.queries import business_calendar
from liaison.orders import rules
from liaison.orders.events import ReferralFact
from liaison.orders.models import Referral, ReferralStep
from liaison.orders.rules import State

REMEMBERED: Final = (
    "state",
    "state_since",
    "state_reason",
    "visit_at",
    "appointment_id",
    "report_received_at",
    "report",
    "referrer_reviewed_at",
    "review",
    "patient_informed_at",
    "informed_how",
)
"""The columns that taking a move back puts back."""

OUTWARD: Final = frozenset({State.SENT, State.CANCEL_REQUESTED, State.CANCELLED, State.CLOSED})
"""States that tell somebody outside, or that end the referral: a move into one is not taken back by itself."""


class ReferralChanged(Stale):
    """The form was filled in against an older version; the sentence says what happened since."""

    code = "orders.referral_changed"


class NotNow(Refusal):
    """From where the referral stands this can't follow."""

    code = "orders.not_now"
    status = 409


class ReferralReasonNeeded(Refusal):
    """A decline or a cancellation without a reason is invalid (DOMAIN 3.5)."""

    code = "orders.reason_needed"
    sentence = "Say why: without the reason nobody knows what to do next."
    field = "reason"


@dataclass(slots=True)
class Move:
    """One referral, locked, on its way to another state: `before` are the columns that taking back restores, `proof`
    the evidence that the move gives its promise ("" for none), `more` further words of its line in the history."""

    entry: Entry
    referral: Referral
    now: datetime
    before: dict[str, Any] = field(default_factory=dict)
    proof: str = ""
    more: str = ""

    def publish(self, kind: type[ReferralFact], **more: Any) -> None:
        """Tell the packages above, about this referral."""
        referral = self.referral
        self.entry.publish(
            kind(
                at=self.now,
                referral_id=referral.pk,
                patient_id=referral.patient_id,
                loop_id=referral.loop_id or 0,
                **more,
            )
        )


@contextmanager
def moving(
    actor: Actor,
    verb: Verb,
    *,
    referral_id: int,
    to: State,
    sentence: str,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Iterator[Move]:
    """Move one referral to a state: its history gets a line and its loop the state's clock.

    `sentence` is that line; it may name `{target}`, `{patient}` and `{visit}`, the visit's time at the site. The body
    changes further columns.
    Refuses NotFound, Forbidden, ReferralChanged, NotNow.
    """
    with touching(
        actor, verb, referral_id=referral_id, now=now, reason=reason, expected_version=expected_version
    ) as move:
        referral = move.referral
        if not rules.may_become(referral.state, to=to):
            raise NotNow(not_now(referral, to=to))
        referral.become(to, reason=reason)
        referral.state_since = now
        yield move
        words = sentence.format(
            target=referral.target_name, patient=referral.patient.display_name, visit=visit_words(referral)
        )
        words = f"{words} {move.more}".strip()
        write_step(move, actor=actor, sentence=words, reason=reason)
        run_clock(actor, referral, sentence=words, reason=reason, now=now)


def visit_words(referral: Referral) -> str:
    """When its visit is or was, on the clock of the site; "" for none."""
    return day_and_time(referral.visit_at.astimezone(referral.site.zone)) if referral.visit_at else ""


@contextmanager
def touching(
    actor: Actor,
    verb: Verb,
    *,
    referral_id: int,
    now: datetime,
    reason: str = "",
    expected_version: int | None = None,
) -> Iterator[Move]:
    """Lock one referral, let the body change it, save and announce it. Refuses NotFound, Forbidden, ReferralChanged."""
    seen = Referral.objects.select_related("patient").filter(pk=referral_id).first()
    if seen is None:
        raise NotFound
    with act(actor, verb, patient=seen.patient, subject=seen, reason=reason, now=now) as entry:
        referral = locked(referral_id)
        entry.about(referral)
        refuse_changed(entry, referral, expected_version=expected_version)
        before = {name: getattr(referral, name) for name in REMEMBERED}
        yield Move(entry=entry, referral=referral, now=now, before=before)
        referral.version += 1
        referral.save()
        announce(topic=f"referral:{referral.pk}", what=referral.state)


def refuse_changed(entry: Entry, referral: Referral, *, expected_version: int | None) -> None:
    """Refuse ReferralChanged where somebody changed it since `expected_version` was read; None overwrites. The second
    press of one and the same ends here."""
    if expected_version is not None and expected_version != referral.version:
        entry.only_once(referral)
        raise ReferralChanged(_what_changed(referral))


def locked(referral_id: int) -> Referral:
    """The row with everything its words need, locked for this transaction."""
    related = ("patient", "site", "specialty", "referrer", "target_practitioner", "target_organization")
    rows = Referral.objects.select_for_update(of=("self",)).select_related(*related)
    return rows.get(pk=referral_id)


def write_step(move: Move, *, actor: Actor, sentence: str, reason: str) -> None:
    """One line of the referral's history; what a person noted and told nobody outside can be taken back."""
    referral = move.referral
    outward = actor.is_system or (not move.proof and referral.state in OUTWARD)
    ReferralStep.objects.create(
        referral=referral,
        state=referral.state,
        at=move.now,
        by_id=actor.user_id,
        by_name=actor.name,
        target_name=referral.target_name,
        sentence=sentence[:500],
        reason=reason[:500],
        proof=move.proof,
        before={} if outward else move.before,
    )


def run_clock(actor: Actor, referral: Referral, *, sentence: str, reason: str, now: datetime) -> None:
    """Satisfy what ran in the state before and start the clock of this state, if it has one."""
    clock = clock_of(referral, now=now)
    if clock is None or referral.loop_id is None:
        return
    loops.advance_loop(
        actor.as_liaison(),
        loop_id=referral.loop_id,
        sentence=sentence,
        satisfied_by=f"referral:{referral.pk}:{referral.state}",
        clocks=[clock],
        reason=reason,
        title=title_of(referral),
        now=now,
    )


def title_of(referral: Referral) -> str:
    """What the referral's loop is called: by what is asked and of whom, whoever was asked before."""
    return f"Referral to {referral.specialty.name.lower()}: {referral.target_name}"


def clock_of(referral: Referral, *, now: datetime) -> ClockToStart | None:
    """The clock of the state that the referral is in."""
    return rules.clock_for(
        State(referral.state),
        urgency=referral.urgency,
        names=rules.Names(
            patient=referral.patient.display_name,
            target=referral.target_name,
            referrer=referral.referrer.name,
            specialty=referral.specialty.name.lower(),
            referrer_user_id=referral.referrer.user_id,
        ),
        referral_id=referral.pk,
        now=now,
        visit_at=referral.visit_at,
        zone=referral.site.zone,
        calendar=business_calendar(site_id=referral.site_id),
    )


def not_now(referral: Referral, *, to: State) -> str:
    """Why a referral can't enter a state from where it stands."""
    here, there = rules.WORDS[State(referral.state)].lower(), rules.WORDS[to].lower()
    return f'This referral is "{here}" and can\'t become "{there}". Look at its page for what can follow.'


def _what_changed(referral: Referral) -> str:
    last = ReferralStep.objects.filter(referral=referral).order_by("-id").first()
    if last is None:
        return ReferralChanged.sentence
    at = clock_time((last.undone_at or last.at).astimezone(referral.site.zone))
    if last.undone_at is not None:
        return f"{last.undone_by_name} took back at {at}: {last.sentence} Look at what it says now."
    return f"{last.by_name} was here first, at {at}: {last.sentence} Look at what it says now, then do it again."
