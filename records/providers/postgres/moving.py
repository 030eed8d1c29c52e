"""A table that leaves PostgreSQL or comes to it. All of it is done in the caller's transaction.

Only foreign keys that are taken away stop readers, for a moment; the rest takes locks that let them pass.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from records.mover import CannotHoldError, Done, Resolve
from records.moving import values_of
from records.plan import ListPlan
from records.provider import Applied, RefusedLoad
from records.providers.postgres import ddl
from records.providers.postgres.columns import qualified
from records.providers.postgres.copying import CopyLoader
from records.providers.postgres.exporting import export_statement, export_templates, export_values
from records.providers.postgres.folding import Folding
from records.providers.postgres.pool import adapt
from records.providers.postgres.triggers import forget_count
from records.table import ForeignKey, Json, Table

_HOLD: Final = SQL("LOCK TABLE {tables} IN EXCLUSIVE MODE")
"""Readers pass. In a weaker mode a writer that waits for it could have a share of the table already, from looking for
its rows: then it would wait for us, and we for it, when ``untie`` wants the table alone."""
_INDEXES: Final = SQL(
    "SELECT c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " WHERE i.indrelid = {place}::regclass ORDER BY c.oid"
)
_KEYS: Final = SQL(
    "SELECT n.nspname, c.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid), k.condeferrable"
    " FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE k.contype = 'f' AND {place}::regclass IN (k.conrelid, k.confrelid) AND k.conrelid <> k.confrelid"
    " ORDER BY k.oid"
)
"""A key that leads to its own table stands in nobody's way."""
_SELF: Final = SQL(
    "SELECT conname, condeferrable FROM pg_catalog.pg_constraint"
    " WHERE contype = 'f' AND conrelid = {place}::regclass AND confrelid = {place}::regclass"
)
_LAST: Final = SQL("SELECT pg_sequence_last_value(pg_get_serial_sequence({place}, {column})::regclass)")
_GO_ON: Final = SQL(
    "SELECT setval(found.name, {last}) FROM (SELECT pg_get_serial_sequence({place}, {column})::regclass AS name) found"
    " WHERE coalesce(pg_sequence_last_value(found.name), 0) < {last}"
)
_WRITTEN_AS: Final = "SET LOCAL \"DateStyle\" = 'ISO'; SET LOCAL \"IntervalStyle\" = 'iso_8601'"

Connection = psycopg.Connection[Any]


class PostgresMover:
    """``records.mover.Mover`` of flat tables and documents."""

    def hold(self, tables: Sequence[Table], transaction: Connection) -> None:
        """Take the lock that writers' locks meet, in the order of the tables' ids."""
        if tables:
            ordered = sorted(tables, key=lambda table: table.identity.id)
            transaction.execute(_HOLD.format(tables=SQL(", ").join(map(qualified, ordered))))

    def set_aside(self, table: Table, number: int, transaction: Connection) -> Done:
        """Give its indexes other names: they are made of the table's id, and a schema has each once."""
        space, start = table.identity.namespace, f"dt{table.identity.id}_"
        found = transaction.execute(_INDEXES.format(place=_place(table))).fetchall()
        names = [name for (name,) in found if name.startswith(start)]
        done = []
        for place, name in enumerate(names):
            aside = f"{start}kept{number}_{place}"
            done.append((_renamed(space, name, aside), _renamed(space, aside, name)))
            transaction.execute(done[-1][0])
        return Done(
            tuple(_text(statement, transaction) for statement, _ in done),
            tuple(_text(undo, transaction) for _, undo in done),
        )

    def make(self, table: Table, resolve: Resolve, transaction: Connection) -> Done:
        """The table, its keys, checks, indexes and triggers."""
        free = replace(table, foreign_keys=tuple(replace(key, enforced=False) for key in table.foreign_keys))
        return _done(ddl.apply(ddl.create([free], resolve), transaction))

    def fill(self, table: Table, rows: Iterable[Mapping[str, Json]], transaction: Connection) -> None:
        """COPY. The count of the rows begins anew: of a table that is somewhere else it may be an old one."""
        transaction.execute(forget_count(table))
        loader = CopyLoader(table)
        try:
            loader.restore((_cells(table, loader, row) for row in rows), transaction)
        except RefusedLoad as refused:
            raise CannotHoldError(refused.said, [] if refused.place is None else [refused.place], 1) from refused

    def written(self, plan: ListPlan, transaction: Connection) -> Iterator[bytes]:
        """The rows as an export writes them, in the transaction."""
        statement = export_statement(plan, "ndjson", Folding(transaction.info.server_version))
        transaction.execute(_WRITTEN_AS)
        with psycopg.ServerCursor(transaction, "datar_written") as cursor:
            adapt(cursor)
            cursor.itersize = 200
            cursor.execute(statement.as_bytes(None), {**export_values(plan), **export_templates(plan)})
            for (line,) in cursor:
                yield line

    def standing(self, table: Table, transaction: Connection) -> int | None:
        """Of the key's own sequence."""
        if table.generated_key != "integer":
            return None
        found = transaction.execute(_LAST.format(place=_place(table), column=_key(table))).fetchone()
        return found[0] if found else None

    def go_on(self, table: Table, last: int | None, transaction: Connection) -> None:
        """Never back: COPY has moved it beyond the greatest key."""
        if last is not None and table.generated_key == "integer":
            transaction.execute(_GO_ON.format(place=_place(table), column=_key(table), last=Literal(last)))

    def untie(self, table: Table, transaction: Connection) -> Done:
        """Drop the foreign keys of other tables to this one, and its own."""
        loose = dict(transaction.execute(_SELF.format(place=_place(table))).fetchall())
        statements, undo = [], []
        for space, name, key, definition, deferrable in transaction.execute(_KEYS.format(place=_place(table))):
            owner = {"table": Identifier(space, name), "key": Identifier(key)}
            drop = SQL("ALTER TABLE {table} DROP CONSTRAINT {key}").format(**owner)
            transaction.execute(drop)
            statements.append(_text(drop, transaction))
            add = SQL("ALTER TABLE {table} ADD CONSTRAINT {key}").format(**owner).as_string(transaction)
            undo.append(f"{add} {definition};")
            loose[key] = deferrable
        return Done(tuple(statements), tuple(undo), loose)

    def tie(
        self, table: Table, children: Sequence[Table], resolve: Resolve, before: Done, transaction: Connection
    ) -> Done:
        """Each as deferrable as it was. One from another table that comes new is: it may close a circle."""
        changes = [
            ddl.late_key(table, key, target, deferrable=before.loose.get(ddl.foreign_key_name(table, key), False))
            for key in _enforced(table)
            if (target := resolve(key.target_app, key.target_table)) is not None and _same_store(table, target)
        ]
        here = (table.identity.app, table.identity.name)
        changes += [
            ddl.late_key(child, key, table, deferrable=before.loose.get(ddl.foreign_key_name(child, key), True))
            for child in children
            if _same_store(child, table)
            for key in _enforced(child)
            if (key.target_app, key.target_table) == here
        ]
        return _done(ddl.apply(changes, transaction))

    def discard(self, table: Table) -> bool:
        """The transaction takes it back."""
        return True

    def drop(self, namespace: str, name: str, transaction: Connection) -> None:
        """With the transaction."""
        transaction.execute(SQL("DROP TABLE IF EXISTS {table}").format(table=Identifier(namespace, name)))


def _cells(table: Table, loader: CopyLoader, row: Mapping[str, Json]) -> list[str | None]:
    cells = [cell for field in table.shown for cell in loader.cells(field, row.get(field.name))]
    return [*cells, *map(str, values_of(row))]


def _enforced(table: Table) -> list[ForeignKey]:
    return [key for key in table.foreign_keys if key.enforced]


def _same_store(table: Table, other: Table) -> bool:
    return table.identity.store == other.identity.store


def _place(table: Table) -> Literal:
    """The table as the text of a regclass."""
    return Literal(ddl.sequence_text(table.identity.namespace, table.identity.physical_name))


def _key(table: Table) -> Literal:
    return Literal(table.key_fields[0].column)


def _renamed(space: str, name: str, other: str) -> Composed:
    return SQL("ALTER INDEX {name} RENAME TO {other}").format(name=Identifier(space, name), other=Identifier(other))


def _text(statement: Composable, transaction: Connection) -> str:
    return f"{statement.as_string(transaction)};"


def _done(applied: Sequence[Applied]) -> Done:
    return Done(tuple(each.sql for each in applied), tuple(each.rollback_sql for each in applied))
