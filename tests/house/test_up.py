"""``manage.py up`` as a stranger runs it: a sentence when it cannot, everything when it can, nothing left behind."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.cluster import ROOT, Databases, temporary_state
from tests.house.test_server import free_port

pytestmark = pytest.mark.no_database

PARTS = ["datar", "tenants", "apps", "datasources", "datatables", "records", "manage.py"]
BARE = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DATAR_DEMO": "0"}


@pytest.fixture
def place() -> Iterator[Path]:
    with temporary_state() as path:
        yield path


def try_up(place: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run ``up`` where it cannot start; exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "manage.py", "up", *arguments],
        cwd=ROOT,
        env={**BARE, "DATAR_STATE_DIR": str(place), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def assert_one_sentence(outcome: tuple[int, str], pattern: str) -> None:
    code, text = outcome
    assert code == 1
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) == 1, text
    assert re.search(pattern, text), text


def test_a_taken_port_is_named(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_one_sentence(try_up(place, "--port", str(port)), f"Port {port} .*taken.*PORT={port + 1}")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000x", ""])
def test_no_port_at_all_is_refused(place: Path, port: str) -> None:
    assert_one_sentence(try_up(place, f"--port={port}"), "is not a port")


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("nonsense", "must begin with postgresql://"),
        ("mysql://root@localhost/x", "must begin with postgresql://"),
        ("postgresql://h/d?nosuch=1", "cannot be read"),
        ("postgresql://someone:secret@127.0.0.1:1/x", "cannot be used.*refused"),
        ("postgresql://someone:secret@/x?host=/nonexistent", "cannot be used.*/nonexistent"),
    ],
)
def test_a_wrong_database_url_is_said_without_its_password(place: Path, url: str, pattern: str) -> None:
    outcome = try_up(place, "--port", str(free_port()), DATABASE_URL=url)
    assert_one_sentence(outcome, pattern)
    assert "secret" not in outcome[1]


def test_a_database_that_is_not_utf8_is_refused(place: Path, databases: Databases) -> None:
    name = f"latin_{databases.worker}"
    databases.drop(name)
    with psycopg.connect(databases.cluster.superuser_url(), autocommit=True) as connection:
        statement = "CREATE DATABASE {} OWNER datar TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
        provider = " LOCALE_PROVIDER libc"
        connection.execute(sql.SQL(statement + provider).format(sql.Identifier(name)))
    try:
        outcome = try_up(place, "--port", str(free_port()), DATABASE_URL=databases.cluster.url(name))
        assert_one_sentence(outcome, "SQL_ASCII; Datar needs UTF8")
    finally:
        databases.drop(name)


def test_a_bad_setting_is_named(place: Path) -> None:
    assert_one_sentence(
        try_up(place, "--port", str(free_port()), DATAR_REQUEST_SECONDS="soon"), "DATAR_REQUEST_SECONDS='soon'"
    )


@pytest.fixture
def clone(place: Path) -> Path:
    """The code in a directory with blanks, as if cloned there."""
    target = place / "a path with blanks" / "datar"
    target.mkdir(parents=True)
    target.parent.chmod(0o755)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, target / part)
    return target


def begin(clone: Path, port: int) -> "subprocess.Popen[str]":
    """Start it with nothing in the environment but PATH and HOME, and wait until it says that it is ready."""
    return read_until_ready(clone, port, BARE)[0]


def read_until_ready(clone: Path, port: int, environment: dict[str, str]) -> "tuple[subprocess.Popen[str], str]":
    """The process and what it printed."""
    command = [sys.executable, "manage.py", "up", "--port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if line.startswith("Ctrl-C"):
            return process, "".join(said)
    raise AssertionError("".join(said))


def processor_seconds() -> float:
    """What the processes we have waited for used, theirs included."""
    used = os.times()
    return used.children_user + used.children_system


def processes_of(clone: Path) -> list[str]:
    """The commands of all processes whose working directory or command lies in ``clone``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text("utf-8", "replace").replace("\0", " ")
            directory = str((process / "cwd").readlink())
        except OSError:
            continue
        if directory.startswith(str(clone)) or str(clone) in command:
            found.append(command)
    return found


def modes(path: Path) -> dict[Path, int]:
    return {place: stat.S_IMODE(place.stat().st_mode) for place in (path, *path.parents)}


def wait_until_gone(clone: Path) -> None:
    deadline = time.monotonic() + 10
    while found := processes_of(clone):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_bare_environment_a_path_with_blanks_every_way_to_end(clone: Path) -> None:
    before = modes(clone)
    for number, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 0)):
        began = processor_seconds()
        with begin(clone, free_port()) as process:
            assert len(processes_of(clone)) >= 4  # itself, PostgreSQL, gunicorn and a worker
            process.send_signal(number)
            assert process.wait(10) == code
        wait_until_gone(clone)
    assert processor_seconds() - began < 5, "a later start and its end, counted so that a busy machine does not matter"
    assert modes(clone) == before
    secrets = list((clone / ".datar" / "secrets").iterdir())
    assert secrets
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in secrets)


def test_a_second_one_in_the_same_place_is_refused(clone: Path) -> None:
    with begin(clone, free_port()) as process:
        try:
            outcome = try_up(clone / ".datar", "--port", str(free_port()))
            assert_one_sentence(outcome, "already runs")
        finally:
            process.terminate()
    wait_until_gone(clone)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed lines need curl")
def test_the_printed_lines_work_as_printed(clone: Path) -> None:
    process, said = read_until_ready(clone, free_port(), {**BARE, "DATAR_DEMO": "1"})
    with process:
        try:
            assert "Try it" in said, said
            printed = said.split("Try it", 1)[1].splitlines()
            lines = [line for line in printed if line.startswith(("DATA=", "KEY=", "TOKEN=", "curl"))]
            shell = subprocess.run(
                ["sh", "-euc", "\n".join(lines)], capture_output=True, text=True, timeout=60, check=False, env=BARE
            )
        finally:
            process.terminate()
    assert (shell.returncode, shell.stderr) == (0, "")
    listed, late, one, created, removed = (json.loads(line) for line in shell.stdout.splitlines() if line)
    assert len(listed["data"]) == 3
    assert all(row["origin"] == "JFK" and row["dep_delay"] > 600 for row in listed["data"])
    assert late["data"][0]["airline.name"] == "Frontier Airlines Inc."
    assert one["data"]["name"] == "United Air Lines Inc."
    assert created["data"] == {"carrier": "ZZ", "name": "My Airline"}
    assert removed == 204, "the printed lines leave the data as it was, and can be pasted again"
    wait_until_gone(clone)


def test_an_address_of_another_machine_is_named(place: Path) -> None:
    outcome = try_up(place, "--port", str(free_port()), "--host=203.0.113.9")
    assert_one_sentence(outcome, r"203\.0\.113\.9 is no address of this machine")


def test_a_password_with_odd_characters_is_not_quoted(place: Path) -> None:
    for url in ("postgresql://u:top%secret@h/d", "postgresql://u:p@h:topsecret/d?x=secret", "postgresql://[secret/d"):
        outcome = try_up(place, "--port", str(free_port()), DATABASE_URL=url)
        assert outcome[0] == 1
        assert "secret" not in outcome[1]
