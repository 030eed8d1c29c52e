"""The floor's SQL, written by hand for this one purpose: the same JSON as the service gives, in one statement each.

It reads from the tenant's metadata where a table physically lies. It uses none of the service's SQL, so a service that
grew slow in SQL would show.
"""

import json
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal, Placeholder

_CASTS = {"integer": SQL("bigint"), "year": SQL("integer"), "number": SQL("numeric"), "datetime": SQL("timestamptz")}
_TEXT = SQL("text")
_INSTANT = SQL("""replace(to_json({})::text, '+00:00"', 'Z"')""")
_NUMBER = SQL("{}::text")
_OTHER = SQL("to_json({})::text")
_TEMPLATE = Placeholder("template")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table lies: its schema, its name, and its fields as (label, column, type), a generated key first."""

    namespace: str
    datatable: int
    table: str
    fields: tuple[tuple[str, str, str], ...]
    key: tuple[str, ...]

    @property
    def name(self) -> Identifier:
        """The table, schema-qualified."""
        return Identifier(self.namespace, self.table)

    def column(self, label: str) -> Identifier:
        """The column of that label."""
        return Identifier(self.named(label))

    def named(self, label: str) -> str:
        """The column's name of that label."""
        return next(column for name, column, _ in self.fields if name == label)

    @property
    def template(self) -> str:
        """A row as JSON with a hole for each field."""
        return "{" + ",".join(json.dumps(label) + ":%s" for label, _, _ in self.fields) + "}"


def find_place(connection: "psycopg.Connection[Any]", namespace: str, app: str, table: str) -> Place:
    """The place of a materialized table of a tenant's app."""
    statement = SQL(
        "SELECT t.id, t.physical_table_name, t.columns, t.json_schema FROM {tables} t JOIN {apps} a ON a.id = t.app_id"
        " WHERE a.slug = %s AND t.name = %s AND t.is_active"
    ).format(tables=Identifier(namespace, "datar_datatable"), apps=Identifier(namespace, "datar_app"))
    row = connection.execute(statement, [app, table]).fetchone()
    if row is None:
        raise LookupError(f"no table {app}/{table} in {namespace}")
    datatable, physical, columns, schema = (
        json.loads(value) if isinstance(value, str) and value[:1] in "{[" else value for value in row
    )
    types = {field["name"]: field["type"] for field in schema["fields"]}
    key = schema.get("primaryKey", "id")
    labels = [*(label for label in columns if label not in types), *types]
    fields = tuple((label, columns[label], types.get(label, "integer")) for label in labels)
    return Place(namespace, datatable, physical, fields, tuple([key] if isinstance(key, str) else key))


def bound(at: int) -> Placeholder:
    """The parameter at that place of a request."""
    return Placeholder(f"p{at}")


def row_text(place: Place, alias: str = "", template: Composable = _TEMPLATE) -> Composable:
    """A row of the place, called ``alias`` where that is needed, as JSON text."""
    holes = []
    for _, column, kind in place.fields:
        form = _INSTANT if kind == "datetime" else _NUMBER if kind in ("integer", "year") else _OTHER
        name = Identifier(alias, column) if alias else Identifier(column)
        holes.append(SQL("coalesce({}, 'null')").format(form.format(name)))
    return SQL("format({}, VARIADIC ARRAY[{}])").format(template, SQL(", ").join(holes))


def single(place: Place) -> Composable:
    """One row by its key; the key's parts are bound as ``p0``, ``p1`` …"""
    tests = [SQL("{} = {}").format(place.column(label), bound(at)) for at, label in enumerate(place.key)]
    return SQL("SELECT '{{\"data\":' || {row} || '}}' FROM {table} WHERE {tests}").format(
        row=row_text(place), table=place.name, tests=SQL(" AND ").join(tests)
    )


def page(place: Place, size: int, where: Composable | None, *, total: bool) -> Composable:
    """``size`` rows in the key's order from the bound offset ``p0`` on, with or without the total of all that fit.

    The total of a whole table (``where`` None) is read where the service keeps it: a floor that counted rows would be
    too easy to beat.
    """
    count = SQL("(SELECT count(*) FROM {table} WHERE {where})").format(table=place.name, where=where)
    if where is None:
        where = SQL("true")
        count = SQL("(SELECT sum(delta)::bigint FROM {counts} WHERE datatable_id = {table})").format(
            counts=Identifier(place.namespace, "datar_rowcount"), table=Literal(place.datatable)
        )
    return SQL(
        "SELECT '{{\"data\":[' || coalesce(string_agg({row}, ','), '') || '],\"total\":' || {total} || ',\"page\":1,"
        "\"page_size\":' || {size} || '}}' FROM"
        " (SELECT * FROM {table} WHERE {where} ORDER BY {key} LIMIT {size} OFFSET {offset}) AS page"
    ).format(
        row=row_text(place),
        total=count if total else SQL("'null'"),
        size=Literal(size),
        offset=bound(0),
        table=place.name,
        where=where,
        key=SQL(", ").join(place.column(label) for label in place.key),
    )


def insert(place: Place, *, many: bool) -> Composable:
    """Insert the bound body, an object or an array of objects; answer the stored rows."""
    sent = [field for field in place.fields if field[0] not in place.key]
    shape = SQL(", ").join(SQL("{} {}").format(Identifier(label), _CASTS.get(kind, _TEXT)) for label, _, kind in sent)
    rows = SQL("json_to_recordset({}::json)" if many else "json_to_record({}::json)").format(bound(0))
    answer = SQL("'{{\"data\":[' || string_agg({row}, ',') || ']}}'" if many else "'{{\"data\":' || {row} || '}}'")
    return SQL(
        "WITH stored AS (INSERT INTO {table} ({columns}) SELECT {labels} FROM {rows} AS sent({shape}) RETURNING *)"
        " SELECT {answer} FROM stored"
    ).format(
        table=place.name,
        columns=SQL(", ").join(Identifier(column) for _, column, _ in sent),
        labels=SQL(", ").join(Identifier(label) for label, _, _ in sent),
        rows=rows,
        shape=shape,
        answer=answer.format(row=row_text(place)),
    )


def copy_in(place: Place, labels: list[str]) -> Composed:
    """COPY of these fields into the table."""
    return SQL("COPY {table} ({columns}) FROM STDIN").format(
        table=place.name, columns=SQL(", ").join(place.column(label) for label in labels)
    )
