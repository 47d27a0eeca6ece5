"""Whom a message may go to."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.inbox.rules.channels import (
    Address,
    Category,
    Channel,
    Point,
    ProxyPoint,
    Reach,
    Standing,
    Why,
    choose_address,
)

TODAY = date(2026, 3, 2)
HOME = Point(id=1, kind="email", value="walter@example.org")
WORK = Point(id=2, kind="email", value="ng@work.example", preferred=True)
SECRET = Point(id=3, kind="email", value="quiet@example.org", confidential=True)
PHONE = Point(id=4, kind="phone", value="+16175550100")
JUNE = ProxyPoint(name="June", kind="email", value="june@example.org")


def address(
    *points: Point,
    proxies: tuple[ProxyPoint, ...] = (),
    said: tuple[tuple[Channel, Category, Standing], ...] = (),
    age: int | None = 70,
    deceased: bool = False,
    category: Category = Category.APPOINTMENT,
    channel: Channel = Channel.EMAIL,
) -> Address | Why:
    """The choice for Walter."""
    reach = Reach(deceased=deceased, age=age, points=points, proxies=proxies, standings=said)
    return choose_address(reach, channel=channel, category=category, on=TODAY)


def test_the_preferred_address_wins_then_the_oldest() -> None:
    assert address(HOME, WORK) == Address(value="ng@work.example", point_id=2)
    assert address(HOME, Point(id=9, kind="email", value="later@example.org")) == Address(
        value="walter@example.org", point_id=1
    )


def test_a_confidential_address_is_the_only_one_used() -> None:
    assert address(HOME, WORK, SECRET) == Address(value="quiet@example.org", point_id=3)


def test_a_confidential_address_that_bounces_falls_back_to_nobody() -> None:
    bad = Point(id=3, kind="email", value="quiet@example.org", confidential=True, bad=True)
    assert address(HOME, bad, proxies=(JUNE,)) is Why.DO_NOT_CONTACT


def test_a_confidential_number_closes_the_mailbox_too() -> None:
    quiet = Point(id=5, kind="phone", value="+16175550101", confidential=True)
    assert address(HOME, WORK, quiet, proxies=(JUNE,)) is Why.DO_NOT_CONTACT
    assert address(HOME, PHONE, quiet, channel=Channel.TEXT) == Address(value="+16175550101", point_id=5)


def test_nothing_goes_to_the_dead() -> None:
    assert address(HOME, deceased=True, proxies=(JUNE,)) is Why.DECEASED


def test_the_last_word_on_a_channel_and_category_counts() -> None:
    stop = (Channel.EMAIL, Category.APPOINTMENT, Standing.STOPPED)
    start = (Channel.EMAIL, Category.APPOINTMENT, Standing.ALLOWED)
    assert address(HOME, said=(start, stop)) is Why.OPTED_OUT
    assert address(HOME, said=(stop, start)) == Address(value="walter@example.org", point_id=1)
    assert address(HOME, said=(stop,), category=Category.CLINICAL) == Address(value="walter@example.org", point_id=1)


def test_marketing_needs_a_yes_first() -> None:
    yes = (Channel.EMAIL, Category.MARKETING, Standing.ALLOWED)
    assert address(HOME, category=Category.MARKETING) is Why.NOT_ASKED
    assert isinstance(address(HOME, category=Category.MARKETING, said=(yes,)), Address)


def test_each_reason_for_no_address_is_told_apart() -> None:
    assert address(PHONE) is Why.NO_ADDRESS
    assert address(Point(id=1, kind="email", value="x@y.z", bad=True)) is Why.BAD_ADDRESS
    assert address(Point(id=1, kind="email", value="x@y.z", may_use=False)) is Why.DO_NOT_CONTACT
    assert address(HOME, PHONE, channel=Channel.TEXT) == Address(value="+16175550100", point_id=4)


def test_a_proxy_stands_in_where_the_patient_has_no_address() -> None:
    assert address(PHONE, proxies=(JUNE,)) == Address(value="june@example.org", proxy="June")
    assert address(HOME, proxies=(JUNE,)) == Address(value="walter@example.org", point_id=1)
    assert address(SECRET, PHONE, proxies=(JUNE,), channel=Channel.LETTER) is Why.NO_ADDRESS


@pytest.mark.parametrize(
    "proxy",
    [
        ProxyPoint(name="June", kind="email", value="j@x.y", ends_on=TODAY),
        ProxyPoint(name="June", kind="email", value="j@x.y", starts_on=date(2026, 3, 3)),
        ProxyPoint(name="June", kind="email", value="j@x.y", receives=frozenset({Category.CLINICAL})),
        ProxyPoint(name="June", kind="phone", value="+1617"),
    ],
)
def test_a_proxy_outside_their_scope_or_time_gets_nothing(proxy: ProxyPoint) -> None:
    assert address(proxies=(proxy,)) is Why.NO_ADDRESS


def test_a_childs_messages_go_to_a_parent_and_a_teens_only_in_part() -> None:
    assert address(HOME, proxies=(JUNE,), age=11) == Address(value="june@example.org", proxy="June")
    assert address(HOME, age=11) == Address(value="walter@example.org", point_id=1)
    assert address(proxies=(JUNE,), age=12) == Address(value="june@example.org", proxy="June")
    assert address(proxies=(JUNE,), age=17, category=Category.CLINICAL) is Why.NO_ADDRESS
    assert address(proxies=(JUNE,), age=18, category=Category.CLINICAL) == Address(
        value="june@example.org", proxy="June"
    )
    assert address(proxies=(JUNE,), age=None) == Address(value="june@example.org", proxy="June")


@given(st.lists(st.builds(
    Point,
    id=st.integers(1, 9), kind=st.sampled_from(["email", "phone"]), value=st.sampled_from("abcd"),
    preferred=st.booleans(), confidential=st.booleans(), may_use=st.booleans(), bad=st.booleans(),
)))  # fmt: skip
def test_whatever_the_points_a_chosen_one_may_be_used(points: list[Point]) -> None:
    found = address(*points)
    if isinstance(found, Address):
        chosen = [p for p in points if p.id == found.point_id and p.value == found.value and p.kind == "email"]
        assert any(point.may_use and not point.bad for point in chosen)
        asked = [p for p in points if p.confidential]
        assert not asked or any(point.confidential for point in chosen)
