"""Streams of lines: little memory, a connection of their own, deadlines, and never an end that is none."""

import itertools
import time
import tracemalloc
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from datar.errors import DatarError
from records import limits
from records.exports import PIECE_BYTES, Form
from records.providers.postgres import pool as pools
from tests.records.building import refusal_code
from tests.records.engine import Engine, Rows
from tests.records.exported import lines, objects
from tests.records.physical import plant
from tests.records.stage import Stage

NARROW: dict[str, Any] = {"fields": [{"name": "n", "type": "integer"}, {"name": "word"}]}


@pytest.fixture
def long(engine: Engine) -> Rows:
    """100,000 narrow rows."""
    rows = engine.table("long", NARROW)
    values = {"n": SQL("n"), "word": SQL("'word' || n")}
    plant(engine, rows.table, 100_000, values, lambda n: {"n": n, "word": f"word{n}"})
    return rows


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_long_results_take_little_memory(long: Rows, form: Form) -> None:
    """Pieces of about 64 KB, the first long before the last, and never the whole in memory."""
    lines(long, form, page_size="1")
    tracemalloc.start()
    try:
        size = largest = count = 0
        for piece in long.records.export([], form):
            size, largest, count = size + len(piece), max(largest, len(piece)), count + piece.count(b"\n")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 100_000 + (form == "csv")
    assert size > 1_500_000 and largest < PIECE_BYTES + 200
    assert peak < 1_000_000


def _operations(engine: Engine) -> list[dict[str, Any]]:
    """What MongoDB does in this engine's database, cursors that wait for their client too."""
    assert engine.server is not None
    name = engine.server.database(engine.namespace).name
    own = {"$match": {"ns": {"$regex": f"^{name}[.]"}}}
    return list(engine.server.client.admin.aggregate([{"$currentOp": {"idleCursors": True}}, own]))


def running(engine: Engine) -> int:
    """How many statements of this database are under way or waiting for their client."""
    if engine.server is not None:
        return len(_operations(engine))
    with psycopg.connect(engine.url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'"
            " AND pid <> pg_backend_pid() AND query LIKE 'SELECT%'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_who_leaves_frees_the_connection(engine: Engine, long: Rows) -> None:
    """Closing a stream ends its statement; the next one finds its connection."""
    for _ in range(20):  # more than there are connections
        stream = long.records.export([], "ndjson")
        next(stream)
        stream.close()
        assert list(stream) == []
        assert running(engine) == 0
    unread = long.records.export([], "csv")
    assert running(engine) == 1
    unread.close()
    assert running(engine) == 0


def test_streams_do_not_take_the_connections_of_reads(long: Rows) -> None:
    """There is a number of streams at once; the next one is refused, and lists go on."""
    streams: list[Any] = []
    try:
        with pytest.raises(DatarError) as caught:
            for _ in range(20):
                streams.append(long.records.export([], "csv"))
        assert caught.value.code == "overloaded" and len(streams) > 1
        assert long.list(page_size="1")["total"] == 100_000
    finally:
        for stream in streams:
            stream.close()


def test_what_is_refused_is_refused_at_once(long: Rows) -> None:
    """Before the first piece an export is refused as a list is."""
    assert refusal_code(lambda: lines(long, "csv", nn="1")) == "unknown_field"
    assert refusal_code(lambda: lines(long, "csv", n="x")) == refusal_code(lambda: long.list(n="x"))
    assert refusal_code(lambda: lines(long, "ndjson", page="1", offset="1")) == "invalid_pagination"


def test_a_question_that_takes_too_long(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows have a read's deadline: 503, and the server is free."""
    monkeypatch.setattr(pools, "STATEMENT_SECONDS", 0.5)
    monkeypatch.setattr(limits, "STATEMENT_SECONDS", 0.5)
    rows = engine.table("long", NARROW)
    values = {"n": SQL("n"), "word": SQL("repeat('ab ', 20000)")}
    plant(engine, rows.table, 3_000, values, lambda n: {"n": n, "word": "ab " * 20_000})
    began = time.monotonic()
    slow = [("word__nicontains", f"zebra{n}") for n in range(40)]
    slow.append(("ordering", "-n"))
    assert refusal_code(lambda: b"".join(rows.records.export(slow, "csv"))) == "query_timeout"
    while running(engine):  # MongoDB looks now and then whether a connection was closed
        assert time.monotonic() - began < 4
        time.sleep(0.1)
    assert time.monotonic() - began < 4


def test_the_whole_has_a_deadline(engine: Engine, long: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes too long over the rows is cut off: never an end that looks like one."""
    engine.pool.close()
    monkeypatch.setattr(pools, "EXPORT_SECONDS", 0.5)
    monkeypatch.setattr(limits, "EXPORT_SECONDS", 0.5)
    stream = long.records.export([], "ndjson")
    next(stream)
    time.sleep(0.8)
    with pytest.raises(DatarError) as caught:
        list(stream)
    assert caught.value.code == "query_timeout"


def test_a_connection_that_broke_is_replaced(engine: Engine, long: Rows) -> None:
    """Before the first piece it goes unnoticed; after it the stream breaks."""
    lines(long, "csv", page_size="1")
    _end_backends(engine)
    assert len(objects(long, page_size="3")) == 3
    stream = long.records.export([], "ndjson")
    next(stream)
    _end_backends(engine)
    with pytest.raises(DatarError) as caught:
        list(itertools.islice(stream, 10_000))
    assert caught.value.code == "db_unavailable"
    assert len(objects(long, page_size="3")) == 3


def _end_backends(engine: Engine) -> None:
    """Of this engine alone: connections of others to the same database live on."""
    if engine.server is not None:
        for operation in _operations(engine):
            collection = operation["ns"].partition(".")[2]
            engine.server.database(engine.namespace).command(
                "killCursors", collection, cursors=[operation["cursor"]["cursorId"]]
            )
        return
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'datar'"
            " AND strpos(query, %s) > 0",
            [f'"{engine.namespace}"'],
        )


def test_a_newer_schema_is_met_before_the_first_row(engine: Engine) -> None:
    """A stream made for an older schema is made anew."""
    stage = Stage(engine)
    assert lines(stage.old, "csv") == b"id,a,b,c\r\n1,1,2,3\r\n2,4,5,6\r\n"
    stage.change("a")
    assert lines(stage.old, "csv") == b"id,a\r\n1,1\r\n2,4\r\n"
    assert objects(stage.old) == [{"id": 1, "a": 1}, {"id": 2, "a": 4}]
