"""What anybody can send is a line of the log, a warning without a traceback and without what was sent."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from liaison.core.logs import LONGEST_REFUSAL


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the log says of refused requests."""
    (handler,) = [one for one in logging.getLogger("django.security").handlers if one.get_name() == "refused"]
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


@pytest.mark.django_db
def test_a_wrong_host_is_a_warning_of_one_line_that_names_it(log: io.StringIO) -> None:
    host = "evil.example" + "x" * 400
    assert Client(raise_request_exception=False).get("/", headers={"host": host}).status_code == 400
    said = [json.loads(line) for line in log.getvalue().splitlines()]
    assert said
    for line in said:
        assert (line["level"], line["logger"]) == ("WARNING", "django.security.DisallowedHost")
        assert "evil.example" in line["event"]
        assert len(line["event"]) <= LONGEST_REFUSAL
        assert "exc_info" not in line


@pytest.mark.django_db
def test_too_many_fields_are_a_warning_that_repeats_none_of_them(log: io.StringIO) -> None:
    fields = {f"walter-{number}": "Ng" for number in range((settings.DATA_UPLOAD_MAX_NUMBER_FIELDS or 0) + 1)}
    assert Client(raise_request_exception=False).post("/account/login/", fields).status_code == 413
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["level"], line["logger"]) == ("WARNING", "django.security.TooManyFieldsSent")
    assert line["event"] == "refused"
    assert "walter" not in log.getvalue()
    assert "exc_info" not in line
