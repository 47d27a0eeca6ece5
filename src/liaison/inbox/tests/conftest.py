"""Fixtures of the inbox's tests; models are imported once Django stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from liaison.inbox.tests.cast import Cast, Postman


@pytest.fixture
def cast(db: None) -> Cast:
    """The whole cast in the database."""
    from liaison.inbox.tests.cast import everybody

    return everybody()


@pytest.fixture
def postman() -> Postman:
    """A postman of one's own."""
    from liaison.inbox.tests.cast import Postman

    return Postman()


@pytest.fixture
def texts(postman: Postman) -> Iterator[Postman]:
    """The same postman carries texts, for one test."""
    from liaison.inbox.ports import Channel, connect, disconnect, transport_for

    connect(Channel.TEXT, lambda: postman)
    yield postman
    disconnect(Channel.TEXT)
    assert transport_for(Channel.TEXT) is None
