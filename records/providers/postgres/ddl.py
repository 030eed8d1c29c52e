"""Tables → the statements that make them, and those that undo it. Computes first, runs afterwards.

Constraint and index names come from the table's id and columns, so an error's constraint leads back to fields.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from records.filters import own_condition
from records.params.tree import parse_tree
from records.provider import Applied, Change, Resolve
from records.providers.postgres.binding import Constants
from records.providers.postgres.checks import checks_of, literal
from records.providers.postgres.columns import VERSION_SEQUENCE, Column, columns_of, compared, qualified
from records.providers.postgres.placing import own
from records.providers.postgres.searching import SEARCH, vector_of
from records.providers.postgres.source import Bare
from records.providers.postgres.triggers import forget_count, triggers_of
from records.providers.postgres.where import condition_text
from records.system import CREATED, UPDATED, VERSION
from records.table import ABSENT, Field, ForeignKey, Index, Table


def constraint_name(table: Table, kind: str, columns: Sequence[str]) -> str:
    """A name of at most 40 bytes, the same for the same table, kind and columns."""
    digest = hashlib.sha256(",".join(columns).encode()).hexdigest()[:12]
    return f"dt{table.identity.id}_{kind}_{digest}"


def named_fields(table: Table) -> dict[str, tuple[str, ...]]:
    """Constraint name → the labels it speaks of, for every key, unique and foreign key of the table."""
    names = {unique_name(table, fields): fields for fields in table.uniques}
    names |= {foreign_key_name(table, key): key.fields for key in table.foreign_keys}
    names |= {index_name(table, index.fields, index.name): index.fields for index in table.indexes if index.unique}
    return names


def unique_name(table: Table, fields: Sequence[str]) -> str:
    """The name of the unique (or primary key) constraint on these fields."""
    kind = "pk" if tuple(fields) == table.primary_key else "u"
    return constraint_name(table, kind, [table.by_name[name].column for name in fields])


def foreign_key_name(table: Table, key: ForeignKey) -> str:
    """The name of a foreign key's constraint."""
    return constraint_name(table, "fk", [table.by_name[name].column for name in key.fields])


def index_name(table: Table, fields: Sequence[str], label: str = "") -> str:
    """The name of an index."""
    return constraint_name(table, "i", [label, *(table.by_name[name].column for name in fields)])


def create(tables: Sequence[Table], resolve: Resolve) -> tuple[Change[Composed], ...]:
    """The changes that make these tables, parents first; foreign keys of a cycle come last and are deferrable.

    Foreign keys that lead to another store are not the database's to hold.
    ``resolve`` finds tables that exist already; those of the batch are found first.
    """
    batch = {(table.identity.app, table.identity.name): table for table in tables}
    ordered, late = _order(tables, batch)

    def target(key: ForeignKey) -> Table:
        found = batch.get((key.target_app, key.target_table)) or resolve(key.target_app, key.target_table)
        if found is None:
            raise LookupError(f"unresolved foreign key to {key.target_app}:{key.target_table}")
        return found

    def held(table: Table) -> list[ForeignKey]:
        return [key for key in _enforced(table) if target(key).identity.store == table.identity.store]

    changes = [_create_one(table, [k for k in held(table) if (table, k) not in late], target) for table in ordered]
    return (*changes, *(late_key(table, key, target(key)) for table, key in late))


def apply(changes: Sequence[Change[Composed]], connection: "psycopg.Connection[Any]") -> tuple[Applied, ...]:
    """Run the changes on the caller's connection, inside the caller's transaction; what was done, as text."""
    return tuple(_apply_one(change, connection) for change in changes)


def _apply_one(change: Change[Composed], connection: "psycopg.Connection[Any]") -> Applied:
    began = time.perf_counter()
    for statement in change.statements:
        connection.execute(statement)
    milliseconds = round((time.perf_counter() - began) * 1000)
    return Applied(
        table_id=change.table_id,
        operation=change.operation,
        description=change.description,
        sql=_text(change.statements, connection),
        rollback_sql=_text(change.rollback, connection),
        milliseconds=milliseconds,
    )


def _text(statements: Sequence[Composed], connection: "psycopg.Connection[Any]") -> str:
    return "\n".join(statement.as_string(connection) + ";" for statement in statements)


def _enforced(table: Table) -> list[ForeignKey]:
    return [key for key in table.foreign_keys if key.enforced]


def _order(
    tables: Sequence[Table], batch: dict[tuple[str, str], Table]
) -> tuple[list[Table], list[tuple[Table, ForeignKey]]]:
    """Parents before children; the keys that would close a cycle, apart."""
    done: list[Table] = []
    late: list[tuple[Table, ForeignKey]] = []
    waiting = list(tables)
    while waiting:
        ready = [table for table in waiting if not _missing(table, batch, done)] or waiting[:1]
        for table in ready:
            late += [(table, key) for key in _missing(table, batch, [*done, *ready])]
            waiting.remove(table)
        done += ready
    return done, late


def _missing(table: Table, batch: dict[tuple[str, str], Table], done: Sequence[Table]) -> list[ForeignKey]:
    known = {(other.identity.app, other.identity.name) for other in (*done, table)}
    return [
        key for key in _enforced(table) if (place := (key.target_app, key.target_table)) in batch and place not in known
    ]


def _create_one(table: Table, keys: Sequence[ForeignKey], target: Callable[[ForeignKey], Table]) -> Change[Composed]:
    lines = [*_columns(table), *_uniques(table), *checks_of(table)]
    lines += [_foreign_key(table, key, target(key), deferrable=False) for key in keys]
    statements: list[Composed] = [
        SQL("CREATE TABLE {table} ({lines})").format(table=qualified(table), lines=SQL(", ").join(lines)),
        *_indexes(table),
        *triggers_of(table),
    ]
    return Change(
        table_id=table.identity.id,
        operation="CREATE",
        description=f"Create table '{table.identity.name}'",
        statements=tuple(statements),
        rollback=(SQL("DROP TABLE {table}").format(table=qualified(table)), forget_count(table)),
    )


def _columns(table: Table) -> Iterator[Composed]:
    for field in own(table.fields):
        for place, column in enumerate(columns_of(field)):
            yield _column(table, field, column, first=place == 0)
    document = table.identity.document
    if document is not None:
        method = document.compression
        yield SQL("{name} jsonb {compression}NOT NULL DEFAULT '{{}}'").format(
            name=Identifier(document.place),
            compression=SQL("COMPRESSION {method} ").format(method=Identifier(method)) if method else SQL(""),
        )
    now = SQL("{name} timestamptz NOT NULL DEFAULT now()")
    yield now.format(name=Identifier(CREATED))
    yield now.format(name=Identifier(UPDATED))
    sequence = Literal(sequence_text(table.identity.namespace, VERSION_SEQUENCE))
    yield SQL("{name} bigint NOT NULL DEFAULT nextval({sequence}::regclass)").format(
        name=Identifier(VERSION), sequence=sequence
    )
    if table.search_fields:
        yield SQL("{name} tsvector GENERATED ALWAYS AS ({words}) STORED").format(
            name=SEARCH.identifier, words=vector_of(table)
        )


def sequence_text(namespace: str, name: str) -> str:
    """A sequence as the text of a regclass; both names are of safe characters."""
    return f'"{namespace}"."{name}"'


def _column(table: Table, field: Field, column: Column, *, first: bool) -> Composed:
    parts: list[Composable] = [column.identifier, column.storage.ddl]
    if field.name in table.primary_key or (field.required and first):
        parts.append(SQL("NOT NULL"))
    if first and table.generated_key == "integer" and field.name in table.primary_key:
        parts.append(SQL("GENERATED BY DEFAULT AS IDENTITY"))
    elif first and field.default is not ABSENT and field.default is not None and field.type != "geopoint":
        parts.append(SQL("DEFAULT {value}").format(value=literal(field, field.default)))
    return SQL(" ").join(parts)


def _uniques(table: Table) -> Iterator[Composed]:
    for fields in table.uniques:
        yield SQL("CONSTRAINT {name} {kind} ({columns})").format(
            name=Identifier(unique_name(table, fields)),
            kind=SQL("PRIMARY KEY" if fields == table.primary_key else "UNIQUE"),
            columns=_list([compared(table.by_name[name]).identifier for name in fields]),
        )


def _list(names: Sequence[Composable]) -> Composed:
    return SQL(", ").join(names)


def _foreign_key(table: Table, key: ForeignKey, target: Table, *, deferrable: bool) -> Composed:
    return SQL(
        "CONSTRAINT {name} FOREIGN KEY ({columns}) REFERENCES {target} ({targets}) ON DELETE {action}{deferrable}"
    ).format(
        name=Identifier(foreign_key_name(table, key)),
        columns=_list([Identifier(table.by_name[name].column) for name in key.fields]),
        target=qualified(target),
        targets=_list([Identifier(target.by_name[name].column) for name in key.target_fields]),
        action=_ACTIONS[key.on_delete],
        deferrable=SQL(" DEFERRABLE INITIALLY DEFERRED" if deferrable else ""),
    )


_ACTIONS = {
    "NO ACTION": SQL("NO ACTION"),
    "RESTRICT": SQL("RESTRICT"),
    "CASCADE": SQL("CASCADE"),
    "SET NULL": SQL("SET NULL"),
    "SET DEFAULT": SQL("SET DEFAULT"),
}


def late_key(table: Table, key: ForeignKey, target: Table, *, deferrable: bool = True) -> Change[Composed]:
    """A foreign key of a table that is there already."""
    name = Identifier(foreign_key_name(table, key))
    return Change(
        table_id=table.identity.id,
        operation="ALTER",
        description=f"Add the foreign key of table '{table.identity.name}' to '{target.identity.name}'",
        statements=(
            SQL("ALTER TABLE {table} ADD {key}").format(
                table=qualified(table), key=_foreign_key(table, key, target, deferrable=deferrable)
            ),
        ),
        rollback=(SQL("ALTER TABLE {table} DROP CONSTRAINT {name}").format(table=qualified(table), name=name),),
    )


_METHODS = {"btree": SQL("btree"), "hash": SQL("hash"), "gin": SQL("gin"), "brin": SQL("brin")}


def _indexes(table: Table) -> Iterator[Composed]:
    """Declared indexes, one for every foreign key that no unique or index begins with already, that of ``search``."""
    for index in table.indexes:
        yield _index(table, index.fields, index)
    led = [*table.uniques, *(index.fields for index in table.indexes if index.method == "btree" and not index.where)]
    for fields in dict.fromkeys(key.fields for key in table.foreign_keys):
        if not any(other[: len(fields)] == fields for other in led):
            yield _index(table, fields, Index("", fields))
    document = table.identity.document
    if document is not None and document.indexed:
        yield SQL("CREATE INDEX {name} ON {table} USING gin ({column} jsonb_path_ops)").format(
            name=Identifier(constraint_name(table, "d", [document.place])),
            table=qualified(table),
            column=Identifier(document.place),
        )
    if table.search_fields:
        yield SQL("CREATE INDEX {name} ON {table} USING gin ({column})").format(
            name=Identifier(constraint_name(table, "s", [SEARCH.name])),
            table=qualified(table),
            column=SEARCH.identifier,
        )


def _index(table: Table, fields: Sequence[str], index: Index) -> Composed:
    return SQL("CREATE {unique}INDEX {name} ON {table} USING {method} ({columns}){where}").format(
        unique=SQL("UNIQUE " if index.unique else ""),
        name=Identifier(index_name(table, fields, index.name)),
        table=qualified(table),
        method=_METHODS[index.method],
        columns=_list([compared(table.by_name[name]).identifier for name in fields]),
        where=_index_condition(table, index),
    )


def _index_condition(table: Table, index: Index) -> Composable:
    if index.where is None:
        return SQL("")
    condition = own_condition(parse_tree(index.where), table)
    return SQL(" WHERE {condition}").format(condition=condition_text(condition, Bare(table), Constants()))
