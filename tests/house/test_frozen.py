"""The whole service while its database is slow or frozen: a server process and a PostgreSQL of the test's own."""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from datar.embedded import VOLATILE, Cluster
from tests.cluster import temporary_state
from tests.frozen import frozen
from tests.house.served import Served, served
from tests.house.test_server import Answer, read_answer

pytestmark = pytest.mark.no_database

STATEMENT_SECONDS = 2.0
"""Shorter than the time a statement waits for a lock, so that a lock makes a slow statement."""
ROWS = "/api/apps/shop/datatables/notes/data/"
NOTES = {"fields": [{"name": "id", "type": "integer"}, {"name": "text", "type": "string"}], "primaryKey": "id"}


@dataclass(kw_only=True)
class Service(Served):
    """The server, its database, and the tenant's schema."""

    cluster: Cluster
    schema: str

    @contextmanager
    def locked(self) -> Iterator[psycopg.Connection[Any]]:
        """The rows cannot even be read; a connection that sees who tries."""
        with psycopg.connect(self.cluster.superuser_url("datar"), autocommit=True) as connection:
            found = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'"
                " AND relname LIKE '%%notes%%'",
                [self.schema],
            ).fetchone()
            assert found is not None
            with connection.transaction():
                connection.execute(SQL("LOCK TABLE {}").format(Identifier(self.schema, found[0])))
                yield connection


def waiting(connection: psycopg.Connection[Any]) -> int:
    """Statements of the service that wait for a lock."""
    connection.execute("SELECT pg_stat_clear_snapshot()")
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'datar' AND wait_event_type = 'Lock'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def seconds_until(connection: psycopg.Connection[Any], count: int) -> float:
    """How long it took until so many statements waited."""
    started = time.monotonic()
    while waiting(connection) != count:
        assert time.monotonic() - started < 10
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with temporary_state() as state:
        cluster = Cluster(state, int(os.environ.get("DATAR_TEST_POSTGRES", "18")), VOLATILE)
        cluster.start()
        try:
            settings = {
                "DATABASE_URL": cluster.url(),
                "DATAR_THREADS": "2",
                "DATAR_STATEMENT_SECONDS": str(STATEMENT_SECONDS),
            }
            with served(state, settings) as asked:
                schema = asked.register()
                service = Service(asked.server, asked.log, asked.credentials, cluster=cluster, schema=schema)
                fill(service)
                yield service
        finally:
            cluster.remove()


def fill(service: Service) -> None:
    """A table of one row."""
    source = "/api/apps/shop/datasources/rows/"
    for path, body in (
        ("/api/apps/", {"name": "Shop", "slug": "shop"}),
        ("/api/apps/shop/datasources/", {"name": "Rows", "slug": "rows", "provider_type": "flat_table"}),
        (f"{source}datatables/", {"name": "notes", "json_schema": NOTES, "materialize": True}),
        (ROWS, {"id": 1, "text": "one"}),
    ):
        created = service.send("POST", path, body)
        assert created.status == 201, created
    assert service.send("GET", ROWS).status == 200


def test_re_14_a_statement_over_its_deadline_is_503_and_its_backend_free(service: Service) -> None:
    with service.locked() as watcher:
        answer, seconds = service.timed("GET", ROWS)
        assert (answer.status, answer.json["code"]) == (503, "query_timeout")
        assert int(answer.headers["retry-after"]) > 0
        assert STATEMENT_SECONDS - 0.1 < seconds < STATEMENT_SECONDS + 1
        assert seconds_until(watcher, 0) < 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_re_14_a_client_that_leaves_frees_its_backend_and_its_thread(service: Service, method: str) -> None:
    body = json.dumps({"id": 5, "text": "never"}).encode() if method == "POST" else b""
    with service.locked() as watcher:
        clients = [service.server.connect() for _ in range(2)]
        for client in clients:
            client.sendall(service.head(method, ROWS, body))
        seconds_until(watcher, 2)
        for client in clients:
            client.close()
        assert seconds_until(watcher, 0) < 1.2
        answer, seconds = service.timed("GET", "/health/live/")
        assert (answer.status, seconds < 1) == (200, True)
    assert [row["id"] for row in rows_of(service.send("GET", ROWS))] == [1]
    assert "internal_error" not in service.log.read_text("utf-8")
    assert "unhandled" not in service.log.read_text("utf-8")


def test_re_14_a_client_that_sends_its_next_request_early_has_not_left(service: Service) -> None:
    with ThreadPoolExecutor(1) as threads, closing(service.server.connect()) as client:
        with service.locked() as watcher:
            client.sendall(service.head("GET", ROWS) + service.head("GET", ROWS)[:30])
            seconds_until(watcher, 1)
            client.sendall(service.head("GET", ROWS)[30:50])
            time.sleep(0.8)
            assert waiting(watcher) == 1
        assert threads.submit(read_answer, client).result(5).status == 200
        client.sendall(service.head("GET", ROWS)[50:])
        assert threads.submit(read_answer, client).result(5).status == 200


def test_cr_04_a_frozen_database_is_503_within_5_seconds_and_live_is_200(service: Service) -> None:
    time.sleep(1.1)  # who is asking, and what the table is like, is to be asked anew
    assert service.cluster.pid is not None
    asked = [
        ("GET", ROWS, None),
        ("POST", ROWS, {"id": 9}),
        ("GET", "/health/ready/", None),
        ("GET", "/api/apps/", None),
    ]
    with ThreadPoolExecutor(12) as threads:
        with frozen(service.cluster.pid):
            thaw = time.monotonic() + 7
            first = list(threads.map(lambda request: service.timed(*request), asked * 3))
            known = [service.timed(*request) for request in asked]
            live = service.timed("GET", "/health/live/")
            time.sleep(max(0.0, thaw - time.monotonic()))
        for answer, seconds in first + known:
            assert (answer.status, answer.json["code"]) == (503, "db_unavailable")
            assert "retry-after" in answer.headers
            assert seconds < 5
        assert max(seconds for _, seconds in known) < 0.5
        assert (live[0].status, live[1] < 0.5) == (200, True)
        thawed = time.monotonic()
        while service.send("GET", ROWS).status != 200:
            assert time.monotonic() - thawed < 1
        assert service.timed("GET", "/health/live/")[1] < 1
        again = [answer.status for answer in threads.map(lambda _: service.send("GET", ROWS), range(12))]
        assert again == [200] * 12
    assert service.send("GET", "/health/ready/").status in {200, 503}  # its verdict may be a second old
    assert "internal_error" not in service.log.read_text("utf-8")
    assert "unhandled" not in service.log.read_text("utf-8")


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    found: Any = answer.json
    return list(found["data"])
