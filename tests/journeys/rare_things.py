"""What few clinics have on any one day, put into the demonstration so that every page has something to show.

`python -m tests.journeys.rare_things` (settings by environment) makes it and prints, as JSON, what stands for each
argument of an address and what to ask of addresses that answer only when asked: {"arguments": …, "queries": …}.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from liaison.accounts.models import Site, User
    from liaison.core.actor import Actor
    from liaison.patients.models import Patient
    from liaison.records.models import Resource

STRAY = b"From: someone@elsewhere.example\nSubject: Hello\n\nIt is me, about my tablets."


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Walter, his site, who works there, and the moment."""

    patient: Patient
    site: Site
    now: datetime

    def person(self, name: str) -> User:
        """A member of staff."""
        from liaison.accounts.models import User

        return User.objects.get(name=name)

    def actor(self, name: str, *, proved: bool = False) -> Actor:
        """A member of staff as an actor; `proved` says that they just signed in again."""
        from liaison.accounts.queries import actor_of
        from liaison.core.actor import Actor

        found = actor_of(self.person(name), now=self.now)
        if not proved:
            return found
        until = self.now + timedelta(minutes=5)
        return Actor(
            user_id=found.user_id, name=found.name, assignments=found.assignments, team_ids=found.team_ids,
            stepped_up_until=until,
        )  # fmt: skip


def main() -> None:
    """Make everything and say what it is."""
    import django

    django.setup()
    from liaison.accounts.models import Site
    from liaison.core.clock import current_time
    from liaison.patients.models import Identifier

    walter = Identifier.objects.get(value="RH000001").patient
    here = Here(patient=walter, site=Site.objects.get(code="RIV"), now=current_time())
    arguments = _around(here) | _care(here) | _time(here) | _paper(here) | _twice(here) | _people(here)
    print(json.dumps({"arguments": arguments, "queries": _queries(here, arguments)}))


def _around(here: Here) -> dict[str, Any]:
    from liaison.patients import actions as patients

    now = here.now
    imani = here.actor("Dr Imani Achebe")
    alert = here.patient.alerts.first() or patients.raise_alert(
        actor=imani, patient=here.patient, kind="safety", text="Falls", now=now
    )
    grant = patients.break_the_glass(
        actor=here.actor("Lena Fischer", proved=True),
        patient=here.patient,
        found_at=now,
        reason_code="ETREAT",
        reason="He is here unconscious",
        now=now,
    )
    return {
        "patient_id": here.patient.pk,
        "site_id": here.site.pk,
        "alert_id": alert.pk,
        "grant_id": grant.pk,
        "contact_point_id": here.patient.contact_points.order_by("pk").values_list("pk", flat=True)[0],
        "identifier_id": here.patient.identifiers.order_by("pk").values_list("pk", flat=True)[0],
        "proxy_id": here.patient.proxies.order_by("pk").values_list("pk", flat=True)[0],
        "member_id": here.patient.care_team.order_by("pk").values_list("pk", flat=True)[0],
    }


def _care(here: Here) -> dict[str, Any]:
    from liaison.core.calendars import FEDERAL, next_business_day
    from liaison.loops.actions import add_holiday
    from liaison.loops.models import Loop
    from liaison.orders.models import Referral
    from liaison.pathways.models import Enrolment

    at = {"loop__site": here.site}
    loops = Loop.objects.open().filter(site=here.site)
    referral = Referral.objects.filter(site=here.site, state="sent").latest("pk")
    draft = _draft(here, referral=referral)
    adam, on = here.actor("Adam Novak"), next_business_day((here.now + timedelta(days=90)).date(), calendar=FEDERAL)
    closed = add_holiday(adam, calendar="organization", on=on, name="Training", now=here.now)
    return {
        "holiday_id": closed.pk,
        "loop_id": (loops.filter(patient=here.patient, kind="post-discharge").first() or loops.latest("pk")).pk,
        "referral_id": referral.pk,
        "draft_id": draft.pk,
        "move": "received",
        "step_id": referral.steps.latest("pk").pk,
        "enrolment_id": Enrolment.objects.filter(voided_at=None, **at).latest("pk").pk,
        "protocol_code": "transitional-care",
        "practitioner_id": referral.referrer_id,
        "organization_id": referral.target_organization_id or 1,
    }


def _draft(here: Here, *, referral: Any) -> Any:
    from liaison.loops.ports import Owner
    from liaison.orders.actions import draft_referral
    from liaison.orders.ports import ReferralOrder

    rosa = here.actor("Rosa Delgado")
    order = ReferralOrder(
        referrer_id=referral.referrer_id,
        specialty="dermatology",
        target=referral.target,
        urgency="routine",
        question="A mole?",
    )
    return draft_referral(
        rosa, patient=here.patient, order=order, owner=Owner(user_id=rosa.user_id), now=here.now, duplicate_reason="Yes"
    )


def _time(here: Here) -> dict[str, Any]:
    from liaison.scheduling import actions as scheduling
    from liaison.scheduling.models import Appointment, Journey, Resource, SeriesVisit, VisitType, WaitlistEntry
    from liaison.scheduling.ports import OfferBy, Span
    from liaison.scheduling.queries import TimesWanted, earliest_times

    rosa, now = here.actor("Rosa Delgado"), here.now
    visit = Appointment.objects.filter(site=here.site, state="booked", start_at__gt=now).earliest("start_at")
    room = Resource.objects.filter(site=here.site, kind="room").latest("pk")
    span = Span(start=now + timedelta(days=30), end=now + timedelta(days=31))
    closure = scheduling.close_time(actor=here.actor("Marta Kowalska"), of=room, during=span, reason="Paint", now=now)
    wait = WaitlistEntry.objects.filter(state="waiting", sites=here.site).latest("pk")
    wanted = TimesWanted(
        visit_type_id=VisitType.objects.get(code=wait.visit_type_code, is_current=True).pk,
        site_id=here.site.pk,
        patient_id=wait.patient_id,
        not_before=now.date() + timedelta(days=10),
    )
    start = earliest_times(rosa, wanted=wanted, now=now).offers[0].start_at
    span = Span(start=start, end=start + timedelta(hours=4))
    opening = scheduling.open_by_hand(actor=rosa, site=here.site, span=span, now=now)
    offer = scheduling.offer_to_one(actor=rosa, wait=wait, opening=opening, by=OfferBy.MAIL, now=now)
    weekly = SeriesVisit.objects.filter(series__site=here.site, appointment=None).latest("pk")
    return {
        "appointment_id": visit.pk,
        "series_id": weekly.series_id,
        "series_visit_id": weekly.pk,
        "journey_id": Journey.objects.filter(steps__appointment__site=here.site).latest("pk").pk,
        "replan_id": _replan(here, rosa, room=room),
        "secret": scheduling.make_feed(actor=here.actor("Dr Imani Achebe", proved=True), now=now),
        "step": "arrived",
        "visit_type_id": visit.visit_type_id,
        "scheduling:resource_id": room.pk,
        "closure_id": closure.pk,
        "day": visit.start_at.astimezone(here.site.zone).date().isoformat(),
        "entry_id": wait.pk,
        "opening_id": opening.pk,
        "offer_id": offer.pk,
        "said": "accepted",
        "answer": "see_now",
        "ending": "take",
        "token": scheduling.offer_link(offer).rstrip("/").rpartition("/")[2],
    }


def _replan(here: Here, rosa: Actor, *, room: Any) -> int:
    """A room that can't be used one night in two months, when nobody is in it."""
    from liaison.scheduling import actions as scheduling
    from liaison.scheduling.ports import Span

    midnight = (here.now + timedelta(days=60)).astimezone(here.site.zone).replace(hour=1, minute=0, second=0)
    during = Span(start=midnight.replace(microsecond=0), end=midnight.replace(microsecond=0) + timedelta(hours=3))
    order = scheduling.ReplanOrder(
        key="pages", site_id=here.site.pk, resource_id=room.pk, during=during, reason="Floor", moves=()
    )
    return scheduling.replan_day(actor=rosa, order=order, now=here.now).pk


def _paper(here: Here) -> dict[str, Any]:
    from django.conf import settings

    from liaison.core.actor import system_actor
    from liaison.inbox import actions as inbox
    from liaison.inbox.models import Message, UnmatchedMail
    from liaison.inbox.ports import HowItWent
    from liaison.inbox.queries import checked_mail

    imani, now = here.actor("Dr Imani Achebe"), here.now
    note = inbox.write_note(
        imani, patient=here.patient, text="Dizzy in the morning", clinical=True, idempotency_key="pages", now=now
    )
    call = inbox.log_call(
        imani,
        patient=here.patient,
        went=HowItWent(outcome="reached", said="Sleeps badly", clinical=True),
        idempotency_key="pages",
        now=now,
    )
    inbox.receive_mail(system_actor("post office"), delivered=checked_mail(STRAY), now=now)
    mails = sorted((Path(settings.LIAISON_DATA) / "demo-mailbox").glob("*.eml"))
    return {
        "note_id": note.pk,
        "call_id": call.pk,
        "mail_id": UnmatchedMail.objects.latest("pk").pk,
        "message_id": Message.objects.filter(patient__sites__site=here.site).latest("pk").pk,
        "name": mails[-1].stem if mails else "0",
        "code": "please-call",
        "resource_id": _document(here).pk,
        "version": 1,
    }


def _document(here: Here) -> Resource:
    """A letter with an earlier version."""
    from liaison.core.postgres.guard import writes_open
    from liaison.records import actions as records
    from liaison.records.models import EarlierVersion, Resource
    from liaison.records.ports import DocumentKind, Filing, sound_file

    now = here.now
    made = records.file_document(
        here.actor("Dr Imani Achebe"),
        patient=here.patient,
        file=sound_file(b"Letter of the heart clinic", name="Letter.txt", most_bytes=1_000),
        filing=Filing(kind=DocumentKind.LETTER, title="Letter", dated_on=now.date() - timedelta(days=3)),
        idempotency_key="pages",
        now=now,
    )
    with writes_open():
        Resource.objects.filter(pk=made.pk).update(version=2)
        EarlierVersion.objects.create(
            resource=made, version=1, source=made.source, received_at=now, replaced_at=now, body=made.body,
            digest=uuid4(),
        )  # fmt: skip
    return made


def _twice(here: Here) -> dict[str, Any]:
    from liaison.patients import actions as patients
    from liaison.patients.models import DuplicateCandidate

    pending = list(DuplicateCandidate.objects.filter(decision="open").order_by("-pk"))
    merged, left = pending[0], pending[1]
    record = patients.merge_patients(
        actor=here.actor("Desmond Clarke", proved=True),
        survivor=merged.first,
        merged=merged.second,
        reason="The same",
        conflict_checked=True,
        now=here.now,
    )
    return {
        "candidate_id": left.pk,
        "left_id": left.first_id,
        "right_id": left.second_id,
        "merge_id": record.pk,
    }


def _people(here: Here) -> dict[str, Any]:
    kofi = here.person("Kofi Mensah")
    return {"user_id": kofi.pk, "assignment_id": kofi.assignments.get().pk, "pk": 1, "hand_over_id": 1}


def _followed_up(enrolment_id: int) -> int:
    from liaison.pathways.models import Enrolment

    return Enrolment.objects.get(pk=enrolment_id).loop_id


def _queries(here: Here, known: dict[str, Any]) -> dict[str, str]:
    patient = here.patient.pk
    return {
        "patients:search": "?q=ng",
        "patients:alike": "?family=Ng&given=Walter",
        "desk:palette": "?q=ng",
        "desk:home": "?tab=all",
        "desk:column": f"?owner=user:{here.person('Rosa Delgado').pk}",
        "scheduling:book": f"?patient={patient}",
        "scheduling:readiness": f"?site={here.site.pk}&days=7",
        "scheduling:repeat": f"?patient={patient}",
        "scheduling:cancel_series": "?position=1",
        "scheduling:replan": f"?look=1&what=s{here.site.pk}&from_on={known['day']}&to_on={known['day']}"
        "&from_at=00:00&to_at=23:59&reason=Snow",
        "scheduling:join": f"?patient={patient}",
        "scheduling:day": f"?site={here.site.pk}&on={known['day']}",
        "inbox:call": f"?patient={patient}",
        "inbox:next_try": f"?patient={patient}&outcome=no_answer",
        "inbox:compose": f"?patient={patient}",
        "inbox:note": f"?patient={patient}",
        "inbox:preview": f"?patient={patient}&template=note",
        "orders:targets": "?specialty=cardiology",
        "pathways:reconcile": f"?loop={_followed_up(known['enrolment_id'])}",
        "pathways:visit_elsewhere": f"?loop={_followed_up(known['enrolment_id'])}",
        "accounts:audit": f"?patient={patient}",
        "accounts:audit_export": f"?patient={patient}",
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liaison.config.settings")
    main()
