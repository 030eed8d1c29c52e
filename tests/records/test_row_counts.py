"""The exact total of a whole table is kept by the table itself, whoever changes its rows."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier

from datar.errors import Conflict
from records.providers.postgres.columns import qualified
from tests.records.engine import Engine, Rows

PARENTS: dict[str, Any] = {"fields": [{"name": "id", "type": "integer"}, {"name": "code", "type": "integer"}]}
PARENTS["fields"][1]["constraints"] = {"unique": True}
CHILDREN: dict[str, Any] = {
    "fields": [{"name": "id", "type": "integer"}, {"name": "parent_id", "type": "integer"}],
    "foreignKeys": [
        {
            "fields": "parent_id",
            "reference": {"resource": "parents", "fields": "id"},
            "x-actions": {"onDelete": "CASCADE"},
        }
    ],
}


def described(descriptor: dict[str, Any]) -> dict[str, Any]:
    return {**descriptor, "primaryKey": "id"}


def counted(rows: Rows) -> int:
    """The total a list tells; its page is full, so that it had to be asked for."""
    return int(rows.list(page_size="1")["total"])


@pytest.fixture
def engine(sql_engine: Engine) -> Engine:
    """How PostgreSQL keeps its counts is told here; what a total says, on every layout, in ``test_totals``."""
    return sql_engine


def really(engine: Engine, rows: Rows) -> int:
    with psycopg.connect(engine.url) as connection:
        found = connection.execute(SQL("SELECT count(*) FROM {}").format(qualified(rows.table))).fetchone()
    assert found is not None
    return int(found[0])


def run(engine: Engine, statement: Composed) -> None:
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(statement)


def test_every_way_rows_come_and_go_is_counted(engine: Engine) -> None:
    parents = engine.table("parents", described(PARENTS))
    children = engine.table("children", described(CHILDREN))
    parents.create([{"code": number} for number in range(5)])
    children.create([{"parent_id": 1 + number % 2} for number in range(7)])
    assert (counted(parents), counted(children)) == (5, 7)
    parents.upsert([{"code": 4}, {"code": 5}, {"code": 6}], unique_fields="code")
    assert counted(parents) == 7, "of an upsert only new rows"
    parents.delete(1)
    assert (counted(parents), counted(children)) == (6, 3), "a foreign key's action too"
    with pytest.raises(Conflict):
        parents.create([{"code": 100}, {"code": 100}])
    assert counted(parents) == 6, "what was refused is not counted"
    table = qualified(children.table)
    run(engine, SQL("INSERT INTO {} SELECT FROM generate_series(1, 10)").format(table))
    assert counted(children) == 13, "nor does it matter who writes"
    run(engine, SQL("TRUNCATE {}").format(table))
    children.create([{}, {}])
    assert counted(children) == 2


def test_a_list_without_a_filter_never_counts_rows(engine: Engine) -> None:
    rows = engine.table("parents", described(PARENTS))
    rows.create([{"code": number} for number in range(3)])
    changes = Identifier(engine.namespace, "datar_rowcount")
    statement = SQL("INSERT INTO {} VALUES ({}, 1000)").format(changes, rows.table.identity.id)
    run(engine, statement)
    assert counted(rows) == 1003, "the total is the sum of changes, not a scan"
    assert rows.list(page_size="1", code__gte="1")["total"] == 2, "a filter's rows are counted"


def test_the_count_is_exact_under_concurrent_writers_and_stays_small(engine: Engine) -> None:
    rows = engine.table("parents", described(PARENTS))

    def work(worker: int) -> None:
        chance = random.Random(worker)
        for number in range(60):
            made = rows.create([{"code": worker * 1000 + number * 3 + extra} for extra in range(chance.randint(1, 3))])
            if chance.random() < 0.4:
                rows.delete(made[0]["id"])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert counted(rows) == really(engine, rows)
    for number in range(400):
        rows.create({"code": 10**6 + number})
    with psycopg.connect(engine.url) as connection:
        statement = SQL("SELECT count(*) FROM {}").format(Identifier(engine.namespace, "datar_rowcount"))
        found = connection.execute(statement).fetchone()
    assert found is not None and found[0] < 600, "changes are summed up now and then"
    assert counted(rows) == really(engine, rows)
