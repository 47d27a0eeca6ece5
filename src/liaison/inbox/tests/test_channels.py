"""Whom a message may go to."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liaison.inbox.rules.channels import (
    Address,
    Category,
    Channel,
    ProxyPoint,
    Reach,
    Standing,
    Why,
    choose_address,
)
from liaison.patients.ports import Line

TODAY = date(2026, 3, 2)


def email(number: int, value: str, *, may_email: bool = True, **more: bool) -> Line:
    """A mailbox that may be written to, unless said otherwise."""
    return Line(id=number, kind="email", value=value, may_email=may_email, **more)


HOME = email(1, "walter@example.org")
WORK = email(2, "ng@work.example", preferred=True)
SECRET = email(3, "quiet@example.org", confidential=True)
PHONE = Line(id=4, kind="phone", value="+16175550100", may_text=True)
JUNE = ProxyPoint(name="June", kind="email", value="june@example.org")


def address(
    *lines: Line,
    proxies: tuple[ProxyPoint, ...] = (),
    said: tuple[tuple[Channel, Category, Standing], ...] = (),
    age: int | None = 70,
    deceased: bool = False,
    category: Category = Category.APPOINTMENT,
    channel: Channel = Channel.EMAIL,
) -> Address | Why:
    """The choice for Walter."""
    reach = Reach(deceased=deceased, age=age, lines=lines, proxies=proxies, standings=said)
    return choose_address(reach, channel=channel, category=category, on=TODAY)


def test_the_preferred_address_wins_then_the_oldest() -> None:
    assert address(HOME, WORK) == Address(value="ng@work.example", point_id=2)
    assert address(HOME, email(9, "later@example.org")) == Address(value="walter@example.org", point_id=1)


def test_a_confidential_address_is_the_only_one_used() -> None:
    assert address(HOME, WORK, SECRET) == Address(value="quiet@example.org", point_id=3)


def test_a_confidential_address_that_bounces_falls_back_to_nobody() -> None:
    bad = email(3, "quiet@example.org", confidential=True, usable=False)
    assert address(HOME, bad, proxies=(JUNE,)) is Why.DO_NOT_CONTACT


def test_a_confidential_number_closes_the_mailbox_too() -> None:
    quiet = Line(id=5, kind="phone", value="+16175550101", confidential=True, may_text=True)
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
    assert address(email(1, "x@y.z", usable=False)) is Why.BAD_ADDRESS
    assert address(email(1, "x@y.z", may_email=False)) is Why.DO_NOT_CONTACT
    assert address(email(1, "x@y.z", usable=False), email(2, "a@y.z", may_email=False)) is Why.BAD_ADDRESS
    assert address(email(1, "x@y.z", usable=False, may_email=False)) is Why.DO_NOT_CONTACT
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
    Line,
    id=st.integers(1, 9), kind=st.sampled_from(["email", "phone"]), value=st.sampled_from("abcd"),
    preferred=st.booleans(), confidential=st.booleans(), may_email=st.booleans(), usable=st.booleans(),
)))  # fmt: skip
def test_whatever_the_lines_a_chosen_one_may_be_used(lines: list[Line]) -> None:
    found = address(*lines)
    if isinstance(found, Address):
        chosen = [p for p in lines if p.id == found.point_id and p.value == found.value and p.kind == "email"]
        assert any(line.may_email and line.usable for line in chosen)
        asked = [p for p in lines if p.confidential]
        assert not asked or any(line.confidential for line in chosen)
