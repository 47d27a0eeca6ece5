"""The pages work under each name of this machine: passkeys want localhost, scripts are used to 127.0.0.1."""

import socket

import pytest
from django.conf import settings

from liaison.console.ports import is_free
from liaison.core.events_process import _is_ours
from liaison.core.shell import events_url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_a_page_listens_under_the_name_it_was_opened_with_as_its_cookie_goes_nowhere_else(client, name):
    page = client.get("/account/login/", headers={"host": f"{name}:{settings.LIAISON_PORT}"})
    assert page.status_code == 200
    listens = f"http://{name}:{settings.LIAISON_PORT + 1}"
    assert f"connect-src 'self' {listens};" in page.headers["Content-Security-Policy"]
    assert events_url(host=f"{name}:{settings.LIAISON_PORT}") == f"{listens}/events"


def test_people_are_sent_to_the_name_that_passkeys_can_belong_to():
    assert f"http://localhost:{settings.LIAISON_PORT}" == settings.LIAISON_PUBLIC_URL
    assert _is_ours(settings.LIAISON_PUBLIC_URL, host=f"localhost:{settings.LIAISON_PORT + 1}")


def test_a_name_that_is_not_ours_gets_no_page_and_no_place_to_listen(client):
    page = client.get("/account/login/", headers={"host": "elsewhere.example"})
    assert page.status_code == 400
    assert "connect-src 'self';" in page.headers["Content-Security-Policy"]


def test_in_production_pages_listen_behind_the_same_proxy(settings):
    settings.LIAISON_EVENTS_URL = "/events"
    assert events_url(host="liaison.example.org") == "/events"


def test_a_port_that_a_stranger_has_on_the_other_loopback_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as ours:
        port = ours.getsockname()[1]
        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)
    try:
        stranger = socket.create_server(("::1", port), family=socket.AF_INET6)
    except OSError:  # without IPv6 nobody can be there
        assert is_free("127.0.0.1", port)
        return
    with stranger:
        assert not is_free("127.0.0.1", port)
