"""The embedded PostgreSQL as a stranger's machine meets it: any account, any path, any way to die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from datar.embedded import VOLATILE, Cluster
from datar.state import CannotStart
from tests.cluster import ROOT, temporary_state

pytestmark = pytest.mark.no_database


@pytest.fixture
def state() -> Iterator[Path]:
    with temporary_state() as path:
        yield path


def modes(path: Path) -> dict[Path, int]:
    return {place: place.stat().st_mode for place in (path, *path.parents)}


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def wait_for_end(pid: int, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


def test_the_service_role_is_no_superuser_and_owns_a_utf8_database(state: Path) -> None:
    cluster = Cluster(state, options=VOLATILE)
    cluster.start()
    try:
        with psycopg.connect(cluster.url()) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolcreatedb, pg_encoding_to_char(encoding), pg_get_userbyid(datdba), upper('é')"
                " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
            ).fetchone()
        assert row == (False, False, "UTF8", "datar", "É")
    finally:
        cluster.stop()


def test_no_password_no_entry(state: Path) -> None:
    cluster = Cluster(state, options=VOLATILE)
    cluster.start()
    try:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(cluster.url().replace("datar:", "datar:x", 1))
        assert all(path.stat().st_mode & 0o077 == 0 for path in (state / "secrets").iterdir())
    finally:
        cluster.stop()


def test_no_mode_of_a_directory_changes_and_nothing_keeps_running(state: Path) -> None:
    before = modes(state)
    cluster = Cluster(state, options=VOLATILE)
    cluster.start()
    pid = cluster.pid
    cluster.stop()
    assert pid is not None
    assert not is_alive(pid)
    assert modes(state) == before


def test_data_survives_a_kill_and_a_stale_pid_file(state: Path) -> None:
    cluster = Cluster(state)
    cluster.start()
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS value")
    assert cluster.pid is not None
    os.kill(cluster.pid, signal.SIGKILL)
    cluster.stop()
    try:
        cluster.start()
        with psycopg.connect(cluster.url()) as connection:
            assert connection.execute("SELECT value FROM kept").fetchone() == (7,)
    finally:
        cluster.stop()


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(state: Path) -> None:
    cluster = Cluster(state, options=VOLATILE)
    cluster.start()
    assert cluster.pid is not None
    file = state / f"postgres-{cluster.version}" / "postmaster.pid"
    lines = file.read_text().split("\n")
    os.kill(cluster.pid, signal.SIGKILL)
    cluster.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
            cluster.start()
            assert stranger.poll() is None
        finally:
            stranger.kill()
            cluster.stop()


def test_the_server_ends_with_the_process_that_started_it(state: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from datar.embedded import *\n"
        "c = Cluster(Path(sys.argv[1]), options=VOLATILE); c.start(); print(c.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(state)], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_for_end(pid)


def test_two_at_once_is_refused_in_a_sentence(state: Path) -> None:
    first, second = Cluster(state, options=VOLATILE), Cluster(state, options=VOLATILE)
    first.start()
    try:
        with pytest.raises(CannotStart, match="already runs"):
            second.start()
        assert first.pid is not None
    finally:
        first.stop()


def test_a_long_path_with_blanks_works(state: Path) -> None:
    place = state / ("a directory, with 'quotes' and ünïcode " * 3)
    place.mkdir(mode=0o755)
    cluster = Cluster(place, options=VOLATILE)
    cluster.start()
    try:
        with psycopg.connect(cluster.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        cluster.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another account")
def test_root_in_a_closed_directory_keeps_the_data_elsewhere(state: Path) -> None:
    closed = state / "closed"
    closed.mkdir(mode=0o700)
    cluster = Cluster(closed, options=VOLATILE)
    try:
        assert closed not in cluster.home.parents
        before = modes(closed)
        cluster.start()
        assert modes(closed) == before
        again = Cluster(closed, options=VOLATILE)
        assert again.home == cluster.home
        assert again.url() == cluster.url()
    finally:
        cluster.stop()
        cluster.remove()
