"""Web and PostgreSQL are killed while people write: what was acknowledged is there once, no mail goes out twice."""

import email
import http.client
import os
import signal
import subprocess
import threading
from collections import Counter
from urllib.parse import urlencode

import psycopg
import pytest

from liaison.console.postgres import Cluster
from liaison.console.tests.test_commands import liaison
from liaison.console.tests.test_up import PATIENCE, Liaison, processes_of

pytestmark = pytest.mark.journey
# A Wednesday, nine in the morning at the clinic: mail to patients goes out at once.
AS_OF = "2026-03-04"
MORE = 8
# A form's key is kept with its sender's id before it.
KEYS = "SELECT regexp_replace(idempotency_key, '^form:[0-9]+:', '') FROM {}"
FORMSET = {"teach-TOTAL_FORMS": "0", "teach-INITIAL_FORMS": "0"}


class Writer(threading.Thread):
    """A person who writes without a pause and, without an answer, sends the same form again until there is one."""

    def __init__(self, port, *, address, path, form, patients):
        super().__init__(daemon=True)
        self.port, self.address, self.path, self.form, self.patients = port, address, path, form, patients
        self.stopping = threading.Event()
        self.acknowledged = []
        self.unanswered = 0
        self.refused = []
        self.cookies = {}

    def run(self):
        self.sign_in()
        number = 0
        while not self.stopping.is_set():
            key = f"{self.address}-{number}"
            patient = self.patients[number % len(self.patients)]
            self.write(key, patient)
            number += 1

    def write(self, key, patient):
        while True:
            status = self.post(f"{self.path}?patient={patient}", self.form | {"idempotency_key": key})
            if status == 302:
                self.acknowledged.append(key)
                return
            if status is not None and status < 500:
                self.refused.append((key, status))
                self.stopping.set()
                return
            self.unanswered += 1
            self.stopping.wait(0.05)

    def sign_in(self):
        """Sign in as often as it takes: right after opening, a busy machine may answer late."""
        who = {"login": self.address, "password": "riverside-demo"}
        while not self.stopping.is_set():
            self.request("GET", "/account/login/")
            if self.post("/account/login/", who) == 302:
                return

    def post(self, path, form):
        return self.request("POST", path, urlencode(form))

    def request(self, method, path, body=None):
        """The status of the answer, 401 where it only leads to the sign-in page; None if there was none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"X-CSRFToken": self.cookies.get("csrftoken", "")}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return 401 if "/account/" in answer.headers.get("Location", "") else answer.status


@pytest.fixture
def folder(open_folder):
    yield open_folder
    Cluster(open_folder / "postgres").stop()


@pytest.fixture
def clinic(folder, ready):
    """A running `liaison up` with PostgreSQL of its own; the tables come from a copy, to save migrating."""
    with Cluster(folder / "postgres").lease() as cluster:
        dump = folder / "migrated.dump"
        subprocess.run([cluster.program("pg_dump"), "-Fc", f"--file={dump}", ready.url], check=True)
        subprocess.run([cluster.program("pg_restore"), "--no-owner", f"--dbname={cluster.url}", dump], check=True)
    running = Liaison(folder, "--as-of", AS_OF, patients=12)
    yield running.wait_open()
    if not running.process.stdout.closed:
        running.end()


def rows(cluster, query):
    with psycopg.connect(cluster.url, options="-c search_path=liaison,public") as connection:
        return connection.execute(query).fetchall()


def writers_at(clinic, cluster):
    """Two people who log calls and one who writes mail, all to patients of Riverside who allow it."""
    patients = [
        pk
        for (pk,) in rows(
            cluster,
            "SELECT DISTINCT p.patient_id FROM patients_contactpoint p JOIN patients_patientsite s USING (patient_id)"
            " JOIN accounts_site a ON a.id = s.site_id WHERE p.may_email AND a.code = 'RIV' ORDER BY 1",
        )
    ]
    assert patients
    call = {"outcome": "no_answer", "whom": "patient", "direction": "out", "started_at": f"{AS_OF}T08:30"} | FORMSET
    mail = {"template": "note", "language": "", "text": "Please call us back."}
    wanted = (
        ("rosa.delgado@riverside.example", "/calls/new/", call),
        ("theo.lindqvist@riverside.example", "/calls/new/", call),
        ("marta.kowalska@riverside.example", "/messages/new/", mail),
    )
    return [Writer(clinic.port, address=a, path=path, form=form, patients=patients) for a, path, form in wanted]


def sent_of(cluster):
    """The ids of the messages that the database calls sent."""
    keys = rows(cluster, "SELECT message_id FROM inbox_message WHERE state = 'sent'")
    return {key if key.startswith("<") else f"<{key}>" for (key,) in keys}


def test_what_was_acknowledged_survives_sigkill_of_web_and_postgresql_and_nothing_is_doubled(clinic, folder):
    cluster = Cluster(folder / "postgres")
    calls_before = rows(cluster, "SELECT count(*) FROM inbox_call")[0][0]
    writers, sent_before = writers_at(clinic, cluster), sent_of(cluster)

    def more_from_everybody():
        """A question that becomes true when each has been acknowledged MORE things since it was asked."""
        goals = [len(writer.acknowledged) + MORE for writer in writers]

        def reached():
            assert not any(writer.refused for writer in writers), [writer.refused for writer in writers]
            return all(len(writer.acknowledged) >= goal for writer, goal in zip(writers, goals, strict=True))

        return reached

    for writer in writers:
        writer.start()
    clinic.wait(more_from_everybody())

    web = {pid for pid, command in processes_of(folder) if "web:pages" in command}
    (group,) = {os.getpgid(pid) for pid in web}
    os.killpg(group, signal.SIGKILL)  # all in one moment: a server that sees its worker die ends by itself
    clinic.wait(lambda: clinic.said("web │ ended (signal SIGKILL)"))
    clinic.wait(more_from_everybody())
    assert not web & {pid for pid, _ in processes_of(folder)}

    postmaster = cluster.running().pid
    os.kill(postmaster, signal.SIGKILL)
    clinic.wait(lambda: clinic.said("postgres │ ended; it starts again"))
    clinic.wait(more_from_everybody())
    assert cluster.running().pid != postmaster

    for writer in writers:
        writer.stopping.set()
    for writer in writers:
        writer.join(timeout=PATIENCE)
        assert not writer.is_alive()
        assert not writer.refused
    assert any(writer.unanswered for writer in writers), "nobody was cut off: the kills came at a quiet moment"
    clinic.wait(clinic.answers)
    names = ("web:pages", "web:events", "console.worker", "console.mailbox")
    clinic.wait(lambda: all(any(name in command for _, command in processes_of(folder)) for name in names))

    # Everything acknowledged is there once.
    rosa, theo, marta = (Counter(writer.acknowledged) for writer in writers)
    calls = Counter(key for (key,) in rows(cluster, KEYS.format("inbox_call")))
    messages = Counter(key for (key,) in rows(cluster, KEYS.format("inbox_message")))
    assert (rosa | theo) <= calls
    assert marta <= messages
    assert set(calls.values()) == set(messages.values()) == {1}
    assert sum(calls.values()) == calls_before + len(rosa) + len(theo)
    audited = "SELECT count(DISTINCT subject_id) FROM core_auditentry WHERE subject_type = 'inbox.call'"
    assert rows(cluster, audited)[0][0] == sum(calls.values())

    # Mail went out, each at most once, and what the database calls sent did go out.
    clinic.wait(lambda: sent_of(cluster) - sent_before)
    sent = sent_of(cluster) - sent_before
    mailbox = [email.message_from_bytes(path.read_bytes()) for path in (folder / "demo-mailbox").glob("*.eml")]
    received = Counter(str(mail["Message-ID"]).strip() for mail in mailbox)
    assert received
    assert sent
    assert set(received.values()) == {1}
    assert sent <= set(received)

    # The trail holds together.
    clinic.end()
    done = liaison("audit", "verify", LIAISON_DATA=str(folder), DATABASE_URL="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Unbroken: ")
