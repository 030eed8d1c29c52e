"""Nothing waits for ever: not a statement, not for a client that has left, not for a server that is silent."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from datar import presence
from datar.embedded import VOLATILE, Cluster
from datar.errors import ClientGone, DatarError, Unavailable
from datar.pacedsocket import PacedSocket
from records.providers.postgres.errors import wrapped
from records.providers.postgres.patience import PatientConnection
from records.providers.postgres.pool import Pool
from records.providers.postgres.reach import Reach, reach_of
from tests.cluster import Databases, temporary_state
from tests.frozen import frozen
from tests.records.engine import SQL_LAYOUTS, Engine, Layout
from tests.records.refusals import refused

MINUTE = "SELECT pg_sleep(60)"


@pytest.fixture
def pool(database_url: str) -> Iterator[Pool]:
    with contextlib.closing(Pool(database_url, size=2)) as pool:
        yield pool


@pytest.fixture
def client() -> Iterator[SimpleNamespace]:
    """A client (``far``) and the server's end of it, which serves this thread's request."""
    near, far = socket.socketpair()
    paced = PacedSocket(near.family, near.type, near.proto, near.detach())
    presence.begin(paced.left)
    yield SimpleNamespace(near=paced, far=far)
    presence.end()
    paced.close()
    far.close()


def assert_soon_idle(url: str) -> None:
    """Within a second no backend sleeps for a minute."""
    deadline = time.monotonic() + 1
    with psycopg.connect(url, autocommit=True) as watcher:
        asleep = "SELECT 1 FROM pg_stat_activity WHERE query = %s AND state = 'active' AND datname = current_database()"
        while watcher.execute(asleep, [MINUTE]).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def sleep(pool: Pool) -> None:
    with wrapped(), pool.connection() as connection:
        connection.execute(MINUTE)


def test_re_14_a_statement_over_its_deadline_is_503_and_its_backend_idle(database_url: str) -> None:
    with contextlib.closing(Pool(database_url, size=1)) as pool:
        with pool.connection() as connection:
            connection.execute("SET statement_timeout = 500")
        started = time.monotonic()
        with refused(Unavailable, "query_timeout") as refusal:
            sleep(pool)
        assert 0.4 < time.monotonic() - started < 1.5
        assert refusal.error.retry_after
        assert_soon_idle(database_url)
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_re_14_a_client_that_leaves_frees_its_backend(pool: Pool, client: SimpleNamespace, database_url: str) -> None:
    threading.Timer(0.5, client.far.close).start()
    started = time.monotonic()
    with pytest.raises(ClientGone):
        sleep(pool)
    assert 0.4 < time.monotonic() - started < 2
    assert_soon_idle(database_url)
    with pool.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_takes_long_to_send_is_answered(pool: Pool) -> None:
    with pool.connection() as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        waking = threading.Timer(0.8, os.kill, (backend, signal.SIGCONT))
        waking.start()
        try:
            long = connection.execute("SELECT length(%(text)s::text)", {"text": "x" * 5_000_000}).fetchone()
        finally:
            waking.join()
    assert long == (5_000_000,)


def test_a_write_of_a_client_that_left_is_undone(engine: Engine, client: SimpleNamespace) -> None:
    rows = engine.table("notes", {"fields": [{"name": "id", "type": "integer"}], "primaryKey": "id"})
    client.far.close()
    # A write on MongoDB waits for PostgreSQL too: for its table's row in the catalogue.
    place = f'"{engine.namespace}"."{"datar_datatable" if engine.layout == "mongo" else "crm_notes"}"'
    with psycopg.connect(engine.url) as other:
        other.execute(f"LOCK TABLE {place}".encode())
        with pytest.raises(ClientGone):
            rows.create({"id": 1})
    presence.end()
    assert rows.list()["data"] == []


def test_a_client_that_has_sent_more_already_is_there(pool: Pool, client: SimpleNamespace) -> None:
    client.far.sendall(b"GET / HT")
    with pool.connection() as connection:
        assert connection.execute("SELECT 1 FROM pg_sleep(1)").fetchone() == (1,)
    assert client.near.recv_now(100) == b"GET / HT"


def test_looking_for_a_client_leaves_the_socket_as_it_was(client: SimpleNamespace) -> None:
    for timeout in (None, 0.0, 30.0):
        client.near.settimeout(timeout)
        assert not client.near.left()
        assert client.near.gettimeout() == timeout
    client.far.close()
    assert client.near.left()


def test_a_server_that_answers_pings_but_not_a_statement_is_left_at_the_deadline(
    database_url: str,
) -> None:
    """One backend alone is frozen; its statement timeout cannot work."""
    with contextlib.closing(Pool(database_url, size=2)) as pool, pool.connection() as held:
        assert isinstance(held, PatientConnection)
        held.deadline = 1.5
        backend = held.info.backend_pid
        with frozen(backend), refused(Unavailable, "db_unavailable"), wrapped():
            started = time.monotonic()
            held.execute(MINUTE)
        assert 1.4 < time.monotonic() - started < 3
        assert held.closed
        with pool.connection() as other:  # else it sleeps on, and other tests look for sleepers
            assert other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend]).fetchone() == (True,)


@pytest.fixture
def cluster(databases: Databases) -> Iterator[Cluster]:
    """A server of the test's own, that may be frozen."""
    with temporary_state() as state:
        cluster = Cluster(state, databases.version, VOLATILE)
        cluster.start()
        yield cluster
        cluster.remove()


def attempt(work: Any) -> tuple[str, float]:
    """The code a piece of work is refused with, or nothing, and how long it took."""
    started = time.monotonic()
    try:
        work()
    except DatarError as error:
        return error.code, time.monotonic() - started
    return "", time.monotonic() - started


@pytest.mark.parametrize("layout", SQL_LAYOUTS)
def test_cr_04_a_frozen_server_is_503_and_comes_back_by_itself(cluster: Cluster, layout: Layout) -> None:
    with contextlib.closing(Engine(cluster.url(), layout)) as engine:
        freeze(cluster, engine)


def freeze(cluster: Cluster, engine: Engine) -> None:
    rows = engine.table("notes", {"fields": [{"name": "id", "type": "integer"}], "primaryKey": "id"})
    rows.create({"id": 1})

    def both(number: int) -> list[tuple[str, float]]:
        return [attempt(lambda: rows.create({"id": 100 + number})), attempt(rows.list)]

    assert cluster.pid is not None
    with ThreadPoolExecutor(6) as threads:
        with frozen(cluster.pid):
            thawed = time.monotonic() + 6
            outcomes = [outcome for pair in threads.map(both, range(6)) for outcome in pair]
            known = [attempt(rows.list) for _ in range(20)]
            time.sleep(max(0.0, thawed - time.monotonic()))
        assert {code for code, _ in outcomes} <= {"db_unavailable"}
        assert max(seconds for _, seconds in outcomes) < 5
        assert {code for code, _ in known} == {"db_unavailable"}
        assert max(seconds for _, seconds in known) < 0.5
        back = time.monotonic()
        while attempt(rows.list)[0]:
            assert time.monotonic() - back < 1, "the server is back, and nobody noticed"
            time.sleep(0.02)
        again = list(threads.map(lambda _: attempt(rows.list), range(12)))
        assert {code for code, _ in again} == {""}
        assert max(seconds for _, seconds in again) < 1


def test_nobody_pings_a_server_that_answers_soon(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr(Reach, "ask", lambda self: asked.append(time.monotonic()))
    with contextlib.closing(Pool(database_url, size=1)) as pool, pool.connection() as connection:
        connection.execute("SELECT pg_sleep(0.7)")
        assert asked == []
        connection.execute("SELECT pg_sleep(1.9)")
        assert asked


def test_a_server_that_refuses_is_not_silent() -> None:
    reach = Reach("postgresql://nobody@127.0.0.1:1/none")
    reach.ask()
    time.sleep(0.3)
    assert not reach.silent


def test_a_dead_line_ends_a_connection_and_the_url_has_the_last_word(database_url: str) -> None:
    for url, expected in ((database_url, "4000"), (f"{database_url}&tcp_user_timeout=9000", "9000")):
        with contextlib.closing(Pool(url, size=1)) as pool, pool.connection() as connection:
            assert connection.info.get_parameters()["tcp_user_timeout"] == expected
            assert connection.info.get_parameters()["keepalives_idle"] == "5"


def test_nf_04_a_server_that_never_says_a_word_is_503_and_then_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        url = f"postgresql://nobody@127.0.0.1:{hole.getsockname()[1]}/none"
        with contextlib.closing(Pool(url, size=1)) as pool:
            code, seconds = attempt(lambda: pool.connection().__enter__())
            assert (code, seconds < 5) == ("db_unavailable", True)
            deadline = time.monotonic() + 4
            while not reach_of(url).silent:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            code, seconds = attempt(lambda: pool.connection().__enter__())
            assert (code, seconds < 0.5) == ("db_unavailable", True)
    deadline = time.monotonic() + 4
    while reach_of(url).silent:
        assert time.monotonic() < deadline, "a refusal is an answer"
        time.sleep(0.05)
