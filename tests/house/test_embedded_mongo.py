"""The embedded MongoDB as a stranger's machine meets it: any account, any path, any way to die."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.errors import DuplicateKeyError, OperationFailure

from datar.embedded_mongo import NAME, ReplicaSet
from datar.state import CannotStart
from tests.cluster import ROOT, temporary_state
from tests.house.test_embedded import is_alive, modes, wait_for_end
from tests.mongo import why_not_mongodb

pytestmark = [
    pytest.mark.no_database,
    pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}"),
]

KEPT = WriteConcern("majority", j=True)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A state directory whose server has been made and stopped."""
    with temporary_state() as path:
        with running(path, durable=True):
            pass
        yield path


@pytest.fixture
def state(made: Path, bare: Path) -> Path:
    """A copy of ``made``: to make a server anew takes seconds."""
    subprocess.run(["cp", "-a", f"{made}/.", bare], check=True)
    return bare


@pytest.fixture
def bare() -> Iterator[Path]:
    """A state directory where nothing has been made."""
    with temporary_state() as path:
        yield path


@contextmanager
def running(state: Path, *, durable: bool = True) -> Iterator[ReplicaSet]:
    mongo = ReplicaSet(state, durable=durable)
    mongo.start()
    try:
        yield mongo
    finally:
        mongo.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[ReplicaSet]:
    """A server for the tests that leave it as they found it."""
    with temporary_state() as state, running(state, durable=False) as mongo:
        yield mongo


@contextmanager
def connected(url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=2000) as client:
        yield client


def socket_directory(mongo: ReplicaSet) -> Path:
    return Path(unquote(mongo.url().split("@")[1].split("/?")[0])).parent


def write_two(mongo: ReplicaSet) -> None:
    """Two rows of two tables in one transaction, on disk when this returns."""
    with (
        connected(mongo.url()) as client,
        client.start_session() as session,
        session.start_transaction(write_concern=KEPT),
    ):
        client["shop"]["one"].insert_one({"_id": 1, "value": 7}, session=session)
        client["shop"]["two"].insert_one({"_id": 1, "value": 8}, session=session)


def read_two(mongo: ReplicaSet) -> list[int]:
    with connected(mongo.url()) as client:
        return [row["value"] for name in ("one", "two") for row in client["shop"][name].find()]


def listening(pid: int) -> set[str]:
    """The TCP sockets that a process listens on."""
    links = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            links.add(str(file.readlink()))
    tables = [Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in links}


def test_a_transaction_is_whole_or_nothing_and_durable_data_survive_a_restart(state: Path) -> None:
    with running(state) as mongo:
        url = mongo.url()
        write_two(mongo)
        with (
            connected(url) as client,
            client.start_session() as session,
            pytest.raises(DuplicateKeyError),
            session.start_transaction(write_concern=KEPT),
        ):
            client["shop"]["one"].insert_one({"_id": 2, "value": 9}, session=session)
            client["shop"]["two"].insert_one({"_id": 1, "value": 9}, session=session)
        assert read_two(mongo) == [7, 8]
    with running(state) as mongo:
        assert mongo.url() == url
        assert read_two(mongo) == [7, 8]


def test_data_survive_a_kill_and_a_stale_lock_file(state: Path) -> None:
    with running(state) as mongo:
        write_two(mongo)
        assert mongo.pid is not None
        os.kill(mongo.pid, signal.SIGKILL)
        wait_for_end(mongo.pid)
    assert (state / NAME / "mongod.lock").read_text().strip()
    with running(state) as mongo:
        assert read_two(mongo) == [7, 8]


def test_a_lock_file_that_names_a_stranger_is_no_obstacle(state: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            (state / NAME / "mongod.lock").write_text(f"{stranger.pid}\n")
            with running(state):
                assert stranger.poll() is None
        finally:
            stranger.kill()


def test_the_first_start_may_be_killed_half_way(bare: Path) -> None:
    for moment in (0.4, 0.8, 1.3):
        with begun(bare, "time.sleep(60)") as parent:
            time.sleep(moment)
            parent.kill()
    with running(bare) as mongo:
        write_two(mongo)


def test_nobody_gets_in_without_a_password_nor_over_the_network(shared: ReplicaSet) -> None:
    assert shared.pid is not None
    assert listening(shared.pid) == set()
    assert socket_directory(shared).stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (shared.state / "secrets").iterdir())
    wrong, nobody = shared.url().replace("datar:", "datar:x", 1), re.sub(r"//.*@", "//", shared.url())
    for url, command, said in (
        (wrong, {"ping": 1}, "Authentication failed"),
        (nobody, {"listDatabases": 1}, "requires authentication"),
        (nobody, {"createUser": "mallory", "pwd": "x", "roles": ["root"]}, "requires authentication"),
    ):
        with connected(url) as client, pytest.raises(OperationFailure, match=said):
            client.admin.command(command)


def test_the_service_may_make_and_drop_databases_and_is_no_superuser(shared: ReplicaSet) -> None:
    with connected(shared.url()) as client:
        client["t1"].create_collection("rows", validator={"$jsonSchema": {"required": ["a"]}})
        client["t1"]["rows"].create_index("a", unique=True)
        client["t1"].command("collMod", "rows", validator={})
        client.drop_database("t1")
        for command in ({"createUser": "x", "pwd": "x", "roles": []}, {"shutdown": 1}, {"replSetStepDown": 1}):
            with pytest.raises(OperationFailure, match="not authorized"):
                client.admin.command(command)
        with pytest.raises(OperationFailure, match="globalScriptEngine"):
            client["t1"]["rows"].find_one({"$where": "true"})
    with connected(shared.superuser_url()) as client:
        assert client.admin.command("replSetGetStatus")["set"] == "datar"


def test_no_mode_of_a_directory_changes_and_nothing_keeps_running(state: Path) -> None:
    before = modes(state)
    with running(state) as mongo:
        pid, home = mongo.pid, mongo.home
        assert (home / NAME).stat().st_mode & 0o777 == 0o700
        assert mongo.log.stat().st_mode & 0o777 == 0o600
    assert pid is not None
    assert not is_alive(pid)
    assert modes(state) == before
    assert not list(home.glob(".*"))


@contextmanager
def begun(state: Path, then: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that starts the server, says its number, and goes on with ``then``."""
    program = (
        "import sys, time; from pathlib import Path; from datar.embedded_mongo import *\n"
        f"m = ReplicaSet(Path(sys.argv[1])); m.start(); print(m.pid, flush=True); {then}"
    )
    command = [sys.executable, "-c", program, str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        try:
            yield parent
        finally:
            parent.kill()


def test_the_server_ends_with_the_process_that_started_it(state: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with begun(state, "time.sleep(60)") as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            parent.send_signal(number)
            parent.wait(10)
        wait_for_end(pid)
        assert (state / NAME / "mongod.lock").read_text() == ""  # it has shut down cleanly


def test_a_start_right_after_a_killed_one_waits_for_its_server(state: Path) -> None:
    with begun(state, "time.sleep(60)") as parent:
        assert parent.stdout is not None
        old = int(parent.stdout.readline())
        parent.kill()
    with running(state) as mongo:
        assert mongo.pid != old
        assert not is_alive(old)


def test_two_at_once_on_the_same_data_are_refused_in_a_sentence(state: Path) -> None:
    with running(state) as first:
        with pytest.raises(CannotStart, match="already runs"):
            ReplicaSet(state).start()
        assert first.pid is not None


def test_two_in_two_places_do_not_meet(state: Path, shared: ReplicaSet) -> None:
    with running(state) as mongo:
        write_two(mongo)
        assert read_two(shared) == []


def test_a_long_path_with_blanks_works(state: Path) -> None:
    place = state / ("a directory, with 'quotes' and ünïcode " * 3)
    place.mkdir(mode=0o755)
    with running(place) as mongo:
        socket = socket_directory(mongo)
        write_two(mongo)
        assert read_two(mongo) == [7, 8]
    assert not socket.exists()


def test_moved_data_are_found_again(state: Path) -> None:
    """The node's own name in its data must not depend on where they lie."""
    with running(state) as mongo:
        write_two(mongo)
    with temporary_state() as other:
        subprocess.run(["cp", "-a", f"{state}/.", other], check=True)
        with running(other) as mongo:
            assert read_two(mongo) == [7, 8]


def test_a_server_that_cannot_start_says_why(state: Path) -> None:
    (state / NAME / "WiredTiger.turtle").write_text("nonsense")
    with pytest.raises(CannotStart, match=r"MongoDB did not start: .*WiredTiger.*whole log"):
        ReplicaSet(state).start()


def test_a_password_that_does_not_fit_is_said(state: Path) -> None:
    (state / "secrets" / f"{NAME}-datar").unlink()
    with pytest.raises(CannotStart, match="do not fit the data"):
        ReplicaSet(state).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands MongoDB to another account")
def test_root_hands_it_to_another_account_and_keeps_closed_directories_closed(bare: Path) -> None:
    closed = bare / "closed"
    closed.mkdir(mode=0o700)
    mongo = ReplicaSet(closed, durable=False)
    try:
        assert closed not in mongo.home.parents
        before = modes(closed)
        mongo.start()
        status = Path(f"/proc/{mongo.pid}/status").read_text()
        assert "\nUid:\t0\t" not in status
        assert modes(closed) == before
        assert ReplicaSet(closed).url() == mongo.url()
    finally:
        mongo.remove()
        assert not mongo.home.exists()
