"""Whatever the validator accepts is stored, and read back the same: over all types and labels, by every verb."""

import copy
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from psycopg.sql import SQL, Identifier

from datar.errors import Conflict
from records.jsontext import dumps
from records.payload import Purpose, check_rows
from records.providers.mongo.values import row_errors
from records.providers.postgres.columns import qualified
from records.recordset import RecordSet
from records.table import Table
from tests.records.engine import Engine, Layout, Rows, read
from tests.records.strategies import VALUES, labels, rows_for, tables


@pytest.fixture(scope="module")
def workshop(database_url: str, layout: Layout) -> Iterator["Workshop"]:
    """One engine and one connection for every example."""
    engine = Engine(database_url, layout)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        yield Workshop(engine, connection)
    engine.close()


class Workshop:
    """Makes a table for an example, and removes it."""

    def __init__(self, engine: Engine, connection: "psycopg.Connection[Any]") -> None:
        self.engine, self.connection = engine, connection

    def make(self, table: Table) -> Rows:
        """The table's rows."""
        guard = Identifier(self.engine.namespace, "datar_datatable")
        self.connection.execute(SQL("INSERT INTO {} VALUES (%s, 1)").format(guard), [table.identity.id])
        self.engine.provider.apply(self.engine.provider.create([table], self.engine.find), self.connection)
        return Rows(RecordSet(table, self.engine, self.engine.provider))

    def can_keep(self, table: Table, rows: list[dict[str, Any]]) -> bool:
        """Whether no number is too long for what keeps the table; rows are canonical."""
        return self.engine.server is None or not any(row_errors(table.fields, row, 0) for row in rows)

    def drop(self, table: Table) -> None:
        """Forget it."""
        if self.engine.server is not None:
            self.engine.collection(table).drop()
            return
        self.connection.execute(SQL("DROP TABLE {}").format(qualified(table)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_accepted_is_stored_and_read_back_the_same(workshop: Workshop, data: st.DataObject) -> None:
    table = workshop.engine.define("example", data.draw(tables()))
    sent = data.draw(rows_for(table))
    accepted = check_rows(table, copy.deepcopy(sent), Purpose.CREATE)
    assume(workshop.can_keep(table, accepted))
    rows = workshop.make(table)
    try:
        try:
            made = rows.create(sent)
        except Conflict as refusal:  # the last keys of all were sent, and a generated one was asked for as well
            assert refusal.code == "key_space_exhausted"
            return
        for row, canonical, stored in zip(sent, accepted, made, strict=True):
            for label, value in stored.items():
                assert_same(table, label, value, canonical, sent=label in row)
        assert sorted(map(dumps, rows.list(page_size="1000")["data"])) == sorted(map(dumps, made))
        check_verbs(rows, made)
    finally:
        workshop.drop(table)


def assert_same(table: Table, label: str, stored: Any, canonical: dict[str, Any], *, sent: bool) -> None:
    """A stored value is the canonical form of the sent one; what was not sent was filled by us, or is null."""
    if sent:
        assert stored == canonical[label], label
    elif label in table.primary_key and table.generated_key is not None:
        assert stored is not None
    elif label not in ("created_at", "updated_at"):
        assert stored == canonical.get(label)


def check_verbs(rows: Rows, made: list[dict[str, Any]]) -> None:
    """Every verb that is sent what it answered changes nothing but our own instants."""
    assert rows.update_many(made) == made
    upserted = rows.upsert(made)
    assert (upserted["data"], upserted["created"]) == (made, 0)
    first = made[0]
    answer = rows.records.upsert(dumps(first), ())
    assert read(answer.body)["data"] == first
    listed = rows.list(page_size="1000")["data"]
    assert sorted(map(dumps, listed)) == sorted(map(dumps, made))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_value_is_found_by_itself(workshop: Workshop, found_in: Rows, data: st.DataObject) -> None:
    names = [field.name for field in found_in.table.fields if field.name in VALUES]
    name = data.draw(st.sampled_from(names))
    value = data.draw(VALUES[name])
    assume(workshop.can_keep(found_in.table, check_rows(found_in.table, [{name: value}], Purpose.CREATE)))
    made = found_in.create({name: value})
    text = ("true" if made[name] else "false") if isinstance(made[name], bool) else str(made[name])
    found = found_in.ask((name, text), ("id", str(made["id"])))
    assert found["data"] == [made]
    assert found_in.ask((f"{name}__ne", text), ("id", str(made["id"])))["total"] == 0
    assert found_in.ask((f"{name}__gte", text), (f"{name}__lte", text), ("id", str(made["id"])))["total"] == 1


@pytest.fixture(scope="module")
def found_in(workshop: Workshop) -> Rows:
    """A table with a field of each type that can be ordered."""
    names = [name for name in VALUES if name.partition("/")[0] not in UNORDERED and name != "string/binary"]
    fields = []
    for name in names:
        kind, _, variant = name.partition("/")
        fields.append({"name": name, "type": kind, **({"format": variant} if variant else {})})
    return workshop.make(workshop.engine.define("found", {"fields": fields}))


UNORDERED = ("object", "array", "list", "any", "geojson", "geopoint")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=labels, second=labels)
def test_any_text_is_a_value_and_an_order(words: Rows, first: str, second: str) -> None:
    words.upsert([{"w": word} for word in {first, second}])
    found = words.ask(("w__in", dumps(sorted({first, second})).decode()), ("ordering", "w"))
    assert [row["w"] for row in found["data"]] == sorted({first, second})


@pytest.fixture(scope="module")
def words(workshop: Workshop) -> Rows:
    """A table of words."""
    return workshop.make(
        workshop.engine.define("words", {"fields": [{"name": "w", "type": "string"}], "primaryKey": "w"})
    )
