"""Lists and groups as lines of text → one statement each, a line a row: JSON, or the cells of CSV (RFC 4180).

PostgreSQL writes the lines. A cell is the value as in JSON, a text without its quotes; where it needs CSV's, it gets
them. Null is nothing, an empty text two quotes.
"""

from collections.abc import Hashable, Sequence
from itertools import count
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier

from records.additional import headings
from records.conditions import EVERYTHING
from records.exports import Form
from records.fieldtypes import field_type
from records.plan import GroupPlan, ListPlan
from records.providers.postgres.columns import columns_of, rendering, system_rendering
from records.providers.postgres.compile import (
    Values,
    limit_text,
    list_shape,
    offset_text,
    order_term,
    page_columns,
    read_templates,
    shared_values,
    where_text,
)
from records.providers.postgres.folding import Folding
from records.providers.postgres.grouping import (
    group_cells_statement,
    group_names,
    group_rows_statement,
    group_shape,
    group_templates,
    group_values,
)
from records.providers.postgres.rowtext import opened, populated_row, row_holes, row_labels
from records.providers.postgres.source import Source
from records.query import Page
from records.system import SYSTEM_COLUMNS
from records.table import Field
from records.typerow import TEXT

_LIST: Final = SQL("SELECT {line} FROM (SELECT {columns} FROM {source}{where} ORDER BY {order}{limit}) AS page")
_LIMITED: Final = SQL(" LIMIT {limit} OFFSET {offset}")
# OFFSET 0 keeps the planner from writing each cell's expression out where its name stands.
_READ: Final = SQL("SELECT {cells} FROM (SELECT {each} FROM ({groups}) AS read({names}) OFFSET 0) AS cells")
_LINE: Final = SQL("array_to_string(ARRAY[{cells}]::text[], ',', '')")
_MAYBE_QUOTED: Final = SQL(
    """CASE WHEN {text} = '' OR {text} ~ E'[",\\r\\n]' THEN '"' || replace({text}, '"', '""') || '"' ELSE {text} END"""
)
_QUOTED: Final = SQL("""'"' || replace({text}, '"', '""') || '"'""")
_BARE: Final = SQL("""btrim({json}, '"')""")
_BYTES: Final = SQL("""CASE WHEN {json} = '""' THEN '""' ELSE {bare} END""")
_OF_JSON: Final = SQL("""({json} #>> '{{}}')""")


def export_shape(plan: ListPlan | GroupPlan, form: Form) -> Hashable:
    """What the statement depends on."""
    shape = group_shape(plan) if isinstance(plan, GroupPlan) else list_shape(plan)
    return "export", form, plan.page is None, shape


def export_statement(plan: ListPlan | GroupPlan, form: Form, folding: Folding) -> Composed:
    """One statement with one text a row: its line, without an end."""
    if isinstance(plan, ListPlan):
        return _list_statement(plan, form, folding)
    if form == "ndjson":
        return group_rows_statement(plan, folding)
    names = [Identifier(f"c{place}") for place in range(len(group_names(plan)))]
    read = [SQL("({json}::json #>> '{{}}') COLLATE \"C\" AS {json}").format(json=name) for name in names]
    return _READ.format(
        cells=_LINE.format(cells=SQL(", ").join(_MAYBE_QUOTED.format(text=name) for name in names)),
        each=SQL(", ").join(read),
        groups=group_cells_statement(plan, folding),
        names=SQL(", ").join(names),
    )


def export_values(plan: ListPlan | GroupPlan) -> Values:
    """The values of the statement."""
    if isinstance(plan, GroupPlan):
        return group_values(plan)
    page = plan.page
    paged: Values = {"limit": str(page.size), "offset": str(page.offset)} if isinstance(page, Page) else {}
    return paged | shared_values(plan)


def export_templates(plan: ListPlan | GroupPlan) -> dict[str, str]:
    """The row templates that the statement binds."""
    return group_templates(plan) if isinstance(plan, GroupPlan) else read_templates(plan)


def export_labels(plan: ListPlan | GroupPlan) -> list[str]:
    """What the cells of a line are called."""
    if isinstance(plan, GroupPlan):
        return group_names(plan)
    return [*headings(row_labels(plan.fields, plan.populated)), *(SYSTEM_COLUMNS if plan.meta else ())]


def _list_statement(plan: ListPlan, form: Form, folding: Folding) -> Composed:
    source = Source(plan.table)
    where: Composable = SQL("")
    if plan.where != EVERYTHING:
        where = SQL(" WHERE {condition}").format(condition=where_text(plan, source, folding))
    order = SQL(", ").join(order_term(sort, source) for sort in plan.order)
    limit: Composable = SQL("")
    if plan.page is not None:
        limit = _LIMITED.format(limit=limit_text(plan), offset=offset_text(plan))
    line: Composable = populated_row(plan.fields, plan.populated, "page", meta=plan.meta)
    if form == "csv":
        line = opened(plan.fields, _LINE.format(cells=SQL(", ").join(_cells(plan))))
    return _LIST.format(
        line=line,
        columns=page_columns(plan, source),
        source=source.text,
        where=where,
        order=order,
        limit=limit,
    )


def _cells(plan: ListPlan) -> Sequence[Composable]:
    """The cells of a row of ``page``: its fields, relations in their places, the service's own columns."""
    holes = row_holes(plan.fields, plan.populated, "page", count())
    fields = {field.name: field for field in plan.fields}
    relations = {each.relation.name for each in plan.populated}
    cells = [
        _QUOTED.format(text=hole) if label in relations else _cell(fields[label])
        for label, hole in zip(row_labels(plan.fields, plan.populated), holes, strict=True)
    ]
    system = SYSTEM_COLUMNS if plan.meta else ()
    return [*cells, *(_BARE.format(json=system_rendering(name)) for name in system)]


def _cell(field: Field) -> Composable:
    """A field's cell, NULL for null. Only texts and JSON can hold what needs quotes."""
    types, column = field_type(field).postgres, columns_of(field)[0].as_json.of()
    if types[0] == TEXT:
        return _MAYBE_QUOTED.format(text=_OF_JSON.format(json=column) if field.inside else column)
    if types == ("jsonb",):
        return _QUOTED.format(text=_OF_JSON.format(json=column))
    if field.type == "geopoint":
        return _QUOTED.format(text=rendering(field))
    if types == ("bytea",):
        return _BYTES.format(json=rendering(field), bare=_BARE.format(json=rendering(field)))
    return _BARE.format(json=rendering(field))
