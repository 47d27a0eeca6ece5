"""A failed message opens a loop, however late somebody comes who can own it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from liaison.accounts.access import Role
from liaison.accounts.actions import add_team, give_role
from liaison.accounts.models import Assignment, Team, User
from liaison.core.actor import Actor, system_actor
from liaison.core.models import AuditEntry
from liaison.core.postgres.guard import writes_open
from liaison.inbox import actions
from liaison.inbox.actions.waiting import waiting_messages
from liaison.inbox.jobs import find_owners, find_owners_soon
from liaison.inbox.models import Message
from liaison.inbox.ports import HowItWent, PermanentFailure, Result, Sent, Unknown
from liaison.inbox.queries.letters import address_for
from liaison.inbox.rules.channels import Address, Category, Channel, Why
from liaison.inbox.tests.cast import NOW, Cast, Postman
from liaison.inbox.tests.test_delivery import queue, send
from liaison.inbox.tests.test_untold import VISIT_AT, tell
from liaison.loops.actions import give_up_loop
from liaison.loops.models import Loop
from liaison.loops.ports import Owner
from liaison.loops.queries.unowned import unowned_banners
from liaison.patients.models import PatientSite

POST = system_actor("post office")
LATER = NOW + timedelta(hours=1)
BAD = PermanentFailure(reply="550 5.1.1 nobody", bad_address=True)


def nobody_is_there() -> None:
    """Who wrote has left, and neither a team nor a role is left."""
    with writes_open():
        Team.objects.all().delete()
        Assignment.objects.all().delete()
        User.objects.update(is_active=False, deactivated_at=NOW)


def rosa_comes_back(cast: Cast) -> None:
    """Rosa coordinates again, and nothing else told anybody."""
    cast.change(cast.rosa_user, is_active=True, deactivated_at=None)
    with writes_open():
        Assignment.objects.create(user=cast.rosa_user, role=Role.COORDINATOR, site=cast.site, starts_at=NOW)


@pytest.mark.parametrize("result", [BAD, Unknown(reply="The line was cut.")])
def test_a_message_that_failed_while_nobody_was_there_opens_its_loop_when_somebody_is(
    cast: Cast, postman: Postman, result: Result
) -> None:
    message = queue(cast)
    nobody_is_there()
    postman.results = [result]
    send(message, postman)
    assert not Loop.objects.exists()
    before = AuditEntry.objects.count()
    assert actions.open_what_waits(POST, now=LATER) == 1
    assert (Loop.objects.count(), AuditEntry.objects.count()) == (0, before)
    rosa_comes_back(cast)
    assert [actions.open_what_waits(POST, now=LATER) for _ in range(2)] == [0, 0]
    loop = Loop.objects.get()
    assert (loop.kind, loop.about_id, loop.owner, loop.opened_at) == (
        "failed-message", message.pk, Owner(user_id=cast.rosa_user.pk), LATER,
    )  # fmt: skip


def test_a_message_that_failed_for_a_patient_without_a_site_opens_its_loop_when_they_have_one(
    cast: Cast, postman: Postman
) -> None:
    message = queue(cast)
    with writes_open():
        PatientSite.objects.filter(patient=cast.walter).delete()
    postman.results = [BAD]
    send(message, postman)
    assert actions.open_what_waits(POST, now=LATER) == 1
    with writes_open():
        PatientSite.objects.create(patient=cast.walter, site=cast.site)
    assert actions.open_what_waits(POST, now=LATER) == 0
    assert Loop.objects.get().about_id == message.pk


def test_who_can_mend_it_is_told_how_many_messages_wait(cast: Cast, postman: Postman) -> None:
    message = queue(cast)
    nobody_is_there()
    postman.results = [BAD]
    send(message, postman)
    assert waiting_messages(site_ids=[cast.site.pk], now=LATER) == {cast.site.pk: 1}
    assert waiting_messages(site_ids=[], now=LATER) == {}
    boss = Actor(name="Adam", user_id=cast.pat_user.pk, assignments=frozenset({(str(Role.ADMINISTRATOR), None)}))
    (banner,) = unowned_banners(boss, now=LATER)
    assert banner.text.startswith("1 promise to a patient of Riverside Main waits")


def test_news_of_a_visit_that_was_withheld_while_nobody_was_there_opens_its_call_when_somebody_is(cast: Cast) -> None:
    ada = cast.patient()
    nobody_is_there()
    tell(cast, ada)
    tell(cast, ada, key="visit:2", expires_at=VISIT_AT - timedelta(days=1))
    assert actions.open_what_waits(POST, now=LATER) == 2
    rosa_comes_back(cast)
    assert actions.open_what_waits(POST, now=LATER) == 0
    loop = Loop.objects.get()
    assert loop.next_step == (
        "Tell Ada by phone (no e-mail address): "
        "their visit is on Sun, Mar 8, 09:30; their visit is on Mon, Mar 9, 09:30"
    )
    give_up_loop(cast.rosa, loop_id=loop.pk, reason="Told her at the desk", now=LATER)
    assert actions.open_what_waits(POST, now=LATER) == 0
    assert Loop.objects.count() == 1


def test_news_of_a_visit_that_needs_no_call_any_more_waits_for_nobody(cast: Cast) -> None:
    """The visit is over, or they wish no e-mail and were told in a call."""
    ada, eve = cast.patient(), cast.patient("Eve")
    cast.point(eve, value="eve@example.org")
    actions.note_opt_out(
        cast.rosa, patient=eve, channel="email", category="", source="by phone", evidence="call", now=NOW
    )  # fmt: skip
    nobody_is_there()
    tell(cast, ada, expires_at=LATER)
    tell(cast, eve, key="visit:2")
    assert {row.suppressed_reason for row in Message.objects.all()} == {"no_address", "opted_out"}
    assert actions.open_what_waits(POST, now=NOW) == 2
    actions.log_call(
        cast.rosa, patient=eve, went=HowItWent(outcome="reached", said="Monday suits."), idempotency_key="call", now=NOW
    )
    assert actions.open_what_waits(POST, now=LATER) == 0


def test_what_a_person_settled_is_not_asked_again(cast: Cast, postman: Postman) -> None:
    message = send(queue(cast), postman)
    actions.confirm_not_arrived(cast.rosa, message_id=message.pk, now=NOW)
    assert actions.open_what_waits(POST, now=LATER) == 0
    assert not Loop.objects.exists()


def looks() -> int:
    """How often the worker is to look at once."""
    return ProcrastinateJob.objects.filter(task_name="inbox.find_owners_soon").count()


def test_a_new_team_or_a_new_role_has_the_worker_look_at_once(cast: Cast) -> None:
    boss = system_actor("setup")
    add_team(actor=boss, name="First", site=cast.site, now=NOW)
    assert looks() == 0
    queue(cast)
    add_team(actor=boss, name="Second", site=cast.site, now=NOW)
    assert looks() == 1
    give_role(actor=boss, person=cast.pat_user, role=Role.COORDINATOR, site=cast.site, now=NOW)
    assert looks() == 2


def test_the_worker_looks_every_hour_and_when_told(cast: Cast, postman: Postman) -> None:
    for key, look in (("a", find_owners), ("b", find_owners_soon)):
        message = queue(cast, key=key)
        with writes_open():
            PatientSite.objects.filter(patient=cast.walter).delete()
        postman.results = [Unknown(reply="The line was cut.")]
        send(message, postman)
        with writes_open():
            PatientSite.objects.create(patient=cast.walter, site=cast.site)
        look()
    assert Loop.objects.count() == 2


def test_a_proxy_of_tomorrow_is_not_written_to_late_in_the_evening(cast: Cast) -> None:
    """At 23:30 at the site it is the next day already in UTC."""
    ada = cast.patient()
    cast.proxy(ada, scope=["schedule", "messages"], starts_on=date(2026, 3, 3))
    zone = ZoneInfo("America/New_York")
    late, midnight = datetime(2026, 3, 2, 23, 30, tzinfo=zone), datetime(2026, 3, 3, tzinfo=zone)
    asked = {"channel": Channel.EMAIL, "category": Category.APPOINTMENT}
    assert isinstance(address_for(ada, now=late.astimezone(UTC), **asked), Why)
    found = address_for(ada, now=midnight.astimezone(UTC), **asked)
    assert isinstance(found, Address)
    assert found.proxy == "June Ng"


def test_an_answer_that_comes_late_leaves_nothing_to_wait_for(cast: Cast) -> None:
    message = queue(cast)
    nobody_is_there()
    claim = actions.claim_message(POST, message_id=message.pk, now=NOW)
    assert claim is not None
    actions.mark_handed_over(POST, claim, now=NOW)
    actions.settle(POST, claim, result=Unknown(reply="The line was cut."), now=NOW)
    assert actions.open_what_waits(POST, now=LATER) == 1
    actions.settle(POST, claim, result=Sent(reply="250 ok"), now=LATER)
    assert actions.open_what_waits(POST, now=LATER) == 0
