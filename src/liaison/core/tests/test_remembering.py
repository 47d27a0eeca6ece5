"""What a page asks for many times is asked once, and nothing outlives the request or a change."""

import pytest

from liaison.core.act import act
from liaison.core.actor import system_actor
from liaison.core.clock import current_time
from liaison.core.remembering import forget, remembered, remembering
from liaison.core.tests.test_act import MEND


class Asked:
    """Counts how often it is asked."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return self.times


def test_outside_a_request_nothing_is_remembered():
    ask = Asked()
    assert [remembered("a", ask), remembered("a", ask)] == [1, 2]
    forget()


def test_inside_each_key_is_asked_once():
    ask = Asked()
    with remembering():
        assert [remembered("a", ask), remembered("a", ask), remembered("b", ask)] == [1, 1, 2]


def test_the_next_request_asks_again():
    ask = Asked()
    for times in (1, 2):
        with remembering():
            assert remembered("a", ask) == times


def test_what_is_false_is_remembered_too():
    asked = []
    with remembering():
        for _ in range(2):
            assert remembered("a", lambda: bool(asked.append(1))) is False
    assert len(asked) == 1


@pytest.mark.django_db
def test_a_change_forgets():
    ask = Asked()
    with remembering():
        remembered("a", ask)
        with act(system_actor("test"), MEND, now=current_time()):
            assert remembered("a", ask) == 2
