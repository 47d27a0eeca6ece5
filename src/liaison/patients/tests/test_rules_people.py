"""Ages, proxies, ways to reach someone, and how alike two registrations are."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.patients import rules
from liaison.patients.rules import Channel, Line, Registration, Scope, Tier

ON = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("birth_on", "on", "age"),
    [
        (date(1948, 2, 3), date(2026, 2, 2), 77),
        (date(1948, 2, 3), date(2026, 2, 3), 78),
        (date(2000, 2, 29), date(2018, 2, 28), 17),
        (date(2000, 2, 29), date(2018, 3, 1), 18),
        (date(2000, 2, 29), date(2020, 2, 29), 20),
    ],
)
def test_an_age_is_completed_years(birth_on: date, on: date, age: int) -> None:
    assert rules.age_on(birth_on, on=on) == age


@given(st.dates(date(1890, 1, 1), date(2020, 12, 31)), st.integers(0, 110))
def test_nobody_is_older_the_day_before_they_turn(birth_on: date, years: int) -> None:
    day = rules.turns_on(birth_on, years=years)
    assert rules.age_on(birth_on, on=day) == years
    assert rules.age_on(birth_on, on=day - timedelta(days=1)) == years - 1


@pytest.mark.parametrize(
    ("birth_on", "tier"),
    [
        (date(2026, 1, 1), Tier.CHILD),
        (date(2014, 11, 24), Tier.CHILD),
        (date(2014, 11, 23), Tier.TEEN),
        (date(2008, 11, 24), Tier.TEEN),
        (date(2008, 11, 23), Tier.ADULT),
        (None, Tier.UNKNOWN),
    ],
)
def test_age_groups_begin_at_twelve_and_eighteen(birth_on: date | None, tier: Tier) -> None:
    assert rules.tier_on(birth_on, on=ON) is tier


CHILD, TEEN, ADULT = date(2020, 1, 1), date(2012, 1, 1), date(1948, 2, 3)


@pytest.mark.parametrize(
    ("kind", "birth_on", "deceased", "scope"),
    [
        ("parent", CHILD, False, rules.FULL_SCOPE),
        ("parent", TEEN, False, rules.TEEN_SCOPE),
        ("parent", None, False, rules.TEEN_SCOPE),
        ("parent", ADULT, False, frozenset()),
        ("guardian", TEEN, False, rules.TEEN_SCOPE),
        ("guardian", ADULT, False, rules.FULL_SCOPE),
        ("consent", ADULT, False, rules.FULL_SCOPE),
        ("consent", ADULT, True, frozenset()),
        ("executor", ADULT, True, rules.FULL_SCOPE),
        ("executor", ADULT, False, frozenset()),
    ],
)
def test_what_a_proxy_may_know_follows_from_age_and_right(
    kind: str, birth_on: date | None, deceased: bool, scope: frozenset[Scope]
) -> None:
    held = rules.allowed_scope(kind, granted=rules.FULL_SCOPE, birth_on=birth_on, deceased=deceased, on=ON)
    assert held == scope


def test_a_proxy_never_gets_more_than_was_granted() -> None:
    held = rules.allowed_scope("parent", granted={"clinical", "billing"}, birth_on=TEEN, deceased=False, on=ON)
    assert held == {Scope.BILLING}


def test_only_a_parents_right_ends_by_itself() -> None:
    assert rules.latest_end_on("parent", birth_on=date(2012, 2, 29)) == date(2030, 3, 1)
    assert rules.latest_end_on("parent", birth_on=None) is None
    assert rules.latest_end_on("guardian", birth_on=TEEN) is None


MOBILE = Line(id=1, kind="phone", value="+12075550123", may_text=True, preferred=True, may_leave_message=True)
HOME = Line(id=2, kind="phone", value="+12075550199")
MAIL = Line(id=3, kind="email", value="w@example.org", may_email=True)
POST = Line(id=4, kind="address", value="12 Elm St")


def test_the_preferred_line_comes_first_and_what_may_not_be_used_last() -> None:
    assert rules.ways_to_reach([HOME, MOBILE])[0] == rules.ways_to_reach([MOBILE])[0]
    ways = [(way.line_id, way.channel) for way in rules.ways_to_reach([HOME, MAIL, MOBILE])]
    assert ways == [(1, Channel.CALL), (1, Channel.TEXT), (2, Channel.CALL), (3, Channel.EMAIL), (2, Channel.TEXT)]


def test_every_way_says_why_it_may_not_be_used() -> None:
    bad = Line(id=5, kind="email", value="old@example.org", may_email=True, usable=False)
    silent = Line(id=6, kind="phone", value="+12075550177", may_call=False)
    fax = Line(id=7, kind="fax", value="+12075550188")
    plain_mail = Line(id=8, kind="email", value="x@example.org")
    ways = {
        (way.line_id, way.channel): way.blocked for way in rules.ways_to_reach([bad, silent, HOME, fax, plain_mail])
    }
    assert ways == {
        (5, Channel.EMAIL): "bad",
        (6, Channel.CALL): "no_call",
        (6, Channel.TEXT): "no_text",
        (2, Channel.CALL): "",
        (2, Channel.TEXT): "no_text",
        (8, Channel.EMAIL): "no_email",
    }


def test_messages_are_left_only_where_they_said_so_and_only_by_voice() -> None:
    left = {way.channel: way.may_leave_message for way in rules.ways_to_reach([MOBILE])}
    assert left == {Channel.CALL: True, Channel.TEXT: False}


def test_a_confidential_line_closes_all_others() -> None:
    secret = Line(id=9, kind="phone", value="+12075550100", confidential=True)
    assert rules.ways_to_reach([MOBILE, MAIL, POST, secret])[0].line_id == 9
    blocked = {way.blocked for way in rules.ways_to_reach([MOBILE, MAIL, POST, secret]) if way.line_id != 9}
    assert blocked == {"confidential"}


def test_a_confidential_line_that_fails_still_closes_all_others() -> None:
    secret = Line(id=9, kind="phone", value="+12075550100", confidential=True, usable=False)
    blocked = {(way.line_id, way.channel): way.blocked for way in rules.ways_to_reach([POST, secret])}
    assert blocked == {(4, Channel.LETTER): "confidential", (9, Channel.CALL): "bad", (9, Channel.TEXT): "no_text"}


WALTER = Registration(
    names=(("Walter", "Ng"),),
    birth_on=date(1948, 2, 3),
    sex="male",
    phones=frozenset({"+12075550123"}),
    emails=frozenset({"w@example.org"}),
    addresses=frozenset({"12 elm st"}),
    identifiers=frozenset({("ssn", "123456789")}),
)


def codes(other: Registration, *, one: Registration = WALTER) -> set[str]:
    likeness = rules.compare(one, other=other)
    assert likeness.score == sum(reason.points for reason in likeness.reasons)
    assert likeness == rules.compare(other, other=one)
    return {reason.code for reason in likeness.reasons}


def test_the_same_person_twice_has_every_reason() -> None:
    assert codes(WALTER) == {
        "same_identifier", "same_name", "same_birth_date", "same_phone", "same_email", "same_address",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ((("Ng", "Walter"),), "same_name"),
        ((("Wálter", "NG"),), "same_name"),
        ((("Walther", "Ng"),), "similar_name"),
        ((("Walt", "Ng"),), "similar_name"),
        ((("Wally", "Ng"),), "slightly_similar_name"),
        ((("Rosa", "Delgado"),), "different_name"),
        ((("Rosa", "Delgado"), ("Walter", "Ng")), "same_name"),
    ],
)
def test_names_are_alike_in_any_order_and_with_slips(names: tuple[tuple[str, str], ...], code: str) -> None:
    assert codes(Registration(names=names)) == {code}


@pytest.mark.parametrize(
    ("birth_on", "code"),
    [
        (date(1948, 3, 2), "similar_birth_date"),
        (date(1949, 2, 3), "similar_birth_date"),
        (date(1951, 12, 30), "different_birth_date"),
    ],
)
def test_a_slip_in_a_birth_date_is_seen(birth_on: date, code: str) -> None:
    assert codes(Registration(names=WALTER.names, birth_on=birth_on)) == {"same_name", code}


def test_numbers_of_one_system_that_disagree_are_a_conflict() -> None:
    other = Registration(names=WALTER.names, identifiers=frozenset({("ssn", "999999999"), ("mrn", "1")}))
    likeness = rules.compare(WALTER, other=other)
    assert likeness.conflict
    assert "identifiers_disagree" in {reason.code for reason in likeness.reasons}


def test_a_second_number_of_a_system_is_no_conflict_when_one_agrees() -> None:
    other = Registration(names=WALTER.names, identifiers=WALTER.identifiers | {("ssn", "999999999")})
    assert not rules.compare(WALTER, other=other).conflict


def test_a_different_sex_speaks_against_it_and_an_unknown_one_does_not() -> None:
    assert "different_sex" in codes(Registration(names=WALTER.names, sex="female"))
    assert "different_sex" not in codes(Registration(names=WALTER.names, sex="unknown"))


def test_someone_without_a_name_is_compared_by_the_rest() -> None:
    assert codes(Registration(names=(), birth_on=WALTER.birth_on)) == {"same_birth_date"}


@pytest.mark.parametrize(
    ("reason", "enough"),
    [
        ("chest pain", True),
        ("Unconscious", True),
        ("病人昏倒在前台没有家属", True),
        ("paro cardíaco", True),
        ("", False),
        ("urgent", False),
        ("a b c d e", False),
        ("no no no no", False),
        ("aaaaaaaaaaaaaaa", False),
        ("...............", False),
        ("911 911 911 911", False),
    ],
)
def test_a_reason_has_two_words_or_ten_letters(reason: str, enough: bool) -> None:
    assert rules.says_why(reason) is enough
