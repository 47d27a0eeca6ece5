"""The waitlist: joining, changing, leaving, and the times that become free."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from liaison.accounts.models import Assignment, Team, TeamMember
from liaison.core.actor import system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.core.refusals import Forbidden, NotFound, Stale
from liaison.inbox.models import Message
from liaison.loops.models import Loop
from liaison.loops.queries import NobodyToOwn
from liaison.orders.models import Referral
from liaison.scheduling import actions, queries
from liaison.scheduling.models import Appointment, Opening, VisitType, WaitlistEntry
from liaison.scheduling.ports import CancelReason, Span
from liaison.scheduling.rules import OfferBy, Urgency
from liaison.scheduling.tests.clinic import NOW, Clinic, local
from liaison.scheduling.tests.waiting import DRAFT, cancel, freed, join, offer, someone, with_mail, with_phone

LATER = "2026-03-20 10:00"
LIAISON = system_actor("waitlist")


# --- joining ------------------------------------------------------------------------------------------------------


def test_whoever_joins_is_promised_a_time_and_the_desk_says_when_to_look(clinic: Clinic) -> None:
    wait = join(clinic)
    loop = Loop.objects.get(pk=wait.loop_id)
    assert (loop.kind, loop.title, loop.owner_user_id) == ("waitlist", "Find Walter a visit", clinic.rosa.user_id)
    assert loop.due_at.date() == date(2026, 3, 17)  # ten business days, late in the evening there
    assert AuditEntry.objects.filter(verb="scheduling.wait", patient_ids=[clinic.walter.pk]).exists()


def test_an_urgent_wait_is_looked_at_sooner_and_rises(clinic: Clinic) -> None:
    wait = join(clinic, urgency=Urgency.URGENT, urgency_reason="New murmur")
    loop = Loop.objects.get(pk=wait.loop_id)
    assert (loop.priority, loop.due_at.date()) == ("urgent", date(2026, 3, 4))


def test_joining_to_move_a_visit_forward_says_so(clinic: Clinic) -> None:
    later = clinic.book(LATER)
    wait = join(clinic, moves_id=later.pk)
    assert Loop.objects.get(pk=wait.loop_id).title == "Find Walter an earlier visit"


def test_one_form_sent_twice_joins_once(clinic: Clinic) -> None:
    assert join(clinic).pk == join(clinic).pk
    with pytest.raises(actions.KeyReused):
        join(clinic, clinic.ruth, key=f"wait {clinic.walter.pk}")


def test_what_was_typed_over_a_sent_form_is_not_dropped(clinic: Clinic) -> None:
    """The first answer was lost on the way, and the coordinator corrected the form that still stood there."""
    first = join(clinic)
    with pytest.raises(actions.KeyReused, match="Change that entry instead"):
        join(clinic, urgency=Urgency.URGENT, urgency_reason="Chest pain")
    with pytest.raises(actions.KeyReused):
        join(clinic, site_ids=(clinic.site.pk, clinic.other_site.pk))
    first.refresh_from_db()
    assert first.urgency == "routine"


def test_nobody_waits_twice_for_one_kind_of_visit(clinic: Clinic) -> None:
    join(clinic)
    with pytest.raises(actions.AlreadyWaiting):
        join(clinic, key="another form")


def test_nobody_waits_after_their_death(clinic: Clinic) -> None:
    with writes_open():
        clinic.walter.is_deceased = True
        clinic.walter.save()
    with pytest.raises(actions.DeadPatient):
        join(clinic)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"urgency": Urgency.SOON}, "urgency_reason"),
        ({"not_before": date(2026, 3, 9), "until": date(2026, 3, 8)}, "until"),
        ({"from_time": time(12), "to_time": time(12)}, "to_time"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(clinic: Clinic, changes: dict[str, object], field: str) -> None:
    with pytest.raises(actions.Impossible) as refused:
        join(clinic, **changes)
    assert field in refused.value.fields


def test_a_visit_that_is_over_or_of_another_kind_cannot_move_forward(clinic: Clinic) -> None:
    cancelled = clinic.book(LATER)
    cancel(clinic, cancelled)
    with pytest.raises(actions.Impossible):
        join(clinic, moves_id=cancelled.pk)
    with pytest.raises(NotFound):
        join(clinic, clinic.ruth, moves_id=cancelled.pk)


def test_what_does_not_exist_or_is_somebody_elses_is_not_found(clinic: Clinic, referral: Referral) -> None:
    for changes in (
        {"site_ids": ()},
        {"site_ids": (clinic.site.pk, 999_999)},
        {"visit_type_code": "nothing"},
        {"with_id": 999_999},
        {"loop_id": 999_999},
    ):
        with pytest.raises(NotFound):
            join(clinic, **changes)
    with pytest.raises(NotFound):
        join(clinic, clinic.ruth, referral_id=referral.pk)


def test_a_kind_that_needs_a_referral_is_waited_for_with_one(clinic: Clinic, referral: Referral) -> None:
    with writes_open():
        VisitType.objects.filter(pk=clinic.follow_up.pk).update(referral_needed=True)
    opening = freed(clinic)
    with pytest.raises(actions.ReferralNeeded):
        join(clinic)
    wait = join(clinic, referral_id=referral.pk)
    assert [one.entry for one in queries.candidates(clinic.rosa, opening=opening, now=NOW)] == [wait]
    with writes_open():
        WaitlistEntry.objects.update(referral=None)
    assert queries.candidates(clinic.rosa, opening=opening, now=NOW) == ()


def test_other_sites_and_roles_enter_nobody(clinic: Clinic) -> None:
    draft = actions.WaitDraft(key="k", visit_type_code="follow_up", site_ids=(clinic.site.pk,))
    with pytest.raises(NotFound):
        actions.join_waitlist(actor=clinic.pat, patient=clinic.walter, draft=draft, now=NOW)
    with pytest.raises(Forbidden):
        actions.join_waitlist(actor=clinic.adam, patient=clinic.walter, draft=draft, now=NOW)


def test_liaison_enters_a_patient_for_the_sites_team(clinic: Clinic) -> None:
    with writes_open():
        team = Team.objects.create(name="Care desk", site=clinic.site)
        TeamMember.objects.create(team=team, user_id=clinic.rosa.user_id)
    draft = actions.WaitDraft(key="k", visit_type_code="follow_up", site_ids=(clinic.site.pk,))
    wait = actions.join_waitlist(actor=LIAISON, patient=clinic.walter, draft=draft, now=NOW)
    assert Loop.objects.get(pk=wait.loop_id).owner_team_id == team.pk


# --- changing, staying, leaving -----------------------------------------------------------------------------------


def test_a_change_keeps_the_place_in_the_line(clinic: Clinic) -> None:
    wait = join(clinic)
    with writes_open():
        wait.sites.add(clinic.other_site)
    draft = actions.WaitDraft(
        key="x", visit_type_code="follow_up", site_ids=(clinic.other_site.pk,), weekdays=(4, 0, 4),
        urgency=Urgency.URGENT, urgency_reason="Worse",
    )  # fmt: skip
    changed = actions.change_wait(
        actor=clinic.rosa, wait=wait, draft=draft, expected_version=1, now=NOW + timedelta(days=1)
    )
    assert (changed.weekdays, changed.joined_at, changed.version) == ([0, 4], NOW, 2)
    assert Loop.objects.get(pk=wait.loop_id).due_at.date() == date(2026, 3, 5)
    with pytest.raises(Stale):
        actions.change_wait(actor=clinic.rosa, wait=wait, draft=draft, expected_version=1, now=NOW)
    actions.change_wait(actor=clinic.rosa, wait=wait, draft=draft, expected_version=2, now=NOW)


def test_the_kind_of_visit_stays(clinic: Clinic) -> None:
    wait = join(clinic)
    draft = actions.WaitDraft(key="x", visit_type_code="other", site_ids=(clinic.site.pk,))
    with pytest.raises(actions.Impossible):
        actions.change_wait(actor=clinic.rosa, wait=wait, draft=draft, expected_version=1, now=NOW)


def test_looking_without_success_sets_the_next_look(clinic: Clinic) -> None:
    wait = join(clinic)
    actions.keep_waiting(actor=clinic.rosa, wait=wait, expected_version=1, now=NOW + timedelta(days=7))
    assert Loop.objects.get(pk=wait.loop_id).due_at.date() == date(2026, 3, 24)


def test_leaving_needs_a_reason_and_keeps_the_promise(clinic: Clinic) -> None:
    wait = join(clinic)
    with pytest.raises(actions.ReasonMissing):
        actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason=" ", now=NOW)
    left = actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason="Found one elsewhere", now=NOW)
    assert (left.state, left.end_reason) == ("left", "Found one elsewhere")
    assert Loop.objects.get(pk=wait.loop_id).state == "closed"
    with pytest.raises(actions.NotWaiting):
        actions.keep_waiting(actor=clinic.rosa, wait=wait, expected_version=2, now=NOW)


def test_leaving_a_wait_whose_loop_somebody_gave_up_is_no_trouble(clinic: Clinic) -> None:
    from liaison.loops.actions import give_up_loop

    wait = join(clinic)
    give_up_loop(clinic.rosa, loop_id=wait.loop_id or 0, reason="Slip", now=NOW)
    assert actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason="Over", now=NOW).state == "left"


def test_an_offer_to_somebody_whose_loop_was_given_up_still_runs_and_ends(clinic: Clinic) -> None:
    from liaison.loops.actions import give_up_loop

    wait = join(clinic)
    give_up_loop(clinic.rosa, loop_id=wait.loop_id or 0, reason="Slip", now=NOW)
    made = offer(clinic, wait, freed(clinic))
    assert actions.accept_offer(actor=clinic.rosa, offer=made, now=NOW).state == "accepted"


def test_an_offer_that_nobody_ended_is_taken_back_after_the_visit_without_a_word(clinic: Clinic) -> None:
    with_mail(clinic.walter)
    made = offer(clinic, join(clinic), freed(clinic), by=OfferBy.MAIL)
    with writes_open():
        Message.objects.update(state="sent", sent_at=NOW, next_attempt_at=None)
    actions.withdraw_offer(actor=clinic.rosa, offer=made, now=made.start_at)
    assert Message.objects.count() == 1


def test_leaving_withdraws_the_offer_that_runs(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    made = offer(clinic, wait, opening)
    actions.leave_waitlist(actor=clinic.rosa, wait=wait, reason="Moved away", now=NOW)
    made.refresh_from_db()
    assert made.state == "withdrawn"
    assert Appointment.objects.get(pk=made.hold_id).state == "cancelled"


# --- freed times --------------------------------------------------------------------------------------------------


def test_a_cancelled_visit_frees_its_time_for_those_who_wait(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    wait = join(clinic)
    cancel(clinic, visit)
    (found,) = queries.openings_ahead(clinic.rosa, now=NOW)
    assert (found.opening.start_at, found.opening.why) == (local("2026-03-03 10:00"), "cancelled")
    (one,) = found.candidates
    assert (one.entry, one.time.start_at) == (wait, local("2026-03-03 10:00"))


def test_a_moved_visit_frees_its_old_time_and_a_past_one_nothing(clinic: Clinic) -> None:
    visit = clinic.book("2026-03-03 10:00", patient=clinic.ruth)
    actions.move_appointment(
        actor=clinic.rosa, appointment=visit, order=clinic.order("2026-03-04 10:00"), reason=CancelReason.PATIENT,
        now=NOW,
    )  # fmt: skip
    assert [opening.why for opening in Opening.objects.all()] == ["moved"]
    cancel(clinic, Appointment.objects.get(state="booked"), now=local("2026-03-04 10:05"))
    assert Opening.objects.count() == 1


def test_time_that_was_closed_and_opens_again_is_freed_too(clinic: Clinic) -> None:
    def reopen(on: str, now: datetime) -> None:
        span = Span(local(f"{on} 09:00"), local(f"{on} 12:00"))
        closure = actions.close_time(actor=clinic.marta, of=clinic.site, during=span, reason="Snow", now=NOW)
        actions.open_time(actor=clinic.marta, closure=closure, now=now)

    reopen("2026-03-03", local("2026-03-03 10:00"))
    reopen("2026-03-04", local("2026-03-05 10:00"))
    (opening,) = Opening.objects.all()
    assert (opening.why, opening.start_at, opening.end_at) == (
        "reopened", local("2026-03-03 10:00"), local("2026-03-03 12:00"),
    )  # fmt: skip


def test_a_time_named_by_hand_lies_ahead_and_is_named_once(clinic: Clinic) -> None:
    assert freed(clinic).pk == freed(clinic).pk
    with pytest.raises(actions.Impossible):
        freed(clinic, "2026-03-01 10:00", "2026-03-01 11:00")


def test_those_whom_it_suits_are_ranked_and_the_reasons_shown(clinic: Clinic) -> None:
    later = clinic.book(LATER)
    first = join(clinic, now=NOW - timedelta(days=3), moves_id=later.pk)
    urgent = join(clinic, clinic.ruth, urgency=Urgency.URGENT, urgency_reason="New murmur")
    with_phone(clinic.walter)
    join(clinic, someone(clinic, "Mondays"), weekdays=(0,))
    opening = freed(clinic)
    best, second = queries.candidates(clinic.rosa, opening=opening, now=NOW)
    assert (best.entry, second.entry) == (urgent, first)
    assert (second.days_won, second.waits_days, best.days_won) == (17, 3, None)
    assert (second.by_phone_only, bool(second.phone), best.phone) == (True, True, "")


def test_a_time_at_which_the_patient_is_elsewhere_does_not_suit(clinic: Clinic) -> None:
    clinic.book("2026-03-03 10:00", seats=clinic.seats(who=clinic.okafor, room=clinic.other_room))
    join(clinic)
    assert queries.candidates(clinic.rosa, opening=freed(clinic), now=NOW) == ()


def test_who_wants_one_clinician_only_is_not_offered_another(clinic: Clinic) -> None:
    wait = join(clinic, with_id=clinic.okafor.pk)
    opening = freed(clinic)
    (one,) = queries.candidates(clinic.rosa, opening=opening, now=NOW)
    assert one.time.who == ("Dr Okafor",)
    clinic.book("2026-03-03 10:00", patient=clinic.ruth, seats=clinic.seats(who=clinic.okafor))
    assert queries.fitting_time(wait, opening=opening, now=NOW) is None


def test_a_person_or_a_kind_that_is_gone_suits_nobody(clinic: Clinic) -> None:
    wait = join(clinic, with_id=clinic.okafor.pk)
    opening = freed(clinic)
    actions.retire_resource(actor=clinic.marta, resource=clinic.okafor, now=NOW)
    assert queries.fitting_time(wait, opening=opening, now=NOW) is None
    with writes_open():
        VisitType.objects.update(is_current=False)
    assert queries.fitting_time(wait, opening=opening, now=NOW) is None
    with pytest.raises(actions.NoLongerFits):
        offer(clinic, wait, opening)


def test_an_opening_that_is_over_suits_nobody(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    assert queries.fitting_time(wait, opening=opening, now=opening.end_at) is None


def test_the_other_site_sees_neither_who_waits_nor_what_is_free(clinic: Clinic) -> None:
    wait, opening = join(clinic), freed(clinic)
    made = offer(clinic, wait, opening)
    assert queries.waiting(clinic.pat, now=NOW) == []
    assert queries.openings_ahead(clinic.pat, now=NOW) == ()
    for look in (
        lambda: queries.get_entry(clinic.pat, entry_id=wait.pk, now=NOW),
        lambda: queries.get_opening(clinic.pat, opening_id=opening.pk),
        lambda: actions.accept_offer(actor=clinic.pat, offer=made, now=NOW),
        lambda: actions.offer_to_one(actor=clinic.pat, wait=wait, opening=opening, by=OfferBy.PHONE, now=NOW),
    ):
        with pytest.raises(NotFound):
            look()
    for look in (
        lambda: queries.waiting(clinic.adam, now=NOW),
        lambda: queries.openings_ahead(clinic.adam, now=NOW),
    ):
        with pytest.raises(Forbidden):
            look()


def test_who_sees_the_patient_but_not_the_site_offers_nothing_there(clinic: Clinic) -> None:
    from liaison.patients.models import PatientSite

    wait, opening = join(clinic), freed(clinic)
    with writes_open():
        PatientSite.objects.create(patient=clinic.walter, site=clinic.other_site)
    with pytest.raises(NotFound):
        actions.offer_to_one(actor=clinic.pat, wait=wait, opening=opening, by=OfferBy.PHONE, now=NOW)


def test_days_of_waiting_are_those_of_the_site_also_late_in_the_evening(clinic: Clinic) -> None:
    joined, looked = local("2026-03-01 23:30"), local("2026-03-02 09:00")
    join(clinic, now=joined)
    (one,) = queries.candidates(clinic.rosa, opening=freed(clinic), now=looked)
    assert one.waits_days == 1
    (one,) = queries.candidates(clinic.rosa, opening=freed(clinic), now=local("2026-03-01 23:45"))
    assert one.waits_days == 0


def test_liaison_gives_a_wait_to_whoever_follows_the_patient_up_or_refuses_where_nobody_could(clinic: Clinic) -> None:
    """A site without a team has a coordinator; one without anybody can't promise to look for a time."""
    draft = replace(DRAFT, site_ids=(clinic.site.pk,))
    with writes_open():
        Team.objects.all().delete()
    wait = actions.join_waitlist(actor=system_actor("intake"), patient=clinic.walter, draft=draft, now=NOW)
    assert wait.loop is not None
    assert wait.loop.owner_user_id is not None
    with writes_open():
        Assignment.objects.all().delete()
    with pytest.raises(NobodyToOwn):
        actions.join_waitlist(
            actor=system_actor("intake"), patient=clinic.ruth, draft=replace(draft, key="other"), now=NOW
        )
    assert not WaitlistEntry.objects.filter(patient=clinic.ruth).exists()


def test_a_site_is_named_by_who_puts_people_on_the_list_there(clinic: Clinic) -> None:
    with pytest.raises(actions.NotYourSite):
        join(clinic, site_ids=(clinic.site.pk, clinic.other_site.pk))
    wait = join(clinic)
    draft = replace(DRAFT, key="k", site_ids=(clinic.other_site.pk,))
    with pytest.raises(actions.NotYourSite):
        actions.change_wait(actor=clinic.rosa, wait=wait, draft=draft, expected_version=1, now=NOW)


def test_nobody_is_waited_for_where_they_never_work(clinic: Clinic) -> None:
    west = [actions.HoursDraft(site=clinic.other_site, weekday=0, opens=time(9), closes=time(12))]
    actions.set_hours(actor=clinic.adam, resource=clinic.okafor, hours=west, now=NOW)
    with pytest.raises(actions.Impossible) as refused:
        join(clinic, with_id=clinic.okafor.pk)
    assert set(refused.value.fields) == {"with_id"}
    assert join(clinic, with_id=clinic.imani.pk).with_resource == clinic.imani
