"""A field as PostgreSQL: its columns, how a bound text becomes its value, how its value becomes JSON text.

Column names are generated and safe; labels appear in none of these expressions. A column that is ``inside`` has its
place in the row's document, under its name: ``Column.of`` is the one spelling of its value.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from psycopg.sql import SQL, Composable, Identifier, Literal

from records.fieldtypes import field_type
from records.system import VERSION
from records.table import Field, Table

VERSION_SEQUENCE: Final = "datar_version"

_INSTANT = SQL("""replace(to_json({column})::text, '+00:00"', 'Z"')""")
_JSON = SQL("to_json({column})::text")
_PLAIN = SQL("{column}::text")
_BASE64 = SQL("""'"' || translate(encode({column}, 'base64'), E'\\n', '') || '"'""")
_CAST = SQL("{text}::{cast}")
_INSIDE = SQL("({document} ->> {key})::{cast}")
_ADDITIONAL = SQL("coalesce(',' || left(substr(nullif({column}{less}, '{{}}')::text, 2), -1), '')")
_LESS = SQL(" - {taken}::text[]")
_GEOPOINT = SQL("'[' || to_json({column})::text || ',' || to_json({beside})::text || ']'")


@dataclass(frozen=True, slots=True)
class Storage:
    """A PostgreSQL type: as DDL writes it, as a cast writes it, and how its value becomes JSON text.

    ``inside`` reads the value from a document, where it stands in its canonical JSON form.
    """

    ddl: SQL
    cast: SQL
    render: SQL
    bind: SQL
    inside: SQL


def _storage(ddl: SQL, cast: SQL, render: SQL = _JSON, bind: SQL = _CAST, inside: SQL = _INSIDE) -> Storage:
    return Storage(ddl, cast, render, bind, inside)


_BYTES: Final = _storage(
    SQL("bytea"),
    SQL("bytea"),
    _BASE64,
    SQL("decode({text}::text, 'base64')"),
    SQL("decode({document} ->> {key}, 'base64')"),
)
STORAGES: Final[dict[str, Storage]] = {
    'text COLLATE "C"': _storage(
        SQL('text COLLATE "C"'), SQL("text"), inside=SQL('(({document} ->> {key}) COLLATE "C")')
    ),
    "text": _storage(SQL("text"), SQL("text")),
    "uuid": _storage(SQL("uuid"), SQL("uuid")),
    "bytea": _BYTES,
    "bigint": _storage(SQL("bigint"), SQL("bigint"), _PLAIN),
    "integer": _storage(SQL("integer"), SQL("integer"), _PLAIN),
    "numeric": _storage(SQL("numeric"), SQL("numeric")),
    "boolean": _storage(SQL("boolean"), SQL("boolean"), _PLAIN),
    "date": _storage(SQL("date"), SQL("date")),
    "time": _storage(SQL("time"), SQL("time")),
    "timestamptz": _storage(SQL("timestamptz"), SQL("timestamptz"), _INSTANT),
    "jsonb": _storage(SQL("jsonb"), SQL("jsonb"), _PLAIN, inside=SQL("({document} -> {key})")),
}
"""Every type that ``fieldtypes`` names, spelled here once: no type word reaches SQL from elsewhere."""


@dataclass(frozen=True, slots=True)
class Column:
    """One physical column, or one place inside the document."""

    name: str
    storage: Storage
    inside: str = ""

    @property
    def identifier(self) -> Identifier:
        """The column's name, quoted."""
        return Identifier(self.name)

    @property
    def kept_in(self) -> str:
        """The name of the physical column that holds the value."""
        return self.inside or self.name

    def of(self, alias: str | None = None) -> Composable:
        """The value in the row of that alias, as the column's type."""
        if not self.inside:
            return Identifier(self.name) if alias is None else Identifier(alias, self.name)
        document = Identifier(self.inside) if alias is None else Identifier(alias, self.inside)
        return self.storage.inside.format(document=document, key=Literal(self.name), cast=self.storage.cast)

    @property
    def as_json(self) -> "Column":
        """The same place, its value as it stands in the document; a column of its own as it is."""
        return replace(self, storage=STORAGES["jsonb"]) if self.inside else self

    def bound(self, text: Composable) -> Composable:
        """A text as the column's value."""
        return self.storage.bind.format(text=text, cast=self.storage.cast)

    @property
    def sent_as(self) -> SQL:
        """The type of an array's elements on their way in: the column's own, but for bytes, which come as base64."""
        return SQL("text") if self.storage is _BYTES else self.storage.cast

    def element(self, sent: Composable) -> Composable:
        """An element of such an array as the column's value."""
        return self.bound(sent) if self.storage is _BYTES else sent


def columns_of(field: Field) -> tuple[Column, ...]:
    """The field's one or two columns; the first is the one that is compared but for a duration, whose second is."""
    return _columns(field.column, field.beside, field_type(field).postgres, field.inside)


@lru_cache(maxsize=65_536)
def _columns(first: str, beside: str, types: tuple[str, ...], inside: str) -> tuple[Column, ...]:
    # By these words and not by the field: a default or an enum may be a JSON value, which has no hash.
    return tuple(Column(name, STORAGES[type_], inside) for name, type_ in zip((first, beside), types, strict=False))


def compared(field: Field) -> Column:
    """The column that filters and orders: a duration's comparable form, else the first."""
    columns = columns_of(field)
    return columns[-1] if field.type == "duration" else columns[0]


def qualified(table: Table) -> Identifier:
    """The physical table, always with its namespace."""
    return Identifier(table.identity.namespace, table.identity.physical_name)


def rendering(field: Field) -> Composable:
    """The field of a row as JSON text, SQL NULL when it is null. In a document it stands as the JSON it is."""
    first, *others = (column.as_json for column in columns_of(field))
    if field.type == "geopoint":
        return _GEOPOINT.format(column=first.of(), beside=others[0].of())
    return first.storage.render.format(column=first.of())


def additional_rendering(field: Field, taken: Composable | None) -> Composable:
    """The additional fields of a row as further members of its JSON text, each after a comma; those ``taken`` not."""
    less = SQL("") if taken is None else _LESS.format(taken=taken)
    return _ADDITIONAL.format(column=columns_of(field)[0].of(), less=less)


def system_rendering(name: str) -> Composable:
    """A system column as JSON text."""
    return (_PLAIN if name == VERSION else _INSTANT).format(column=Identifier(name))
