"""What calls prove (DOMAIN 2.1)."""

from datetime import UTC, datetime, timedelta

import pytest

from liaison.inbox.rules.contact import (
    Attempt,
    Contact,
    ContactSoFar,
    Outcome,
    Understood,
    With,
    contact_so_far,
    needs_nurse,
    next_try,
    separate_attempts,
)

# Discharged Friday 13 February 2026; Monday is a holiday: contact by the end of Wednesday 18.
STARTS = datetime(2026, 2, 13, 5, tzinfo=UTC)
ENDS = datetime(2026, 2, 19, 5, tzinfo=UTC)
TUESDAY = datetime(2026, 2, 17, 15, tzinfo=UTC)
WEDNESDAY = datetime(2026, 2, 18, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


def stands(*attempts: Attempt, now: datetime = WEDNESDAY) -> ContactSoFar:
    """Where Walter's contact stands."""
    return contact_so_far(attempts, starts_at=STARTS, ends_at=ENDS, now=now)


def call(at: datetime, outcome: Outcome = Outcome.NO_ANSWER, **more: object) -> Attempt:
    """One call to Walter."""
    return Attempt(at=at, outcome=outcome, **more)  # type: ignore[arg-type]  # keywords of several types


def test_reaching_walter_about_his_condition_is_the_contact() -> None:
    found = stands(call(TUESDAY), call(WEDNESDAY, Outcome.REACHED, clinical=True))
    assert found == ContactSoFar(standing=Contact.CONTACTED, attempts=1, contacted_at=WEDNESDAY)


def test_reaching_june_counts_and_reaching_a_neighbour_does_not() -> None:
    june = call(TUESDAY, Outcome.REACHED, clinical=True, with_whom=With.PROXY)
    neighbour = call(TUESDAY, Outcome.REACHED, clinical=True, with_whom=With.OTHER)
    assert stands(june).standing is Contact.CONTACTED
    assert stands(neighbour) == ContactSoFar(standing=Contact.DUE, attempts=1)


def test_talking_only_about_scheduling_is_neither_contact_nor_a_failed_attempt() -> None:
    assert stands(call(TUESDAY, Outcome.REACHED), call(WEDNESDAY, Outcome.REACHED)) == ContactSoFar(
        standing=Contact.DUE, attempts=0
    )


@pytest.mark.parametrize("outcome", [Outcome.NO_ANSWER, Outcome.LEFT_MESSAGE, Outcome.BUSY])
def test_two_separate_documented_attempts_keep_the_service(outcome: Outcome) -> None:
    assert stands(call(TUESDAY, outcome)).standing is Contact.DUE
    assert stands(call(TUESDAY, outcome), call(WEDNESDAY, outcome)) == ContactSoFar(
        standing=Contact.ATTEMPTS_DOCUMENTED, attempts=2
    )


def test_dialling_again_at_once_is_the_same_attempt() -> None:
    minutes = timedelta(minutes=1)
    twice = (call(TUESDAY), call(TUESDAY + 59 * minutes))
    assert stands(*twice) == ContactSoFar(standing=Contact.DUE, attempts=1)
    assert stands(call(TUESDAY + HOUR), call(TUESDAY)).attempts == 2


def test_a_wrong_number_is_no_attempt() -> None:
    wrong = call(TUESDAY, Outcome.WRONG_NUMBER)
    assert stands(wrong, call(WEDNESDAY)).standing is Contact.DUE


def test_the_window_is_half_open() -> None:
    assert stands(call(ENDS), call(STARTS - HOUR)).attempts == 0
    assert stands(call(STARTS), call(ENDS - HOUR / 60)).attempts == 2
    assert stands(now=ENDS - HOUR).standing is Contact.DUE
    assert stands(now=ENDS).standing is Contact.MISSED
    assert stands(call(TUESDAY), call(WEDNESDAY), now=ENDS).standing is Contact.ATTEMPTS_DOCUMENTED


def test_tries_within_an_hour_count_once_and_a_wrong_number_not_at_all() -> None:
    wrong = Attempt(at=TUESDAY + 3 * HOUR, outcome=Outcome.WRONG_NUMBER)
    assert separate_attempts([call(TUESDAY + HOUR / 2), call(TUESDAY), wrong]) == 1
    assert separate_attempts([call(TUESDAY + HOUR), call(TUESDAY)]) == 2


def test_the_next_try_is_at_another_time_of_day() -> None:
    assert next_try(outcome=Outcome.REACHED, at=TUESDAY, tries=1) is None
    assert next_try(outcome=Outcome.BUSY, at=TUESDAY, tries=1) == TUESDAY + HOUR / 2
    assert next_try(outcome=Outcome.NO_ANSWER, at=TUESDAY, tries=1) == TUESDAY + 3 * HOUR
    assert next_try(outcome=Outcome.LEFT_MESSAGE, at=TUESDAY, tries=2) == TUESDAY + 21 * HOUR
    assert next_try(outcome=Outcome.WRONG_NUMBER, at=TUESDAY, tries=1) == TUESDAY


def test_a_nurse_explains_what_was_twice_not_understood() -> None:
    assert not needs_nurse([Understood.NO])
    assert not needs_nurse([Understood.PARTLY, Understood.YES])
    assert needs_nurse([Understood.PARTLY, Understood.YES, Understood.NO])
