"""Write plans that change or remove rows → one statement each; of a batch all rows or none, locked in key order.

Those that name a row's version, or a condition instead of keys, are in ``conditional``.
"""

from collections.abc import Hashable, Sequence
from typing import Final

from psycopg.sql import SQL, Composable, Composed, Identifier, Placeholder

from records.plan import WritePlan
from records.providers.postgres.columns import columns_of, compared, qualified
from records.providers.postgres.compile import Values, key_conditions, key_values
from records.providers.postgres.conditional import (
    change_in_version,
    removal_by_condition,
    removal_in_version,
    removal_values,
    version_values,
)
from records.providers.postgres.folding import Folding
from records.providers.postgres.guard import guard
from records.providers.postgres.insert import sent_rows, touched
from records.providers.postgres.placing import (
    additional_in,
    change_text,
    document_change,
    document_text,
    inside,
    names_text,
    own,
    patches_json,
)
from records.providers.postgres.rowtext import row_text
from records.providers.postgres.values import columns_json, texts_of
from records.providers.postgres.where import condition_shape
from records.stamp import UPDATED_FIELD, stamped
from records.system import VERSION
from records.table import Field, Table

_TEMPLATE: Final = Placeholder("template")
_ONE: Final = SQL("UPDATE {table} SET {changes} WHERE {key} AND {guard} RETURNING {row}, {version}")
_LOCKED: Final = SQL(
    "WITH sent AS MATERIALIZED (SELECT * FROM {sent}), "
    "found AS MATERIALIZED (SELECT sent.n FROM {table} AS t JOIN sent ON {join} ORDER BY {order} FOR UPDATE OF t), "
    "missing AS MATERIALIZED (SELECT n FROM sent WHERE n NOT IN (SELECT n FROM found)), "
)
_MANY: Final = SQL(
    "{locked}changed AS (UPDATE {table} AS t SET {changes} FROM sent "
    "WHERE {join} AND NOT EXISTS (SELECT FROM missing) AND {guard} RETURNING sent.n, {row} AS row) "
    "SELECT (SELECT count(*) FROM changed), (SELECT string_agg(row, ',' ORDER BY n) FROM changed), "
    "(SELECT array_agg(n ORDER BY n) FROM missing)"
)
_DELETE: Final = SQL(
    "{locked}gone AS (DELETE FROM {table} AS t USING sent "
    "WHERE {join} AND NOT EXISTS (SELECT FROM missing) AND {guard} RETURNING 1) "
    "SELECT (SELECT count(*) FROM gone), NULL, (SELECT array_agg(n ORDER BY n) FROM missing)"
)


def update_shape(plan: WritePlan) -> Hashable:
    """What the statement depends on."""
    identity = plan.table.identity
    columns = tuple(field.column for field in plan.fields)
    uneven = () if plan.single else tuple(field.column for field in plan.fields if _uneven(plan, field))
    place = (identity.namespace, identity.id, identity.revision)
    form = (plan.single, plan.meta, plan.minimal, plan.replaces, plan.versions is not None)
    return ("update", *place, columns, form, uneven)


def update_statement(plan: WritePlan) -> Composed:
    """Change the sent fields of one row, or of each row of a batch."""
    table = plan.table
    row = row_text(table.shown, _TEMPLATE, meta=plan.meta)
    sent = {field.name for field in plan.fields}
    if plan.single:
        places = _places(plan.fields)
        changes: list[Composable] = [
            SQL("{column} = {value}").format(
                column=column.identifier, value=column.bound(Placeholder(f"column{places[column.name]}"))
            )
            for field in own(plan.fields)
            for column in columns_of(field)
        ]
        if members := inside(plan.fields):
            patch = SQL("{patch}::jsonb").format(patch=Placeholder("patch"))
            sent_beside = None if plan.replaces else additional_in(patch)
            changes.append(document_change(members, "", names_text(members), patch, sent_beside))
        every = SQL(", ").join([*changes, *touched(table, sent)])
        if plan.versions is not None:
            return change_in_version(plan, every, row)
        return _ONE.format(
            table=qualified(table),
            changes=every,
            key=SQL(" AND ").join(key_conditions(table)),
            guard=guard(table),
            row=row,
            version=Identifier(VERSION),
        )
    changes = [change for field in own(plan.fields) for change in _batch_changes(plan, field)]
    changes += _batch_document(plan)
    return _MANY.format(
        locked=_locked(table, len(_batch_columns(plan))),
        table=qualified(table),
        changes=SQL(", ").join([*changes, *touched(table, sent)]),
        join=_join(table),
        guard=guard(table),
        row=row,
    )


def update_values(plan: WritePlan) -> Values:
    """The values of ``update_statement``; a single row's key stands in its row, in canonical form."""
    values: Values = {}
    if plan.single:
        row = plan.rows[0]
        texts = (text for field in own(plan.fields) for text in texts_of(field, row[field.name]))
        values.update((f"column{place}", text) for place, text in enumerate(texts))
        if members := inside(plan.fields):
            values["patch"] = (document_text if plan.replaces else change_text)(members, row)
        return {**values, **(key_values(plan.key) if plan.versions is None else version_values(plan))}
    values.update((f"column{place}", text) for place, text in enumerate(_batch_columns(plan)))
    return values


def delete_shape(plan: WritePlan) -> Hashable:
    """What the statement depends on."""
    identity = plan.table.identity
    condition = None if plan.where is None else condition_shape(plan.where)
    place = (identity.namespace, identity.id, identity.revision)
    return ("delete", *place, plan.versions is not None, plan.where is not None, condition)


def delete_statement(plan: WritePlan, folding: Folding) -> Composed:
    """Remove rows by key, all or none; one row in one of its versions; or the rows that a condition holds of."""
    if plan.where is not None:
        return removal_by_condition(plan, folding)
    if plan.versions is not None:
        return removal_in_version(plan)
    table = plan.table
    return _DELETE.format(
        locked=_locked(table, len(table.primary_key)), table=qualified(table), join=_join(table), guard=guard(table)
    )


def delete_values(plan: WritePlan) -> Values:
    """The values of ``delete_statement``; every row holds its key fields."""
    if plan.where is not None:
        return removal_values(plan)
    if plan.versions is not None:
        return version_values(plan)
    texts = [columns_json(field, plan.rows)[-1] for field in plan.table.key_fields]
    return {f"column{place}": text for place, text in enumerate(texts)}


def _places(fields: Sequence[Field]) -> dict[str, int]:
    names = [column.name for field in own(fields) for column in columns_of(field)]
    return {name: place for place, name in enumerate(names)}


def _batch_columns(plan: WritePlan) -> list[str]:
    """Arrays bound by a batch: the key, each field, then who sent the fields that only some rows send.

    Last, of a table with documents, what leaves them and what comes.
    """
    arrays = [columns_json(field, plan.rows)[-1] for field in plan.table.key_fields]
    arrays += [array for field in own(plan.fields) for array in columns_json(field, plan.rows)]
    for field in own(plan.fields):
        if _uneven(plan, field):
            marks = ",".join("true" if field.name in row else "false" for row in plan.rows)
            arrays.append("[" + marks + "]")
    if members := inside(plan.fields):
        arrays += patches_json(members, plan.rows)
    return arrays


def _uneven(plan: WritePlan, field: Field) -> bool:
    return any(field.name not in row for row in plan.rows)


def _batch_changes(plan: WritePlan, field: Field) -> list[Composable]:
    """``column = sent`` for a field; where only some rows send it, others keep theirs, ``updated_at`` gets the time."""
    offset = len(plan.table.primary_key)
    places = _places(plan.fields)
    values = [
        (column, column.bound(Identifier("sent", f"s{offset + places[column.name]}"))) for column in columns_of(field)
    ]
    if not _uneven(plan, field):
        return [SQL("{column} = {value}").format(column=column.identifier, value=value) for column, value in values]
    uneven = [other for other in own(plan.fields) if _uneven(plan, other)]
    mark = Identifier("sent", f"s{offset + len(places) + uneven.index(field)}")
    filled = field == stamped(plan.table, UPDATED_FIELD)
    return [
        SQL("{column} = CASE WHEN {mark}::boolean THEN {value} ELSE {other} END").format(
            column=column.identifier, mark=mark, value=value, other=other
        )
        for column, value in values
        for other in (SQL("now()") if filled else SQL("t.{column}").format(column=column.identifier),)
    ]


def _batch_document(plan: WritePlan) -> list[Composable]:
    """What changes inside the documents, where anything does: of each row what it sends itself."""
    members = inside(plan.fields)
    if not members:
        return []
    last = len(_batch_columns(plan)) - 1
    gone, patch = Identifier("sent", f"s{last - 1}"), Identifier("sent", f"s{last}")
    coming = SQL("{patch}::jsonb").format(patch=patch)
    return [document_change(members, "t", gone, coming, additional_in(coming))]


def _locked(table: Table, columns: int) -> Composed:
    order = SQL(", ").join(SQL("t.{c}").format(c=compared(field).identifier) for field in table.key_fields)
    return _LOCKED.format(sent=sent_rows(columns), table=qualified(table), join=_join(table), order=order)


def _join(table: Table) -> Composed:
    parts = [
        SQL("t.{column} = {value}").format(
            column=compared(field).identifier, value=compared(field).bound(Identifier("sent", f"s{place}"))
        )
        for place, field in enumerate(table.key_fields)
    ]
    return SQL(" AND ").join(parts)
