"""Readers at work while a label moves to another column: none of them ever gets the other column's value (DESIGN 3)."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from datar.errors import Unavailable
from records.provider import Provider
from records.recordset import RecordSet
from records.table import Table
from tests.records.engine import Engine, read
from tests.records.physical import filled, perform, without

PARENTS = {"fields": [{"name": "name", "type": "string"}]}
CHILDREN = {
    "fields": [{"name": "parent_id", "type": "integer"}],
    "foreignKeys": [{"fields": "parent_id", "reference": {"resource": "parents", "fields": "id"}}],
}
ROUNDS = 8
Question = Sequence[tuple[str, str]]
QUESTIONS: list[Question] = [
    [],
    [("name__contains", "0"), ("ordering", "-name")],
    [("cursor", ""), ("page_size", "2"), ("ordering", "name")],
    [("_aggregate", "min(name) as name,count(*)")],
]
CHILD_QUESTIONS: list[Question] = [[("populate", "parent")], [("ordering", "parent.name"), ("populate", "parent")]]


@dataclass
class Moving:
    """The catalog of two tables, of which ``parents`` changes; as the service's, it reads the revision when told to."""

    engine: Engine
    revisions: dict[int, Table] = field(default_factory=dict)
    seen: int = 1

    @property
    def secret(self) -> bytes:
        return b"only for tests"

    def find(self, app: str, name: str) -> Table | None:
        return self.revisions[self.seen] if name == "parents" else self.engine.find(app, name)

    def children(self, table: Table) -> tuple[Table, ...]:
        return self.engine.children(table)

    def dependents(self, table: Table) -> tuple[Table, ...]:
        """Catalog."""
        return ()

    def parent(self, app: str, name: str) -> Table | None:
        """Catalog."""
        return self.find(app, name)

    def provider_of(self, table: Table) -> Provider:
        """Catalog."""
        return self.engine.provider

    @property
    def crossed(self) -> bool:
        """Catalog."""
        return False

    def reload(self, table: Table) -> Table:
        self.forget()
        return self.find("crm", table.identity.name) or table

    def forget(self) -> None:
        """The revision that the database holds now."""
        space = Identifier(self.engine.namespace)
        statement = SQL("SELECT revision FROM {}.datar_datatable WHERE id = {}").format(
            space, Literal(self.revisions[1].identity.id)
        )
        with psycopg.connect(self.engine.url) as connection:
            row = connection.execute(statement).fetchone()
        assert row is not None
        self.seen = int(row[0])

    def move(self, round_: int) -> None:
        """``name`` becomes ``old`` and a new column takes its label; what was ``old`` before goes."""
        table = self.revisions[max(self.revisions)]
        gone = [each for each in table.fields if each.name == "old"]
        old = replace(table.by_name["name"], name="old")
        new = replace(old, name="name", column=f"name_{10 + round_}")
        moved, steps = without(table, frozenset(each.name for each in gone))
        renamed = tuple(replace(each, inside=moved.fields[-1].inside) for each in (new, old))
        after = replace(moved, fields=(*(each for each in moved.fields if each.name != "name"), *renamed))
        revision = after.identity.revision
        self.revisions[revision] = after
        perform(self.engine, after, [*steps, *filled(after, "name", f"r{revision}-0")])


class Reader(threading.Thread):
    """Asks on and on, from the table as it knew it a while ago; keeps what is wrong."""

    def __init__(self, catalog: Moving, name: str, questions: Sequence[Question], done: threading.Event) -> None:
        super().__init__()
        self.catalog, self.table_name, self.questions, self.done = catalog, name, questions, done
        self.answers = 0
        self.wrong: list[object] = []

    def run(self) -> None:
        while not self.done.is_set():
            table = self.catalog.find("crm", self.table_name)
            assert table is not None
            for question in self.questions:
                try:
                    self._look(read(RecordSet(table, self.catalog, self.catalog.engine.provider).list(question)))
                except Unavailable:
                    continue  # one change upon the other: to be asked again, which is no wrong answer
                except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
                    self.wrong.append((question, error))

    def _look(self, body: Any) -> None:
        """At revision n, "name" holds values that begin with "rn", and "old" those of the revision before."""
        self.answers += 1
        names, olds = revisions_in(body, "name"), revisions_in(body, "old")
        if len(names) > 1 or len(olds) > 1 or (olds and names != {each + 1 for each in olds}):
            self.wrong.append(body)


def revisions_in(value: Any, label: str) -> set[int]:
    """The revision that each value under a label belongs to."""
    if isinstance(value, dict):
        own = {int(value[label].partition("-")[0][1:])} if isinstance(value.get(label), str) else set()
        return own.union(*(revisions_in(item, label) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(revisions_in(item, label) for item in value))
    return set()


def test_no_reader_ever_gets_the_other_columns_value(engine: Engine) -> None:
    parents = engine.table("parents", PARENTS)
    children = engine.table("children", CHILDREN)
    parents.create([{"name": f"r1-0{number}"} for number in range(5)])
    children.create([{"parent_id": number % 5 + 1} for number in range(10)])
    catalog, done = Moving(engine, {1: parents.table}), threading.Event()
    readers = [Reader(catalog, "parents", QUESTIONS, done) for _ in range(3)]
    readers += [Reader(catalog, "children", CHILD_QUESTIONS, done) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for round_ in range(ROUNDS):
            done.wait(0.15)
            catalog.move(round_)
    finally:
        done.set()
        for reader in readers:
            reader.join(20)
    assert [wrong for reader in readers for wrong in reader.wrong][:3] == []
    assert all(reader.answers > 10 for reader in readers)
    assert catalog.seen == ROUNDS + 1
