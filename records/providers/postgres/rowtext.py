"""Rows as finished JSON text: a template bound as one value, its holes filled by rendered columns.

``format`` with a bound template was the fastest of the ways measured and takes any label and up to 1,000 fields.
A populated relation is one more hole, filled by a correlated subquery that gives the JSON text of its rows.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from psycopg.sql import SQL, Composable, Identifier, Placeholder

from records.jsontext import dumps
from records.plan import Populated
from records.providers.postgres.columns import (
    additional_rendering,
    columns_of,
    compared,
    qualified,
    rendering,
    system_rendering,
)
from records.providers.postgres.source import joined
from records.providers.postgres.values import array_literal
from records.system import SYSTEM_COLUMNS
from records.table import ADDITIONAL_NAME, Field, Table

_OPENED: Final = SQL("(SELECT {text} FROM (SELECT {document} || '{{}}'::jsonb AS {document} OFFSET 0) AS document)")
_ONE: Final = SQL("(SELECT {row} FROM {table} AS {alias} WHERE {condition})")
# OFFSET 0 makes the planner look for the rows of this parent first: it would else walk the whole primary key in hope of
# meeting some of them, which for a parent without any never ends before the table does.
_MANY: Final = SQL(
    "(SELECT '[' || coalesce(string_agg(row, ','), '') || ']' FROM (SELECT {row} AS row FROM"
    " (SELECT * FROM (SELECT {columns} FROM {table} AS {alias} WHERE {condition} OFFSET 0) AS {alias}"
    " ORDER BY {order} LIMIT {limit}::bigint) AS {alias}) AS rows)"
)


def row_template(fields: Sequence[Field], populated: Sequence[Populated] = (), *, meta: bool) -> str:
    """``{"label":%s,…}``: labels as JSON text, their ``%`` doubled for ``format``; additional ones fill a hole."""
    labels = [*row_labels(fields, populated), *(SYSTEM_COLUMNS if meta else ())]
    holes = (f",{dumps(label).decode().replace('%', '%%')}:" if label != ADDITIONAL_NAME else "" for label in labels)
    return "{" + "%s".join([*holes, ""])[1:] + "}"


def row_labels(fields: Sequence[Field], populated: Sequence[Populated] = ()) -> list[str]:
    """What a row's holes are called: its fields, then the relations whose name is not that of a field."""
    labels = [field.name for field in fields]
    return [*labels, *(each.relation.name for each in populated if each.relation.name not in labels)]


def row_text(fields: Sequence[Field], template: Composable, *, meta: bool) -> Composable:
    """The expression that fills the template from the columns of a row."""
    return _filled(fields, [_rendering(field, None) for field in fields], template, meta=meta)


def populated_row(fields: Sequence[Field], populated: Sequence[Populated], alias: str, *, meta: bool) -> Composable:
    """The same for a row that carries relations, of the table or subquery ``alias``.

    Templates are bound as ``template``, and for the relations, in depth-first order, as ``template0``, ``template1`` …;
    ``populated_templates`` gives them. To-many relations take their limit from ``populate_limit``.
    """
    numbers = count()
    holes = row_holes(fields, populated, alias, numbers)
    return _filled(fields, holes, Placeholder("template"), meta=meta)


def taken_names(populated: Sequence[Populated]) -> str:
    """Names that are a relation's, so no additional field's, as an array literal."""
    return array_literal([each.relation.name for each in populated])


def row_holes(
    fields: Sequence[Field],
    populated: Sequence[Populated],
    alias: str,
    numbers: Iterator[int],
    own: str = "",
) -> list[Composable]:
    """The JSON text of each of ``row_labels``, SQL NULL for null; ``own`` is the number of the relation they are of."""
    relations = {each.relation.name: _relation_text(each, alias, numbers) for each in populated}
    taken = Placeholder(f"taken{own}") if populated else None
    columns = {field.name: _rendering(field, taken) for field in fields}
    return [relations.get(label, columns.get(label, SQL("NULL"))) for label in row_labels(fields, populated)]


def populated_templates(populated: Sequence[Populated]) -> dict[str, str]:
    """The templates of the relations and the names taken in rows, by the names of their placeholders."""
    templates = {f"template{place}": template for place, template in enumerate(_templates(populated))}
    taken = {f"taken{place}": names for place, names in enumerate(_taken(populated))}
    return {**templates, **taken, "taken": taken_names(populated)} if populated else {}


def link_columns(populated: Sequence[Populated]) -> Iterator[str]:
    """The columns of a row that its relations are found by."""
    for each in populated:
        for here, _ in each.relation.pairs:
            yield columns_of(here)[0].kept_in


def read_columns(fields: Sequence[Field], populated: Sequence[Populated], *, meta: bool) -> list[str]:
    """The columns that a row's text needs, each once."""
    names = [column.kept_in for field in fields for column in columns_of(field)]
    return list(dict.fromkeys([*names, *link_columns(populated), *(SYSTEM_COLUMNS if meta else ())]))


def _templates(populated: Sequence[Populated]) -> Iterator[str]:
    for each in populated:
        yield row_template(each.relation.target.shown, each.populated, meta=False)
        yield from _templates(each.populated)


def _taken(populated: Sequence[Populated]) -> Iterator[str]:
    for each in populated:
        yield taken_names(each.populated)
        yield from _taken(each.populated)


def _rendering(field: Field, taken: Composable | None) -> Composable:
    return additional_rendering(field, taken) if field.is_additional else rendering(field)


def _relation_text(populated: Populated, outer: str, numbers: Iterator[int]) -> Composable:
    number = next(numbers)
    relation, alias = populated.relation, f"p{number}"
    target = relation.target
    holes = row_holes(target.shown, populated.populated, alias, numbers, str(number))
    row = _filled(target.shown, holes, Placeholder(f"template{number}"), meta=False)
    place = {"table": qualified(target), "alias": Identifier(alias), "condition": joined(relation, outer, alias)}
    if not relation.many:
        return _ONE.format(row=row, **place)
    names = read_columns(target.shown, populated.populated, meta=False)
    names += [name for name in (compared(field).name for field in target.key_fields) if name not in names]
    columns = SQL(", ").join(Identifier(alias, name) for name in names)
    limit = Placeholder("populate_limit")
    return _MANY.format(row=row, columns=columns, order=_key_order(target, alias), limit=limit, **place)


def _key_order(table: Table, alias: str) -> Composable:
    return SQL(", ").join(Identifier(alias, compared(field).name) for field in table.key_fields)


def opened(fields: Sequence[Field], text: Composable) -> Composable:
    """A text made of renderings of these fields, with the row's document fetched once for all that are inside it.

    Each look into a document of more than 2 KB would else fetch and decompress the whole. Joining it with nothing gives
    it back as it is, in memory; OFFSET 0 keeps the planner from writing that out at each look.
    """
    places = [field.inside for field in fields if field.inside]
    return _OPENED.format(text=text, document=Identifier(places[0])) if places else text


def _filled(fields: Sequence[Field], holes: Sequence[Composable], template: Composable, *, meta: bool) -> Composable:
    rendered = list(holes)
    if meta:
        rendered += [system_rendering(name) for name in SYSTEM_COLUMNS]
    filled = SQL(", ").join(SQL("coalesce({hole}, 'null')").format(hole=hole) for hole in rendered)
    text = SQL("format({template}::text, VARIADIC ARRAY[{filled}])").format(template=template, filled=filled)
    return opened(fields, text)
