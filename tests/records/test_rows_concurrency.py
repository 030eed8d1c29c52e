"""Several at once, newer schemas, lost connections: what a write or a read does when the world moves under it."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier

from datar.errors import Conflict, DatarError, NotFound, Unavailable
from records.providers.postgres.columns import qualified
from tests.records.engine import Engine, Rows
from tests.records.physical import assignment, drop, lock
from tests.records.refusals import refused
from tests.records.stage import PAIR, Stage
from tests.records.together import together


def test_di_03_changes_of_different_fields_are_both_kept(engine: Engine) -> None:
    rows = engine.table("pair", PAIR)
    rows.create({"a": 0, "b": 0})

    def writer(field: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(1, 51):
                assert rows.update(1, {field: number})[field] == number

        return work

    together([writer("a"), writer("b")])
    assert rows.get(1) == {"id": 1, "a": 50, "b": 50}


def test_di_13_bulk_changes_in_opposite_order(engine: Engine) -> None:
    rows = engine.table("pair", PAIR)
    rows.create([{"a": 0, "b": 0}] * 200)

    def writer(step: int) -> Callable[[], None]:
        def work() -> None:
            for number in range(10):
                rows.update_many([{"id": key, "a": number} for key in range(1, 201)[::step]])

        return work

    together([writer(1), writer(-1), writer(1), writer(-1)])
    assert rows.list(a="9")["total"] == 200


def test_di_13_deadlocked_upserts_are_tried_again(engine: Engine) -> None:
    rows = engine.table("pair", PAIR)
    rows.create([{"a": 0} for _ in range(100)])
    refusals: list[str] = []

    def writer(step: int) -> Callable[[], None]:
        def work() -> None:
            for number in range(15):
                try:
                    rows.upsert([{"id": key, "a": number} for key in range(1, 101)[::step]])
                except DatarError as error:
                    refusals.append(error.code)

        return work

    together([writer(1), writer(-1)])
    assert set(refusals) <= {"conflict_retry"}
    assert rows.list()["total"] == 100


def test_a_deadlock_is_tried_again(sql_engine: Engine) -> None:
    """A true deadlock: the other side holds row 2 and wants row 1, we hold row 1 and want row 2."""
    engine = sql_engine
    rows = engine.table("pair", PAIR)
    rows.create([{"a": 0}, {"a": 0}])
    place, key = qualified(rows.table), Identifier(rows.table.key_fields[0].column)
    touch = SQL("UPDATE {} SET {} WHERE {} = %s").format(place, assignment(rows.table, "b", SQL("7")), key)
    # On a busy machine it may be the other side that finds the deadlock, and then gives way.
    assert any(_crossed(engine, rows, touch) for _ in range(5))
    assert rows.list()["data"] == [{"id": 1, "a": 1, "b": 7}, {"id": 2, "a": 1, "b": 7}]


def _crossed(engine: Engine, rows: Rows, touch: Composed) -> bool:
    """Both sides wait for each other, and both changes are kept in the end; False when the other side gave way."""
    with psycopg.connect(engine.url) as other:
        other.execute("SET deadlock_timeout = '30s'") if _may_set(other) else None
        other.execute(touch, [2])
        ours = threading.Thread(target=lambda: rows.update_many([{"id": 1, "a": 1}, {"id": 2, "a": 1}]))
        ours.start()
        _wait_for_lock(engine)
        try:
            other.execute(touch, [1])
            other.commit()
        except psycopg.errors.DeadlockDetected:
            other.rollback()
            return False
        finally:
            ours.join()
    return True


def _may_set(connection: "psycopg.Connection[Any]") -> bool:
    """deadlock_timeout is a superuser's setting; without it either side may be the victim, so it is ours that waits."""
    found = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(found and found[0])


def _wait_for_lock(engine: Engine) -> None:
    deadline = time.monotonic() + 5
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with psycopg.connect(engine.url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            found = connection.execute(query).fetchone()
            if found and found[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


# --- a newer schema


@pytest.fixture
def stage(engine: Engine) -> Stage:
    """Two rows of a table at its first revision."""
    return Stage(engine)


def test_reads_follow_a_newer_schema(stage: Stage) -> None:
    stage.change("a", "b")
    assert stage.old.list()["data"] == [{"id": 1, "a": 1, "b": 2}, {"id": 2, "a": 4, "b": 5}]
    assert stage.old.get(1) == {"id": 1, "a": 1, "b": 2}
    with pytest.raises(DatarError) as caught:
        stage.old.list(c="3")
    assert caught.value.code == "unknown_field"


def test_reads_follow_a_moved_column(stage: Stage) -> None:
    stage.rename()
    assert stage.old.list(a="4")["data"] == [{"id": 2, "a": 4, "b": 5, "c": 6}]
    assert stage.old.get(2)["a"] == 4


def test_writes_follow_a_moved_column(stage: Stage) -> None:
    new = stage.rename()
    assert stage.old.create({"a": 10})["a"] == 10
    assert stage.old.update(1, {"a": 11})["a"] == 11
    assert [row["a"] for row in stage.old.update_many([{"id": 1, "a": 12}, {"id": 2, "b": 0}])] == [12, 4]
    assert stage.old.upsert([{"id": 1, "a": 13}, {"id": 2, "b": 9}, {"id": 50, "c": 1}])["created"] == 1
    assert [row["a"] for row in new.list()["data"]] == [13, 4, 10, None]
    assert stage.old.delete_many(ids="1,2")["deleted"] == 2


@pytest.mark.parametrize("revise", [lambda stage: stage.change("a", "b", "c"), lambda stage: stage.change("a", "b")])
def test_no_write_is_made_for_an_older_revision(stage: Stage, revise: Callable[[Stage], Rows]) -> None:
    new = revise(stage)
    labels = [field.name for field in new.table.fields]
    assert stage.old.create({"a": 7, "b": 7}) == {
        "id": 3,
        **{label: 7 if label in "ab" else None for label in labels[1:]},
    }
    assert stage.old.update(1, {"b": 8})["b"] == 8
    assert [row["b"] for row in stage.old.update_many([{"id": 1, "b": 9}, {"id": 2, "a": 9}])] == [9, 5]
    assert stage.old.upsert([{"id": 1, "a": 1}, {"id": 2, "b": 1}])["updated"] == 2
    stage.old.delete(3)
    if "c" not in labels:
        writes: tuple[Callable[[], object], ...] = (
            lambda: stage.old.create({"c": 1}),
            lambda: stage.old.update(1, {"c": 1}),
            lambda: stage.old.update_many([{"id": 1, "c": 1}]),
            lambda: stage.old.upsert([{"id": 1, "a": 77}, {"id": 60, "c": 1}]),
        )
        for write in writes:
            with pytest.raises(DatarError) as caught:
                write()
            assert {error.code for error in getattr(caught.value, "errors", ())} == {"unknown_field"}
    assert [row["a"] for row in new.list()["data"]] == [1, 9]


def test_a_catalog_that_does_not_know_yet_makes_nobody_write(stage: Stage) -> None:
    """The guard stands in the database: with a catalogue that lags behind, nothing is written."""
    new = stage.change("a", "b", "c", catalog=False)
    writes: tuple[Callable[[], object], ...] = (
        lambda: stage.old.create({"a": 1}),
        lambda: stage.old.create([{"a": 1}]),
        lambda: stage.old.upsert({"a": 1}),
    )
    for write in writes:
        with refused(Unavailable, "schema_locked"):
            write()
    with refused(Unavailable, "schema_locked"):
        stage.old.upsert([{"a": 1}, {"b": 1}])
    changes: tuple[Callable[[], object], ...] = (
        lambda: stage.old.update(1, {"a": 0}),
        lambda: stage.old.delete(1),
    )
    for change in changes:
        with pytest.raises((NotFound, Unavailable)):
            change()
    assert new.list()["total"] == 2
    assert new.get(1)["a"] == 1


def test_a_table_that_is_gone(stage: Stage) -> None:
    drop(stage.engine, stage.old.table)
    for action in (
        stage.old.list,
        lambda: stage.old.get(1),
        lambda: stage.old.update(1, {"a": 1}),
        lambda: stage.old.update_many([{"id": 1, "a": 1}]),
        lambda: stage.old.delete(1),
    ):
        with refused(Conflict, "not_materialized"):
            action()


def test_nothing_is_added_to_a_table_that_is_gone(sql_engine: Engine) -> None:
    """MongoDB makes a collection of its own for rows of one that somebody dropped by hand: see docs/decisions/0012."""
    stage = Stage(sql_engine)
    drop(stage.engine, stage.old.table)
    actions: tuple[Callable[[], object], ...] = (
        lambda: stage.old.create({"a": 1}),
        lambda: stage.old.upsert([{"a": 1}, {"b": 1}]),
    )
    for action in actions:
        with refused(Conflict, "not_materialized"):
            action()


# --- lost connections


def end_connections(engine: Engine) -> None:
    """Make the server end every connection of the engine's pools; they are gone when this returns."""
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE application_name = 'datar' AND datname = current_database()"
        )


def test_a_read_outlives_a_lost_connection(engine: Engine) -> None:
    rows = engine.table("pair", PAIR)
    rows.create({"a": 1})
    for _ in range(3):
        end_connections(engine)
        assert rows.list()["total"] == 1
        end_connections(engine)
        assert rows.get(1)["a"] == 1


def test_a_write_under_which_the_connection_is_lost_is_503(engine: Engine) -> None:
    rows = engine.table("pair", PAIR)
    rows.create({"a": 1})
    for write in (
        lambda: rows.create({"a": 2}),
        lambda: rows.update(1, {"a": 2}),
        lambda: rows.upsert([{"a": 2}, {"b": 2}]),
        lambda: rows.delete(1),
    ):
        rows.list()
        engine.pool.close()
        rows.list()
        with engine.pool.connection():
            pass
        with engine.pool.connection(bulk=True):
            pass
        end_connections(engine)
        with refused(Unavailable, "db_unavailable"):
            write()
    assert rows.list()["data"] == [{"id": 1, "a": 1, "b": None}]
    assert rows.create({"a": 3})["a"] == 3


def test_a_long_lock_is_503(engine: Engine) -> None:
    rows = engine.table("pair", PAIR)
    rows.create({"a": 1})
    with psycopg.connect(engine.url) as other:
        lock(engine, other, rows.table)
        began = time.monotonic()
        with refused(Unavailable, "schema_locked"):
            rows.update(1, {"a": 2})
        assert time.monotonic() - began < 5
    assert rows.get(1)["a"] == 1
