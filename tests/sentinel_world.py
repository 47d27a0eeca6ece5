"""A small clinic around one patient whose name, number and words occur nowhere else in the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from liaison.accounts import actions as accounts
from liaison.accounts.access import ONLY_EVERYWHERE, Role
from liaison.accounts.models import Site, Team, User
from liaison.accounts.queries import actor_of
from liaison.core.actor import Actor, system_actor
from liaison.core.calendars import FEDERAL, next_business_day
from liaison.core.postgres.guard import writes_open
from liaison.directory.models import Organization, Practitioner, Specialty
from liaison.inbox import actions as inbox
from liaison.inbox.models import Message, UnmatchedMail
from liaison.inbox.ports import HowItWent, MessageToSend
from liaison.inbox.queries import checked_mail
from liaison.loops import actions as loops
from liaison.loops.ports import ClockToStart, Owner, Promise
from liaison.orders import actions as orders
from liaison.orders.models import Referral
from liaison.orders.ports import ReferralOrder, Target
from liaison.pathways import actions as protocols
from liaison.pathways.models import Enrolment, Protocol
from liaison.patients import actions as patients
from liaison.patients import queries as patient_queries
from liaison.patients.models import DuplicateCandidate, MergeRecord, Patient
from liaison.records import actions as records
from liaison.records.models import EarlierVersion, Resource, Source
from liaison.records.ports import DocumentKind, Filing, sound_file
from liaison.scheduling import actions as scheduling
from liaison.scheduling.models import Appointment, VisitType
from liaison.scheduling.models import Resource as Bookable
from liaison.scheduling.ports import BookingOrder, Gap, HolidayPolicy, OfferBy, Pattern, Seat, Span
from liaison.scheduling.queries import (
    Closing,
    JourneyWanted,
    SeriesWanted,
    TimesWanted,
    earliest_times,
    plan_day,
    plan_series,
    plan_visits_together,
)

MARKS = ("Quillfeather", "Zyxwulf", "Zyx the Brave", "QF-77-SENTINEL", "quill.zyx@sentinel.example", "555-0188")
"""What is the sentinel's alone. Where one of these appears, the patient was shown."""

LIAISON = system_actor("sentinel")


@dataclass(slots=True)
class World:
    """The people by what they are, and what stands for each argument of an address."""

    people: dict[str, User] = field(default_factory=dict)
    patient: Patient = field(default_factory=Patient)
    arguments: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str, *, of: str) -> Any:
        """What stands for one argument of the address `of`; None when the walk doesn't know.

        Two packages that call different things by one name tell them apart by their namespace.
        """
        own = f"{of.partition(':')[0]}:{name}"
        return self.arguments.get(own, self.arguments.get(name))

    @property
    def topics(self) -> list[str]:
        """What is announced when something about the sentinel changes."""
        known = self.arguments
        return [
            f"patient:{self.patient.pk}",
            f"loop:{known['loop_id']}",
            f"referral:{known['referral_id']}",
            f"appointment:{known['appointment_id']}",
            f"calendar:{known['site_id']}:{known['day']}",
            f"desk:{known['site_id']}",
            f"messages:{known['site_id']}",
        ]

    @property
    def queries(self) -> Mapping[str, str]:
        """What to ask of pages that show a patient only when asked about one."""
        patient, loop = self.patient.pk, self.arguments["loop_id"]
        return {
            "patients:search": "?q=Quillfeath",
            "patients:alike": "?family=Quillfeath&given=Zyxw",
            "desk:palette": "?q=Quillfeath",
            "desk:home": "?tab=all",
            "desk:column": f"?owner=user:{self.people['coordinator'].pk}",
            "scheduling:book": f"?patient={patient}&loop={loop}",
            "scheduling:flow": f"?site={self.arguments['site_id']}",
            "scheduling:readiness": f"?site={self.arguments['site_id']}&days=7",
            "scheduling:repeat": f"?patient={patient}&loop={loop}",
            "scheduling:plan_journey": f"?patient={patient}&loop={loop}&look=1",
            "scheduling:cancel_series": "?position=1",
            "scheduling:replan": self.arguments["replan_query"],
            "scheduling:join": f"?patient={patient}&loop={loop}",
            "scheduling:day": f"?site={self.arguments['site_id']}&on={self.arguments['day']}",
            "scheduling:week": f"?site={self.arguments['site_id']}&on={self.arguments['day']}",
            "scheduling:month": f"?site={self.arguments['site_id']}&on={self.arguments['day']}",
            "scheduling:sheets": f"?site={self.arguments['site_id']}&on={self.arguments['day']}",
            "inbox:call": f"?patient={patient}&loop={loop}",
            "inbox:next_try": f"?patient={patient}&loop={loop}&outcome=no_answer",
            "inbox:compose": f"?patient={patient}&loop={loop}",
            "inbox:messages": f"?patient={patient}",
            "inbox:note": f"?patient={patient}&loop={loop}",
            "inbox:preview": f"?patient={patient}&template=note",
            "orders:targets": "?specialty=cardiology",
            "patients:break_glass": f"?patient={patient}",
            "pathways:visit_elsewhere": f"?loop={self.arguments['follow_up_loop']}",
            "pathways:reconcile": f"?loop={self.arguments['follow_up_loop']}",
            "loops:hand_over": f"?from={self.people['coordinator'].pk}",
            "accounts:audit": f"?patient={patient}",
            "accounts:audit_export": f"?patient={patient}",
        }


def build(*, now: datetime) -> World:
    """Put everyone in their places, through the same actions that people use."""
    world = World()
    here = _site("Riverside", now=now)
    there = _site("Northgate", now=now)
    team = accounts.add_team(actor=LIAISON, name="Care desk", site=here, now=now)
    for role in Role:
        world.people[str(role)] = _person(
            world, str(role), role=role, at=None if role in ONLY_EVERYWHERE else here, team=team, now=now
        )
    world.people["elsewhere"] = _person(world, "pat", role=Role.COORDINATOR, at=there, now=now)
    world.people["granted"] = _person(world, "greta", role=Role.COORDINATOR, at=there, now=now)
    world.people["no_role"] = _person(world, "nora", role=None, at=None, now=now)
    rosa = actor_of(world.people["coordinator"], now=now)
    world.patient = _patient(here, now=now)
    _around_the_patient(world, here=here, now=now)
    world.arguments["loop_id"] = _loop(rosa, world.patient, now=now)
    _scheduling(world, rosa, here=here, now=now)
    _referral(world, rosa, here=here, now=now)
    _messages(world, rosa, now=now)
    _note(world, now=now)
    _chart(world, now=now)
    _duplicates(world, here=here, now=now)
    _accounts(world, rosa, now=now)
    _broken_glass(world, now=now)
    return world


def _site(name: str, *, now: datetime) -> Site:
    return accounts.add_site(
        actor=LIAISON, code=name.lower(), name=name, time_zone="America/New_York", phone="617-555-0100", now=now
    )


def _person(
    world: World, name: str, *, role: Role | None, at: Site | None, team: Team | None = None, now: datetime
) -> User:
    del world
    made = accounts.add_person(actor=LIAISON, email=f"{name}@walk.example", name=f"{name} walker", now=now)
    if role is not None:
        accounts.give_role(actor=LIAISON, person=made, role=role, site=at, now=now)
    if team is not None:
        accounts.set_teams(actor=LIAISON, person=made, teams=[team], now=now)
    return made


def _patient(site: Site, *, now: datetime, given: str = "Zyxwulf", mrn: str = "QF-77-SENTINEL") -> Patient:
    return patients.register_patient(
        actor=LIAISON,
        details=patients.PatientDetails(
            family="Quillfeather", given=given, called_as="Zyx the Brave", birth_on=date(1950, 2, 3)
        ),
        site_ids=[site.pk],
        identifiers=[patients.IdentifierDetails(system="urn:walk", value=mrn, kind="mrn")],
        contacts=[
            patients.ContactDetails(kind="phone", value="617-555-0188", may_call=True, may_text=True),
            patients.ContactDetails(kind="email", value="quill.zyx@sentinel.example", may_email=True, preferred=True),
        ],
        now=now,
    )


def _around_the_patient(world: World, *, here: Site, now: datetime) -> None:
    patient = world.patient
    proxy = patients.ProxyDetails(
        name="June", relationship="daughter", kind="consent", scope=frozenset({"schedule"}), evidence="Form",
        starts_on=now.date() - timedelta(days=30), ends_on=now.date() + timedelta(days=300), phone="617-555-0111",
    )  # fmt: skip
    with writes_open():
        practitioner = Practitioner.objects.create(name="Dr Walk", site=here, user=world.people["clinician"])
    alert = patients.raise_alert(actor=LIAISON, patient=patient, kind="safety", text="Falls", now=now)
    member = patients.add_care_team_member(
        actor=LIAISON, patient=patient, role="primary_care", practitioner_id=practitioner.pk, now=now
    )
    world.arguments |= {
        "patient_id": patient.pk,
        "contact_point_id": patient.contact_points.first().pk,  # type: ignore[union-attr]  # it is there
        "identifier_id": patient.identifiers.first().pk,  # type: ignore[union-attr]  # it is there
        "proxy_id": patients.add_proxy(actor=LIAISON, patient=patient, proxy=proxy, now=now).pk,
        "alert_id": alert.pk,
        "member_id": member.pk,
        "site_id": here.pk,
        "practitioner_id": practitioner.pk,
    }


def _loop(rosa: Actor, patient: Patient, *, now: datetime) -> int:
    clock = ClockToStart(
        rule_id="walk", rule_version="1", step="Call them", anchor_event="walk:1", anchor_at=now,
        due_at=now + timedelta(hours=3),
    )  # fmt: skip
    opened = loops.open_loop(
        rosa,
        patient=patient,
        promise=Promise(kind="call_back", title="Call them back", clocks=[clock]),
        owner=Owner(user_id=rosa.user_id),
        now=now,
    )
    return opened.pk


def _scheduling(world: World, rosa: Actor, *, here: Site, now: datetime) -> None:
    doctor = _resource("person", "Dr Walk", "physician", here=here, now=now, practitioner=Practitioner.objects.get())
    room = _resource("room", "Room 1", "exam_room", here=here, now=now)
    needs = (
        scheduling.NeedDraft(role="clinician", ability="physician"),
        scheduling.NeedDraft(role="room", ability="exam_room"),
    )
    kind = scheduling.define_visit_type(
        actor=LIAISON,
        draft=scheduling.VisitTypeDraft(code="follow_up", name="Follow-up", duration_minutes=30, needs=needs),
        now=now,
    )
    day = now.astimezone(here.zone).date() + timedelta(days=1)
    start = datetime.combine(day, time(10), tzinfo=here.zone)
    seats = (Seat(role="clinician", resource_id=doctor.pk), Seat(role="room", resource_id=room.pk))
    order = BookingOrder(key="walk", visit_type_id=kind.pk, site_id=here.pk, start_at=start, seats=seats)
    booked: Appointment = scheduling.book_appointment(actor=rosa, patient=world.patient, order=order, now=now)
    span = Span(start=start + timedelta(days=30), end=start + timedelta(days=31))
    closure = scheduling.close_time(actor=LIAISON, of=room, during=span, reason="Painting", now=now)
    world.arguments |= {
        "appointment_id": booked.pk,
        "step": "arrived",
        "answer": "see_now",
        "ending": "take",
        "visit_type_id": kind.pk,
        "resource_id": room.pk,
        "closure_id": closure.pk,
        "day": day.isoformat(),
    }
    imani = replace(actor_of(world.people["clinician"], now=now), stepped_up_until=now + timedelta(minutes=5))
    world.arguments["secret"] = scheduling.make_feed(actor=imani, now=now)
    _yesterday(world, rosa, order, now=now)
    _waitlist(world, rosa, booked, here=here, now=now)
    _series(world, rosa, kind=kind, here=here, now=now)
    _journey(world, rosa, kind=kind, here=here, now=now)
    _replan(world, rosa, kind=kind, here=here, now=now)


def _series(world: World, rosa: Actor, *, kind: VisitType, here: Site, now: datetime) -> None:
    """They come every week, and for one of the visits a time is still to be found."""
    first = now.astimezone(here.zone).date() + timedelta(days=8)
    pattern = Pattern(first_on=first, at=time(11), weekdays=frozenset({first.weekday()}), count=3)
    wanted = SeriesWanted(
        patient_id=world.patient.pk, visit_type_id=kind.pk, site_id=here.pk, pattern=pattern,
        holidays=HolidayPolicy.KEEP,
    )  # fmt: skip
    plan = plan_series(rosa, wanted=wanted, now=now)
    picks = {2: scheduling.Pick(kind=scheduling.PickKind.OPEN)}
    for one in plan.visits:
        if one.offer is not None and one.position not in picks:
            seats = tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in one.offer.seats)
            picks[one.position] = scheduling.Pick(
                kind=scheduling.PickKind.BOOK, start_at=one.offer.start_at, seats=seats
            )
    order = scheduling.SeriesOrder(key="walk-series", wanted=wanted, signature=plan.signature, picks=picks)
    series = scheduling.book_series(actor=rosa, patient=world.patient, order=order, now=now)
    world.arguments |= {"series_id": series.pk, "series_visit_id": series.visits.get(position=2).pk}


def _journey(world: World, rosa: Actor, *, kind: VisitType, here: Site, now: datetime) -> None:
    """They come twice for something that bears their name."""
    wanted = JourneyWanted(
        patient_id=world.patient.pk, visit_type_ids=(kind.pk, kind.pk), gaps=(Gap(least_days=1),), site_ids=(here.pk,),
        not_before=now.date() + timedelta(days=40),
    )  # fmt: skip
    plan = plan_visits_together(rosa, wanted=wanted, now=now).plans[0]
    visits = tuple(
        scheduling.JourneyVisit(
            visit_type_id=kind.pk,
            site_id=here.pk,
            start_at=one.offer.start_at,
            seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in one.offer.seats),
            gap=Gap(),
        )
        for one in plan.visits
    )
    order = scheduling.JourneyOrder(key="walk-journey", visits=visits, name="Zyxwulf twice")
    journey = scheduling.book_journey(actor=rosa, patient=world.patient, order=order, now=now)
    world.arguments["journey_id"] = journey.pk


def _replan(world: World, rosa: Actor, *, kind: VisitType, here: Site, now: datetime) -> None:
    """The clinician of one of their visits is sick: it has another time, and they are to be told."""
    wanted = TimesWanted(
        visit_type_id=kind.pk, site_id=here.pk, patient_id=world.patient.pk,
        not_before=now.date() + timedelta(days=60),
    )  # fmt: skip
    offer = earliest_times(rosa, wanted=wanted, now=now).offers[0]
    seats = tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in offer.seats)
    order = BookingOrder(
        key="walk-replan", visit_type_id=kind.pk, site_id=here.pk, start_at=offer.start_at, seats=seats
    )
    visit = scheduling.book_appointment(actor=rosa, patient=world.patient, order=order, now=now)
    away = Bookable.objects.get(pk=offer.seats[0].resource_id)
    closing = Closing(site=here, resource=away, during=Span(offer.start_at, offer.end_at))
    (line,) = plan_day(rosa, closing=closing, effort=0.0, now=now).lines
    new = line.proposed
    move = scheduling.ReplanMove(
        appointment_id=visit.pk,
        version=visit.version,
        start_at=new.start_at if new else None,
        seats=tuple(Seat(role=seat.role, resource_id=seat.resource_id) for seat in new.seats) if new else (),
    )
    made = scheduling.replan_day(
        actor=rosa,
        order=scheduling.ReplanOrder(
            key="walk-replan", site_id=here.pk, resource_id=away.pk, during=closing.during, reason="Sick",
            moves=(move,),
        ),
        now=now,
    )  # fmt: skip
    world.arguments["replan_id"] = made.pk
    moved = made.displaced.get().moved_to or visit
    on, zone = moved.visit_on.isoformat(), "&from_at=00:00&to_at=23:59&reason=Sick"
    holder = moved.reservations.order_by("pk").first()
    world.arguments["replan_query"] = f"?look=1&what=r{holder.resource_id}&from_on={on}&to_on={on}{zone}"


def _yesterday(world: World, rosa: Actor, order: BookingOrder, *, now: datetime) -> None:
    """A visit of which nobody said what became: the board of the flow lists it."""
    start = order.start_at - timedelta(days=2)
    earlier = replace(order, key="walk-yesterday", start_at=start)
    scheduling.book_appointment(actor=rosa, patient=world.patient, order=earlier, now=now - timedelta(days=3))


def _waitlist(world: World, rosa: Actor, later: Appointment, *, here: Site, now: datetime) -> None:
    """They wait for a time of their own, and one is offered to them by mail."""
    draft = scheduling.WaitDraft(key="walk", visit_type_code="follow_up", site_ids=(here.pk,))
    wait = scheduling.join_waitlist(actor=rosa, patient=world.patient, draft=draft, now=now)
    start = later.start_at + timedelta(days=3)
    span = Span(start=start, end=start + timedelta(hours=2))
    opening = scheduling.open_by_hand(actor=rosa, site=here, span=span, now=now)
    offer = scheduling.offer_to_one(actor=rosa, wait=wait, opening=opening, by=OfferBy.MAIL, now=now)
    world.arguments |= {
        "scheduling:entry_id": wait.pk,
        "opening_id": opening.pk,
        "offer_id": offer.pk,
        "said": "accepted",
        "token": scheduling.offer_link(offer).rstrip("/").rpartition("/")[2],
    }


def _resource(
    kind: str, name: str, ability: str, *, here: Site, now: datetime, practitioner: Practitioner | None = None
) -> Bookable:
    draft = scheduling.ResourceDraft(kind=kind, name=name, site=here, abilities=(ability,), practitioner=practitioner)
    made = scheduling.add_resource(actor=LIAISON, draft=draft, now=now)
    hours = [scheduling.HoursDraft(site=here, weekday=day, opens=time(8), closes=time(18)) for day in range(7)]
    scheduling.set_hours(actor=LIAISON, resource=made, hours=hours, now=now)
    return made


def _referral(world: World, rosa: Actor, *, here: Site, now: datetime) -> None:
    with writes_open():
        heart, _ = Specialty.objects.get_or_create(code="cardiology", defaults={"name": "Cardiology"})
        center = Organization.objects.create(name="Heart Center", kind="clinic")
        center.specialties.add(heart)
    made: Referral = orders.refer_patient(
        LIAISON,
        patient=world.patient,
        order=ReferralOrder(
            referrer_id=world.arguments["practitioner_id"],
            specialty="cardiology",
            target=Target(organization_id=center.pk),
            urgency="routine",
            question="An echo?",
            coverage_status="not_needed",
        ),
        owner=Owner(user_id=rosa.user_id),
        via="fax",
        now=now,
    )
    step = made.steps.latest("id")
    world.arguments |= {"referral_id": made.pk, "move": "received", "step_id": step.pk, "organization_id": center.pk}
    with writes_open():
        skin, _ = Specialty.objects.get_or_create(code="dermatology", defaults={"name": "Dermatology"})
    draft = orders.draft_referral(
        LIAISON,
        patient=world.patient,
        order=ReferralOrder(
            referrer_id=world.arguments["practitioner_id"],
            specialty=skin.code,
            target=Target(organization_id=center.pk),
            urgency="routine",
            question="A mole?",
        ),
        owner=Owner(user_id=rosa.user_id),
        now=now,
    )
    world.arguments["draft_id"] = draft.pk


def _messages(world: World, rosa: Actor, *, now: datetime) -> None:
    message = inbox.queue_message(
        rosa,
        patient=world.patient,
        message=MessageToSend(template="please-call", context={"phone": "617-555-0100"}),
        idempotency_key="walk",
        now=now,
    )
    folder = Path(settings.LIAISON_DATA) / "demo-mailbox"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{message.pk:020d}-0123abcd"
    with writes_open():
        Message.objects.filter(pk=message.pk).update(message_id="<walk@liaison.example>")
    (folder / f"{name}.eml").write_text(
        "X-Envelope-To: quill.zyx@sentinel.example\nTo: quill.zyx@sentinel.example\nFrom: care@liaison.example\n"
        "Subject: Please call us\nMessage-ID: <walk@liaison.example>\n\nDear Zyx the Brave, please call.\n"
    )
    world.arguments |= {"message_id": message.pk, "name": name}


def _note(world: World, *, now: datetime) -> None:
    clinician = actor_of(world.people["clinician"], now=now)
    note = inbox.write_note(
        clinician, patient=world.patient, text="Zyxwulf is dizzy", clinical=True, idempotency_key="walk", now=now
    )
    call = inbox.log_call(
        clinician,
        patient=world.patient,
        went=HowItWent(outcome="reached", said="Zyxwulf sleeps badly", clinical=True),
        idempotency_key="walk",
        now=now,
    )
    world.arguments |= {"note_id": note.pk, "call_id": call.pk, "code": "please-call"}
    stray = b"From: someone@elsewhere.example\nSubject: Hello\n\nIt is me."  # whose it is, nobody can know yet
    inbox.receive_mail(LIAISON, delivered=checked_mail(stray), now=now)
    world.arguments["mail_id"] = UnmatchedMail.objects.get().pk


def _chart(world: World, *, now: datetime) -> None:
    body = {"resourceType": "Observation", "id": "walk", "note": [{"text": "Seen with Zyxwulf"}], "status": "final"}
    common = {"body": body, "digest": uuid4(), "received_at": now}
    with writes_open():
        source = Source.objects.create(name="walk.json", sha256="0" * 64, received_at=now, received_by="walk")
        kept = Resource.objects.create(
            resource_type="Observation", fhir_id="walk", version=2, source=source, patient=world.patient, kind="result",
            at=now, title="Seen with Zyxwulf", **common,
        )  # fmt: skip
        EarlierVersion.objects.create(resource=kept, version=1, source=source, replaced_at=now, **common)
    _document(world, source=source, now=now)
    _follow_up(world, anchor=kept, now=now)


def _document(world: World, *, source: Source, now: datetime) -> None:
    """A filed text, with an earlier version: the walk opens its page, its history and its file."""
    document = records.file_document(
        actor_of(world.people["clinician"], now=now),
        patient=world.patient,
        file=sound_file(b"Letter of Zyxwulf Quillfeather", name="Zyxwulf.txt", most_bytes=1_000),
        filing=Filing(kind=DocumentKind.LETTER, title="Letter of Zyxwulf", dated_on=now.date() - timedelta(days=3)),
        idempotency_key="walk",
        now=now,
    )
    body, digest = document.body, uuid4()
    with writes_open():
        Resource.objects.filter(pk=document.pk).update(version=2)
        EarlierVersion.objects.create(
            resource=document, version=1, source=source, received_at=now, replaced_at=now, body=body, digest=digest
        )
    world.arguments |= {"records:resource_id": document.pk, "version": 1}


def _follow_up(world: World, *, anchor: Resource, now: datetime) -> None:
    rosa = actor_of(world.people["coordinator"], now=now)
    protocols.install_protocols(LIAISON, now=now)
    with writes_open():
        enrolment = Enrolment.objects.create(
            patient=world.patient, protocol=Protocol.objects.order_by("pk").first(), anchor=anchor, anchor_at=now,
            anchor_on=now.date(), time_zone="America/New_York", loop_id=_loop(rosa, world.patient, now=now),
            enrolled_at=now,
        )  # fmt: skip
    world.arguments |= {"enrolment_id": enrolment.pk, "follow_up_loop": enrolment.loop_id}


def _duplicates(world: World, *, here: Site, now: datetime) -> None:
    double = _patient(here, now=now, given="Zyxwolf", mrn="QF-78-SENTINEL")
    pairs = patient_queries.pairs_for(LIAISON, patient=double, now=now)
    patients.note_duplicates(actor=LIAISON, patient=double, pairs=pairs, now=now)
    candidate = DuplicateCandidate.objects.get(first=world.patient, second=double)
    twin = _patient(here, now=now, given="Zyxwulf", mrn="QF-79-SENTINEL")
    patients.merge_patients(
        actor=LIAISON, survivor=world.patient, merged=twin, reason="The same", conflict_checked=True, now=now
    )
    world.patient.refresh_from_db()
    world.arguments |= {
        "candidate_id": candidate.pk,
        "left_id": world.patient.pk,
        "right_id": double.pk,
        "merge_id": MergeRecord.objects.get(merged=twin).pk,
    }


def _accounts(world: World, rosa: Actor, *, now: datetime) -> None:
    working_day = next_business_day((now + timedelta(days=30)).date(), calendar=FEDERAL)
    closed = loops.add_holiday(LIAISON, calendar="organization", on=working_day, name="Training", now=now)
    away = loops.hand_over(
        actor_of(world.people["supervisor"], now=now),
        from_user_id=world.people["clinician"].pk,
        to=[Owner(user_id=rosa.user_id)],
        reason="Away",
        now=now,
        until=now + timedelta(days=2),
    )
    world.arguments |= {
        "user_id": world.people["clinician"].pk,
        "assignment_id": world.people["clinician"].assignments.get().pk,
        "protocol_code": "transitional-care",
        "pk": 1,  # a passkey that nobody has
        "hand_over_id": away.pk,
        "holiday_id": closed.pk,
    }


def _broken_glass(world: World, *, now: datetime) -> None:
    greta = actor_of(world.people["granted"], now=now)
    proved = Actor(
        user_id=greta.user_id,
        name=greta.name,
        assignments=greta.assignments,
        stepped_up_until=now + timedelta(minutes=5),
    )
    grant = patients.break_the_glass(
        actor=proved,
        patient=world.patient,
        found_at=now,
        reason_code="ETREAT",
        reason="He is here unconscious",
        now=now,
    )
    world.arguments["grant_id"] = grant.pk
