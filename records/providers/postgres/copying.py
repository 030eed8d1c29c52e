"""Many checked rows into a table through COPY: for files of any length, on the caller's connection and transaction."""

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from datar.errors import DatarError
from records.jsontext import dumps
from records.provider import RefusedLoad
from records.providers.postgres.columns import columns_of, qualified
from records.providers.postgres.ddl import named_fields, sequence_text
from records.providers.postgres.errors import translated
from records.providers.postgres.placing import inside, members, written_columns
from records.providers.postgres.values import texts_of
from records.system import SYSTEM_COLUMNS
from records.table import Field, Json, Table

Texts = tuple[str | None, ...]
"""Of a field inside the document one text: its members as JSON, without braces."""

_COPY: Final = SQL("COPY {table} ({columns}) FROM STDIN")
_ADVANCE: Final = SQL(
    "SELECT {advance}(pg_get_serial_sequence({place}, {name})::regclass, max({column}))"
    " FROM {table} HAVING max({column}) > 0"
)


class CopyLoader:
    """Rows of a file into one table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def cells(self, field: Field, value: Json) -> Texts:
        """A canonical value, or None, as COPY's texts of the field's columns."""
        if field.inside:
            return (dumps(dict(members(field, value))).decode()[1:-1] or None,)
        if value is not None and field.type == "string" and field.format == "binary":
            return ("\\x" + base64.b64decode(value).hex(),)
        return texts_of(field, value)

    def append(
        self,
        fields: Sequence[Field],
        rows: Iterable[Sequence[str | None]],
        transaction: "psycopg.Connection[Any]",
    ) -> int:
        """Append rows by COPY; how many there were. Raises RefusedLoad, with the row's place where COPY tells it.

        The table is analyzed at once: until autovacuum comes by, plans would be made for an empty one.
        """
        try:
            return self._append(fields, rows, transaction)
        except psycopg.Error as error:
            raise _refused(error, self._table) from error

    def restore(self, rows: Iterable[Sequence[str | None]], transaction: "psycopg.Connection[Any]") -> int:
        """The same of rows that were kept before: cells of every field, then texts of the service's own columns."""
        try:
            return self._append(self._table.shown, rows, transaction, SYSTEM_COLUMNS)
        except psycopg.Error as error:
            raise _refused(error, self._table) from error

    def undo(self) -> None:
        """The caller's transaction takes everything back."""

    def _append(
        self,
        fields: Sequence[Field],
        rows: Iterable[Sequence[str | None]],
        connection: "psycopg.Connection[Any]",
        more: Sequence[str] = (),
    ) -> int:
        count, table = 0, self._table
        names = [column.identifier for column in written_columns(fields)]
        columns = SQL(", ").join([*names, *map(Identifier, more)])
        into = _arranged(fields)
        with connection.cursor() as cursor:
            with cursor.copy(_COPY.format(table=qualified(table), columns=columns)) as copy:
                for row in rows:
                    copy.write_row(into(row))
                    count += 1
            if table.generated_key == "integer" and any(field.name in table.primary_key for field in fields):
                cursor.execute(_advance(table))
            cursor.execute(SQL("ANALYZE {table}").format(table=qualified(table)))
        return count


def _refused(error: psycopg.Error, table: Table) -> RefusedLoad:
    """What the database refused. COPY's context is ``COPY table, line N[, column …]``."""
    known = translated(error)
    number = (error.diag.context or "").partition(", line ")[2].partition(",")[0].partition(":")[0].strip()
    return RefusedLoad(
        known.detail if isinstance(known, DatarError) else str(error),
        place=int(number) - 1 if number.isdigit() else None,
        fields=named_fields(table).get(error.diag.constraint_name or "", ()),
        values=(error.diag.message_detail or "").partition(")=(")[2].partition(")")[0],
    )


def _arranged(fields: Sequence[Field]) -> Callable[[Sequence[str | None]], Sequence[str | None]]:
    """From the texts of the fields, in their order, to those of their physical columns; what follows stays behind."""
    owners = [field for field in fields for _ in range(1 if field.inside else len(columns_of(field)))]
    if not inside(fields):
        return lambda row: row
    own_places = [place for place, field in enumerate(owners) if not field.inside]
    inside_places = [place for place, field in enumerate(owners) if field.inside]

    def arrange(row: Sequence[str | None]) -> Sequence[str | None]:
        document = "{" + ",".join(filter(None, (row[place] for place in inside_places))) + "}"
        return [*(row[place] for place in own_places), document, *row[len(owners) :]]

    return arrange


def _advance(table: Table) -> Composed:
    """Moves the key's sequence past the keys that came from outside."""
    identity, key = table.identity, table.key_fields[0]
    return _ADVANCE.format(
        advance=Identifier(identity.namespace, "datar_advance"),
        place=Literal(sequence_text(identity.namespace, identity.physical_name)),
        name=Literal(key.column),
        column=Identifier(key.column),
        table=qualified(table),
    )
