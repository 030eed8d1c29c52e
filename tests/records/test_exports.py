"""Lists and groups as lines of text: the very rows of the JSON list, in any number, in little memory."""

import csv
import io
import itertools
import json
import time
import tracemalloc
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from datar.errors import DatarError, Invalid
from records.exports import PIECE_BYTES, Form
from records.providers.postgres import pool as pools
from tests.records.building import refusal_code
from tests.records.engine import Engine, Rows, read
from tests.records.physical import planted
from tests.records.stage import Stage

EVERY: dict[str, Any] = {
    "fields": [
        {"name": "text"},
        {"name": 'a "label", with\' everything%s{0}é'},
        {"name": "mail", "format": "email"},
        {"name": "unique", "format": "uuid"},
        {"name": "bytes", "format": "binary"},
        {"name": "whole", "type": "integer"},
        {"name": "exact", "type": "number"},
        {"name": "flag", "type": "boolean"},
        {"name": "day", "type": "date"},
        {"name": "clock", "type": "time"},
        {"name": "moment", "type": "datetime"},
        {"name": "month", "type": "yearmonth"},
        {"name": "length", "type": "duration"},
        {"name": "map", "type": "object"},
        {"name": "many", "type": "array"},
        {"name": "json", "type": "any"},
        {"name": "place", "type": "geopoint"},
    ]
}
FULL: dict[str, Any] = {
    "text": "plain",
    'a "label", with\' everything%s{0}é': "x",
    "mail": "a@example.com",
    "unique": "0b0e0000-0000-4000-8000-00000000abcd",
    "bytes": "AAECAwQ=",
    "whole": -5,
    "exact": 1.10,
    "flag": False,
    "day": "2024-02-29",
    "clock": "23:59:59.5",
    "moment": "2024-02-29T01:02:03.004Z",
    "month": "2024-02",
    "length": "P1DT2H",
    "map": {"b": [1, {"c": 'd"e'}], "a": None},
    "many": [],
    "json": 'a "text", in JSON',
    "place": [1.5, -2],
}
TEXTS = [
    *("", " ", '"', '""', ",", "\r", "\n", "\r\n", "a\r\nb", "=1+1", "+x", "-x", "@x", "'", "\t", "null", "\\", "\\N"),
    *('"quoted"', 'a,"b",c', "日本語, «ü»", "\U0001f600", "\u2028", "\ufeff", " padded ", "%s", "{}", "x" * 100_000),
]


def lines(rows: Rows, form: Form, **params: str) -> bytes:
    """The whole text."""
    return b"".join(rows.records.export(list(params.items()), form))


def cells(rows: Rows, **params: str) -> list[dict[str, str]]:
    """CSV as a spreadsheet reads it."""
    return list(csv.DictReader(io.StringIO(lines(rows, "csv", **params).decode(), newline=""), strict=True))


def objects(rows: Rows, **params: str) -> list[Any]:
    """Each line of JSON."""
    text = lines(rows, "ndjson", **params)
    assert text.endswith(b"\n") or not text
    return [read(line) for line in text.split(b"\n")[:-1]]


def cell(value: Any) -> str:
    """What CSV makes of a JSON value."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, default=float) if isinstance(value, dict | list) else str(value).lower()


@pytest.fixture
def every(engine: Engine) -> Rows:
    """Rows of every type: full, empty, and each difficult text."""
    rows = engine.table("every", EVERY)
    rows.create([FULL, {}, *({"text": text} for text in TEXTS), {"bytes": "", "json": "", "map": {}, "text": "last"}])
    return rows


def test_rows_are_those_of_the_list(every: Rows) -> None:
    """Line by line the objects of the JSON list; cell by cell its values."""
    listed = every.list(page_size="100", _meta="true")["data"]
    assert objects(every, _meta="true") == listed
    read_back = cells(every, _meta="true")
    assert [list(row) for row in read_back] == [list(row) for row in listed]
    for row, want in zip(read_back, listed, strict=True):
        for label, value in want.items():
            if isinstance(value, dict | list):
                assert read(row[label].encode()) == value
            else:
                assert row[label] == cell(value)


def test_null_is_nothing_and_an_empty_text_two_quotes(engine: Engine) -> None:
    """RFC 4180, to the byte: CRLF after every line, quotes where there must be some."""
    rows = engine.table("some", {"fields": [{"name": "a,b"}, {"name": "c"}, {"name": "n", "type": "number"}]})
    rows.create([{"a,b": "", "c": None, "n": 1.25}, {"a,b": 'x"y', "c": "p\r\nq"}, {"a,b": "é", "c": "=1", "n": 0}])
    head = b'id,"a,b",c,n\r\n'
    assert lines(rows, "csv") == head + '1,"",,1.25\r\n2,"x""y","p\r\nq",\r\n3,é,=1,0\r\n'.encode()
    assert lines(rows, "csv", fields="c", id="2") == b'c\r\n"p\r\nq"\r\n'
    assert lines(rows, "csv", id="9") == head
    assert lines(rows, "ndjson", id="9") == b""
    assert lines(rows, "ndjson", id="3") == '{"id":3,"a,b":"é","c":"=1","n":0}\n'.encode()


def test_everything_or_the_page_that_was_asked_for(engine: Engine) -> None:
    """Without paging the whole result, in the list's order; with it that page."""
    rows = engine.table("numbers", {"fields": [{"name": "n", "type": "integer"}]})
    rows.create([{"n": n % 7} for n in range(1, 2_501)])
    assert [row["n"] for row in objects(rows, ordering="-n")] == sorted((n % 7 for n in range(1, 2_501)), reverse=True)
    assert len(cells(rows, n__lt="3")) == rows.list(n__lt="3")["total"]
    for paging in ({"page": "2", "page_size": "5"}, {"limit": "3", "offset": "2499"}, {"page_size": "1"}):
        assert objects(rows, ordering="-n", **paging) == rows.list(ordering="-n", **paging)["data"]
        assert len(cells(rows, **paging)) == len(rows.list(**paging)["data"])
    with pytest.raises(Invalid) as caught:
        rows.records.export([("cursor", "")], "csv")
    assert caught.value.code == "invalid_pagination"


def test_relations_conditions_and_search(engine: Engine) -> None:
    """Whatever a list takes: populated rows are JSON in their cells."""
    engine.table("shelves", {"fields": [{"name": "id", "type": "integer"}, {"name": "label"}]}).create(
        [{"id": 1, "label": 'the "first", top'}, {"id": 2}]
    )
    key = {"fields": "shelf", "reference": {"resource": "shelves", "fields": "id"}, "x-name": "on"}
    fields = [{"name": "title"}, {"name": "shelf", "type": "integer"}]
    books = engine.table("books", {"fields": fields, "foreignKeys": [key], "search_fields": ["title"]})
    books.create([{"title": "one fish", "shelf": 1}, {"title": "two", "shelf": 2}, {"title": "three fish"}])
    shelves = engine.rows("shelves")
    asked = {"populate": "on", "search": "fish", "ordering": "-on.label,-rank"}
    assert objects(books, **asked) == books.list(**asked)["data"]
    assert [row["on"] and json.loads(row["on"]) for row in cells(books, **asked)] == [
        row["on"] or "" for row in books.list(**asked)["data"]
    ]
    assert (
        objects(shelves, populate="books", **{"books.title__contains": "o"})
        == (shelves.list(populate="books", **{"books.title__contains": "o"})["data"])
    )
    assert json.loads(cells(shelves, populate="books")[1]["books"]) == [{"id": 2, "title": "two", "shelf": 2}]


def test_aggregates(every: Rows) -> None:
    """Groups are rows too: all of them, or a page; without groups there is one."""
    for asked in (
        {"_group_by": "text", "_aggregate": "count(*),min(whole) as least,json_agg(map),max(moment)"},
        {"_group_by": "flag,day", "_aggregate": "count(*) as n", "ordering": "-n"},
        {"_aggregate": "count(*),sum(exact),string_agg(mail),array_agg(whole),max(length)"},
        {"_group_by": "text", "_aggregate": "count(*)", "_having": "count>1"},
    ):
        listed = every.list(**asked, **({"page_size": "100"} if "_group_by" in asked else {}))["data"]
        assert objects(every, **asked) == listed
        for row, want in zip(cells(every, **asked), listed, strict=True):
            for label, value in want.items():
                if isinstance(value, dict | list):
                    assert read(row[label].encode()) == value
                else:
                    assert row[label] == cell(value)
    groups = {"_group_by": "text", "page_size": "2", "page": "2"}
    assert objects(every, **groups) == every.list(**groups)["data"]


NARROW: dict[str, Any] = {"fields": [{"name": "n", "type": "integer"}, {"name": "word"}]}


@pytest.fixture
def long(engine: Engine) -> Rows:
    """100,000 narrow rows."""
    rows = engine.table("long", NARROW)
    values = {"n": SQL("n"), "word": SQL("'word' || n")}
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(planted(rows.table, values, SQL("generate_series(1, 100000) AS n")))
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


def running(engine: Engine) -> int:
    """How many statements of this database are under way or waiting for their client."""
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
    rows = engine.table("long", NARROW)
    values = {"n": SQL("n"), "word": SQL("repeat('ab ', 20000)")}
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(planted(rows.table, values, SQL("generate_series(1, 3000) AS n")))
    began = time.monotonic()
    assert refusal_code(lambda: lines(rows, "csv", search="-zebra", ordering="rank")) == "query_timeout"
    assert time.monotonic() - began < 4
    assert running(engine) == 0


def test_the_whole_has_a_deadline(engine: Engine, long: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes too long over the rows is cut off: never an end that looks like one."""
    engine.pool.close()
    monkeypatch.setattr(pools, "EXPORT_SECONDS", 0.5)
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
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'datar'"
        )


def test_a_newer_schema_is_met_before_the_first_row(engine: Engine) -> None:
    """A stream made for an older schema is made anew."""
    stage = Stage(engine)
    assert lines(stage.old, "csv") == b"id,a,b,c\r\n1,1,2,3\r\n2,4,5,6\r\n"
    stage.change("a")
    assert lines(stage.old, "csv") == b"id,a\r\n1,1\r\n2,4\r\n"
    assert objects(stage.old) == [{"id": 1, "a": 1}, {"id": 2, "a": 4}]
