"""Writes on MongoDB that meet another one, a commit without an answer, and what one write sends."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure
from pymongo.synchronous.pool import Connection

from datar.errors import Conflict, Unavailable
from records.providers.mongo import retrying
from tests.records.commands import recorded
from tests.records.engine import Engine, Rows
from tests.records.refusals import refused
from tests.records.stage import PAIR
from tests.records.test_foreign_key_races import chain, ids
from tests.records.test_rows_relations import family


@pytest.fixture
def mongo(database_url: str) -> Iterator[Engine]:
    """A namespace whose tables MongoDB keeps."""
    engine = Engine(database_url, "mongo")
    yield engine
    engine.close()


@pytest.fixture
def pair(mongo: Engine) -> Rows:
    """Two rows."""
    rows = mongo.table("pair", PAIR)
    rows.create([{"a": 0}, {"a": 0}])
    return rows


@contextmanager
def held(engine: Engine, rows: Rows, key: int) -> Iterator[None]:
    """A transaction past the service, which has changed this row and is not committed before the block ends."""
    assert engine.server is not None
    column = rows.table.by_name["b"].column
    with engine.server.transaction() as session:
        engine.collection(rows.table).update_one({"_id": key}, {"$set": {column: 7}}, session=session)
        yield


def test_a_write_that_meets_another_one_is_tried_again(mongo: Engine, pair: Rows) -> None:
    done: list[Any] = []
    with held(mongo, pair, 2):
        ours = threading.Thread(target=lambda: done.append(pair.update_many([{"id": 2, "a": 1}, {"id": 1, "a": 1}])))
        ours.start()
        ours.join(0.02)
    ours.join()
    assert done == [[{"id": 2, "a": 1, "b": 7}, {"id": 1, "a": 1, "b": None}]]


def test_a_write_that_meets_another_one_every_time_is_refused(mongo: Engine, pair: Rows) -> None:
    writes: tuple[Callable[[], object], ...] = (
        lambda: pair.update_many([{"id": 2, "a": 1}, {"id": 1, "a": 1}]),
        lambda: pair.delete_many(filter='{"id__gte":1}'),
    )
    with held(mongo, pair, 2):
        for write in writes:
            with refused(Conflict, "conflict_retry"):
                write()
    assert pair.list()["data"] == [{"id": 1, "a": 0, "b": None}, {"id": 2, "a": 0, "b": 7}]


def test_only_the_first_try_meets_others() -> None:
    """From the second on it is the only writer, so that a write of this service cannot come between again."""
    tries: list[bool] = []

    def attempt(alone: bool) -> None:
        tries.append(alone)
        raise Conflict("", code="conflict_retry")

    with refused(Conflict, "conflict_retry"):
        retrying.tried(attempt)
    assert tries == [False] + [True] * (retrying.TRIES - 1)


@pytest.mark.parametrize("code", ["conflict_unique", "conflict_foreign_key"])
def test_what_is_refused_is_not_tried_again(code: str) -> None:
    tries: list[bool] = []

    def attempt(alone: bool) -> None:
        tries.append(alone)
        raise Conflict("", code=code)

    with refused(Conflict, code):
        retrying.tried(attempt)
    assert tries == [False]


class Silent:
    """A session whose commits get no answer, so many of them."""

    def __init__(self, times: float) -> None:
        self.left = times
        self.asked = 0

    def commit_transaction(self) -> None:
        """As pymongo's."""
        self.asked += 1
        self.left -= 1
        if self.left >= 0:
            raise OperationFailure("", 50, {"errorLabels": ["UnknownTransactionCommitResult"]})


def test_a_commit_without_an_answer_is_asked_for_again() -> None:
    session: Any = Silent(3)
    retrying.commit(session)
    assert session.asked == 4


def test_a_commit_that_nobody_ever_answers_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_COMMIT_SECONDS", 0.1)
    session: Any = Silent(float("inf"))
    with refused(Unavailable, "commit_unknown"):
        retrying.commit(session)
    assert session.asked > 2


def sent(work: Callable[[], object]) -> Counter[str]:
    """How often each command was sent to MongoDB."""
    with recorded() as commands:
        work()
    return Counter(next(iter(command)) for command in commands)


def test_one_row_is_one_command(pair: Rows) -> None:
    assert sent(lambda: pair.update(1, {"a": 5})) == {"findAndModify": 1}
    assert sent(lambda: pair.delete(1)) == {"delete": 1}


def test_a_foreign_key_is_one_question(mongo: Engine) -> None:
    _, children = family(mongo)
    one = sent(lambda: children.update(1, {"parent_id": 2}))
    assert one == {"find": 1, "findAndModify": 1}
    many: Sequence[Any] = [{"id": 10 + number, "parent_id": 1 + number % 2} for number in range(500)]
    assert sent(lambda: children.create(many))["find"] == 1
    assert sent(lambda: children.update_many(many))["find"] == 3  # are they there, what are they now, their parents


def test_a_removal_asks_level_by_level(mongo: Engine) -> None:
    levels = chain(mongo, "CASCADE", "CASCADE", "SET NULL")
    levels[1].create([{"id": 100 + number, "parent_id": 1} for number in range(200)])
    levels[2].create([{"id": 100 + number, "parent_id": 100 + number} for number in range(200)])
    levels[3].create([{"id": 100 + number, "parent_id": 100 + number} for number in range(200)])
    commands = sent(lambda: levels[0].delete(1))
    assert commands["delete"] == 3
    assert commands["update"] == 1
    assert commands["find"] < 10
    assert [len(ids(rows)) for rows in levels[:3]] == [1, 1, 1]


def test_rows_that_nothing_refers_to_are_removed_where_they_are(pair: Rows) -> None:
    """So the service holds none of them, however many there are."""
    commands = sent(lambda: pair.delete_many(filter='{"or":[{"a":0,"b__isnull":true},{"id__in":[7]}]}'))
    assert commands == {"delete": 1, "commitTransaction": 1}
    assert pair.list()["total"] == 0


@contextmanager
def cut_off(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """The connection is lost once: when the server has done a command of this name, before its answer is read."""
    send, left = Connection.command, [name]

    def command(connection: Any, database: str, spec: Any, *arguments: Any, **options: Any) -> Any:
        answer = send(connection, database, spec, *arguments, **options)
        if next(iter(spec)) in left:
            left.clear()
            connection.close_conn(None)
            raise AutoReconnect("lost")
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "command", command)
        yield
    assert not left


def test_a_write_whose_answer_is_lost_is_made_once(mongo: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither doubled, nor refused for the row that it made itself."""
    word = {"name": "word", "type": "string", "constraints": {"unique": True}}
    rows = mongo.table("words", {"fields": [{"name": "id", "type": "integer"}, word], "primaryKey": "id"})
    writes: list[tuple[str, Callable[[], Any]]] = [
        ("insert", lambda: rows.create({"word": "a"})),
        ("insert", lambda: rows.create({"id": 2, "word": "b"})),
        ("findAndModify", lambda: rows.upsert({"word": "c"}, unique_fields="word")),
        ("findAndModify", lambda: rows.update(1, {"word": "d"})),
        ("delete", lambda: rows.delete(2)),
        ("commitTransaction", lambda: rows.create([{"word": "g"}, {"word": "h"}])),
        ("commitTransaction", lambda: rows.skip([{"word": "i"}, {"word": "i"}])),
        ("commitTransaction", lambda: rows.delete_many(filter='{"word":"g"}')),
    ]
    for name, write in writes:
        with cut_off(monkeypatch, name):
            write()
    assert sorted(row["word"] for row in rows.list()["data"]) == ["c", "d", "h", "i"]
