"""The floor's SQL of questions: groups, populated pages, searches and pages by place; by hand, as ``statements`` is."""

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from bench.statements import Place, bound, row_text

_BEHIND: dict[str, SQL] = {
    "integer": SQL("{}::bigint"),
    "string": SQL("{}::text"),
    "datetime": SQL("{}::timestamptz"),
}


def groups(place: Place, key: str, summed: str, averaged: str) -> Composable:
    """All groups of a key: how many rows, a sum, an average of 15 significant digits; the page that holds them all."""
    return SQL(
        "SELECT '{{\"data\":[' || string_agg(json_build_object({key_label}, key, 'count', rows, {sum_label}, total,"
        " {mean_label}, trim_scale(round(mean, 14 - floor(log(abs(mean)))::int)))::text, ',' ORDER BY key)"
        ' || \'],"total":\' || count(*) || \',"page":1,"page_size":20}}\''
        " FROM (SELECT {key} AS key, count(*) AS rows, sum({summed}) AS total, avg({averaged}) AS mean"
        " FROM {table} GROUP BY {key}) AS groups"
    ).format(
        key_label=Literal(key),
        sum_label=Literal(f"sum_{summed}"),
        mean_label=Literal(f"avg_{averaged}"),
        key=place.column(key),
        summed=place.column(summed),
        averaged=place.column(averaged),
        table=place.name,
    )


def populated(place: Place, size: int, parents: Sequence[tuple[str, str, Place]]) -> Composable:
    """``size`` rows from ``p0`` on without a total; in each, under a name, the parent that a field points at."""
    pieces = [SQL("',{}:' || {}").format(_json_name(name), _parent(place, field, to)) for name, field, to in parents]
    row = SQL("rtrim({row}, '}}') || {pieces} || '}}'").format(
        row=row_text(place, "page"), pieces=SQL(" || ").join(pieces)
    )
    page = SQL("SELECT * FROM {table} ORDER BY {key} LIMIT {size} OFFSET {offset}").format(
        table=place.name, key=_key(place), size=Literal(size), offset=bound(0)
    )
    return _paged(row, page, '"total":null')


def by_place(place: Place, size: int, *, first: bool) -> Composable:
    """The ``first`` ``size`` rows in the key's order, or those behind the key ``p0, p1 …``."""
    kinds = {label: kind for label, _, kind in place.fields}
    after = SQL(", ").join(_BEHIND[kinds[label]].format(bound(at)) for at, label in enumerate(place.key))
    page = SQL("SELECT * FROM {table} WHERE {behind} ORDER BY {key} LIMIT {size}").format(
        table=place.name,
        behind=SQL("true") if first else SQL("({}) > ({})").format(_key(place), after),
        key=_key(place),
        size=Literal(size),
    )
    return _paged(row_text(place), page, '"next_cursor":null')


def found(place: Place, connection: "psycopg.Connection[Any]") -> Composable:
    """That a row is found by the words ``p1``, in the column that PostgreSQL keeps for searches."""
    row = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND atttypid = 'tsvector'::regtype",
        [place.name.as_string(connection)],
    ).fetchone()
    if row is None:
        raise LookupError(f"no search column in {place.table}")
    return SQL("{} @@ websearch_to_tsquery('simple', {})").format(Identifier(row[0]), bound(1))


def key_at(place: Place, rank: int, connection: "psycopg.Connection[Any]") -> list[str]:
    """The key of the row of that rank (from 1), as texts."""
    parts = SQL(", ").join(SQL("page.{}::text").format(place.column(label)) for label in place.key)
    statement = SQL("SELECT {} FROM (SELECT * FROM {} ORDER BY {} OFFSET {} LIMIT 1) AS page").format(
        parts, place.name, _key(place), Literal(rank - 1)
    )
    row = connection.execute(statement).fetchone()
    if row is None:
        raise LookupError(f"no row {rank} in {place.table}")
    return list(row)


def _paged(row: Composable, page: Composable, rest: LiteralString) -> Composable:
    return SQL(
        "SELECT '{{\"data\":[' || coalesce(string_agg({row}, ','), '') || '],{rest}}}' FROM ({page}) AS page"
    ).format(row=row, rest=SQL(rest), page=page)


def _parent(place: Place, field: str, parent: Place) -> Composable:
    # Per cent signs are doubled: the statement goes through the client's placeholders.
    template = Literal(parent.template.replace("%", "%%"))
    return SQL("coalesce((SELECT {row} FROM {table} AS parent WHERE {key} = {field}), 'null')").format(
        row=row_text(parent, "parent", template),
        table=parent.name,
        key=Identifier("parent", parent.named(parent.key[0])),
        field=Identifier("page", place.named(field)),
    )


def _json_name(name: str) -> Composable:
    return Identifier(name)  # a plain word: JSON's quotes are SQL's


def _key(place: Place) -> Composable:
    return SQL(", ").join(place.column(label) for label in place.key)
