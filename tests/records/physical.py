"""What tests write past the service: a field's value in its place, and a schema changed by hand, in either layout."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from datar.garbage import looked_at_seldom
from records.providers.mongo.documents import documents_of
from records.providers.mongo.ledger import key_sequence
from records.providers.mongo.server import Pipeline
from records.providers.postgres.columns import qualified
from records.table import Table
from tests.records.engine import Engine


def planted(table: Table, values: Mapping[str, Composable], rows: Composable) -> Composed:
    """An INSERT of these values of fields for each of ``rows`` (what stands after FROM)."""
    columns: dict[str, list[Composable]] = {}
    for name, value in values.items():
        field = table.by_name[name]
        if field.inside:
            columns.setdefault(field.inside, []).extend([Literal(field.column), value])
        else:
            columns[field.column] = [value]
    texts = [
        SQL("jsonb_build_object({parts})").format(parts=SQL(", ").join(parts)) if len(parts) > 1 else parts[0]
        for parts in columns.values()
    ]
    return SQL("INSERT INTO {table} ({columns}) SELECT {values} FROM {rows}").format(
        table=qualified(table),
        columns=SQL(", ").join(map(Identifier, columns)),
        values=SQL(", ").join(texts),
        rows=rows,
    )


def plant(
    engine: Engine, table: Table, count: int, values: Mapping[str, Composable], row: Callable[[int], Mapping[str, Any]]
) -> None:
    """Put rows 1 to ``count`` into a table, past the service: ``values`` of ``n`` in SQL, ``row`` of it in Python."""
    if table.identity.store == "mongodb":
        now = datetime.now(UTC).replace(tzinfo=None)
        keyed = [{"id": n, **row(n)} for n in range(1, count + 1)]
        with looked_at_seldom():
            documents = documents_of(table, table.fields, keyed, now=now, versions=[1] * count)
            engine.collection(table).insert_many(documents)
        return
    with psycopg.connect(engine.url, autocommit=True) as connection:
        numbers = SQL("generate_series(1, {}) AS n").format(Literal(count))
        connection.execute(planted(table, values, numbers))


def set_back(engine: Engine, table: Table, key: int) -> None:
    """Let the sequence of the table's generated keys stand at this key."""
    if table.identity.store == "mongodb":
        sequence: Composable = Literal(f'"{engine.namespace}"."{key_sequence(table)}"')
    else:
        place = f'"{engine.namespace}"."{table.identity.physical_name}"'
        sequence = SQL("pg_get_serial_sequence({}, {})").format(Literal(place), Literal(table.key_fields[0].column))
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(SQL("SELECT setval({}, {})").format(sequence, Literal(key)))


def assignment(table: Table, name: str, value: Composable) -> Composed:
    """What stands after SET to give the field this value."""
    field = table.by_name[name]
    if not field.inside:
        return SQL("{} = {}").format(Identifier(field.column), value)
    return SQL("{place} = {place} || jsonb_build_object({key}, {value})").format(
        place=Identifier(field.inside), key=Literal(field.column), value=value
    )


def emptied(engine: Engine, connection: "psycopg.Connection[Any]", *tables: Table) -> None:
    """Remove every row of these tables, past the service."""
    for table in tables:
        if engine.server is not None and table.identity.store == "mongodb":
            engine.collection(table).delete_many({})
        else:
            connection.execute(SQL("DELETE FROM {}").format(qualified(table)))


def drop(engine: Engine, table: Table) -> None:
    """Drop what keeps the table's rows."""
    if table.identity.store == "mongodb":
        engine.collection(table).drop()
        return
    with psycopg.connect(engine.url, autocommit=True) as connection:
        connection.execute(SQL("DROP TABLE {}").format(qualified(table)))


def lock(engine: Engine, connection: "psycopg.Connection[Any]", table: Table) -> None:
    """Keep writes of the table waiting, as a change of its schema does, while the connection's transaction lasts."""
    if table.identity.store == "mongodb":
        place = Identifier(engine.namespace, "datar_datatable")
        held = SQL("SELECT FROM {} WHERE id = {} FOR UPDATE").format(place, Literal(table.identity.id))
    else:
        held = SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(qualified(table))
    connection.execute(held)


@dataclass(frozen=True)
class Copy:
    """A collection copied under the next name of its table, each document through these stages."""

    old: Table
    new: Table
    stages: Pipeline


@dataclass(frozen=True)
class Filled:
    """A member given to every document: a text before the row's key."""

    table: Table
    path: str
    prefix: str


Step = Composed | Copy | Filled


def perform(engine: Engine, new: Table, steps: Sequence[Step]) -> None:
    """Change a table by hand, as the service does: what an older revision reads goes when the new one stands."""
    revise = SQL("UPDATE {}.datar_datatable SET revision = {} WHERE id = {}").format(
        Identifier(engine.namespace), Literal(new.identity.revision), Literal(new.identity.id)
    )
    with psycopg.connect(engine.url) as connection:
        for step in steps:
            if isinstance(step, Composed):
                connection.execute(step)
            else:
                _perform_one(engine, step)
        connection.execute(revise)
    for step in steps:
        if isinstance(step, Copy):
            engine.collection(step.old).drop()


def _perform_one(engine: Engine, step: Copy | Filled) -> None:
    if isinstance(step, Copy):
        out = {"$out": step.new.identity.physical_name}
        engine.collection(step.old).aggregate([*step.stages, out])
    else:
        text = {"$concat": [step.prefix, {"$toString": "$_id"}]}
        engine.collection(step.table).update_many({}, [{"$set": {step.path: text}}])


def filled(table: Table, name: str, prefix: str) -> list[Step]:
    """What gives every row of the table a new text: a prefix, and its key."""
    field = table.by_name[name]
    if table.identity.store == "mongodb":
        return [Filled(table, field.column, prefix)]
    steps: list[Step] = []
    if not field.inside:
        add = SQL('ALTER TABLE {} ADD COLUMN {} text COLLATE "C"')
        steps.append(add.format(qualified(table), Identifier(field.column)))
    value = SQL("{} || id_1").format(Literal(prefix))
    return [*steps, SQL("UPDATE {} SET {}").format(qualified(table), assignment(table, name, value))]


def without(table: Table, names: frozenset[str]) -> tuple[Table, list[Step]]:
    """The table at its next revision without these fields, and the steps that change it so."""
    kept = replace(table, fields=tuple(field for field in table.fields if field.name not in names))
    if kept.fields == table.fields:
        return replace(table, identity=replace(table.identity, revision=table.identity.revision + 1)), []
    moved = _moved(kept)
    gone = [field for field in table.fields if field.name in names]
    if table.identity.store == "mongodb":
        return moved, [Copy(table, moved, [{"$unset": [field.column for field in gone]}])]
    statements: list[Step] = list(_place_moved(table, moved))
    for field in gone:
        if not field.inside:
            drop = SQL("ALTER TABLE {} DROP COLUMN {}").format(qualified(table), Identifier(field.column))
            statements.append(drop)
        elif moved.identity.document is not None:
            statements.append(_without_member(moved, field.column))
    return moved, statements


def with_column(table: Table, name: str, column: str) -> tuple[Table, list[Step]]:
    """The table at its next revision with the field in another column, and the steps that change it so."""
    before = table.by_name[name]
    fields = tuple(replace(field, column=column) if field is before else field for field in table.fields)
    moved = _moved(replace(table, fields=fields))
    if table.identity.store == "mongodb":
        return moved, [Copy(table, moved, [{"$set": {column: f"${before.column}"}}, {"$unset": before.column}])]
    if not before.inside:
        rename = SQL("ALTER TABLE {} RENAME COLUMN {} TO {}")
        return moved, [rename.format(qualified(table), Identifier(before.column), Identifier(column))]
    assert moved.identity.document is not None
    place = Identifier(moved.identity.document.place)
    copy = SQL("UPDATE {} SET {place} = {place} || jsonb_build_object({new}, {place} -> {old})").format(
        qualified(table), place=place, new=Literal(column), old=Literal(before.column)
    )
    return moved, [*_place_moved(table, moved), copy, _without_member(moved, before.column)]


def _moved(table: Table) -> Table:
    """At the next revision; a document in a column of another name, a collection under another."""
    identity = replace(table.identity, revision=table.identity.revision + 1)
    if identity.store == "mongodb":
        name = f"{identity.physical_name.partition('-')[0]}-{identity.revision}"
        identity = replace(identity, physical_name=name)
    if identity.document is None:
        return replace(table, identity=identity)
    place = f"data_{identity.revision}"
    identity = replace(identity, document=replace(identity.document, place=place))
    fields = tuple(replace(field, inside=place) if field.inside else field for field in table.fields)
    return replace(table, identity=identity, fields=fields)


def _place_moved(old: Table, new: Table) -> Iterator[Composed]:
    if old.identity.document is not None and new.identity.document is not None:
        yield SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
            qualified(old), Identifier(old.identity.document.place), Identifier(new.identity.document.place)
        )


def _without_member(table: Table, column: str) -> Composed:
    assert table.identity.document is not None
    place = Identifier(table.identity.document.place)
    return SQL("UPDATE {} SET {place} = {place} - {key}::text").format(
        qualified(table), place=place, key=Literal(column)
    )
