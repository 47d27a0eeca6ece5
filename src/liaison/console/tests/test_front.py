"""Requests are read whole before a thread is given to them, and answers wait outside of it: nobody is held up."""

import http.client
import os
import socket
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import ExitStack, contextmanager

import pytest

from liaison.console.front import ANSWERS, TOO_SLOW, Front
from liaison.console.tests.test_up import three_free_ports
from liaison.console.up import serve_pages

PATIENCE = 60
SLOW_SENDERS = 12
SLOW_READERS = 12
LONGER = b"".join(b"%08d" % part * 8192 for part in range(200))
HEAD = "POST /account/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@contextmanager
def serving(port, command, **environment):
    """A server that answers, ended with the test."""
    process = subprocess.Popen(command, env=os.environ | environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while not may_connect(port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def may_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def ask(port, path, *, method="GET", body=None, headers=None, timeout=10):
    """One request over a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def begin(port, *, length=1_000, sent=b"a"):
    """A sender that has begun a form and takes its time."""
    sender = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    sender.sendall(f"{HEAD}Content-Length: {length}\r\n\r\n".encode() + sent)
    return sender


def test_twelve_slow_senders_keep_nobody_from_the_pages(ready, tmp_path):
    port = three_free_ports()
    given = {"DATABASE_URL": ready.url, "LIAISON_DATA": str(tmp_path), "LIAISON_MODE": "test"}
    with serving(port, serve_pages(host="127.0.0.1", port=port, workers=1), **given), ExitStack() as senders:
        assert ask(port, "/account/login/", timeout=PATIENCE)[0] == 200  # the first answer loads what all need
        for _ in range(SLOW_SENDERS):
            senders.enter_context(begin(port))
        assert ask(port, "/healthz")[2] == b"alive\n"
        status, _, page = ask(port, "/account/login/")
        assert status == 200
        assert b"<form" in page


# A WSGI application that says what it was given, behind the front with two threads and little patience.
ECHO = """
import hashlib, json, pathlib, resource, threading
from liaison.console.front import Front

closed = []
class Parts:
    def __init__(self, parts): self.parts = parts
    def __iter__(self): return iter(self.parts)
    def close(self): closed.append(True)

def application(environ, start_response):
    if environ["PATH_INFO"] == "/long":
        start_response("200 OK", [("content-type", "text/csv")])
        return Parts(b"x" * 65536 for _ in range(100))
    if environ["PATH_INFO"] == "/longer":
        start_response("200 OK", [("content-type", "text/csv")])
        return Parts(b"%08d" % part * 8192 for part in range(200))
    if environ["PATH_INFO"] == "/broken":
        start_response("200 OK", [("content-type", "text/csv")])
        return Parts(b"x" * (65536 // (part < 100)) for part in range(200))
    if environ["PATH_INFO"] == "/memory":
        start_response("200 OK", [])
        return [str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10).encode()]
    if environ["PATH_INFO"] == "/closed":
        start_response("200 OK", [])
        return [str(len(closed)).encode()]
    body = environ["wsgi.input"].read()
    said = {name: str(value) for name, value in environ.items() if name.isupper()}
    said |= {"body": hashlib.sha256(body).hexdigest(), "length": len(body)}
    start_response("201 Created", [("content-type", "application/json"), ("x-twice", "1"), ("x-twice", "2")])
    return Parts([json.dumps(said).encode()])

def front(): return Front(application, threads=2, most=3_000_000, folder=pathlib.Path("FOLDER"), patience=PATIENCE)
"""


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """Ports of a server of that application, by its patience in seconds."""
    folder = tmp_path_factory.mktemp("front")
    program = textwrap.dedent(ECHO).replace("FOLDER", str(folder / "data" / "tmp"))
    (folder / "quick_echo.py").write_text(program.replace("PATIENCE", "0.3"))
    (folder / "echo.py").write_text(program.replace("PATIENCE", "30"))
    with ExitStack() as servers:
        ports = {}
        for name in ("quick_echo", "echo"):
            ports[name] = port = three_free_ports()
            command = [sys.executable, "-m", "granian", "--factory", "--interface", "rsgi", "--port", str(port)]
            path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
            servers.enter_context(serving(port, [*command, f"{name}:front"], PYTHONPATH=path))
        yield ports


def said(port, path, **how):
    import json

    status, headers, body = ask(port, path, **how)
    assert status == 201
    assert headers.get_all("x-twice") == ["1", "2"]
    return json.loads(body)


def test_a_page_is_given_what_the_request_says(echo):
    headers = {"X-Forwarded-For": "10.0.0.9", "X_Forwarded_For": "forged", "Cookie": "a=1", "Accept": "text/html"}
    given = said(echo["echo"], "/patients/%C3%B1/?q=a%20b&x=", headers=headers)
    assert given["REQUEST_METHOD"] == "GET"
    assert given["PATH_INFO"].encode("latin-1").decode() == "/patients/ñ/"
    assert given["QUERY_STRING"] == "q=a%20b&x="
    assert given["HTTP_HOST"] == f"127.0.0.1:{echo['echo']}"
    assert given["REMOTE_ADDR"] == "127.0.0.1"
    assert given["SERVER_PORT"] == str(echo["echo"])
    assert given["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert given["HTTP_X_FORWARDED_FOR"] == "10.0.0.9"
    assert given["HTTP_COOKIE"] == "a=1"
    assert given["length"] == 0


def test_headers_that_come_twice_are_joined(echo):
    with socket.create_connection(("127.0.0.1", echo["echo"]), timeout=PATIENCE) as sender:
        twice = b"Cookie: a=1\r\nCookie: b=2\r\nVia: x\r\nVia: y\r\n"
        sender.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n" + twice + b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: sender.recv(65536), b""))
    assert b'"HTTP_COOKIE": "a=1; b=2"' in answer
    assert b'"HTTP_VIA": "x,y"' in answer
    assert b'"HTTP_HOST": "here"' in answer


@pytest.mark.parametrize("size", [1, 70_000, 3_000_000])
def test_a_body_arrives_whole_whether_it_is_short_or_long(echo, size):
    import hashlib

    body = os.urandom(size)
    given = said(echo["echo"], "/", method="POST", body=body, headers={"Content-Type": "application/octet-stream"})
    assert given["body"] == hashlib.sha256(body).hexdigest()
    assert given["CONTENT_LENGTH"] == str(size)
    assert given["CONTENT_TYPE"] == "application/octet-stream"


def test_a_body_that_says_it_is_too_long_is_not_waited_for(echo):
    with begin(echo["echo"], length=3_000_001) as sender:
        answer = sender.recv(65536)
    assert answer.startswith(b"HTTP/1.1 201")
    assert b'"length": 0' in answer


def test_a_body_of_unknown_length_is_left_for_the_pages_to_refuse(echo):
    with socket.create_connection(("127.0.0.1", echo["echo"]), timeout=PATIENCE) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        answer = sender.recv(65536)
    assert b'"length": 0' in answer
    assert b'"HTTP_TRANSFER_ENCODING": "chunked"' in answer


def test_what_comes_too_slowly_is_ended_with_a_sentence(echo):
    with begin(echo["quick_echo"]) as sender:
        answer = b"".join(iter(lambda: sender.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert body.decode() == TOO_SLOW


def test_a_sender_who_goes_away_halfway_is_never_answered_by_a_page(echo):
    before = ask(echo["echo"], "/closed")[2]
    with begin(echo["echo"]) as sender:
        sender.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sender.recv(65536), b""))
    assert b"201" not in answer
    assert ask(echo["echo"], "/closed")[2] == before


def test_a_long_answer_comes_whole_with_its_length_and_is_closed_after_it(echo):
    status, headers, body = ask(echo["echo"], "/long", timeout=PATIENCE)
    assert status == 200
    assert headers["content-type"] == "text/csv"
    assert (body, headers["content-length"]) == (b"x" * 6_553_600, "6553600")
    assert int(ask(echo["echo"], "/closed")[2]) > 0


def test_a_long_answer_that_breaks_off_never_passes_for_the_whole(echo):
    status, _headers, body = ask(echo["echo"], "/broken", timeout=PATIENCE)
    assert (status, b"x" in body) == (500, False)
    assert ask(echo["echo"], "/closed")[0] == 200


def test_what_nobody_fetches_is_kept_on_the_disk(echo):
    before = int(ask(echo["echo"], "/memory")[2])
    with ExitStack() as readers:
        for _ in range(SLOW_READERS):
            readers.enter_context(reader(echo["echo"], "/longer"))
        assert int(ask(echo["echo"], "/memory")[2]) - before < 3 * len(LONGER)


def test_answers_that_a_killed_process_left_are_swept_and_young_ones_stay(tmp_path):
    names = (f"{ANSWERS}old", f"{ANSWERS}young", "theirs", "tmpabc.upload.pdf")
    old, young, other, uploaded = (tmp_path / name for name in names)
    for file in (old, young, other, uploaded):
        file.write_bytes(b"Walter")
    for file in (old, other, uploaded):
        os.utime(file, (0, 0))
    Front(lambda environ, start: [], threads=1, most=1, folder=tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([young, other])


def test_answers_lie_where_no_other_account_may_look(tmp_path):
    folder = tmp_path / "data" / "tmp"
    Front(lambda environ, start: [], threads=1, most=1, folder=folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    Front(lambda environ, start: [], threads=1, most=1, folder=folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def reader(port, path):
    """A reader who asks for a long answer and takes its time."""
    sender = socket.socket()
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sender.settimeout(PATIENCE)
    sender.connect(("127.0.0.1", port))
    sender.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
    assert sender.recv(1, socket.MSG_PEEK) == b"H"
    return sender


def test_twelve_slow_readers_of_long_answers_keep_nobody_from_the_pages(echo):
    closed = int(ask(echo["echo"], "/closed")[2])
    with ExitStack() as readers:
        slow = [readers.enter_context(reader(echo["echo"], "/longer")) for _ in range(SLOW_READERS)]
        assert int(ask(echo["echo"], "/closed")[2]) > closed  # the pages have made what nobody has read yet
        assert said(echo["echo"], "/", method="POST", body=b"a")["length"] == 1
        whole = http.client.HTTPResponse(slow[0])
        whole.begin()
        assert (whole.status, whole.read()) == (200, LONGER)


def test_a_reader_who_goes_away_ends_the_answer(echo):
    closed = int(ask(echo["echo"], "/closed")[2])
    reader(echo["echo"], "/longer").close()
    deadline = time.monotonic() + PATIENCE
    while int(ask(echo["echo"], "/closed")[2]) == closed:
        assert time.monotonic() < deadline
    assert said(echo["echo"], "/")["length"] == 0
