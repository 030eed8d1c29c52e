"""MongoDB: what its driver raises, by kind; deadlines, clients that left, a silent server, and what they leave."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

from datar import presence
from datar.errors import ClientGone, DatarError, Invalid, Unavailable
from records.provider import Stale
from records.providers.mongo.answered import answered
from records.providers.mongo.errors import translated, wrapped
from records.providers.mongo.server import Document, Pipeline, Server, database_of
from tests.frozen import frozen
from tests.mongo import mongodb, why_not_mongodb
from tests.records.commands import recorded
from tests.records.engine import Engine
from tests.records.refusals import refused

pytestmark = pytest.mark.skipif(why_not_mongodb() is not None, reason=f"no embedded MongoDB: {why_not_mongodb()}")

LONG: Pipeline = [
    {"$lookup": {"from": "many", "pipeline": [{"$match": {"$expr": {"$gt": ["$n", {"$rand": {}}]}}}], "as": "a"}},
    {"$project": {"size": {"$size": "$a"}}},
    {"$match": {"size": -1}},
]
"""Takes a minute over a few thousand documents, and finds nothing."""
NUMBERS = {"fields": [{"name": "id", "type": "integer"}, {"name": "n", "type": "integer"}], "primaryKey": "id"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with closing(Server(mongodb().url(), prefix="patience")) as server:
        many = server.database("t")["many"]
        many.insert_many([{"n": number} for number in range(8_000)])
        yield server
        server.client.drop_database(many.database.name)


@pytest.fixture(scope="module")
def watcher() -> Iterator[MongoClient[dict[str, Any]]]:
    """Who sees what the server does."""
    with MongoClient[dict[str, Any]](mongodb().superuser_url()) as client:
        yield client


def ask_for_long(server: Server) -> list[Document]:
    with server.snapshot() as session:
        return list(server.database("t")["many"].aggregate(LONG, session=session))


def assert_soon_idle(watcher: MongoClient[dict[str, Any]], namespace: str) -> None:
    """Within two seconds the server does nothing for that collection any more."""
    deadline = time.monotonic() + 2
    while any(found["ns"] == namespace for found in watcher.admin.aggregate([{"$currentOp": {"localOps": True}}])):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AutoReconnect("gone"), "db_unavailable"),
        (ServerSelectionTimeoutError("none"), "db_unavailable"),
        (WaitQueueTimeoutError("busy"), "overloaded"),
        (ExecutionTimeout("slow", 50), "query_timeout"),
        (OperationFailure("stepping down", 189), "db_unavailable"),
        (OperationFailure("shutting down", 11600), "db_unavailable"),
        (OperationFailure("out of space", 14031), "storage_full"),
        (OperationFailure("cache", 388), "query_too_complex"),
        (OperationFailure("met", 112), "conflict_retry"),
        (OperationFailure("LockTimeout", 24), "schema_locked"),
        (OperationFailure("taken", 11000), "conflict_unique"),
        (OperationFailure("validator", 121), "check_failed"),
        (OperationFailure("no set", 20), "provider_not_available"),
        (OperationFailure("new", 999_999, {"errorLabels": ["TransientTransactionError"]}), "conflict_retry"),
        (OperationFailure("new", 999_999, {"errorLabels": ["RetryableWriteError"]}), "db_unavailable"),
        (BulkWriteError({"writeErrors": [{"code": 112}]}), "conflict_retry"),
    ],
)
def test_what_the_driver_raises_becomes_a_kind_without_its_words(error: Exception, code: str) -> None:
    kind = translated(error)
    assert isinstance(kind, DatarError)
    assert kind.code == code
    assert str(error) not in kind.detail
    assert not isinstance(kind, Unavailable) or kind.retry_after


def test_a_bug_stays_a_bug_and_an_absent_collection_is_stale() -> None:
    for error in (OperationFailure("unknown operator", 168), BulkWriteError({}), ValueError("ours")):
        assert translated(error) is error
    with pytest.raises(Stale), wrapped():
        raise OperationFailure("no such collection", 26)
    assert getattr(translated(NetworkTimeout("late"), late=True), "code", "") == "query_timeout"
    assert getattr(translated(NetworkTimeout("early")), "code", "") == "db_unavailable"


def test_a_document_that_is_too_large_is_a_row_or_an_answer(server: Server) -> None:
    rows = server.database("t")["large"]
    with refused(Invalid, "row_too_large"), wrapped(10, writes=True):
        rows.insert_one({"text": "x" * 17_000_000})
    rows.insert_many([{"text": "x" * 6_000_000} for _ in range(3)])
    started = time.monotonic()
    with refused(Invalid, "query_too_complex"):  # the server closes the connection
        answered(server, lambda: list(rows.aggregate([{"$group": {"_id": None, "all": {"$push": "$text"}}}])))
    with refused(Invalid, "query_too_complex"):  # it says so
        answered(server, lambda: list(rows.aggregate([{"$lookup": {"from": "large", "pipeline": [], "as": "all"}}])))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mongodb://u:p@h:1,i:2/shop?replicaSet=r", "shop"),
        ("mongodb://u:p@h/?a=/b", ""),
        ("mongodb://h", ""),
        ("mongodb://u:p@%2Ftmp%2Fmongod.sock/", ""),
    ],
)
def test_the_database_of_a_url_begins_the_names(url: str, name: str) -> None:
    assert database_of(url) == name


def test_re_14_what_is_over_its_deadline_is_503_and_the_server_idle(
    server: Server, watcher: MongoClient[dict[str, Any]]
) -> None:
    started = time.monotonic()
    with refused(Unavailable, "query_timeout") as refusal, wrapped(1.0):
        ask_for_long(server)
    assert time.monotonic() - started < 2
    assert refusal.error.retry_after
    assert_soon_idle(watcher, f"{server.database('t').name}.many")


def test_re_14_a_client_that_leaves_frees_the_server(server: Server, watcher: MongoClient[dict[str, Any]]) -> None:
    left = threading.Event()
    threading.Timer(0.5, left.set).start()
    presence.begin(left.is_set)
    started = time.monotonic()
    try:
        with pytest.raises(ClientGone), wrapped(20):
            ask_for_long(server)
    finally:
        presence.end()
    assert time.monotonic() - started < 2
    assert_soon_idle(watcher, f"{server.database('t').name}.many")
    assert server.database("t")["many"].find_one() is not None


def test_a_transaction_of_a_client_that_left_stands_in_nobodys_way(server: Server) -> None:
    rows = server.database("t")["many"]
    rows.replace_one({"_id": 1}, {"n": -1}, upsert=True)
    presence.begin(lambda: True)
    try:
        with pytest.raises(ClientGone), wrapped(20), server.transaction() as session:
            rows.update_one({"_id": 1}, {"$set": {"n": -2}}, session=session)
            list(rows.aggregate(LONG, session=session))
    finally:
        presence.end()
    with wrapped(5):
        rows.update_one({"_id": 1}, {"$inc": {"n": 1}})
    assert rows.find_one({"_id": 1}) == {"_id": 1, "n": 0}


def attempt(work: Callable[[], Any]) -> tuple[str, float]:
    """The code a piece of work is refused with, or nothing, and how long it took."""
    started = time.monotonic()
    try:
        with wrapped(20):
            work()
    except DatarError as error:
        return error.code, time.monotonic() - started
    return "", time.monotonic() - started


def test_cr_12_a_frozen_server_is_left_whatever_was_asked(server: Server) -> None:
    rows = server.database("t")["many"]

    def write(count: int, size: int) -> None:
        with server.transaction() as session:
            rows.insert_many([{"text": "x" * size} for _ in range(count)], session=session)

    asked = [lambda: ask_for_long(server), lambda: write(1, 1), lambda: write(10_000, 500)]
    outcomes: list[tuple[str, float]] = []
    server_process = mongodb().pid
    assert server_process is not None
    with frozen(server_process):
        threads = [threading.Thread(target=lambda work=work: outcomes.append(attempt(work))) for work in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        known = [attempt(lambda: ask_for_long(server)) for _ in range(3)]
    assert {code for code, _ in outcomes + known} == {"db_unavailable"}
    assert max(seconds for _, seconds in outcomes) < 3
    assert max(seconds for _, seconds in known) < 0.2
    back = time.monotonic()
    while attempt(lambda: write(1, 1))[0]:
        assert time.monotonic() - back < 2
        time.sleep(0.02)


def test_cr_12_every_write_waits_for_the_majority(database_url: str) -> None:
    with closing(Engine(database_url, "mongo")) as engine, recorded() as commands:
        rows = engine.table("numbers", NUMBERS)
        commands.clear()
        rows.create({"id": 1})
        rows.create([{"id": 2}, {"id": 3}])
        rows.update(1, {"n": 5})
        rows.update_many([{"id": 1, "n": 6}, {"id": 2, "n": 6}])
        rows.upsert([{"id": 1, "n": 7}, {"id": 9, "n": 7}])
        rows.skip([{"id": 1}, {"id": 10}])
        rows.delete(1)
        rows.delete_many(ids="2,3")
        rows.delete_many(filter='{"n": 7}')
    words = ("insert", "update", "delete", "findAndModify", "bulkWrite", "commitTransaction")
    writes = [command for command in commands if next(iter(command)) in words]
    final = [command for command in writes if "autocommit" not in command or "commitTransaction" in command]
    assert len(final) >= 9
    for command in final:
        assert command["writeConcern"]["w"] == "majority", command
    for command in writes:
        assert "maxTimeMS" in command, "a deadline at the server"
