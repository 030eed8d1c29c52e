"""A table whose schema is changed by hand, under a RecordSet that still holds the older revision."""

from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from records.recordset import RecordSet
from records.table import Table
from tests.records.engine import Engine, Rows
from tests.records.physical import with_column, without

PAIR: dict[str, Any] = {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]}


class Stage:
    """A table whose description is changed by hand under a running RecordSet that still holds the first one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.old = engine.table("pair", {**PAIR, "fields": [*PAIR["fields"], {"name": "c", "type": "integer"}]})
        self.old.create([{"a": 1, "b": 2, "c": 3}, {"a": 4, "b": 5, "c": 6}])
        self.old.list()
        self.old.get(1)

    def change(self, *labels: str, catalog: bool = True) -> Rows:
        """Revision 2 has only these fields beside the key: other columns are gone. New rows speak to it."""
        old = self.old.table
        new, statements = without(old, frozenset(old.by_name) - {"id", *labels})
        with psycopg.connect(self.engine.url) as connection:
            for statement in statements:
                connection.execute(statement)
            self._move_on(connection, new)
        if catalog:
            self.engine.tables["crm", "pair"] = new
        return Rows(RecordSet(new, self.engine, self.engine.provider))

    def rename(self) -> Rows:
        """Revision 2 keeps ``a`` in another column, as a change of its type does."""
        new, statements = with_column(self.old.table, "a", "a_99")
        with psycopg.connect(self.engine.url) as connection:
            for statement in statements:
                connection.execute(statement)
            self._move_on(connection, new)
        self.engine.tables["crm", "pair"] = new
        return Rows(RecordSet(new, self.engine, self.engine.provider))

    def _move_on(self, connection: "psycopg.Connection[Any]", new: Table) -> None:
        guard = Identifier(self.engine.namespace, "datar_datatable")
        connection.execute(
            SQL("UPDATE {} SET revision = %s WHERE id = %s").format(guard), [new.identity.revision, new.identity.id]
        )
