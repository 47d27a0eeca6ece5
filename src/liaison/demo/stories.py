"""Promises in all their states: referrals from draft to closed, tasks, call-backs, discharges being followed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from liaison.core.actor import Actor
from liaison.demo.charts import Chart
from liaison.demo.office import Office
from liaison.demo.staff import Staffed
from liaison.inbox.actions import log_call
from liaison.inbox.ports import CallDetails, HowItWent
from liaison.loops import actions as loops
from liaison.loops.models import Loop
from liaison.loops.ports import CALL_BACK, CLINICAL, ROUTINE, TASK, URGENT, ClockToStart, Owner, Promise
from liaison.orders import actions as orders
from liaison.orders.models import Referral
from liaison.orders.ports import ReferralOrder, Target
from liaison.patients.models import Patient

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)

_QUESTIONS: Final = {
    "cardiology": "New murmur and shortness of breath on exertion: please evaluate.",
    "orthopedics": "Knee pain for six months despite therapy: please advise.",
    "gastroenterology": "Iron deficiency without a source: please evaluate.",
    "neurology": "Two episodes of numbness of the left hand: please evaluate.",
}
_TASKS: Final = (
    ("Ask the pharmacy for the refill history of {name}", "Gaps between refills, seen at the last visit"),
    ("Send the school form for {name}", "Left at the front desk by the parent"),
    ("Arrange a ride for {name}", "No car; the visit is in the morning"),
    ("Find out which interpreter {name} had last time", "Wishes to have the same one again"),
    ("Get the imaging disc of {name} from the other hospital", "Needed before the consult"),
)
_CALLS: Final = (
    ("Call {name} back about the bill", "Asked why there are two bills"),
    ("Call {name} back about the new tablet", "Asks whether to take it with food"),
    ("Call {name} back about getting here", "The ride was cancelled last time"),
)


def tell_stories(
    charts: Sequence[Chart], patients: dict[int, Patient], staffed: Staffed, *, dice: random.Random, office: Office
) -> None:
    """Open and move promises for about half of the patients, over the last three weeks.

    The calls after a discharge come first: a small promise is called about in the last hours, and a call counts for
    every promise of its patient, so calls are logged in the order of time.
    """
    at_riverside = [chart for chart in charts if chart.site == "RIV"]
    _referrals(at_riverside, patients, staffed, dice=dice, office=office)
    _follow_discharges(staffed, dice=dice, office=office)
    for chart in charts:
        if dice.random() < 0.42:
            _small_promise(chart, patients[chart.number], staffed, dice=dice, office=office)


def _referrals(
    charts: Sequence[Chart], patients: dict[int, Patient], staffed: Staffed, *, dice: random.Random, office: Office
) -> None:
    for place, chart in enumerate(charts[1 : 1 + max(len(_ENDINGS), len(charts) // 4)]):
        steps = _ENDINGS[place % len(_ENDINGS)]
        story = _ReferralStory(staffed, patient=patients[chart.number], dice=dice, office=office, length=len(steps))
        for step in steps:
            step(story)


class _ReferralStory:
    """One referral and the pace at which it moved; each step happens some days after the one before."""

    def __init__(self, staffed: Staffed, *, patient: Patient, dice: random.Random, office: Office, length: int) -> None:
        self.staffed, self.patient, self.office = staffed, patient, office
        self.doctor_name = dice.choice(staffed.working_at("RIV", "clinician"))
        self.doctor = staffed.who(self.doctor_name)
        self.coordinator = staffed.who(dice.choice(("Grace Okafor", "Samir Haddad", "Rosa Delgado")))
        self.specialty = dice.choice(sorted(_QUESTIONS))
        self.urgency = dice.choices(("routine", "urgent"), weights=(80, 20))[0]
        self.pace = (DAY * dice.uniform(0.6, 3.2)) if length > 3 else DAY * dice.uniform(0.2, 4)
        self.at = office.now - self.pace * length - DAY * dice.uniform(0, 6)
        self.referral: Referral | None = None

    def later(self) -> datetime:
        """The instant of the next step, in working hours and never after now."""
        self.at = min(self.at + self.pace, self.office.now)
        return self.office.past(self.at)

    def next_visit(self) -> datetime:
        """When the visit is that the next step tells of: in working hours, ahead if that step is still to come."""
        at = self.at + self.pace
        return self.office.past(at) if at <= self.office.now else self.office.due(at)

    @property
    def pk(self) -> int:
        """The referral's id."""
        if self.referral is None:
            raise RuntimeError("The referral was not drafted yet.")
        return self.referral.pk

    def target(self, *, ours: bool) -> Target:
        """Someone of ours with the specialty, or a place outside that has it."""
        if ours:
            for name, practitioner in self.staffed.practitioners.items():
                if practitioner.specialty_id == self.specialty and name != self.doctor_name:
                    return Target(practitioner_id=practitioner.pk)
        return Target(organization_id=self.staffed.outside_with(self.specialty).pk)


def _draft(story: _ReferralStory) -> None:
    order = ReferralOrder(
        referrer_id=story.staffed.practitioners[story.doctor_name].pk,
        specialty=story.specialty,
        target=story.target(ours=True),
        urgency=story.urgency,
        question=_QUESTIONS[story.specialty],
        coverage_status="not_needed",
        attachments=("Last visit note", "Medication list"),
    )
    owner = Owner(user_id=story.coordinator.user_id)
    story.referral = orders.draft_referral(
        story.doctor, patient=story.patient, order=order, owner=owner, now=story.later()
    )


def _send(story: _ReferralStory) -> None:
    orders.send_referral(story.coordinator, referral_id=story.pk, via="fax", now=story.later())


def _received(story: _ReferralStory) -> None:
    orders.confirm_received(story.coordinator, referral_id=story.pk, now=story.later())


def _accepted(story: _ReferralStory) -> None:
    orders.accept_referral(story.coordinator, referral_id=story.pk, now=story.later())


def _declined(story: _ReferralStory) -> None:
    reason = "No new patients until January"
    orders.decline_referral(story.coordinator, referral_id=story.pk, reason=reason, now=story.later())


def _rerouted(story: _ReferralStory) -> None:
    orders.reroute_referral(
        story.coordinator, referral_id=story.pk, target=story.target(ours=False), via="fax", now=story.later()
    )


def _scheduled(story: _ReferralStory) -> None:
    at = story.later()
    orders.mark_scheduled(story.coordinator, referral_id=story.pk, visit_at=story.next_visit(), now=at)


def _missed(story: _ReferralStory) -> None:
    orders.mark_visit_missed(story.coordinator, referral_id=story.pk, now=story.later())


def _seen(story: _ReferralStory) -> None:
    at = story.later()
    orders.mark_seen(story.coordinator, referral_id=story.pk, seen_at=at, now=at)


def _note(story: _ReferralStory) -> None:
    report = "Seen and examined; findings and plan in the attached letter."
    orders.record_note(story.coordinator, referral_id=story.pk, report=report, now=story.later())


def _reviewed(story: _ReferralStory) -> None:
    orders.review_note(story.doctor, referral_id=story.pk, review="Agree with the plan.", now=story.later())


def _told(story: _ReferralStory) -> None:
    how = "By phone; understood and will come in three months."
    orders.tell_patient(story.coordinator, referral_id=story.pk, how=how, now=story.later())


def _withdrawn(story: _ReferralStory) -> None:
    reason = "The symptoms are gone; the patient no longer wishes it"
    orders.cancel_referral(story.coordinator, referral_id=story.pk, reason=reason, now=story.later())


_Step = Callable[[_ReferralStory], None]
_ACCEPTED: Final[tuple[_Step, ...]] = (_draft, _send, _received, _accepted)
_ENDINGS: Final[tuple[tuple[_Step, ...], ...]] = (
    (_draft, _send),
    (*_ACCEPTED, _scheduled),
    (_draft, _send, _received),
    (*_ACCEPTED, _scheduled, _seen),
    _ACCEPTED,
    (*_ACCEPTED, _scheduled, _seen, _note),
    (_draft, _send, _received, _declined),
    (*_ACCEPTED, _scheduled, _seen, _note, _reviewed, _told),
    (_draft,),
    (*_ACCEPTED, _scheduled, _missed),
    (_draft, _send, _received, _declined, _rerouted),
    (*_ACCEPTED, _scheduled, _seen, _note, _reviewed),
    (_draft, _withdrawn),
    (_draft, _send, _withdrawn),
)


def _small_promise(chart: Chart, patient: Patient, staffed: Staffed, *, dice: random.Random, office: Office) -> None:
    kind = dice.choices((TASK, CALL_BACK), weights=(45, 55))[0]
    asked, title = dice.choice(_TASKS if kind is TASK else _CALLS)
    step = asked.format(name=f"{chart.given} {chart.family}")
    opened = office.ago(DAY * dice.uniform(0.1, 9))
    due = office.due(opened + DAY * dice.choice((0.3, 1, 2, 4, 7, 12)))
    actor = staffed.who(dice.choice(staffed.working_at(chart.site, "front_desk")))
    loop = loops.open_loop(
        actor,
        patient=patient,
        promise=Promise(
            kind=kind.code,
            title=title,
            clocks=[
                ClockToStart(
                    rule_id=f"demo.{kind.code}",
                    rule_version="1",
                    step=step,
                    anchor_event="request",
                    anchor_at=opened,
                    due_at=due,
                    source="agreed with the patient",
                    is_call=kind is CALL_BACK,
                )
            ],
            priority=dice.choices((ROUTINE, URGENT, CLINICAL), weights=(86, 10, 4))[0],
        ),
        owner=_owner(chart, staffed, dice=dice),
        now=opened,
    )
    _settle_some(loop, patient, staffed=staffed, chart=chart, dice=dice, office=office)


def _owner(chart: Chart, staffed: Staffed, *, dice: random.Random) -> Owner:
    people = staffed.working_at(chart.site, "coordinator")
    team = {"RIV": "Care coordination", "NOR": "Northgate desk"}.get(chart.site, "Referrals")
    if not people or dice.random() < 0.3:
        return Owner(team_id=staffed.teams[team].pk)
    return Owner(user_id=staffed.people[dice.choice(people)].pk)


def _settle_some(
    loop: Loop, patient: Patient, *, staffed: Staffed, chart: Chart, dice: random.Random, office: Office
) -> None:
    """A third is done, some were tried, a few were given up."""
    actor = staffed.who("Marta Kowalska")
    luck = dice.random()
    if loop.kind == CALL_BACK.code and luck < 0.5:
        reached = luck < 0.3
        log_call(
            actor,
            patient=patient,
            loop=loop,
            went=HowItWent(
                outcome="reached" if reached else dice.choice(("no_answer", "left_message")),
                said="Answered the question; no further need." if reached else "",
                details=CallDetails(settled=True),
            ),
            idempotency_key=f"demo-call-{chart.number}",
            now=office.ago(HOUR * dice.uniform(0.2, 2)),
        )
    elif luck < 0.3:
        loops.add_evidence(actor, loop_id=loop.pk, kind="done", note="Done by phone", now=office.ago(HOUR))
    elif luck > 0.97:
        loops.give_up_loop(actor, loop_id=loop.pk, reason="The patient no longer wishes it", now=office.ago(HOUR))


def _follow_discharges(staffed: Staffed, *, dice: random.Random, office: Office) -> None:
    """Some of the discharged were called soon after the news came, some only tried; the rest wait."""
    actor: Actor = staffed.who("Marta Kowalska")
    discharged = Loop.objects.filter(kind="post-discharge").order_by("pk").select_related("patient")
    for place, loop in enumerate(discharged):
        called_at = office.soon_after(loop.opened_at + HOUR * dice.uniform(1, 20))
        if place % 3 == 0 or called_at > office.at_work:
            continue
        reached = place % 3 == 1
        log_call(
            actor,
            patient=loop.patient,
            loop=loop,
            went=HowItWent(
                outcome="reached" if reached else "no_answer",
                said="Feels better; has the new tablets; daughter drives to the visit." if reached else "",
                clinical=reached,
            ),
            idempotency_key=f"demo-discharge-call-{loop.pk}",
            now=called_at,
        )
