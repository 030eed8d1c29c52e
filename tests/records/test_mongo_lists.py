"""Lists on MongoDB: what an index serves, how much is looked at, what is counted, and how large an answer may be."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
from pymongo import MongoClient

from datar.errors import Invalid
from records.providers.mongo import totals
from records.providers.mongo.ledger import Ledger
from records.providers.mongo.provider import MongoProvider
from records.providers.mongo.server import Document, Server
from records.recordset import RecordSet
from tests.mongo import mongodb, mongodb_url
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused

MANY = 3_000
TIES = 60
"""No value but null stands in more rows."""
FIELDS = [
    {"name": "n", "type": "integer"},
    {"name": "at", "type": "datetime"},
    {"name": "code", "type": "string", "constraints": {"unique": True}},
    {"name": "must", "type": "integer", "constraints": {"required": True}},
    {"name": "plain", "type": "integer"},
    {"name": "boss", "type": "integer"},
]
POINTS: dict[str, Any] = {
    "fields": FIELDS,
    "indexes": [{"name": name, "fields": [name]} for name in ("n", "at", "must")],
    "foreignKeys": [{"fields": "boss", "reference": {"resource": "", "fields": "id"}, "x-reverse-name": "staff"}],
}


@pytest.fixture(scope="module")
def engine(database_url: str) -> Iterator[Engine]:
    """A namespace on MongoDB."""
    engine = Engine(database_url, "mongo")
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def points(engine: Engine) -> Rows:
    """Many rows; each third is without what may be null, and values repeat."""
    rows = engine.table("points", POINTS)
    rows.create([_point(number) for number in range(1, MANY + 1)])
    return rows


def _point(number: int) -> dict[str, Any]:
    point: dict[str, Any] = {"id": number, "must": number % 100, "plain": number % 10, "boss": number // 10 or None}
    if number % 3:
        point |= {"n": number % 50, "at": f"2024-01-01T00:{number % 60:02}:00Z", "code": f"c{number:05}"}
    return point


@contextmanager
def looked_at(engine: Engine) -> Iterator[list[Document]]:
    """What the server did for the questions asked in the block: one document each, in their order."""
    assert engine.server is not None
    database = engine.server.database(engine.namespace)
    done: list[Document] = []
    database.command("profile", 2)
    try:
        yield done
    finally:
        database.command("profile", 0)
        questions = [{f"command.{word}": {"$exists": True}} for word in ("aggregate", "find")]
        done += database["system.profile"].find({"$or": questions})
        database.drop_collection("system.profile")


LED = ["id", "-id", "must", "-must", "n", "-n", "at", "-at", "code", "-code", "must,-n", "-n,-id"]
"""Orders that an index has, or at least begins."""
OTHERS = ["-n,plain", "plain", "-plain,n", "boss.must", "-boss.code,n"]


def keys_of(done: list[Document]) -> int:
    """How many keys of indexes were looked at, and documents where no index was."""
    return sum(each["keysExamined"] or each["docsExamined"] for each in done)


@pytest.mark.parametrize("ordering", LED)
def test_a_page_in_an_indexes_order_looks_at_few_rows(points: Rows, engine: Engine, ordering: str) -> None:
    whole = points.ask(("ordering", ordering), ("page_size", "1000"))["data"]
    with looked_at(engine) as done:
        page = points.list(ordering=ordering, page_size="10", _count="none")
    assert page["data"] == whole[:10]
    assert keys_of(done) <= 2 * 10 + TIES


@pytest.mark.parametrize("ordering", ["id", "-id", "must"])
def test_nothing_is_sorted_that_an_index_has_in_order(points: Rows, engine: Engine, ordering: str) -> None:
    for more in ({}, {"plain": "1"}, {"plain__gt": "3", "at__isnull": "true"}):
        with looked_at(engine) as done:
            points.list(ordering=ordering, page_size="10", _count="none", **more)
        assert [each.get("hasSortStage", False) for each in done] == [False]


@pytest.mark.parametrize("ordering", [*LED, *OTHERS])
def test_a_late_page_after_a_cursor_costs_what_the_first_costs(points: Rows, engine: Engine, ordering: str) -> None:
    whole = [
        row
        for page in ("1", "2", "3")
        for row in points.ask(("ordering", ordering), ("page_size", "1000"), ("page", page))["data"]
    ]
    assert len(whole) == MANY
    cursor: str | None = ""
    seen: list[Any] = []
    while cursor is not None:
        with looked_at(engine) as done:
            page = points.list(ordering=ordering, page_size="130", cursor=cursor)
        seen += page["data"]
        cursor = page["next_cursor"]
        assert ordering in OTHERS or keys_of(done) <= 4 * 131 + TIES
    assert seen == whole


def test_an_index_of_some_rows_gives_no_order_of_all(engine: Engine) -> None:
    fields = [{"name": "code", "type": "string"}, {"name": "on", "type": "boolean"}]
    index = {"name": "some", "fields": ["code"], "unique": True, "where": {"on": True}}
    rows = engine.table("partly", {"fields": fields, "indexes": [index]})
    rows.create([{"id": number, "code": "same", "on": number == 5 or None} for number in range(9, 0, -1)])
    assert [row["id"] for row in rows.list(ordering="code")["data"]] == list(range(1, 10))
    page = rows.list(ordering="-code", cursor="", page_size="4")
    after = rows.list(ordering="-code", cursor=page["next_cursor"], page_size="9")
    assert [row["id"] for row in page["data"] + after["data"]] == list(range(1, 10))


def test_a_total_is_counted_only_where_the_page_does_not_tell(points: Rows, engine: Engine) -> None:
    for more, count in (({"must": "7"}, 1), ({"must": "7", "page_size": "10"}, 2), ({"_count": "none"}, 1)):
        with looked_at(engine) as done:
            points.list(**({"page_size": "100"} | more))
        assert len(done) == count, more
        assert len({str(each["command"]["readConcern"]["atClusterTime"]) for each in done[1:]}) <= 1


def test_an_estimate_reads_a_sample_only(points: Rows, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "COUNTED_ROWS", 100)
    monkeypatch.setattr(totals, "SAMPLED_ROWS", 100)
    assert points.list(_count="estimated", page_size="1")["total"] == MANY
    with looked_at(engine) as done:
        total = points.list(plain__lt="5", _count="estimated", page_size="1")["total"]
    assert MANY / 5 < total < MANY * 4 / 5
    assert sum(each["docsExamined"] for each in done) <= 200
    assert points.list(plain="77", _count="estimated", offset="5", limit="1")["total"] == 0


def test_relations_are_found_by_index(points: Rows, engine: Engine) -> None:
    """Also of rows that lead nowhere, of which there are many."""
    refer = {"fields": "by", "reference": {"resource": "points", "fields": "code"}}
    notes = engine.table("notes", {"fields": [{"name": "by", "type": "string"}], "foreignKeys": [refer]})
    notes.create([{"by": "c00001"}, *({} for _ in range(30))])
    with looked_at(engine) as done:
        rows = notes.list(populate="by", page_size="40", _count="none")["data"]
    assert [row["by"] and row["by"]["id"] for row in rows] == [1] + [None] * 30
    assert sum(each["docsExamined"] for each in done) <= 31 + 1
    with looked_at(engine) as done:
        rows = points.list(populate="notes,staff,boss", page_size="30", _count="none")["data"]
    assert [len(row["notes"]) for row in rows[:3]] == [1, 0, 0]
    assert [len(row["staff"]) for row in rows[:2]] == [10, 10]
    assert sum(each["docsExamined"] for each in done) <= 30 + 1 + 300 + 30


def test_joined_rows_of_more_than_a_document_can_hold_are_refused(engine: Engine) -> None:
    key = {"fields": "parent", "reference": {"resource": "", "fields": "id"}, "x-reverse-name": "children"}
    fields = [{"name": "parent", "type": "integer"}, {"name": "text", "type": "string"}]
    rows = engine.table("large", {"fields": fields, "foreignKeys": [key]})
    rows.create({"id": 1})
    for _ in range(3):
        rows.create([{"parent": 1, "text": "x" * 1_000_000} for _ in range(6)])
    assert len(rows.list(page_size="20")["data"]) == 19
    with refused(Invalid, "query_too_complex"):
        rows.list(populate="children", page_size="1")
    with refused(Invalid, "query_too_complex"):
        rows.get(1, populate="children")
    few = rows.list(populate="children", page_size="1", populate_limit="10")["data"]
    assert len(few[0]["children"]) == 10


def test_di_11_rows_and_total_are_of_one_moment(engine: Engine) -> None:
    rows = engine.table("growing", {"fields": [{"name": "n", "type": "integer"}]})
    rows.create([{"id": 1}, {"id": 2}])
    end = threading.Event()

    def grow() -> None:
        number = 2
        while not end.is_set():
            rows.create([{"id": number + 1}, {"id": number + 2}])
            number += 2

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(grow)
        try:
            for _ in range(100):
                page = rows.list(ordering="-id", page_size="1")
                assert page["data"][0]["id"] == page["total"]
                assert page["total"] % 2 == 0
        finally:
            end.set()
        growing.result()


def test_di_12_a_write_is_read_at_once_by_every_process(engine: Engine) -> None:
    rows = engine.table("written", {"fields": [{"name": "n", "type": "integer"}]})
    with closing(Server(mongodb_url())) as server:
        elsewhere = Rows(RecordSet(rows.table, engine, MongoProvider(server, Ledger(engine.pool))))
        for number in range(1, 101):
            rows.create({"id": number, "n": 0})
            assert elsewhere.get(number) == {"id": number, "n": 0}
            rows.update(number, {"n": number})
            assert elsewhere.list(n=str(number))["total"] == 1


@pytest.mark.parametrize("ordering", ["day,shop,n", "-day,-shop,-n"])
def test_rows_after_a_whole_key_are_one_range(engine: Engine, ordering: str) -> None:
    fields = [{"name": "n", "type": "integer"}, {"name": "shop"}, {"name": "day", "type": "datetime"}]
    rows = engine.table(f"sales{len(ordering)}", {"fields": fields, "primaryKey": ["day", "shop", "n"]})
    days = ["2024-01-02T00:00:00Z", "2023-12-31T23:59:59.000001Z", "2023-12-31T23:59:59Z"]
    rows.create(
        [{"n": n, "shop": shop, "day": day} for n in (10, -9, 2) for shop in ("b", "B", "ä", "ba") for day in days]
    )
    whole = rows.list(ordering=ordering, page_size="100")["data"]
    walked: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        with looked_at(engine) as done:
            page = rows.list(ordering=ordering, page_size="5", cursor=cursor)
        walked += page["data"]
        cursor = page["next_cursor"]
        assert keys_of(done) <= 6
    assert (walked, len(whole)) == (whole, 36)


def test_a_page_larger_than_a_batch_of_the_server_is_whole(engine: Engine) -> None:
    """It gives 16 MB at once."""
    rows = engine.table("heavy", {"fields": [{"name": "id", "type": "integer"}, {"name": "text"}], "primaryKey": "id"})
    text = "x" * 1_000_000
    for number in range(1, 21):
        rows.create({"id": number, "text": text})
    with MongoClient[Document](mongodb().superuser_url()) as watcher:
        open_before = watcher.admin.command("serverStatus")["metrics"]["cursor"]["open"]["total"]
        page = rows.list(page_size="19", ordering="-id")
        assert [(row["id"], len(row["text"])) for row in page["data"]] == [(id_, len(text)) for id_ in range(20, 1, -1)]
        assert page["total"] == 20
        assert watcher.admin.command("serverStatus")["metrics"]["cursor"]["open"]["total"] <= open_before
