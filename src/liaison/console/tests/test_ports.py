"""The ports of a run are its own from the first moment to the last."""

import socket

import pytest

from liaison.console.ports import is_free, kept_ports
from liaison.console.problems import Problem


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port, *, shared):
    server = socket.socket()
    if shared:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def test_a_second_liaison_that_starts_meanwhile_is_refused(port):
    with kept_ports("127.0.0.1", [port], patience=0):
        assert not is_free("127.0.0.1", port)
        with (
            pytest.raises(Problem, match=f"Port {port} of 127.0.0.1 is in use"),
            kept_ports("127.0.0.1", [port], patience=0),
        ):
            pytest.fail("both would answer")
    assert is_free("127.0.0.1", port)


def test_our_own_server_listens_on_a_kept_port_and_gets_every_connection(port):
    with kept_ports("127.0.0.1", [port], patience=0), listening(port, shared=True) as server:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                server.accept()[0].close()


def test_a_port_that_another_program_has_is_refused(port):
    with (
        listening(port, shared=False),
        pytest.raises(Problem, match="choose other ports"),
        kept_ports("127.0.0.1", [port], patience=0),
    ):
        pytest.fail("it is taken")
