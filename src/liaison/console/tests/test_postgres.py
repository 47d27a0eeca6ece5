"""The embedded PostgreSQL: created, found again, never two on one folder, never a foreign version."""

import multiprocessing
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from liaison.console.postgres import LOG_BYTES, Cluster
from liaison.console.problems import Problem
from liaison.console.server_options import last_line


@pytest.fixture(scope="module")
def cluster(open_folder):
    cluster = Cluster(open_folder / "postgres", throw_away=True).start()
    yield cluster
    cluster.destroy()


def answer(cluster):
    with cluster.connect("liaison") as connection:
        return connection.execute("SELECT 1").fetchone()[0]


def kill_server(cluster):
    server = cluster.running()
    os.kill(server.pid, signal.SIGKILL)
    while cluster.running() is not None:
        time.sleep(0.01)


def test_a_new_cluster_answers_on_loopback_with_a_password_that_only_we_can_read(cluster):
    assert answer(cluster) == 1
    assert "@127.0.0.1:" in cluster.url
    password = cluster.folder / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600


def test_nobody_gets_in_without_the_password(cluster):
    port = cluster.running().port
    for url in (f"postgresql://liaison@127.0.0.1:{port}/liaison", f"postgresql://liaison:x@127.0.0.1:{port}/liaison"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url)


def test_accents_are_letters_to_the_database(cluster):
    with cluster.connect("liaison") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        row = connection.execute("SELECT lower('ÀÉ'), 'José' ILIKE 'JOSÉ', similarity('José', 'Jos')").fetchone()
    assert row[:2] == ("àé", True)
    assert row[2] < 1


def test_statements_and_values_stay_out_of_the_log(cluster):
    with cluster.connect("liaison") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS secret (name text UNIQUE)")
        for _ in range(2):
            with suppress(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO secret VALUES (%s)", ["Walter Unmistakable"])
    assert "Unmistakable" not in (cluster.folder / "server.log").read_text()


def test_starting_again_adopts_the_server_that_runs(cluster):
    before = cluster.running()
    again = Cluster(cluster.folder, throw_away=True).start()
    assert again.running() == before
    assert again.url == cluster.url


def test_a_stopped_server_starts_again_with_its_data_and_its_port(cluster):
    with cluster.connect("liaison") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    before = cluster.running()
    cluster.stop()
    cluster.stop()
    assert cluster.running() is None
    with pytest.raises(Problem, match="does not run"):
        _ = cluster.url
    cluster.start()
    assert cluster.running().port == before.port
    with cluster.connect("liaison") as connection:
        assert connection.execute("SELECT n FROM kept").fetchone()[0] == 7


def test_a_killed_server_is_recovered_by_the_next_start(cluster):
    kill_server(cluster)
    assert (cluster.data / "postmaster.pid").exists()
    Cluster(cluster.folder, throw_away=True).start()
    assert answer(cluster) == 1


def test_a_stale_pid_that_another_program_got_is_not_taken_for_the_server(cluster):
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        kill_server(cluster)
        lock = cluster.data / "postmaster.pid"
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert cluster.running() is None
        cluster.start()
        assert answer(cluster) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_folder_of_another_version_is_refused_and_left_alone(cluster):
    cluster.stop()
    version = cluster.data / "PG_VERSION"
    ours = version.read_text()
    version.write_text("17\n")
    try:
        with pytest.raises(Problem, match=r"made by PostgreSQL 17.*liaison restore"):
            cluster.start()
        assert cluster.running() is None
    finally:
        version.write_text(ours)
        cluster.start()


def test_a_folder_that_a_full_disk_left_half_made_is_told(cluster):
    cluster.stop()
    version = cluster.data / "PG_VERSION"
    ours = version.read_text()
    version.write_text("")
    try:
        with pytest.raises(Problem, match="PG_VERSION is empty"):
            cluster.start()
    finally:
        version.write_text(ours)
        cluster.start()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "initdb: error: could not write: No space left on device\ninitdb: removing data directory\n",
            "initdb: error: could not write: No space left on device",
        ),
        ("one\ntwo\n\n", "two"),
        ("", "no message"),
    ],
)
def test_of_what_a_program_said_the_reason_is_told(said, told):
    assert last_line(said) == told


def test_two_who_start_at_once_get_one_server(cluster):
    cluster.stop()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pids = pool.map(_start, [str(cluster.folder)] * 2)
    # Each throw-away server ends with the process that started it, so only the answers are compared.
    assert len(set(pids)) == 1
    cluster.start()


def _start(folder):
    server = Cluster(Path(folder)).start().running()
    time.sleep(0.5)
    return server.pid


def test_the_last_to_leave_stops_the_server(cluster):
    cluster.stop()
    with cluster.lease():
        with Cluster(cluster.folder, throw_away=True).lease():
            assert answer(cluster) == 1
        assert cluster.running() is not None
    assert cluster.running() is None
    cluster.start()


def test_the_server_outlives_a_killed_parent_and_is_found_again(cluster):
    cluster.stop()
    code = (
        "import sys, time; from pathlib import Path; from liaison.console.postgres import Cluster\n"
        "with Cluster(Path(sys.argv[1])).lease(): print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(cluster.folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "up\n"
    server = cluster.running()
    parent.kill()
    parent.communicate()
    assert answer(cluster) == 1
    with cluster.lease():
        assert cluster.running() == server
    assert cluster.running() is None
    cluster.start()


def test_a_cluster_with_real_data_is_never_destroyed(cluster):
    with pytest.raises(Problem, match="real data"):
        Cluster(cluster.folder).destroy()


def test_a_database_can_be_copied_from_a_template(cluster):
    cluster.create_database("pattern")
    with cluster.connect("pattern") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS stitch AS SELECT 1 AS n")
    cluster.create_database("copy", template="pattern")
    cluster.create_database("copy", template="pattern")
    with cluster.connect("copy") as connection:
        assert connection.execute("SELECT n FROM stitch").fetchone()[0] == 1


def test_a_lost_password_is_told(cluster):
    password = cluster.folder / "password"
    kept = password.rename(cluster.folder / "password.kept")
    try:
        with pytest.raises(Problem, match="password is missing"):
            _ = cluster.url
    finally:
        kept.rename(password)
    assert answer(cluster) == 1


def test_a_lock_file_that_was_cut_off_is_not_taken_for_a_server(cluster):
    cluster.stop()
    lock = cluster.data / "postmaster.pid"
    lock.write_text("17\n")
    assert cluster.running() is None
    lock.unlink()
    cluster.start()
    assert answer(cluster) == 1


def test_a_server_whose_port_was_taken_meanwhile_gets_another(cluster):
    before = cluster.running().port
    cluster.stop()
    with socket.create_server(("127.0.0.1", before)):
        cluster.start()
        assert cluster.running().port != before
        assert answer(cluster) == 1


def test_a_server_that_can_not_start_says_its_last_words_and_a_long_log_is_begun_anew(cluster):
    cluster.stop()
    os.truncate(cluster.folder / "server.log", LOG_BYTES + 1)
    control = cluster.data / "global" / "pg_control"
    kept = control.rename(control.with_name("pg_control.kept"))
    try:
        with pytest.raises(Problem, match=r"PostgreSQL did not start: .*could not"):
            cluster.start()
    finally:
        kept.rename(control)
    assert (cluster.folder / "server.log.1").stat().st_size == LOG_BYTES + 1
    assert (cluster.folder / "server.log").stat().st_size < LOG_BYTES
    cluster.start()
    assert answer(cluster) == 1
