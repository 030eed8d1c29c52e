"""Lists and groups as lines of text: the very rows of the JSON list, in any number."""

import json
from typing import Any

import pytest

from datar.errors import Invalid
from tests.records.engine import Engine, Rows, read
from tests.records.exported import cells, lines, objects

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
